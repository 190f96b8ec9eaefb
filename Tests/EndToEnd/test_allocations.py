"""Memory runs out at every allocation in turn: the service starts, and each file is the old or the new one, complete.

Like SQLite's tests: in the child, only the N-th allocation fails, or all from then on.
"""

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from roots import BUNDLE, CERTIFI, NATIVE_ANCHORS, NATIVE_STORE, NOBODY, PRIVATE, Scene, authority, base, make_scene

# The service reports that it runs, and ends with a distinctive status.
SERVICE = ["/bin/sh", "-c", "echo service; exit 42"]
OLD = {BUNDLE: base(), CERTIFI: base("Public A,Public D"), NATIVE_STORE: base("Public A,Public E")}
# All up to this number, and then every `STRIDE`th: enough for every test run. `--all` takes all.
DENSE = 300
POINTS = 400


def reset(scene: Scene) -> None:
    """The root before any start."""
    for path, text in OLD.items():
        scene.write(path, text)
    for path in (NATIVE_ANCHORS, "/run"):
        shutil.rmtree(scene.at(path), ignore_errors=True)
    scene.at("/run").mkdir()
    scene.at("/run").chmod(0o777)
    for path in map(scene.at, scene.strangers()):
        path.unlink()


def start(scene: Scene, wish: str | None, user: Sequence[str]) -> tuple[int, bytes, str]:
    """The status and the output of the service, and the log."""
    options = ["--root", str(scene.directory), "--state-dir", "/run/psm-entry"]
    environment = {"PATH": "/usr/bin:/bin"} | ({"PSM_ENTRY_TEST_MALLOC": wish} if wish else {})
    result = subprocess.run(
        [*user, scene.binary, *options, "--", *SERVICE], env=environment, capture_output=True, timeout=60, check=False
    )
    return result.returncode, result.stdout, result.stderr.decode()


def stores(scene: Scene) -> dict[str, bytes]:
    """Everything that a client may read: bundles, the private bundle, and the anchors."""
    anchors = scene.at(NATIVE_ANCHORS)
    found = {path: scene.read(path) for path in [*OLD, PRIVATE] if scene.at(path).exists()}
    if anchors.is_dir():
        found |= {f"{NATIVE_ANCHORS}/{path.name}": path.read_bytes() for path in anchors.glob("*.crt")}
    return found


def allocations(scene: Scene, user: Sequence[str]) -> int:
    """The number of allocations in a start, found by bisection: the first refusal that the start does not reach."""

    def is_reached(number: int) -> bool:
        reset(scene)
        return "original environment" in start(scene, str(number), user)[2]

    low, high = 1, 2
    while is_reached(high):
        low, high = high, high * 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if is_reached(middle) else (low, middle)
    return low


def numbers(count: int, is_all: bool) -> list[int]:
    if is_all or count <= POINTS:
        return list(range(1, count + 1))
    stride = max(1, (count - DENSE) // (POINTS - DENSE))
    return [*range(1, DENSE + 1), *range(DENSE + 1, count + 1, stride)]


@pytest.fixture
def scene(directory: Path, faulty_binary: Path) -> Scene:
    return make_scene(directory, faulty_binary, has_store=True)


@pytest.mark.parametrize("suffix", ["", "+"], ids=["once", "from-there-on"])
@pytest.mark.parametrize("user", [(), NOBODY], ids=["root", "another-user"])
def test_the_service_starts_and_every_file_is_whole(
    scene: Scene, user: Sequence[str], suffix: str, every_allocation: bool
) -> None:
    count = allocations(scene, user)
    reset(scene)
    status, output, log = start(scene, None, user)
    assert (status, output) == (42, b"service\n"), log
    new = stores(scene)
    assert new != OLD, "a start that changes nothing would prove nothing"
    assert authority("Corp Root").pem in new[PRIVATE if user else BUNDLE]

    points = numbers(count, every_allocation)
    print(f"{len(points)} of {count} allocations are refused")
    assert count > 400 and len(points) >= 400
    half_way = 0
    for number in points:
        reset(scene)
        where = f"allocation {number} of {count}"
        status, output, log = start(scene, f"{number}{suffix}", user)
        assert (status, output) == (42, b"service\n"), f"{where}: {log}"
        found = stores(scene)
        for path, text in found.items():
            assert text in (OLD.get(path), new.get(path)), f"{where}: {path} is neither the old nor the new one"
        assert OLD.keys() <= found.keys(), f"{where}: a bundle is gone"
        half_way += OLD != found != new
        # What this start left behind does not hinder the next one.
        if number % 7 == 0:
            status, _, log = start(scene, None, user)
            assert (status, stores(scene)) == (42, new), f"after {where}: {log}"
            assert scene.strangers() == [], f"after {where}"
    assert half_way > 0 or user == NOBODY, "some start must have ended between two files"
