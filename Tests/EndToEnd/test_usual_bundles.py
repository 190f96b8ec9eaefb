"""The default bundles: which are found, which of them is *the* bundle, and what that costs."""

import os
import re
import subprocess
import tempfile
from pathlib import Path

import pytest

from certificates import certificates_of
from clients import CA_VARIABLES
from roots import CERTS, NATIVE_STORE, NOBODY, PRIVATE, Scene, authority, base

FOUR = ["certifi/cacert.pem", "pip/_vendor/certifi/cacert.pem", "botocore/cacert.pem", "grpc/_cython/_credentials/roots.pem"]
DEBIAN = "/usr/lib/python3/dist-packages"
ENVIRONMENT = "/conda/envs/a/ssl/cacert.pem"
BOTOCORE = f"/usr/local/lib/python3.11/site-packages/{FOUR[2]}"
PLACES = [
    "/conda/ssl/cacert.pem",
    *(f"/conda/lib/python3.12/site-packages/{name}" for name in FOUR),
    "/opt/conda/ssl/cacert.pem",
    *(f"/opt/conda/lib/python3.10/site-packages/{name}" for name in FOUR),
    ENVIRONMENT,
    *(f"/opt/conda/envs/b/lib/python3.13/site-packages/{name}" for name in FOUR),
    *(f"/usr/local/lib/python3.11/site-packages/{name}" for name in FOUR),
    *(f"/usr/local/lib/python3.11/dist-packages/{name}" for name in FOUR),
    *(f"{DEBIAN}/{name}" for name in FOUR),
    *(f"/usr/lib/python3.9/site-packages/{name}" for name in FOUR),
    *(f"/venv/lib/python3.11/site-packages/{name}" for name in FOUR),
]
CORP = authority("Corp Root")
VENV = {"VIRTUAL_ENV": "/venv"}


@pytest.fixture
def scene(directory: Path, binary: Path) -> Scene:
    """A root without any bundle or store, with one mounted CA."""
    root = directory / "root"
    (root / "run").mkdir(parents=True)
    program = directory / "psm-entry"
    program.write_bytes(binary.read_bytes())
    program.chmod(0o755)
    made = Scene(root, program)
    made.mount("Corp Root")
    return made


def sub_command(scene: Scene, *words: str, environment: dict[str, str] | None = None) -> subprocess.CompletedProcess[bytes]:
    line = [scene.binary, words[0], "--root", scene.directory, "--state-dir", "/run/psm-entry", *words[1:]]
    return subprocess.run(line, env=environment or {}, capture_output=True, timeout=60, check=False)


def test_every_place_is_merged_into_and_the_first_is_named(scene):
    for number, path in enumerate(PLACES):
        scene.write(path, base(f"Public {number}"))
    started = scene.start(environment=VENV)
    assert started.lines("error") == [] and started.lines("warning") == []
    for path in PLACES:
        assert CORP.der in certificates_of(scene.read(path)), path
    assert started.variables["NODE_EXTRA_CA_CERTS"] == PLACES[0]
    before = scene.files()
    again = scene.start(environment=VENV)
    assert scene.files() == before and len(again.said.splitlines()) == 1
    assert f"trusted by {len(PLACES)} of {len(PLACES)} stores" in again.said


@pytest.mark.parametrize(("value", "named"), [("default:/srv/ca.pem", PLACES[0]), ("/srv/ca.pem:default", "/srv/ca.pem")])
def test_a_bundle_beside_the_usual_ones(scene, value, named):
    for path in (*PLACES[:2], "/srv/ca.pem"):
        scene.write(path, base())
    started = scene.start("--bundles", value)
    assert started.lines("error") == []
    for path in (*PLACES[:2], "/srv/ca.pem"):
        assert CORP.der in certificates_of(scene.read(path)), path
    assert started.variables["NODE_EXTRA_CA_CERTS"] == named


def test_without_virtual_env_its_packages_are_not_looked_at(scene):
    scene.write(PLACES[-1], base())
    scene.write(NATIVE_STORE, base())
    scene.start()
    assert CORP.der not in certificates_of(scene.read(PLACES[-1]))


@pytest.mark.parametrize("path", PLACES)
def test_each_place_alone_is_the_bundle(scene, path):
    scene.write(path, base())
    scene.write(NATIVE_STORE, base())
    started = scene.start(environment=VENV)
    assert started.variables["NODE_EXTRA_CA_CERTS"] == path
    assert started.lines("error") == [] and not CA_VARIABLES & started.variables.keys()


def test_a_link_to_the_systems_bundle_is_merged_into_once(scene):
    """The layout of Debian's python3-certifi and pip."""
    scene.write(NATIVE_STORE, base())
    for name in FOUR[:2]:
        scene.at(f"{DEBIAN}/{name}").parent.mkdir(parents=True)
        scene.at(f"{DEBIAN}/{name}").symlink_to(NATIVE_STORE)
    started = scene.start()
    assert len(started.lines("1 certificate added")) == 2, "the bundle and its anchors"
    assert certificates_of(scene.read(NATIVE_STORE)).count(CORP.der) == 1
    assert scene.at(f"{DEBIAN}/{FOUR[0]}").is_symlink()
    assert "trusted by 1 of 1 store" in started.said


def test_one_file_under_two_names_is_one_store(scene):
    first, second = PLACES[1], ENVIRONMENT
    scene.write(first, base())
    scene.at(second).parent.mkdir(parents=True)
    os.link(scene.at(first), scene.at(second))
    started = scene.start()
    assert len(started.lines("1 certificate added")) == 1
    assert scene.at(first).samefile(scene.at(second))


def test_an_empty_bundle_is_an_error_and_the_next_one_is_named(scene):
    scene.write(PLACES[0], b"")
    scene.write(PLACES[1], base())
    started = scene.start()
    assert started.lines(f"error: {PLACES[0]}: empty")
    assert started.variables["NODE_EXTRA_CA_CERTS"] == PLACES[1]


def test_an_environment_that_a_user_may_not_enter_matches_nothing(scene):
    for path in (PLACES[0], PLACES[1], ENVIRONMENT):
        scene.write(path, base())
    scene.write(NATIVE_STORE, base())
    scene.at("/conda").chmod(0o700)
    os.chown(scene.at("/run"), 1000, 0)
    started = scene.start(user=NOBODY)
    assert started.lines("error") == [] and started.lines("/conda") == []
    assert started.variables["SSL_CERT_FILE"] == PRIVATE


def test_neither_a_bundle_nor_a_store_is_an_error_where_a_ca_is_mounted(scene):
    started = scene.start()
    assert len(started.lines("error: PSM_ENTRY_BUNDLES: no bundle and no system store, so no client")) == 1
    assert started.status == 0 and "NODE_EXTRA_CA_CERTS" not in started.variables
    assert scene.start("--strict").status == 78
    assert sub_command(scene, "check").returncode == 1
    scene.mount()
    started = scene.start("--strict")
    assert (started.status, started.lines("error"), started.lines("warning")) == (0, [], [])
    assert sub_command(scene, "check").returncode == 0


@pytest.mark.parametrize("empty", [{"PSM_ENTRY_BUNDLES": ""}, {}])
def test_an_empty_value_counts_as_unset(scene, empty):
    scene.write(PLACES[0], base())
    assert scene.start(environment=empty).variables["NODE_EXTRA_CA_CERTS"] == PLACES[0]


@pytest.mark.parametrize("way", ["option", "variable"])
def test_none_means_none(scene, way):
    scene.write(PLACES[0], base())
    scene.write(NATIVE_STORE, base())
    options, environment = (["--bundles", "none"], {}) if way == "option" else ([], {"PSM_ENTRY_BUNDLES": "none"})
    started = scene.start(*options, environment=environment)
    assert started.lines("error") == [] and scene.read(PLACES[0]) == base()
    assert started.variables["NODE_EXTRA_CA_CERTS"] == NATIVE_STORE
    for name in ("env", "plan", "check"):
        result = sub_command(scene, name, "--bundles", "none")
        assert result.returncode == 0 and PLACES[0].encode() not in result.stdout
    assert f"NODE_EXTRA_CA_CERTS='{NATIVE_STORE}'".encode() in sub_command(scene, "env", "--bundles", "none").stdout


def test_a_named_bundle_that_is_missing_is_an_error_and_a_pattern_is_none(scene):
    scene.write(NATIVE_STORE, base())
    started = scene.start("--bundles", "/gone.pem:/none*/x.pem")
    assert len(started.lines("error: ")) == len(started.lines("error: /gone.pem: no such file")) == 1
    assert started.variables["NODE_EXTRA_CA_CERTS"] == NATIVE_STORE


# Cost


def calls(scene: Scene) -> list[str]:
    """The paths that a start opens, stats or lists inside the root, in order."""
    with tempfile.TemporaryDirectory() as directory:
        trace = Path(directory) / "trace"
        line = ["strace", "-f", "-qq", "-e", "trace=openat2", "-o", str(trace), *scene.command("--system", "off")]
        subprocess.run(line, env={"PATH": os.environ["PATH"]}, capture_output=True, timeout=60, check=True)
        return re.findall(r'openat2\(\d+, "([^"]*)"', trace.read_text())


def test_a_prefix_that_does_not_exist_costs_one_call(scene):
    scene.write("/usr/lib/python3/dist-packages/x.py", b"")
    made = [path for path in calls(scene) if "conda" in path or path.startswith("/usr") and "update-ca" not in path]
    assert made == [
        "/conda", "/opt/conda", "/usr/local/lib", "/usr/lib", "/usr/lib/python3/site-packages",
        "/usr/lib/python3/dist-packages", *(f"/usr/lib/python3/dist-packages/{name}" for name in FOUR),
    ]


def test_what_a_start_finds_is_what_check_and_plan_find(scene):
    scene.write(PLACES[-1], base())
    scene.write(f"{CERTS}/ca.pem", CORP.pem)
    for path in (PLACES[0], BOTOCORE):
        scene.write(path, base())
    planned = sub_command(scene, "plan", environment=VENV).stdout.decode()
    for path in (PLACES[-1], PLACES[0], BOTOCORE):
        assert path in planned
    scene.start(environment=VENV)
    assert sub_command(scene, "plan", environment=VENV).returncode == 0
    assert sub_command(scene, "check", environment=VENV).stdout.startswith(b"ok: ")
