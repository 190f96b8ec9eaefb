"""`HTTP_PROXY_FILE` and the like: the file wins; for one that cannot be read the message has a remedy that works."""

import os
import subprocess
from pathlib import Path

import pytest

FILE_PROXY = "http://user1:pw1@file.corp:3128"
PLAIN_PROXY = "http://user2:pw2@plain.corp:3128"


@pytest.fixture
def start(binary: Path, tmp_path: Path):
    """Starts as root or as 1000:1000, and returns the service's environment and the log."""
    # Directories that a user other than root must be able to enter.
    for directory in [tmp_path, *tmp_path.parents[:-2]]:
        directory.chmod(directory.stat().st_mode | 0o055)
    copy = tmp_path / "psm-entry"
    copy.write_bytes(binary.read_bytes())
    copy.chmod(0o755)

    def run(environment: dict[str, str], user: int = 0) -> tuple[dict[str, str], str]:
        become = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups"] if user else []
        command = [*become, copy, "--system", "off", "--bundles", "/none*", "--", "/usr/bin/env", "-0"]
        path = {"PATH": "/usr/bin:/bin", "NO_PROXY": "*"}
        done = subprocess.run(command, env={**path, **environment}, capture_output=True, timeout=60, check=True)
        log = done.stderr.decode()
        assert "pw1" not in log and "pw2" not in log
        return dict(entry.split("=", 1) for entry in done.stdout.decode().split("\0") if entry), log

    return run


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    path = tmp_path / "proxy_url"
    path.write_text(f"{FILE_PROXY}\n")
    path.chmod(0o600)
    return path


def test_what_docker_injects_beside_the_override_is_not_used(start, secret: Path):
    """~/.docker/config.json sets lower case, while the override empties only upper case."""
    injected = {"http_proxy": PLAIN_PROXY, "https_proxy": PLAIN_PROXY, "HTTP_PROXY": "", "HTTPS_PROXY": ""}
    names = {"HTTP_PROXY_FILE": str(secret), "HTTPS_PROXY_FILE": str(secret)}
    environment, log = start({**injected, **names})
    assert {environment[name] for name in injected} == {FILE_PROXY}
    assert "warning: https_proxy: conflicting values: using HTTPS_PROXY_FILE (http://user1:***@file.corp:3128)" in log
    assert '"proxies" in ~/.docker/config.json' in log
    environment, log = start({**dict.fromkeys(injected, ""), **names})
    assert {environment[name] for name in injected} == {FILE_PROXY} and "warning" not in log


def unreadable(secret: Path) -> dict[str, str]:
    return {"HTTPS_PROXY_FILE": str(secret), "https_proxy": PLAIN_PROXY}


def test_a_secret_of_roots_says_what_helps_another_user(start, secret: Path):
    environment, log = start(unreadable(secret), user=1000)
    assert environment["HTTPS_PROXY"] == PLAIN_PROXY
    assert f"error: HTTPS_PROXY_FILE: {secret}: permission denied, using https_proxy instead; " in log
    for remedy in ("make it readable for uid 1000", "'environment:' instead of 'file:'", "PSM_ENTRY_USER=1000"):
        assert remedy in log


@pytest.mark.parametrize("remedy", ["owner", "mode", "root"])
def test_each_remedy_helps(start, secret: Path, remedy: str):
    environment, user = unreadable(secret), 1000
    if remedy == "owner":
        os.chown(secret, 1000, 1000)
    elif remedy == "mode":
        secret.chmod(0o644)
    else:
        environment, user = {**environment, "PSM_ENTRY_USER": "1000"}, 0
    found, log = start(environment, user)
    assert found["HTTPS_PROXY"] == FILE_PROXY and "error" not in log


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("missing", "no such file or directory, using https_proxy instead; mount the secret or unset the variable"),
        (".", "not a regular file, using https_proxy instead; mount a file that contains the proxy's URL"),
    ],
)
def test_what_is_no_secret_is_told(start, tmp_path: Path, path: str, told: str):
    environment, log = start(unreadable(tmp_path / path))
    assert environment["HTTPS_PROXY"] == PLAIN_PROXY and told in log


def test_an_empty_secret_counts_as_unset(start, secret: Path):
    secret.write_text("\n")
    environment, log = start(unreadable(secret))
    assert environment["HTTPS_PROXY"] == PLAIN_PROXY
    assert "warning: HTTPS_PROXY_FILE: empty file, using https_proxy instead; " in log


def test_in_a_pod_the_cluster_is_reached_without_the_proxy(start):
    """The variables that Kubernetes sets in every container."""
    pod = {
        "KUBERNETES_SERVICE_HOST": "10.96.0.1",
        "KUBERNETES_SERVICE_PORT": "443",
        "KUBERNETES_PORT": "tcp://10.96.0.1:443",
        "KUBERNETES_PORT_443_TCP_ADDR": "10.96.0.1",
    }
    environment, _ = start({**pod, "https_proxy": PLAIN_PROXY, "NO_PROXY": "repo"})
    entries = environment["no_proxy"].split(",")
    assert entries[0] == "repo" and {"10.96.0.1", ".svc", ".cluster.local", "localhost"} <= set(entries)
    assert start({**pod, "NO_PROXY": "repo"})[0]["no_proxy"] == "repo"
