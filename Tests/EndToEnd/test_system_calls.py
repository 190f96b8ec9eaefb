"""A start without changes makes the system calls of docs/system-calls.md and no others."""

import re
from pathlib import Path

import pytest

import system_calls
from certificates import Authority, write


@pytest.fixture
def scene(tmp_path: Path):
    return system_calls.make(tmp_path)


def test_the_page_is_current(scene):
    written = system_calls.PAGE.read_text(encoding="utf-8")
    assert written == system_calls.page(scene), "run Tests/EndToEnd/system_calls.py --write, and read what changed"


def test_each_file_is_read_once_and_none_written(scene):
    _, child = system_calls.trace(scene)
    assert system_calls.names(child).count("read") == 4, "one CA, two bundles and the store"
    assert not any("O_WRONLY" in line or "O_RDWR" in line or "O_CREAT" in line for line in child)
    assert {"fsync", "renameat", "unlinkat", "mkdirat", "flock"}.isdisjoint(system_calls.names(child))


def test_a_file_that_several_variables_name_is_read_once(scene):
    bundle = "/etc/ssl/certs/other.pem"
    write(scene.directory / bundle[1:], Authority.named("Public").pem)
    _, child = system_calls.trace(scene, dict.fromkeys(["SSL_CERT_FILE", "CURL_CA_BUNDLE", "PIP_CERT"], bundle))
    assert sum(bundle in line for line in child if line.startswith("openat")) == 1


def test_nothing_depends_on_the_current_directory(scene):
    parent, child = system_calls.trace(scene)
    paths = [re.search(r'AT_FDCWD, "([^"]*)"', line) for line in [*parent, *child]]
    executed = [re.match(r'execve\("([^"]*)"', line) for line in [*parent, *child]]
    found = [match.group(1) for match in [*paths, *executed] if match]
    assert len(found) >= 3
    assert all(path.startswith("/") for path in found), found
