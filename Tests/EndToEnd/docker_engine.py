"""The real Docker Engine with Compose and BuildKit, for the tests alone.

It comes from Debian 13 and runs in a network of its own that leads out by slirp4netns: its bridges, its addresses and
its iptables rules never meet this machine's, nor podman's.
"""

import contextlib
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from containers import HERE, PODMAN, Engine, person
from network import wait_for

PACKAGES = ["containerd", "docker-buildx", "docker-cli", "docker-compose", "docker.io", "tini"]
HOST = "10.0.2.2"
"""This machine's loopback, as slirp4netns has it."""


def _end(process: subprocess.Popen[bytes], seconds: float) -> None:
    process.terminate()
    try:
        process.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(timeout=5)


@contextlib.contextmanager
def running_docker(directory: Path) -> Iterator[Engine]:
    """A daemon below `directory`; what it holds is its own, and gone with it."""
    unpacked = subprocess.run([HERE / "debian-13-packages", *PACKAGES], stdout=subprocess.PIPE, timeout=300, check=True)
    root = Path(unpacked.stdout.decode().strip())
    configuration = directory / "configuration"
    configuration.mkdir()
    (configuration / "cli-plugins").symlink_to(root / "usr/libexec/docker/cli-plugins")
    socket = f"unix://{directory}/docker.sock"
    shell = person(root / "usr/bin", root / "usr/sbin", DOCKER_HOST=socket, DOCKER_CONFIG=str(configuration))
    engine = Engine("docker", ["docker", "compose"], HOST, shell)

    command = ["unshare", "--net", "dockerd", "--host", socket, "--config-file", "/dev/null"]
    command += ["--data-root", str(directory / "data"), "--exec-root", str(directory / "run")]
    command += ["--shutdown-timeout", "2", "--pidfile", str(directory / "pid"), "--init-path", str(root / "usr/bin/tini-static")]
    with open(directory / "log", "wb") as log, contextlib.ExitStack() as running:
        daemon = subprocess.Popen(command, env=shell, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

        def ready() -> bool:
            if daemon.poll() is not None:
                raise RuntimeError(f"dockerd ended: {(directory / 'log').read_text()}")
            return engine.run("version").returncode == 0

        try:
            wait_for("dockerd answers", 60, ready)
            network = ["slirp4netns", "--configure", "--mtu=1400", str(daemon.pid), "tap0"]
            running.callback(_end, subprocess.Popen(network, stdin=subprocess.DEVNULL, stdout=log, stderr=log), 5)
            yield engine
            for name in engine.succeed("ps", "--all", "--quiet").decode().split():
                engine.run("rm", "--force", "--volumes", name)
        finally:
            # Before its way out: without one it takes long to end.
            _end(daemon, 30)
            # What it leaves mounted keeps its directory from being removed.
            subprocess.run(["umount", str(directory / "run/netns/default")], stderr=subprocess.DEVNULL, timeout=10, check=False)


def roomy_directory() -> str | None:
    """Where the daemon's directory is best: in memory, where there is enough of it and programs may be run from it.

    The files of an image are many; a disk may take half a minute to remove them.
    """
    memory = Path("/dev/shm")
    if not memory.is_mount() or os.statvfs(memory).f_flag & os.ST_NOEXEC:
        return None
    (available,) = re.findall(r"^MemAvailable: +(\d+) kB$", Path("/proc/meminfo").read_text(), re.MULTILINE)
    enough = min(shutil.disk_usage(memory).free, int(available) << 10) > 12 << 30
    return str(memory) if enough else None


def load(engine: Engine, image: str) -> None:
    """Brings over an image of podman's under the same name; what is there already costs nothing."""
    if engine.run("image", "inspect", image).returncode == 0:
        return
    save = ["podman", "save", "--format", "docker-archive", image]
    saving = subprocess.Popen(save, env=dict(PODMAN.environment), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert saving.stdout is not None
    try:
        told = subprocess.run(
            ["docker", "load", "--quiet"],
            env=dict(engine.environment),
            stdin=saving.stdout,
            capture_output=True,
            timeout=120,
            check=False,
        )
    finally:
        saving.stdout.close()
        _end(saving, 5)
    assert told.returncode == 0, told.stderr.decode(errors="replace")
