"""The surroundings of a start: inits, set-ID bits, hanging servers, and attackers."""

import contextlib
import ctypes
import os
import shutil
import signal
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

import raw_process
from certificates import certificates_of
from containers import BUNDLE as CONDA
from containers import SERVICE, succeed
from network import BODY, wait_for
from roots import BUNDLE, CERTS, NATIVE_STORE, Scene, authority, make_scene
from test_exec import child_of

PLAIN = [b"PATH=/usr/bin:/bin"]
libc = ctypes.CDLL(None, use_errno=True)


@pytest.fixture
def scene(directory: Path, binary: Path) -> Scene:
    return make_scene(directory, binary)


# With and without an init


@pytest.mark.parametrize("way", ["plain", "--init", "tini"])
def test_an_init_before_it_changes_nothing_for_the_service(container, binary, origin, proxy, way):
    if way == "tini":
        mounts, command = {Path("/usr/bin/tini"): "/tini", binary: "/psm"}, ["/tini", "--", "/psm", "--", SERVICE]
        box = container(None, mounts=mounts, command=command)
    else:
        box = container(binary, options=["--init"] if way == "--init" else [])
    service = box.service()
    assert (service.pid == 1) == (way == "plain")
    assert service.arguments == [SERVICE] and service.children == 0
    assert service.variables()["https_proxy"] == proxy.url
    assert certificates_of(box.read(CONDA)).count(proxy.authority.der) == 1
    if way != "plain":
        # The init has one child, which is the service itself.
        assert box.run("cat", "/proc/1/task/1/children").stdout.split() == [str(service.pid).encode()]
    assert box.run("curl", "--silent", origin.url, environment={"HTTPS_PROXY": proxy.url}).stdout == BODY


@pytest.mark.parametrize(("number", "status"), [("TERM", 143), ("INT", 130)])
def test_a_signal_ends_the_preparation_as_process_1_too(container, faulty_binary, number, status):
    settings = {"PSM_ENTRY_TEST_FAULT": "inputs:loop", "PSM_ENTRY_TIMEOUT": "60"}
    box = container(faulty_binary, settings=settings)
    wait_for("the child prepares", 20, lambda: box.run("cat", "/proc/1/task/1/children").stdout.strip())
    succeed("kill", "--signal", number, box.name)
    assert box.exit_status() == status
    assert "service: ready" not in box.log()


# AT_SECURE


def _capability(directory: Path, binary: Path) -> Path:
    """The binary with a file capability, for which the kernel sets AT_SECURE as it does with SELinux for every entrypoint."""
    installed = directory / "with-capability"
    shutil.copy(binary, installed)
    # VFS_CAP_REVISION_2 with the effective flag, and CAP_NET_BIND_SERVICE permitted: capabilities(7).
    os.setxattr(installed, "security.capability", struct.pack("<5I", 0x02000001, 1 << 10, 0, 0, 0))
    return installed


def _as_nobody() -> None:
    os.setgroups([65534])
    os.setresgid(65534, 65534, 65534)
    os.setresuid(65534, 65534, 65534)


def _is_secure(process: int) -> bool:
    """AT_SECURE (23) of the auxiliary vector: getauxval(3)."""
    words = Path(f"/proc/{process}/auxv").read_bytes()
    return dict(struct.iter_unpack("<QQ", words)).get(23) == 1


def test_a_start_with_at_secure_alone_is_like_any_other(directory, binary, scene):
    installed = _capability(directory, binary)
    scene.at("/tmp").mkdir()
    scene.at("/tmp").chmod(0o1777)
    command = [os.fsencode(installed), b"--root", os.fsencode(scene.directory), b"--", b"/usr/bin/env"]
    environment = [*PLAIN, b"HTTPS_PROXY=http://proxy:3128"]
    ending = raw_process.run(command, environment, _as_nobody)
    assert ending.status == 0, ending.errors
    assert b"https_proxy=http://proxy:3128\n" in ending.output
    assert b"SSL_CERT_FILE=/tmp/psm-entry-65534/cacert.pem\n" in ending.output


def test_the_kernel_does_set_at_secure_there(directory, faulty_binary, scene):
    installed = _capability(directory, faulty_binary)
    command = [os.fsencode(installed), b"--root", os.fsencode(scene.directory), b"--", b"/bin/true"]
    with open(os.devnull, "w+b") as nothing:
        environment = [*PLAIN, b"PSM_ENTRY_TEST_FAULT=inputs:loop"]
        child = raw_process.start(command, environment, nothing.fileno(), nothing.fileno(), _as_nobody)
        try:
            # The kernel shows the new program before it writes its auxiliary vector.
            wait_for("AT_SECURE", 10, lambda: _is_secure(child))
            assert not _is_secure(os.getpid())
        finally:
            os.kill(child, signal.SIGKILL)
            raw_process.wait(child)


# A file server that does not answer


@contextlib.contextmanager
def dead_server(directory: Path) -> Iterator[None]:
    """A FUSE mount whose server never reads a request, so that every access waits."""
    device = os.open("/dev/fuse", os.O_RDWR)
    options = f"fd={device},rootmode=40000,user_id=0,group_id=0,allow_other".encode()
    if libc.mount(b"dead", os.fsencode(directory), b"fuse", 0, options) != 0:
        raise OSError(ctypes.get_errno(), "mount")
    try:
        yield
    finally:
        # Closing the device ends every waiting access.
        os.close(device)
        libc.umount2(os.fsencode(directory), 2)


@pytest.mark.parametrize("what", ["certificates", "bundle", "secret"])
def test_a_file_server_that_does_not_answer_keeps_no_service_down(scene, what):
    served = scene.at("/served")
    served.mkdir()
    settings = {
        "certificates": {"PSM_ENTRY_CERTS": "/served"},
        "bundle": {"PSM_ENTRY_BUNDLES": "/served/cacert.pem"},
        "secret": {"HTTPS_PROXY_FILE": "/served/proxy"},
    }[what]
    environment = {**settings, "PSM_ENTRY_TIMEOUT": "2", "HTTP_PROXY": "http://proxy:3128"}
    with dead_server(served):
        started = scene.start(environment=environment, seconds=30)
        assert started.status == 0
        assert "http_proxy" not in started.variables and started.variables["HTTP_PROXY"] == "http://proxy:3128"
        assert len(started.lines("stopped after the time limit (PSM_ENTRY_TIMEOUT)")) == 1, started.said
        strict = scene.start("--strict", environment=environment, seconds=30)
        assert (strict.status, strict.variables) == (70, {})


# A tracer of the same user


SEIZE = 0x4206
"""PTRACE_SEIZE: ptrace(2)."""


def _trace_for_ever(process: int) -> subprocess.Popen[bytes]:
    """A process that traces another and never waits for it, so that the parent never sees its end."""
    program = (
        "import ctypes, sys, time\n"
        f"assert ctypes.CDLL(None).ptrace({SEIZE}, int(sys.argv[1]), None, None) == 0\n"
        "print('traced', flush=True)\n"
        "time.sleep(600)\n"
    )
    tracer = subprocess.Popen([sys.executable, "-c", program, str(process)], stdout=subprocess.PIPE)
    assert tracer.stdout and tracer.stdout.readline() == b"traced\n"
    return tracer


@pytest.mark.parametrize("user", [[], ["--strict"]], ids=str)
def test_a_tracer_that_never_reaps_holds_nobody_past_the_limit(faulty_binary, scene, tmp_path, user):
    options = ["--timeout", "2", *user]
    command = [os.fsencode(word) for word in [faulty_binary, *scene.command(*options)[1:]]]
    with open(tmp_path / "out", "w+b") as output, open(tmp_path / "log", "w+b") as log:
        environment = [*PLAIN, b"PSM_ENTRY_TEST_FAULT=inputs:loop"]
        child = raw_process.start(command, environment, output.fileno(), log.fileno())
        tracer = _trace_for_ever(child_of(child))
        try:
            assert raw_process.wait(child) == (70 if user else 0)
            assert b"stopped after the time limit (PSM_ENTRY_TIMEOUT)" in (tmp_path / "log").read_bytes()
        finally:
            tracer.kill()
            tracer.wait(timeout=10)


def test_an_answer_counts_though_a_tracer_keeps_the_child_s_end(scene, tmp_path):
    # A log without a reader makes the child wait for a second: enough time for the tracer.
    with open(tmp_path / "out", "w+b") as output, raw_process.full_pipe() as (_, writing):
        command = [os.fsencode(word) for word in scene.command("--timeout", "30")]
        child = raw_process.start(command, [*PLAIN, b"HTTPS_PROXY=http://p:1"], output.fileno(), writing)
        tracer = _trace_for_ever(child_of(child))
        try:
            assert raw_process.wait(child) == 0
            assert tracer.poll() is None
        finally:
            tracer.kill()
            tracer.wait(timeout=10)
        assert b"https_proxy=http://p:1\0" in (tmp_path / "out").read_bytes()


# An attacker who can write to the certificates directory


def _turn(directory: Path, stop: threading.Event) -> None:
    """Turns one name into a good CA, links to other places, a directory and a FIFO, as fast as possible."""
    good, name = directory / "good", directory / "ca.pem"
    good.write_bytes(authority("Corp Root").pem)
    (directory / "fifo").unlink(missing_ok=True)
    os.mkfifo(directory / "fifo")
    (directory / "deep").mkdir(exist_ok=True)
    forms = ["file", "link", "directory-link", "dangling", "loop", "fifo"]
    while not stop.is_set():
        for form in forms:
            new = directory / ".new"
            if form == "file":
                shutil.copy(good, new)
            elif form == "fifo":
                os.mkfifo(new)
            else:
                targets = {"link": "/outside/secret", "directory-link": "/outside", "dangling": "/nowhere", "loop": name.name}
                new.symlink_to(targets[form])
            new.replace(name)


def test_links_and_renames_while_the_directory_is_read_touch_nothing_else(scene):
    outside = scene.at("/outside")
    outside.mkdir()
    secret = outside / "secret"
    secret.write_text("-----BEGIN PRIVATE KEY-----\nTOPSECRETTOPSECRET\n-----END PRIVATE KEY-----\n")
    os.utime(secret, (0, 0))
    before = (secret.read_bytes(), secret.stat().st_mtime, sorted(os.listdir(outside)))
    stop = threading.Event()
    attack = threading.Thread(target=_turn, args=(scene.at(CERTS), stop))
    attack.start()
    try:
        outcomes = [scene.start("--log", "debug", environment={"HTTPS_PROXY": "proxy:1"}) for _ in range(200)]
    finally:
        stop.set()
        attack.join()
    assert {outcome.status for outcome in outcomes} == {0}
    assert all(outcome.variables["https_proxy"] for outcome in outcomes)
    assert len({outcome.said for outcome in outcomes}) > 5, "the directory hardly changed while it was read"
    assert not any("TOPSECRET" in outcome.said for outcome in outcomes)
    assert (secret.read_bytes(), secret.stat().st_mtime, sorted(os.listdir(outside))) == before
    shutil.rmtree(scene.at(CERTS))
    holders = [path for path, (*_, content) in scene.files().items() if b"TOPSECRET" in content]
    assert holders == ["/outside/secret"]


@contextlib.contextmanager
def waiting_writer(fifo: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process that waits for a reader of the FIFO and sends it a line."""
    os.mkfifo(fifo)
    writer = subprocess.Popen(["sh", "-c", 'echo "a line" >"$1"', "sh", fifo])
    # openat: syscall(2); the shell waits in it for a reader.
    wait_for("the writer opens", 10, lambda: _is_opening(writer.pid, fifo))
    try:
        yield writer
    finally:
        writer.kill()
        writer.wait(timeout=10)


def _is_opening(process: int, fifo: Path) -> bool:
    waits = Path(f"/proc/{process}/wchan").read_text()
    return waits in ("wait_for_partner", "fifo_open")


PLACES = {
    "in the directory": (lambda scene: scene.at(CERTS) / "pipe.pem", {}),
    "behind a link": (lambda scene: scene.at("/pipe"), {}),
    "a named input": (lambda scene: scene.at("/pipe"), {"PSM_ENTRY_CERTS": "/pipe"}),
    "the product's own": (lambda scene: scene.at("/pipe"), {"REPO_CUSTOM_CA_CERT": "/pipe"}),
    "a bundle": (lambda scene: scene.at("/pipe"), {"PSM_ENTRY_BUNDLES": f"/pipe:{BUNDLE}"}),
    "a secret": (lambda scene: scene.at("/pipe"), {"HTTPS_PROXY_FILE": "/pipe"}),
    "a CA variable's": (lambda scene: scene.at("/pipe"), {"SSL_CERT_FILE": "/pipe"}),
    "the system's bundle": (lambda scene: scene.at(NATIVE_STORE), {}),
    "passwd": (lambda scene: scene.at("/etc/passwd"), {"PSM_ENTRY_USER": "0"}),
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("root", ["another root", "the root"])
def test_a_writer_to_a_fifo_is_not_released_by_a_start(scene, place, root):
    find, settings = PLACES[place]
    fifo = find(scene)
    fifo.parent.mkdir(parents=True, exist_ok=True)
    if place == "behind a link":
        (scene.at(CERTS) / "pipe.pem").symlink_to("/pipe")
    with waiting_writer(fifo) as writer:
        if root == "the root":
            shutil.copy(scene.binary, scene.at("/psm-entry"))
            line = ["/usr/sbin/chroot", scene.directory, "/psm-entry", "--", "/psm-entry", "env", "--null"]
            result = subprocess.run(
                line, env={"PATH": "/usr/bin:/bin", **settings}, capture_output=True, timeout=60, check=False
            )
            status, said = result.returncode, result.stderr.decode()
        else:
            started = scene.start(environment=settings)
            status, said = started.status, started.said
        assert status == (70 if place == "passwd" else 0), said
        assert "regular file" in said, said
        assert writer.poll() is None, "the writer was released, and its line is lost"
        with open(fifo, "rb") as reader:
            assert reader.read() == b"a line\n"


def test_no_name_in_the_directory_is_an_option_a_pattern_or_a_line_of_the_log(scene):
    odd = [b"--strict", b"*", b"a\npsm-entry: all is well", b"\xff\xfe.pem", b"-", b"$(touch pwned)", b"\x1b[31m"]
    for name in odd:
        Path(os.fsdecode(os.fsencode(scene.at(CERTS)) + b"/" + name)).write_bytes(b"no certificate")
    started = scene.start()
    assert started.status == 0
    assert all(line.startswith("psm-entry: ") for line in started.said.splitlines())
    assert not [line for line in started.said.splitlines() if line == "psm-entry: all is well"]
    assert "\x1b" not in started.said and started.said.count("not a certificate") == len(odd)


def test_a_base_full_of_marks_and_keys_stays_as_it_is(scene):
    mark = b"# >>> psm-entry managed certificates >>>\n"
    key = authority("Corp Root").key_and_certificate
    hostile = mark * 3 + authority("Public A").pem + mark + key + b"# <<< psm-entry managed certificates <<<\r\n" + mark
    scene.write(BUNDLE, hostile)
    for _ in range(2):
        assert scene.start().status == 0
        assert scene.read(BUNDLE).startswith(hostile)
    scene.mount()
    assert scene.start().status == 0
    assert scene.read(BUNDLE) == hostile


# An attacker who can set variables for the tool


@pytest.mark.parametrize("which", ["rhel", "debian"])
def test_no_variable_reaches_the_systems_tool(container, binary, image, debian_image, tmp_path, which):
    evil = tmp_path / "evil"
    evil.mkdir()
    for name in ("trust", "openssl", "sh", "mktemp", "find", "sort"):
        (evil / name).write_text("#!/bin/sh\necho $0 >>/tmp/pwned\n")
        (evil / name).chmod(0o755)
    (evil / "env.sh").write_text("echo BASH_ENV >>/tmp/pwned\n")
    subprocess.run(
        ["gcc", "-shared", "-fPIC", "-o", evil / "preload.so", "-x", "c", "-"],
        input=b"#include <fcntl.h>\n__attribute__((constructor)) static void f(void) { creat(\"/tmp/pwned\", 0644); }",
        check=True,
        timeout=60,
    )
    settings = {
        "PATH": "/evil:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "BASH_ENV": "/evil/env.sh",
        "ENV": "/evil/env.sh",
        "LD_PRELOAD": "/evil/preload.so",
        "TMPDIR": "/evil",
        "P11_KIT_STRICT": "yes",
    }
    box = container(
        binary,
        from_image={"rhel": image, "debian": debian_image}[which],
        settings=settings,
        mounts={evil: "/evil"},
        # A static program, so that only psm-entry and the tool can have used the variables.
        command=["/psm-entry", "certs"],
    )
    assert box.exit_status() == 0, box.log()
    assert "added" in box.log()
    looked = box.commit()
    try:
        found = container(None, from_image=looked, command=["/bin/ls", "/tmp/pwned"])
        assert found.exit_status() != 0, found.log()
    finally:
        subprocess.run(["podman", "rmi", "--force", looked], capture_output=True, timeout=60, check=False)
