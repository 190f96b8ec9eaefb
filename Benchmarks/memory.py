"""The peak memory of a command's processes at any time, to the page.

The resident set of a process grows whenever it touches a page, and shrinks in few system calls only, so it is read
at the start of each of these and at the end. The kernel's own figure does not help: `ru_maxrss` includes what the
process used before it executed the command.
"""

import ctypes
import os
import platform
import re
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

# From <sys/ptrace.h>, and from <sys/reg.h> for the position of the system call's number.
TRACEME, PEEKUSER, SYSCALL, SETOPTIONS = 0, 3, 24, 0x4200
SYSGOOD, FORK, VFORK, CLONE, EXEC, EXITKILL = 0x1, 0x2, 0x4, 0x8, 0x10, 0x100000
ORIG_RAX = 15 * 8
EVENT_EXEC = 4
WALL = 0x40000000
SHRINKING = {9, 11, 12, 25, 28, 59, 60, 231}
"""mmap, munmap, brk, mremap, madvise, execve, exit and exit_group, on x86_64."""

_libc = ctypes.CDLL(None, use_errno=True)
_libc.ptrace.argtypes = [ctypes.c_long] * 4
_libc.ptrace.restype = ctypes.c_long


@dataclass
class Peak:
    """The peaks of the largest process, in KiB; the two may be at different times."""

    resident: int = 0
    """Includes file pages: those of the program, which are in the page cache anyway and shared by all its processes."""
    anonymous: int = 0
    """Memory of the process alone: its heap and stack, and the pages of the program that it has written to."""

    def look_at(self, pid: int) -> None:
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
        found = {name: int(kib) for name, kib in re.findall(r"^(Rss|Anonymous): +(\d+) kB$", rollup, re.MULTILINE)}
        self.resident = max(self.resident, found["Rss"])
        self.anonymous = max(self.anonymous, found["Anonymous"])


def _ptrace(request: int, pid: int, address: int = 0, data: int = 0) -> int:
    ctypes.set_errno(0)
    result = _libc.ptrace(request, pid, address, data)
    if result == -1 and ctypes.get_errno() != 0:
        raise OSError(ctypes.get_errno(), "ptrace")
    return result


def _execute(command: Sequence[str], environment: Mapping[str, str]) -> None:
    """Runs in the traced child; it does not return."""
    try:
        nowhere = os.open(os.devnull, os.O_RDWR)
        for descriptor in range(3):
            os.dup2(nowhere, descriptor)
        _ptrace(TRACEME, 0)
        os.kill(os.getpid(), signal.SIGSTOP)
        os.execve(command[0], list(command), dict(environment))
    finally:
        os._exit(127)


def peak_of(command: Sequence[str], environment: Mapping[str, str]) -> Peak:
    """Runs a command that executes no other command, which would be counted as well."""
    assert platform.machine() == "x86_64"
    peak, has_begun = Peak(), False
    first = os.fork()
    if first == 0:
        _execute(command, environment)
    os.waitpid(first, 0)
    _ptrace(SETOPTIONS, first, 0, SYSGOOD | FORK | VFORK | CLONE | EXEC | EXITKILL)
    _ptrace(SYSCALL, first)
    running = {first}
    while running:
        pid, status = os.waitpid(-1, WALL)
        if not os.WIFSTOPPED(status):
            running.discard(pid)
            continue
        running.add(pid)
        stopped, event = os.WSTOPSIG(status), status >> 16
        delivered = 0
        if event == EVENT_EXEC:
            has_begun = True
        elif stopped == signal.SIGTRAP | 0x80:
            if has_begun and _ptrace(PEEKUSER, pid, ORIG_RAX) in SHRINKING:
                peak.look_at(pid)
        elif stopped not in (signal.SIGTRAP, signal.SIGSTOP):
            delivered = stopped
        _ptrace(SYSCALL, pid, 0, delivered)
    assert peak.resident > 0
    return peak
