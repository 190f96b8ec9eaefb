"""The binary built from source once more, elsewhere: by Dockerfile.example's first stage, in a container."""

import shutil
import uuid
from pathlib import Path

from containers import HERE, Container, podman, succeed

REPOSITORY = HERE.parent.parent
LIBRARIES = "binutils git libc6-dev libcurl4 libedit2 libgcc-12-dev libncurses6 libsqlite3-0 libstdc++-12-dev libxml2"


def build_builder(image: str, directory: Path) -> str:
    """The official Swift image in small: its libraries on the tests' Debian; the toolchain is mounted."""
    recipe = directory / "Containerfile"
    recipe.write_text(f"""
        FROM {image}
        RUN apt-get update && apt-get install --no-install-recommends --yes {LIBRARIES}
        ENV PATH=/opt/swift/usr/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
    """)
    name = "localhost/psm-entry-builder"
    options = ["--quiet", "--pull-never", "--network", "host", "--file", str(recipe), "--tag", name]
    succeed("build", *options, str(directory), seconds=300)
    return name


def build_from_source(image: str, directory: Path) -> Path:
    """Builds in an own directory; gives the binary's path."""
    swift = shutil.which("swift")
    assert swift is not None
    toolchain = Path(swift).resolve().parents[2]
    builder = build_builder(image, directory)
    source = directory / "source"
    source.mkdir()
    shutil.copy(REPOSITORY / "Package.swift", source)
    shutil.copytree(REPOSITORY / "Sources", source / "Sources")
    name = f"localhost/psm-entry-from-source:{uuid.uuid4().hex}"
    options = ["--build-arg", f"BUILDER={builder}", "--volume", f"{toolchain}:/opt/swift:ro", "--target", "binary"]
    options += ["--quiet", "--pull-never", "--network", "host", "--format", "docker"]
    options += ["--file", str(REPOSITORY / "Dockerfile.example"), "--tag", name]
    succeed("build", *options, str(source), seconds=600)
    box = Container(succeed("create", name).decode().strip())
    try:
        succeed("cp", f"{box.name}:/psm-entry", str(directory / "psm-entry"))
    finally:
        box.remove()
        podman("rmi", "--force", name)
    return directory / "psm-entry"
