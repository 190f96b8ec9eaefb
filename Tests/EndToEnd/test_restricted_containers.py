"""Containers that may write little or nothing: the clients reach the origin all the same, or the log says why not."""

import shlex
from collections.abc import Sequence
from pathlib import Path

import pytest

from clients import CA_VARIABLES, CLIENTS
from containers import BUNDLE, CERTIFI, Container
from network import BODY


def trying_all(url: str) -> Sequence[str]:
    """A service that lets every client fetch the URL, reports each result, and prints its environment."""
    tries = [
        f"{shlex.join([*client, url])} >/dev/null && echo '{name}: reached' || echo '{name}: failed'"
        for name, client in CLIENTS.items()
    ]
    return ["sh", "-c", "; ".join([*tries, "env"])]


def reached(box: Container) -> list[str]:
    box.exit_status()
    log = box.log().splitlines()
    return [name for name in CLIENTS if f"{name}: reached" in log]


def exported(box: Container) -> dict[str, str]:
    entries = dict(line.split("=", 1) for line in box.log().splitlines() if "=" in line)
    return {name: value for name, value in entries.items() if name in CA_VARIABLES}


READ_ONLY = ["--read-only", "--read-only-tmpfs=true"]
BARE = ["--read-only", "--read-only-tmpfs=false"]

# Options, and the location of the private bundle; None if there is none because every store can be written.
RESTRICTED = {
    "read-only": (READ_ONLY, "/run/psm-entry/cacert.pem"),
    "read-only without a tmpfs": (BARE, "/dev/shm/psm-entry-0/cacert.pem"),
    "arbitrary user in root's group": (["--user", "1000:0"], "/tmp/psm-entry-1000/cacert.pem"),
    "no capability": (["--cap-drop", "all"], None),
    "no capability, arbitrary user": (["--cap-drop", "all", "--user", "1000:0"], "/tmp/psm-entry-1000/cacert.pem"),
    "read-only, arbitrary user": ([*READ_ONLY, "--user", "1000:0"], "/tmp/psm-entry-1000/cacert.pem"),
    "all of it": ([*BARE, "--cap-drop", "all", "--user", "1000:0"], "/dev/shm/psm-entry-1000/cacert.pem"),
}


@pytest.mark.parametrize("kind", RESTRICTED)
def test_every_client_reaches_the_origin(container, binary, origin, kind):
    options, private = RESTRICTED[kind]
    box = container(binary, options=options, command=trying_all(origin.url))
    assert reached(box) == list(CLIENTS), box.log()
    names = CA_VARIABLES - {"SSL_CERT_DIR"} if private else set()
    assert exported(box) == dict.fromkeys(names, private)
    assert [line for line in box.said() if "error: " in line] == []


def test_without_any_place_to_write_the_log_says_what_is_not_possible(container, binary, origin):
    box = container(binary, options=[*BARE, "--ipc", "none"], command=trying_all(origin.url))
    assert reached(box) == []
    assert exported(box) == {}
    for path in (BUNDLE, CERTIFI):
        assert [line for line in box.said() if f"error: {path}: " in line], box.log()
    assert [line for line in box.said() if "system store" in line], box.log()


def test_strict_ends_where_nothing_can_be_written(container, binary, origin):
    options = [*BARE, "--ipc", "none"]
    box = container(binary, options=options, settings={"PSM_ENTRY_STRICT": "1"}, command=trying_all(origin.url))
    assert box.exit_status() == 78


@pytest.fixture
def mounted_bundle(container, tmp_path: Path) -> Path:
    """The image's own bundle as a file on the host."""
    box = container(None)
    box.service()
    path = tmp_path / "cacert.pem"
    path.write_bytes(box.read(BUNDLE))
    return path


@pytest.mark.parametrize("mode", ["rw", "ro"])
def test_a_bundle_mounted_as_a_single_file_is_left_alone_and_a_private_one_serves(
    container, binary, origin, mounted_bundle, mode
):
    before = mounted_bundle.read_bytes()
    volume = ["--volume", f"{mounted_bundle}:{BUNDLE}:{mode}"]
    box = container(binary, options=volume, command=trying_all(origin.url))
    assert reached(box) == list(CLIENTS), box.log()
    assert exported(box) == dict.fromkeys(CA_VARIABLES - {"SSL_CERT_DIR"}, "/run/psm-entry/cacert.pem")
    assert mounted_bundle.read_bytes() == before
    assert [path.name for path in mounted_bundle.parent.glob(".psm*")] == []


def test_a_second_bundle_that_cannot_be_replaced_is_an_error_and_named(container, binary, origin, mounted_bundle):
    volume = ["--volume", f"{mounted_bundle}:{CERTIFI}:rw"]
    box = container(binary, options=volume, command=trying_all(origin.url))
    assert reached(box) == ["curl", "aiohttp"]
    assert [line for line in box.said() if f"error: {CERTIFI}: " in line], box.log()
    assert exported(box) == {}


def test_the_user_of_the_user_option_reads_the_private_bundle(container, binary, origin, mounted_bundle):
    volume = ["--volume", f"{mounted_bundle}:{BUNDLE}:rw"]
    settings = {"PSM_ENTRY_USER": "1000"}
    box = container(binary, options=volume, settings=settings, command=trying_all(origin.url))
    assert reached(box) == list(CLIENTS), box.log()


def test_an_exchanged_authority_is_exchanged_in_the_private_bundle(container, binary, certs, origin, second_proxy):
    box = container(binary, options=["--read-only", "--read-only-tmpfs=true"])
    box.service()
    (certs / "ca_cert.pem").write_bytes(second_proxy.authority.pem)
    service = box.restart()
    variables = service.variables()
    proxies = {"HTTPS_PROXY": second_proxy.url, "SSL_CERT_FILE": variables["SSL_CERT_FILE"]}
    assert box.run(*CLIENTS["aiohttp"], origin.url, environment=proxies).stdout == BODY
    former = {"SSL_CERT_FILE": variables["SSL_CERT_FILE"]}
    assert box.run(*CLIENTS["aiohttp"], origin.url, environment=former).returncode != 0
