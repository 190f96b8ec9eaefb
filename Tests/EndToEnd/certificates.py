"""Certificate authorities and certificates, created on demand."""

import datetime
import ipaddress
import ssl
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID


def _name(common_name: str, organization: str = "Corp") -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )


def _builder(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.timezone.utc)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=90))
    )


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def as_authority(builder: x509.CertificateBuilder, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    """A builder with the extensions of a CA that every client accepts."""
    usage = x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=True,
        encipher_only=False,
        decipher_only=False,
    )
    return (
        builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


@dataclass(frozen=True)
class Authority:
    """A CA: its certificate and key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @classmethod
    def named(cls, common_name: str, organization: str = "Corp") -> "Authority":
        return cls._signed(_name(common_name, organization), None)

    def subordinate(self, common_name: str) -> "Authority":
        """A CA issued by this one."""
        return self._signed(_name(common_name), self)

    @classmethod
    def _signed(cls, name: x509.Name, issuer: "Authority | None") -> "Authority":
        key = ec.generate_private_key(ec.SECP256R1())
        public = key.public_key()
        builder = _builder(name, issuer.certificate.subject if issuer else name, public)
        certificate = as_authority(builder, public).sign(issuer.key if issuer else key, hashes.SHA256())
        return cls(certificate, key)

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.DER)

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the DER, 64 lower-case hex digits."""
        return self.certificate.fingerprint(hashes.SHA256()).hex()

    @property
    def key_and_certificate(self) -> bytes:
        return _key_pem(self.key) + self.pem

    def issue(self, host: str) -> bytes:
        """A server's key and certificate for a DNS name or an address, as one PEM text."""
        key = ec.generate_private_key(ec.SECP256R1())
        try:
            name: x509.GeneralName = x509.IPAddress(ipaddress.ip_address(host))
        except ValueError:
            name = x509.DNSName(host)
        certificate = (
            _builder(_name(host), self.certificate.subject, key.public_key())
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName([name]), critical=False)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), critical=False)
            .sign(self.key, hashes.SHA256())
        )
        return _key_pem(key) + certificate.public_bytes(serialization.Encoding.PEM)


def many(count: int) -> list[bytes]:
    """Small CAs with different subjects, as DER. They have no valid signature; software that adds trust does not check it."""
    template = Authority.named("Many 000000").der
    return [template.replace(b"Many 000000", b"Many %06d" % number) for number in range(count)]


def large(count: int, size: int) -> list[bytes]:
    """CAs with an extension of the given size in bytes, as DER."""
    key = ec.generate_private_key(ec.SECP256R1())
    comment = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.99999.1"), bytes(size))
    made = []
    for number in range(count):
        name = _name(f"Large {number}")
        builder = _builder(name, name, key.public_key()).add_extension(comment, critical=False)
        certificate = as_authority(builder, key.public_key())
        made.append(certificate.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER))
    return made


def pem_of(der: bytes) -> bytes:
    return ssl.DER_cert_to_PEM_cert(der).encode()


def certificates_of(bundle: bytes) -> list[bytes]:
    """Every certificate in a PEM text, as DER, in order."""
    return [
        certificate.public_bytes(serialization.Encoding.DER)
        for certificate in x509.load_pem_x509_certificates(bundle)
    ]


def write(path: Path, content: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path
