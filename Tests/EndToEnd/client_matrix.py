"""Runs real clients with recording proxies in one container without a network, before and after psm-entry."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

import containers
from containers import HERE

Row = TypeVar("Row")
REPO = HERE.parent.parent
CLIENTS = ("curl", "wget", "git", "urllib", "requests", "pip", "aiohttp", "httpx", "rattler", "uv", "Go", "Ruby")
CLIENTS += ("Node", "Node fetch")
OLDER, NEWER = "Debian 12", "Debian 13"
SYSTEMS = {OLDER: "bookworm", NEWER: "trixie"}
"""The systems whose clients are tried, and the names of their releases."""


def build_image(release: str) -> str:
    return containers.built_image("build-clients-image", release)


@dataclass(frozen=True)
class Scene:
    """What exists inside the container: loopback addresses, names, and the addresses of the recording servers."""

    addresses: Sequence[str]
    names: Mapping[str, str]
    servers: Sequence[str]


def run(image: str, binary: Path, directory: Path, scene: Scene, jobs: Iterable[Mapping[str, object]]) -> dict:
    """Returns `versions` of the clients and `results`: `before`, `after`, `log` and `check` of each job.

    `directory` is empty and belongs to the caller.
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


@dataclass(frozen=True)
class Matrix(Generic[Row]):
    """The results for the rows of a table with the clients of one system."""

    versions: Mapping[str, str]
    rows: Sequence[tuple[Row, dict]]
    """The input of psm-entry. `before` and `after` are None if no client was tried."""

    @property
    def results(self) -> Sequence[tuple[Row, dict]]:
        """The rows that were tried with clients."""
        return [(row, result) for row, result in self.rows if result["before"]]


class Measurement(Generic[Row]):
    """A table that is tried with the clients of each system, once, when its results are needed.

    If `every` is false, only a part of it is tried: every fifth row on Debian 12, every fifteenth on Debian 13, and
    on both the rows for which the page shows a difference.
    """

    def __init__(
        self,
        page: Path,
        rows: Sequence[Row],
        title: Callable[[Row], str],
        ask: Callable[[str, Sequence[Row], Sequence[bool]], dict],
        every: bool,
    ) -> None:
        """`title` is the first cell of a row; `ask` runs an image with rows, and with the rows that clients are to try."""
        assert len({title(row) for row in rows}) == len(rows)
        self._rows, self._title, self._ask, self._every = rows, title, ask, every
        self._known = {} if every else _differences_on(page)
        self._matrices: dict[str, Matrix[Row]] = {}

    def __getitem__(self, system: str) -> Matrix[Row]:
        if system not in self._matrices:
            step = 5 if system == OLDER else 15
            wanted = [self._every or i % step == 0 or self._title(row) in self._known for i, row in enumerate(self._rows)]
            answer = self._ask(build_image(SYSTEMS[system]), self._rows, wanted)
            self._matrices[system] = Matrix(answer["versions"], list(zip(self._rows, answer["results"], strict=True)))
        return self._matrices[system]

    def differences(self, compare: Callable[[Row, dict, dict], list[str]]) -> list[str]:
        """The lines of the page's table of differences; for rows that were not tried, those of the page."""
        older, newer = ({self._title(row): result for row, result in self[system].results} for system in SYSTEMS)
        lines = []
        for row in self._rows:
            title = self._title(row)
            cells = compare(row, older[title], newer[title]) if title in newer else self._known.get(title, [])
            lines += [f"| {title} | {rest} |" for rest in cells]
        return lines


def _differences_on(page: Path) -> dict[str, list[str]]:
    """For each row's title: the other cells in the page's table of differences."""
    found: dict[str, list[str]] = {}
    _, _, section = page.read_text(encoding="utf-8").partition(f"\n## {NEWER}\n")
    for line in section.splitlines():
        title, _, rest = line.removeprefix("| ").removesuffix(" |").partition(" | ")
        if rest:
            found.setdefault(title, []).append(rest)
    return found


def difference_text(columns: str, versions: Mapping[str, str], differences: Sequence[str]) -> str:
    """The section of a page about what Debian 13's clients do differently."""
    head = f"## {NEWER}\n\nMeasured with {versions_text(versions)}."
    if not differences:
        return f"{head} Nothing differs.\n"
    table = [f"| {columns} | {OLDER} | {NEWER} |", "|---" * (columns.count("|") + 3) + "|", *differences]
    return f"{head} Only this differs:\n\n" + "\n".join(table) + "\n"


def versions_text(versions: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {number}" for name, number in versions.items())


def groups_text(answers: Mapping[str, str]) -> str:
    """`answer`: the clients that gave it, in the usual order of clients."""
    groups: dict[str, list[str]] = {}
    for client, answer in answers.items():
        groups.setdefault(answer, []).append(client)
    if len(groups) == 1:
        return f"{next(iter(groups))}: every client"
    return "; ".join(f"{answer}: {', '.join(names)}" for answer, names in groups.items())


def check_page(path: Path, text: str, write: bool) -> None:
    """A page of the docs contains the measurements; with `--write` it is rewritten first."""
    if write:
        path.write_text(text, encoding="utf-8")
    assert path.read_text(encoding="utf-8") == text, f"{path} is not what was measured: run the test with --write"


def client_name(label: str) -> str:
    """The client whose name is in a URL, where it is in lower case and without spaces."""
    return next(client for client in CLIENTS if label_of(client) == label)


def label_of(client: str) -> str:
    return client.lower().replace(" ", "-")
