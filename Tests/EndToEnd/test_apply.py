"""`psm-entry apply` updates the stores like a start, and lists the processes that read them before."""

import json
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from certificates import certificates_of
from clients import PYTHON
from containers import ANCHORS, BUNDLE, CERTIFI, STORE, Container, podman, succeed
from network import wait_for
from roots import NATIVE_STORE, Scene, authority, make_scene

STORES = [BUNDLE, CERTIFI, NATIVE_STORE]
NAMED = re.compile(r"process (\d+) \((.*?)\): started before the change and may keep the old trust; restart it")
KEPT = "import ssl, signal; signal.pause()"
"""A client that keeps the trust that it has read."""


@pytest.fixture
def scene(directory: Path, binary: Path) -> Scene:
    return make_scene(directory, binary, has_store=True)


def apply(scene: Scene, *options: str, program: Path | None = None, **variables: str) -> subprocess.CompletedProcess[bytes]:
    line = [program or scene.binary, "apply", "--root", scene.directory, "--state-dir", "/run/psm-entry", *options]
    return subprocess.run(line, env=variables, stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=False)


def told(result: subprocess.CompletedProcess[bytes]) -> list[str]:
    return result.stderr.decode().splitlines()


def test_apply_leaves_what_a_start_leaves_and_says_the_same(directory, binary):
    scenes = [make_scene(directory / name, binary, has_store=True) for name in ("started", "applied")]
    start = scenes[0].start()
    applied = apply(scenes[1])
    assert (applied.returncode, applied.stdout) == (0, b"")
    assert applied.stderr.decode() == start.said
    for path in STORES:
        assert scenes[1].read(path) == scenes[0].read(path)
        assert authority("Corp Root").der in certificates_of(scenes[1].read(path))
    before = scenes[1].files()
    again = apply(scenes[1])
    assert (again.returncode, len(told(again))) == (0, 1)
    assert scenes[1].files() == before


def test_an_input_that_is_bad_is_1_and_all_that_is_good_is_applied(scene):
    scene.write("/etc/repo/ca_certs/half.pem", authority("Branch Root").pem[:-40])
    result = apply(scene)
    assert result.returncode == 1
    assert authority("Corp Root").der in certificates_of(scene.read(BUNDLE))


def test_strict_is_78_and_nothing_is_written(scene):
    scene.write("/etc/repo/ca_certs/half.pem", authority("Branch Root").pem[:-40])
    before = scene.files()
    result = apply(scene, "--strict")
    assert result.returncode == 78
    assert scene.files() == before
    assert told(result)[-1] == "psm-entry: error: PSM_ENTRY_STRICT: errors (see above), so no store was changed; correct them, or remove --strict"


def test_strict_is_78_for_a_store_too(scene):
    scene.write(CERTIFI, b"")
    result = apply(scene, "--strict")
    assert result.returncode == 78
    assert told(result)[-1] == "psm-entry: error: PSM_ENTRY_STRICT: errors (see above), so not every store was updated; correct them, or remove --strict"


@pytest.mark.parametrize("fault", ["inputs:trap", "bundles:kill", "answer:trap"])
def test_a_preparation_that_breaks_down_is_70(scene, faulty_binary, fault):
    result = apply(scene, program=faulty_binary, PSM_ENTRY_TEST_FAULT=fault)
    assert result.returncode == 70
    assert "preparation: killed by signal" in told(result)[-1]


def test_a_preparation_that_takes_too_long_is_70(scene, faulty_binary):
    result = apply(scene, "--timeout", "1", program=faulty_binary, PSM_ENTRY_TEST_FAULT="bundles:loop")
    assert result.returncode == 70
    assert "stopped after the time limit (PSM_ENTRY_TIMEOUT)" in told(result)[-1]


def test_a_user_that_cannot_be_found_is_70_as_at_a_start(scene):
    scene.write("/etc/passwd", b"root:x:0:0::/root:/bin/sh\n")
    assert scene.start("--user", "nobody-here").status == 70
    result = apply(scene, "--user", "nobody-here")
    assert result.returncode == 70
    assert "no such user in /etc/passwd" in result.stderr.decode()
    assert authority("Corp Root").der in certificates_of(scene.read(BUNDLE))


@pytest.mark.parametrize("words", [["x"], ["--json"], ["--", "x"], ["--target", "https://x"]])
def test_apply_takes_options_only(binary, words):
    result = subprocess.run([binary, "apply", *words], env={}, capture_output=True, timeout=60, check=False)
    assert result.returncode == 64


def test_under_another_root_no_process_is_named(scene):
    assert not [line for line in told(apply(scene)) if "process" in line]


# In a running container


def named(result: subprocess.CompletedProcess[bytes]) -> dict[int, str]:
    """The processes that it lists, in text or JSON."""
    found = {}
    for line in told(result):
        if line.startswith("{"):
            entry = json.loads(line)
            line = f"{entry.get('subject', '')}: {entry['message']}"
            assert ("process " in line) == (entry.get("event") == "process.older")
        if match := NAMED.search(line):
            found[int(match[1])] = match[2]
    return found


def launch(box: Container, *command: str, options: Sequence[str] = ()) -> int:
    """Starts a process that is not a child of the container's PID 1, and returns its process id once it has executed."""
    before = pids(box, command[-1])
    line = ["podman", "exec", "--detach", *options, box.name, *command]
    subprocess.run(line, check=True, capture_output=True, timeout=60)
    return wait_for(f"{command} runs", 30, lambda: next(iter(pids(box, command[-1]) - before), None))


def pids(box: Container, argument: str) -> set[int]:
    script = 'for p in /proc/[0-9]*; do tr "\\0" "\\n" <$p/cmdline 2>/dev/null | grep -qxF -- "$1" && echo ${p#/proc/}; done; :'
    own = box.run("sh", "-c", script, "sh", argument)
    found = {int(word) for word in own.stdout.split()}
    # The arguments of the searching shell contain the same text.
    return {pid for pid in found if box.run("test", "-d", f"/proc/{pid}").returncode == 0}


def test_the_processes_that_may_keep_the_old_trust_are_named_and_no_others(binary, container, certs):
    box = container(binary)
    box.service()
    (certs / "branch.pem").write_bytes(authority("Branch Root").pem)
    kept = launch(box, PYTHON, "-c", KEPT)
    others = launch(box, PYTHON, "-c", KEPT + " # as another", options=["--user", "1000"])
    quiet = launch(box, "sleep", "1000")
    unseen = launch(box, "sleep", "1001", options=["--user", "1000"])
    result = box.run("sh", "-c", "/psm-entry apply; exit $?")
    assert result.returncode == 0, result.stderr
    # A root that may not trace other users' processes cannot see what is in them.
    assert named(result) == {kept: "python", others: "python", unseen: "sleep"}, (result.stderr, quiet)
    for path in (BUNDLE, CERTIFI, STORE):
        assert authority("Branch Root").der in certificates_of(box.read(path))
    assert f"psm-entry-{authority('Branch Root').fingerprint}.pem" in box.run("ls", ANCHORS).stdout.decode()
    again = box.run("/psm-entry", "apply")
    assert (again.returncode, named(again)) == (0, {})
    (certs / "branch.pem").unlink()
    taken = box.run("/psm-entry", "apply", "--log-format", "json", "--log=warning")
    assert (taken.returncode, named(taken)) == (0, {kept: "python", others: "python", unseen: "sleep"})
    assert authority("Branch Root").der not in certificates_of(box.read(STORE))


def test_what_runs_apply_is_not_named_though_it_has_tls_in_it(binary, container, certs):
    box = container(binary)
    box.service()
    (certs / "branch.pem").write_bytes(authority("Branch Root").pem)
    script = "import ssl, subprocess, sys; sys.exit(subprocess.run(['/psm-entry', 'apply']).returncode)"
    result = box.run(PYTHON, "-c", script)
    assert (result.returncode, named(result)) == (0, {}), result.stderr


PROGRAM = r"""
#include <unistd.h>
const char *volatile text = "%s";
int main() { return text[0] && pause(); }
"""


def test_tls_that_is_linked_statically_is_seen(binary, container, certs, directory):
    mounts = {}
    for name, text in {"with-tls": "-----BEGIN CERTIFICATE-----", "plain": "hello"}.items():
        (directory / f"{name}.c").write_text(PROGRAM % text)
        subprocess.run(["gcc", "-static", "-o", directory / name, directory / f"{name}.c"], timeout=60, check=True)
        mounts[directory / name] = f"/{name}"
    box = container(binary, mounts=mounts)
    box.service()
    started = {name: launch(box, f"/{name}") for name in ("with-tls", "plain")}
    (certs / "branch.pem").write_bytes(authority("Branch Root").pem)
    assert named(box.run("/psm-entry", "apply")) == {started["with-tls"]: "with-tls"}


def test_without_proc_it_is_said_that_nobody_is_named(binary, scene):
    shutil.copy(binary, scene.at("/psm-entry"))
    line = ["/usr/sbin/chroot", str(scene.directory), "/psm-entry", "apply"]
    result = subprocess.run(line, env={}, capture_output=True, timeout=60, check=False)
    assert result.returncode == 0, result.stderr
    assert "/proc: cannot list the processes that started before the change" in told(result)[-2]


def test_every_process_is_named_however_many_there_are(binary, container, certs):
    box = container(binary)
    box.service()
    script = "import ssl, os, signal\nfor _ in range(19):\n    if os.fork() == 0: break\nsignal.pause()"
    launch(box, PYTHON, "-c", script)
    wait_for("all run", 30, lambda: len(pids(box, script)) == 20)
    (certs / "branch.pem").write_bytes(authority("Branch Root").pem)
    assert len(named(box.run("/psm-entry", "apply"))) == 20


# While an image is built


def build(directory: Path, image: str, binary: Path, recipe: str) -> str:
    """An image built by a recipe from the tests' own image; returns its id."""
    context = directory / "context"
    context.mkdir()
    shutil.copy(binary, context / "psm-entry")
    (context / "corp.pem").write_bytes(authority("Corp Root").pem)
    (directory / "Containerfile").write_text(f"FROM {image}\nCOPY --chmod=0755 psm-entry /psm-entry\n{recipe}")
    options = ["--quiet", "--no-cache", "--network", "none", "--pull-never", "--format", "docker"]
    return succeed("build", *options, "--file", str(directory / "Containerfile"), str(context), seconds=120).decode().strip()


@pytest.fixture
def built(image, binary, directory):
    made: list[str] = []

    def build_with(recipe: str) -> str:
        made.append(build(directory, image, binary, recipe))
        return made[-1]

    yield build_with
    for name in made:
        podman("rmi", "--force", name)


def started(image: str, *command: str) -> subprocess.CompletedProcess[bytes]:
    return podman("run", "--rm", "--network", "none", "--entrypoint", '["/psm-entry", "--"]', image, *command)


READ = ["cat", BUNDLE, CERTIFI, STORE]


def test_a_start_of_an_image_in_whose_build_apply_ran_changes_nothing(built):
    """The image contains its inputs."""
    name = built('COPY corp.pem /etc/repo/ca_certs/corp.pem\nRUN ["/psm-entry", "apply", "--strict"]\n')
    raw = podman("run", "--rm", "--network", "none", name, *READ).stdout
    assert raw.count(b"CN=Corp Root") == 2
    assert certificates_of(raw).count(authority("Corp Root").der) == 3
    plan = podman("run", "--rm", "--network", "none", "--entrypoint", '["/psm-entry"]', name, "plan")
    assert plan.returncode == 0, plan.stdout
    result = started(name, *READ)
    assert result.stdout == raw
    (line,) = result.stderr.decode().splitlines()
    assert "; 1 CA mounted (CN=Corp Root,O=Corp, " in line and line.endswith("trusted by 4 of 4 stores; no proxy")


def test_what_only_the_build_has_mounted_is_revoked_at_the_first_start(built):
    mount = "--mount=type=bind,source=corp.pem,target=/etc/repo/ca_certs/corp.pem"
    name = built(f'RUN {mount} ["/psm-entry", "apply", "--strict"]\n')
    raw = podman("run", "--rm", "--network", "none", name, *READ).stdout
    assert certificates_of(raw).count(authority("Corp Root").der) == 3
    result = started(name, *READ)
    assert authority("Corp Root").der not in certificates_of(result.stdout)
    assert "1 certificate removed" in result.stderr.decode()


def test_a_build_that_cannot_do_all_fails(image, binary, directory):
    with pytest.raises(AssertionError, match="no such file or directory"):
        build(directory, image, binary, 'RUN ["/psm-entry", "apply", "--certs", "/gone"]\n')
