"""Runs a program with exactly the arguments, environment, signals and descriptors that a test needs."""

import contextlib
import ctypes
import os
import signal
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

_libc = ctypes.CDLL(None, use_errno=True)
LIMIT = 60


@dataclass(frozen=True)
class Ending:
    """The result of a program. `status` is the shell's: 128+N if a signal ended it."""

    status: int
    output: bytes
    errors: bytes


def _strings(values: Sequence[bytes]) -> ctypes.Array:
    return (ctypes.c_char_p * (len(values) + 1))(*values, None)


def start(
    arguments: Sequence[bytes],
    environment: Sequence[bytes],
    output: int,
    errors: int,
    prepare: Callable[[], None] = lambda: None,
) -> int:
    """Forks and executes; entries of the environment may be duplicates or lack a `=`."""
    child = os.fork()
    if child:
        return child
    try:
        signal.pthread_sigmask(signal.SIG_SETMASK, [])
        # A background job of the shell ignores SIGINT, and so do the processes that it starts.
        for number in (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)
        os.dup2(output, 1)
        os.dup2(errors, 2)
        prepare()
        _libc.execve(arguments[0], _strings(arguments), _strings(environment))
    finally:
        os._exit(99)


@contextlib.contextmanager
def full_pipe() -> Iterator[tuple[int, int]]:
    """A full pipe, its reading and its writing end; the writing end blocks."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(writing, b"x" * 4096)
    os.set_blocking(writing, True)
    try:
        yield reading, writing
    finally:
        os.close(reading)
        os.close(writing)


def run(
    arguments: Sequence[bytes],
    environment: Sequence[bytes] = (b"PATH=/usr/bin:/bin",),
    prepare: Callable[[], None] = lambda: None,
) -> Ending:
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        child = start(arguments, environment, output.fileno(), errors.fileno(), prepare)
        status = wait(child)
        output.seek(0)
        errors.seek(0)
        return Ending(status, output.read(), errors.read())


def wait(child: int) -> int:
    def too_late(*_: object) -> None:
        os.kill(child, signal.SIGKILL)
        raise TimeoutError(f"process {child} did not end in {LIMIT} s")

    before = signal.signal(signal.SIGALRM, too_late)
    signal.alarm(LIMIT)
    try:
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
    return 128 - code if code < 0 else code
