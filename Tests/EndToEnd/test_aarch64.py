"""The binary for 64-bit ARM, run by qemu, does the same as the one for x86-64. qemu 7.2 does not support openat2, so
there is no `--root`: bundles are named, and a whole root is entered with chroot."""

import fcntl
import json
import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

import pytest

from certificates import write
from network import wait_for
from roots import ALONE, NATIVE_ANCHORS, NATIVE_STORE, OPENING, authority, base, loaded

QEMU = shutil.which("qemu-aarch64-static") or "qemu-aarch64-static"
CHROOT = shutil.which("chroot") or "chroot"
SECRET = "p%40ss"


@pytest.fixture
def scene(tmp_path):
    write(tmp_path / "certs" / "corp.pem", authority("Corp").pem)
    write(tmp_path / "cacert.pem", base())
    return tmp_path


@pytest.fixture(params=["x86_64", "aarch64"])
def run(request, scene, binary, aarch64_binary):
    """Runs either binary with the same settings."""
    program = [*ALONE, *([binary] if request.param == "x86_64" else [QEMU, aarch64_binary])]
    settings = {
        "PATH": os.environ["PATH"],
        "PSM_ENTRY_CERTS": str(scene / "certs"),
        "PSM_ENTRY_BUNDLES": str(scene / "cacert.pem"),
        "PSM_ENTRY_SYSTEM": "off",
        "PSM_ENTRY_STATE_DIR": str(scene / "state"),
        "https_proxy": f"http://user:{SECRET}@proxy.corp:8899",
    }

    def run(*arguments, **more):
        environment = {**settings, **more}
        return subprocess.run(
            [*program, *arguments], env=environment, capture_output=True, timeout=60, check=False, stdin=subprocess.DEVNULL
        )

    run.program, run.settings = program, settings
    return run


def test_a_start_merges_the_bundle_and_becomes_the_service(run, scene):
    told = run("--", "/usr/bin/env", "--null")
    assert told.returncode == 0, told.stderr
    variables = dict(entry.split("=", 1) for entry in told.stdout.decode().split("\0") if entry)
    assert variables["HTTPS_PROXY"] == variables["https_proxy"] == run.settings["https_proxy"]
    assert variables["NODE_EXTRA_CA_CERTS"] == str(scene / "cacert.pem")
    assert OPENING in (scene / "cacert.pem").read_bytes()
    assert authority("Corp").der in loaded(scene / "cacert.pem")
    assert SECRET not in told.stderr.decode()
    merged = (scene / "cacert.pem").read_bytes()
    said = run("--", "/bin/true").stderr.decode()
    assert len(said.splitlines()) == 1, said
    assert (scene / "cacert.pem").read_bytes() == merged


def test_a_ca_that_is_no_longer_mounted_is_gone(run, scene):
    assert run("--", "/bin/true").returncode == 0
    (scene / "certs" / "corp.pem").unlink()
    assert run("--", "/bin/true").returncode == 0
    assert (scene / "cacert.pem").read_bytes() == base()


def test_the_commands_say_the_same_as_on_x86_64(binary, run):
    """Both binaries run side by side. qemu passes the environment on in reverse order."""

    def result(told, words):
        return told.returncode, json.loads(told.stdout) if "--json" in words else told.stdout

    for words in (["plan", "--json"], ["check", "--json"], ["certs", "--json"], ["env", "--json"], ["--help"], ["certs"]):
        told = run(*words)
        other = subprocess.run([*ALONE, binary, *words], env=run.settings, capture_output=True, timeout=60, check=False)
        assert result(told, words) == result(other, words), words


@pytest.mark.parametrize("status", [0, 1, 77, 255])
def test_the_status_is_the_services(run, status):
    assert run("--", "/bin/sh", "-c", f"exit {status}").returncode == status


def test_what_cannot_be_run_has_a_shells_statuses(run, scene):
    write(scene / "no-program", b"text")
    (scene / "no-program").chmod(0o644)
    assert run("--", "/nowhere").returncode == 127
    assert run("--", str(scene / "no-program")).returncode == 126
    assert run("--no-such-option").returncode == 64
    assert run("--strict", "--certs", "/nowhere", "--", "/bin/true").returncode == 78
    assert run("--user", "nobody-of-that-name", "--", "/bin/true").returncode == 70


def test_the_service_is_another_user(run):
    told = run("--user", "1000:0", "--", "/usr/bin/id", "-u")
    assert told.stdout == b"1000\n", told.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_during_the_preparation_ends_it(run, scene, number):
    """The preparation waits for the lock of the bundle's directory, which this test holds."""
    held = os.open(scene, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(held, fcntl.LOCK_EX)
        scene.chmod(0o700)
        command = [*run.program, "--", "/bin/true"]
        process = subprocess.Popen(command, env=run.settings, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        wait_for("the child prepares", 30, children.read_text)
        process.send_signal(number)
        assert process.wait(timeout=30) == 128 + number
    finally:
        os.close(held)


@pytest.mark.parametrize("architecture", ["x86_64", "aarch64"])
def test_apply_and_plan_do_a_whole_root(architecture, binary, aarch64_binary):
    """The native store in a root with Debian's layout, entered with chroot."""
    with tempfile.TemporaryDirectory(prefix="psm-entry-root.") as name:
        root = Path(name)
        write(root / "etc/repo/ca_certs/corp.pem", authority("Corp").pem)
        write(root / NATIVE_STORE.lstrip("/"), base())
        write(root / "conda/ssl/cacert.pem", base())
        (root / "tmp").mkdir()
        shutil.copy(binary if architecture == "x86_64" else aarch64_binary, root / "psm-entry")
        program = ["/psm-entry"]
        if architecture == "aarch64":
            shutil.copy(QEMU, root / "qemu")
            program = ["/qemu", *program]

        def entered(*arguments):
            return subprocess.run([CHROOT, root, *program, *arguments], env={}, capture_output=True, timeout=60, check=False)

        plan = json.loads(entered("plan", "--json").stdout)
        assert {change["kind"] for change in plan["changes"]} == {"system", "bundle"}
        applied = entered("apply")
        assert applied.returncode == 0, applied.stderr
        for store in (NATIVE_STORE, "/conda/ssl/cacert.pem"):
            assert authority("Corp").der in loaded(root / store.lstrip("/"))
        assert len(list((root / NATIVE_ANCHORS.lstrip("/")).glob("psm-entry-*.crt"))) == 1
        assert entered("plan").returncode == 0
        assert entered("check").returncode == 0
