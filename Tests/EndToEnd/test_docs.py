"""The docs match the program, every command in them works, and every link resolves."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml

import product
from certificates import write
from containers import HERE
from pages import COMMANDS, REPOSITORY, anchors, blocks, links, pages, tracked
from roots import BUNDLE, NATIVE_ANCHORS, NATIVE_STORE, authority, base
from settings_table import PAGES, section, table

BLOCKS = [block for page in pages() for block in blocks(page)]
HERE_RUN = [block for block in BLOCKS if block.language in COMMANDS and not block.run_by]
MIRRORED = "mirror: https://origin.test/: 200 200"


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_the_settings_are_those_of_help(path, binary):
    shown = section(path.read_text(encoding="utf-8"))
    assert shown == table(binary)
    assert shown.count("\n") == 18


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(REPOSITORY)))
def test_every_link_leads_to_a_file_of_the_project_or_is_an_https_address(page):
    files = tracked()
    directories = {str(parent) for name in files for parent in Path(name).parents}
    wrong = []
    for link in links(page):
        if re.match(r"[a-z]+:", link):
            address = urlsplit(link)
            wrong += [] if address.scheme == "https" and "." in (address.hostname or "") else [link]
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        name = str(target.relative_to(REPOSITORY)) if target.is_relative_to(REPOSITORY) else "outside"
        known = name in files or name in directories
        wrong += [] if known and (not anchor or anchor in anchors(target)) else [link]
    assert wrong == []


def test_every_page_is_reached_from_the_readme():
    reached, waiting = set(), [REPOSITORY / "README.md"]
    while waiting:
        page = waiting.pop()
        if page in reached or page.suffix != ".md" or not page.is_file():
            continue
        reached.add(page)
        waiting += [(page.parent / link.partition("#")[0]).resolve() for link in links(page) if ":" not in link]
    assert set(pages()) - reached == set()


@pytest.mark.parametrize("block", [block for block in BLOCKS if block.run_by], ids=lambda block: block.name)
def test_a_command_that_is_run_elsewhere_is_run_by_what_the_page_names(block):
    file, _, function = block.run_by.partition("::")
    assert re.search(rf"^def {re.escape(function)}\(", (HERE / file).read_text(encoding="utf-8"), re.M)


def test_no_command_stands_outside_a_fence():
    """An indented block would never be run."""
    for page in pages():
        text = page.read_text(encoding="utf-8")
        assert not re.search(r"(?:^|\n)(?:    |\t)(?:make|docker|psm-entry|podman|kubectl) ", text), page


def test_what_is_shown_as_yaml_or_json_can_be_read():
    read = {"yaml": yaml.safe_load, "json": json.loads}
    for block in (block for block in BLOCKS if block.language in read):
        assert read[block.language](block.text), block.name


def test_the_log_in_the_readme_is_what_a_start_says(binary, tmp_path):
    (shown,) = [block for block in BLOCKS if block.run_by.endswith("::test_the_log_in_the_readme_is_what_a_start_says")]
    root = tmp_path / "root"
    pem = authority("Corp Proxy Root").pem
    write(root / "etc/repo/ca_certs/corp-proxy-root.crt", pem)
    for store in (NATIVE_STORE, BUNDLE):
        write(root / store.lstrip("/"), base())
    (root / NATIVE_ANCHORS.lstrip("/")).mkdir(parents=True)
    proxy = {name: "http://user:password@proxy.corp:8899" for name in ("HTTP_PROXY", "HTTPS_PROXY")}
    command = [binary, "--root", root, "--", "/bin/true"]
    told = subprocess.run(command, env=proxy, capture_output=True, timeout=60, check=True).stderr.decode()
    dated = re.compile(r"valid until \d{4}-\d\d-\d\d")
    log = [line for line in shown.text.splitlines() if line.startswith("psm-entry: ")]
    assert [dated.sub("", line) for line in log] == [dated.sub("", line) for line in told.splitlines()]


def test_the_readme_is_short():
    assert len((REPOSITORY / "README.md").read_text(encoding="utf-8").splitlines()) <= 130


def test_the_demo_runs():
    told = subprocess.run([sys.executable, "demo/run"], cwd=REPOSITORY, capture_output=True, timeout=120, check=False)
    assert told.returncode == 0, told.stdout + told.stderr


class Reader:
    """A user with a clone and a tarball, in the directory of the product's compose file."""

    def __init__(self, project, home, proxy_url):
        self.project, self.home = project, home
        self.examples = {
            "http://user:password@proxy.corp:8899": proxy_url,
            "/opt/anaconda/repo/config/ca_certs": "./config/ca_certs",
        }

    def run(self, text):
        for shown, real in self.examples.items():
            text = text.replace(shown, real)
        environment = {**self.project.variables, "HOME": str(self.home)}
        reader = product.Project(self.project.directory, environment, self.project.engine)
        return reader.run("bash", "-euc", text)


@pytest.fixture
def reader(tmp_path, docker, image, binary, lan_proxy, origin):
    product.build_images(image, docker)
    built = tmp_path / "built"
    built.mkdir()
    product.build_binary_image(binary, built, docker)
    # The names that the pages use for the images.
    docker.succeed("tag", product.BINARY_IMAGE, "psm-entry")
    docker.succeed("tag", "psm/repo_worker:1", "repo_worker:latest")
    home = tmp_path / "home"
    unpacked = home / "psm-entry-0.0.0-linux-x86_64"
    for directory in (unpacked, home / "psm-entry"):
        shutil.copytree(REPOSITORY / "examples", directory / "examples")
    shutil.copy(binary, unpacked)
    (home / "corp-proxy-root.crt").write_bytes(lan_proxy.authority.pem)
    proxy_url = product.url_from_containers(lan_proxy, docker)
    made = product.make_project(tmp_path, proxy_url, origin.url, docker)
    made.compose("up", "--detach")
    yield Reader(made, home, proxy_url)
    made.compose("down", "--timeout", "0")


def told_in_order():
    """compose.md ends where it began; the README then leaves the product behind psm-entry for all other pages."""
    first = [REPOSITORY / "docs" / "compose.md", REPOSITORY / "README.md"]
    return [block for page in first for block in HERE_RUN if block.page == page] + [
        block for block in HERE_RUN if block.page not in first
    ]


def test_the_commands_of_all_pages_work_one_after_the_other(reader):
    for block in told_in_order():
        try:
            reader.run(block.commands)
            if "compose up" in block.text and (reader.project.directory / "docker-compose.override.yml").exists():
                reader.project.said("repo_worker", MIRRORED)
        except AssertionError as error:
            raise AssertionError(f"{block.name}: {error}") from error
    assert (reader.project.directory / "docker-compose.override.yml").exists()
