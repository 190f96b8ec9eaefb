"""Runs real clients against recording proxies in one container without a network, before and after psm-entry."""

import json
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import containers
from containers import HERE

REPO = HERE.parent.parent
CLIENTS = ("curl", "wget", "git", "urllib", "requests", "pip", "aiohttp", "httpx", "rattler", "uv", "Go", "Ruby")
CLIENTS += ("Node", "Node fetch")


def build_image() -> str:
    built = subprocess.run([HERE / "build-clients-image"], stdout=subprocess.PIPE, timeout=900, check=True)
    return built.stdout.decode().strip()


@dataclass(frozen=True)
class Scene:
    """What there is inside the container: addresses on loopback, names, and the recording servers' places."""

    addresses: Sequence[str]
    names: Mapping[str, str]
    servers: Sequence[str]


def run(image: str, binary: Path, directory: Path, scene: Scene, jobs: Iterable[Mapping[str, object]]) -> dict:
    """Gives `versions` of the clients and `results`: `before`, `after`, `log` and `check` of each job.

    `directory` is empty and the caller's.
    """
    asked = {"addresses": scene.addresses, "servers": scene.servers, "jobs": list(jobs)}
    (directory / "jobs").write_text(json.dumps(asked))
    options = ["--rm", "--network", "none", "--cap-add", "NET_ADMIN", "--hostname", "worker"]
    options += ["--sysctl", "net.ipv6.conf.all.disable_ipv6=0"]
    for name, address in scene.names.items():
        options += ["--add-host", f"{name}:{address}"]
    for source, target in {binary: "/psm-entry", HERE: "/tests", directory: "/asked"}.items():
        options += ["--volume", f"{source}:{target}:ro"]
    command = ["/conda/bin/python", "/tests/matrix/run.py", "/asked/jobs"]
    return json.loads(containers.succeed("run", *options, "--env", "PYTHONPATH=/tests", image, *command, seconds=300))


def versions_text(versions: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {number}" for name, number in versions.items())


def groups_text(answers: Mapping[str, str]) -> str:
    """`answer`: the clients that gave it, in the order in which the clients are listed."""
    groups: dict[str, list[str]] = {}
    for client, answer in answers.items():
        groups.setdefault(answer, []).append(client)
    if len(groups) == 1:
        return f"{next(iter(groups))}: every client"
    return "; ".join(f"{answer}: {', '.join(names)}" for answer, names in groups.items())


def check_page(path: Path, text: str, write: bool) -> None:
    """A page of the docs holds what was measured; with `--write` it is written first."""
    if write:
        path.write_text(text, encoding="utf-8")
    assert path.read_text(encoding="utf-8") == text, f"{path} is not what was measured: run the test with --write"


def client_name(label: str) -> str:
    """The client whose name is part of a URL: there, it is without spaces and in lower case."""
    return next(client for client in CLIENTS if label_of(client) == label)


def label_of(client: str) -> str:
    return client.lower().replace(" ", "-")
