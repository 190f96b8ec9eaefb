"""check during a start or apply: one line and status 1, and no judgement of unfinished work."""

import json
import shutil
import subprocess
from pathlib import Path

import jsonschema
import pytest

from containers import BUNDLE, Container, podman
from network import wait_for
from own_root import make_root
from roots import ALONE, CERTS, Scene, authority, held_lock, make_scene

HERE = Path(__file__).parent
SCHEMA = json.loads((HERE.parents[1] / "docs" / "schema" / "check.json").read_text())
REAL = "/usr/local/bin/the-real-one"
# Waits for permission, and then does what the distribution's tool does.
TOOL = f"""#!/bin/sh
echo run >>/var/log/waiting
until test -e /tmp/go; do sleep 0.05; done
exec {REAL}
"""


@pytest.fixture
def scene(directory: Path, binary: Path) -> Scene:
    return make_scene(directory, binary, has_store=True)


@pytest.fixture
def waiting(container, binary, tmp_path):
    """Starts a container whose tool waits for /tmp/go."""
    tool = tmp_path / "update-ca-trust"
    tool.write_text(TOOL)
    tool.chmod(0o755)
    mounts = {tool: "/usr/bin/update-ca-trust", HERE / "image" / "update-ca-trust": REAL}

    def start(options=(), **more) -> Container:
        box = container(binary, mounts=mounts, options=options, **more)
        wait_for("the tool waits", 60, lambda: box.run("cat", "/var/log/waiting").stdout)
        return box

    return start


def check(box: Container, *options: str, user: str = "0") -> subprocess.CompletedProcess[bytes]:
    return podman("exec", "--user", user, box.name, "/psm-entry", "check", *options)


@pytest.mark.parametrize("user", ["0", "1000"])
@pytest.mark.parametrize("options", [[], ["--init"]], ids=["as PID 1", "under an init"])
def test_a_start_that_is_under_way_is_one_line_and_not_judged(waiting, options, user):
    box = waiting(options)
    told = check(box, user=user)
    assert (told.returncode, told.stderr) == (1, b"")
    number = int(told.stdout.split(b"process ")[1].split()[0])
    assert told.stdout.decode() == (
        f"not ok: psm-entry: process {number} is still preparing this container; run check again when it has ended\n"
    )
    assert (number == 1) == (not options)
    as_json = json.loads(check(box, "--json", user=user).stdout)
    jsonschema.validate(as_json, SCHEMA)
    (row,) = as_json["checks"]
    assert as_json["ok"] is False and (row["name"], row["level"]) == ("system", "error") and "still preparing" in row["detail"]

    box.run("touch", "/tmp/go")
    box.service()
    done = check(box, user=user)
    assert done.returncode == 0 and done.stdout.splitlines()[-1].startswith(b"ok: "), done.stdout


def test_apply_under_way_is_said_and_what_only_looks_is_not(waiting, certs):
    box = waiting()
    box.run("touch", "/tmp/go")
    box.service()
    (certs / "branch.pem").write_bytes(authority("Branch Root").pem)

    # A server that accepts connections and sends nothing delays a check.
    script = "import socket, time; s = socket.create_server(('127.0.0.1', 0)); print(s.getsockname()[1], flush=True); time.sleep(600)"
    silent = subprocess.Popen(
        ["podman", "exec", box.name, "/conda/bin/python", "-c", script], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL
    )
    try:
        port = silent.stdout.readline().decode().strip()
        line = ["podman", "exec", box.name, "/psm-entry", "check", "--connect", "--proxy", f"http://127.0.0.1:{port}"]
        other = subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL)
        running = "for one in /proc/[0-9]*; do tr '\\0' ' ' <$one/cmdline; echo; done"
        wait_for("the other check runs", 30, lambda: b"check --connect" in box.run("sh", "-c", running).stdout)
        judged = check(box)
        assert judged.returncode == 1 and b"lacks 1 mounted certificate" in judged.stdout, judged.stdout
        assert b"still preparing" not in judged.stdout
        assert other.poll() is None, "it was still running"
        other.kill()
        other.wait(timeout=60)
    finally:
        silent.kill()
        silent.wait(timeout=60)

    box.run("rm", "/tmp/go")
    before = box.run("cat", "/var/log/waiting").stdout
    applying = subprocess.Popen(
        ["podman", "exec", box.name, "/psm-entry", "apply"], stderr=subprocess.PIPE, stdin=subprocess.DEVNULL
    )
    wait_for("the tool waits", 60, lambda: box.run("cat", "/var/log/waiting").stdout != before)
    told = check(box)
    assert told.returncode == 1 and told.stdout.count(b"\n") == 1 and b"still preparing" in told.stdout, told.stdout
    box.run("touch", "/tmp/go")
    applying.communicate(timeout=60)
    assert check(box).returncode == 0
    assert b"Branch Root" in box.read(BUNDLE)


def test_a_green_check_does_not_look_at_other_processes(directory, binary):
    """The cost of a HEALTHCHECK does not increase."""
    root = make_root(directory, binary)
    line = ["strace", "-f", "-qq", "/usr/sbin/chroot", root.scene.directory, "/psm-entry", "check"]
    assert '"/proc"' in look(line), "out of date: whether a start is under way is looked for"
    root.start()
    assert '"/proc"' not in look(line)


def test_below_another_root_no_start_of_this_container_is_at_work(scene):
    line = ["strace", "-f", "-qq", scene.binary, "check", "--root", scene.directory]
    assert '"/proc"' not in look(line) and subprocess.run(line[3:], capture_output=True, timeout=60, check=False).returncode == 1


@pytest.mark.parametrize("place", ["this root", "another root", "a root of its own"])
def test_a_start_below_another_root_prepares_something_else(scene, binary, place):
    """Each waits for a lock, in a mount namespace in which no other test starts anything."""
    shutil.copy(binary, scene.at("/psm-entry"))
    # Where others cannot read it, a lock is waited for longer.
    scene.at(BUNDLE).parent.chmod(0o700)
    here = ["--certs", scene.at(CERTS), "--bundles", scene.at(BUNDLE), "--system", "off"]
    start = {
        "this root": [scene.binary, *here, "--", "/bin/true"],
        "another root": [scene.binary, "--root", scene.directory, "--", "/bin/true"],
        "a root of its own": ["/usr/sbin/chroot", scene.directory, "/psm-entry", "--", "/psm-entry", "--version"],
    }[place]
    with held_lock(scene.at(BUNDLE).parent):
        starting = subprocess.Popen([*ALONE, *start], env={}, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            children = Path(f"/proc/{starting.pid}/task/{starting.pid}/children")
            wait_for("its child", 30, children.read_text)
            judge = ["nsenter", f"--mount=/proc/{starting.pid}/ns/mnt", scene.binary, "check", *here]
            told = subprocess.run(judge, env={}, stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=False)
            assert starting.poll() is None, "it was still waiting"
        finally:
            starting.kill()
            starting.wait(timeout=60)
    assert told.returncode == 1, told
    is_said = f"process {starting.pid} is still preparing this container" in told.stdout.decode()
    assert is_said == (place == "this root"), told.stdout


def look(line: list) -> str:
    return subprocess.run(line, env={}, stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=False).stderr.decode()
