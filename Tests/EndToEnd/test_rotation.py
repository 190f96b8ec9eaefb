"""What running clients see when a CA is added and removed, and rotations under load."""

import contextlib
import json
import queue
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from certificates import write
from clients import PYTHON
from conftest import REPOSITORY
from containers import ANCHORS, BUNDLE, CERTIFI, HERE, STORE, Container
from network import wait_for
from roots import authority
from test_apply import named

sys.path.insert(0, str(HERE))
PAGE = REPOSITORY / "docs" / "rotation.md"
CLIENTS = [
    "requests", "requests, one Session", "urllib", "aiohttp, one ClientSession", "aiohttp, a new ClientSession",
    "httpx, one Client", "httpx.get",
]
BEGIN, END = "<!-- measured:begin -->\n", "<!-- measured:end -->\n"
SCRIPT = "/rotation_clients.py"
NAMES = ["Blue Root", "Green Root"]


class _Answer(BaseHTTPRequestHandler):
    """A new connection for each request: an open connection is not verified again."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.send_header("Connection", "close")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that refuses the certificate closes the connection."""


@contextlib.contextmanager
def serving(name: str, directory: Path) -> Iterator[str]:
    """A server whose certificate was issued by the CA with this name; returns its URL."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(write(directory / f"{name}.chain.pem", authority(name).issue("localhost")))
    server = _Server(("127.0.0.1", 0), _Answer)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"https://localhost:{server.server_address[1]}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=5)


@dataclass
class Inside:
    """A process in the container that reads and answers lines."""

    box: Container
    words: Sequence[str]
    lines: "queue.Queue[str]" = field(default_factory=queue.Queue)

    def __post_init__(self) -> None:
        script = 'echo $$; exec "$@"'
        line = ["podman", "exec", "--interactive", self.box.name, "sh", "-c", script, "sh", *self.words]
        self.process = subprocess.Popen(
            line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, bufsize=1
        )
        threading.Thread(target=self._read, daemon=True).start()
        self.pid = int(self.line())

    def _read(self) -> None:
        for line in self.process.stdout:
            self.lines.put(line.rstrip("\n"))

    def line(self) -> str:
        return self.lines.get(timeout=60)

    def ask(self, text: str) -> str:
        self.process.stdin.write(text + "\n")
        return self.line()

    def end(self) -> None:
        self.box.run("kill", "-KILL", str(self.pid))
        self.process.kill()
        self.process.wait(timeout=30)


def client(box: Container, name: str) -> Inside:
    started = Inside(box, [PYTHON, SCRIPT, name])
    assert started.line() == "ready"
    return started


class Applying:
    """A shell in the container that runs `apply` whenever it is asked to: an `exec` takes longer."""

    def __init__(self, box: Container) -> None:
        loop = 'while read -r words; do $words 2>&1; echo "ended $?"; done'
        self.shell = Inside(box, ["sh", "-c", loop])

    def apply(self) -> dict[int, str]:
        """Returns the processes that it lists."""
        line, said = self.shell.ask("/psm-entry apply --log-format json"), []
        while not line.startswith("ended "):
            said.append(line)
            line = self.shell.line()
        assert line == "ended 0", said
        assert not [one for one in said if json.loads(one)["level"] == "error"], said
        return named(subprocess.CompletedProcess([], 0, b"", "\n".join(said).encode()))


    def kill(self, pid: int) -> None:
        assert self.shell.ask(f"kill -KILL {pid}") == "ended 0"


def mount(certs: Path, *wanted: str) -> None:
    """Mounts exactly these of NAMES; each appears and disappears by rename, as a ConfigMap's keys do."""
    for name in NAMES:
        path = certs / f"{name}.pem"
        if name in wanted:
            fresh = certs / f".{name}.new"
            fresh.write_bytes(authority(name).pem)
            fresh.rename(path)
        else:
            path.unlink(missing_ok=True)


@pytest.fixture
def rotating(container, binary, certs):
    """Starts a container whose clients can be asked."""

    def start(**settings: str) -> Container:
        box = container(binary, settings=settings, mounts={HERE / "rotation_clients.py": SCRIPT})
        box.service()
        return box

    return start


# What each client sees


def measured(box: Container, certs: Path, url: str) -> dict[str, list[str]]:
    """For each client: after a CA was added and after it was removed, without and with a restart of the client."""
    shell = Applying(box)
    seen: dict[str, list[str]] = {name: [] for name in CLIENTS}
    running = {name: client(box, name) for name in CLIENTS}
    for name, one in running.items():
        assert one.ask(url) == "refused", name
    for wanted in (["Blue Root"], []):
        mount(certs, *wanted)
        told = shell.apply()
        assert {one.pid for one in running.values()} <= told.keys()
        for name, one in running.items():
            seen[name].append(one.ask(url))
            one.end()
        running = {name: client(box, name) for name in CLIENTS}
        for name, one in running.items():
            seen[name].append(one.ask(url))
    for one in running.values():
        one.end()
    return seen


def table(seen: dict[str, list[str]]) -> str:
    words = {"trusted": "trusts it", "refused": "rejects it"}
    text = "| client | a new CA, after `apply` | after the client's restart | a withdrawn CA, after `apply` | after the client's restart |\n"
    text += "|---|---|---|---|---|\n"
    for name, outcomes in seen.items():
        cells = []
        for outcome, wanted in zip(outcomes, ["trusted", "trusted", "refused", "refused"], strict=True):
            said = words.get(outcome, outcome)
            cells.append(said if outcome == wanted else f"**{said}**")
        text += f"| {name} | {' | '.join(cells)} |\n"
    return text


def test_the_page_says_what_each_client_sees(rotating, certs, directory, request):
    with serving("Blue Root", directory) as url:
        seen = measured(rotating(), certs, url)
    for name, outcomes in seen.items():
        assert (outcomes[1], outcomes[3]) == ("trusted", "refused"), f"{name} after a restart"
    keeps = {name for name, outcomes in seen.items() if outcomes[2] == "trusted"}
    assert keeps and all(name.startswith(("aiohttp", "httpx, one Client")) for name in keeps), seen
    head, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    _, _, tail = rest.partition(END)
    page = head + BEGIN + table(seen) + END + tail
    if request.config.getoption("--write"):
        PAGE.write_text(page, encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == page


# Under load


@dataclass(frozen=True)
class Asked:
    begin: float
    end: float
    url: str
    said: str


class Load:
    """A client that sends requests endlessly, and what it has seen."""

    def __init__(self, box: Container, name: str, urls: Sequence[str]) -> None:
        self.name, self.urls = name, urls
        # Restarts every process that ends, as an orchestrator does.
        loop = 'while :; do "$@"; done'
        self.inside = Inside(box, ["sh", "-c", loop, "sh", PYTHON, SCRIPT, name, *urls])
        self.start()

    def start(self) -> None:
        while not isinstance(found := json.loads(self.inside.line()), int):
            pass
        self.pid, self.begin = found, time.monotonic()

    def restart(self, shell: Applying) -> None:
        shell.kill(self.pid)
        self.start()

    def since(self, begin: float) -> list[Asked]:
        """The requests that began since then, until each URL was requested."""
        seen: list[Asked] = []
        while {one.url for one in seen} != set(self.urls):
            asked = Asked(*json.loads(self.inside.line()))
            if asked.begin >= begin:
                seen.append(asked)
        return seen


def rotate(box: Container, certs: Path, directory: Path, times: int) -> None:
    with contextlib.ExitStack() as stack:
        urls = {name: stack.enter_context(serving(name, directory)) for name in NAMES}
        owners = {url: name for name, url in urls.items()}
        shell = Applying(box)
        loads = [Load(box, name, list(urls.values())) for name in ("requests", "aiohttp, one ClientSession")]
        sizes: dict[str, set[tuple[int, ...]]] = {name: set() for name in NAMES}
        wrong, unnamed = [], 0
        for number in range(times):
            wanted = NAMES[number % 2]
            mount(certs, wanted)
            told = shell.apply()
            done = time.monotonic()
            for load in loads:
                before = load.since(done)
                holds = any((one.said == "trusted") != (owners[one.url] == wanted) for one in before)
                if holds and load.pid not in told:
                    unnamed += 1
                if load.name.startswith("requests"):
                    wrong += [one for one in before if (one.said == "trusted") != (owners[one.url] == wanted)]
                elif load.pid in told:
                    load.restart(shell)
                    wrong += [one for one in load.since(load.begin) if (one.said == "trusted") != (owners[one.url] == wanted)]
                wrong += [one for one in before if one.said not in ("trusted", "refused")]
            if number >= times - 4:
                sizes[wanted].add(size(box))
        assert (wrong, unnamed) == ([], 0)
        assert all(len(found) == 1 for found in sizes.values()), f"something grows: {sizes}"


def size(box: Container) -> tuple[int, ...]:
    """The size of each store, and the number of files beside it."""
    places = " ".join(str(Path(path).parent) for path in (BUNDLE, CERTIFI, STORE))
    script = f"stat -Lc %s {BUNDLE} {CERTIFI} {STORE}; ls -A {ANCHORS} | wc -l; for d in {places}; do ls -A $d | wc -l; done"
    return tuple(int(word) for word in box.run("sh", "-c", script).stdout.split())


def test_rotations_under_load_with_the_native_store(rotating, certs, directory, every_rotation):
    rotate(rotating(PSM_ENTRY_SYSTEM="native"), certs, directory, 1000 if every_rotation else 20)


def test_rotations_under_load_with_the_distributions_tool(rotating, certs, directory, every_rotation):
    rotate(rotating(), certs, directory, 50 if every_rotation else 6)
