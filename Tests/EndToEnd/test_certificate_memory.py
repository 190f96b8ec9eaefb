"""Reading a file takes at most 8 MiB plus four times its size, and time proportional to its size, whatever its contents."""

import re
import subprocess
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path

import der
import pytest
from der import Fields, Node
from roots import authority

MiB = 1 << 20
SIZES = (MiB, 4 * MiB, 16 * MiB)
SECONDS = 5
"""The limit for the largest input. With quadratic time it would take hours."""

SIGNED_DATA, DATA = der.oid("1.2.840.113549.1.7.2"), der.oid("1.2.840.113549.1.7.1")


def pkcs7(certificates: bytes) -> bytes:
    fields = [Node(der.INTEGER, b"\1"), Node(der.SET), der.sequence(DATA), Node(0xA0, certificates), Node(der.SET)]
    return der.sequence(SIGNED_DATA, Node(0xA0, children=[der.sequence(*fields)])).encode()


def indefinite(size: int) -> bytes:
    """A SignedData whose certificates are nested indefinite lengths."""
    opening = b"\x30\x80" + SIGNED_DATA.encode() + b"\xa0\x80\x30\x80\2\1\1\x31\0\x30\x80" + DATA.encode() + b"\0\0\xa0\x80"
    depth = (size - len(opening) - 10) // 4
    return opening + b"\x30\x80" * depth + b"\0\0" * depth + b"\0\0" * 4


def pem(content: bytes, label: bytes = b"CERTIFICATE", columns: int = 64) -> bytes:
    text = b64encode(content)
    lines = b"".join(text[start : start + columns] + b"\n" for start in range(0, len(text), columns))
    return b"-----BEGIN %s-----\n%s-----END %s-----\n" % (label, lines, label)


def block(lines: bytes, size: int) -> bytes:
    begin, end = b"-----BEGIN CERTIFICATE-----\n", b"-----END CERTIFICATE-----\n"
    return begin + lines * ((size - len(begin + end)) // len(lines)) + end


def with_subject(children: list[Node]) -> bytes:
    tree = der.read(authority("Root").der)
    Fields(tree).subject.children = children
    return tree.encode()


def with_extensions(count: int) -> bytes:
    tree = der.read(authority("Root").der)
    value = Node(der.OCTET_STRING, b"\5\0")
    Fields(tree).extensions.children += [der.sequence(der.oid(f"1.2.{number}"), value) for number in range(count)]
    return tree.encode()


def part() -> Node:
    return Node(der.SET, children=[der.sequence(der.oid("2.5.4.3"), Node(der.UTF8_STRING, b"x"))])


CERTIFICATE = authority("Root").der
PEM = authority("Root").pem

# The size of each in bytes; the actual size may be slightly smaller.
INPUTS: dict[str, Callable[[int], bytes]] = {
    "PKCS #7 of empty elements": lambda size: pkcs7(b"\x30\0" * ((size - 100) // 2)),
    "PKCS #7 of NULLs": lambda size: pkcs7(b"\5\0" * ((size - 100) // 2)),
    "PKCS #7 of certificates": lambda size: pkcs7(CERTIFICATE * ((size - 100) // len(CERTIFICATE))),
    "PKCS #7 of indefinite lengths": indefinite,
    "PKCS #7 in PEM": lambda size: pem(pkcs7(b"\x30\0" * (size * 22 // 64)), b"PKCS7"),
    "PKCS #7 in PEM, short lines": lambda size: pem(pkcs7(b"\x30\0" * (size * 18 // 64)), b"PKCS7", 10),
    "many PKCS #7": lambda size: pem(pkcs7(b"\x30\0"), b"PKCS7") * (size // 150),
    "indefinite lengths": lambda size: b"\x30\x80" * (size // 2),
    "certificates": lambda size: PEM * (size // len(PEM)),
    "certificates that are none": lambda size: pem(b"\x30\0") * (size // 60),
    "keys": lambda size: pem(b"\x30\0", b"PRIVATE KEY") * (size // 60),
    "blocks of another kind": lambda size: pem(b"\0", b"X") * (size // 45),
    "BEGIN lines": lambda size: b"-----BEGIN X-----\n" * (size // 18),
    "lines that end with CR": lambda size: PEM.replace(b"\n", b"\r") * (size // len(PEM)),
    "lines that end with CR and with LF": lambda size: (PEM.replace(b"\n", b"\r") + b"\n" + PEM) * (size // len(PEM) // 2 - 1),
    "UTF-16": lambda size: b"\xff\xfe" + (PEM * (size // len(PEM) // 2)).decode().encode("utf-16-le"),
    "one block": lambda size: pem(bytes(size * 47 // 64)),
    "a block of one line": lambda size: block(b"A" * (size - 60) + b"\n", size),
    "a block of lines of one character": lambda size: block(b"A\n", size),
    "a block of lines of four characters": lambda size: block(b"AAAA\n", size),
    "a block of headers": lambda size: block(b"a: b\n", size),
    "an extension's value": lambda size: with_subject([part()])[:-1] + bytes(size - 1000),
    "a name of one value": lambda size: with_subject([Node(der.SET, children=[der.sequence(der.oid("2.5.4.3"), Node(der.UTF8_STRING, b"x" * (size - 1000)))])]),
    "a name of many parts": lambda size: with_subject([part()] * min(size // 14, MiB // 14)),
    "extensions": lambda size: with_extensions(size // 16),
    "nothing": lambda size: b"x" * size,
    "NULs": lambda size: b"\0" * size,
}  # fmt: skip


def measured(directory: Path, *command: object) -> tuple[int, float, int]:
    """Peak memory in bytes, processor time in seconds, and the exit status."""
    report = directory / "time"
    # A process's peak includes its parent's, so pytest must not be the parent: time is small.
    line = ["/usr/bin/time", "--quiet", "--format", "%M %U %S", "--output", report, *command]
    with open(directory / "output", "wb") as output:
        done = subprocess.run([str(one) for one in line], env={}, stdout=output, stderr=output, timeout=120, check=False)
    peak, user, system = report.read_text().split()
    return int(peak) * 1024, float(user) + float(system), done.returncode


@pytest.mark.parametrize("kind", INPUTS)
def test_reading_takes_at_most_8_MiB_and_four_times_the_file(kind, binary, tmp_path):
    path = tmp_path / "input"
    for size in SIZES:
        path.write_bytes(INPUTS[kind](size)[: 16 * MiB])
        peak, seconds, status = measured(tmp_path, binary, "certs", "--json", "--log", "error", path)
        assert status in (0, 1)
        assert peak <= 8 * MiB + 4 * path.stat().st_size, f"{peak / MiB:.0f} MiB for {size / MiB:.0f} MiB"
        assert seconds < SECONDS


# Bundles that a start rewrites: the size of each in bytes.
BUNDLES: dict[str, Callable[[int], bytes]] = {
    "certificates": lambda size: PEM * (size // len(PEM)),
    "a broken block before them": lambda size: b"-----BEGIN X-----\n" + PEM * (size // len(PEM) - 1),
    "joined lines": lambda size: PEM[:-1] * (size // len(PEM)),
    "comments": lambda size: PEM + b"# x\n" * (size // 4 - len(PEM)),
    "one block": lambda size: PEM + pem(bytes(size * 46 // 64)),
}


@pytest.mark.parametrize("kind", BUNDLES)
def test_a_start_takes_at_most_8_MiB_and_four_times_the_bundle(kind, binary, tmp_path):
    mounted, bundle = tmp_path / "ca.pem", tmp_path / "bundle.pem"
    mounted.write_bytes(authority("Mounted").pem)
    for size in SIZES:
        bundle.write_bytes(BUNDLES[kind](size))
        options = ("--system", "off", "--certs", mounted, "--bundles", bundle, "--log", "error")
        peak, seconds, status = measured(tmp_path, binary, *options, "--", "/bin/true")
        assert status == 0
        assert b"managed certificates" in bundle.read_bytes()
        assert peak <= 8 * MiB + 4 * size, f"{peak / MiB:.0f} MiB for {size / MiB:.0f} MiB"
        assert seconds < SECONDS


def test_the_measure_sees_what_is_too_much(tmp_path):
    peak, _, _ = measured(tmp_path, "/usr/bin/python3", "-c", "x = bytearray(100 << 20)")
    assert 100 * MiB < peak < 200 * MiB


FEW, MANY, GROWTH = 48 << 10, 192 << 10, 6
"""Four times the bytes take less than six times the instructions."""


def instructions(binary: Path, path: Path) -> int:
    counts = path.with_suffix(".callgrind")
    line = ["valgrind", "--quiet", "--tool=callgrind", f"--callgrind-out-file={counts}", binary, "certs", path]
    subprocess.run(line, env={"PSM_ENTRY_LOG": "quiet"}, capture_output=True, timeout=300, check=False)
    total = re.search(r"^totals: (\d+)$", counts.read_text(), re.MULTILINE)
    assert total, counts.read_text()[-500:]
    return int(total.group(1))


@pytest.mark.parametrize("kind", INPUTS)
def test_the_work_grows_with_the_file(binary, tmp_path, kind):
    measured = []
    for size in (FEW, MANY):
        path = tmp_path / f"{size}.pem"
        path.write_bytes(INPUTS[kind](size))
        measured.append(instructions(binary, path))
    few, many = measured
    assert many < GROWTH * few, f"{few} instructions for {FEW} bytes, {many} for {MANY}"
