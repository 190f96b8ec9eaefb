"""`check --connect`: every way in which a connection fails is reported with its cause and remedy."""

import contextlib
import json
import re
import shutil
import socket
import ssl
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import certifi
import pytest

import troubles
from certificates import Authority, write
from network import Proxy, running_proxy
from roots import ALONE

TARGET = "https://origin.test"


def tls_server(directory: Path, key_and_chain: bytes):
    """A TLS server on loopback with this key and chain."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(write(directory / "server.pem", key_and_chain))

    def talk(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as tls:
            tls.recv(1)

    return troubles.serving(talk)


@contextlib.contextmanager
def dante(directory: Path):
    """A SOCKS proxy of versions 4 and 5 on loopback."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    rules = "\n".join(f"{kind} pass {{ from: 0.0.0.0/0 to: 0.0.0.0/0 }}" for kind in ("client", "socks"))
    settings = f"logoutput: stderr\ninternal: 127.0.0.1 port = {port}\nexternal: lo\n"
    settings += f"socksmethod: none\nclientmethod: none\n{rules}\n"
    path = write(directory / "danted.conf", settings.encode())
    with open(directory / "danted.log", "wb") as log:
        process = subprocess.Popen(["/usr/sbin/danted", "-f", path], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + 20
        while True:
            assert process.poll() is None and time.monotonic() < deadline, (directory / "danted.log").read_text()
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                break
            time.sleep(0.02)
        yield port
    finally:
        process.terminate()
        process.wait(timeout=20)


@pytest.fixture
def check(binary: Path, tmp_path: Path, certs: Path):
    """Runs `check --json` after a start, and returns the results of --connect."""
    bundle = tmp_path / "cacert.pem"
    shutil.copy(certifi.where(), bundle)
    settings = ["--certs", str(certs), "--bundles", str(bundle), "--system", "off", "--log", "quiet"]
    environment = {"PATH": "/usr/bin:/bin"}
    subprocess.run([binary, *settings, "--", "/bin/true"], env=environment, check=True, timeout=30)

    def run(*options: str, **variables: str) -> list[dict]:
        target = [] if options and options[0] in ("--target", "--target-of-environment") else ["--target", TARGET]
        options = tuple(option for option in options if option != "--target-of-environment")
        command = [*ALONE, binary, "check", "--json", "--connect", *target, *settings, *options]
        done = subprocess.run(
            command, env={**environment, **variables}, capture_output=True, text=True, timeout=60, check=False
        )
        assert "pw1" not in done.stdout + done.stderr and "dXNlcjE6" not in done.stdout + done.stderr
        results = json.loads(done.stdout)
        assert done.returncode == (0 if results["ok"] else 1)
        return [one for one in results["checks"] if one["name"] == "connect"]

    return run


def test_a_proxy_whose_ca_is_mounted_is_fine(check, proxy: Proxy):
    (result,) = check("--proxy", proxy.url)
    assert result["ok"] and result["detail"].startswith("connected, TLS verified, issued by CN=")
    assert result["target"] == f"http://user1:***@127.0.0.1:{proxy.port} → origin.test:443"


def test_the_environments_proxies_and_those_of_a_file_are_tried_as_well(check, proxy: Proxy, tmp_path: Path):
    secret = tmp_path / "secret"
    secret.write_text(replace(proxy, user="user3").url + "\n")
    first, second = check("--proxy-file", str(secret), HTTPS_PROXY=proxy.url)
    assert first["ok"] and not second["ok"]


def test_a_ca_that_is_not_mounted_is_named(check, second_proxy: Proxy):
    (result,) = check("--proxy", second_proxy.url)
    assert not result["ok"]
    assert "issuer CN=Branch Proxy Root,O=Corp is not mounted; mount it" in result["detail"]


def test_a_ca_that_was_mounted_after_the_start_wants_a_restart(check, second_proxy: Proxy, certs: Path):
    (certs / "branch.pem").write_bytes(second_proxy.authority.pem)
    (result,) = check("--proxy", second_proxy.url)
    assert "CA CN=Branch Proxy Root,O=Corp is mounted" in result["detail"]
    assert "restart the container" in result["detail"]


def test_another_ca_of_the_same_name_is_not_taken_for_it(check, second_proxy: Proxy, certs: Path):
    (certs / "branch.pem").write_bytes(Authority.named("Branch Proxy Root").pem)
    (result,) = check("--proxy", second_proxy.url)
    assert not result["ok"] and "but unused or outdated" in result["detail"]


def test_a_wrong_password_names_the_user(check, proxy: Proxy):
    (result,) = check("--proxy", replace(proxy, password="wrong").url)
    assert "407 Proxy Authentication Required: credentials of user user1 rejected" in result["detail"]


def test_a_proxy_that_wants_a_user_says_so(check, proxy: Proxy):
    (result,) = check("--proxy", f"http://127.0.0.1:{proxy.port}")
    assert "407 Proxy Authentication Required: no user given" in result["detail"]


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (b"HTTP/1.1 403 Forbidden\r\n\r\n", "403 Forbidden: the proxy does not allow origin.test:443"),
        (b"HTTP/1.1 502 Bad Gateway\r\n\r\n", "502: the proxy cannot reach origin.test:443"),
        (b"HTTP/1.1 418 Teapot\r\n\r\n", "status 418 for CONNECT"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "status 400 for CONNECT origin.test:443: not an HTTP proxy, perhaps a web server"),
        (b"HTTP/1.0 501 Unsupported method\r\n\r\n", "status 501 for CONNECT origin.test:443: not an HTTP proxy, perhaps a web server"),
        (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", "not an HTTP proxy"),
        (b"HTTP/1.1 200 OK\r\n", "incomplete answer to CONNECT"),
        (b"", "not an HTTP proxy"),
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
    assert f"connection refused: 127.0.0.1:{port}" in result["detail"]


def test_a_name_that_does_not_exist_is_told(check):
    (result,) = check("--proxy", "http://nowhere.invalid:3128")
    assert "cannot resolve nowhere.invalid" in result["detail"]


def test_an_address_that_cannot_be_read_is_not_shown(check):
    (result,) = check("--proxy", "http://user1:pw1@:port")
    assert not result["ok"] and result["target"].startswith("--proxy number 1")


def test_each_proxy_is_tried_for_each_target(check, proxy: Proxy):
    results = check("--proxy", proxy.url, "--target", "https://origin.test:443/")
    assert [one["ok"] for one in results] == [True, True]


def test_success_names_the_time_of_each_step(check, proxy: Proxy):
    (result,) = check("--proxy", proxy.url)
    assert set(result["milliseconds"]) == {"resolve", "connect", "proxy", "tls"}
    assert re.search(r"issued by CN=Corp Proxy Root,O=Corp \(\d+ ms\)$", result["detail"])


def test_success_is_a_line_a_route_for_a_person(binary, proxy: Proxy, tmp_path: Path, certs: Path):
    bundle = tmp_path / "cacert.pem"
    bundle.write_bytes(Path(certifi.where()).read_bytes() + proxy.authority.pem)
    command = [*ALONE, binary, "check", "--connect", "--proxy", proxy.url, "--target", TARGET, "--bundles", bundle]
    command += ["--system", "off", "--certs", certs, "--log", "quiet"]
    environment = {"PATH": "/usr/bin:/bin"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=True)
    assert re.search(
        rf"^✓ ok +connect +http://user1:\*\*\*@127\.0\.0\.1:{proxy.port} → origin\.test:443 +"
        r"connected, TLS verified, issued by CN=Corp Proxy Root,O=Corp \(\d+ ms\)$",
        done.stdout,
        re.MULTILINE,
    ), done.stdout


@pytest.mark.parametrize("scheme", ["socks5", "socks5h"])
def test_a_socks_proxy_with_a_password_is_tried(check, origin, proxy: Proxy, tmp_path: Path, scheme: str):
    with running_proxy(tmp_path / "socks", origin, authority=proxy.authority, mode="socks5") as socks:
        address = socks.url.replace("http://", f"{scheme}://")
        # socks5 resolves here, where the name is unknown.
        (result,) = check("--proxy", address)
        wrong, other = check("--proxy", address.replace("pw1@", "secret@"), "--proxy", address.split("//user1")[0] + f"//127.0.0.1:{socks.port}")
    if scheme == "socks5h":
        assert result["ok"] and "TLS verified, issued by CN=Corp Proxy Root" in result["detail"], result
        assert "credentials of user user1 rejected" in wrong["detail"]
    else:
        assert "cannot resolve origin.test in this container" in result["detail"] and "use socks5h" in result["detail"]
    assert not other["ok"]


@pytest.mark.parametrize("scheme", ["socks4", "socks5", "socks5h"])
def test_a_socks_proxy_without_a_password_is_tried(check, certs: Path, tmp_path: Path, scheme: str):
    """Through Dante, which supports both versions but not 4A, to a server on loopback."""
    authority = Authority.named("Chain Root")
    with (tmp_path / "cacert.pem").open("ab") as bundle:
        bundle.write(authority.pem)
    (certs / "root.pem").write_bytes(authority.pem)
    with tls_server(tmp_path, authority.issue("localhost")) as port, dante(tmp_path) as proxy:
        (result,) = check("--target", f"https://localhost:{port}", "--proxy", f"{scheme}://127.0.0.1:{proxy}")
        assert result["ok"] and "issued by CN=Chain Root" in result["detail"], result
        (refused,) = check("--target", "https://localhost:1", "--proxy", f"{scheme}://127.0.0.1:{proxy}")
    assert not refused["ok"] and "the SOCKS proxy cannot reach localhost:1" in refused["detail"]


@pytest.mark.parametrize(("scheme", "told"), [("socks4a", "not a SOCKS 4 proxy"), ("socks5h", "not a SOCKS 5 proxy")])
def test_what_is_no_socks_proxy_is_told(check, scheme: str, told: str):
    with troubles.answering(b"HTTP/1.1 400 Bad Request\r\n\r\n") as port:
        (result,) = check("--proxy", f"{scheme}://127.0.0.1:{port}")
    assert not result["ok"] and told in result["detail"], result


@pytest.mark.parametrize(("reply", "told"), [(b"\0\x5a", "TLS failed"), (b"\0\x5b", "cannot reach origin.test:443 (code 91)")])
def test_a_proxy_of_version_4a_is_given_the_name(check, reply: bytes, told: str):
    """- Source: "SOCKS 4A: A Simple Extension to SOCKS 4 Protocol"."""
    asked = []

    def talk(connection: socket.socket) -> None:
        asked.append(connection.recv(4096))
        connection.sendall(reply + bytes(6) + b"not TLS")

    with troubles.serving(talk) as port:
        (result,) = check("--proxy", f"socks4a://alice@127.0.0.1:{port}")
    assert asked == [b"\x04\x01\x01\xbb\0\0\0\x01alice\0origin.test\0"]
    assert not result["ok"] and told in result["detail"], result


def test_a_proxy_that_speaks_tls_is_tried(check, proxy: Proxy):
    """mitmproxy accepts TLS on the same port, with a certificate from its own CA."""
    address = proxy.url.replace("http://", "https://")
    (result,) = check("--proxy", address)
    assert result["ok"] and "TLS verified, issued by CN=Corp Proxy Root" in result["detail"], result
    (wrong,) = check("--proxy", address.replace("pw1@", "secret@"))
    assert "407 Proxy Authentication Required: credentials of user user1 rejected" in wrong["detail"]


def test_a_proxy_that_speaks_tls_with_an_unknown_ca_gets_no_password(check, second_proxy: Proxy):
    seen = len(second_proxy.requests())
    (result,) = check("--proxy", second_proxy.url.replace("http://", "https://"))
    assert "TLS to the proxy: certificate verify failed" in result["detail"], result
    assert "issuer CN=Branch Proxy Root,O=Corp is not mounted" in result["detail"]
    assert len(second_proxy.requests()) == seen


def test_a_plain_proxy_that_is_called_one_of_tls_is_told(check):
    with troubles.answering(b"HTTP/1.1 400 Bad Request\r\n\r\n") as port:
        (result,) = check("--proxy", f"https://127.0.0.1:{port}")
    assert "TLS to the proxy failed" in result["detail"]


@pytest.mark.parametrize(
    ("headers", "told"),
    [
        (b"Proxy-Authenticate: NTLM\r\nProxy-Authenticate: Negotiate\r\n", "the proxy offers only NTLM and Negotiate"),
        (b"Proxy-Authenticate: Digest realm=x\r\n", "the proxy offers only Digest"),
        (b"Proxy-Authenticate: NTLM\r\nProxy-Authenticate: Basic realm=x\r\n", "credentials of user alice rejected"),
    ],
)
def test_the_schemes_that_a_proxy_offers_are_told_from_a_wrong_password(check, headers: bytes, told: str):
    with troubles.answering(b"HTTP/1.1 407 Proxy Authentication Required\r\n" + headers + b"\r\n") as port:
        (result,) = check("--proxy", f"http://alice:pw1@127.0.0.1:{port}")
    assert told in result["detail"]


@pytest.mark.parametrize(
    ("answer", "level", "told"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\n", "info", "connected, 200 to HEAD /channel"),
        (b"HTTP/1.1 404 Not Found\r\n\r\n", "error", "404 to HEAD /channel: no such path; check the URL of the channel"),
        (b"HTTP/1.1 302 Found\r\nLocation: https://login.corp/?x\r\n\r\n", "warning", "redirected to login.corp"),
        (b"HTTP/1.1 301 Moved\r\nLocation: /channel/\r\n\r\n", "info", "301 to HEAD /channel"),
        (b"HTTP/1.1 403 Forbidden\r\n\r\n", "error", "403 to HEAD /channel"),
    ],
)
def test_a_plain_target_is_asked_for(check, answer: bytes, level: str, told: str):
    with troubles.answering(answer) as port:
        (direct,) = check("--target", f"http://127.0.0.1:{port}/channel")
        (proxied,) = check("--target", "http://origin.test/channel", "--proxy", f"http://127.0.0.1:{port}")
    assert (direct["level"], proxied["level"]) == (level, level)
    assert told in direct["detail"] and told in proxied["detail"]


@pytest.mark.parametrize(("status", "ok"), [(b"200 OK", True), (b"404 Not Found", False)])
def test_a_channels_path_is_asked_for_behind_tls(check, tmp_path: Path, status: bytes, ok: bool):
    authority, asked = Authority.named("Chain Root"), []
    with (tmp_path / "cacert.pem").open("ab") as bundle:
        bundle.write(authority.pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(write(tmp_path / "server.pem", authority.issue("127.0.0.1")))

    def talk(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as tls:
            asked.append(tls.recv(4096).split(b"\r\n")[0])
            tls.sendall(b"HTTP/1.1 " + status + b"\r\n\r\n")

    with troubles.serving(talk) as port:
        (result,) = check("--target", f"https://127.0.0.1:{port}/t/main?token=pw1")
    assert asked == [b"HEAD /t/main?token=pw1 HTTP/1.1"]
    assert result["target"].endswith("/t/main?***") and "request" in result["milliseconds"]
    assert result["ok"] == ok and "TLS verified" in result["detail"]
    assert f"{status[:3].decode()} to HEAD /t/main?***" in result["detail"]


def test_the_default_target_is_condas_own(check, proxy: Proxy):
    seen = []

    def talk(connection: socket.socket) -> None:
        seen.append(connection.recv(4096).split(b"\r\n")[0])
        connection.sendall(b"HTTP/1.1 403 Forbidden\r\n\r\n")

    with troubles.serving(talk) as port:
        url = f"http://127.0.0.1:{port}"
        check("--target-of-environment", "--proxy", url)
        check("--target-of-environment", "--proxy", url, CONDA_CHANNEL_ALIAS="https://mirror.corp:8443/conda")
    assert seen == [b"CONNECT repo.anaconda.com:443 HTTP/1.1", b"CONNECT mirror.corp:8443 HTTP/1.1"]


def test_who_waits_to_be_spoken_to_in_another_protocol_is_no_proxy(check):
    def talk(connection: socket.socket) -> None:
        connection.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")
        while connection.recv(4096):
            pass

    with troubles.serving(talk) as port:
        (result,) = check("--proxy", f"http://127.0.0.1:{port}")
    assert "not an HTTP proxy" in result["detail"]


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
        (True, "127.0.0.1", "connected, TLS verified, issued by CN=Chain Root,O=Corp ("),
        (True, "elsewhere.test", "host name mismatch"),
        (False, "127.0.0.1", "issuer CN=Chain Root,O=Corp is not mounted"),
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
    assert "issuer CN=Issuing CA,O=Corp is not mounted" in result["detail"]
    with tls_server(tmp_path, root.issue("127.0.0.1")) as port:
        (result,) = check("--target", f"https://127.0.0.1:{port}")
    assert "but unused or outdated" in result["detail"]


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
    assert result["detail"].startswith("connected, TLS verified, issued by CN=")


DNS = """
import sys, time
from dnslib import A, QTYPE, RCODE, RR
from dnslib.server import BaseResolver, DNSServer

class Slow(BaseResolver):
    def resolve(self, request, handler):
        time.sleep(0.2)
        reply = request.reply()
        if request.q.qtype == QTYPE.A:
            reply.add_answer(RR(request.q.qname, QTYPE.A, rdata=A("127.0.0.1")))
        return reply

class Ignorant(BaseResolver):
    def resolve(self, request, handler):
        reply = request.reply()
        reply.header.rcode = RCODE.NXDOMAIN
        return reply

for address, resolver in {"127.0.0.53": Slow(), "127.0.0.54": Ignorant()}.items():
    DNSServer(resolver, address=address, port=53).start_thread()
print("ready", flush=True)
time.sleep(120)
"""


def test_a_name_that_only_one_of_two_servers_knows_is_found(binary: Path, tmp_path: Path):
    """musl accepts the first answer; like the image's Python, the clients wait for the first server."""
    (tmp_path / "resolv.conf").write_text("nameserver 127.0.0.53\nnameserver 127.0.0.54\n")
    (tmp_path / "dns.py").write_text(DNS)
    (tmp_path / "bundle.pem").write_bytes(Authority.named("Root").pem)
    script = f"""
        ip link set lo up
        mount --bind {tmp_path}/resolv.conf /etc/resolv.conf
        coproc DNS {{ exec {sys.executable} {tmp_path}/dns.py; }}
        read -r -t 30 ready <&"${{DNS[0]}}"
        for path in /usr/bin:/bin /nowhere; do
          PATH=$path {binary} check --json --connect --target https://known.example:1 --bundles {tmp_path}/bundle.pem \
            --system off --log quiet
        done
        kill "$DNS_PID"
    """
    command = ["unshare", "--net", "--mount", "bash", "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    with_python, without = (json.loads(line) for line in done.stdout.splitlines())
    (found,) = (one["detail"] for one in with_python["checks"] if one["name"] == "connect")
    (lost,) = (one["detail"] for one in without["checks"] if one["name"] == "connect")
    assert found == "connection refused: known.example:1", done
    assert lost.startswith("cannot resolve known.example"), "the servers show nothing: musl believed the first answer"
