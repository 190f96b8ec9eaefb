"""A stand-in for the product: images with an ENTRYPOINT and a CMD, and a directory with its compose file."""

import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from containers import HERE, PODMAN, Container, Engine, building
from docker_engine import load
from network import Proxy, wait_for

ENTRYPOINT = "/usr/local/bin/repo"
IMAGES = {"psm/repo_api:1": '["api"]', "psm/repo_worker:1": '["worker"]', "psm/other:1": '["other"]'}
"""The names of the images, and the CMD of each."""


def build(engine: Engine, *options: str, seconds: float = 120) -> None:
    """Builds an image in Docker's format from a local base."""
    own = ["--pull-never", "--format", "docker"] if engine is PODMAN else []
    with building():
        engine.succeed("build", "--quiet", *own, *options, seconds=seconds)


def build_images(base: str, engine: Engine = PODMAN) -> None:
    """Builds the product's images from the tests' own; images that exist already cost nothing."""
    if engine is not PODMAN:
        load(engine, base)
    for name, command in IMAGES.items():
        recipe = f"""
        FROM {base}
        COPY --chmod=0755 repo {ENTRYPOINT}
        ENTRYPOINT ["{ENTRYPOINT}"]
        CMD {command}
        """
        with tempfile.NamedTemporaryFile("w", suffix=".Containerfile") as file:
            file.write(recipe)
            file.flush()
            build(engine, "--tag", name, "--file", file.name, str(HERE / "compose"))


def url_from_containers(proxy: Proxy, engine: Engine = PODMAN) -> str:
    """The proxy's URL for containers on a network of their own."""
    return proxy.url.replace("127.0.0.1", engine.host)


@dataclass(frozen=True)
class Project:
    """A directory with the product's compose file, and the commands that a user runs in it."""

    directory: Path
    variables: Mapping[str, str]
    engine: Engine = PODMAN

    @property
    def certs(self) -> Path:
        return self.directory / "config" / "ca_certs"

    def run(self, *command: str, seconds: float = 120) -> str:
        """Runs a command in the directory; it must succeed. Returns both its outputs."""
        result = subprocess.run(
            command,
            cwd=self.directory,
            env={**self.engine.environment, **self.variables},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=seconds,
            check=False,
        )
        said = result.stdout.decode(errors="replace")
        assert result.returncode == 0, f"{' '.join(command)}: status {result.returncode}\n{said}"
        return said

    def compose(self, *arguments: str) -> str:
        return self.run(*self.engine.compose, *arguments)

    def container(self, service: str) -> Container:
        """The current container of the service."""
        labels = [f"label=com.docker.compose.project={self.directory.name}", f"label=com.docker.compose.service={service}"]
        filters = [option for label in labels for option in ("--filter", label)]
        return Container(self.engine.succeed("ps", "--all", "--quiet", *filters).decode().strip(), engine=self.engine)

    def said(self, service: str, text: str, times: int = 1) -> str:
        """Waits until the service's log contains the text this many times, and returns the log."""
        box = self.container(service)

        def log() -> str | None:
            said = box.log()
            return said if said.count(text) >= times else None

        try:
            return wait_for(f"{service} says {text}", 60, log)
        except TimeoutError as error:
            raise AssertionError(f"{error}; it said:\n{box.log()}") from error


def make_project(directory: Path, proxy_url: str, source: str, engine: Engine = PODMAN) -> Project:
    """Creates the product's directory in `directory`, under a name of its own."""
    project = directory / f"psm-{uuid.uuid4().hex[:8]}"
    (project / "config" / "ca_certs").mkdir(parents=True)
    shutil.copy(HERE / "compose" / "docker-compose.yml", project)
    variables = {"CONFIG": "./config", "PROXY": proxy_url, "SOURCE": source}
    return Project(project, variables, engine)


BINARY_IMAGE = "psm/psm-entry:1"


def build_binary_image(binary: Path, directory: Path, engine: Engine = PODMAN) -> None:
    """The stage `binary` of Dockerfile.example, with an existing binary."""
    shutil.copy(binary, directory / "psm-entry")
    file = str(HERE.parents[1] / "Dockerfile.example")
    options = ["--build-context", f"build={directory}", "--target", "binary"]
    build(engine, *options, "--file", file, "--tag", BINARY_IMAGE, str(directory))
