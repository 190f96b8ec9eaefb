"""Real containers whose seccomp profile refuses system calls newer than Linux 3.10, as old engines and gVisor do.

With podman and Docker. `--all` also refuses each call on its own.
"""

import json

import pytest

from certificates import certificates_of
from containers import BUNDLE, PODMAN

CALLS = ["renameat2", "getrandom", "statx", "close_range", "openat2", "faccessat2"]
"""The system calls that psm-entry or musl may use and that Linux introduced after 3.10."""
ERRORS = {"EPERM": 1, "ENOSYS": 38}
# Not curl, which itself needs getrandom.
COMMANDS = """set -eu
for command in check plan certs env "install /tmp/psm-entry"; do
  /psm-entry $command >/tmp/said 2>&1 || { echo "$command: $?"; cat /tmp/said; exit 1; } >&2
done
/tmp/psm-entry --version >/tmp/said
exec /psm-entry --log quiet -- printenv https_proxy
"""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    alone = [[call] for call in CALLS] if metafunc.config.getoption("--all") else []
    metafunc.parametrize("calls", [CALLS, *alone], ids=lambda calls: calls[0] if len(calls) == 1 else "all")


@pytest.fixture(params=["podman", "docker"])
def engine(request):
    return PODMAN if request.param == "podman" else request.getfixturevalue("docker")


def refusing(path, calls, error):
    """Options of `run` that make these calls fail."""
    refused = {"names": calls, "action": "SCMP_ACT_ERRNO", "errnoRet": ERRORS[error]}
    path.write_text(json.dumps({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [refused]}), encoding="utf-8")
    return ["--security-opt", f"seccomp={path}"]


@pytest.mark.parametrize("error", ERRORS)
def test_every_command_works_where_a_newer_call_is_refused(container, engine, binary, proxy, tmp_path, calls, error):
    box = container(binary, options=refusing(tmp_path / "seccomp.json", calls, error), engine=engine)
    service = box.service()
    assert (service.pid, service.children) == (1, 0)
    assert [line for line in box.said() if "error: " in line or "warning: " in line] == [], box.log()
    assert proxy.authority.der in certificates_of(box.read(BUNDLE))
    told = box.run("sh", "-c", COMMANDS)
    assert (told.returncode, told.stdout.decode()) == (0, f"{proxy.url}\n"), told.stderr.decode()


@pytest.mark.parametrize("error", ERRORS)
def test_the_control_sees_the_profile(container, engine, tmp_path, calls, error):
    """Otherwise the test above could not fail: a Python in the same sandbox gets the error from each call."""
    numbers = {"renameat2": 316, "getrandom": 318, "statx": 332, "close_range": 436, "openat2": 437, "faccessat2": 439}
    script = "import ctypes, sys; call = ctypes.CDLL(None, use_errno=True).syscall\n"
    script += "for number in sys.argv[1:]: print(call(int(number), -1, -1, -1, -1, -1), ctypes.get_errno())"
    box = container(None, options=refusing(tmp_path / "seccomp.json", calls, error), engine=engine)
    box.service()
    told = box.run("/conda/bin/python", "-c", script, *(str(numbers[call]) for call in calls))
    assert told.stdout.decode().splitlines() == [f"-1 {ERRORS[error]}"] * len(calls), told
