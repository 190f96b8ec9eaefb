"""The cost of the shipped binary: its size, and the work of a start that changes nothing.

Run as a program, it records the cost of build/psm-entry in cost.json (`make record-cost`); test_cost.py compares
later builds with it.
"""

import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from certificates import Authority, write

HERE = Path(__file__).parent
BINARY = HERE.parent.parent / "build" / "psm-entry"
RECORD = HERE / "cost.json"
# As many certificates as Mozilla's bundle, but always the same number.
PUBLIC = 120
ENVIRONMENT = {"PATH": "/usr/bin:/bin", "HTTPS_PROXY": "http://user1:pw1@127.0.0.1:3128"}
# Of this many starts, the one with the fewest page faults counts: the file cache occasionally adds some.
STARTS = 10
# The exit status if the command cannot be executed.
REFUSED = 126


def _start(binary: Path, directory: Path) -> list[str]:
    """A start in a directory that an earlier start has already brought up to date."""
    bundle = write(directory / "bundle.pem", b"".join(Authority.named(f"Public {n:03}").pem for n in range(PUBLIC)))
    write(directory / "certs" / "ca.pem", Authority.named("Corp Proxy Root").pem)
    settings = ["--certs", str(directory / "certs"), "--bundles", str(bundle), "--system", "off"]
    # The command is a link to itself: only execve discovers that, and callgrind writes nothing for a process that
    # executes another program.
    service = directory / "service"
    service.symlink_to("service")
    start = [str(binary), *settings, "--", str(service)]
    _run(start)
    return start


def _run(command: Sequence[str], ends_with: int = REFUSED) -> None:
    result = subprocess.run(command, env=ENVIRONMENT, capture_output=True, timeout=120, check=False)
    if result.returncode != ends_with:
        raise RuntimeError(f"{command[0]} ended with {result.returncode}: {result.stderr.decode()}")


def instructions(start: Sequence[str], ends_with: int = REFUSED) -> int:
    """Instructions of both processes, up to the point where the service would begin."""
    with tempfile.TemporaryDirectory() as directory:
        counting = ["valgrind", "--quiet", "--tool=callgrind", f"--callgrind-out-file={directory}/callgrind.%p"]
        _run([*counting, *start], ends_with)
        counted = [file.read_text() for file in Path(directory).iterdir()]
    totals = [re.search(r"^totals: (\d+)$", text, re.MULTILINE) for text in counted]
    counts = [int(total.group(1)) for total in totals if total]
    if len(counts) != 2:
        raise RuntimeError(f"callgrind counted {len(counts)} processes, not the parent and the child")
    return sum(counts)


def page_faults(start: Sequence[str], ends_with: int = REFUSED) -> int:
    """The minor page faults of a command and of everything that it waits for."""
    counts = []
    for _ in range(STARTS):
        with open(os.devnull, "wb") as nowhere:
            silent = [(os.POSIX_SPAWN_DUP2, nowhere.fileno(), number) for number in (1, 2)]
            process = os.posix_spawn(start[0], start, ENVIRONMENT, file_actions=silent)
        # It ends by itself, because its preparation has a time limit. Its usage includes the processes it waited for.
        _, status, usage = os.wait4(process, 0)
        if os.waitstatus_to_exitcode(status) != ends_with:
            raise RuntimeError(f"{start[0]} ended with {os.waitstatus_to_exitcode(status)}")
        counts.append(usage.ru_minflt)
    return min(counts)


def cost_of(binary: Path) -> dict[str, int]:
    with tempfile.TemporaryDirectory() as directory:
        # The number of pages that one fault maps depends on how the file came into the cache; a copy is in it as a
        # whole.
        start = _start(Path(shutil.copy(binary, directory)), Path(directory))
        return {
            "bytes": binary.stat().st_size,
            "instructions": instructions(start),
            "page faults": page_faults(start),
        }


if __name__ == "__main__":
    RECORD.write_text(json.dumps(cost_of(BINARY), indent=2) + "\n", encoding="utf-8")
    print(RECORD.read_text(encoding="utf-8"), end="")
