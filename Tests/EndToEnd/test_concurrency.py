"""Many starts: at once on a shared root, and one after another a thousand times."""

import fcntl
import os
import signal
import subprocess
import threading
import time
from pathlib import Path

import pytest

from certificates import certificates_of
from roots import BUNDLE, CERTIFI, NATIVE_ANCHORS, NATIVE_STORE, NOBODY, PRIVATE, Scene, authority, base, held_lock, loaded
from roots import make_scene

STARTS = 50
RESTARTS = 1000
ENVIRONMENT = {"PATH": os.environ["PATH"]}
BASES = {BUNDLE: base(), CERTIFI: base("Public A,Public D"), NATIVE_STORE: base("Public A,Public E")}
SETS = {"one": ["Corp Root"], "other": ["Branch Root", "Third Root"]}


@pytest.fixture
def scene(directory: Path, binary: Path) -> Scene:
    made = make_scene(directory, binary, has_store=True)
    for name, members in SETS.items():
        for member in members:
            made.write(f"/mounted/{name}/{member}.pem", authority(member).pem)
    return made


def start_all(scene: Scene, user: tuple[str, ...] = ()) -> list[subprocess.Popen[bytes]]:
    """Starts all at once, every second one with the other set."""
    names = list(SETS)
    commands = [scene.command("--certs", f"/mounted/{names[number % 2]}", user=user) for number in range(STARTS)]
    return [
        subprocess.Popen(command, env=ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        for command in commands
    ]


def public_in(scene: Scene) -> dict[Path, set[bytes]]:
    """What each bundle contains in any case. Found before the first start: two of them may end sooner."""
    return {scene.at(path): set(certificates_of(text)) for path, text in BASES.items()}


def watch(starts: list[subprocess.Popen[bytes]], public: dict[Path, set[bytes]]) -> int:
    """Loads the bundles repeatedly until every start has ended; returns how often."""
    loads = 0
    while any(start.poll() is None for start in starts):
        for path, expected in public.items():
            assert loaded(path) >= expected, path
            loads += 1
    return loads


def end(starts: list[subprocess.Popen[bytes]]) -> None:
    for start in starts:
        said = start.communicate(timeout=60)[1].decode()
        assert start.returncode == 0, said
        assert "error: " not in said and "warning: " not in said, said


def sets_that_are_held(path: Path, public: bytes) -> list[str]:
    extra = loaded(path) - set(certificates_of(public))
    return [name for name, members in SETS.items() if extra == {authority(member).der for member in members}]


def test_fifty_starts_at_once_leave_one_of_two_bundles_and_always_a_whole_one(scene):
    public = public_in(scene)
    starts = start_all(scene)
    loads = watch(starts, public)
    end(starts)
    assert loads
    for path, text in BASES.items():
        assert len(sets_that_are_held(scene.at(path), text)) == 1, path
        assert scene.read(path).startswith(text)
    assert scene.strangers() == []
    # Whichever was last, one more start with either set gives its result.
    for name, members in SETS.items():
        scene.start("--certs", f"/mounted/{name}")
        for path, text in BASES.items():
            assert sets_that_are_held(scene.at(path), text) == [name], path
        anchors = {f"psm-entry-{authority(member).fingerprint}.crt" for member in members}
        assert {path.name for path in scene.at(NATIVE_ANCHORS).iterdir()} == anchors


def test_apply_and_a_start_at_once_leave_the_result_of_one_of_them(scene):
    """Fifty times on one root, each finding what the last two have left."""
    winners = set()
    loads = 0
    public = public_in(scene)
    for _ in range(STARTS):
        start = scene.command("--certs", "/mounted/one")
        apply = [scene.binary, "apply", "--root", scene.directory, "--certs", "/mounted/other", "--state-dir", "/run/psm-entry"]
        both = [
            subprocess.Popen(line, env=ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
            for line in (start, apply)
        ]
        loads += watch(both, public)
        end(both)
        held = [sets_that_are_held(scene.at(path), text) for path, text in BASES.items()]
        assert held[0] and held == [held[0]] * len(BASES), "one is last in one store, the other in another"
        winners.add(*held[0])
        assert scene.strangers() == []
    assert loads
    assert winners == set(SETS), "one of them was always last: nothing was tried"


def test_fifty_starts_at_once_share_one_private_bundle(scene):
    os.chown(scene.at("/run"), 1000, 0)
    scene.start("--certs", "/mounted/one", user=NOBODY)
    public = {scene.at(PRIVATE): set(certificates_of(base()))}
    starts = start_all(scene, NOBODY)
    loads = watch(starts, public)
    for start in starts:
        said = start.communicate(timeout=60)[1].decode()
        assert start.returncode == 0 and "error: " not in said.replace(CERTIFI, ""), said
    assert loads
    # It contains what every bundle trusts whose clients read it instead.
    assert len(sets_that_are_held(scene.at(PRIVATE), b"".join(BASES.values()))) == 1
    assert scene.strangers() == []


# A held lock


PLACES = {
    "a bundle": (BUNDLE, ()),
    "another bundle": (CERTIFI, ()),
    "the system's anchors": (NATIVE_ANCHORS, ()),
    "the system's bundle": (NATIVE_STORE, ()),
    "the private bundle": (PRIVATE, NOBODY),
}
PASSED_OVER = "continuing without the lock"


def hold(scene: Scene, place: str) -> tuple[Path, tuple[str, ...]]:
    """The path of the directory as a start finds it."""
    path, user = PLACES[place]
    scene.at(NATIVE_ANCHORS).mkdir(parents=True, exist_ok=True)
    if user:
        os.chown(scene.at("/run"), 1000, 0)
        scene.start(user=user)
        scene.mount("Corp Root", "Branch Root")
    return scene.at(path) if path == NATIVE_ANCHORS else scene.at(path).parent, user


@pytest.mark.parametrize("place", PLACES)
def test_a_lock_that_a_reader_holds_is_passed_over_after_two_seconds_and_that_is_said(scene, place):
    directory, user = hold(scene, place)
    reader = subprocess.Popen(
        ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]
        + ["flock", "--exclusive", str(directory), "sh", "-c", "echo held; sleep 60"],
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        assert reader.stdout and reader.stdout.readline() == b"held\n"
        begin = time.monotonic()
        started = scene.start(user=user)
        assert time.monotonic() - begin < 7, "two seconds, and what a busy machine adds"
    finally:
        os.killpg(reader.pid, signal.SIGKILL)
        reader.wait(timeout=10)
    assert started.status == 0
    (said,) = started.lines(PASSED_OVER)
    assert said.startswith(f"psm-entry: warning: /{directory.relative_to(scene.directory)}")
    path = scene.at(PLACES[place][0])
    if path.is_file():
        assert authority("Corp Root").der in loaded(path)


@pytest.mark.parametrize("mode", [0o755, 0o700], ids=oct)
def test_where_nobody_else_may_read_a_lock_is_waited_for(scene, mode):
    directory = scene.at(BUNDLE).parent
    directory.chmod(mode)
    with held_lock(directory) as descriptor:
        release = threading.Timer(4, fcntl.flock, [descriptor, fcntl.LOCK_UN])
        release.start()
        started = scene.start()
        release.join()
    assert authority("Corp Root").der in loaded(scene.at(BUNDLE))
    assert bool(started.lines(PASSED_OVER)) == (mode == 0o755), started.said


def test_a_thousand_restarts_change_nothing(scene):
    scene.start()
    before = scene.files()
    said = subprocess.run(scene.command(), env=ENVIRONMENT, capture_output=True, timeout=60, check=True).stderr
    for _ in range(RESTARTS):
        result = subprocess.run(scene.command(), env=ENVIRONMENT, capture_output=True, timeout=60, check=True)
        assert result.stderr == said
    assert said.count(b"\n") == 1
    assert scene.files() == before


def test_a_hundred_exchanges_leave_what_one_does(scene):
    options = [("--certs", f"/mounted/{name}") for name in SETS]
    for choice in options:
        scene.start(*choice)
    before = {path: entry[1:] for path, entry in scene.files().items()}
    for number in range(100):
        command = scene.command(*options[number % 2])
        subprocess.run(command, env=ENVIRONMENT, capture_output=True, timeout=60, check=True)
    assert {path: entry[1:] for path, entry in scene.files().items()} == before
