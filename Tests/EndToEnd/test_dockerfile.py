"""Dockerfile.example: its first stage builds the shipped binary, the others the images that run it."""

import json
import shutil
import subprocess
import uuid

import pytest

from conftest import REPOSITORY
from containers import BUNDLE, CERTS, SERVICE, Container, podman, succeed
from from_source import build_from_source
from pages import blocks

VERSION = "1.2.3"


def new_name():
    return f"localhost/psm-entry-example:{uuid.uuid4().hex}"


@pytest.fixture(scope="module")
def build(binary, image, tmp_path_factory):
    """Builds a stage with the existing binary instead of the first stage."""
    directory = tmp_path_factory.mktemp("built")
    shutil.copy(binary, directory / "psm-entry")
    names = []

    def run(target):
        name = new_name()
        options = ["--build-context", f"build={directory}", "--target", target]
        for argument in (f"BASE={image}", f"VERSION={VERSION}"):
            options += ["--build-arg", argument]
        file = str(REPOSITORY / "Dockerfile.example")
        # The cache of this podman ignores the value of a variable in a label.
        options += ["--no-cache", "--quiet", "--pull-never", "--format", "docker", "--file", file, "--tag", name]
        succeed("build", *options, str(directory), seconds=300)
        names.append(name)
        return name

    yield run
    for name in names:
        podman("rmi", "--force", name)


def configuration(name):
    return json.loads(succeed("image", "inspect", name))[0]["Config"]


def run(name, *command, options=()):
    return succeed("run", "--rm", "--network", "none", "--no-healthcheck", *options, name, *command).decode()


def test_built_from_source_in_a_container_it_is_the_same_to_the_byte(request, binary, image, tmp_path):
    if not request.config.getoption("--all"):
        pytest.skip("one more build: make test-all")
    told = subprocess.run([binary, "--version", "--json"], check=True, capture_output=True, timeout=60)
    docker = request.getfixturevalue("docker")
    rebuilt = build_from_source(docker, image, tmp_path, json.loads(told.stdout)["commit"])
    assert rebuilt.read_bytes() == binary.read_bytes()


def test_the_image_with_the_binary_alone_runs_and_says_what_it_is(build):
    name = build("binary")
    assert run(name, options=["--entrypoint", '["/psm-entry", "--version"]']).startswith("psm-entry ")
    box = Container(succeed("create", name).decode().strip())
    try:
        exported = subprocess.run(["podman", "export", box.name], capture_output=True, timeout=60, check=True).stdout
        listed = subprocess.run(["tar", "-t"], input=exported, capture_output=True, timeout=60, check=True).stdout
    finally:
        box.remove()
    assert "psm-entry" in listed.decode().split()
    assert not [path for path in listed.decode().split() if path.startswith(("bin/", "lib", "usr/"))]
    labels = configuration(name)["Labels"]
    assert labels["org.opencontainers.image.version"] == VERSION
    assert labels["org.opencontainers.image.licenses"] == "Apache-2.0"


def health_check():
    """The opt-in health check: the command in the line that is commented out."""
    (line,) = [line for line in (REPOSITORY / "Dockerfile.example").read_text().splitlines() if "HEALTHCHECK" in line]
    assert line.startswith("# ")
    return " ".join(json.loads(line.split(" CMD ")[1]))


def test_the_derived_image_starts_the_restated_service_and_is_healthy_where_that_is_asked(build, image, certs, proxy):
    name = build("service")
    given = configuration(name)
    assert given["Entrypoint"] == ["/usr/local/bin/psm-entry", "--"]
    assert given["Cmd"] == [SERVICE]
    assert given.get("User", "") == ""
    assert given["Labels"]["org.opencontainers.image.base.name"] == image
    assert given["Labels"]["psm-entry.version"] == VERSION
    assert not given.get("Healthcheck")
    options = ["--health-cmd", health_check(), "--detach", "--network", "none", "--volume", f"{certs}:{CERTS}:ro"]
    box = Container(succeed("run", *options, name).decode().strip())
    try:
        service = box.service()
        assert (service.pid, service.arguments) == (1, [SERVICE])
        assert proxy.authority.pem in box.read(BUNDLE)
        assert podman("healthcheck", "run", box.name).returncode == 0
    finally:
        box.remove()


def test_the_non_root_variant_serves_a_private_bundle(build, certs, proxy):
    name = build("nonroot")
    assert configuration(name)["User"] == "1000:0"
    show = 'id -u; id -g; cat "$SSL_CERT_FILE"; psm-entry check >/dev/null && echo healthy'
    said = run(name, "/bin/sh", "-c", show, options=["--volume", f"{certs}:{CERTS}:ro"])
    assert said.splitlines()[:2] == ["1000", "0"]
    assert proxy.authority.pem.decode() in said
    assert said.endswith("healthy\n")


def test_the_dockerfile_in_the_readme_builds(binary, image, tmp_path):
    (shown,) = [block for block in blocks(REPOSITORY / "README.md") if block.language == "Dockerfile"]
    shutil.copy(binary, tmp_path / "psm-entry")
    (tmp_path / "Dockerfile").write_text(shown.text, encoding="utf-8")
    name = new_name()
    options = ["--quiet", "--pull-never", "--format", "docker", "--build-arg", f"BASE={image}", "--tag", name]
    succeed("build", *options, str(tmp_path), seconds=300)
    try:
        assert run(name, "/bin/echo", "started") == "started\n"
    finally:
        podman("rmi", "--force", name)
