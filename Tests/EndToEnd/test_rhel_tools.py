"""Both generations of RHEL's update-ca-trust, with the links and modes of their packages."""

import json
import tempfile

import pytest

import product
from certificates import certificates_of
from clients import CURL
from containers import BUNDLE, CERTIFI, HERE, PODMAN, STORE
from network import BODY

EXTRACTED = "/etc/pki/ca-trust/extracted"
NAMES = {
    "old": ["/etc/pki/tls/cert.pem", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/certs/ca-bundle.crt"],
    "new": [
        "/etc/pki/tls/cert.pem",
        "/etc/pki/tls/certs/ca-bundle.crt",
        "/etc/pki/tls/certs/ca-certificates.crt",
        "/etc/ssl/cert.pem",
        "/etc/ssl/certs/ca-certificates.crt",
    ],
}
"""The names that clients use: not `directory-hash`, since /etc/ssl/certs is a link to /etc/pki/tls/certs."""
ROOTS = {
    "root": [],
    "root without CAP_DAC_OVERRIDE": ["--cap-drop", "DAC_OVERRIDE"],
    "root without capabilities": ["--cap-drop", "all"],
}
OTHERS = {
    "1000 of group 0": ["--user", "1000:0"],
    "1000": ["--user", "1000:1000"],
    "read-only": ["--read-only", "--read-only-tmpfs=true"],
}


@pytest.fixture(params=NAMES)
def generation(request):
    return request.param


@pytest.fixture
def begin(container, binary, image, generation):
    name = f"localhost/psm-entry-rhel-{generation}:{image.rpartition(':')[2]}"
    with tempfile.NamedTemporaryFile("w", suffix=".Containerfile") as file:
        file.write(f"FROM {image}\nCOPY . /recipe\nRUN sh /recipe/layout /recipe {generation} && rm -r /recipe\n")
        file.flush()
        product.build(PODMAN, "--tag", name, "--file", file.name, str(HERE / "rhel"))

    def start(options, entry=binary, **more):
        return container(entry, options=options, from_image=name, settings={"REPO_CUSTOM_CA_CERT": ""}, **more)

    return start


def contents(box, generation):
    return {name: certificates_of(box.read(name)) for name in NAMES[generation]}


def verified_by_hash(box, authority):
    """Whether OpenSSL finds the CA under its hashed name in /etc/ssl/certs."""
    line = ["openssl", "verify", "-CApath", "/etc/ssl/certs", "-no-CAfile", "-no-CAstore", authority]
    return box.run(*line).returncode == 0


@pytest.mark.parametrize("kind", ROOTS)
def test_root_has_the_store_built_once_and_emptied_again(begin, generation, certs, origin, proxy, kind):
    box = begin(ROOTS[kind])
    service = box.service()
    assert (service.pid, service.children) == (1, 0)
    assert [line for line in box.said() if "error: " in line] == [], box.log()
    told = box.run(*CURL, "--cacert", NAMES[generation][1], origin.url)
    assert told.stdout == BODY, box.log()
    assert all(proxy.authority.der in held and len(held) > 100 for held in contents(box, generation).values())
    said, runs = len(box.said()), box.tool_runs()
    box.restart()
    assert (len(box.said()), box.tool_runs()) == (said + 1, runs), box.log()
    told = json.loads(box.run("/psm-entry", "check", "--json").stdout)
    # The image's pip is Debian's and reads Debian's file, whose name the old layout does not have, so pip has no trust.
    wrong = [one for one in told["checks"] if not one["ok"] and "/site-packages/pip)" not in one["target"]]
    assert wrong == []

    (certs / "ca_cert.pem").unlink()
    box.restart()
    assert [line for line in box.said() if "error: " in line] == [], box.log()
    assert all(proxy.authority.der not in held and len(held) > 100 for held in contents(box, generation).values())


def test_the_new_one_gives_the_certificate_a_hashed_name(begin, generation, certs):
    box = begin([])
    box.service()
    assert verified_by_hash(box, "/etc/repo/ca_certs/ca_cert.pem") == (generation == "new")


@pytest.mark.parametrize("kind", OTHERS)
def test_who_cannot_write_the_store_leaves_it_as_it_is_and_serves(begin, generation, origin, proxy, kind):
    """The service is the client: it has the variables that name the private bundle."""
    show = f'cat "$SSL_CERT_FILE"; {" ".join(CURL)} {origin.url} && /psm-entry check'
    box = begin(OTHERS[kind], command=["/bin/sh", "-c", show])
    assert box.exit_status() == 0, box.log()
    assert proxy.authority.pem.decode() in box.log()
    assert BODY.decode() in box.log()
    assert len([line for line in box.said() if "system store" in line]) == 1, box.log()
    assert [line for line in box.said() if "error: " in line] == []


def test_the_control_does_not_trust_the_proxy(begin, generation, proxy):
    box = begin([], entry=None)
    box.service()
    for held in contents(box, generation).values():
        assert len(held) > 100 and proxy.authority.der not in held
    assert b"run\n" == box.read("/var/log/update-ca-trust.count")[-4:]
    modes = box.run("stat", "--format", "%a", STORE, f"{EXTRACTED}/pem", f"{EXTRACTED}/pem/directory-hash").stdout
    assert modes.split() == [b"444", b"755"] + [b"555"] * (generation == "new")
    assert all(box.run("test", "-e", path).returncode == 0 for path in (BUNDLE, CERTIFI))
