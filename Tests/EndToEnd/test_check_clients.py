"""check finds the clients in an image by their paths, judges them by their own files, and never edits those."""

import json
import os
import subprocess
from pathlib import Path

import jsonschema
import pytest

from conftest import REPOSITORY
from roots import BUNDLE, NATIVE_STORE, Scene, authority, base, make_scene
from test_strict_clients import CA

PROXY = "http://user1:secret1@proxy.test:8899"
OTHER = "http://user2:secret2@other.test:3128"
SITE = "/conda/lib/python3.11/site-packages"


@pytest.fixture
def scene(directory: Path, binary: Path) -> Scene:
    """A root with clients in their usual places; none of them can be run."""
    made = make_scene(directory, binary, has_store=True)
    for program in ("/usr/bin/curl", "/usr/bin/git", "/usr/bin/wget", "/usr/bin/node", "/conda/bin/conda", "/conda/bin/uv"):
        made.write(program, b"")
    made.write("/conda/bin/python3.11", b"")
    made.at("/conda/bin/python3").symlink_to("python3.11")
    made.write("/conda/conda-meta/history", b"")
    made.at("/conda/ssl/cert.pem").symlink_to("cacert.pem")
    for package in ("requests", "aiohttp", "httpx"):
        made.write(f"{SITE}/{package}/__init__.py", b"")
    made.write(f"{SITE}/certifi/core.py", b"# where")
    made.write(f"{SITE}/pip/__init__.py", b'__version__ = "23.3.2"\n')
    made.write(f"{SITE}/pip/_vendor/certifi/core.py", b"# where")
    made.write(f"{SITE}/pip/_vendor/certifi/cacert.pem", base())
    return made


def check(scene: Scene, *options: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    # The environment contains only what a test sets.
    variables = {"PATH": "/usr/bin:/bin", "HOME": "/root", "HTTPS_PROXY": PROXY, "HTTP_PROXY": PROXY, **environment}
    command = [str(scene.binary), "--root", str(scene.directory), "check", *options]
    return subprocess.run(command, env=variables, capture_output=True, timeout=30, check=False)


def clients(scene: Scene, **environment: str) -> dict[str, dict]:
    """By the name before the place."""
    listed = json.loads(check(scene, "--json", **environment).stdout)["checks"]
    return {one["target"].split(" (")[0]: one for one in listed if one["name"] == "client"}


def start(scene: Scene) -> None:
    """Includes pip's own bundle among those that are kept up to date."""
    bundles = f"{BUNDLE}:{SITE}/certifi/cacert.pem:{SITE}/pip/_vendor/certifi/cacert.pem"
    started = scene.start("--bundles", bundles, "--system", "native")
    assert started.status == 0, started.said


def test_after_a_start_no_client_is_alarming(scene):
    start(scene)
    found = clients(scene)
    assert {"curl", "git", "wget", "Node", "conda", "uv", "urllib", "requests", "aiohttp", "httpx", "pip"} <= found.keys()
    assert [one for one in found.values() if one["level"] != "info"] == []
    assert {name: one["trust"] for name, one in found.items() if one.get("trust", "mounted") != "mounted"} == {"uv": "own"}
    assert {name for name, one in found.items() if one.get("proxy") == "unused"} == {"aiohttp", "Node"}


def test_what_a_client_does_by_itself_is_said_with_the_remedy_and_what_is_as_expected_is_not(scene):
    start(scene)
    done = check(scene)
    said = done.stdout.decode()
    assert done.returncode == 0
    assert "uv (/conda/bin/uv)" in said and "PSM_ENTRY_EXPORT=NODE_EXTRA_CA_CERTS,SSL_CERT_FILE" in said
    assert "trust_env=True" in said and "NODE_USE_ENV_PROXY=1" in said
    assert "curl" not in said and "requests" not in said
    # Each remedy works.
    named = clients(scene, PSM_ENTRY_EXPORT="NODE_EXTRA_CA_CERTS,SSL_CERT_FILE", NODE_USE_ENV_PROXY="1")
    assert (named["uv"]["trust"], named["Node"]["proxy"]) == ("mounted", "environment")


# A file, or variables; the client concerned; the level, and words of the message.
OVERRIDES = {
    "verification off in .condarc": ({"/conda/.condarc": "ssl_verify: false\n"}, {}, "conda", "warning", "/conda/.condarc: ssl-verify"),
    "another proxy in .condarc": (
        {"/root/.condarc": f"proxy_servers:\n  https: {OTHER}\n"}, {}, "conda", "warning", "http://user2:***@other.test:3128",
    ),
    "a file that is gone in pip.conf": ({"/etc/pip.conf": "[global]\ncert = /gone.pem\n"}, {}, "pip", "error", "/gone.pem"),
    "trusted-host": ({}, {"PIP_TRUSTED_HOST": "pypi.org"}, "pip", "warning", "PIP_TRUSTED_HOST"),
    "GIT_SSL_NO_VERIFY": ({}, {"GIT_SSL_NO_VERIFY": "1"}, "git", "warning", "GIT_SSL_NO_VERIFY"),
    "another proxy for a URL": (
        {"/etc/gitconfig": f'[http "https://user3:secret3@git.test/"]\n\tproxy = {OTHER}\n'}, {}, "git", "warning", "a setting for a URL",
    ),
    "a file that is gone": ({}, {"SSL_CERT_FILE": "/gone.pem"}, "httpx", "error", "/gone.pem (SSL_CERT_FILE): no such file or directory"),
    "insecure in .curlrc": ({"/root/.curlrc": "insecure\n"}, {}, "curl", "warning", "/root/.curlrc: insecure"),
    "check_certificate off": ({"/etc/wgetrc": "check_certificate = off\n"}, {}, "wget", "warning", "/etc/wgetrc"),
    "NODE_TLS_REJECT_UNAUTHORIZED": ({}, {"NODE_TLS_REJECT_UNAUTHORIZED": "0"}, "Node", "warning", "NODE_TLS_REJECT_UNAUTHORIZED"),
    "a proxy that cannot be read": ({"/root/.curlrc": 'proxy = "http://u:secret2@h:port"\n'}, {}, "curl", "warning", "(invalid URL)"),
}


@pytest.mark.parametrize("title", OVERRIDES)
def test_an_override_is_said_where_it_stands_and_no_password_is(scene, title):
    files, variables, client, level, words = OVERRIDES[title]
    start(scene)
    for path, text in files.items():
        scene.write(path, text.encode())
    before = scene.files()
    found = clients(scene, **variables)
    assert (found[client]["level"], found[client]["ok"]) == (level, level != "error")
    assert words in found[client]["detail"]
    done = check(scene, **variables)
    said = done.stdout.decode()
    assert done.returncode == (1 if level == "error" else 0)
    assert words in said and not said.splitlines()[-1].endswith(" checks")
    listed = check(scene, "--clients", **variables).stdout.decode()
    assert words in listed
    for secret in ("secret1", "secret2", "secret3"):
        assert secret not in said + listed + json.dumps(found)
    assert scene.files() == before


def test_without_a_mounted_ca_and_without_a_proxy_nobody_misses_anything(scene):
    scene.mount()
    for path in ("/root/.condarc", "/conda/.condarc"):
        scene.write(path, f"ssl_verify: /gone.pem\nproxy_servers:\n  https: {OTHER}\n".encode())
    found = clients(scene, HTTPS_PROXY="", HTTP_PROXY="", SSL_CERT_FILE="/gone.pem", GIT_SSL_NO_VERIFY="1")
    assert {one["level"] for one in found.values()} == {"info"}


def test_bundles_and_stores_that_no_start_keeps_are_listed(scene):
    scene.write("/etc/ssl/certs/java/cacerts", b"")
    scene.write("/root/.pki/nssdb/cert9.db", b"")
    scene.write(f"{SITE}/botocore/cacert.pem", base())
    named = f"{BUNDLE}:{SITE}/certifi/cacert.pem"
    scene.start("--system", "native", "--bundles", named)
    found = clients(scene, PSM_ENTRY_BUNDLES=named)
    assert "PSM_ENTRY_BUNDLES" in found[f"{SITE}/botocore/cacert.pem"]["detail"]
    assert {"Java", "NSS"} <= found.keys()
    # A client that reads only such a bundle does not trust the mounted CAs: the remedy names the path.
    assert (found["pip"]["level"], found["pip"]["trust"]) == ("error", "lacking")
    path = f"{SITE}/pip/_vendor/certifi/cacert.pem"
    assert path in found["pip"]["detail"]
    scene.start("--system", "native", "--bundles", f"{BUNDLE}:{path}")
    assert clients(scene, PSM_ENTRY_BUNDLES=f"{BUNDLE}:{path}")["pip"]["trust"] == "mounted"


def test_a_virtual_environment_that_is_only_in_path_is_said_with_the_remedy(scene):
    site = "/srv/venv/lib/python3.11/site-packages"
    scene.write(f"{site}/certifi/cacert.pem", base())
    for name in ("certifi/core.py", "requests/__init__.py"):
        scene.write(f"{site}/{name}", b"")
    scene.write("/srv/venv/pyvenv.cfg", b"home = /conda/bin\nversion = 3.11.2\n")
    scene.at("/srv/venv/bin").mkdir()
    scene.at("/srv/venv/bin/python").symlink_to("/conda/bin/python3")
    in_path = {"PATH": "/srv/venv/bin:/usr/bin:/bin"}
    scene.start("--system", "native", environment=in_path)
    done = check(scene, **in_path)
    said = done.stdout.decode()
    assert done.returncode == 1
    assert f"lacks them; set PSM_ENTRY_BUNDLES=default:{site}/certifi/cacert.pem" in said
    remedied = {**in_path, "VIRTUAL_ENV": "/srv/venv"}
    scene.start("--system", "native", environment=remedied)
    assert check(scene, **remedied).returncode == 0


def test_several_bundles_that_no_start_keeps_are_added_by_one_setting(scene):
    scene.write(f"{SITE}/botocore/cacert.pem", base())
    scene.start("--system", "native", "--bundles", BUNDLE)
    bundles = [f"{SITE}/{path}" for path in ("certifi/cacert.pem", "pip/_vendor/certifi/cacert.pem", "botocore/cacert.pem")]
    found = clients(scene, PSM_ENTRY_BUNDLES=BUNDLE)
    for path in bundles:
        value = found[path]["detail"].partition("PSM_ENTRY_BUNDLES=")[2]
        # Its own is named first.
        assert value.startswith(f"default:{path}:") and set(value.split(":")[1:]) == set(bundles)
    assert f"set PSM_ENTRY_BUNDLES=default:{bundles[1]}:" in found["pip"]["detail"]
    scene.start("--system", "native", "--bundles", value)
    found = clients(scene, PSM_ENTRY_BUNDLES=value)
    assert not set(bundles) & found.keys() and found["pip"]["trust"] == "mounted"


@pytest.mark.parametrize("python", ["3.12", "3.13", "3.14"])
def test_a_ca_that_the_images_python_rejects_is_an_error(scene, python):
    root = CA("Proxy Root", lacks=frozenset({"keyUsage"}))
    (scene.at("/etc/repo/ca_certs") / "root.pem").write_bytes(root.pem)
    os.rename(scene.at("/conda/lib/python3.11"), scene.at(f"/conda/lib/python{python}"))
    scene.at("/conda/bin/python3").unlink()
    os.rename(scene.at("/conda/bin/python3.11"), scene.at(f"/conda/bin/python{python}"))
    scene.at("/conda/bin/python3").symlink_to(f"python{python}")
    scene.start("--system", "native")
    isRejected = python != "3.12"
    listed = json.loads(check(scene, "--json").stdout)["checks"]
    (said,) = [one for one in listed if "rejected by Python 3.13" in one["detail"]]
    assert (said["level"], said["name"]) == ("error" if isRejected else "warning", "input")
    found = {one["target"].split(" (")[0]: one for one in listed if one["name"] == "client"}
    assert (found["urllib"]["trust"] == "refusing") == isRejected
    assert found["curl"]["trust"] == "mounted"
    # The remedy: the issuing CA beside the root.
    (scene.at("/etc/repo/ca_certs") / "issuing.pem").write_bytes(CA("Proxy Issuing", issuer=root).pem)
    scene.start("--system", "native")
    assert [one for one in json.loads(check(scene, "--json").stdout)["checks"] if "rejected by Python" in one["detail"]] == []


def test_hostile_files_are_no_harm(scene):
    start(scene)
    scene.write("/root/.curlrc", b"proxy = \"\xff\x00\x1b[31m\n" * 1000)
    scene.write("/root/.condarc", b"ssl_verify: " + b"{" * 100000)
    scene.write("/root/.gitconfig", b"[http \"" + b"\xff" * 100000 + b"\"]\n\tsslCAInfo = \x1b]0;x\x07\n")
    scene.write("/etc/wgetrc", b"a = b\n" * 100000)
    os.mkfifo(scene.at("/root/.wgetrc"))
    done = check(scene, "--json")
    listed = json.loads(done.stdout)["checks"]
    assert b"\x1b" not in done.stdout + check(scene).stdout
    assert [one["detail"] for one in listed if one["target"] == "/etc/wgetrc"][0].startswith("cannot read (too large)")


def test_nothing_is_run_and_no_connection_made(scene):
    start(scene)
    scene.write("/conda/.condarc", b"ssl_verify: false\n")
    trace = scene.directory.parent / "trace"
    command = ["strace", "-f", "-o", str(trace), str(scene.binary), "--root", str(scene.directory), "check"]
    subprocess.run(command, env={"PATH": "/usr/bin", "HOME": "/root"}, capture_output=True, timeout=60, check=False)
    calls = [line.split(" ", 1)[1].lstrip() for line in trace.read_text().splitlines()]
    assert len([call for call in calls if call.startswith("execve")]) == 1
    assert not [call for call in calls if call.startswith(("socket", "connect", "open(\"/\"", "unlink", "rename"))]


def test_the_schema_has_the_entry(scene):
    schema = json.loads((REPOSITORY / "docs/schema/check.json").read_text())
    jsonschema.validate(json.loads(check(scene, "--json").stdout), schema)
