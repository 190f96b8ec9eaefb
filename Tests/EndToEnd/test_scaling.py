"""Inputs without a size limit of their own cost n log n: four times the input takes less than six times the work."""

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from certificates import write
from roots import BUNDLE, CERTIFI, CERTS, STATE, Scene, authority, loaded, make_scene

# Large enough that the fixed work of every run is small in comparison, and that quadratic time would show.
FEW, MANY = 1000, 4000
GROWTH = 6


@pytest.fixture
def scene(directory: Path, binary: Path) -> Scene:
    return make_scene(directory, binary)


def hosts(count: int) -> str:
    return ",".join(f"host{number}.corp" for number in range(count))


def spellings(count: int) -> dict[str, str]:
    """Spellings of NO_PROXY, all different."""
    return {name: f"{hosts(count)},{name}" for name in ("no_proxy", "NO_PROXY", "No_proxy", "nO_proxy")}


def exports(count: int) -> dict[str, str]:
    names = [f"CA_{number}" for number in range(count)]
    return {"PSM_ENTRY_EXPORT": ",".join(names), **{f"OTHER_{number}": "" for number in range(count)}}


PROXY = {"HTTPS_PROXY": "http://p:1"}
CASES: dict[str, tuple[str, Callable[[int], dict[str, str]]]] = {
    "NO_PROXY": ("--null", lambda count: {"NO_PROXY": hosts(count), **PROXY}),
    "one host over and over": ("--null", lambda count: {"NO_PROXY": "host.corp," * count}),
    "added entries": ("--null", lambda count: {"PSM_ENTRY_NO_PROXY": hosts(count), **PROXY}),
    "spellings": ("--null", spellings),
    "ports of one entry": ("--null", lambda count: {"NO_PROXY": "a" + ":1" * count}),
    "variables as JSON": ("--json", lambda count: {f"NAME_{number}": "value" for number in range(count)}),
    "exports": ("--null", exports),
    "settings that are none": ("--null", lambda count: {f"PSM_ENTRY_{number}": "" for number in range(count)}),
}


def command(scene: Scene, name: str, *options: str) -> list[str]:
    """Without another root, because valgrind does not support openat2."""
    settings = ["--certs", str(scene.at(CERTS)), "--bundles", str(scene.at(BUNDLE)), "--system", "off"]
    return [str(scene.binary), name, *options, *settings, "--state-dir", str(scene.at(STATE))]


def instructions(scene: Scene, option: str, variables: dict[str, str]) -> int:
    """The cost of `psm-entry env` with these variables."""
    counts = scene.directory.parent / "callgrind"
    line = ["valgrind", "--quiet", "--tool=callgrind", f"--callgrind-out-file={counts}"]
    line += command(scene, "env", option)
    environment = {"PATH": "/usr/bin:/bin", **variables}
    result = subprocess.run(line, env=environment, capture_output=True, timeout=300, check=True)
    assert result.stdout, result.stderr
    total = re.search(r"^totals: (\d+)$", counts.read_text(), re.MULTILINE)
    assert total, counts.read_text()[-500:]
    return int(total.group(1))


@pytest.mark.parametrize("case", CASES)
def test_four_times_as_much_is_less_than_six_times_the_work(scene, case):
    option, variables = CASES[case]
    few = instructions(scene, option, variables(FEW))
    many = instructions(scene, option, variables(MANY))
    assert many < GROWTH * few, f"{few} instructions for {FEW}, {many} for {MANY}"


# Mounted CAs


# Each has to be created.
FEW_AUTHORITIES, MANY_AUTHORITIES = 500, 2000


def authorities(count: int) -> list[bytes]:
    return [authority(f"CA {number}").pem for number in range(count)]


def one_file(directory: Path, count: int) -> None:
    write(directory / "ca.pem", b"".join(authorities(count)))


def files(directory: Path, count: int) -> None:
    for number, pem in enumerate(authorities(count)):
        write(directory / f"{number}.pem", pem)


def one_in_many_files(directory: Path, count: int) -> None:
    for number in range(count):
        write(directory / f"{number}.pem", authority("CA 0").pem)


MOUNTS = {"one file": one_file, "a file each": files, "one in many files": one_in_many_files}


@pytest.mark.parametrize("stands", [False, True], ids=["to be added", "in the bundle"])
@pytest.mark.parametrize("mount", MOUNTS)
def test_four_times_as_many_cas_are_less_than_six_times_the_work(scene, mount, stands):
    work = []
    for count in (FEW_AUTHORITIES, MANY_AUTHORITIES):
        MOUNTS[mount](scene.at(CERTS), count)
        if stands:
            subprocess.run(command(scene, "apply"), env={}, capture_output=True, timeout=120, check=True)
            assert scene.at(BUNDLE).read_bytes().count(b"# SHA-256: ") == (1 if mount == "one in many files" else count) + 1
        work.append(instructions(scene, "--null", {}))
    few, many = work
    assert many < GROWTH * few, f"{few} instructions for {FEW_AUTHORITIES} CAs, {many} for {MANY_AUTHORITIES}"


def test_of_settings_that_are_none_eight_are_named_and_the_rest_counted(scene):
    started = scene.start(environment={f"PSM_ENTRY_{number}": "" for number in range(5000)})
    assert started.status == 0
    assert len(started.lines("unknown setting; ")) == 8
    assert len(started.lines("4992 more unknown settings not shown")) == 1
    assert len(started.said) < 3000, started.said


# Patterns


def test_a_pattern_that_matches_the_whole_disk_stops_with_an_error(scene):
    """Ten thousand entries in the path and at its end; the other bundles are merged all the same."""
    for number in range(101):
        directory = scene.at(f"/wide/{number:03}")
        directory.mkdir(parents=True)
        for name in range(100):
            (directory / f"{name:02}").touch()
    for pattern in ("/*/*/*", "/*/*/*/*", "/wide/*/*/deeper"):
        started = scene.start("--bundles", f"{pattern}:{BUNDLE}")
        assert started.status == 0 and started.variables
        assert len(started.lines(f"error: {pattern}: matches more than 10000 entries")) == 1, started.said
        assert authority("Corp Root").der in loaded(scene.at(BUNDLE))
        assert scene.start("--strict", "--bundles", f"{pattern}:{BUNDLE}").status == 78


def test_names_that_a_pattern_does_not_match_do_not_count(scene):
    """conda's lib has more than a thousand files in each of its environments."""
    for number in range(11_000):
        (scene.at("/conda/lib") / f"lib{number}.so").touch()
    started = scene.start()
    assert not started.lines("the pattern"), started.said
    assert authority("Corp Root").der in loaded(scene.at(CERTIFI))
