"""The system calls of a start that changes nothing, and the page that gives the reason for each.

Run as a program with --write, it rewrites docs/system-calls.md; test_system_calls.py checks that the page is
current.
"""

import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from roots import NATIVE_STORE, Scene, base, make_scene

REPOSITORY = Path(__file__).resolve().parent.parent.parent
PAGE = REPOSITORY / "docs" / "system-calls.md"
BINARY = REPOSITORY / "build" / "psm-entry"

MEMORY = ("brk", "mmap", "mprotect", "munmap")
PARENT = {
    "execve": "psm-entry begins; at the end it becomes the service",
    "arch_prctl": "musl: thread-local storage",
    "set_tid_address": "musl: the thread's id",
    "rt_sigprocmask": "SIGTERM, SIGINT, SIGCHLD, SIGPIPE and SIGXFSZ wait until the child has ended; musl blocks all around "
    "a fork; the service's mask at the end",
    "rt_sigaction": "whether SIGTERM and SIGINT are ignored: then they are left to the service; and SIGCHLD, which does "
    "not come then",
    "signalfd4": "SIGTERM and SIGINT during the preparation, also as PID 1",
    "pipe2": "the child's answer",
    "getpid": "for the child's getppid",
    "fork": "the child does everything that can fail",
    "close": "the pipe's other end, and what must not reach the service",
    "poll": "the answer, a signal, or the time limit, whichever is first",
    "read": "the answer",
    "kill": "ends whatever the child has left in its process group",
    "rt_sigtimedwait": "waits for the child's end, a second at most: a tracer may hide it",
    "wait4": "reaps the child, without waiting: the service starts without children",
    "rt_sigpending": "a signal that came at the last moment",
}
CHILD = {
    "set_tid_address": "musl, after a fork",
    "rt_sigprocmask": "musl, after a fork; then the mask as it came",
    "close": "the pipe's other end; and each file",
    "setpgid": "a group of its own, so that a tool's children end with it",
    "prctl": "ends when the parent is killed",
    "getppid": "whether the parent was killed before that",
    "rt_sigaction": "SIGPIPE, SIGXFSZ and SIGTTOU become errors of a call",
    "openat": "the root, and each file in a directory that is open",
    "openat2": "each path inside the root, no link leading out of it: one per directory, input and place where a store may be",
    "readlinkat": "the real name of a directory, or of what a link in it means, by /proc/self/fd: no input is what psm-entry wrote",
    "stat": "the command, before anything is written; what a name leads to: neither a FIFO nor a device is opened",
    "newfstatat": "the command, before anything is written; what a name leads to: neither a FIFO nor a device is opened",
    "fstat": "what was opened is a regular file still, and of what size",
    "getdents64": "the certificates directory; the anchors; a bundle's directory for what a killed start has left: each to its end",
    "pread64": "a bundle's last line: whether it may stand as a start would write it; the bundle before, to compare this one with it",
    "read": "each certificate in one go; each bundle in pieces of 16 kB, once or, where it is to be changed, as a whole",
    "uname": "the host's own name, for NO_PROXY",
    "poll": "whether the log's reader takes a line: it is waited for no longer than a second in all",
    "write": "the line of the log, and the answer",
    "exit_group": "ends",
}


def make(directory: Path) -> Scene:
    """Two bundles and a system store that an earlier start has brought up to date."""
    scene = make_scene(directory, BINARY, has_store=True)
    scene.write(NATIVE_STORE, base())
    scene.start()
    return scene


def trace(scene: Scene, variables: Mapping[str, str] | None = None) -> tuple[list[str], list[str]]:
    """The calls of the parent and of the child as strace's lines, up to the point where the service begins."""
    with tempfile.TemporaryDirectory() as directory:
        command = [str(scene.binary), "--root", str(scene.directory), "--", "/bin/true"]
        environment = {"HTTPS_PROXY": "http://proxy:3128", **(variables or {})}
        prefix = f"{directory}/trace"
        line = ["strace", "-ff", "-qq", "-v", "-o", prefix, *command]
        subprocess.run(line, env=environment, cwd=directory, capture_output=True, timeout=60, check=True)
        processes = sorted(Path(directory).iterdir(), key=lambda path: int(path.suffix[1:]))
        parent, child = [path.read_text().splitlines() for path in processes]
    calls = [index for index, call in enumerate(parent) if call.startswith("execve(")]
    lines = [*parent[: calls[1] + 1]], child
    return tuple([one for one in process if re.match(r"[a-z]", one)] for process in lines)


def names(lines: list[str]) -> list[str]:
    return [line.split("(", 1)[0] for line in lines]


def _table(lines: list[str], reasons: dict[str, str]) -> list[str]:
    counts = Counter(name for name in names(lines) if name not in MEMORY)
    unknown = counts.keys() - reasons.keys()
    if unknown:
        raise ValueError(f"no reason is given for {sorted(unknown)}: is the call needed?")
    rows = ["| call | times | what for |", "|---|---:|---|"]
    rows += [f"| `{name}` | {count} | {reasons[name]} |" for name, count in counts.items()]
    return [*rows, f"| {', '.join(f'`{name}`' for name in MEMORY)} | | memory, as much as there is to read |"]


def page(scene: Scene) -> str:
    parent, child = trace(scene)
    lines = [
        "# System calls",
        "",
        "A start that changes nothing, with two bundles, a system store without its tool and one mounted CA, makes these. It writes only",
        "the line of the log and the child's answer, and reads only the inputs and the stores, each once; a bundle of the same size as",
        "the one before is compared with it, which is read again for that. No path depends on the current directory. A test writes this",
        "page from `strace`, and fails if it is no longer true.",
        "",
        "## The first process, which becomes the service",
        "",
        *_table(parent, PARENT),
        "",
        "## The child, which prepares",
        "",
        *_table(child, CHILD),
        "",
        "`--user` adds `setgroups`, `setresgid` and `setresuid`; a change adds `flock`, `fchmod`, `fsync`, `lseek`, `renameat`",
        "and, if necessary, `fchown`, `mkdirat`, `linkat`, `unlinkat`.",
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as root:
        text = page(make(Path(root)))
    if "--write" in sys.argv:
        PAGE.write_text(text, encoding="utf-8")
    print(text, end="")
