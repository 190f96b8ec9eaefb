"""What goes wrong, made to happen: each trouble's name, what brings it about, and what the page says of it."""

import base64
import contextlib
import datetime
import gzip
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.serialization import pkcs12

import der
from certificates import Authority, write

TARGET = "origin.test"
PLAIN_ANSWERS = {
    b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n": "",
    b"HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: NTLM\r\nProxy-Authenticate: Negotiate\r\n\r\n": (
        "The password may be right. px and cntlm run beside the service, log in with NTLM, and need no password themselves."
    ),
    b"HTTP/1.1 403 Forbidden\r\n\r\n": "The proxy has a list of what may be reached. Its administrator adds the host.",
    b"HTTP/1.1 502 Bad Gateway\r\n\r\n": "The way behind the proxy is broken: its DNS, its own parent, or the host itself.",
    b"HTTP/1.1 400 Bad Request\r\n\r\n": "The proxy has another port than its administration pages, or than the site itself.",
    b"HTTP/1.1 418 Teapot\r\n\r\n": "Ask the proxy's administrator what this status means there.",
    b"SSH-2.0-OpenSSH_9.2\r\n\r\n": "Another service has this port, or a proxy that speaks TLS or SOCKS on it.",
    b"HTTP/1.1 200 OK\r\n\r\nnot TLS": "Something between alters the connection, or the target's port is no HTTPS port.",
}


@contextlib.contextmanager
def serving(talk) -> Iterator[int]:
    """A server on loopback that does `talk` with each connection."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = server.accept()
                    with connection, contextlib.suppress(OSError):
                        connection.settimeout(30)
                        talk(connection)

        threading.Thread(target=serve, daemon=True).start()
        yield server.getsockname()[1]


def answering(answer: bytes):
    def talk(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.sendall(answer)

    return serving(talk)


def silent():
    """Listens and reads, and says nothing until the client goes."""

    def talk(connection: socket.socket) -> None:
        while connection.recv(4096):
            pass

    return serving(talk)


def terminating(directory: Path, authority: Authority):
    """A proxy that answers as the target itself, with a certificate of its own CA."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(write(directory / f"{authority.fingerprint}.pem", authority.issue(TARGET)))

    def talk(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        with context.wrap_socket(connection, server_side=True) as tls:
            tls.recv(1)

    return serving(talk)


def expired_twin(authority: Authority) -> bytes:
    """A certificate of the same name and key whose time is over."""
    from cryptography import x509

    now = datetime.datetime.now(datetime.timezone.utc)
    old = authority.certificate
    made = x509.CertificateBuilder().subject_name(old.subject).issuer_name(old.subject).public_key(old.public_key())
    made = made.serial_number(7).not_valid_before(now - datetime.timedelta(days=9))
    made = made.not_valid_after(now - datetime.timedelta(days=2))
    for extension in old.extensions:
        made = made.add_extension(extension.value, critical=extension.critical)
    return made.sign(authority.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def loose_twin(authority: Authority) -> bytes:
    """The same with a basicConstraints that is not critical, and without keyUsage."""
    from cryptography import x509

    old = authority.certificate
    made = x509.CertificateBuilder().subject_name(old.subject).issuer_name(old.subject).public_key(old.public_key())
    made = made.serial_number(8).not_valid_before(old.not_valid_before_utc).not_valid_after(old.not_valid_after_utc)
    made = made.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=False)
    made = made.add_extension(x509.SubjectKeyIdentifier.from_public_key(old.public_key()), critical=False)
    return made.sign(authority.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def odd_twin(authority: Authority) -> bytes:
    """A certificate that only some libraries read: a time of it has an offset in place of the Z."""
    tree = der.read(authority.der)
    time = der.Fields(tree).times[0]
    time.content = time.content.replace(b"Z", b"+0000")
    return ssl.DER_cert_to_PEM_cert(tree.encode()).encode()


def block(label: str) -> bytes:
    return f"-----BEGIN {label}-----\nMAA=\n-----END {label}-----\n".encode()


FILES = {
    "authority.p12": (
        pkcs12.serialize_key_and_certificates(
            b"ca", (_own := Authority.named("Own Root")).key, _own.certificate, None, serialization.NoEncryption()
        ),
        "A keystore with the CA's private key in it, mostly. Mount the certificate alone.",
    ),
    "bare.txt": (base64.encodebytes(_own.der), "What stands between BEGIN and END, without these two lines."),
    "base64.pem": (base64.encodebytes(_own.pem), "A Kubernetes Secret's `data` was copied as it is, mostly."),
    "both.pem": (_own.key_and_certificate, "The certificate is used. The key has no business in a mounted directory."),
    "bought.csr": (block("CERTIFICATE REQUEST"), "What was sent to the CA, not what came back."),
    "broken.pem": (
        b"-----BEGIN CERTIFICATE-----\nMIIB!!!!\n-----END CERTIFICATE-----\n",
        "The block was cut or altered on its way, often by copy and paste. Export it again as Base64.",
    ),
    "cut.pem": (b"-----BEGIN CERTIFICATE-----\nMIIB\n", "The file ends too early. Copy it again."),
    "cut.der": (_own.der[:-20], "The file was copied while it was written, or the download broke off."),
    "dashes.pem": (
        _own.pem.replace(b"-----BEGIN", "\u2014\u2014-BEGIN".encode()),
        "A word processor or a chat turned hyphens into dashes. Copy the original file instead of its text.",
    ),
    "dated.pem": (expired_twin(Authority.named("Dated Root")), "It is merged all the same; clients refuse what it signs."),
    "empty.pem": (b"", "An export or a mount that failed."),
    "escaped.pem": (
        _own.pem.replace(b"\n", b"\\n"),
        "JSON and environment files write a line break as `\\\\n`; whatever copied it did not turn it back.",
    ),
    "folded.pem": (
        _own.pem.replace(b"\n", b" "),
        "YAML's `>` joins lines. `kubectl create configmap --from-file` needs no such care.",
    ),
    "gzipped.pem": (gzip.compress(_own.pem, mtime=0), "Packed for its way, and not unpacked."),
    "indented.pem": (
        b"".join(b"    " + line + b"\n" for line in _own.pem.splitlines()),
        "Copied out of a YAML file with its indentation.",
    ),
    "intermediate.pem": (
        Authority.named("Far Root").subordinate("Issuing CA").pem,
        "curl trusts an intermediate CA alone, Python before 3.13 does not: `unable to get issuer certificate`.",
    ),
    "java.jks": (b"\xfe\xed\xfe\xed\0\0\0\2", "Java's own format."),
    "key.pem": (block("PRIVATE KEY"), "A private key belongs to its owner alone."),
    "list.crl": (block("X509 CRL"), "No client of the container reads such a list. Take it out."),
    "login.pem": (b"<!DOCTYPE html><html></html>", "Something asked for a login when the file was downloaded."),
    "loose.pem": (
        loose_twin(Authority.named("Loose Root")),
        "Python 3.13 says `Basic Constraints of CA cert not marked critical` or `Missing Subject Key Identifier` of it.",
    ),
    "notes.txt": (b"the CA is on the wiki\n", "Put nothing but certificates into the directory."),
    "quoted.pem": (b"".join(b"> " + line + b"\n" for line in _own.pem.splitlines()), "Copied out of a mail."),
    "tail.pem": (b"\n".join(_own.pem.splitlines()[2:]) + b"\n", "The first lines were lost in copying."),
    "zipped.pem": (b"PK\3\4\x14\0", "Packed for its way, and not unpacked."),
    "odd.pem": (
        odd_twin(_own),
        "In a bundle it would end all TLS of that library's clients. [Which certificates are used](certificates.md).",
    ),
}

SETTINGS = {
    "PSM_ENTRY_STRICT": ("maybe", "The words are listed; the setting is as if it were not there."),
    "PSM_ENTRY_TIMEOUT": ("soon", "Whole seconds."),
    "PSM_ENTRY_SYSTEM": ("always", "One of the three words."),
    "PSM_ENTRY_PREFER": ("both", "One of the two words."),
    "PSM_ENTRY_LOG_FORMAT": ("xml", "One of the two words."),
    "PSM_ENTRY_CRETS": ("/certs", "A typing error, mostly: nothing reads this variable."),
    "HTTPS_PROXY": ("http://user:secret@proxy.corp:port", "Correct the variable. Its value is not shown: it may hold a password."),
    "HTTP_PROXY_FILE": ("/run/secrets/none", "The secret is not mounted into this service."),
    "http_proxy": ("http://$(PROXY_USER):secret@proxy.corp:3128", "Kubernetes leaves a name that it cannot resolve as it is."),
    "FTP_PROXY": ("http://wpad.corp/proxy.pac", "The file is a program for browsers. It ends in lines such as PROXY proxy.corp:3128."),
    "ALL_PROXY": ("DIRECT", "Clients take the word for a host."),
    "REQUESTS_CA_BUNDLE": ("/corp.pem", "requests trusts the file alone, and nothing beside it. Mount the CA and unset the variable."),
    "SSL_CERT_DIR": ("/nowhere", "OpenSSL looks there beside its default file. It is mostly left over from another image."),
    "SSL_CERT_FILE": ("/nowhere.pem", "The variable replaces the trust of whoever obeys it. It is mostly not needed."),
}
