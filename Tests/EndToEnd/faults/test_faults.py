"""Every system call of a preparation fails once, and at each of them the preparation is killed once.

strace does both. In each case every bundle is the old or the new file, the service runs, and the next start finishes
the work and leaves no temporary file.
"""

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from certificates import certificates_of
from roots import BUNDLE, CERTIFI, NATIVE_STORE, NOBODY, PRIVATE, Scene, authority, loaded, make_scene

# The errors among EIO, ENOSPC, EACCES, EROFS, EINTR and EMFILE that each call can return, by its manual page. At a call
# that returns none of them, the process is only killed.
ERRORS = {
    "openat": ["EIO", "EACCES", "EINTR", "EMFILE"],
    "openat2": ["EIO", "EACCES", "EINTR", "EMFILE"],
    "fstat": ["EIO"],
    "newfstatat": ["EIO", "EACCES"],
    "statx": ["EIO", "EACCES"],
    "readlinkat": ["EIO", "EACCES"],
    "faccessat2": ["EIO", "EACCES", "EROFS"],
    "getdents64": ["EIO"],
    "read": ["EIO", "EINTR"],
    "pread64": ["EIO", "EINTR"],
    "write": ["EIO", "ENOSPC", "EINTR"],
    "fsync": ["EIO", "ENOSPC", "EROFS", "EINTR"],
    "close": ["EIO", "ENOSPC", "EINTR"],
    "fchmod": ["EIO", "EROFS"],
    "fchown": ["EIO", "EROFS"],
    "mkdirat": ["EIO", "ENOSPC", "EACCES", "EROFS"],
    "linkat": ["EIO", "ENOSPC", "EACCES", "EROFS"],
    "renameat": ["EIO", "ENOSPC", "EACCES", "EROFS"],
    "unlinkat": ["EIO", "EACCES", "EROFS"],
    "flock": ["EINTR"],
    "setpgid": ["EACCES"],
    "stat": ["EIO", "EACCES"],
    "poll": ["EINTR"],
    "lseek": [],
    "umask": [],
    "uname": [],
    "prctl": [],
    "getppid": [],
}
CREATION = ["ENOSPC", "EROFS"]
"""Additional errors of a call that creates a file."""

# Memory and signals: these are no steps of a preparation.
IGNORED = {"mmap", "munmap", "brk", "mprotect", "rt_sigprocmask", "rt_sigaction", "set_tid_address", "getpid", "exit_group"}

WORKERS = 2
ENVIRONMENT = {"PATH": os.environ["PATH"]}
RAN = 42
"""The exit status of the service."""


@dataclass(frozen=True)
class Situation:
    """A root before a start, and the bundles to check afterwards."""

    scene: Scene
    bundles: tuple[str, ...]
    user: tuple[str, ...] = ()
    named: tuple[str, ...] = ()
    """The bundles that are named, or the default ones."""


@dataclass(frozen=True)
class Point:
    call: str
    number: int
    action: str

    def __str__(self) -> str:
        return f"{self.call} number {self.number}: {self.action}"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A service that makes none of these system calls, so that no fault reaches it."""
    source = tmp_path_factory.mktemp("service") / "service.c"
    source.write_text(f"int main(void) {{ return {RAN}; }}\n")
    program = Path(tempfile.mkdtemp(prefix="psm-entry-test.")) / "service"
    subprocess.run(["musl-gcc", "-static", "-o", program, source], check=True, timeout=60)
    program.parent.chmod(0o755)
    yield program
    shutil.rmtree(program.parent)


@pytest.fixture
def directory() -> Iterator[Path]:
    # In memory, because a thousand starts with their fsyncs would be too slow on a disk.
    path = Path(tempfile.mkdtemp(prefix="psm-entry-faults.", dir="/dev/shm"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


def command(situation: Situation, service: Path) -> list[str]:
    named = ["--bundles", ":".join(situation.named)] if situation.named else []
    line = situation.scene.command(*named)
    return [*line[: line.index("--")], "--", str(service)]


def first(directory: Path, binary: Path) -> Situation:
    return Situation(make_scene(directory, binary), (BUNDLE, CERTIFI))


def first_with_store(directory: Path, binary: Path) -> Situation:
    return Situation(make_scene(directory, binary, has_store=True), (BUNDLE, CERTIFI, NATIVE_STORE))


def changing(directory: Path, binary: Path) -> Situation:
    situation = first_with_store(directory, binary)
    situation.scene.start()
    situation.scene.mount("Branch Root")
    return situation


def removing(directory: Path, binary: Path) -> Situation:
    situation = first_with_store(directory, binary)
    situation.scene.start()
    situation.scene.mount()
    return situation


def repairing(directory: Path, binary: Path) -> Situation:
    situation = first(directory, binary)
    joined = authority("Public A").pem.rstrip(b"\n") + authority("Public B").pem
    situation.scene.write(BUNDLE, joined)
    situation.scene.write("/conda/ssl/.psm-entry-new.cacert.pem.1f", b"of a killed start")
    return situation


def private(directory: Path, binary: Path) -> Situation:
    scene = make_scene(directory, binary)
    os.chown(scene.at("/run"), 1000, 0)
    scene.mount("Corp Root")
    named = (BUNDLE, CERTIFI)
    # Named bundles: in a usual place that this user may not enter, EACCES means no bundle for its
    # clients.
    scene.start("--bundles", ":".join(named), user=NOBODY)
    scene.mount("Branch Root")
    return Situation(scene, (BUNDLE, CERTIFI, PRIVATE), NOBODY, named)


SITUATIONS = {
    first: 300,
    first_with_store: 550,
    changing: 480,
    removing: 440,
    repairing: 320,
    private: 330,
}
"""The number of points when this was last updated: fewer means that something is no longer tried."""


def calls_of_child(situation: Situation, service: Path, directory: Path) -> list[str]:
    """The lines of strace for the preparing process, in a start without a fault."""
    traces = directory / "traces"
    traces.mkdir()
    # Another user has to write here.
    traces.chmod(0o777)
    prefix = traces / "trace"
    line = [*situation.user, "strace", "-qq", "-ff", "-o", str(prefix), *command(situation, service)]
    result = subprocess.run(line, env=ENVIRONMENT, capture_output=True, timeout=60, check=False)
    assert result.returncode == RAN, result.stderr.decode()
    found = sorted(traces.glob("trace.*"), key=lambda path: int(path.suffix[1:]))
    assert len(found) == 2, "the parent and its child"
    return found[1].read_text(errors="replace").splitlines()


def points_of(lines: list[str]) -> list[Point]:
    points, numbers = [], {}
    for line in lines:
        call = re.match(r"\w+", line)
        if not call or call[0] in IGNORED or "(" not in line:
            continue
        name = call[0]
        assert name in ERRORS, f"a call that the table does not know: {line}"
        numbers[name] = numbers.get(name, 0) + 1
        actions = ERRORS[name] + (CREATION if "O_CREAT" in line else [])
        points += [Point(name, numbers[name], f"error={error}") for error in actions]
        points.append(Point(name, numbers[name], "signal=SIGKILL"))
    return points


def contents(scene: Scene) -> dict[str, tuple[int, int, bytes]]:
    """Every file without its inode, which changes with each replacement."""
    return {path: entry[1:] for path, entry in scene.files().items()}


class Judge:
    """Makes one start with a fault in a copy of a situation, and reports what is wrong afterwards."""

    def __init__(self, situation: Situation, service: Path, directory: Path) -> None:
        self.situation, self.service, self.directory = situation, service, directory
        self.before = contents(situation.scene)
        reference = self.copy("reference")
        self.start(reference)
        self.after = contents(reference)
        assert self.after != self.before

    def copy(self, name: str) -> Scene:
        root = self.directory / name / "root"
        # With cp, which also keeps owners and links.
        root.parent.mkdir()
        subprocess.run(["cp", "-a", self.situation.scene.directory, root], check=True, timeout=60)
        return Scene(root, self.situation.scene.binary)

    def start(self, scene: Scene, *wrapper: str) -> subprocess.CompletedProcess[bytes]:
        line = [*self.situation.user, *wrapper, *command(replace(self.situation, scene=scene), self.service)]
        return subprocess.run(
            line, env=ENVIRONMENT, stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=False
        )

    def judge(self, numbered: tuple[int, Point]) -> str | None:
        number, point = numbered
        scene = self.copy(str(number))
        inject = f"inject={point.call}:{point.action}:when={point.number}"
        wrapper = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={point.call}", "-e", inject]
        result = self.start(scene, *wrapper)
        wrong = self.faults_in(scene, point, result) + self.faults_after_next_start(scene)
        shutil.rmtree(scene.directory.parent)
        said = result.stderr.decode(errors="replace")
        return f"{point}\n  {'; '.join(wrong)}\n{said}" if wrong else None

    def faults_in(self, scene: Scene, point: Point, result: subprocess.CompletedProcess[bytes]) -> list[str]:
        wrong = []
        # The parent makes few of these calls, and strace counts for each process separately; a parent that is killed
        # starts nothing.
        was_killed = "SIGKILL" in point.action and result.returncode in (-9, 137)
        if result.returncode != RAN and not was_killed:
            wrong.append(f"status {result.returncode}")
        for path in self.situation.bundles:
            old, new = self.before.get(path), self.after.get(path)
            file = scene.at(path)
            status = file.lstat() if file.exists() else None
            found = (status.st_mode, status.st_uid, file.read_bytes()) if status else None
            if path == PRIVATE and found and new and point.action == "error=EACCES":
                # Files that this user may not read are not read by its clients either: only certifi has Public D.
                unread = (*new[:2], new[2].replace(authority("Public D").pem, b""))
                new = found if found == unread else new
            if found not in (old, new):
                wrong.append(f"{path} is neither the old nor the new one")
            elif found == new and found and loaded(file) < set(certificates_of(found[2])):
                wrong.append(f"{path} is not read whole")
        return wrong

    def faults_after_next_start(self, scene: Scene) -> list[str]:
        result = self.start(scene)
        wrong = [] if result.returncode == RAN else [f"the next start ended with {result.returncode}"]
        found = contents(scene)
        paths = found.keys() | self.after.keys()
        # If the bundle itself could not be replaced, the private bundle is used, and is not removed while a running
        # service may use it.
        if PRIVATE in found and PRIVATE not in self.after:
            paths.remove(PRIVATE)
            if loaded(scene.at(PRIVATE)) != set(certificates_of(scene.read(PRIVATE))):
                wrong.append("the private bundle is not read whole")
        odd = sorted(path for path in paths if found.get(path) != self.after.get(path))
        return wrong + [f"after the next start {path} is not as wanted" for path in odd]


@pytest.mark.parametrize("make", SITUATIONS, ids=lambda make: make.__name__)
def test_whatever_fails_a_bundle_is_the_old_or_the_new_one(make, binary, service, directory, capsys):
    situation = make(directory / "situation", binary)
    probe = Judge(situation, service, directory)
    points = points_of(calls_of_child(Situation(probe.copy("traced"), (), situation.user), service, directory))
    with ThreadPoolExecutor(WORKERS) as pool:
        wrong = [found for found in pool.map(probe.judge, enumerate(points)) if found]
    with capsys.disabled():
        print(f"\n{make.__name__}: {len(points)} points", end=" ")
    assert not wrong, f"{len(wrong)} of {len(points)}:\n" + "\n".join(wrong[:20])
    assert len(points) >= SITUATIONS[make]
