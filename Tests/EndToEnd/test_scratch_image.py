"""The binary needs no other file: no shell, no loader, no directory."""

import io
import subprocess
import tarfile

import pytest

import containers


@pytest.fixture(scope="module")
def scratch(binary, tmp_path_factory):
    """An image that contains only the binary."""
    archive = tmp_path_factory.mktemp("scratch") / "image.tar"
    content = binary.read_bytes()
    with tarfile.open(archive, "w") as tar:
        member = tarfile.TarInfo("psm-entry")
        member.mode = 0o755
        member.size = len(content)
        tar.addfile(member, io.BytesIO(content))
    name = containers.succeed("import", "--quiet", str(archive)).decode().strip()
    yield name
    containers.succeed("rmi", "--force", name)


def run(image: str, *arguments: str, options: tuple[str, ...] = ()) -> subprocess.CompletedProcess[bytes]:
    return containers.podman("run", "--rm", "--network", "none", *options, image, *arguments)


def test_the_image_holds_nothing_else(scratch):
    layers = containers.succeed("image", "inspect", "--format", "{{len .RootFS.Layers}}", scratch)
    assert layers.strip() == b"1"
    refused = run(scratch, "/bin/sh")
    assert refused.returncode == 127


def test_it_becomes_a_command_there(scratch):
    direct = run(scratch, "/psm-entry", "--version")
    assert direct.returncode == 0, direct.stderr
    assert direct.stdout.startswith(b"psm-entry ")
    become = run(scratch, "/psm-entry", "--", "/psm-entry", "--version")
    assert become.returncode == 0, become.stderr
    assert become.stdout == direct.stdout


def test_a_missing_command_is_127_there(scratch):
    assert run(scratch, "/psm-entry", "--", "/nothing").returncode == 127


def test_it_installs_itself_into_a_volume(scratch, binary, tmp_path):
    result = run(scratch, "/psm-entry", "install", "/out", options=("--volume", f"{tmp_path}:/out"))
    assert result.returncode == 0, result.stderr
    installed = tmp_path / "psm-entry"
    assert installed.read_bytes() == binary.read_bytes()
    assert installed.stat().st_mode & 0o7777 == 0o755
