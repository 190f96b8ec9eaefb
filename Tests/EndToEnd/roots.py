"""Directories laid out like a container's root, and starts of psm-entry in them: fast, without a container."""

import contextlib
import fcntl
import functools
import os
import shutil
import ssl
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from certificates import Authority, write

BUNDLE = "/conda/ssl/cacert.pem"
CERTIFI = "/conda/lib/python3.11/site-packages/certifi/cacert.pem"
CERTS = "/etc/repo/ca_certs"
STATE = "/run/psm-entry"
PRIVATE = f"{STATE}/cacert.pem"
NATIVE_STORE = "/etc/ssl/certs/ca-certificates.crt"
NATIVE_ANCHORS = "/usr/local/share/ca-certificates"

OPENING = b"# >>> psm-entry managed certificates >>>\n"
CLOSING = b"# <<< psm-entry managed certificates <<<\n"

# A user who is not root but in root's group, as in OpenShift.
NOBODY = ("setpriv", "--reuid", "1000", "--regid", "0", "--clear-groups")

ALONE = ("unshare", "--mount")
"""In a separate mount namespace, where no other test starts psm-entry: `check` gives no verdict while a start is being prepared."""


@functools.cache
def authority(name: str) -> Authority:
    """A CA that is the same whenever it is requested with this name."""
    return Authority.named(name)


@functools.cache
def base(names: str = "Public A,Public B,Public C") -> bytes:
    """A bundle as in an image: comments, then certificates."""
    text = b"# the image's own bundle\n\n"
    for name in names.split(","):
        text += f"# {name}\n".encode() + authority(name).pem
    return text


def loaded(path: Path) -> set[bytes]:
    """The certificates that Python's ssl finds in a bundle; an ssl.SSLError if it refuses the file."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(path)
    return set(context.get_ca_certs(binary_form=True))


@dataclass(frozen=True)
class Started:
    status: int
    said: str
    """psm-entry's log."""
    variables: dict[str, str]
    """The service's environment; empty if it did not run."""

    def lines(self, word: str) -> list[str]:
        return [line for line in self.said.splitlines() if word in line]


@dataclass(frozen=True)
class Scene:
    """A root with bundles, and the binary beside it so that any user can run it."""

    directory: Path
    binary: Path

    def at(self, path: str) -> Path:
        return self.directory / path.removeprefix("/")

    def read(self, path: str) -> bytes:
        return self.at(path).read_bytes()

    def write(self, path: str, content: bytes) -> Path:
        return write(self.at(path), content)

    def mount(self, *names: str) -> None:
        """Makes the mounted directory contain exactly the CAs with these names."""
        directory = self.at(CERTS)
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir(parents=True)
        for name in names:
            (directory / f"{name}.pem").write_bytes(authority(name).pem)

    def command(self, *options: str, user: Sequence[str] = ()) -> list[str]:
        """The command line of a start whose service prints its environment."""
        chosen = ["--root", str(self.directory), *options]
        if not any(option.startswith("--state-dir") for option in options):
            chosen += ["--state-dir", STATE]
        return [*user, str(self.binary), *chosen, "--", "/usr/bin/env", "-0"]

    def start(
        self, *options: str, user: Sequence[str] = (), environment: dict[str, str] | None = None, seconds: float = 60
    ) -> Started:
        result = subprocess.run(
            self.command(*options, user=user),
            env={"PATH": os.environ["PATH"], **(environment or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=seconds,
            check=False,
        )
        entries = [entry for entry in result.stdout.decode().split("\0") if entry]
        said = result.stderr.decode()
        return Started(result.returncode, said, dict(entry.split("=", 1) for entry in entries))

    def files(self) -> dict[str, tuple[int, int, int, bytes]]:
        """Every file: inode, mode, owner and contents."""
        found = {}
        for directory, _, names in os.walk(self.directory):
            for name in names:
                path = Path(directory, name)
                status = path.lstat()
                content = os.readlink(path).encode() if path.is_symlink() else path.read_bytes()
                relative = "/" + str(path.relative_to(self.directory))
                found[relative] = (status.st_ino, status.st_mode, status.st_uid, content)
        return found

    def strangers(self) -> list[str]:
        """Files that a start should not have left: temporary files and marks."""
        return [path for path in self.files() if Path(path).name.startswith(".psm-entry")]


def make_scene(directory: Path, binary: Path, *, has_store: bool = False) -> Scene:
    """A root with two bundles, one mounted CA, and optionally a Debian store without its tool."""
    root = directory / "root"
    root.mkdir(parents=True)
    program = directory / "psm-entry"
    if not program.exists():
        shutil.copy(binary, program)
    scene = Scene(root, program)
    scene.write(BUNDLE, base())
    scene.write(CERTIFI, base("Public A,Public D"))
    (root / "run").mkdir()
    if has_store:
        scene.write(NATIVE_STORE, base("Public A,Public E"))
    scene.mount("Corp Root")
    for path in (root, *root.rglob("*")):
        if path.is_dir():
            path.chmod(0o755)
    return scene


@contextlib.contextmanager
def held_lock(directory: Path) -> Iterator[int]:
    """Holds the lock on a directory, as another start would."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield descriptor
    finally:
        os.close(descriptor)
