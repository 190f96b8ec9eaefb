"""The lowest resource limits: if the service runs without psm-entry, it runs behind it, and no command traps."""

import subprocess

import pytest

from own_root import make_root
from roots import BUNDLE, Scene, make_scene

LIMITS = [
    *(f"--nofile={count}" for count in (0, 1, 2, 3, 4, 5, 6, 8, 12)),
    *(f"--as={kilobytes * 1024}" for kilobytes in (600, 700, 1000, 1500, 2500, 5000)),
    *(f"--data={kilobytes * 1024}" for kilobytes in (0, 64, 256, 1024)),
    *(f"--stack={kilobytes * 1024}" for kilobytes in (64, 128, 512)),
    *(f"--fsize={count}" for count in (0, 1, 4096)),
    "--core=0",
    "--memlock=0",
    "--sigpending=0",
    "--msgqueue=0",
    "--nproc=0",
    "--locks=0",
]
ROOT = []
OTHER = ["setpriv", "--reuid=1000", "--regid=1000", "--clear-groups"]


def run(limit: str, user: list[str], scene: Scene, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    # The limit comes last, because setpriv may need more.
    command = [*user, "prlimit", limit, str(scene.binary), *arguments]
    return subprocess.run(command, env={"PATH": "/usr/bin:/bin"}, capture_output=True, timeout=60, check=False)


@pytest.fixture
def scene(tmp_path, binary) -> Scene:
    for directory in [tmp_path, *tmp_path.parents[:-2]]:
        directory.chmod(directory.stat().st_mode | 0o055)
    return make_scene(tmp_path, binary, has_store=True)


@pytest.mark.parametrize("user", [ROOT, OTHER], ids=["root", "1000"])
@pytest.mark.parametrize("limit", LIMITS)
def test_a_service_that_could_run_runs(scene: Scene, limit: str, user: list[str]):
    alone = run(limit, user, scene, "--version")
    before = scene.read(BUNDLE)
    started = run(limit, user, scene, "--root", str(scene.directory), "--", str(scene.binary), "--version")
    if alone.returncode == 0:
        assert (started.returncode, started.stdout) == (0, alone.stdout), started.stderr
        # Another user cannot write the bundle; the log must say so, as in every case where it was not written.
        if scene.read(BUNDLE) == before:
            assert b"psm-entry: " in started.stderr, started
    assert run("--core=0", ROOT, scene, "--root", str(scene.directory), "--", "/bin/true").returncode == 0
    assert run("--core=0", ROOT, scene, "check", "--root", str(scene.directory)).returncode == 0


@pytest.mark.parametrize("limit", LIMITS)
def test_no_other_command_traps(scene: Scene, limit: str):
    alone = run(limit, ROOT, scene, "--version")
    for command in (["check"], ["plan"], ["certs"], ["env"], ["apply"], ["write-bundle", "/ca.pem"]):
        told = run(limit, ROOT, scene, *command, "--root", str(scene.directory))
        if alone.returncode == 0:
            assert 0 <= told.returncode <= 78, (command, told)
            assert told.returncode == 0 or told.stderr or told.stdout, (command, "says nothing")


def test_every_command_works_where_there_is_neither_proc_nor_dev(tmp_path, binary):
    root = make_root(tmp_path, binary)

    def told(*command: str) -> subprocess.CompletedProcess[bytes]:
        line = ["/usr/sbin/chroot", root.scene.directory, "/psm-entry", *command]
        return subprocess.run(line, env={"PATH": "/usr/sbin"}, capture_output=True, timeout=60, check=False)

    assert (told("plan").returncode, told("check").returncode) == (2, 1)
    applied = told("apply")
    assert applied.returncode == 0 and b"psm-entry: warning: /proc: cannot list the processes" in applied.stderr
    for command in (["plan"], ["check"], ["certs"], ["env"], ["apply"], ["write-bundle", "/tmp/ca.pem"], ["--version"]):
        assert told(*command).returncode == 0, (command, told(*command))
    # Only /proc tells the path of its own file.
    installed = told("install", "/tmp/copy")
    assert installed.returncode == 1 and b"mount /proc" in installed.stderr
