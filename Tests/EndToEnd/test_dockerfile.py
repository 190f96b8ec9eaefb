"""Dockerfile.example: the images it makes, with a binary that is built already in place of its first stage."""

import json
import shutil
import uuid

import pytest

from conftest import REPOSITORY
from containers import SERVICE, podman, succeed


@pytest.fixture(scope="module")
def build(binary, image, tmp_path_factory):
    folder = tmp_path_factory.mktemp("built")
    shutil.copy(binary, folder / "psm-entry")
    names = []

    def run(target: str) -> str:
        name = f"localhost/psm-entry-example:{uuid.uuid4().hex}"
        options = ["--build-context", f"build={folder}", "--build-arg", f"BASE={image}", "--target", target]
        file = str(REPOSITORY / "Dockerfile.example")
        succeed("build", "--quiet", "--format", "docker", "--file", file, *options, "--tag", name, str(folder), seconds=300)
        names.append(name)
        return name

    yield run
    for name in names:
        podman("rmi", "--force", name)


def test_the_derived_image_starts_the_restated_service(build):
    name = build("service")
    config = json.loads(succeed("image", "inspect", name))[0]["Config"]
    assert config["Entrypoint"] == ["/usr/local/bin/psm-entry", "--"]
    assert config["Cmd"] == [SERVICE]
    answer = succeed("run", "--rm", "--network", "none", "--no-healthcheck", name, "/bin/echo", "started")
    assert answer == b"started\n"


def test_the_image_with_the_binary_alone_runs(build):
    name = build("binary")
    answer = succeed("run", "--rm", "--network", "none", "--entrypoint", "/psm-entry", name, "--version")
    assert answer.startswith(b"psm-entry ")
