"""Each system call that an old kernel lacks, or an engine's old filter refuses, has a substitute: the result is the same."""

import contextlib
import os
import re
import signal
import subprocess
from pathlib import Path

import pytest

from network import wait_for
from own_root import Root, make_root
from roots import BUNDLE, CERTIFI, NATIVE_ANCHORS, NATIVE_STORE, Scene, authority, loaded, make_scene
from test_exec import child_of

# Calls are numbered in the order in which Linux introduced them: these came after 2.6.22 (utimensat is 280).
OLDEST = 281
NUMBERS = Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h")
ERRORS = ["EPERM", "ENOSYS"]


@pytest.fixture
def root(directory: Path, binary: Path) -> Root:
    return make_root(directory, binary)


def prepare(root: Root, way: str) -> list[str]:
    """Prepares the root for a way of starting; returns its options."""
    if way == "tool":
        root.add_tool()
    if way == "user":
        root.scene.write("/etc/passwd", b"svc:x:1234:2345::/srv:/bin/sh\n")
        return ["--user", "svc"]
    if way == "private":
        root.user.append("--userspec=1000:0")
    if way == "damaged":
        root.scene.write(BUNDLE, root.scene.read(BUNDLE) + b"-----BEGIN CERTIFICATE-----\n")
    return []


# The calls of each way of starting; openat2 is used only for another root.
MADE = {
    "native": {"faccessat2", "pipe2", "signalfd4", "statx"},
    "tool": {"faccessat2", "pipe2", "signalfd4", "statx"},
    "user": {"faccessat2", "pipe2", "signalfd4", "statx"},
    "damaged": {"faccessat2", "pipe2", "signalfd4", "statx"},
    "private": {"faccessat2", "pipe2", "signalfd4"},
}
CALLS = ["faccessat2", "pipe2", "signalfd4", "statx", "openat2", "getrandom", "prlimit64", "renameat2", "close_range"]


def newer_calls(trace: str) -> set[str]:
    """The newer calls of psm-entry's processes, not those of chroot, the tool or the service."""
    numbers = dict(re.findall(r"#define __NR_(\w+) (\d+)", NUMBERS.read_text()))
    strangers: set[str] = set()
    made: set[str] = set()
    for process, call, rest in re.findall(r"^(\d+) +(\w+)\((.*)", trace, re.MULTILINE):
        if call == "execve" and rest.endswith(" = 0"):
            (strangers.discard if rest.startswith('"/psm-entry"') else strangers.add)(process)
        elif process not in strangers:
            made.add(call)
    return {call for call in made if int(numbers.get(call, 0)) >= OLDEST}


@pytest.mark.parametrize("way", MADE)
def test_no_call_but_these_is_newer_than_any_kernel(root, tmp_path, way):
    options = prepare(root, way)
    trace = tmp_path / "trace"
    root.start(*options, tracing=["-o", str(trace)])
    assert newer_calls(trace.read_text()) == MADE[way], "each needs a way without it, and stands in the list then"


@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("way", MADE)
def test_a_refused_call_changes_no_result(root, tmp_path, way, call, error):
    options = prepare(root, way)
    trace = tmp_path / "trace"
    inject = ["-o", str(trace), "-e", f"trace={call}", "-e", f"inject={call}:error={error}"]
    variables, user, said = root.start(*options, tracing=inject)
    if call in MADE[way]:
        assert "(INJECTED)" in trace.read_text()
    assert variables["https_proxy"] == variables["HTTPS_PROXY"] == "http://proxy:3128"
    assert "localhost" in variables["no_proxy"]
    assert user == ("groups of 1234:2345" if way == "user" else "groups of 1000:0" if way == "private" else "groups of 0:0")
    scene, wanted = root.scene, authority("Corp Root")
    if way == "private":
        assert variables["SSL_CERT_FILE"] == "/tmp/psm-entry-1000/cacert.pem"
        assert wanted.der in loaded(scene.at(variables["SSL_CERT_FILE"]))
        return
    assert "HOME" not in variables or variables["HOME"] == "/srv"
    expected = {BUNDLE: {"Public A", "Public B", "Public C"}, CERTIFI: {"Public A", "Public D"}}
    expected[NATIVE_STORE] = {"Public A", "Public E"}
    for path, public in expected.items():
        assert loaded(scene.at(path)) == {wanted.der, *(authority(name).der for name in public)}, said
    assert [path.name for path in scene.at(NATIVE_ANCHORS).iterdir()] == [f"psm-entry-{wanted.fingerprint}.crt"]
    problems = [line for line in said.splitlines() if ": error: " in line or ": warning: " in line]
    assert len(problems) == (1 if way == "damaged" else 0), said
    assert scene.strangers() == []


@pytest.mark.parametrize("error", ERRORS)
def test_another_root_without_openat2_is_refused(scene_of_another_root, error):
    strace = ("strace", "-f", "-qq", "-o", os.devnull, "-e", f"inject=openat2:error={error}")
    started = scene_of_another_root.start(user=strace)
    assert (started.status, started.variables) == (64, {})
    assert started.lines("openat2"), started.said


@pytest.fixture
def scene_of_another_root(directory: Path, binary: Path) -> Scene:
    return make_scene(directory, binary)


# Without signalfd


def running(parent: int, program: Path) -> int | None:
    """The child of a process that runs this program."""
    for child in Path(f"/proc/{parent}/task/{parent}/children").read_text().split():
        with contextlib.suppress(OSError):
            if os.readlink(f"/proc/{child}/exe") == str(program):
                return int(child)
    return None


@pytest.mark.parametrize("error", ERRORS)
def test_a_signal_ends_the_preparation_without_signalfd(faulty_binary, scene_of_another_root, error):
    scene = scene_of_another_root
    line = ["strace", "-f", "-qq", "-o", os.devnull, "-e", f"inject=signalfd4:error={error}"]
    line += [str(faulty_binary), *scene.command("--timeout", "30")[1:]]
    environment = {"PATH": os.environ["PATH"], "PSM_ENTRY_TEST_FAULT": "inputs:loop"}
    strace = subprocess.Popen(line, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        # strace first tries its own features on a child.
        first = wait_for("psm-entry runs", 10, lambda: running(strace.pid, faulty_binary))
        child_of(first)
        os.kill(first, signal.SIGTERM)
        output, _ = strace.communicate(timeout=20)
        assert (strace.returncode, output) == (128 + signal.SIGTERM, b"")
    finally:
        strace.kill()
        strace.wait(timeout=10)


# Without statx


@pytest.mark.parametrize("refused", [[], *(["-e", f"inject=statx:error={error}"] for error in ERRORS)], ids=str)
@pytest.mark.parametrize("name", ["cacert.pem", "ca cert\\.pem"])
def test_a_file_mounted_by_itself_is_known(directory, binary, refused, name):
    scene = make_scene(directory, binary)
    bundle = scene.write(f"/mounted here/{name}", scene.read(BUNDLE))
    line = ["unshare", "--mount", "sh", "-c", 'mount --bind "$1" "$2" && shift 2 && exec "$@"', "sh"]
    line += [str(scene.at(BUNDLE)), str(bundle), "strace", "-f", "-qq", "-o", os.devnull, *refused]
    line += [str(scene.binary), "plan", "--certs", str(scene.at("/etc/repo/ca_certs")), "--bundles", str(bundle)]
    line += ["--system", "off", "--state-dir", str(scene.at("/run/psm-entry"))]
    result = subprocess.run(line, env={"PATH": os.environ["PATH"]}, capture_output=True, timeout=60, check=False)
    assert result.returncode == 2, result.stderr
    kinds = [line.split()[2] for line in result.stdout.splitlines() if line.startswith(b"+ add")]
    assert kinds == [b"private"], result.stdout.decode()


# Without prlimit


@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize("options", [[], ["--strict"]], ids=str)
def test_a_limit_that_cannot_be_asked_for_is_the_kernels_to_say(scene_of_another_root, options, error):
    strace = ["prlimit", "--stack=524288", "strace", "-f", "-qq", "-o", os.devnull, "-e", f"inject=prlimit64:error={error}"]
    long = {"HTTPS_PROXY": f"http://proxy:1/{'p' * 70_000}"}
    started = scene_of_another_root.start(*options, user=strace, environment=long)
    assert started.status == (70 if options else 0)
    assert len(started.lines("too large for the kernel")) == 1
    assert started.variables.get("HTTPS_PROXY") == (None if options else long["HTTPS_PROXY"])
    assert "https_proxy" not in started.variables
