"""The reference pages name everything that the program has, and the pages about the code name what exists."""

import json
import re
import subprocess
from collections.abc import Iterator

import pytest

from pages import FENCE, REPOSITORY, tracked

DOCS = REPOSITORY / "docs"


def page(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def section(text: str, heading: str) -> str:
    _, _, below = text.partition(f"\n## {heading}\n")
    assert below
    return below.partition("\n## ")[0]


def table(text: str) -> list[list[str]]:
    """The cells of the tables' rows, without headers."""
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("|")]
    rules = [index for index, cells in enumerate(rows) if set("".join(cells)) <= {"-", ":"}]
    heads = {*rules, *(index - 1 for index in rules)}
    return [cells for index, cells in enumerate(rows) if index not in heads]


def named(cells: list[str]) -> list[str]:
    """The text in backquotes."""
    return [name for cell in cells for name in re.findall(r"`([^`]+)`", cell)]


def test_the_events_are_those_of_the_program():
    sources = "\n".join(path.read_text(encoding="utf-8") for path in (REPOSITORY / "Sources/Entry").glob("*.swift"))
    literals = re.findall(r'"([a-z_]+\.[a-z_]+)"', sources)
    events = {literal for literal in literals if not literal.endswith((".py", ".cfg", ".pem"))}
    assert len(events) > 30
    shown = named([cells[0] for cells in table(section(page("json.md"), "Events"))])
    assert sorted(shown) == sorted(events)
    watched = named([cells[0] for cells in table(section(page("logs.md"), "Events to watch"))])
    assert watched and set(watched) <= events


def keys(schema: dict) -> Iterator[str]:
    """The keys that a schema describes; those for the steps of a connection are only in the schema."""
    for name, value in schema.get("properties", {}).items():
        yield name
        if name != "milliseconds":
            yield from keys(value)
    if "items" in schema:
        yield from keys(schema["items"])


@pytest.mark.parametrize("name", sorted(path.name for path in (DOCS / "schema").glob("*.json")))
def test_every_key_of_json_is_on_its_page(name):
    (shown,) = [cells[1] for cells in table(page("json.md")) if f"(schema/{name})" in cells[-1]]
    if name == "log.json":
        shown = " ".join(cells[0] for cells in table(section(page("json.md"), "Fields of the log")))
    described = list(keys(json.loads((DOCS / "schema" / name).read_text(encoding="utf-8"))))
    assert bool(described) == (name != "env.json")
    assert set(described) - set(named([shown])) == set()


def test_the_commands_and_their_options_are_those_of_help(binary):
    def told(*words: str) -> str:
        return subprocess.run([binary, "help", *words], capture_output=True, timeout=10, check=True).stdout.decode()

    rows = table(page("commands.md").partition("\n## ")[0])
    shown = {named(cells)[0].split()[0]: set(re.findall(r"--[a-z-]+", cells[2])) for cells in rows}
    commands = set(re.findall(r"^  psm-entry ([a-z][a-z-]+) ", told(), re.M))
    assert len(commands) == 9
    assert shown.keys() == commands | {"COMMAND"}
    for command in commands - {"help", "version"}:
        assert shown[command] == set(re.findall(r"^  (--[a-z-]+)", told(command), re.M)), command


def test_the_variables_of_a_private_bundle_are_on_their_page():
    source = (REPOSITORY / "Sources/Entry/ServiceEnvironment.swift").read_text(encoding="utf-8")
    variables = re.findall(r'"([A-Z_]+)"', source.partition("let trustVariables")[2].partition("]\n")[0])
    assert len(variables) == 8
    assert variables in [named(cells[:1]) for cells in table(page("variables.md"))]


def test_the_families_of_stores_are_on_their_page():
    source = (REPOSITORY / "Sources/Trust/StoreFamily.swift").read_text(encoding="utf-8")
    paths = re.findall(r'(?:anchors|bundle): "([^"]+)"', source)
    shown = named([cell for cells in table(section(page("files.md"), "System stores")) for cell in cells[2:]])
    assert len(paths) >= 8
    assert sorted(shown) == sorted(paths)


@pytest.mark.parametrize("name", ["code-tour.md", "design.md", "extending.md"])
def test_the_code_that_a_page_names_exists(name):
    files = tracked()
    code = "\n".join((REPOSITORY / file).read_text(encoding="utf-8") for file in files if file.endswith((".swift", ".py")))
    wrong = []
    for word in re.findall(r"`([^`\s]+)`", FENCE.sub("", page(name))):
        if re.fullmatch(r"[\w/+*]+\.(?:swift|py|json|md)", word):
            pattern = re.escape(word).replace(r"\*", "[^/]*")
            wrong += [] if any(re.search(f"(?:^|/){pattern}$", file) for file in files) else [word]
        elif re.fullmatch(r"[A-Za-z]+(?:\.[A-Za-z]+)*", word):
            wrong += [part for part in word.split(".") if not re.search(rf"\b{part}\b", code)]
    assert wrong == []
