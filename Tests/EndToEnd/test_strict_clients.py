"""CAs that some clients reject: what psm-entry warns of is what Python rejects, and the remedy that it names works.

Python 3.13 sets VERIFY_X509_STRICT and VERIFY_X509_PARTIAL_CHAIN by default; here older ones are told to.
"""

import datetime
import ssl
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from certificates import write
from roots import BUNDLE, CERTS, Scene, base, make_scene

STRICT = "rejected by Python 3.13 and later"
NO_ISSUER = "is neither mounted nor in the bundle"


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


@dataclass
class CA:
    """A CA as one asks for it: what is left out or critical."""

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
        """A server's key and certificate, and what it sends with it."""
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


def accepts(bundle: Path, host: bytes, directory: Path, *, strict: bool) -> bool:
    """Whether Python, strict as 3.13 is or as the older ones are, makes a connection to the host."""
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(write(directory / "host.pem", host))
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.load_verify_locations(bundle)
    if strict:
        client.verify_flags |= ssl.VERIFY_X509_STRICT | ssl.VERIFY_X509_PARTIAL_CHAIN
    one, two = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [client.wrap_bio(two, one, server_hostname="proxied.test"), server.wrap_bio(one, two, server_side=True)]
    for _ in range(10):
        for end in ends:
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                continue
            except ssl.SSLCertVerificationError:
                return False
    return True


@pytest.fixture
def scene(directory: Path, binary: Path) -> Scene:
    made = make_scene(directory, binary)
    made.mount()
    return made


def start(scene: Scene, **authorities: CA) -> list[str]:
    """Mounts these CAs and starts; what is said of them as warnings."""
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
def test_a_root_that_strict_pythons_reject_is_warned_of(scene, lacks, tmp_path):
    root = CA("Proxy Root", lacks=frozenset(LACKS[lacks]))
    warnings = start(scene, root=root)
    host, bundle = root.host(), scene.at(BUNDLE)
    is_accepted = accepts(bundle, host, tmp_path, strict=False)
    is_rejected_by_strict = not accepts(bundle, host, tmp_path, strict=True)
    assert (sum(STRICT in line for line in warnings) == 1) == (is_accepted and is_rejected_by_strict), warnings
    assert any("every client rejects what it signs" in line for line in warnings) == (not is_accepted)
    assert len(warnings) == (lacks not in ("nothing", "authorityKeyIdentifier"))
    # certs and check say the same as the start.
    for command in ("certs", "check"):
        listed = subprocess.run(
            [scene.binary, command, "--json", "--root", scene.directory], env={}, capture_output=True, timeout=30, check=False
        ).stdout.decode()
        assert (STRICT in listed or "every client rejects" in listed) == bool(warnings), listed
    if not is_accepted:
        return
    # The remedy: what the root has issued for the proxy is mounted beside it.
    issuing = CA("Proxy Issuing", issuer=root)
    assert not start(scene, root=root, issuing=issuing)
    for strict in (False, True):
        assert accepts(bundle, issuing.host(issuing.pem), tmp_path, strict=strict)


def test_a_root_of_version_1_is_used_and_strict_pythons_reject_it(scene, tmp_path):
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
    assert accepts(scene.at(BUNDLE), root.host(), tmp_path, strict=False)
    assert not accepts(scene.at(BUNDLE), root.host(), tmp_path, strict=True)


def test_an_intermediate_without_its_issuer_is_warned_of_and_the_remedy_works(scene, tmp_path):
    root = CA("Proxy Root")
    issuing = CA("Proxy Issuing", issuer=root)
    (line,) = start(scene, issuing=issuing)
    assert f"issuing.pem: CN=Proxy Issuing: issuer CN=Proxy Root {NO_ISSUER}" in line
    assert not accepts(scene.at(BUNDLE), issuing.host(), tmp_path, strict=False)
    listed = subprocess.run(
        [scene.binary, "--root", scene.directory, "certs"], capture_output=True, check=True, timeout=30
    )
    assert NO_ISSUER in listed.stdout.decode()
    assert not start(scene, issuing=issuing, root=root)
    assert accepts(scene.at(BUNDLE), issuing.host(), tmp_path, strict=False)
    # One that the image trusts already is as good.
    scene.write(BUNDLE, base() + root.pem)
    assert not start(scene, issuing=issuing)
    assert accepts(scene.at(BUNDLE), issuing.host(), tmp_path, strict=False)
