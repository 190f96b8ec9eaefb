"""The service finds the same as without psm-entry."""

import os
import re
import resource
import signal
import subprocess
import time
from pathlib import Path

import pytest

import raw_process
from certificates import Authority
from network import wait_for
from roots import Scene, make_scene

PLAIN = [b"PATH=/usr/bin:/bin", b"LANG=C"]


def let_others_in(directory: Path) -> None:
    """pytest restricts its directories to root."""
    for path in [directory, *directory.parents[:-2]]:
        path.chmod(path.stat().st_mode | 0o055)


@pytest.fixture
def entry(binary: Path, tmp_path: Path):
    """Runs a command behind psm-entry in an empty root, and returns how it ended."""
    (tmp_path / "root").mkdir()
    let_others_in(tmp_path)
    prefix = [os.fsencode(binary), b"--root", os.fsencode(tmp_path / "root"), b"--log", b"error"]

    def run(*command: bytes, environment=tuple(PLAIN), prepare=lambda: None, options=(), under=()):
        return raw_process.run([*under, *prefix, *options, b"--", *command], environment, prepare)

    return run


# The command


@pytest.mark.parametrize(
    ("command", "status"),
    [
        (b"nosuchcommand", 127),
        (b"/nosuch/command", 127),
        (b"", 127),
        (b"/etc", 126),
        (b"/etc/passwd", 126),
        (b"/etc/passwd/x", 127),
    ],
)
def test_what_cannot_be_executed_ends_as_in_a_shell(entry, command, status):
    ending = entry(command)
    assert ending.status == status
    assert ending.errors.count(b"\n") == 1


@pytest.fixture
def scene(directory: Path, binary: Path) -> Scene:
    """Two bundles and a store that lack the mounted CA; a start would change all three."""
    return make_scene(directory, binary, has_store=True)


def start_command(scene: Scene, *command: bytes, options=(), environment=tuple(PLAIN)):
    chosen = [b"--state-dir", b"/run/psm-entry", *options, b"--", *command]
    return raw_process.run([os.fsencode(scene.binary), b"--root", os.fsencode(scene.directory), *chosen], environment)


CERTAIN = {
    "no such name": (b"nosuchcommand", 127, b"nosuchcommand: command not found in PATH; "),
    "no such path": (b"/nosuch/command", 127, b"/nosuch/command: command not found; "),
    "an empty name": (b"", 127, b"command not found in PATH; "),
    "below a file": (b"/etc/passwd/x", 127, b"/etc/passwd/x: command not found; "),
    "no execute bit": (b"/etc/passwd", 126, b"/etc/passwd: permission denied: not executable; "),
    "a device": (b"/dev/null", 126, b"/dev/null: permission denied: not executable; "),
    "a directory": (b"/etc", 126, b"/etc: is a directory; "),
}


@pytest.mark.parametrize("options", [(), (b"--user", b"1234:5"), (b"--strict",), (b"--log", b"debug")], ids=str)
@pytest.mark.parametrize("case", CERTAIN.values(), ids=CERTAIN)
def test_a_command_that_certainly_cannot_be_run_changes_no_store(scene, case, options):
    command, status, message = case
    before = scene.files()
    ending = start_command(scene, command, options=options)
    assert ending.status == status, ending.errors
    # At debug, the lines about what was read come first.
    (line,) = [line for line in ending.errors.splitlines() if b": read " not in line]
    assert message in line
    assert scene.files() == before
    assert start_command(scene, b"/bin/true").status == 0
    assert scene.files() != before, "a start had something to change"


def missing_interpreter(directory: Path) -> bytes:
    (directory / "script").write_text("#!/nosuch/interpreter\n")
    (directory / "script").chmod(0o755)
    return os.fsencode(directory / "script")


def closed_directory(directory: Path) -> bytes:
    (directory / "closed").mkdir()
    (directory / "closed" / "tool").write_text("#!/bin/sh\n")
    (directory / "closed" / "tool").chmod(0o755)
    (directory / "closed").chmod(0o700)
    return os.fsencode(directory / "closed" / "tool")


def link_to_itself(directory: Path) -> bytes:
    (directory / "loop").symlink_to("loop")
    return os.fsencode(directory / "loop")


DOUBTFUL = {"a missing interpreter": missing_interpreter, "a closed directory": closed_directory, "a loop": link_to_itself}


@pytest.mark.parametrize("make", DOUBTFUL.values(), ids=DOUBTFUL)
def test_any_doubt_is_left_to_the_last_execve(scene, directory, make):
    command = make(directory)
    ending = start_command(scene, command, options=[b"--user", b"1234:5"])
    assert ending.status == 126, ending.errors
    assert b"1 certificate added" in ending.errors, "the stores were prepared before"


def test_a_command_that_only_the_other_user_may_reach_is_run(scene, directory):
    """Root without its capabilities may not enter what belongs to the user that it becomes."""
    home = directory / "home"
    home.mkdir()
    (home / "tool").write_text("#!/bin/sh\necho started\n")
    (home / "tool").chmod(0o755)
    os.chown(home, 1234, 1234)
    home.chmod(0o700)
    bare = ["capsh", "--drop=cap_dac_override,cap_dac_read_search", "--", "-c", 'exec "$@"', "sh"]
    line = [*bare, scene.binary, "--root", scene.directory, "--user", "1234:5", "--", home / "tool"]
    result = subprocess.run(line, env={"PATH": os.environ["PATH"]}, capture_output=True, timeout=60, check=False)
    assert (result.returncode, result.stdout) == (0, b"started\n"), result.stderr.decode()


def test_the_command_is_not_below_the_root(scene):
    scene.write("/only/here", b"#!/bin/sh\n").chmod(0o755)
    assert start_command(scene, b"/only/here").status == 127


def test_path_is_that_of_the_environment_that_the_service_gets(scene, directory):
    tool = directory / "bin" / "tool"
    tool.parent.mkdir()
    tool.write_text("#!/bin/sh\necho started\n")
    tool.chmod(0o755)
    path = b"PATH=/gone:" + os.fsencode(tool.parent)
    ending = start_command(scene, b"tool", environment=[path, b"PATH=/second"])
    assert (ending.status, ending.output) == (0, b"started\n")
    assert start_command(scene, b"tool", environment=[b"PATH=/second", path]).status == 127


def test_apply_and_plan_ask_for_no_command(scene):
    for word in ("plan", "check", "env", "apply"):
        line = [scene.binary, word, "--root", scene.directory]
        result = subprocess.run(line, env={"PATH": "/gone"}, capture_output=True, timeout=60, check=False)
        assert result.returncode in (0, 1, 2) and b"command not found" not in result.stderr


def test_a_permission_refused_counts_more_than_a_name_not_found(entry, tmp_path):
    directory = tmp_path / "bin"
    directory.mkdir()
    (directory / "tool").write_text("#!/bin/sh\n")
    path = b"PATH=" + os.fsencode(directory) + b":/usr/bin:/bin"
    assert entry(b"tool", environment=[path]).status == 126
    (directory / "tool").chmod(0o755)
    assert entry(b"tool", environment=[path]).status == 0


def test_a_script_without_an_interpreter_is_the_shells(entry, tmp_path):
    script = tmp_path / "script"
    script.write_text('echo "$0" "$@"\n')
    script.chmod(0o755)
    ending = entry(os.fsencode(script), b"a b", b"")
    assert (ending.status, ending.output) == (0, os.fsencode(script) + b" a b \n")


def test_a_missing_interpreter_is_told(entry, tmp_path):
    script = tmp_path / "script"
    script.write_text("#!/nosuch/interpreter\n")
    script.chmod(0o755)
    ending = entry(os.fsencode(script))
    assert ending.status == 126 and b"interpreter" in ending.errors


def test_arguments_are_handed_on_untouched(entry):
    arguments = [b"", b" ", b"--strict", b"\xff\xfe", b"a\nb", b"--"]
    ending = entry(b"/bin/cat", b"/proc/self/cmdline")
    assert ending.output == b"/bin/cat\0/proc/self/cmdline\0"
    ending = entry(b"/bin/sh", b"-c", b"cat /proc/$$/cmdline", *arguments)
    assert ending.output.split(b"\0")[3:-1] == arguments


def test_a_hundred_thousand_arguments_arrive(entry):
    ending = entry(b"/bin/sh", b"-c", b"echo $#", b"sh", *[b"x"] * 100_000)
    assert (ending.status, ending.output) == (0, b"100000\n")


# The environment


def test_the_environment_is_handed_on_byte_for_byte(entry):
    environment = [*PLAIN, b"not UTF-8=\xff\xfe", b"a.b-c=1", b"DOUBLE=1", b"DOUBLE=2", b"no equals sign", b"EMPTY=", b"=x", b""]
    ending = entry(b"/bin/cat", b"/proc/self/environ", environment=environment)
    assert ending.output.split(b"\0")[:-1] == environment


def _tighten(size: int = 1 << 19) -> None:
    """Arguments and environment may take a quarter of the stack limit, and at least 128 KiB."""
    resource.setrlimit(resource.RLIMIT_STACK, (size, resource.getrlimit(resource.RLIMIT_STACK)[1]))


# Doubled, it is too much.
LONG = b"HTTPS_PROXY=http://" + b"a" * 60 + b":1/" + b"p" * 70_000
# One string is too long, whatever the stack limit: each of its bytes becomes three.
ENCODED = b"HTTPS_PROXY=http://u:" + b'"' * 60_000 + b"@h:1"


@pytest.mark.parametrize("entry_of", [LONG, ENCODED], ids=["all of it", "one string"])
def test_an_environment_that_is_too_long_is_tried_as_it_was(entry, entry_of):
    ending = entry(b"/bin/cat", b"/proc/self/environ", environment=[*PLAIN, entry_of], prepare=_tighten)
    assert ending.status == 0
    assert ending.output.split(b"\0")[:-1] == [*PLAIN, entry_of]
    assert b"too large for the kernel" in ending.errors


@pytest.mark.parametrize("options", [[b"--strict"], [b"--user", b"1234"], [b"--user", b"0"]], ids=str)
@pytest.mark.parametrize("entry_of", [LONG, ENCODED], ids=["all of it", "one string"])
def test_strict_or_with_a_user_an_environment_that_is_too_long_ends_the_start(entry, entry_of, options):
    ending = entry(b"/bin/echo", b"started", environment=[*PLAIN, entry_of], prepare=_tighten, options=options)
    assert (ending.status, ending.output) == (70, b"")
    assert b"too large for the kernel with the variables that psm-entry adds; the service is not started" in ending.errors


def test_what_is_too_large_is_known_before_the_last_execve(entry, tmp_path):
    """Around the limit psm-entry agrees with the kernel, and calls execve only once if it knows."""
    trace = tmp_path / "trace"
    for size in range(59_000, 66_000, 500):
        value = b"HTTPS_PROXY=http://h:1/" + b"p" * size
        strace = [b"/usr/bin/strace", b"-f", b"-qq", b"-e", b"trace=execve", b"-o", os.fsencode(trace)]
        ending = entry(b"/bin/true", environment=[*PLAIN, value], prepare=_tighten, under=strace)
        calls = trace.read_text().count("execve(")
        assert ending.status == 0 and "E2BIG" not in trace.read_text()
        # psm-entry itself, and the service.
        assert calls == 2
        is_large = b"too large" in ending.errors
        if size in (59_000, 65_500):
            assert is_large == (size == 65_500)


def test_an_environment_just_within_the_limit_is_handed_on(entry):
    """With the usual stack there is room for 2 MiB."""
    many = [b"NAME_%d=" % number + b"x" * 100_000 for number in range(19)]
    ending = entry(b"/bin/cat", b"/proc/self/environ", environment=[*PLAIN, *many], prepare=lambda: _tighten(8 << 20))
    assert (ending.status, ending.errors) == (0, b"")
    assert ending.output.split(b"\0")[:-1] == [*PLAIN, *many]


# What a process inherits


def _status(output: bytes) -> list[bytes]:
    # Not SigQ, which counts the signals of all the user's processes.
    wanted = re.compile(rb"^(Umask|Uid|Gid|Groups|Sig(?:Pnd|Blk|Ign|Cgt)|Shd\w+|Cap\w+|NoNewPrivs|Seccomp):.*$", re.M)
    return [match.group(0) for match in wanted.finditer(output)]


def _odd_signals():
    os.umask(0o027)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_SETMASK, [signal.SIGUSR1, signal.SIGTERM])


def _child_signal_blocked():
    signal.pthread_sigmask(signal.SIG_SETMASK, [signal.SIGCHLD])


def _as_nobody():
    os.setgroups([65534])
    os.setresgid(65534, 65534, 65534)
    os.setresuid(65534, 65534, 65534)


PREPARATIONS = {
    "plain": lambda: None,
    "signals": _odd_signals,
    "child signal blocked": _child_signal_blocked,
    "nobody": _as_nobody,
}


@pytest.mark.parametrize("prepare", PREPARATIONS.values(), ids=PREPARATIONS)
def test_mask_dispositions_umask_and_ids_are_inherited(entry, prepare):
    without = raw_process.run([b"/bin/cat", b"/proc/self/status"], PLAIN, prepare)
    ending = entry(b"/bin/cat", b"/proc/self/status", prepare=prepare)
    assert _status(ending.output) == _status(without.output) != []


def test_limits_timers_and_directory_are_inherited(entry, tmp_path):
    def prepare():
        os.chdir(tmp_path)
        resource.setrlimit(resource.RLIMIT_NOFILE, (123, 456))

    for command in ([b"/bin/cat", b"/proc/self/limits"], [b"/bin/pwd"], [b"/bin/cat", b"/proc/self/timers"]):
        assert entry(*command, prepare=prepare) == raw_process.run(command, PLAIN, prepare)


@pytest.mark.parametrize("closed", [[], [0], [2], [0, 2], [5]], ids=str)
def test_descriptors_are_inherited_open_and_closed(entry, closed):
    def prepare():
        os.set_inheritable(os.open("/dev/null", os.O_RDONLY), True)
        for number in closed:
            try:
                os.close(number)
            except OSError:
                pass

    command = [b"/bin/sh", b"-c", b"for fd in /proc/$$/fd/*; do echo ${fd##*/} $(readlink $fd | sed s/[0-9].*//); done"]
    without = raw_process.run(command, PLAIN, prepare)
    assert entry(*command, prepare=prepare).output == without.output != b""


def test_the_service_begins_without_children(entry):
    assert entry(b"/bin/sh", b"-c", b"cat /proc/$$/task/$$/children").output.strip().count(b" ") == 0


# Signals during the preparation


def child_of(process: int) -> int:
    """Waits until a process has forked, and returns its child."""
    children = Path(f"/proc/{process}/task/{process}/children")
    return int(wait_for(f"{process} has a child", 10, children.read_text).split()[0])


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_during_the_preparation_ends_it(faulty_binary, tmp_path, number):
    (tmp_path / "root").mkdir()
    command = [os.fsencode(faulty_binary), b"--root", os.fsencode(tmp_path / "root"), b"--", b"/bin/echo", b"started"]
    environment = [*PLAIN, b"PSM_ENTRY_TEST_FAULT=inputs:loop", b"PSM_ENTRY_TIMEOUT=30"]
    with open(tmp_path / "out", "w+b") as output:
        child = raw_process.start(command, environment, output.fileno(), output.fileno())
        grandchild = child_of(child)
        os.kill(child, number)
        assert raw_process.wait(child) == 128 + number
        output.seek(0)
        assert b"started" not in output.read()
    assert not Path(f"/proc/{grandchild}").exists()


def test_a_signal_that_is_ignored_ends_nothing(faulty_binary, tmp_path):
    (tmp_path / "root").mkdir()
    command = [os.fsencode(faulty_binary), b"--root", os.fsencode(tmp_path / "root"), b"--", b"/bin/echo", b"started"]
    environment = [*PLAIN, b"PSM_ENTRY_TEST_FAULT=inputs:loop", b"PSM_ENTRY_TIMEOUT=2"]
    with open(tmp_path / "out", "w+b") as output, open(tmp_path / "log", "w+b") as log:

        def ignore():
            signal.signal(signal.SIGTERM, signal.SIG_IGN)

        child = raw_process.start(command, environment, output.fileno(), log.fileno(), ignore)
        child_of(child)
        os.kill(child, signal.SIGTERM)
        assert raw_process.wait(child) == 0
        output.seek(0)
        assert output.read() == b"started\n"


def test_a_log_that_takes_no_more_keeps_nobody_down(faulty_binary, tmp_path):
    (tmp_path / "root").mkdir()
    command = [os.fsencode(faulty_binary), b"--root", os.fsencode(tmp_path / "root"), b"--", b"/bin/echo", b"started"]
    environment = [*PLAIN, b"PSM_ENTRY_TEST_FAULT=inputs:kill"]
    with open(tmp_path / "out", "w+b") as output, raw_process.full_pipe() as (_, writing):
        child = raw_process.start(command, environment, output.fileno(), writing)
        assert raw_process.wait(child) == 0
        output.seek(0)
        assert output.read() == b"started\n"


def test_a_parent_that_is_killed_leaves_no_child(faulty_binary, tmp_path):
    (tmp_path / "root").mkdir()
    command = [os.fsencode(faulty_binary), b"--root", os.fsencode(tmp_path / "root"), b"--", b"/bin/true"]
    environment = [*PLAIN, b"PSM_ENTRY_TEST_FAULT=inputs:loop"]
    with open(os.devnull, "w+b") as nothing:
        child = raw_process.start(command, environment, nothing.fileno(), nothing.fileno())
        grandchild = Path(f"/proc/{child_of(child)}")
        deadline = time.monotonic() + 10
        time.sleep(0.05)
        os.kill(child, signal.SIGKILL)
        assert raw_process.wait(child) == 128 + signal.SIGKILL
        while grandchild.exists() and "Z" not in (grandchild / "stat").read_text().split(")")[1][:3]:
            assert time.monotonic() < deadline
            time.sleep(0.01)


# Another user


def _root_with_accounts(tmp_path: Path) -> None:
    etc = tmp_path / "root" / "etc"
    etc.mkdir()
    (etc / "passwd").write_text(
        "malformed\n:x:1:1::/:\nroot:x:0:0:root:/root:/bin/sh\nsvc:x:1234:2345:Service:/srv/svc:/bin/sh\n"
        f"long:x:1235:1:{'x' * 100_000}:/long:\nnohome:x:1236:2:::\n"
    )
    groups = "".join(f"g{number}:x:{number}:other,svc\n" for number in range(3000, 3100))
    (etc / "group").write_text(f"odd\nops:x:777:\n{groups}")


@pytest.mark.parametrize(
    ("user", "uid", "gid", "groups", "home"),
    [
        ("svc", 1234, 2345, list(range(3000, 3100)), "/srv/svc"),
        ("1234", 1234, 2345, list(range(3000, 3100)), "/srv/svc"),
        ("svc:ops", 1234, 777, [], "/srv/svc"),
        ("svc:99", 1234, 99, [], "/srv/svc"),
        ("5000", 5000, 0, [], "/"),
        ("5000:6000", 5000, 6000, [], "/"),
        ("long", 1235, 1, [], "/long"),
        ("nohome", 1236, 2, [], "/"),
    ],
)
def test_the_service_runs_as_the_user_that_was_asked_for(entry, tmp_path, user, uid, gid, groups, home):
    _root_with_accounts(tmp_path)
    script = b'grep -E "^(Uid|Gid|Groups|CapEff)" /proc/self/status; echo "$HOME"'
    ending = entry(b"/bin/sh", b"-c", script, options=[b"--user", user.encode()], environment=[*PLAIN, b"HOME=/root"])
    assert ending.status == 0, ending.errors
    lines = ending.output.decode().splitlines()
    assert lines[0].split()[1:] == [str(uid)] * 4
    assert lines[1].split()[1:] == [str(gid)] * 4
    assert lines[2].split()[1:] == [str(group) for group in groups]
    assert lines[3].split()[1] == "0" * 16
    assert lines[4] == home


@pytest.mark.parametrize("user", ["nosuch", "svc:nosuch", "4294967295", "99999999999", "-1"])
def test_a_user_that_is_not_there_ends_the_start_and_a_strict_one_before_its_first_write(entry, tmp_path, user):
    _root_with_accounts(tmp_path)
    public = Authority.named("Public").pem
    bundle = tmp_path / "root" / "bundle.pem"
    bundle.write_bytes(public)
    (tmp_path / "root" / "certs.pem").write_bytes(Authority.named("Corp").pem)
    options = [b"--user", user.encode(), b"--certs", b"/certs.pem", b"--bundles", b"/bundle.pem"]
    for strict in ([b"--strict"], []):
        ending = entry(b"/bin/echo", b"started", options=[*options, *strict])
        assert (ending.status, ending.output) == (70, b"")
        assert b"psm-entry: error: PSM_ENTRY_USER: " in ending.errors
        assert (bundle.read_bytes() == public) == bool(strict)
    ending = entry(b"/bin/echo", b"started", options=[*options, b"--certs", b"/gone.pem", b"--strict"])
    assert (ending.status, ending.output) == (70, b"")
    assert b"/gone.pem: no such file" in ending.errors and b"PSM_ENTRY_USER: " in ending.errors


@pytest.mark.parametrize("user", ["", ":", ":1", "1:", "svc:x:y"])
def test_a_user_that_cannot_be_one_is_wrong_usage_and_in_a_variable_ends_the_start(entry, tmp_path, user):
    _root_with_accounts(tmp_path)
    ending = entry(b"/bin/echo", b"started", options=[b"--user=" + user.encode()])
    assert (ending.status, ending.output) == (64, b"")
    assert ending.errors.startswith(b"psm-entry: error: --user: invalid value ")
    if user:
        ending = entry(b"/bin/echo", b"started", environment=[*PLAIN, b"PSM_ENTRY_USER=" + user.encode()])
        assert (ending.status, ending.output) == (70, b"")
        assert ending.errors.startswith(b"psm-entry: error: PSM_ENTRY_USER: ")


def _too_large(path: Path) -> None:
    path.touch()
    os.truncate(path, (16 << 20) + 1)


def _link_to_itself(path: Path) -> None:
    path.symlink_to(path.name)


UNREADABLE = {"a directory": Path.mkdir, "too large": _too_large, "a FIFO": os.mkfifo, "a loop": _link_to_itself}


@pytest.mark.parametrize("user", [b"1000", b"svc", b"1000:1000", b"0"])
@pytest.mark.parametrize("name", ["passwd", "group"])
@pytest.mark.parametrize("make", UNREADABLE.values(), ids=UNREADABLE)
def test_a_user_is_not_become_by_half_of_what_is_known_of_it(entry, tmp_path, make, name, user):
    _root_with_accounts(tmp_path)
    path = tmp_path / "root" / "etc" / name
    path.unlink()
    make(path)
    ending = entry(b"/bin/echo", b"started", options=[b"--user", user])
    assert (ending.status, ending.output) == (70, b"")
    assert b"psm-entry: error: PSM_ENTRY_USER: cannot read /etc/%s (" % name.encode() in ending.errors


@pytest.mark.parametrize("error", ["EACCES", "EIO"])
@pytest.mark.parametrize("call", ["openat2", "openat", "read"])
@pytest.mark.parametrize("name", ["passwd", "group"])
def test_a_file_of_accounts_that_fails_ends_the_start(entry, tmp_path, name, call, error):
    _root_with_accounts(tmp_path)
    path = os.fsencode(tmp_path / "root" / "etc" / name)
    # By its path, and by the target of an open descriptor.
    strace = [b"/usr/bin/strace", b"-f", b"-qq", b"-o", b"/dev/null", b"-P", path, b"-P", b"/etc/" + name.encode()]
    inject = f"inject={call}:error={error}".encode()
    ending = entry(b"/bin/echo", b"started", options=[b"--user", b"svc"], under=[*strace, b"-e", inject])
    if call == "openat":
        # Opened by openat2 and again through /proc; if that fails, by openat2.
        assert ending.status == 0
    else:
        assert (ending.status, ending.output) == (70, b""), ending.errors
        assert b"cannot read /etc/%s (" % name.encode() in ending.errors


@pytest.mark.parametrize("name", ["passwd", "group"])
def test_a_file_of_accounts_that_is_not_there_is_empty(entry, tmp_path, name):
    _root_with_accounts(tmp_path)
    (tmp_path / "root" / "etc" / name).unlink()
    ending = entry(b"/bin/sh", b"-c", b"id -u; id -G", options=[b"--user", b"1234"])
    assert ending.status == 0
    assert ending.output == (b"1234\n0\n" if name == "passwd" else b"1234\n2345\n")


def test_without_the_capability_nobody_else_is_become(entry, tmp_path):
    ending = entry(b"/bin/echo", b"started", options=[b"--user", b"1234"], prepare=_as_nobody)
    assert (ending.status, ending.output) == (70, b"")


def test_already_that_user_there_is_nothing_to_do(entry):
    ending = entry(b"/bin/echo", b"started", options=[b"--user", b"65534:65534"], prepare=_as_nobody)
    assert (ending.status, ending.output) == (0, b"started\n")


# The binary itself


@pytest.mark.parametrize("bit", [0o4755, 0o2755])
def test_a_set_id_installation_is_refused(binary, tmp_path, bit):
    installed = tmp_path / "psm-entry"
    installed.write_bytes(binary.read_bytes())
    os.chown(installed, 1234, 1234)
    installed.chmod(bit)
    let_others_in(tmp_path)
    ending = raw_process.run([os.fsencode(installed), b"--", b"/bin/true"], PLAIN, _as_nobody)
    assert ending.status == 64 and b"set-user-ID" in ending.errors
