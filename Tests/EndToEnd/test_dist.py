"""`make dist`: the same bytes from the same source wherever it was built, and everything that belongs to it."""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
from spdx_tools.spdx.model import RelationshipType
from spdx_tools.spdx.parser.parse_anything import parse_file
from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document

from conftest import REPOSITORY

COMMITTED = "1700000000"


def packed(directory, program):
    """Packs in a copy of the repository with this binary; gives the directory that is handed out."""
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(listing, cwd=REPOSITORY, check=True, capture_output=True, timeout=30).stdout
    for name in filter(None, listed.decode().split("\0")):
        target = directory / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(REPOSITORY / name, target)
    (directory / ".venv").symlink_to(Path(sys.prefix))
    (directory / "build").mkdir()
    shutil.copy(program, directory / "build" / "psm-entry")
    environment = {**os.environ, "SOURCE_DATE_EPOCH": COMMITTED}
    subprocess.run(["Packaging/dist"], cwd=directory, env=environment, check=True, capture_output=True, timeout=120)
    return directory / "dist"


@pytest.fixture(scope="module")
def handed_out(binary, tmp_path_factory):
    return packed(tmp_path_factory.mktemp("one"), binary)


@pytest.fixture(scope="module")
def unpacked(handed_out, tmp_path_factory):
    directory = tmp_path_factory.mktemp("unpacked")
    (tarball,) = handed_out.glob("*.tar.gz")
    with tarfile.open(tarball) as archive:
        archive.extractall(directory, filter="data")
    return directory / tarball.name.removesuffix(".tar.gz")


def test_two_builds_in_different_directories_are_the_same_to_the_byte(handed_out, rebuilt, tmp_path_factory):
    other = packed(tmp_path_factory.mktemp("another-directory") / "with" / "a longer name", rebuilt)
    contents = {path.name: path.read_bytes() for path in handed_out.iterdir()}
    assert contents == {path.name: path.read_bytes() for path in other.iterdir()}
    assert len(contents) == 3


def test_make_dist_builds_and_packs():
    plan = subprocess.run(["make", "--dry-run", "dist"], cwd=REPOSITORY, check=True, capture_output=True, timeout=60)
    commands = plan.stdout.decode()
    assert commands.index("swift build -c release") < commands.index("Packaging/dist")


def test_the_tarball_holds_what_a_person_needs(unpacked, binary):
    assert (unpacked / "psm-entry").read_bytes() == binary.read_bytes()
    assert os.access(unpacked / "psm-entry", os.X_OK)
    for name in ("README.md", "LICENSE", "LICENSE.musl", "examples/compose.override.yml", "docs/compose.md"):
        assert (unpacked / name).stat().st_size > 0
    links = re.findall(r"\]\(([^)#:]+)[^):]*\)", (unpacked / "README.md").read_text(encoding="utf-8"))
    assert [link for link in links if not (unpacked / link).exists()] == []


def test_the_sums_hold_for_every_file(handed_out, unpacked):
    for directory in (handed_out, unpacked):
        subprocess.run(["sha256sum", "--check", "--strict", "SHA256SUMS"], cwd=directory, check=True, timeout=60)
        listed = {line.split("  ", 1)[1] for line in (directory / "SHA256SUMS").read_text().splitlines()}
        there = {str(path.relative_to(directory)) for path in directory.rglob("*") if path.is_file()}
        assert listed == there - {"SHA256SUMS"}


def test_the_version_stands_in_one_place(handed_out, binary):
    said = subprocess.run([binary, "--version"], check=True, capture_output=True, timeout=60).stdout.decode()
    version = said.removeprefix("psm-entry ").strip()
    made = subprocess.run(["make", "--silent", "version"], cwd=REPOSITORY, check=True, capture_output=True, timeout=60)
    assert made.stdout.decode().strip() == version
    assert (handed_out / f"psm-entry-{version}-linux-x86_64.tar.gz").is_file()


def test_the_sbom_is_valid_spdx_and_names_what_is_linked_in(handed_out, binary):
    (path,) = handed_out.glob("*.spdx.json")
    document = parse_file(str(path))
    assert validate_full_spdx_document(document) == []
    sums = {each["algorithm"]: each["checksumValue"] for each in json.loads(path.read_text())["files"][0]["checksums"]}
    assert sums["SHA256"] == hashlib.sha256(binary.read_bytes()).hexdigest()
    linked = {
        relationship.related_spdx_element_id.removeprefix("SPDXRef-Package-")
        for relationship in document.relationships
        if relationship.relationship_type == RelationshipType.STATIC_LINK
    }
    assert linked == {"musl", "swift-standard-library"}
    assert all(package.version for package in document.packages)
    assert document.creation_info.created.isoformat() == "2023-11-14T22:13:20"
