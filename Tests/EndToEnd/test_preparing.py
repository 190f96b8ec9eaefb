"""check while a start, or apply, is still under way: one line and status 1, and no judgement of what is half done."""

import json
import subprocess
from pathlib import Path

import jsonschema
import pytest

from containers import BUNDLE, Container, podman
from network import wait_for
from own_root import make_root
from roots import Scene, authority, make_scene

HERE = Path(__file__).parent
SCHEMA = json.loads((HERE.parents[1] / "docs" / "schema" / "check.json").read_text())
REAL = "/usr/local/bin/the-real-one"
# Waits for leave, and does what the distribution's tool does.
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

    # A server that accepts and says nothing keeps a check waiting.
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
    """A HEALTHCHECK costs no more for it."""
    root = make_root(directory, binary)
    line = ["strace", "-f", "-qq", "/usr/sbin/chroot", root.scene.directory, "/psm-entry", "check"]
    assert '"/proc"' in look(line), "out of date: whether a start is under way is looked for"
    root.start()
    assert '"/proc"' not in look(line)


def test_below_another_root_no_start_of_this_container_is_at_work(scene):
    line = ["strace", "-f", "-qq", scene.binary, "check", "--root", scene.directory]
    assert '"/proc"' not in look(line) and subprocess.run(line[3:], capture_output=True, timeout=60, check=False).returncode == 1


def look(line: list) -> str:
    return subprocess.run(line, env={}, stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=False).stderr.decode()
