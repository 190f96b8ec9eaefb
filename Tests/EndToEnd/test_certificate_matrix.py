"""No certificate that psm-entry adds to a bundle makes a library refuse the bundle, as the libraries themselves
confirm.

The shipped binary merges mutants and collections, and every library reads the bundle. `--all`, which `make test-all`
passes, takes more than 100,000 mutants and every collection from Debian and PyPI.
"""

import hashlib
import json
import re
import subprocess
from base64 import b64decode, b64encode
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from certificate_mutants import mutants, revocation_list
from certificate_readers import SKIPPING, Reader, running_readers
from certificates_support import CACHE, openssl_source, package
from containers import Container
from roots import BUNDLE, CERTS, authority

MUTANTS = {False: 40_000, True: 500_000}
IN_BASES = {False: 1_500, True: 15_000}
BATCH = 5_000
SEED = 17


def pem(der: bytes, label: bytes = b"CERTIFICATE") -> bytes:
    text = b64encode(der)
    lines = b"".join(text[start : start + 64] + b"\n" for start in range(0, len(text), 64))
    return b"-----BEGIN %s-----\n%s-----END %s-----\n" % (label, lines, label)


def ders_of(bundle: bytes) -> list[bytes]:
    blocks = re.findall(rb"-----BEGIN (?:X509 |TRUSTED )?CERTIFICATE-----([A-Za-z0-9+/=\s]*)-----END ", bundle)
    return [b64decode(block) for block in blocks]


@pytest.fixture(scope="module")
def readers(debian_13_clients: Container) -> Iterator[dict[str, Reader]]:
    with running_readers(newer=debian_13_clients) as running:
        yield running


@pytest.fixture(scope="module")
def wants_all(pytestconfig: pytest.Config) -> bool:
    return bool(pytestconfig.getoption("--all"))


@dataclass
class Figures:
    """The results: docs/certificates.md has the figures of the last `make test-all`."""

    tried: int = 0
    accepted: int = 0
    warned: Counter = field(default_factory=Counter)
    """Accepted with a warning that names the library."""
    refused: Counter = field(default_factory=Counter)
    """Bundles of accepted certificates that the library refuses."""
    skipped: Counter = field(default_factory=Counter)
    """Accepted certificates that the library skips."""

    def text(self) -> str:
        parts = [f"{self.tried} certificates, {self.accepted} accepted"]
        parts += [f"{name}: {count} accepted with a warning" for name, count in self.warned.items()]
        parts += [f"{name}: {count} passed over" for name, count in self.skipped.items()]
        return "; ".join([*parts, f"bundles refused: {sum(self.refused.values())}"])


def merge(binary: Path, root: Path, ders: Sequence[bytes]) -> bytes:
    """The bundle after a start with these certificates mounted."""
    for path in (BUNDLE, CERTS):
        (root / path[1:]).parent.mkdir(parents=True, exist_ok=True)
    (root / BUNDLE[1:]).write_bytes(authority("Public A").pem)
    mounted = root / CERTS[1:]
    mounted.mkdir(exist_ok=True)
    for old in mounted.iterdir():
        old.unlink()
    for number in range(0, len(ders), 1000):
        (mounted / f"{number:06}.pem").write_bytes(b"".join(map(pem, ders[number : number + 1000])))
    options = ("--root", root, "--system", "off", "--log", "quiet")
    subprocess.run([binary, *options, "--", "/bin/true"], env={}, check=True, timeout=120)
    return (root / BUNDLE[1:]).read_bytes()


def named_libraries(binary: Path, paths: Sequence[Path]) -> dict[str, frozenset[str]]:
    """For each accepted certificate, by SHA-256, the libraries that its warnings name."""
    command = [binary, "certs", "--json", "--log", "quiet", *paths]
    found = json.loads(subprocess.run(command, capture_output=True, env={}, timeout=120, check=False).stdout)
    libraries = re.compile(r"\((\w+)(?: and (\w+))? rejects? the whole bundle\)")
    return {
        one["sha256"]: frozenset(
            name for problem in one["problems"] for match in libraries.finditer(problem) for name in match.groups() if name
        )
        for one in found
    }


def culprits(reader: Reader, ders: Sequence[bytes], path: Path) -> list[bytes]:
    """The certificates that make a reader refuse a bundle, found by bisection: at most four."""
    path.write_bytes(b"".join(map(pem, ders)))
    if not ders or not reader.refuses(path):
        return []
    if len(ders) == 1:
        return [ders[0]]
    middle = len(ders) // 2
    found = culprits(reader, ders[:middle], path)
    return found if len(found) >= 4 else found + culprits(reader, ders[middle:], path)


def examine(
    binary: Path, readers: dict[str, Reader], directory: Path, tried: dict[bytes, str], figures: Figures
) -> list[str]:
    """Merges certificates, lets each library read the result, and returns what it refuses and which certificate is the cause."""
    figures.tried += len(tried)
    bundle = merge(binary, directory, list(tried))
    accepted = [der for der in ders_of(bundle) if der in tried]
    figures.accepted += len(accepted)
    named = named_libraries(binary, [directory / CERTS[1:]])
    groups: dict[frozenset[str], list[bytes]] = {}
    for der in accepted:
        groups.setdefault(named[hashlib.sha256(der).hexdigest()], []).append(der)
    faults = []
    for libraries, ders in groups.items():
        if len(groups) > 1:
            bundle = merge(binary, directory, ders)
        path = directory / "read.pem"
        path.write_bytes(bundle)
        for name in libraries:
            figures.warned[name] += len(ders)
        for name, reader in readers.items():
            library = name.split(" ")[0]
            if library in libraries:
                continue
            answer = reader.read(path)
            if isinstance(answer, str):
                figures.refused[name] += 1
                faults += [f"{name} refuses {tried[der]}: {der.hex()}" for der in culprits(reader, ders, path)]
                path.write_bytes(bundle)
            elif name in SKIPPING:
                figures.skipped[name] += len(ders) + 1 - answer
            elif answer not in (-1, len(ders) + 1) and library != "GnuTLS":
                faults.append(f"{name} has {answer} certificates of {len(ders) + 1}")
    return faults


def report(name: str, figures: Figures) -> None:
    """Where `make test-all` stores the figures."""
    target = Path(__file__).resolve().parents[2] / "build" / f"{name}.txt"
    target.write_text(figures.text() + "\n", encoding="utf-8")


# --- Mutants --------------------------------------------------------------------------------------


def test_no_library_refuses_a_bundle_for_a_mutant_that_is_accepted(binary, readers, wants_all, tmp_path):
    figures = Figures()
    faults: list[str] = []
    batch: dict[bytes, str] = {}
    for number, (what, der) in enumerate(mutants(MUTANTS[wants_all], SEED), 1):
        batch.setdefault(der, what)
        if len(batch) == BATCH or number == MUTANTS[wants_all]:
            faults += examine(binary, readers, tmp_path, batch, figures)
            batch = {}
    report("certificate-mutants", figures)
    assert faults == [], figures.text()
    # Most mutants are refused, and enough are accepted for the libraries' verdicts to be meaningful.
    assert figures.tried > MUTANTS[wants_all] * 0.9
    assert figures.tried / 50 < figures.accepted < figures.tried / 2
    assert figures.warned["GnuTLS"] > 0


@pytest.mark.parametrize("kind", ["certificate", "list of revoked certificates"])
def test_the_verdict_on_a_base_is_openssls_old_and_new(kind, binary, readers, wants_all, tmp_path):
    """What OpenSSL 3.0 or the newest refuses is damage; what both read is not, except for encodings that nobody writes."""
    bundle, inputs, path = tmp_path / "bundle.pem", tmp_path / "input.pem", tmp_path / "read.pem"
    inputs.write_bytes(authority("Corp Root").pem)
    command = [binary, "plan", "--json", "--system=off", f"--certs={inputs}", f"--bundles={bundle}"]
    is_list = kind != "certificate"
    count = IN_BASES[wants_all] // (3 if is_list else 1)
    label = b"X509 CRL" if is_list else b"CERTIFICATE"
    missed, verdicts, too_strict = [], Counter(), []
    for what, der in mutants(count, SEED + 1, {"list": revocation_list()} if is_list else None):
        bundle.write_bytes(authority("Public A").pem + pem(der, label) + authority("Public B").pem)
        path.write_bytes(bundle.read_bytes())
        refuses = any(readers[name].refuses(path) for name in ("OpenSSL 3.0", "OpenSSL 3.5", "the newest OpenSSL"))
        done = subprocess.run(command, capture_output=True, env={}, timeout=30, check=False)
        (change,) = json.loads(done.stdout)["changes"]
        verdicts[refuses] += 1
        if refuses and not change["repair"]:
            missed.append((what, der.hex()))
        if change["repair"] and not refuses:
            too_strict.append(what)
    assert missed == []
    assert min(verdicts.values()) > count // 10
    assert len(too_strict) <= count // 100, too_strict


# --- Collections ----------------------------------------------------------------------------------


def debian_package(name: str) -> Path:
    """A Debian package, unpacked and kept."""
    target = CACHE / name
    if not (target / "complete").exists():
        target.mkdir(parents=True, exist_ok=True)
        options = ["-o", "APT::Sandbox::User=root"]
        subprocess.run(["apt-get", "-qq", *options, "download", name], cwd=target, check=True, timeout=300)
        subprocess.run(["dpkg", "-x", next(target.glob("*.deb")), target], check=True, timeout=60)
        (target / "complete").touch()
    return target


def collections(wants_all: bool) -> list[Path]:
    found = [Path("/usr/share/ca-certificates"), package("certifi"), package("cryptography_vectors")]
    if wants_all:
        found += [package(name) for name in ("botocore", "grpcio", "httplib2", "pip")]
        classes = ("classic", "experimental", "iota", "mics", "slcs", "unaccredited")
        found += [debian_package(f"igtf-policy-{name}") for name in classes]
        found += [openssl_source(), Path("/usr/share/cargo/registry")]
    return found


def collected(directories: Sequence[Path]) -> dict[bytes, str]:
    """Every certificate in these directories, with the file that it is in."""
    found: dict[bytes, str] = {}
    for directory in directories:
        for path in sorted(one for one in directory.rglob("*") if one.is_file() and one.stat().st_size < 4 << 20):
            content = path.read_bytes()
            ders = [content] if content[:1] == b"\x30" and len(content) < 100_000 else []
            try:
                ders += ders_of(content)
            except ValueError:
                pass
            for der in ders:
                found.setdefault(der, str(path.relative_to(directory)))
    return found


def test_what_every_library_reads_is_accepted_and_nothing_else(binary, readers, wants_all, tmp_path):
    figures = Figures()
    tried = collected(collections(wants_all))
    assert len(tried) > (1_400 if wants_all else 700)
    assert examine(binary, readers, tmp_path, tried, figures) == []
    report("certificate-collections", figures)
    merge(binary, tmp_path, list(tried))
    accepted = set(named_libraries(binary, [tmp_path / CERTS[1:]]))
    strict = [reader for name, reader in readers.items() if name not in (*SKIPPING, "Node")]
    path = tmp_path / "one.pem"
    left_out = []
    for der, source in tried.items():
        if hashlib.sha256(der).hexdigest() in accepted:
            continue
        path.write_bytes(pem(der))
        if not any(reader.refuses(path) for reader in strict):
            left_out.append(source)
    assert left_out == []
