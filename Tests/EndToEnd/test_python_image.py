"""A plain Python image without conda and without settings: every client trusts the mounted CA."""

import json
import zipfile
from io import BytesIO

import pytest

from clients import CA_VARIABLES, REQUESTS
from containers import podman
from network import BODY

STORE = "/etc/ssl/certs/ca-certificates.crt"
PACKAGES = "/usr/local/lib/python3.11/dist-packages"
EXPORTED = sorted(CA_VARIABLES - {"SSL_CERT_DIR"})
URLLIB = "import sys, urllib.request; print(urllib.request.urlopen(sys.argv[1], timeout=15).read().decode(), end='')"
WHEEL = "nothing-1-py3-none-any.whl"
PRINT = "import json, os; print('environment', json.dumps(dict(os.environ)))"


def clients(python: str, url: str, *, packages: bool = True) -> dict[str, list[str]]:
    found = {
        "curl": ["curl", "--silent", "--show-error", "--max-time", "15", url],
        "urllib": [python, "-c", URLLIB, url],
    }
    if packages:
        found["requests"] = [python, "-c", REQUESTS, url]
        pip = [python, "-m", "pip", "--isolated", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
        pip += ["--no-cache-dir", "--retries", "0", "--no-index", "--dest", "/tmp/wheels", f"{url}wheels/{WHEEL}"]
        found["pip"] = pip
    return found


@pytest.fixture
def wheel(origin):
    """An empty package, served by the origin."""
    written = BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        archive.writestr("nothing-1.dist-info/METADATA", "Metadata-Version: 2.1\nName: nothing\nVersion: 1\n")
        archive.writestr("nothing-1.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr("nothing-1.dist-info/RECORD", "")
    origin.pages[f"/wheels/{WHEEL}"] = written.getvalue()
    yield WHEEL
    del origin.pages[f"/wheels/{WHEEL}"]


@pytest.fixture
def run(container, binary, python_image, bare_python_image, origin, wheel):
    """A container whose service runs every client and check, and reports its environment."""

    def start(python="python3", *, entry=binary, packages=True, options=(), settings=None):
        steps = [["psm", *command] for command in clients(python, origin.url, packages=packages).values()]
        steps += [["psm", "python3", "-c", PRINT]]
        if entry:
            steps += [["psm", "/psm-entry", sub] for sub in ("plan", "check")]
        program = (
            f"import json, subprocess\nfor step in json.loads({json.dumps(json.dumps(steps))}):\n"
            "    done = subprocess.run(step[1:], stdin=subprocess.DEVNULL)\n"
            "    print('status', step[1].rsplit('/', 1)[-1], done.returncode, flush=True)\n"
        )
        box = container(
            entry, options=options, settings=settings, command=["python3", "-u", "-c", program],
            from_image=python_image if packages else bare_python_image,
        )
        assert box.exit_status() == 0, box.log()
        return box

    return start


def statuses(box) -> list[int]:
    return [int(line.rsplit(" ", 1)[1]) for line in box.log().splitlines() if line.startswith("status ")]


def variables(box) -> dict[str, str]:
    (line,) = [line for line in box.log().splitlines() if line.startswith("environment ")]
    return json.loads(line.removeprefix("environment "))


def test_pip_is_the_one_of_pypi_that_reads_its_own_bundle(python_image):
    """Debian's is patched to read the system store."""
    for python, where in (("python3", PACKAGES), ("/venv/bin/python", "/venv/lib/python3.11/site-packages")):
        shown = podman("run", "--rm", "--network", "none", python_image, python, "-m", "pip", "--version")
        assert shown.stdout.decode().startswith(f"pip 24.1.2 from {where}/pip "), shown.stdout
        asked = [python, "-c", "from pip._vendor import certifi; print(certifi.where())"]
        shown = podman("run", "--rm", "--network", "none", python_image, *asked)
        assert shown.stdout.decode() == f"{where}/pip/_vendor/certifi/cacert.pem\n", shown.stdout


def test_the_control_trusts_nothing(run):
    box = run(entry=None)
    assert statuses(box)[0] == 60 and all(statuses(box)[:4]), box.log()
    assert box.log().count("CERTIFICATE_VERIFY_FAILED") >= 3


@pytest.mark.parametrize("python", ["python3", "/venv/bin/python"])
@pytest.mark.parametrize("strict", ["off", "on"])
def test_as_root_every_store_is_merged_and_every_client_trusts_the_ca(run, proxy, python, strict):
    settings = {"PSM_ENTRY_STRICT": strict}
    if python != "python3":
        settings["VIRTUAL_ENV"] = "/venv"
    box = run(python, settings=settings)
    assert statuses(box) == [0] * 7, box.log()
    assert box.log().count(BODY.decode()) == 3
    assert not CA_VARIABLES & variables(box).keys()
    assert variables(box)["NODE_EXTRA_CA_CERTS"] == f"{PACKAGES}/certifi/cacert.pem"
    assert "ok: " in box.log() and "error: " not in box.log() and "warning: " not in box.log(), box.log()
    stores = 4 if python == "python3" else 7
    assert f"trusted by {stores} of {stores} stores; HTTP_PROXY and HTTPS_PROXY http://user1:***@" in box.said()[-1]


@pytest.mark.parametrize("python", ["python3", "/venv/bin/python"])
@pytest.mark.parametrize("strict", ["off", "on"])
def test_as_a_user_the_private_bundle_serves_every_client(run, python, strict):
    settings = {"PSM_ENTRY_STRICT": strict}
    if python != "python3":
        settings["VIRTUAL_ENV"] = "/venv"
    box = run(python, options=["--user", "1000:1000"], settings=settings)
    assert statuses(box) == [0] * 7, box.log()
    assert box.log().count(BODY.decode()) == 3
    private = "/tmp/psm-entry-1000/cacert.pem"
    assert {variables(box).get(name) for name in [*EXPORTED, "NODE_EXTRA_CA_CERTS"]} == {private}
    assert "error: " not in box.log(), box.log()
    assert any(f"{private}: set in " in line and "SSL_CERT_FILE" in line for line in box.said())


@pytest.mark.parametrize("setting", [{}, {"PSM_ENTRY_BUNDLES": "none"}, {"PSM_ENTRY_STRICT": "on"}], ids=str)
def test_without_any_bundle_the_system_stores_is_the_bundle(run, setting):
    box = run(packages=False, settings=setting)
    assert statuses(box) == [0] * 5, box.log()
    assert not CA_VARIABLES & variables(box).keys()
    assert variables(box)["NODE_EXTRA_CA_CERTS"] == STORE
    assert "error: " not in box.log() and "warning: " not in box.log(), box.log()
    assert "trusted by 1 of 1 store;" in box.said()[-1]


@pytest.mark.parametrize(
    ("options", "setting"),
    [
        (["--user", "1000:1000"], {}),
        (["--user", "1000:1000"], {"PSM_ENTRY_STRICT": "on"}),
        (["--read-only", "--tmpfs", "/run"], {}),
        ([], {"PSM_ENTRY_SYSTEM": "off"}),
    ],
    ids=str,
)
def test_where_that_cannot_be_replaced_a_private_one_serves(run, options, setting):
    box = run(packages=False, options=options, settings=setting)
    assert statuses(box) == [0] * 5, box.log()
    given = {variables(box).get(name) for name in [*EXPORTED, "NODE_EXTRA_CA_CERTS"]}
    assert len(given) == 1 and given.pop().endswith("/cacert.pem"), variables(box)
    assert "error: " not in box.log(), box.log()


def test_none_leaves_the_bundles_of_python_alone(run):
    box = run(settings={"PSM_ENTRY_BUNDLES": "none"})
    assert box.changed_paths() and not [path for path in box.changed_paths() if path.endswith(("cacert.pem", "roots.pem"))]
    by_name = dict(zip(["curl", "urllib", "requests", "pip"], statuses(box), strict=False))
    assert by_name["curl"] == by_name["urllib"] == 0 and by_name["requests"] and by_name["pip"], box.log()
