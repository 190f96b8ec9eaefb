"""Each remedy in a message is an existing command or setting, and works: afterwards the message is gone."""

import os
import re
import subprocess

import pytest

import troubles
from own_root import make_root
from roots import BUNDLE, CERTS, NATIVE_STORE, NOBODY, OPENING, authority, base, loaded, make_scene

COMMANDS = {
    "authority.p12", "bare.txt", "base64.pem", "escaped.pem", "gzipped.pem", "indented.pem", "refusing.pem", "twice.pem"
}  # fmt: skip


@pytest.fixture
def scene(directory, binary):
    return make_scene(directory, binary)


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_the_command_that_a_message_names_makes_a_file_that_is_used(scene, tmp_path, name):
    scene.mount()
    content, _ = troubles.FILES[name]
    file = scene.write(f"{CERTS}/{name}", content)
    (line,) = scene.start("--log", "error").said.splitlines()
    command = re.search(r"; [^;]*?: ((?:openssl|base64|printf|gzip|sed) .*?)(?: \(|; no certificate|$)", line)
    assert command, line
    shell = command[1].replace("FILE", str(file))
    # What a user types when openssl asks for the password of the keystore.
    subprocess.run(["bash", "-euc", shell], cwd=tmp_path, input=b"\n", check=True, timeout=30, capture_output=True)
    (made,) = tmp_path.glob("ca.*")
    file.unlink()
    scene.write(f"{CERTS}/{made.name}", made.read_bytes())
    started = scene.start()
    assert started.lines("1 certificate added") and not started.lines("error: "), started.said


def test_every_command_in_a_message_is_performed_here(scene):
    scene.mount()
    for name, (content, _) in troubles.FILES.items():
        scene.write(f"{CERTS}/{name}", content)
    said = scene.start("--log", "warning").said.splitlines()
    named = {name for line in said for name in troubles.FILES if f"/{name}: " in line and re.search(r"\bFILE\b", line)}
    # keytool belongs to Java, which is not installed here.
    assert named - {"java.jks"} == COMMANDS


PROXY = "http://proxy.corp:3128"
BOTH = {"http_proxy": PROXY, "https_proxy": PROXY}
VARIABLES = {
    "conflicting values": ({**BOTH, "HTTP_PROXY": "http://other.corp:1"}, BOTH),
    "conflicting lists": ({"no_proxy": "a", "NO_PROXY": "b"}, {"no_proxy": "a"}),
    "empty, ignored": ({**BOTH, "HTTPS_PROXY": ""}, BOTH),
    "has no port": ({**BOTH, "all_proxy": "http://proxy.corp"}, {**BOTH, "all_proxy": PROXY}),
    "HTTPS_PROXY is not set": ({"HTTP_PROXY": PROXY}, {"HTTP_PROXY": PROXY, "HTTPS_PROXY": PROXY}),
    "path after the port": ({"HTTPS_PROXY": f"{PROXY}/path"}, {"HTTPS_PROXY": PROXY}),
    "hexadecimal host": ({"HTTPS_PROXY": "http://0x7f000001:3128"}, {"HTTPS_PROXY": "http://127.0.0.1:3128"}),
    "contains * among": ({**BOTH, "NO_PROXY": "a,*"}, {**BOTH, "NO_PROXY": "*"}),
    "httpx fails": ({**BOTH, "NO_PROXY": "fd00::/8"}, {**BOTH, "NO_PROXY": "a.corp"}),
    "ignore HTTP_PROXY": ({**BOTH, "REQUEST_METHOD": "GET"}, BOTH),
    "unknown scheme": ({"HTTPS_PROXY": "ftp://proxy.corp:1"}, {"HTTPS_PROXY": PROXY}),
    "placeholder not replaced": ({"HTTPS_PROXY": "http://${USER}:pw@proxy.corp:1"}, {"HTTPS_PROXY": "http://user:pw@proxy.corp:1"}),
    "word instead of a URL": ({"HTTPS_PROXY": "none"}, {}),
    "no such file or directory": ({"HTTPS_PROXY_FILE": "/run/secrets/none"}, {}),
    "unknown setting": ({"PSM_ENTRY_CRETS": CERTS}, {"PSM_ENTRY_CERTS": CERTS}),
    "expected 1 to 86400 seconds": ({"PSM_ENTRY_TIMEOUT": "1m"}, {"PSM_ENTRY_TIMEOUT": "60"}),
    "contains no public CA": ({"REQUESTS_CA_BUNDLE": "/corp.pem"}, {}),
    "lacks CN=Corp Root": ({"REQUESTS_CA_BUNDLE": "/own.pem"}, {"REQUESTS_CA_BUNDLE": "/own.pem", "PSM_ENTRY_BUNDLES": "default:/own.pem"}),
    "trust nothing": ({"SSL_CERT_FILE": "/gone.pem"}, {}),
    "set PSM_ENTRY_BUNDLES": ({"PSM_ENTRY_BUNDLES": "/gone.pem"}, {"PSM_ENTRY_BUNDLES": BUNDLE}),
}  # fmt: skip


@pytest.mark.parametrize("words", VARIABLES)
def test_after_the_remedy_of_a_variable_the_message_is_gone(scene, words):
    scene.write("/corp.pem", authority("Corp Root").pem)
    scene.write("/own.pem", base())
    wrong, right = VARIABLES[words]
    said = scene.start("--log", "warning", environment=wrong).said
    assert words in said
    assert scene.start("--log", "warning", environment=right).said == ""


def test_marker_lines_that_are_removed_are_stray_no_more(scene):
    scene.write(BUNDLE, base() + OPENING)
    assert scene.start().lines("stray psm-entry marker lines, left unchanged; remove them")
    scene.write(BUNDLE, scene.read(BUNDLE).replace(OPENING, b"", 1))
    assert not scene.start("--log", "warning").said


def test_without_the_system_store_no_start_warns_that_it_cannot_write_it(directory, binary):
    scene = make_scene(directory, binary, has_store=True)
    os.chown(scene.at("/run"), 1000, 0)
    assert scene.start(user=NOBODY).lines("set PSM_ENTRY_SYSTEM=off")
    assert "system store" not in scene.start("--log", "warning", "--system", "off", user=NOBODY).said


def test_without_the_distributions_tool_the_store_gets_what_the_tool_leaves_out(directory, binary):
    root = make_root(directory, binary)
    root.add_tool()
    root.scene.write("/usr/share/broken", b"")
    _, _, said = root.start()
    assert "set PSM_ENTRY_SYSTEM=native to update the store without it" in said
    _, _, said = root.start("--system", "native")
    assert "error: " not in said
    assert authority("Corp Root").der in loaded(root.scene.at(NATIVE_STORE))
