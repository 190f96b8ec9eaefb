"""No output of psm-entry contains a proxy's password, whatever the URL and the command."""

import os
import random
import subprocess
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle

import pytest

from proxy_addresses import LEAK, address
from roots import ALONE

ADDRESSES = 10_000
PLACES = 7
LEVELS = ("debug", "info", "warning", "error", "quiet")
START = ["--", "/bin/true"]


@pytest.fixture(scope="module")
def environments(tmp_path_factory) -> list[dict[str, str]]:
    """The URLs in all places where one can occur: seven in an environment, one of them in a file."""
    directory = tmp_path_factory.mktemp("secrets")
    numbers = random.Random(20261123)
    made = []
    for index in range(ADDRESSES // PLACES + 1):
        seven = [address(numbers) for _ in range(PLACES)]
        secret = directory / str(index)
        secret.write_text(f"{seven[6]}\n", encoding="utf-8")
        made.append(
            {
                "PATH": "/usr/bin:/bin",
                "PSM_ENTRY_SYSTEM": "off",
                "PSM_ENTRY_BUNDLES": f"{directory}/none*",
                "HTTP_PROXY": seven[0],
                "http_proxy": seven[1],
                "Https_Proxy": seven[2],
                "https_proxy": seven[3],
                "FTP_PROXY": seven[4],
                "ftp_proxy": seven[5],
                "ALL_PROXY_FILE": str(secret),
                # A text without @ is not a URL where hosts are expected.
                "NO_PROXY": f"{seven[0]}@,{seven[2]}" if index % 2 else "localhost",
                "PSM_ENTRY_NO_PROXY": f"{seven[1]}@" if index % 3 else "db",
            }
        )
    return made


def outputs(binary, runs: Sequence[tuple[Sequence[str], Mapping[str, str]]]) -> list[bytes]:
    """Standard output and standard error of each run; as many runs at once as there are processors."""

    def one(asked: tuple[Sequence[str], Mapping[str, str]]) -> bytes:
        arguments, environment = asked
        result = subprocess.run(
            [*(ALONE if "check" in arguments else ()), binary, *arguments],
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=60,
            check=False,
        )
        return result.stdout + result.stderr

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(one, runs))


def assert_no_leak(binary, runs: Sequence[tuple[Sequence[str], Mapping[str, str]]]) -> list[bytes]:
    said = outputs(binary, runs)
    leaks = [(run, text) for run, text in zip(runs, said, strict=True) if LEAK.search(text)]
    assert leaks == [], f"{len(leaks)} of {len(runs)}, such as {leaks[0]}"
    return said


def test_the_search_finds_the_passwords_where_they_belong(binary, environments):
    """`env` is for machines and shows them. If the search missed them there, the other tests would prove nothing."""
    said = outputs(binary, [(["env", "--null", "--log", "quiet"], one) for one in environments[:300]])
    assert all(LEAK.search(text) for text in said)


def test_a_start_tells_no_password(binary, environments):
    levels = cycle([*LEVELS, "debug", "debug"])
    runs = [(["--log", level, *START], one) for level, one in zip(levels, environments)]
    said = assert_no_leak(binary, runs)
    # For most of the URLs something must be shown.
    assert sum(b":***@" in text for text in said) > len(said) / 4


def test_a_start_tells_no_password_as_json(binary, environments):
    json = ["--log-format", "json"]
    said = assert_no_leak(binary, [(["--log", "debug", *json, *START], one) for one in environments])
    assert sum(b":***@" in text for text in said) > len(said) / 4


@pytest.mark.parametrize("verb", ["plan", "check"])
def test_no_sub_command_tells_a_password(binary, environments, verb):
    forms = cycle([[], ["--json"], ["--json", "--log", "debug"]])
    said = assert_no_leak(binary, [([verb, *form], one) for form, one in zip(forms, environments)])
    assert sum(b":***@" in text for text in said) > len(said) / 4


WRONG_USE = [
    lambda url: ["check", "--proxy", url, "--unknown"],
    lambda url: ["plan", "--proxy", url],
    lambda url: ["plan", url],
    lambda url: [f"--{url}", *START],
    lambda url: [f"--unknown={url}", *START],
    lambda url: ["--prefer", url, *START],
    lambda url: [f"--log={url}", *START],
    lambda url: ["--log-format", url, *START],
    lambda url: ["--timeout", url, *START],
    lambda url: [f"--strict={url}", *START],
    lambda url: ["--system", url, *START],
    lambda url: ["check", "--json", url],
    lambda url: ["env", url],
    lambda url: ["check", "--target", url, "--json", "--null"],
]


def test_no_usage_error_tells_a_password(binary, environments):
    uses = cycle(WRONG_USE)
    plain = {"PATH": "/usr/bin:/bin"}
    runs = [(use(one["HTTP_PROXY"]), plain) for use, one in zip(uses, environments)]
    said = assert_no_leak(binary, runs)
    assert all(said)


def test_no_bad_setting_tells_a_password(binary, environments):
    names = cycle(["PREFER", "LOG", "LOG_FORMAT", "TIMEOUT", "STRICT", "SYSTEM", "HTTP_PROXY", "PROXY"])
    runs = [
        (["--log", "debug", *START], {**one, f"PSM_ENTRY_{name}": one["HTTP_PROXY"]})
        for name, one in zip(names, environments[:800])
    ]
    assert_no_leak(binary, runs)


def test_no_trial_of_a_proxy_tells_a_password(binary, environments, tmp_path):
    """The proxies are on a loopback port where nothing listens, for valid and invalid URLs alike."""
    runs = []
    for index, one in enumerate(environments[:60]):
        both = (one["HTTP_PROXY"], one["http_proxy"])
        nobody = [url.replace("proxy", "127.0.0.1").replace("8899", "1") for url in both]
        secret = tmp_path / str(index)
        secret.write_text(nobody[1], encoding="utf-8")
        use = ["check", "--proxy", nobody[0], "--proxy-file", str(secret), "--target", "https://127.0.0.1:1"]
        runs.append(([*use, *(["--json"] if index % 2 else [])], {"PATH": "/usr/bin:/bin"}))
    said = assert_no_leak(binary, runs)
    assert sum(b":***@" in text for text in said) > len(said) / 4
