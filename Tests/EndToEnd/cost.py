"""What the shipped binary costs: its size, and the instructions of a start that changes nothing.

Run as a program it records the cost of build/psm-entry in cost.json (`make record-cost`), which
test_cost.py holds later builds against.
"""

import json
import re
import subprocess
import tempfile
from pathlib import Path

from certificates import Authority, write

HERE = Path(__file__).parent
BINARY = HERE.parent.parent / "build" / "psm-entry"
RECORD = HERE / "cost.json"
# As many certificates as Mozilla's bundle has, but always the same number of them.
PUBLIC = 120


def _instructions(binary: Path, directory: Path) -> int:
    """Instructions of both processes of an unchanged start, up to where the service would begin."""
    bundle = write(directory / "bundle.pem", b"".join(Authority.named(f"Public {n:03}").pem for n in range(PUBLIC)))
    write(directory / "certs" / "ca.pem", Authority.named("Corp Proxy Root").pem)
    settings = ["--certs", str(directory / "certs"), "--bundles", str(bundle), "--system", "off"]
    # A command that does not exist: callgrind writes nothing for a process that became another.
    start = [str(binary), *settings, "--", "/nonexistent"]
    callgrind = ["valgrind", "--quiet", "--tool=callgrind", f"--callgrind-out-file={directory}/callgrind.%p"]
    environment = {"PATH": "/usr/bin:/bin", "HTTPS_PROXY": "http://user1:pw1@127.0.0.1:3128"}
    for command in (start, [*callgrind, *start]):
        result = subprocess.run(command, env=environment, capture_output=True, timeout=120, check=False)
        if result.returncode != 127:
            raise RuntimeError(f"{command[0]} ended with {result.returncode}: {result.stderr.decode()}")
    totals = [re.search(r"^totals: (\d+)$", file.read_text(), re.MULTILINE) for file in directory.glob("callgrind.*")]
    counts = [int(total.group(1)) for total in totals if total]
    if len(counts) != 2:
        raise RuntimeError(f"callgrind counted {len(counts)} processes, not the parent and the child")
    return sum(counts)


def cost_of(binary: Path) -> dict[str, int]:
    with tempfile.TemporaryDirectory() as directory:
        return {"bytes": binary.stat().st_size, "instructions": _instructions(binary, Path(directory))}


if __name__ == "__main__":
    RECORD.write_text(json.dumps(cost_of(BINARY), indent=2) + "\n", encoding="utf-8")
    print(RECORD.read_text(encoding="utf-8"), end="")
