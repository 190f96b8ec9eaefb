"""The real Docker Engine with Compose and BuildKit, for the tests only.

It comes from Debian 13 and runs in its own network namespace, which reaches the outside through slirp4netns: its
bridges, addresses and iptables rules never interfere with those of this machine or of podman.
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
"""This machine's loopback in slirp4netns."""


def _end(process: subprocess.Popen[bytes], seconds: float) -> None:
    process.terminate()
    try:
        process.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(timeout=5)


@contextlib.contextmanager
def running_docker(directory: Path) -> Iterator[Engine]:
    """A daemon with all its data in `directory`, which is removed with it."""
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
            # Before its network connection: without one it takes long to end.
            _end(daemon, 30)
            # Its remaining mounts would keep its directory from being removed.
            subprocess.run(["umount", str(directory / "run/netns/default")], stderr=subprocess.DEVNULL, timeout=10, check=False)


def roomy_directory() -> str | None:
    """The best place for the daemon's directory: in memory, if that is large enough and allows executing programs.

    An image has many files, and removing them from a disk may take half a minute.
    """
    memory = Path("/dev/shm")
    if not memory.is_mount() or os.statvfs(memory).f_flag & os.ST_NOEXEC:
        return None
    (available,) = re.findall(r"^MemAvailable: +(\d+) kB$", Path("/proc/meminfo").read_text(), re.MULTILINE)
    enough = min(shutil.disk_usage(memory).free, int(available) << 10) > 12 << 30
    return str(memory) if enough else None


def load(engine: Engine, image: str) -> None:
    """Copies an image from podman under the same name; an image that exists already costs nothing."""
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
