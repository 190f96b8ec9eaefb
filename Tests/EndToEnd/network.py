"""An HTTPS origin and TLS-terminating proxies on loopback, each with its own CA."""

import base64
import contextlib
import hashlib
import http.server
import json
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote

from certificates import Authority, write

ORIGIN_NAME = "origin.test"
BODY = b"the origin answered\n"

Value = TypeVar("Value")


def wait_for(what: str, seconds: float, probe: Callable[[], Value | None]) -> Value:
    """Repeats the probe until it has an answer, for at most `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        found = probe()
        if found:
            return found
        if time.monotonic() > deadline:
            raise TimeoutError(f"after {seconds} s: {what}")
        time.sleep(0.02)


@dataclass(frozen=True)
class Origin:
    """An HTTPS server that answers a path with its page, or with BODY. Only the proxies know its address."""

    authority: Authority
    authority_file: Path
    port: int
    pages: dict[str, bytes]
    """A directory with pages serves only those."""
    url: str = f"https://{ORIGIN_NAME}/"


class _Answer(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        pages: dict[str, bytes] = self.server.pages
        directories = {page.split("/")[1] for page in pages}
        body = pages.get(self.path, None if self.path.split("/")[1] in directories else BODY)
        self.send_response(200 if body is not None else 404)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(body or b"")))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body or b"")

    do_HEAD = do_GET

    def log_message(self, format: str, *args: object) -> None:
        pass


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    pages: dict[str, bytes]

    def handle_error(self, request: object, client_address: object) -> None:
        """A client may close the connection."""


@contextlib.contextmanager
def running_origin(directory: Path) -> Iterator[Origin]:
    authority = Authority.named("Origin Root")
    authority_file = write(directory / "origin-ca.pem", authority.pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(write(directory / "origin.pem", authority.issue(ORIGIN_NAME)))
    server = _Server(("127.0.0.1", 0), _Answer)
    server.pages = {}
    # The handshake belongs to the connection's thread, not to accept().
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield Origin(authority, authority_file, server.server_address[1], server.pages)
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=5)


@dataclass(frozen=True)
class Proxy:
    """A mitmdump with its own CA, user and password."""

    authority: Authority
    directory: Path
    port: int
    user: str
    password: str

    @property
    def url(self) -> str:
        """The proxy's URL with its credentials, percent-encoded."""
        return f"http://{quote(self.user, safe='')}:{quote(self.password, safe='')}@127.0.0.1:{self.port}"

    def requests(self) -> list[dict[str, str]]:
        """The requests so far: host, path and user of each."""
        log = self.directory / "requests"
        return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []


@contextlib.contextmanager
def running_proxy(
    directory: Path,
    origin: Origin,
    common_name: str = "Corp Proxy Root",
    user: str = "user1",
    password: str = "pw1",
    authority: Authority | None = None,
    listen: str = "127.0.0.1",
    others: Mapping[str, str] | None = None,
    mode: str = "regular",
) -> Iterator[Proxy]:
    """`others` are additional users with their passwords; `mode` is mitmproxy's."""
    authority = authority or Authority.named(common_name)
    write(directory / "mitmproxy-ca.pem", authority.key_and_certificate).chmod(0o600)
    ready = directory / "port"
    users = {user: password, **(others or {})}
    digests = {name: base64.b64encode(hashlib.sha1(word.encode()).digest()).decode() for name, word in users.items()}
    lines = "".join(f"{name}:{{SHA}}{digest}\n" for name, digest in digests.items())
    passwords = write(directory / "htpasswd", lines.encode())
    settings = {
        "confdir": directory,
        "ready_file": ready,
        "request_log": directory / "requests",
        "route": f"{ORIGIN_NAME}=127.0.0.1:{origin.port}",
        "ssl_verify_upstream_trusted_ca": origin.authority_file,
        "proxyauth": f"@{passwords}",
    }
    command = [str(Path(sys.executable).with_name("mitmdump")), "--quiet"]
    command += ["--mode", mode, "--listen-host", listen, "--listen-port", "0"]
    command += ["--scripts", str(Path(__file__).with_name("proxy_addon.py"))]
    for name, value in settings.items():
        command += ["--set", f"{name}={value}"]
    with open(directory / "log", "wb") as log:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def port() -> int | None:
        if process.poll() is not None:
            raise RuntimeError(f"mitmdump ended: {(directory / 'log').read_text()}")
        return int(ready.read_text()) if ready.exists() else None

    try:
        yield Proxy(authority, directory, wait_for("mitmdump listens", 30, port), user, password)
    finally:
        process.terminate()
        try:
            process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(timeout=5)
