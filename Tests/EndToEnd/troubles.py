"""Provoked failures: the name of each, its cause, and what the page says about it."""

import base64
import contextlib
import datetime
import gzip
import socket
import ssl
import subprocess
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
        "The password may be right. px and cntlm run beside the service and log in with NTLM."
    ),
    b"HTTP/1.1 403 Forbidden\r\n\r\n": "The proxy has a list of allowed hosts. Its administrator can add this one.",
    b"HTTP/1.1 502 Bad Gateway\r\n\r\n": "The connection between the proxy and the host failed: DNS, a parent proxy, or the host itself.",
    b"HTTP/1.1 400 Bad Request\r\n\r\n": "Usually the port of the administration pages, or the URL of the mirror itself.",
    b"HTTP/1.1 418 Teapot\r\n\r\n": "Ask the proxy's administrator what this status means there.",
    b"SSH-2.0-OpenSSH_9.2\r\n\r\n": "Another service has this port, or a proxy that expects TLS or SOCKS.",
    b"HTTP/1.1 200 OK\r\n\r\nnot TLS": "The connection is altered on its path, or the target's port is not an HTTPS port.",
}


@contextlib.contextmanager
def serving(talk) -> Iterator[int]:
    """A server on loopback that calls `talk` for each connection."""
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
    """Listens and reads, and sends nothing until the client disconnects."""

    def talk(connection: socket.socket) -> None:
        while connection.recv(4096):
            pass

    return serving(talk)


def terminating(directory: Path, authority: Authority):
    """A proxy that answers as the target itself, with a certificate from its own CA."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(write(directory / f"{authority.fingerprint}.pem", authority.issue(TARGET)))

    def talk(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        with context.wrap_socket(connection, server_side=True) as tls:
            tls.recv(1)

    return serving(talk)


def expired_twin(authority: Authority) -> bytes:
    """An expired certificate with the same name and key."""
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
    """A certificate that only some libraries read: one of its times has an offset instead of the Z."""
    tree = der.read(authority.der)
    time = der.Fields(tree).times[0]
    time.content = time.content.replace(b"Z", b"+0000")
    return ssl.DER_cert_to_PEM_cert(tree.encode()).encode()


def block(label: str) -> bytes:
    return f"-----BEGIN {label}-----\nMAA=\n-----END {label}-----\n".encode()


def _openssl(*words: str, given: bytes = b"") -> bytes:
    return subprocess.run(["openssl", *words], input=given, capture_output=True, timeout=30, check=True).stdout


FILES = {
    "authority.p12": (
        pkcs12.serialize_key_and_certificates(
            b"ca", (_own := Authority.named("Own Root")).key, _own.certificate, None, serialization.NoEncryption()
        ),
        "Usually a keystore with the CA's private key in it. Mount the certificate alone.",
    ),
    "bare.txt": (base64.encodebytes(_own.der), "The lines between BEGIN and END, without these two lines. A DER file needs no other name."),
    "base64.pem": (base64.encodebytes(_own.pem), "Usually a Kubernetes Secret's `data`, copied without decoding it."),
    "both.pem": (_own.key_and_certificate, "The certificate is used. Nobody but the CA should have the key."),
    "bought.csr": (block("CERTIFICATE REQUEST"), "The request that was sent to the CA, not its answer."),
    "broken.pem": (
        b"-----BEGIN CERTIFICATE-----\nMIIB!!!!\n-----END CERTIFICATE-----\n",
        "The block was cut or altered, often by copy and paste. Export it again as Base64.",
    ),
    "cut.pem": (b"-----BEGIN CERTIFICATE-----\nMIIB\n", "The file ends too early. Copy it again."),
    "cut.der": (_own.der[:-20], "The file was copied while it was written, or the download broke off."),
    "dashes.pem": (
        _own.pem.replace(b"-----BEGIN", "\u2014\u2014-BEGIN".encode()),
        "A word processor or a chat turned hyphens into dashes. Copy the original file instead of its text.",
    ),
    "dated.pem": (expired_twin(Authority.named("Dated Root")), "It is added all the same; clients reject what it signs."),
    "empty.pem": (b"", "An export or a mount that failed."),
    "escaped.pem": (
        _own.pem.replace(b"\n", b"\\n"),
        "JSON and environment files write a line break as `\\\\n`, and it was copied from there.",
    ),
    "folded.pem": (
        _own.pem.replace(b"\n", b" "),
        "YAML's `>` joins lines. `kubectl create configmap --from-file` needs no such care.",
    ),
    "gzipped.pem": (gzip.compress(_own.pem, mtime=0), "It was compressed for transport."),
    "indented.pem": (
        b"".join(b"    " + line + b"\n" for line in _own.pem.splitlines()),
        "Copied from a YAML file with its indentation.",
    ),
    "intermediate.pem": (
        Authority.named("Far Root").subordinate("Issuing CA").pem,
        "curl trusts an intermediate CA alone, Python before 3.13 does not: `unable to get issuer certificate`.",
    ),
    "java.jks": (b"\xfe\xed\xfe\xed\0\0\0\2", "Java's own format."),
    "key.pem": (block("PRIVATE KEY"), "A private key belongs to its owner alone."),
    "list.crl": (block("X509 CRL"), "No client of the container reads such a list. Remove it."),
    "login.pem": (b"<!DOCTYPE html><html></html>", "A login was required when the file was downloaded."),
    "loose.pem": (
        loose_twin(Authority.named("Loose Root")),
        "Python 3.13 says `Basic Constraints of CA cert not marked critical` or `Missing Subject Key Identifier` of it.",
    ),
    "notes.txt": (b"the CA is on the wiki\n", "Put nothing but certificates into the directory."),
    "quoted.pem": (b"".join(b"> " + line + b"\n" for line in _own.pem.splitlines()), "Copied from a mail."),
    "twice.pem": (base64.encodebytes(base64.encodebytes(_own.der)), "A Kubernetes Secret's `data` of a file that was Base64 already."),
    "wrapped.pem": (
        ssl.DER_cert_to_PEM_cert(_own.pem).encode(),
        "A tool was given PEM where it expected DER.",
    ),
    "header.pem": (
        b"\n\n".join(_own.pem.split(b"\n", 2)),
        "A tool has wrapped the lines, or two files were mixed.",
    ),
    "joined.pem": (_own.pem.rstrip() + _own.pem, "`cat` joins files: where the first has no final newline, two lines become one."),
    "half.pem": (block("CERTIFICATE"), "The contents of the block are not a certificate."),
    "other.pem": (block("DH PARAMETERS"), "Put nothing but certificates into the directory."),
    "none.p7b": (_openssl("crl2pkcs7", "-nocrl"), "The export left the certificates out."),
    "refusing.pem": (
        _openssl("x509", "-trustout", "-addreject", "serverAuth", given=_own.pem),
        "The file says itself that it must not be trusted for TLS servers.",
    ),
    "tail.pem": (b"\n".join(_own.pem.splitlines()[2:]) + b"\n", "The first lines were lost in copying."),
    "zipped.pem": (b"PK\3\4\x14\0", "It was compressed for transport."),
    "odd.pem": (
        odd_twin(_own),
        "In a bundle it would make that library's clients trust nothing. [Which certificates are used](certificates.md).",
    ),
}

SETTINGS = {
    "PSM_ENTRY_STRICT": ("maybe", "The setting is ignored."),
    "PSM_ENTRY_TIMEOUT": ("soon", "Whole seconds, without a unit."),
    "PSM_ENTRY_SYSTEM": ("always", "The setting is ignored."),
    "PSM_ENTRY_PREFER": ("both", "The setting is ignored."),
    "PSM_ENTRY_LOG_FORMAT": ("xml", "The setting is ignored."),
    "PSM_ENTRY_CRETS": ("/certs", "Usually a typing error: this variable is ignored."),
    "HTTPS_PROXY": ("http://user:secret@proxy.corp:port", "Correct the variable. Its value is not shown: it may hold a password."),
    "HTTP_PROXY_FILE": ("/run/secrets/none", "The secret is not mounted into this service."),
    "http_proxy": ("http://$(PROXY_USER):secret@proxy.corp:3128", "Kubernetes leaves `$(NAME)` unchanged if it does not know the name."),
    "FTP_PROXY": ("http://wpad.corp/proxy.pac", "A PAC file is a script for browsers. It contains words such as `PROXY proxy.corp:3128`."),
    "ALL_PROXY": ("DIRECT", "Clients use the word as a host name."),
    "REQUESTS_CA_BUNDLE": ("/corp.pem", "requests trusts this file only. Mount the CA and unset the variable."),
    "SSL_CERT_DIR": ("/nowhere", "OpenSSL looks there beside its default file. It is usually left over from another image."),
    "SSL_CERT_FILE": ("/nowhere.pem", "The variable replaces the bundle of the clients that use it. It is usually not needed."),
}

PASSWORD = "secret"
PROXIES = [
    ({"http_proxy": "http://proxy.corp:3128", "HTTP_PROXY": "http://other.corp:3128", "HTTPS_PROXY": "http://proxy.corp:3128"}, "The preferred case wins, lower case by default. Docker sets both cases in every container."),
    ({"no_proxy": "a.corp", "NO_PROXY": "b.corp"}, "Both were written by someone whose hosts must not be proxied."),
    ({"https_proxy": f"http://user:{PASSWORD}1@proxy.corp:3128", "HTTPS_PROXY": f"http://user:{PASSWORD}2@proxy.corp:3128"}, "The passwords differ."),
    ({"https_proxy": "", "HTTPS_PROXY": "http://proxy.corp:3128"}, "Compose's `${NAME:-}` leaves an empty value."),
    ({"HTTPS_PROXY": "http://proxy.corp"}, "A proxy's port is 3128 or 8080 in most networks."),
    ({"HTTPS_PROXY": "https://proxy.corp:3128"}, "Most proxies do not use TLS for their own port."),
    ({"HTTPS_PROXY": "socks5h://proxy.corp:1080"}, "[Which client uses which proxy](proxy-matrix.md)."),
    ({"HTTPS_PROXY": f"http://user:{PASSWORD}\u00fc@proxy.corp:3128"}, "Clients send other bytes, so the proxy answers 407 to some."),
    ({"HTTPS_PROXY": "http://user@proxy.corp:3128"}, "The proxy answers 407."),
    ({"HTTPS_PROXY": "http://proxy.corp:3128/path"}, "A proxy's URL has no path."),
    ({"HTTPS_PROXY": "http://proxy.corp:3128?x=1"}, "A `#` or `?` in the password must be percent-encoded."),
    ({"HTTPS_PROXY": "http://[fe80::1%25eth0]:3128"}, "A link-local address is valid on one network interface only."),
    ({"HTTPS_PROXY": "http://0x7f000001:3128"}, "Write `127.0.0.1`."),
    ({"HTTPS_PROXY": f"http://us%3Aer:{PASSWORD}@proxy.corp:3128"}, "HTTP's Basic authentication cannot transport a colon in the user."),
    ({"HTTPS_PROXY": f"http://user:{PASSWORD}%09@proxy.corp:3128"}, "A tab or a line break is in the password, usually by accident."),
    ({"HTTPS_PROXY": f"http://user:{PASSWORD}%2541@proxy.corp:3128"}, "An old git sends another password."),
    ({"HTTP_PROXY": "http://proxy.corp:3128"}, "Nearly all mirrors are https://."),
    ({"HTTPS_PROXY": "http://proxy.corp:3128", "REQUEST_METHOD": "GET"}, "A web server sets it for CGI scripts."),
    ({"HTTPS_PROXY": "http://proxy.corp:3128", "NO_PROXY": "a.corp,*"}, "[Which client honors which entry](no-proxy.md)."),
    ({"HTTPS_PROXY": "http://proxy.corp:3128", "NO_PROXY": "fd00::/8"}, "[Which client honors which entry](no-proxy.md)."),
]

USAGE = [
    (["-x", "true"], "Everything before the command is an option of psm-entry."),
    (["--strict=maybe", "--", "true"], "An option with an invalid value ends the start; a variable with one is an error in the log."),
    (["--json=yes", "plan"], "Write `--json` alone."),
    (["plan", "--certs"], "The last word of the command line is an option without its value."),
    (["help", "everything"], "`psm-entry help` lists the subcommands."),
    (["version", "1"], "`version` takes no argument."),
    (["plan", "--", "true"], "`plan` does not run a command."),
    (["write-bundle", "/a", "/b"], "One file is written."),
    (["install"], "Name the destination."),
    (["apply", "--json"], "`apply` writes a log: `--log-format json`."),
    (["plan", "--null"], "Only `env` prints values for machines."),
    (["env", "--null", "--json"], "Choose one."),
    (["plan", "--clients"], "Only `check` looks at clients."),
    (["plan", "--connect"], "Only `check` connects."),
    (["check", "--target", "ftp://repo.corp"], "A target is a web server."),
    (["check", f"--user:{PASSWORD}"], "What is not an option's name is not shown."),
]
