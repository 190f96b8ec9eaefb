"""The page of engines and systems names the versions that the tests use."""

import json
import re

import pytest

import containers
from client_matrix import NEWER, OLDER, REPO, SYSTEMS, build_image

PAGE = REPO / "docs" / "systems.md"
ASK = """
import re, subprocess, sys
for name, *command in (
    ("Python", sys.executable, "--version"),
    ("OpenSSL", "openssl", "version"),
    ("GnuTLS", "sh", "-c", "dpkg-query --show 'libgnutls30*' | cut -f 2"),
    ("curl", "curl", "--version"),
    ("git", "git", "--version"),
    ("p11-kit", "dpkg-query", "--show", "--showformat", "${Version}", "p11-kit"),
):
    print(name, re.search(r"\\d+\\.\\d+", subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True).stdout).group())
"""


def row(name: str) -> list[str]:
    """The cells of a row."""
    (line,) = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith(f"| {name}")]
    return line.strip("| ").split(" | ")


@pytest.mark.parametrize("system", [OLDER, NEWER])
def test_the_page_names_the_versions_of_a_system(system):
    said = containers.succeed("run", "--rm", "--network", "none", build_image(SYSTEMS[system]), "/conda/bin/python", "-c", ASK)
    assert row(f"{system} |")[1] == ", ".join(said.decode().splitlines())


def test_the_page_names_the_versions_of_the_engines(docker):
    told = json.loads(docker.succeed("version", "--format", "json"))["Server"]["Version"]
    compose = docker.succeed("compose", "version", "--short").decode()
    buildx = docker.succeed("buildx", "version").decode()
    podman = containers.succeed("--version").decode()
    docker_s, compose_s, buildx_s, podman_s = (
        re.search(r"\d+\.\d+", text).group() for text in (told, compose, buildx, podman)
    )
    assert row("Docker")[0] == f"Docker {docker_s}, Compose {compose_s}, buildx {buildx_s}"
    assert row("podman")[0] == f"podman {podman_s}, podman-compose"
