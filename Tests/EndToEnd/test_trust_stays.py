"""No start leaves a client with less trust than before, whatever the distribution's tool does and wherever it may write."""

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from certificates import certificates_of, many, pem_of
from clients import CA_VARIABLES
from containers import BUNDLE, CERTIFI, STORE, Container, podman
from network import wait_for
from test_system_stores import REAL, Family, families  # noqa: F401 (a fixture)

NAMES = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/ssl/certs/ca-bundle.crt",
    "/etc/ssl/cert.pem",
    "/etc/pki/tls/cert.pem",
    "/etc/pki/tls/certs/ca-bundle.crt",
    BUNDLE,
    "/conda/ssl/cert.pem",
    CERTIFI,
]

# Prints, as fingerprints, what a client trusts with each name, and a client that honors the CA variables.
LOOK = """
import hashlib, json, os, ssl, sys
def trusted(path):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        context.load_verify_locations(path)
    except (ssl.SSLError, OSError):
        return []
    return sorted(hashlib.sha256(der).hexdigest() for der in context.get_ca_certs(binary_form=True))
names = {name: trusted(name) for name in sys.argv[2:]}
variables = {name: trusted(os.environ[name]) for name in sys.argv[1].split(",") if name in os.environ}
try:
    directory = len([name for name in os.listdir("/etc/ssl/certs/") if name.endswith(".0")])
except OSError:
    directory = 0
print("looked " + json.dumps({"names": names, "variables": variables, "directory": directory}))
"""
LOOKING = ["/conda/bin/python", "-I", "-c", LOOK, ",".join(sorted(CA_VARIABLES)), *NAMES]


@pytest.fixture(params=["rhel", "debian"])
def family(request, families: dict[str, Family]) -> Family:  # noqa: F811
    return families[request.param]


def said(box: Container) -> str:
    return "\n".join(box.said())


def look(box: Container) -> dict:
    """What the service of this start has seen."""
    box.exit_status()
    lines = [line for line in box.log().splitlines() if line.startswith("looked ")]
    assert lines, said(box)
    return json.loads(lines[-1].removeprefix("looked "))


USERS = {
    "root": [],
    "root without DAC_OVERRIDE": ["--cap-drop", "DAC_OVERRIDE"],
    "1000:0": ["--user", "1000:0"],
}


def places(family: Family, directory: Path) -> Mapping[str, Sequence[str]]:
    """The parts of the store that are writable: options of podman, with copies of the image's own files."""
    built = Path(family.bundle).parent
    return {
        "writable": [],
        "read-only root": ["--read-only", "--read-only-tmpfs=true"],
        "read-only anchors": ["--volume", f"{directory / 'anchors'}:{family.anchors}:ro"],
        "read-only bundles": ["--volume", f"{directory / 'built'}:{built}:ro"],
        "writable volume of bundles": ["--volume", f"{directory / 'built'}:{built}:rw"],
        "bundle mounted as a file": ["--volume", f"{directory / 'built' / Path(family.bundle).name}:{family.bundle}:rw"],
    }


PLACES = list(places(Family("", "/a/b", "/a", "", ""), Path("/")))


@pytest.fixture
def copies(container, family: Family, directory: Path) -> Path:
    """The image's own bundles and an empty directory for anchors, on the host."""
    box = container(None, from_image=family.image)
    box.service()
    (directory / "anchors").mkdir()
    (directory / "anchors").chmod(0o755)
    copied = podman("cp", f"{box.name}:{Path(family.bundle).parent}", str(directory / "built"))
    assert copied.returncode == 0, copied.stderr
    return directory


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("user", USERS)
def test_whoever_trusted_public_authorities_before_trusts_them_after(container, binary, family, copies, user, place):
    options = [*USERS[user], *places(family, copies)[place]]
    arguments = {"options": options, "command": LOOKING, "from_image": family.image}
    settings = {"REPO_CUSTOM_CA_CERT": ""}
    before = look(container(None, settings=settings, **arguments))
    box = container(binary, settings=settings, **arguments)
    for _ in range(2):
        after = look(box)
        for name, trusted in before["names"].items():
            assert set(trusted) <= set(after["names"][name]), f"{name}\n{said(box)}"
        # A variable set now must lead its clients to everything that they trusted anywhere.
        everywhere = {one for trusted in before["names"].values() for one in trusted}
        for name, trusted in after["variables"].items():
            assert everywhere < set(trusted), f"{name}\n{said(box)}"
        assert after["directory"] >= before["directory"]
        assert not [line for line in box.said() if "error: " in line], said(box)
        podman("start", box.name)
        wait_for("the second start", 60, lambda: len(box.log().split("looked ")) > 2)


def test_the_links_that_the_tool_loses_are_put_back_and_said(container, binary):
    control = container(None)
    control.service()
    listing = ["sh", "-c", "ls -l --time-style=+ /etc/ssl/certs/*.crt /etc/ssl/ /etc/pki/tls/ | grep -e '->'"]
    before = control.run(*listing).stdout
    box = container(binary, options=["--cap-drop", "all"])
    box.service()
    assert box.run(*listing).stdout == before
    for name in ("ca-certificates.crt", "ca-bundle.crt"):
        assert [line for line in box.said() if f": /etc/ssl/certs/{name}: " in line and "restored" in line], said(box)
    assert box.run("stat", "-c", "%a", "/etc/ssl/certs/").stdout == b"555\n"
    box.restart()
    assert box.run(*listing).stdout == before
    assert len([line for line in box.said() if "restored" in line]) == 2


def scripted_tool(directory: Path, script: str) -> dict[Path, str]:
    """Mounts that replace the distribution's tool by a script, with the real tool beside it."""
    tool = directory / "update-ca-trust"
    tool.write_text(f"#!/bin/sh\n{script}\n")
    tool.chmod(0o755)
    return {tool: "/usr/bin/update-ca-trust", Path(__file__).parent / "image" / "update-ca-trust": REAL}


def test_the_next_start_puts_back_what_a_killed_one_could_not(container, binary, directory):
    """The child is killed when the tool has lost the links; the service starts, and the next start knows them."""
    script = f"{REAL}; [ -e /var/log/killed ] || {{ touch /var/log/killed; kill -9 $PPID; sleep 10; }}"
    options = ["--cap-drop", "all", "--cap-add", "KILL"]
    box = container(binary, options=options, mounts=scripted_tool(directory, script))
    box.service()
    assert [line for line in box.said() if "signal 9" in line], said(box)
    exists = ["test", "-e", "/etc/ssl/certs/ca-certificates.crt"]
    assert box.run(*exists).returncode == 1
    box.restart()
    assert box.run(*exists).returncode == 0, said(box)


@pytest.mark.parametrize("cut", ["exit 1", "kill -9 $PPID; sleep 10"], ids=["the tool fails", "psm-entry is killed"])
def test_a_removal_that_was_cut_short_is_gone_on_with(container, binary, directory, certs, proxy, cut):
    script = f"[ ! -e /var/log/broken ] || {{ {cut}; }}; exec {REAL}"
    settings = {"REPO_CUSTOM_CA_CERT": ""}
    box = container(binary, mounts=scripted_tool(directory, script), settings=settings)
    box.service()
    assert proxy.authority.der in certificates_of(box.read(STORE)), said(box)
    box.run("touch", "/var/log/broken")
    (certs / "ca_cert.pem").unlink()
    for _ in range(2):
        box.restart()
        assert box.run("/psm-entry", "check").returncode == 1, said(box)
        assert proxy.authority.fingerprint in box.run("/psm-entry", "plan", "--json").stdout.decode()
    box.run("rm", "/var/log/broken")
    box.restart()
    assert proxy.authority.der not in certificates_of(box.read(STORE)), said(box)
    assert box.run("/psm-entry", "check").returncode == 0
    held = box.read(STORE)
    box.restart()
    assert box.read(STORE) == held


# What a tool may do to the bundle that it builds, and what it must not remove.
RUINS = {
    "emptied": f": >{STORE}",
    "removed": f"rm {STORE}",
    "cut": f"{REAL}; truncate -s -40 {STORE}",
    "directory removed": "rm -r /etc/pki/ca-trust/extracted/pem",
}


@pytest.mark.parametrize("ruin", RUINS)
def test_a_bundle_that_the_tool_ruins_is_put_back(container, binary, directory, ruin):
    control = look(container(None, command=LOOKING))
    box = container(binary, mounts=scripted_tool(directory, RUINS[ruin]), command=LOOKING)
    after = look(box)
    for name, trusted in control["names"].items():
        assert set(trusted) <= set(after["names"][name]), f"{name}\n{said(box)}"
    assert [line for line in box.said() if f": {STORE}: " in line and "restored" in line], said(box)
    # The certificate that the tool should have added is still missing.
    assert [line for line in box.said() if "error: " in line], said(box)


def test_what_cannot_be_put_back_is_an_error(container, binary, directory):
    script = f"{REAL}; rm -rf /etc/pki/ca-trust/extracted/pem/directory-hash; : >/etc/pki/ca-trust/extracted/pem/directory-hash"
    box = container(binary, mounts=scripted_tool(directory, script))
    box.service()
    lost = [line for line in box.said() if "error: " in line and "cannot restore: " in line]
    assert any("/etc/ssl/certs/ca-certificates.crt: " in line for line in lost), said(box)


def start_inside(box: Container) -> str:
    return box.run("/psm-entry", "--", "/bin/true", environment={"REPO_CUSTOM_CA_CERT": ""}).stderr.decode()


def test_a_certificate_that_somebody_has_appended_is_not_lost_to_the_tool(
    container, binary, family, proxy, second_proxy
):
    box = container(None, from_image=family.image, mounts={binary: "/psm-entry"})
    box.service()
    append = f"cat >>{family.bundle} <<'.'\n{second_proxy.authority.pem.decode()}.\n"
    assert box.run("sh", "-ec", append).returncode == 0
    said = start_inside(box)
    held = certificates_of(box.read(family.bundle))
    assert proxy.authority.der in held and second_proxy.authority.der in held, said
    assert "left out 1 certificate of this store; added again" in said
    before = box.read(family.bundle)
    start_inside(box)
    assert box.read(family.bundle) == before


def test_what_an_administrator_distrusts_does_not_come_back(container, binary, family):
    box = container(None, from_image=family.image, mounts={binary: "/psm-entry"})
    box.service()
    if family.bundle.startswith("/etc/pki/"):
        public = certificates_of(box.read(family.bundle))[0]
        script = f"cat >/etc/pki/ca-trust/source/blocklist/one.pem <<'.'\n{pem_of(public).decode()}.\n"
    else:
        name = box.run("sh", "-c", "grep -m1 '^mozilla/' /etc/ca-certificates.conf").stdout.decode().strip()
        (public,) = certificates_of(box.read(f"/usr/share/ca-certificates/{name}"))
        script = f"sed -i 's|^{name}$|!{name}|' /etc/ca-certificates.conf"
    assert box.run("sh", "-ec", script).returncode == 0
    said = start_inside(box)
    assert public not in certificates_of(box.read(family.bundle)), said
    assert "left out" not in said


# More certificates than the tool can process


def test_more_certificates_than_the_tool_can_take_in_time_are_written_natively(container, binary, family, certs):
    ders = many(300)
    (certs / "many.pem").write_bytes(b"".join(pem_of(der) for der in ders))
    settings = {"REPO_CUSTOM_CA_CERT": "", "PSM_ENTRY_TIMEOUT": "10"}
    box = container(binary, from_image=family.image, settings=settings)
    box.service()
    assert [line for line in box.said() if f"warning: {family.tool}: " in line and "301" in line], said(box)
    assert not [line for line in box.said() if "error: " in line], said(box)
    assert b"psm-entry managed certificates" in box.read(family.bundle)
    # From here on the tool builds the bundle again; nothing of what it was given before remains.
    (certs / "many.pem").unlink()
    box.restart()
    assert b"psm-entry managed certificates" not in box.read(family.bundle)
    assert len(os.listdir(certs)) == len(box.run("ls", family.anchors).stdout.split()) == 1
    # And in the other direction: what the tool built from psm-entry's anchors must not count as the distribution's.
    (certs / "many.pem").write_bytes(b"".join(pem_of(der) for der in ders))
    (certs / "ca_cert.pem").rename(certs / ".ca_cert.pem")
    former = box.read(family.bundle)
    box.restart()
    assert len(box.run("ls", family.anchors).stdout.split()) == 300
    gone = ssl_blocks(former) - ssl_blocks(box.read(family.bundle))
    assert len(gone) == 1, said(box)


def ssl_blocks(text: bytes) -> set[bytes]:
    begin = b"-----BEGIN CERTIFICATE-----"
    return {block.split(b"-----END")[0] for block in text.split(begin)[1:]}
