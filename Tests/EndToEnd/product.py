"""A stand-in for the product: images with an ENTRYPOINT and a CMD, and a directory with its compose file."""

import os
import shutil
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from containers import HERE, Container, succeed
from network import Proxy, wait_for

SHIMS = HERE / "shims"
ENTRYPOINT = "/usr/local/bin/repo"
IMAGES = {"psm/repo_api:1": '["api"]', "psm/repo_worker:1": '["worker"]', "psm/other:1": '["other"]'}
"""The images' names and their CMD."""


def build_images(base: str) -> None:
    """Builds the product's images on the tests' own; what is there already costs nothing."""
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
            options = ["--quiet", "--pull-never", "--format", "docker", "--tag", name, "--file", file.name]
            succeed("build", *options, str(HERE / "compose"), seconds=120)


def url_from_containers(proxy: Proxy) -> str:
    """The proxy's URL for containers on a network of their own."""
    return proxy.url.replace("127.0.0.1", "host.containers.internal")


def environment(**more: str) -> dict[str, str]:
    """What a person's shell has: `docker` is podman with the tests' settings."""
    tools = Path(sys.executable).parent
    return {
        "PATH": f"{SHIMS}:{tools}:{os.environ['PATH']}",
        "HOME": os.environ.get("HOME", "/root"),
        "CONTAINERS_CONF": str(HERE / "containers.conf"),
        **more,
    }


@dataclass(frozen=True)
class Project:
    """A directory with the product's compose file, and what a person runs in it."""

    directory: Path
    variables: Mapping[str, str]

    @property
    def certs(self) -> Path:
        return self.directory / "config" / "ca_certs"

    def run(self, *command: str, seconds: float = 120) -> str:
        """Runs a command in the directory; it must succeed. Gives what it said on both outputs."""
        result = subprocess.run(
            command,
            cwd=self.directory,
            env=environment(**self.variables),
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
        return self.run("docker", "compose", *arguments)

    def container(self, service: str) -> Container:
        """The service's container as it now is."""
        labels = [f"label=com.docker.compose.project={self.directory.name}", f"label=com.docker.compose.service={service}"]
        filters = [option for label in labels for option in ("--filter", label)]
        return Container(succeed("ps", "--all", "--quiet", *filters).decode().strip())

    def said(self, service: str, text: str, times: int = 1) -> str:
        """Waits until the service's log holds the text so often, and gives the log."""
        box = self.container(service)

        def log() -> str | None:
            said = box.log()
            return said if said.count(text) >= times else None

        try:
            return wait_for(f"{service} says {text}", 60, log)
        except TimeoutError as error:
            raise AssertionError(f"{error}; it said:\n{box.log()}") from error


def make_project(directory: Path, proxy_url: str, source: str) -> Project:
    """Lays out the product's directory below `directory`, under a name of its own."""
    project = directory / f"psm-{uuid.uuid4().hex[:8]}"
    (project / "config" / "ca_certs").mkdir(parents=True)
    shutil.copy(HERE / "compose" / "docker-compose.yml", project)
    variables = {"CONFIG": "./config", "PROXY": proxy_url, "SOURCE": source}
    return Project(project, variables)


BINARY_IMAGE = "psm/psm-entry:1"


def build_binary_image(binary: Path, directory: Path) -> None:
    """The stage `binary` of Dockerfile.example, with a binary that is there already."""
    shutil.copy(binary, directory / "psm-entry")
    file = str(HERE.parents[1] / "Dockerfile.example")
    options = ["--quiet", "--format", "docker", "--build-context", f"build={directory}", "--target", "binary"]
    succeed("build", *options, "--file", file, "--tag", BINARY_IMAGE, str(directory), seconds=120)
