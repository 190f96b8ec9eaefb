"""The statements of docs/comparison.md about the documented bash function and the two tools, tested in containers."""

import pytest

from certificates import Authority, certificates_of
from clients import PYTHON
from conftest import REPOSITORY
from containers import BUNDLE, CERTIFI, Container, succeed

LOADED = "import ssl, sys; print(len(ssl.create_default_context(cafile=sys.argv[1]).get_ca_certs()))"

STORES = {
    "rhel": {
        "ANCHORS": "/usr/share/pki/ca-trust-source/anchors",
        "ENDING": "pem",
        "TOOL": "/usr/bin/update-ca-trust",
        "STORE": "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    },
    "debian": {
        "ANCHORS": "/usr/local/share/ca-certificates",
        "ENDING": "crt",
        "TOOL": "/usr/sbin/update-ca-certificates",
        "STORE": "/etc/ssl/certs/ca-certificates.crt",
    },
}


class Box:
    """A container that runs only what a test starts."""

    def __init__(self, container: Container, family: str) -> None:
        self.container = container
        self.store = STORES[family]

    def shell(self, script: str) -> str:
        variables = [f"{name}={value}" for name, value in self.store.items()]
        return succeed("exec", self.container.name, "env", *variables, "sh", "-c", script).decode()

    def function(self) -> None:
        self.shell("/function")

    def anchor(self, name: str, content: bytes) -> None:
        self.shell(f"printf '%s' '{content.decode()}' > $ANCHORS/{name}.$ENDING")

    def tool(self) -> None:
        self.shell("$TOOL >/dev/null 2>&1")

    def bundle(self) -> list[bytes]:
        return certificates_of(self.container.read(self.store["STORE"]))

    def stamp(self) -> str:
        return self.shell("stat --format '%i %y' $STORE")


@pytest.fixture
def boxes(container, image, debian_image, certs):
    (certs / "ca_cert.pem").rename(certs / "ca0.pem")
    mounts = {REPOSITORY / "Benchmarks" / "container" / "bash-function": "/function"}

    def begin(family: str) -> Box:
        made = container(
            None,
            from_image={"rhel": image, "debian": debian_image}[family],
            mounts=mounts,
            command=["sleep", "infinity"],
            options=["--init"],
        )
        return Box(made, family)

    return begin


@pytest.mark.parametrize("family", STORES)
def test_the_bash_function_appends_again_and_takes_nothing_out(boxes, family, certs, proxy):
    box = boxes(family)
    certifi = box.container.read(CERTIFI)
    for _ in range(3):
        box.function()
    held = certificates_of(box.container.read(BUNDLE))
    assert held.count(proxy.authority.der) == 3
    assert box.bundle().count(proxy.authority.der) == 1
    assert box.container.read(CERTIFI) == certifi
    (certs / "ca0.pem").write_bytes(Authority.named("Another Root").pem)
    box.function()
    assert proxy.authority.der in certificates_of(box.container.read(BUNDLE))


def test_the_bash_function_ruins_the_bundle_with_a_file_that_lacks_its_last_newline(boxes, certs, proxy):
    box = boxes("rhel")
    loaded = [PYTHON, "-c", LOADED, BUNDLE]
    assert int(succeed("exec", box.container.name, *loaded)) > 100
    (certs / "ca0.pem").write_bytes(proxy.authority.pem.rstrip())
    (certs / "ca1.pem").write_bytes(Authority.named("Another Root").pem)
    box.function()
    refused = box.container.run(*loaded)
    assert refused.returncode != 0 and b"PEM" in refused.stderr


def test_the_bash_function_copies_private_keys(boxes, certs):
    key = Authority.named("With Key").key_and_certificate
    (certs / "ca0.pem").write_bytes(key)
    box = boxes("debian")
    box.function()
    assert b"PRIVATE KEY" in box.container.read(BUNDLE)


@pytest.mark.parametrize(("family", "is_copied"), [("debian", True), ("rhel", False)])
def test_a_private_key_among_the_anchors(boxes, family, is_copied):
    box = boxes(family)
    authority = Authority.named("With Key")
    box.anchor("ca", authority.key_and_certificate)
    box.tool()
    assert authority.der in box.bundle()
    assert (b"PRIVATE KEY" in box.container.read(box.store["STORE"])) == is_copied


@pytest.mark.parametrize("family", STORES)
def test_a_tool_writes_its_bundle_again_when_nothing_has_changed(boxes, family):
    box = boxes(family)
    before = box.stamp()
    box.tool()
    assert box.stamp() != before


@pytest.mark.parametrize("family", STORES)
def test_a_tool_takes_out_what_is_no_anchor_any_more(boxes, family, proxy):
    box = boxes(family)
    box.anchor("ca", proxy.authority.pem)
    box.tool()
    assert proxy.authority.der in box.bundle()
    box.shell("rm $ANCHORS/ca.$ENDING; $TOOL >/dev/null 2>&1")
    assert proxy.authority.der not in box.bundle()


def test_debians_tool_keeps_the_bundle_when_the_last_certificate_goes(boxes, proxy):
    box = boxes("debian")
    box.shell("sed -i 's/^[^#]/!&/' /etc/ca-certificates.conf")
    box.anchor("ca", proxy.authority.pem)
    box.tool()
    assert box.bundle() == [proxy.authority.der]
    box.shell("rm $ANCHORS/ca.$ENDING")
    box.tool()
    assert box.bundle() == [proxy.authority.der]


@pytest.mark.parametrize(("family", "content"), [("debian", "copied"), ("rhel", "left out")])
def test_what_is_no_certificate_is_passed_over_in_silence(boxes, family, content):
    box = boxes(family)
    box.anchor("rubbish", b"no certificate, says this line\n")
    box.tool()
    copied = b"no certificate, says this line" in box.container.read(box.store["STORE"])
    assert copied == (content == "copied")


@pytest.mark.parametrize("family", STORES)
def test_a_tool_does_not_touch_condas_bundles(boxes, family, proxy):
    box = boxes(family)
    before = [box.container.read(path) for path in (BUNDLE, CERTIFI)]
    box.anchor("ca", proxy.authority.pem)
    box.tool()
    assert [box.container.read(path) for path in (BUNDLE, CERTIFI)] == before
