"""The binary built from source a second time, elsewhere: with the README's own command, in a Docker container."""

import shlex
import shutil
import subprocess
from pathlib import Path

from containers import HERE, Engine, podman, succeed
from pages import blocks
from product import Project

REPOSITORY = HERE.parent.parent
LIBRARIES = "binutils git libc6-dev libcurl4 libedit2 libgcc-12-dev libncurses6 libsqlite3-0 libstdc++-12-dev libxml2"
UNUSED = ["clangd", "docc", "lldb*", "liblldb*", "sourcekit*", "libsourcekit*", "swift-format", "swiftpm-testing*"]
UNUSED += ["libclang.so*", "lib_Foundation*.a", "lib_TestingInterop*"]
UNUSED += [f"{target}.swift*" for target in ("*-apple-none-macho", "a*-none-none-*", "riscv*-none-*", "wasm*-none-*", "i686-*-none-*")]
"""Large directories that a build does not use."""


def build_builder(engine: Engine, image: str, directory: Path) -> str:
    """A small version of the official Swift image: its libraries on the tests' Debian, and this machine's toolchain."""
    swift = shutil.which("swift")
    assert swift is not None
    toolchain = Path(swift).resolve().parents[2]
    recipe = directory / "Containerfile"
    recipe.write_text(f"""
        FROM {image}
        RUN apt-get update && apt-get install --no-install-recommends --yes {LIBRARIES}
    """)
    name = "localhost/psm-entry-builder"
    options = ["--quiet", "--pull-never", "--network", "host", "--file", str(recipe), "--tag", name]
    succeed("build", *options, str(directory), seconds=300)
    root = succeed("image", "mount", name).decode().strip()
    pack = ["tar", "--create", *[f"--exclude={pattern}" for pattern in UNUSED]]
    pack += ["--directory", root, ".", "--directory", "/", str(toolchain / "usr").removeprefix("/")]
    packing = subprocess.Popen(pack, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert packing.stdout is not None
    path = f"ENV PATH={toolchain}/usr/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    try:
        subprocess.run(
            ["docker", "import", "--change", path, "-", name],
            env=dict(engine.environment),
            stdin=packing.stdout,
            stdout=subprocess.DEVNULL,
            timeout=300,
            check=True,
        )
        assert packing.wait(timeout=5) == 0
    finally:
        packing.stdout.close()
        packing.kill()
        podman("image", "unmount", name)
    return name


def build_from_source(engine: Engine, image: str, directory: Path, commit: str) -> Path:
    """Runs the README's command in a clone; returns the path of the binary from its image.

    - commit: the commit that the binary should name.
    """
    builder = build_builder(engine, image, directory)
    clone = directory / "clone"
    clone.mkdir()
    for name in ("Package.swift", "Dockerfile.example"):
        shutil.copy(REPOSITORY / name, clone)
    for name in ("Sources", "Packaging"):
        shutil.copytree(REPOSITORY / name, clone / name)
    (shown,) = [block for block in blocks(REPOSITORY / "README.md") if block.run_by.startswith("from_source.py")]
    command = [*shlex.split(shown.text), "--build-arg", f"BUILDER={builder}", "--build-arg", f"COMMIT={commit}"]
    Project(clone, {}, engine).run(*command, seconds=600)
    hand_out = ["run", "--rm", "--entrypoint", "/psm-entry", "--volume", f"{directory}:/out"]
    engine.succeed(*hand_out, "psm-entry", "install", "/out")
    return directory / "psm-entry"
