"""The private bundle: its contents, the clients that use it, and its location."""

import os
import subprocess
from collections.abc import Iterable
from pathlib import Path

import pytest

from certificates import certificates_of
from clients import CA_VARIABLES
from roots import (
    BUNDLE,
    CERTIFI,
    CLOSING,
    NATIVE_ANCHORS,
    NATIVE_STORE,
    NOBODY,
    OPENING,
    PRIVATE,
    STATE,
    Scene,
    authority,
    base,
    loaded,
    make_scene,
)

EXPORTED = CA_VARIABLES - {"SSL_CERT_DIR"}
CORP = "Corp Root"


def ders(*names: str) -> set[bytes]:
    return {authority(name).der for name in names}


@pytest.fixture
def scene(directory: Path, binary: Path) -> Scene:
    return make_scene(directory, binary)


@pytest.fixture
def store_scene(directory: Path, binary: Path) -> Scene:
    """A Debian store without its tool; everyone may write to /run."""
    scene = make_scene(directory, binary, has_store=True)
    os.chown(scene.at("/run"), 1000, 0)
    return scene


# The private bundle


@pytest.fixture
def foreign_scene(scene) -> Scene:
    """Bundles owned by root, for a service that runs as another user; everyone may write to /run."""
    os.chown(scene.at("/run"), 1000, 0)
    return scene


def test_the_private_bundle_serves_and_everything_is_exported(foreign_scene):
    scene = foreign_scene
    started = scene.start(user=NOBODY)
    assert scene.read(BUNDLE) == base()
    assert started.lines("error:") == []
    assert {name: started.variables.get(name) for name in EXPORTED} == dict.fromkeys(EXPORTED, PRIVATE)
    assert started.variables["NODE_EXTRA_CA_CERTS"] == PRIVATE
    directory, file = scene.at(STATE).stat(), scene.at(PRIVATE).stat()
    assert (directory.st_mode & 0o7777, file.st_mode & 0o7777) == (0o755, 0o644)
    assert (directory.st_uid, file.st_uid) == (1000, 1000)
    assert loaded(scene.at(PRIVATE)) == ders("Public A", "Public B", "Public C", "Public D", CORP)
    text = scene.read(PRIVATE)
    assert text.startswith(b"-----BEGIN CERTIFICATE-----\n") and text.endswith(CLOSING)
    assert text.count(OPENING) == 1


@pytest.mark.parametrize("umask", [0o000, 0o077, 0o777])
def test_anybody_can_read_the_private_bundle_whatever_the_umask(foreign_scene, umask):
    former = os.umask(umask)
    try:
        foreign_scene.start(user=NOBODY)
    finally:
        os.umask(former)
    assert foreign_scene.at(STATE).stat().st_mode & 0o7777 == 0o755
    assert foreign_scene.at(PRIVATE).stat().st_mode & 0o7777 == 0o644


def test_a_second_start_does_not_write_the_private_bundle_again(foreign_scene):
    foreign_scene.start(user=NOBODY)
    before = foreign_scene.files()
    started = foreign_scene.start(user=NOBODY)
    assert foreign_scene.files() == before
    assert started.variables["SSL_CERT_FILE"] == PRIVATE


def test_a_variable_that_is_set_stays_and_what_its_file_lacks_is_said(foreign_scene):
    foreign_scene.write("/corp/public.pem", base())
    own = {"SSL_CERT_FILE": "/corp/public.pem", "CURL_CA_BUNDLE": "", "NODE_EXTRA_CA_CERTS": "/elsewhere.pem"}
    started = foreign_scene.start(user=NOBODY, environment=own)
    for name, value in own.items():
        assert started.variables[name] == value
    assert started.variables["REQUESTS_CA_BUNDLE"] == PRIVATE
    assert any(CORP in line and "SSL_CERT_FILE" in line for line in started.said.splitlines()), started.said


def plant_link(scene: Scene) -> None:
    scene.at("/elsewhere").mkdir()
    os.chown(scene.at("/elsewhere"), 1000, 0)
    scene.at(STATE).symlink_to("/elsewhere")


def plant_foreign_directory(scene: Scene) -> None:
    scene.at(STATE).mkdir()
    scene.at(STATE).chmod(0o777)


def plant_file(scene: Scene) -> None:
    scene.write(STATE, b"a file")


PLANTED = {"link": plant_link, "foreign directory": plant_foreign_directory, "file": plant_file}


@pytest.mark.parametrize("planted", PLANTED)
def test_a_state_directory_that_is_not_ours_is_refused_and_the_next_serves(foreign_scene, planted):
    scene = foreign_scene
    PLANTED[planted](scene)
    (scene.at("/tmp")).mkdir(mode=0o1777)
    scene.at("/tmp").chmod(0o1777)
    before = scene.files()
    started = scene.start("--state-dir", f"{STATE}:/tmp/psm-entry-1000", user=NOBODY)
    assert started.variables["SSL_CERT_FILE"] == "/tmp/psm-entry-1000/cacert.pem"
    assert started.lines(STATE)
    assert {path: scene.files()[path] for path in before} == before
    assert set(scene.files()) - set(before) == {"/tmp/psm-entry-1000/cacert.pem"}


def test_only_the_state_directory_that_is_used_is_said_to_be(foreign_scene):
    scene = foreign_scene
    (scene.at("/tmp")).mkdir()
    scene.at("/tmp").chmod(0o1777)
    # Room for the directory, and for no file in it.
    full = ["unshare", "--mount", "sh", "-c", 'mount -t tmpfs -o nr_inodes=2,mode=1777 none "$0" && exec "$@"']
    started = scene.start("--state-dir", f"{STATE}:/tmp/psm-entry-1000", user=[*full, str(scene.at("/run")), *NOBODY])
    private = "/tmp/psm-entry-1000/cacert.pem"
    assert started.variables["SSL_CERT_FILE"] == private
    assert f"{STATE}: cannot use the state directory" in started.said
    assert started.lines("using ") and all(line.endswith(f"; using {private} instead") for line in started.lines("using "))
    # What is said to be used is said before what was written to it.
    assert started.said.index("using ") < started.said.index(f"{private}: written")


@pytest.mark.parametrize("planted", PLANTED)
def test_where_no_state_directory_serves_nothing_is_exported_and_it_is_an_error(foreign_scene, planted):
    PLANTED[planted](foreign_scene)
    started = foreign_scene.start(user=NOBODY)
    assert not (CA_VARIABLES | {"NODE_EXTRA_CA_CERTS"}) & started.variables.keys()
    assert started.lines(BUNDLE)
    assert foreign_scene.start("--strict", user=NOBODY).status == 78


def plant_link_as_bundle(scene: Scene) -> None:
    scene.write("/elsewhere.pem", b"precious")
    os.chown(scene.at("/elsewhere.pem"), 1000, 0)
    scene.at(PRIVATE).symlink_to("/elsewhere.pem")


def plant_fifo_as_bundle(scene: Scene) -> None:
    os.mkfifo(scene.at(PRIVATE))


def plant_foreign_bundle(scene: Scene) -> None:
    scene.write(PRIVATE, base() + authority("Evil Root").pem)


@pytest.mark.parametrize("plant", [plant_link_as_bundle, plant_fifo_as_bundle, plant_foreign_bundle])
def test_whatever_stands_at_the_private_bundles_name_is_replaced(foreign_scene, plant):
    scene = foreign_scene
    scene.at(STATE).mkdir()
    os.chown(scene.at(STATE), 1000, 0)
    plant(scene)
    started = scene.start(user=NOBODY)
    assert started.variables["SSL_CERT_FILE"] == PRIVATE
    assert not scene.at(PRIVATE).is_symlink()
    assert loaded(scene.at(PRIVATE)) == ders("Public A", "Public B", "Public C", "Public D", CORP)
    if scene.at("/elsewhere.pem").exists():
        assert scene.read("/elsewhere.pem") == b"precious"


def test_a_bundle_that_can_be_written_again_ends_the_private_one(foreign_scene):
    scene = foreign_scene
    scene.start(user=NOBODY)
    for path in (scene.at("/conda"), *scene.at("/conda").rglob("*")):
        os.chown(path, 1000, 0)
    started = scene.start(user=NOBODY)
    assert started.variables["NODE_EXTRA_CA_CERTS"] == BUNDLE
    assert not CA_VARIABLES & started.variables.keys()
    scene.mount()
    started = scene.start(user=NOBODY)
    assert not scene.at(PRIVATE).exists()
    assert "NODE_EXTRA_CA_CERTS" not in started.variables


# What its clients trusted before


def test_it_holds_what_the_image_trusts_anywhere(store_scene):
    """A CA in the image's system store and one appended to certifi are trusted by the clients that it redirects."""
    scene = store_scene
    scene.write(NATIVE_STORE, base("Public A,Public E,Baked Store"))
    scene.write(CERTIFI, base("Public A,Public D,Baked Certifi"))
    started = scene.start(user=NOBODY)
    assert started.variables["SSL_CERT_FILE"] == PRIVATE
    public = ders("Public A", "Public B", "Public C", "Public D", "Public E", "Baked Store", "Baked Certifi")
    assert loaded(scene.at(PRIVATE)) == public | ders(CORP)
    assert len(certificates_of(scene.read(PRIVATE))) == 8, "each once"


@pytest.mark.parametrize("system", ["auto", "off"])
def test_it_lacks_what_psm_entry_has_added_to_them(store_scene, system):
    """The image was merged into when it was built; another CA is mounted now."""
    scene = store_scene
    scene.mount("Former Root")
    scene.start()
    former = authority("Former Root")
    assert former.der in loaded(scene.at(NATIVE_STORE))
    # Another image has them in its store as its distribution's tool builds it, without a section.
    scene.write(NATIVE_STORE, base("Public A,Public E") + former.pem)
    assert scene.at(f"{NATIVE_ANCHORS}/psm-entry-{former.fingerprint}.crt").exists()
    scene.mount(CORP)
    started = scene.start("--system", system, user=NOBODY)
    assert started.variables["SSL_CERT_FILE"] == PRIVATE
    assert loaded(scene.at(PRIVATE)) == ders("Public A", "Public B", "Public C", "Public D", "Public E", CORP)


def test_a_store_that_still_trusts_a_removed_authority_is_an_error(store_scene):
    scene = store_scene
    scene.mount("Former Root")
    scene.start()
    scene.mount(CORP)
    started = scene.start(user=NOBODY)
    assert started.lines("error: ") and "1 removed certificate is still trusted" in started.said, started.said


def test_a_base_that_has_all_that_is_wanted_and_a_stale_section_is_no_reason_to_trust_it(scene):
    """The bundle cannot be replaced: its clients use one without the removed certificate."""
    os.chown(scene.at("/run"), 1000, 0)
    scene.mount("Former Root")
    scene.start()
    scene.mount("Public A")
    started = scene.start(user=NOBODY)
    assert started.variables["SSL_CERT_FILE"] == PRIVATE
    assert authority("Former Root").der not in loaded(scene.at(PRIVATE))


@pytest.mark.parametrize("path", [BUNDLE, "/conda/ssl/cert.pem", NATIVE_STORE])
def test_an_images_variable_that_names_a_file_left_unwritten_is_pointed_to_it(store_scene, path):
    scene = store_scene
    scene.at("/conda/ssl/cert.pem").symlink_to("cacert.pem")
    started = scene.start(user=NOBODY, environment={"SSL_CERT_FILE": path, "REQUESTS_CA_BUNDLE": path})
    assert {name: started.variables[name] for name in EXPORTED} == dict.fromkeys(EXPORTED, PRIVATE)
    assert started.lines(f"SSL_CERT_FILE: {path}"), started.said
    assert not started.lines("error: "), started.said


def test_a_variable_that_names_a_file_of_somebody_else_is_not_pointed_elsewhere(store_scene):
    scene = store_scene
    scene.write("/corp/own.pem", base("Own"))
    started = scene.start(user=NOBODY, environment={"SSL_CERT_FILE": "/corp/own.pem"})
    assert started.variables["SSL_CERT_FILE"] == "/corp/own.pem"


# Directories that other users may write to


def open_to_others(scene: Scene, path: str, mode: int = 0o777, owner: int = 0) -> None:
    scene.at(path).mkdir(parents=True, exist_ok=True)
    scene.at(path).chmod(mode)
    os.chown(scene.at(path), owner, 0)


@pytest.mark.parametrize("mode, owner", [(0o777, 0), (0o775, 0), (0o1777, 1234)])
def test_a_state_directory_that_others_may_replace_serves_after_all_others(scene, mode, owner):
    open_to_others(scene, "/tmp", mode, owner)
    open_to_others(scene, "/dev/shm", 0o1777)
    choice = "--state-dir", "/tmp/psm-entry-1000:/dev/shm/psm-entry-1000"
    started = scene.start(*choice, user=NOBODY)
    assert started.variables["SSL_CERT_FILE"] == "/dev/shm/psm-entry-1000/cacert.pem"
    assert not started.lines("warning: /"), started.said
    assert not scene.at("/tmp/psm-entry-1000").exists()


def test_a_state_directory_that_others_may_replace_serves_with_a_warning_where_no_other_does(scene):
    open_to_others(scene, "/tmp")
    for _ in range(2):
        started = scene.start("--state-dir", "/tmp/psm-entry-1000", user=NOBODY)
        assert started.variables["SSL_CERT_FILE"] == "/tmp/psm-entry-1000/cacert.pem"
        assert started.lines("warning: /tmp/psm-entry-1000: "), started.said


def test_a_state_directory_below_one_that_others_may_replace_is_no_better(scene):
    open_to_others(scene, "/tmp")
    open_to_others(scene, "/tmp/deep/er", 0o755, 1000)
    started = scene.start("--state-dir", "/tmp/deep/er/psm-entry", user=NOBODY)
    assert started.lines("warning: /tmp/deep/er/psm-entry: "), started.said


def foretold(scene: Scene, *options: str) -> str:
    """What `env` returns for SSL_CERT_FILE to the private bundle's user."""
    chosen: Iterable[str] = ["--root", str(scene.directory), *options]
    command = [*NOBODY, str(scene.binary), "env", *chosen]
    result = subprocess.run(command, env={"PATH": os.environ["PATH"]}, capture_output=True, timeout=60, check=True)
    return next((line for line in result.stdout.decode().splitlines() if "SSL_CERT_FILE=" in line), "")


def test_no_path_through_another_users_dangling_link_is_foretold(scene):
    open_to_others(scene, "/tmp", 0o1777)
    scene.at("/tmp/psm-entry-1000").symlink_to("/tmp/elsewhere")
    assert foretold(scene, "--state-dir", "/tmp/psm-entry-1000") == ""
    assert "SSL_CERT_FILE" not in scene.start("--state-dir", "/tmp/psm-entry-1000", user=NOBODY).variables
