"""Shared by the tests of `psm-entry certs`: the binary, its report, and files made by others."""

import hashlib
import json
import os
import subprocess
import sys
import tarfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
BINARY = REPOSITORY / "build" / "psm-entry"
CACHE = REPOSITORY / "build" / "cache"


@dataclass
class Report:
    status: int
    certificates: list
    messages: list

    @property
    def fingerprints(self) -> set:
        return {one["sha256"] for one in self.certificates}

    @property
    def errors(self) -> list:
        return [message["message"] for message in self.messages if message["level"] == "error"]

    @property
    def warnings(self) -> list:
        return [message["message"] for message in self.messages if message["level"] == "warning"]


def certs(*paths, options=(), prefix=()) -> Report:
    """Runs `psm-entry certs --json` with a log in JSON. Neither may contain control bytes."""
    done = subprocess.run(
        [*prefix, BINARY, "certs", "--json", "--log-format", "json", *options, *paths],
        capture_output=True,
        timeout=60,
        env={"PATH": os.environ["PATH"]},
    )
    for output in (done.stdout, done.stderr):
        assert not [byte for byte in output if byte < 0x20 and byte != 0x0A or byte == 0x7F]
        output.decode("utf-8")
    messages = [json.loads(line) for line in done.stderr.splitlines()]
    return Report(done.returncode, json.loads(done.stdout or b"[]"), messages)


def openssl(*arguments, data=None) -> bytes:
    return subprocess.run(
        ["openssl", *map(str, arguments)], input=data, capture_output=True, check=True, timeout=60
    ).stdout


def sha256(der: bytes) -> str:
    return hashlib.sha256(der).hexdigest()


def openssl_source() -> Path:
    """Debian's source of OpenSSL, fetched from the mirror that the machine uses, and kept."""
    target = CACHE / "openssl"
    if (target / "complete").exists():
        return next(target.glob("openssl-*"))
    for name in ("lists/partial", "cache/archives/partial"):
        (target / name).mkdir(parents=True, exist_ok=True)
    keyring = "/usr/share/keyrings/debian-archive-keyring.gpg"
    (target / "sources.list").write_text(
        f"deb-src [signed-by={keyring}] http://deb.debian.org/debian bookworm main\n"
    )
    options = {
        "Dir::Etc::SourceList": target / "sources.list",
        "Dir::Etc::SourceParts": "-",
        "Dir::State::Lists": target / "lists",
        "Dir::Cache": target / "cache",
        "APT::Sandbox::User": "root",
    }
    apt = ["apt-get", "-qq", *(f"-o{name}={value}" for name, value in options.items())]
    subprocess.run([*apt, "update"], check=True, timeout=300, cwd=target)
    subprocess.run(
        [*apt, "source", "--download-only", "openssl"], check=True, timeout=300, cwd=target
    )
    with tarfile.open(next(target.glob("openssl_*.orig.tar.gz"))) as archive:
        members = [one for one in archive if "/test/recipes/04-test_pem_reading" in one.name]
        archive.extractall(target, members)
    (target / "complete").touch()
    return next(target.glob("openssl-*"))


def package(name: str) -> Path:
    """A package from PyPI, unpacked and kept."""
    target = CACHE / name
    if not (target / "complete").exists():
        target.mkdir(parents=True, exist_ok=True)
        pip = [sys.executable, "-m", "pip", "download", "-q", "--no-deps"]
        subprocess.run(
            [*pip, "--only-binary", ":all:", "-d", target, name], check=True, timeout=300
        )
        with zipfile.ZipFile(next(target.glob("*.whl"))) as archive:
            archive.extractall(target)
        (target / "complete").touch()
    return target
