"""`make dist` makes the same bytes from the same source wherever it was built, with everything that belongs to a release."""

import contextlib
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import jsonschema
import pytest
from google.protobuf.json_format import Parse
from in_toto_attestation.predicates.provenance.v1 import provenance_pb2
from in_toto_attestation.v1 import statement_pb2
from in_toto_attestation.v1.statement import Statement
from lib4vex.parser import VEXParser
from spdx_tools.spdx.model import RelationshipType
from spdx_tools.spdx.parser.parse_anything import parse_file
from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document

import product
from conftest import REPOSITORY
from containers import podman, succeed
from pages import blocks
from test_docs import MIRRORED, Reader, told_in_order

COMMITTED = "1700000000"
ARCHITECTURES = ["x86_64", "aarch64"]
EMULATORS = {"x86_64": [], "aarch64": ["qemu-aarch64-static"]}


@pytest.fixture(scope="module")
def binaries(binary, aarch64_binary):
    return {"x86_64": binary, "aarch64": aarch64_binary}


def identity(binary, emulator=()):
    told = subprocess.run([*emulator, binary, "--version", "--json"], check=True, capture_output=True, timeout=60)
    return json.loads(told.stdout)


def packed(directory, binaries):
    """Packs in a copy of the repository with these binaries; returns the directory with the release files."""
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(listing, cwd=REPOSITORY, check=True, capture_output=True, timeout=30).stdout
    for name in filter(None, listed.decode().split("\0")):
        target = directory / name
        target.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileNotFoundError):
            shutil.copy(REPOSITORY / name, target)
    (directory / ".venv").symlink_to(Path(sys.prefix))
    (directory / "build" / "aarch64").mkdir(parents=True)
    shutil.copy(binaries["x86_64"], directory / "build" / "psm-entry")
    shutil.copy(binaries["aarch64"], directory / "build" / "aarch64" / "psm-entry")
    commit = identity(binaries["x86_64"])["commit"]
    environment = {**os.environ, "SOURCE_DATE_EPOCH": COMMITTED, "PSM_ENTRY_COMMIT": commit}
    subprocess.run(["Packaging/dist"], cwd=directory, env=environment, check=True, capture_output=True, timeout=120)
    return directory / "dist"


@pytest.fixture(scope="module")
def handed_out(binaries, tmp_path_factory):
    return packed(tmp_path_factory.mktemp("one"), binaries)


@pytest.fixture(scope="module")
def version(binary):
    return identity(binary)["version"]


@pytest.fixture(scope="module", params=ARCHITECTURES)
def architecture(request):
    return request.param


@pytest.fixture(scope="module")
def unpacked(handed_out, architecture, version, tmp_path_factory):
    directory = tmp_path_factory.mktemp("unpacked")
    name = f"psm-entry-{version}-linux-{architecture}"
    with tarfile.open(handed_out / f"{name}.tar.gz") as archive:
        archive.extractall(directory, filter="data")
    return directory / name


# The same bytes


def test_what_is_packed_in_different_directories_is_the_same_to_the_byte(handed_out, binaries, tmp_path_factory):
    """test_dockerfile.py and the test below check with `--all` that a binary built elsewhere is the same."""
    other = packed(tmp_path_factory.mktemp("another-directory") / "with" / "a longer name", binaries)
    contents = {path.name: path.read_bytes() for path in handed_out.iterdir()}
    assert contents == {path.name: path.read_bytes() for path in other.iterdir()}
    assert len(contents) == 8


NEEDED = "binutils binutils-gold libc6-dev libcurl4t64 libedit2 libgcc-14-dev libncurses6 libsqlite3-0 libstdc++-14-dev libxml2 git"
"""Packages that the toolchain and the compilation of the package manifest need."""


@pytest.fixture(scope="module")
def built_on_debian_13(request, debian_13_image, binary, tmp_path_factory):
    """Both binaries, built in a Debian 13 container with this machine's toolchain and the pinned musl."""
    if not request.config.getoption("--all"):
        pytest.skip("two more builds: make test-all")
    directory = tmp_path_factory.mktemp("debian-13")
    for name in ("Package.swift", "Sources", "Packaging"):
        copy = shutil.copytree if (REPOSITORY / name).is_dir() else shutil.copy
        copy(REPOSITORY / name, directory / name)
    toolchain = Path(shutil.which("swift")).resolve().parents[2]
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "psm-entry"
    script = f"""set -e
        export DEBIAN_FRONTEND=noninteractive
        apt-get -qq update && apt-get -qq install --yes --no-install-recommends {NEEDED} >/dev/null
        cd /src && Packaging/build x86_64 && Packaging/build aarch64"""
    mounts = ["--volume", f"{toolchain}:{toolchain}:ro", "--volume", f"{directory}:/src"]
    mounts += ["--volume", f"{cache}:/root/.cache/psm-entry:ro"]
    path = f"{toolchain}/usr/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    environment = ["--env", f"PATH={path}", "--env", f"PSM_ENTRY_COMMIT={identity(binary)['commit']}"]
    command = ["run", "--rm", "--network", "host", *mounts, *environment, debian_13_image, "/bin/bash", "-c", script]
    succeed(*command, seconds=1800)
    return {"x86_64": directory / "build" / "psm-entry", "aarch64": directory / "build" / "aarch64" / "psm-entry"}


def test_debian_12_and_13_make_the_same_bytes(built_on_debian_13, binaries, architecture):
    assert built_on_debian_13[architecture].read_bytes() == binaries[architecture].read_bytes()


def test_a_musl_of_other_bytes_is_not_taken(tmp_path):
    script = tmp_path / "musl"
    script.write_text(re.sub(r"digest=\w{8}", "digest=00000000", (REPOSITORY / "Packaging" / "musl").read_text()))
    script.chmod(0o755)
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache")}
    told = subprocess.run([script, "aarch64"], env=environment, capture_output=True, timeout=120, check=False)
    assert told.returncode != 0
    assert b"Hash Sum mismatch" in told.stderr
    assert told.stdout == b""
    assert list((tmp_path / "cache" / "psm-entry").iterdir()) == []


def test_make_dist_builds_and_packs():
    plan = subprocess.run(["make", "--dry-run", "dist"], cwd=REPOSITORY, check=True, capture_output=True, timeout=60)
    commands = plan.stdout.decode()
    assert commands.index("Packaging/build x86_64") < commands.index("Packaging/dist")
    assert commands.index("Packaging/build aarch64") < commands.index("Packaging/dist")


def test_no_build_output_is_in_git():
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=REPOSITORY, check=True, capture_output=True, timeout=30).stdout
    names = [name for name in listed.decode().split("\0") if name and (REPOSITORY / name).is_file()]
    assert len(names) > 200
    assert [name for name in names if name.startswith(("dist/", "build/", ".build"))] == []
    magic = (b"\x7fELF", b"BC\xc0\xde", b"!<arch>", b"\x1f\x8b", b"PK\x03\x04")
    built = [name for name in names if not (REPOSITORY / name).is_symlink() and (REPOSITORY / name).read_bytes()[:7].startswith(magic)]
    assert built == []


# The binaries


def test_the_binary_says_what_it_is(binaries, architecture, version):
    binary, emulator = binaries[architecture], EMULATORS[architecture]
    told = identity(binary, emulator)
    assert told == {"version": version, "commit": told["commit"], "architecture": architecture}
    assert re.fullmatch(r"[0-9a-f]{40}|unknown", told["commit"])
    text = subprocess.run([*emulator, binary, "--version"], check=True, capture_output=True, timeout=60).stdout.decode()
    assert text == f"psm-entry {version} ({architecture}, commit {told['commit']})\n"
    made = subprocess.run(["make", "--silent", "version"], cwd=REPOSITORY, check=True, capture_output=True, timeout=60)
    assert made.stdout.decode().strip() == version


def test_the_build_note_says_the_same(binaries, architecture):
    note = subprocess.run(["readelf", "--notes", binaries[architecture]], check=True, capture_output=True, timeout=60)
    (metadata,) = re.findall(r"Packaging Metadata: (.*)", note.stdout.decode())
    told = identity(binaries[architecture], EMULATORS[architecture])
    assert json.loads(metadata) == {"type": "binary", "name": "psm-entry", **told}


RUNTIMES = {
    "Go": rb"go1\.\d+|Go build(?:inf| ID)",
    "Rust": rb"rustc[ /]|/rustc/",
    "OpenSSL": rb"OpenSSL \d+\.\d+\.\d+",
    "Python": rb"Python \d+\.\d+\.\d+|libpython",
    "Node": rb"node\.js/v?\d+|node v\d+",
    "Java": rb"OpenJDK|JAVA_VERSION",
    "glibc": rb"GLIBC_\d|GNU C Library",
    "GCC": rb"libstdc\+\+|libgcc_s",
    "BusyBox": rb"BusyBox v\d",
    "curl": rb"curl/\d|libcurl/\d",
    "Swift": rb"libswiftCore|swiftlang-\d",
}
"""Texts that a scanner takes for these, from the patterns of such tools."""


def test_the_binary_is_hardened_and_says_nothing_that_scanners_take_for_a_runtime(binaries, architecture):
    binary = binaries[architecture]
    kind = subprocess.run(["file", "--brief", binary], check=True, capture_output=True, timeout=60).stdout.decode()
    assert "static-pie linked, stripped" in kind
    assert {"x86_64": "x86-64", "aarch64": "ARM aarch64"}[architecture] in kind
    shown = ["readelf", "--wide", "--program-headers", "--dynamic", binary]
    headers = subprocess.run(shown, check=True, capture_output=True, timeout=60).stdout.decode()
    assert "GNU_RELRO" in headers
    (stack,) = re.findall(r"GNU_STACK.* (R\w*) +0", headers)
    assert stack == "RW"
    writable = re.findall(r"^ *LOAD .* ([R ][W ][E ]) 0x", headers, re.MULTILINE)
    assert writable and "WE" not in {flags[1:] for flags in writable}
    assert not re.search(r"INTERP|NEEDED|RPATH|RUNPATH|TEXTREL", headers)
    assert re.search(r"FLAGS_1.*PIE", headers)
    content = binary.read_bytes()
    told = [name for name, pattern in RUNTIMES.items() if re.search(pattern, content)]
    assert told == []


# The release files


def test_the_tarball_holds_what_a_person_needs(unpacked, binaries, architecture):
    assert (unpacked / "psm-entry").read_bytes() == binaries[architecture].read_bytes()
    assert os.access(unpacked / "psm-entry", os.X_OK)
    for name in ("README.md", "LICENSE", "LICENSE.musl", "examples/compose.override.yml", "docs/verify.md"):
        assert (unpacked / name).stat().st_size > 0
    links = re.findall(r"\]\(([^)#:]+)[^):]*\)", (unpacked / "README.md").read_text(encoding="utf-8"))
    assert [link for link in links if not (unpacked / link).exists()] == []


def test_the_sums_hold_for_every_file(handed_out, unpacked):
    for directory in (handed_out, unpacked):
        subprocess.run(["sha256sum", "--check", "--strict", "SHA256SUMS"], cwd=directory, check=True, timeout=60)
        listed = {line.split("  ", 1)[1] for line in (directory / "SHA256SUMS").read_text().splitlines()}
        there = {str(path.relative_to(directory)) for path in directory.rglob("*") if path.is_file()}
        assert listed == there - {"SHA256SUMS"}


def test_the_sbom_is_valid_spdx_and_names_what_is_linked_in(handed_out, binaries, architecture, version):
    path = handed_out / f"psm-entry-{version}-linux-{architecture}.spdx.json"
    document = parse_file(str(path))
    assert validate_full_spdx_document(document) == []
    sums = {each["algorithm"]: each["checksumValue"] for each in json.loads(path.read_text())["files"][0]["checksums"]}
    assert sums["SHA256"] == hashlib.sha256(binaries[architecture].read_bytes()).hexdigest()
    linked = {
        relationship.related_spdx_element_id.removeprefix("SPDXRef-Package-")
        for relationship in document.relationships
        if relationship.relationship_type == RelationshipType.STATIC_LINK
    }
    assert linked == {"musl", "swift-standard-library"}
    assert all(package.version for package in document.packages)
    assert document.creation_info.created.isoformat() == "2023-11-14T22:13:20"


def test_the_vex_document_is_read_and_says_why_each_does_not_apply(handed_out, version):
    path = handed_out / f"psm-entry-{version}.openvex.json"
    parser = VEXParser(vex_type="openvex")
    parser.parse(str(path))
    found = {each["id"]: each for each in parser.get_vulnerabilities()}
    assert {"CVE-2025-26519", "CVE-2026-6042", "CVE-2026-40200"} <= found.keys()
    for statement in json.loads(path.read_text())["statements"]:
        assert statement["status"] == "not_affected"
        assert statement["justification"] in {
            "component_not_present",
            "vulnerable_code_not_present",
            "vulnerable_code_not_in_execute_path",
            "vulnerable_code_cannot_be_controlled_by_adversary",
            "inline_mitigations_already_exist",
        }
        assert statement["impact_statement"]
        assert {each["@id"] for each in statement["products"]} == {
            f"pkg:generic/psm-entry@{version}?arch={architecture}" for architecture in ARCHITECTURES
        }


def test_what_the_vex_document_calls_absent_is_absent(binaries, architecture):
    """The names that musl's iconv uses for its character sets."""
    content = binaries[architecture].read_bytes()
    assert b"euckr\0" not in content
    assert b"ksc5601" not in content


def test_the_provenance_is_an_in_toto_statement_that_names_every_file(handed_out, binary, version):
    text = (handed_out / f"psm-entry-{version}.provenance.json").read_text()
    statement = Parse(text, statement_pb2.Statement())
    Statement.copy_from_pb(statement).validate()
    predicate = json.loads(text)["predicate"]
    # A field that the specification does not define would be refused.
    provenance = Parse(json.dumps(predicate), provenance_pb2.Provenance())
    assert provenance.build_definition.build_type == "urn:psm-entry:make-dist:1"
    assert provenance.run_details.builder.id
    subjects = {each.name: each.digest["sha256"] for each in statement.subject}
    files = {path.name for path in handed_out.iterdir()} - {"SHA256SUMS", f"psm-entry-{version}.provenance.json"}
    assert subjects.keys() == files
    for name, digest in subjects.items():
        assert digest == hashlib.sha256((handed_out / name).read_bytes()).hexdigest()
    inputs = {each["name"]: each["digest"] for each in predicate["buildDefinition"]["resolvedDependencies"] if "name" in each}
    musl = (REPOSITORY / "Packaging" / "musl").read_text()
    (release,) = re.findall(r"^version=(\S+)$", musl, re.MULTILINE)
    assert inputs[f"musl-dev_{release}_amd64.deb"]["sha256"] in musl
    assert inputs[f"musl-dev_{release}_arm64.deb"]["sha256"] in musl
    assert "usr/bin/swift-frontend" in inputs
    (source,) = [each for each in predicate["buildDefinition"]["resolvedDependencies"] if "gitCommit" in each["digest"]]
    assert source["digest"]["gitCommit"] == identity(binary)["commit"]


# The image


@pytest.fixture(scope="module")
def archive(handed_out, version):
    return handed_out / f"psm-entry-{version}-image.tar"


MANIFEST = {
    "type": "object",
    "required": ["schemaVersion", "mediaType", "config", "layers"],
    "properties": {
        "schemaVersion": {"const": 2},
        "mediaType": {"const": "application/vnd.oci.image.manifest.v1+json"},
        "layers": {"minItems": 1, "maxItems": 1},
    },
}


def test_skopeo_reads_an_index_of_both_architectures(archive, binaries, version, tmp_path):
    def skopeo(*arguments):
        told = subprocess.run(["skopeo", *arguments], capture_output=True, timeout=120, check=False)
        assert told.returncode == 0, told.stderr.decode()
        return told.stdout

    index = json.loads(skopeo("inspect", "--raw", f"oci-archive:{archive}"))
    assert {each["platform"]["architecture"] for each in index["manifests"]} == {"amd64", "arm64"}
    for ours, theirs in (("x86_64", "amd64"), ("aarch64", "arm64")):
        source = ["--override-arch", theirs]
        manifest = tmp_path / theirs
        skopeo(*source, "copy", "--quiet", f"oci-archive:{archive}", f"dir:{manifest}")
        read = json.loads((manifest / "manifest.json").read_text())
        jsonschema.validate(read, MANIFEST)
        with tarfile.open(manifest / read["layers"][0]["digest"].removeprefix("sha256:")) as layer:
            assert layer.extractfile("psm-entry").read() == binaries[ours].read_bytes()
            assert layer.getmember("psm-entry").mode == 0o755
            assert layer.getnames() == ["psm-entry", "LICENSE", "LICENSE.musl"]
        config = json.loads((manifest / read["config"]["digest"].removeprefix("sha256:")).read_text())
        assert config["architecture"] == theirs
        assert config["config"]["Labels"]["org.opencontainers.image.version"] == version
        assert config["config"]["Entrypoint"] == ["/psm-entry", "--"]


def test_podman_loads_and_runs_it(archive, version):
    loaded = succeed("load", "--input", str(archive)).decode()
    name = f"docker.io/library/psm-entry:{version}"
    assert name in loaded
    try:
        told = succeed("run", "--rm", "--entrypoint", "/psm-entry", name, "--version").decode()
        assert told.startswith(f"psm-entry {version} (x86_64, ")
    finally:
        podman("rmi", "--force", name)


def test_docker_loads_it_and_an_image_takes_the_binary_from_it(docker, archive, version, binary, directory):
    loaded = docker.succeed("load", "--quiet", "--input", str(archive)).decode()
    tags = [f"psm-entry:{version}-{architecture}" for architecture in ("amd64", "arm64")]
    assert all(tag in loaded for tag in tags), loaded
    hand_out = ["run", "--rm", "--network", "none", "--entrypoint", "/psm-entry", "--volume", f"{directory}:/out"]
    docker.succeed(*hand_out, tags[0], "install", "/out")
    assert (directory / "psm-entry").read_bytes() == binary.read_bytes()
    docker.succeed("rmi", *tags)


# Signatures


def sign(directory, key):
    """Signs as `make sign` does, in a copy of the release files."""
    packaging = directory / "Packaging"
    packaging.mkdir()
    shutil.copy(REPOSITORY / "Packaging" / "sign", packaging)
    for name in ("Makefile", "Sources/CBuild/include/CBuild.h"):
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(REPOSITORY / name, directory / name)
    told = subprocess.run([packaging / "sign", key], capture_output=True, timeout=60, check=False)
    assert told.returncode == 0, told.stderr.decode()
    return directory / "dist"


@pytest.fixture
def to_sign(handed_out, tmp_path):
    shutil.copytree(handed_out, tmp_path / "dist")
    return tmp_path


VERIFY = REPOSITORY / "docs" / "verify.md"
SIGNER = "releases@example.com"


def commands(function):
    """The commands of the page, in the block that names this test."""
    (block,) = [block for block in blocks(VERIFY) if block.run_by == f"test_dist.py::{function.__name__}"]
    return block.commands


def run_in(directory, text):
    return subprocess.run(["bash", "-euc", text], cwd=directory, capture_output=True, timeout=60, check=False)


@pytest.fixture
def ssh_key(to_sign):
    key = to_sign / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "release", "-f", key], check=True, timeout=60)
    return key


@pytest.fixture
def signed(to_sign, ssh_key):
    """The release files with an SSH signature and the line that a supplier publishes."""
    dist = sign(to_sign, ssh_key)
    public = ssh_key.with_suffix(".pub").read_text()
    (dist / "allowed_signers").write_text(f'{SIGNER} namespaces="file" {public}')
    return dist


def test_an_ssh_signature_is_verified_as_the_page_says_and_another_file_is_not(signed):
    text = commands(test_an_ssh_signature_is_verified_as_the_page_says_and_another_file_is_not)
    told = run_in(signed, text)
    assert told.returncode == 0, told.stderr.decode()
    assert f'Good "file" signature for {SIGNER}' in told.stdout.decode()
    sums = (signed / "SHA256SUMS").read_text()
    (signed / "SHA256SUMS").write_text(sums + "\n")
    assert run_in(signed, text.splitlines()[-1]).returncode != 0
    (signed / "SHA256SUMS").write_text(sums)
    (tarball, *_) = signed.glob("*.tar.gz")
    tarball.write_bytes(tarball.read_bytes() + b"\0")
    assert run_in(signed, text).returncode != 0


def test_a_minisign_signature_is_verified_as_the_page_says(to_sign):
    key, public = to_sign / "minisign.key", to_sign / "dist" / "minisign.pub"
    subprocess.run(["minisign", "-G", "-W", "-s", key, "-p", public], check=True, capture_output=True, timeout=60)
    dist = sign(to_sign, key)
    text = commands(test_a_minisign_signature_is_verified_as_the_page_says)
    assert run_in(dist, text).returncode == 0
    (dist / "SHA256SUMS").write_text("0  nothing\n")
    assert run_in(dist, text).returncode != 0


def test_what_was_changed_after_it_was_packed_is_not_signed(to_sign, ssh_key):
    (tarball, *_) = (to_sign / "dist").glob("*.tar.gz")
    tarball.write_bytes(tarball.read_bytes() + b"\0")
    with pytest.raises(AssertionError, match="FAILED|did NOT match"):
        sign(to_sign, ssh_key)
    assert not (to_sign / "dist" / "SHA256SUMS.sig").exists()


def test_make_sign_says_how_it_is_used():
    (block,) = [block for block in blocks(VERIFY) if block.run_by.endswith("::test_make_sign_says_how_it_is_used")]
    key = block.text.strip().partition("KEY=")[2]
    plan = subprocess.run(
        ["make", "--dry-run", "sign", f"KEY={key}"], cwd=REPOSITORY, check=True, capture_output=True, timeout=60
    )
    assert f'Packaging/sign "{key}"' in plan.stdout.decode()
    told = subprocess.run(["make", "--silent", "sign"], cwd=REPOSITORY, capture_output=True, timeout=60, check=False)
    assert told.returncode != 0
    assert b"usage: make sign KEY=FILE" in told.stderr


def test_the_page_shows_what_a_binary_is(unpacked, architecture):
    text = commands(test_the_page_shows_what_a_binary_is)
    if architecture == "aarch64":
        text = text.replace("./psm-entry", "qemu-aarch64-static ./psm-entry")
    told = run_in(unpacked, text)
    assert told.returncode == 0, told.stderr.decode()
    said = told.stdout.decode()
    assert f"({architecture}, commit " in said
    assert "FDO_PACKAGING_METADATA" in said
    assert "static-pie linked, stripped" in said


# From a user's point of view


def test_without_swift_a_stranger_comes_from_the_release_to_a_working_mirror(
    signed, docker, image, lan_proxy, origin, version, tmp_path
):
    """The files, the two commands that verify them, the image, the quick start: from the repository only its pages are used."""
    product.build_images(image, docker)
    home = tmp_path / "home"
    home.mkdir()
    (home / "corp-proxy-root.crt").write_bytes(lan_proxy.authority.pem)
    proxy_url = product.url_from_containers(lan_proxy, docker)
    project = product.make_project(tmp_path, proxy_url, origin.url, docker)
    project.compose("up", "--detach")
    path = docker.environment["PATH"].split(":")
    without_swift = ":".join(each for each in path if not (Path(each) / "swift").exists())
    stranger = Reader(product.Project(project.directory, {**project.variables, "PATH": without_swift}, docker), home, proxy_url)
    try:
        stranger.run("! command -v swift")
        stranger.run(f"cd {signed}; {commands(test_an_ssh_signature_is_verified_as_the_page_says_and_another_file_is_not)}")
        (install,) = [block for block in blocks(REPOSITORY / "README.md") if "stranger" in block.run_by]
        assert f"psm-entry-{version}-linux-x86_64.tar.gz" in install.text
        stranger.run(f"cd {signed}; {install.commands}")
        for block in (block for block in told_in_order() if block.page.name == "README.md"):
            stranger.run(block.commands)
            if "compose up" in block.text:
                project.said("repo_worker", MIRRORED)
                break
        else:
            pytest.fail("the README starts nothing")
    finally:
        stranger.project.compose("down", "--timeout", "0")
        docker.run("rmi", "--force", "psm-entry", *[f"psm-entry:{version}-{each}" for each in ("amd64", "arm64")])
