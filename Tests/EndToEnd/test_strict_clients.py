"""CAs that some clients reject: psm-entry warns about exactly those that Python rejects, and its remedy works.

Python 3.13 sets VERIFY_X509_STRICT and VERIFY_X509_PARTIAL_CHAIN by default; here the Pythons of both systems run
with and without these flags.
"""

import datetime
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

import handshake
from certificates import write
from client_matrix import OLDER, SYSTEMS
from clients import PYTHON
from roots import BUNDLE, CERTS, Scene, base, make_scene

STRICT = "rejected by Python 3.13 and later"
NO_ISSUER = "is neither mounted nor in the bundle"


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


@dataclass
class CA:
    """A CA with some extensions left out or critical."""

    name: str
    issuer: "CA | None" = None
    lacks: frozenset[str] = frozenset()
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    def _builder(self, subject: str, key: ec.EllipticCurvePublicKey, issuer: "CA") -> x509.CertificateBuilder:
        now = datetime.datetime.now(datetime.timezone.utc)
        return (
            x509.CertificateBuilder()
            .subject_name(_name(subject))
            .issuer_name(_name(issuer.name))
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=90))
        )

    @property
    def pem(self) -> bytes:
        issuer = self.issuer or self
        builder = self._builder(self.name, self.key.public_key(), issuer)
        usage = dict.fromkeys(
            ["digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement"], False
        )
        usage |= {"encipher_only": False, "decipher_only": False, "crl_sign": True}
        builder = builder.add_extension(x509.BasicConstraints(True, None), critical="critical" not in self.lacks)
        if "keyUsage" not in self.lacks:
            usage["key_cert_sign"] = "keyCertSign" not in self.lacks
            builder = builder.add_extension(x509.KeyUsage(**usage), critical=True)
        if "subjectKeyIdentifier" not in self.lacks:
            subject_key = x509.SubjectKeyIdentifier.from_public_key(self.key.public_key())
            builder = builder.add_extension(subject_key, critical=False)
        if self.issuer and "authorityKeyIdentifier" not in self.lacks:
            authority_key = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.key.public_key())
            builder = builder.add_extension(authority_key, critical=False)
        return builder.sign(issuer.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    def host(self, chain: bytes = b"") -> bytes:
        """A server's key and certificate, and the certificates that it sends."""
        key = ec.generate_private_key(ec.SECP256R1())
        authority_key = x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key())
        certificate = (
            self._builder("proxied.test", key.public_key(), self)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName("proxied.test")]), critical=False)
            .add_extension(x509.BasicConstraints(False, None), critical=True)
            .add_extension(authority_key, critical=False)
            .sign(self.key, hashes.SHA256())
        )
        text = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return text + certificate.public_bytes(serialization.Encoding.PEM) + chain


@pytest.fixture(params=SYSTEMS)
def accepts(request, tmp_path):
    """Whether the system's Python and OpenSSL connect to a host, with 3.13's flags or without."""

    def here(bundle: Path, host: bytes, *, strict: bool) -> bool:
        return handshake.accepts(bundle, write(tmp_path / "host.pem", host), strict=strict)

    def there(bundle: Path, host: bytes, *, strict: bool) -> bool:
        flags = ["strict"] if strict else []
        told = box.run(PYTHON, handshake.__file__, str(bundle), str(write(tmp_path / "host.pem", host)), *flags)
        assert told.stdout in (b"accepted\n", b"rejected\n"), told
        return told.stdout == b"accepted\n"

    if request.param == OLDER:
        return here
    box = request.getfixturevalue("debian_13_clients")
    return there


@pytest.fixture
def scene(directory: Path, binary: Path) -> Scene:
    made = make_scene(directory, binary)
    made.mount()
    return made


def start(scene: Scene, **authorities: CA) -> list[str]:
    """Mounts these CAs and starts; returns the warnings."""
    scene.mount()
    for name, authority in authorities.items():
        (scene.at(CERTS) / f"{name}.pem").write_bytes(authority.pem)
    started = scene.start("--strict")
    assert started.status == 0, started.said
    return started.lines(": warning: ")


LACKS = {
    "nothing": (),
    "a critical basicConstraints": ("critical",),
    "keyUsage": ("keyUsage",),
    "subjectKeyIdentifier": ("subjectKeyIdentifier",),
    "all three": ("critical", "keyUsage", "subjectKeyIdentifier"),
    "keyCertSign": ("keyCertSign",),
    "authorityKeyIdentifier": ("authorityKeyIdentifier",),
}


@pytest.mark.parametrize("lacks", LACKS)
def test_a_root_that_strict_pythons_reject_is_warned_of(scene, lacks, accepts):
    root = CA("Proxy Root", lacks=frozenset(LACKS[lacks]))
    warnings = start(scene, root=root)
    host, bundle = root.host(), scene.at(BUNDLE)
    is_accepted = accepts(bundle, host, strict=False)
    is_rejected_by_strict = not accepts(bundle, host, strict=True)
    assert (sum(STRICT in line for line in warnings) == 1) == (is_accepted and is_rejected_by_strict), warnings
    assert any("every client rejects what it signs" in line for line in warnings) == (not is_accepted)
    assert len(warnings) == (lacks not in ("nothing", "authorityKeyIdentifier"))
    # certs and check report the same as the start.
    for command in ("certs", "check"):
        listed = subprocess.run(
            [scene.binary, command, "--json", "--root", scene.directory], env={}, capture_output=True, timeout=30, check=False
        ).stdout.decode()
        assert (STRICT in listed or "every client rejects" in listed) == bool(warnings), listed
    if not is_accepted:
        return
    # The remedy: the intermediate CA that the root has issued for the proxy is mounted beside it.
    issuing = CA("Proxy Issuing", issuer=root)
    assert not start(scene, root=root, issuing=issuing)
    for strict in (False, True):
        assert accepts(bundle, issuing.host(issuing.pem), strict=strict)


def test_a_root_of_version_1_is_used_and_strict_pythons_reject_it(scene, tmp_path, accepts):
    root = CA("Proxy Root")
    key = root.key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    write(tmp_path / "key.pem", key)
    subprocess.run(
        "openssl req -new -key key.pem -subj '/CN=Proxy Root' -out request.pem"
        " && openssl x509 -req -in request.pem -signkey key.pem -days 90 -out root.pem",
        shell=True, cwd=tmp_path, check=True, capture_output=True, timeout=30,
    )
    (scene.at(CERTS) / "root.pem").write_bytes((tmp_path / "root.pem").read_bytes())
    (line,) = scene.start().lines(": warning: ")
    assert f"{STRICT} (version 1)" in line
    assert accepts(scene.at(BUNDLE), root.host(), strict=False)
    assert not accepts(scene.at(BUNDLE), root.host(), strict=True)


def test_an_intermediate_without_its_issuer_is_warned_of_and_the_remedy_works(scene, accepts):
    root = CA("Proxy Root")
    issuing = CA("Proxy Issuing", issuer=root)
    (line,) = start(scene, issuing=issuing)
    assert f"issuing.pem: CN=Proxy Issuing: issuer CN=Proxy Root {NO_ISSUER}" in line
    assert not accepts(scene.at(BUNDLE), issuing.host(), strict=False)
    # With 3.13's flags it is accepted.
    assert accepts(scene.at(BUNDLE), issuing.host(), strict=True)
    listed = subprocess.run(
        [scene.binary, "--root", scene.directory, "certs"], capture_output=True, check=True, timeout=30
    )
    assert NO_ISSUER in listed.stdout.decode()
    assert not start(scene, issuing=issuing, root=root)
    assert accepts(scene.at(BUNDLE), issuing.host(), strict=False)
    # An issuer that the image already trusts is as good.
    scene.write(BUNDLE, base() + root.pem)
    assert not start(scene, issuing=issuing)
    assert accepts(scene.at(BUNDLE), issuing.host(), strict=False)
