"""Containers as values, run by podman unless another engine is named: started, inspected, restarted, and removed after the test."""

import contextlib
import fcntl
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from network import wait_for

HERE = Path(__file__).parent
SERVICE = "/usr/local/bin/service"
BUNDLE = "/conda/ssl/cacert.pem"
CERTIFI = "/conda/lib/python3.11/site-packages/certifi/cacert.pem"
"""In the images of Debian 12; `Container.certifi` works in every image."""
STORE = "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem"
ANCHORS = "/usr/share/pki/ca-trust-source/anchors"
CERTS = "/etc/repo/ca_certs"


@dataclass(frozen=True)
class Engine:
    """A container engine as in a user's shell."""

    program: str
    compose: Sequence[str]
    """The command before `up`, `down` and the others."""
    host: str
    """The name of this machine's loopback in containers on a network of their own."""
    environment: Mapping[str, str]

    def run(self, *arguments: str, seconds: float = 60) -> subprocess.CompletedProcess[bytes]:
        """Runs the engine's program; the caller checks its exit status."""
        return subprocess.run(
            [self.program, *arguments],
            env=dict(self.environment),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=seconds,
            check=False,
        )

    def succeed(self, *arguments: str, seconds: float = 60) -> bytes:
        """Runs the engine's program, which must succeed, and returns its standard output."""
        result = self.run(*arguments, seconds=seconds)
        if result.returncode != 0:
            said = (result.stderr + result.stdout).decode(errors="replace")
            raise AssertionError(f"{self.program} {' '.join(arguments)}: status {result.returncode}\n{said}")
        return result.stdout


def person(*directories: Path | str, **more: str) -> dict[str, str]:
    """The environment of a user's shell with the tests' tools; `directories` come first in PATH."""
    path = ":".join(map(str, [*directories, Path(sys.executable).parent, os.environ["PATH"]]))
    return {"PATH": path, "HOME": os.environ.get("HOME", "/root"), **more}


PODMAN = Engine(
    program="podman",
    compose=["podman-compose"],
    host="host.containers.internal",
    environment=person(CONTAINERS_CONF=str(HERE / "containers.conf")),
)
"""With the tests' own settings."""

podman = PODMAN.run
succeed = PODMAN.succeed


@contextlib.contextmanager
def building() -> Iterator[None]:
    """One at a time: if two pytest processes need an image, the second finds it built."""
    with open(HERE / "build-image", "rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def built_image(script: str, *recipe: str) -> str:
    """Runs one of the scripts that build images, and returns the image's name. An unchanged recipe costs nothing."""
    with building():
        built = subprocess.run([HERE / script, *recipe], stdout=subprocess.PIPE, timeout=1200, check=True)
    return built.stdout.decode().strip()


@dataclass(frozen=True)
class Service:
    """What the stand-in service recorded about its start."""

    pid: int
    arguments: list[str]
    environment: list[str]
    children: int
    uid: int
    gid: int
    started: int

    def variables(self) -> dict[str, str]:
        return dict(entry.split("=", 1) for entry in self.environment)


@dataclass
class Container:
    name: str
    created: int = 0
    """Nanoseconds since the epoch: files of an earlier service in a committed image are older."""
    engine: Engine = PODMAN

    def state(self) -> dict[str, object]:
        """podman reads the first process's cgroup, and fails if that process ends at this moment: it is run again then."""

        def inspected() -> dict[str, object] | None:
            result = self.engine.run("container", "inspect", self.name)
            if result.returncode != 0 and b"no such process" in result.stderr:
                return None
            assert result.returncode == 0, result.stderr.decode(errors="replace")
            return json.loads(result.stdout)[0]["State"]

        return wait_for(f"{self.name} can be inspected", 10, inspected)

    def service(self, after: int = 0) -> Service:
        """Waits until the service of this start is ready; `after` is the previous start."""

        def ready() -> Service | None:
            result = self.engine.run("exec", self.name, "cat", "/run/service.json")
            if result.returncode == 0:
                service = Service(**json.loads(result.stdout))
                if service.started > max(after, self.created):
                    return service
            state = self.state()
            if state["Status"] in ("exited", "stopped"):
                raise AssertionError(f"the container ended with {state['ExitCode']}:\n{self.log()}")
            return None

        return wait_for(f"the service of {self.name} is ready", 60, ready)

    def exit_status(self) -> int:
        """Waits until the container has ended and returns its exit status."""

        def ended() -> dict[str, object] | None:
            state = self.state()
            return state if state["Status"] in ("exited", "stopped") else None

        return int(str(wait_for(f"{self.name} ends", 60, ended)["ExitCode"]))

    def log(self) -> str:
        """Everything that this container has written, to standard output and standard error, in all its starts."""
        result = self.engine.run("logs", self.name)
        return (result.stdout + result.stderr).decode(errors="replace")

    def said(self) -> list[str]:
        """The lines of psm-entry's log."""
        return [line for line in self.log().splitlines() if line.startswith("psm-entry: ")]

    def run(self, *command: str, environment: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[bytes]:
        """`exec`: the command has the raw environment of the image and the container."""
        options = [option for name, value in (environment or {}).items() for option in ("--env", f"{name}={value}")]
        return self.engine.run("exec", *options, self.name, *command)

    def read(self, path: str) -> bytes:
        return self.engine.succeed("exec", self.name, "cat", path)

    def certifi(self) -> str:
        """The bundle that requests, pip and httpx read."""
        told = self.run("/conda/bin/python", "-c", "import certifi; print(certifi.where())")
        return told.stdout.decode().strip()

    def changed_paths(self) -> list[str]:
        """Every path that was changed, added or removed since the image, whether or not the container runs."""
        return [line.split(" ", 1)[1] for line in self.engine.succeed("diff", self.name).decode().splitlines()]

    def commit(self) -> str:
        """Commits the container to an image; returns its id."""
        return self.engine.succeed("commit", "--quiet", "--pause=false", self.name).decode().strip()

    def tool_runs(self) -> int:
        """How often update-ca-trust has run, including once while the image was built."""
        return self.read("/var/log/update-ca-trust.count").count(b"\n")

    def restart(self) -> Service:
        before = self.service().started
        self.engine.succeed("restart", "--time", "5", self.name)
        return self.service(after=before)

    def remove(self) -> None:
        """Removes the container and everything in it; a container that is gone already is not an error."""
        line = ["rm", "--force", "--volumes", self.name]
        if self.engine is PODMAN:
            line[1:1] = ["--time", "0", "--ignore"]
        # A container that is just ending can be neither stopped nor removed until podman has cleaned up.
        wait_for(f"{self.name} is removed", 60, lambda: self.engine.run(*line).returncode == 0)


def create(
    image: str,
    entrypoint: Sequence[str],
    command: Sequence[str],
    environment: Mapping[str, str],
    mounts: Mapping[Path, str],
    options: Sequence[str],
    engine: Engine = PODMAN,
) -> Container:
    """Creates and starts a container on the host's loopback or on Docker's network; `mounts` are read-only."""
    arguments = ["run", "--detach", "--network", "host"]
    for name, value in environment.items():
        arguments += ["--env", f"{name}={value}"]
    for source, target in mounts.items():
        arguments += ["--volume", f"{source}:{target}:ro"]
    if entrypoint:
        arguments += ["--entrypoint", entrypoint[0]]
    arguments += [*options, image, *entrypoint[1:], *command]
    now = time.time_ns()
    return Container(engine.succeed(*arguments).decode().strip(), now, engine)
