"""Real containers whose seccomp profile refuses what is newer than Linux 3.10, as old engines and gVisor do."""

import json

import pytest

from certificates import certificates_of
from containers import BUNDLE

CALLS = ["renameat2", "getrandom", "statx", "close_range", "openat2", "faccessat2"]
"""Those that psm-entry or musl knows a use for and Linux got since 3.10."""
ERRORS = {"EPERM": 1, "ENOSYS": 38}


def profile(path, calls, error):
    refused = {"names": calls, "action": "SCMP_ACT_ERRNO", "errnoRet": ERRORS[error]}
    path.write_text(json.dumps({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [refused]}), encoding="utf-8")
    return ["--security-opt", f"seccomp={path}"]


@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize("calls", [*([call] for call in CALLS), CALLS], ids=lambda calls: calls[0] if len(calls) == 1 else "all")
def test_every_command_works_where_a_newer_call_is_refused(container, binary, proxy, tmp_path, calls, error):
    box = container(binary, options=profile(tmp_path / "seccomp.json", calls, error))
    service = box.service()
    assert (service.pid, service.children) == (1, 0)
    assert [line for line in box.said() if "error: " in line or "warning: " in line] == [], box.log()
    assert proxy.authority.der in certificates_of(box.read(BUNDLE))
    # Not curl: it needs getrandom itself.
    assert box.run("/psm-entry", "--log", "quiet", "--", "printenv", "https_proxy").stdout.decode() == f"{proxy.url}\n"
    for command in (["check"], ["plan"], ["certs"], ["env"], ["install", "/tmp/psm-entry"]):
        told = box.run("/psm-entry", *command)
        assert told.returncode == 0, (command, told.stdout, told.stderr)
    assert box.run("/tmp/psm-entry", "--version").returncode == 0
