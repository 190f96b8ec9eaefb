"""`check --connect`: every way that a connection fails is told, with its cause and what to do."""

import json
import shutil
import socket
import ssl
import subprocess
from dataclasses import replace
from pathlib import Path

import certifi
import pytest

import troubles
from certificates import Authority, write
from network import Proxy

TARGET = "https://origin.test"


def tls_server(directory: Path, key_and_chain: bytes):
    """A TLS server on loopback with this key and chain."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(write(directory / "server.pem", key_and_chain))

    def talk(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as tls:
            tls.recv(1)

    return troubles.serving(talk)


@pytest.fixture
def check(binary: Path, tmp_path: Path, certs: Path):
    """Runs `check --json` after a start, and gives the results of --connect."""
    bundle = tmp_path / "cacert.pem"
    shutil.copy(certifi.where(), bundle)
    settings = ["--certs", str(certs), "--bundles", str(bundle), "--system", "off", "--log", "quiet"]
    environment = {"PATH": "/usr/bin:/bin"}
    subprocess.run([binary, *settings, "--", "/bin/true"], env=environment, check=True, timeout=30)

    def run(*options: str, **variables: str) -> list[dict]:
        target = [] if "--target" in options[:1] else ["--target", TARGET]
        command = [binary, "check", "--json", "--connect", *target, *settings, *options]
        done = subprocess.run(
            command, env={**environment, **variables}, capture_output=True, text=True, timeout=60, check=False
        )
        assert "pw1" not in done.stdout + done.stderr
        results = json.loads(done.stdout)
        assert done.returncode == (0 if results["ok"] else 1)
        return [one for one in results["checks"] if one["name"] == "connect"]

    return run


def test_a_proxy_whose_ca_is_mounted_is_fine(check, proxy: Proxy):
    (result,) = check("--proxy", proxy.url)
    assert result["ok"] and result["detail"] == "connected, and TLS verified"
    assert result["target"] == f"http://user1:***@127.0.0.1:{proxy.port} → origin.test:443"


def test_the_environments_proxies_and_those_of_a_file_are_tried_as_well(check, proxy: Proxy, tmp_path: Path):
    secret = tmp_path / "secret"
    secret.write_text(replace(proxy, user="user3").url + "\n")
    first, second = check("--proxy-file", str(secret), HTTPS_PROXY=proxy.url)
    assert first["ok"] and not second["ok"]


def test_a_ca_that_is_not_mounted_is_named(check, second_proxy: Proxy):
    (result,) = check("--proxy", second_proxy.url)
    assert not result["ok"]
    assert "issuer is CN=Branch Proxy Root,O=Corp, and no CA of that name is mounted" in result["detail"]


def test_a_ca_that_was_mounted_after_the_start_wants_a_restart(check, second_proxy: Proxy, certs: Path):
    (certs / "branch.pem").write_bytes(second_proxy.authority.pem)
    (result,) = check("--proxy", second_proxy.url)
    assert "a CA named CN=Branch Proxy Root,O=Corp is mounted" in result["detail"]
    assert "restart the container" in result["detail"]


def test_another_ca_of_the_same_name_is_not_taken_for_it(check, second_proxy: Proxy, certs: Path):
    (certs / "branch.pem").write_bytes(Authority.named("Branch Proxy Root").pem)
    (result,) = check("--proxy", second_proxy.url)
    assert not result["ok"] and "else it is another CA of that name" in result["detail"]


def test_a_wrong_password_names_the_user(check, proxy: Proxy):
    (result,) = check("--proxy", replace(proxy, password="wrong").url)
    assert "does not accept user user1 with this password (407)" in result["detail"]


def test_a_proxy_that_wants_a_user_says_so(check, proxy: Proxy):
    (result,) = check("--proxy", f"http://127.0.0.1:{proxy.port}")
    assert "wants a user and a password (407)" in result["detail"]


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (b"HTTP/1.1 403 Forbidden\r\n\r\n", "does not allow origin.test:443 (403)"),
        (b"HTTP/1.1 502 Bad Gateway\r\n\r\n", "cannot reach origin.test:443 (502)"),
        (b"HTTP/1.1 418 Teapot\r\n\r\n", "answers 418"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "no HTTP proxy but perhaps a web server (400"),
        (b"HTTP/1.0 501 Unsupported method\r\n\r\n", "no HTTP proxy but perhaps a web server (501"),
        (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", "no HTTP proxy"),
        (b"HTTP/1.1 200 OK\r\n", "does not answer to CONNECT"),
        (b"", "no HTTP proxy"),
        (b"HTTP/1.1 200 OK\r\n\r\nnot TLS", "TLS failed"),
    ],
)
def test_what_the_proxy_answers_is_explained(check, answer: bytes, told: str):
    with troubles.answering(answer) as port:
        (result,) = check("--proxy", f"http://127.0.0.1:{port}")
    assert not result["ok"] and told in result["detail"]


def test_a_port_where_nobody_listens_is_refused(check):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    (result,) = check("--proxy", f"http://127.0.0.1:{port}")
    assert f"127.0.0.1 refuses connections to port {port}" in result["detail"]


def test_a_name_that_does_not_exist_is_told(check):
    (result,) = check("--proxy", "http://nowhere.invalid:3128")
    assert "the name nowhere.invalid is not found" in result["detail"]


def test_an_address_that_cannot_be_read_is_not_shown(check):
    (result,) = check("--proxy", "http://user1:pw1@:port")
    assert not result["ok"] and result["target"].startswith("--proxy number 1")


def test_each_proxy_is_tried_for_each_target(check, proxy: Proxy):
    results = check("--proxy", proxy.url, "--target", "https://origin.test:443/conda")
    assert [one["ok"] for one in results] == [True, True]


def test_who_waits_to_be_spoken_to_in_another_protocol_is_no_proxy(check):
    def talk(connection: socket.socket) -> None:
        connection.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")
        while connection.recv(4096):
            pass

    with troubles.serving(talk) as port:
        (result,) = check("--proxy", f"http://127.0.0.1:{port}")
    assert "no HTTP proxy" in result["detail"]


def test_an_ipv6_target_stands_in_brackets(check):
    asked = []

    def talk(connection: socket.socket) -> None:
        asked.append(connection.recv(4096))
        connection.sendall(b"HTTP/1.1 403 Forbidden\r\n\r\n")

    with troubles.serving(talk) as port:
        (result,) = check("--target", "HTTPS://[::1]:8443/", "--proxy", f"http://127.0.0.1:{port}")
    assert result["target"].endswith("→ [::1]:8443")
    assert asked == [b"CONNECT [::1]:8443 HTTP/1.1\r\nHost: [::1]:8443\r\n\r\n"]


def test_a_proxy_of_the_environment_that_cannot_be_read_is_no_direct_way(check):
    (result,) = check(HTTPS_PROXY="http://user1:pw1@bad_host:99999")
    assert not result["ok"] and result["target"].startswith("HTTPS_PROXY")


@pytest.mark.parametrize(
    ("is_mounted", "host", "told"),
    [
        (True, "127.0.0.1", "connected, and TLS verified"),
        (True, "elsewhere.test", "what was meant?"),
        (False, "127.0.0.1", "the issuer is CN=Chain Root,O=Corp, and no CA of that name is mounted"),
    ],
)
def test_a_chain_is_judged_by_its_root_and_its_name(check, certs: Path, tmp_path: Path, is_mounted, host, told):
    root = Authority.named("Chain Root")
    issuing = root.subordinate("Chain Issuing CA")
    if is_mounted:
        with (tmp_path / "cacert.pem").open("ab") as bundle:
            bundle.write(root.pem)
        (certs / "root.pem").write_bytes(root.pem)
    with tls_server(tmp_path, issuing.issue(host) + issuing.pem) as port:
        (result,) = check("--target", f"https://127.0.0.1:{port}")
    assert result["target"].startswith("direct") and told in result["detail"]


def test_a_root_made_anew_under_its_name_is_not_taken_for_it(check, certs: Path, tmp_path: Path):
    root, other = Authority.named("Chain Root"), Authority.named("Chain Root")
    with (tmp_path / "cacert.pem").open("ab") as bundle:
        bundle.write(other.pem)
    (certs / "root.pem").write_bytes(other.pem)
    with tls_server(tmp_path, root.subordinate("Issuing CA").issue("127.0.0.1")) as port:
        (result,) = check("--target", f"https://127.0.0.1:{port}")
    assert "the issuer is CN=Issuing CA,O=Corp, and no CA of that name is mounted" in result["detail"]
    with tls_server(tmp_path, root.issue("127.0.0.1")) as port:
        (result,) = check("--target", f"https://127.0.0.1:{port}")
    assert "else it is another CA of that name" in result["detail"]


def test_another_root_is_verified_against_its_own_bundle(binary: Path, tmp_path: Path):
    authority = Authority.named("Chain Root")
    root = tmp_path / "root"
    write(root / "conda/ssl/cacert.pem", authority.pem)
    with tls_server(tmp_path, authority.issue("127.0.0.1")) as port:
        done = subprocess.run(
            [binary, "check", "--json", "--root", root, "--target", f"https://127.0.0.1:{port}"],
            env={"PATH": "/usr/bin:/bin"},
            capture_output=True,
            timeout=60,
            check=False,
        )
    (result,) = [one for one in json.loads(done.stdout)["checks"] if one["name"] == "connect"]
    assert result["detail"] == "connected, and TLS verified"
