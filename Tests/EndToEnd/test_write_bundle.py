"""`psm-entry write-bundle` writes the contents of a private bundle to one file, and changes no store."""

import os
import subprocess
from pathlib import Path

import pytest

from certificates import certificates_of
from roots import BUNDLE, CERTIFI, CERTS, CLOSING, NATIVE_STORE, NOBODY, OPENING, PRIVATE, Scene, authority, base, loaded
from roots import make_scene

DESTINATION = "/shared/ca.pem"


@pytest.fixture
def scene(directory: Path, binary: Path) -> Scene:
    made = make_scene(directory, binary, has_store=True)
    made.at("/shared").mkdir()
    return made


def write_bundle(scene: Scene, *words: str, user: tuple[str, ...] = (), **variables: str) -> subprocess.CompletedProcess[bytes]:
    line = [*user, scene.binary, "write-bundle", "--root", scene.directory, *words]
    return subprocess.run(line, env=variables, stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=False)


def said(result: subprocess.CompletedProcess[bytes]) -> str:
    return result.stderr.decode()


def test_it_holds_what_a_private_bundle_holds_and_changes_no_store(scene):
    os.chown(scene.at("/run"), 1000, 0)
    scene.start(user=NOBODY)
    private = scene.read(PRIVATE)
    before = scene.files()
    result = write_bundle(scene, DESTINATION)
    assert (result.returncode, result.stdout) == (0, b""), said(result)
    assert scene.read(DESTINATION) == private
    names = ["Public A", "Public B", "Public C", "Public D", "Public E", "Corp Root"]
    assert loaded(scene.at(DESTINATION)) == {authority(name).der for name in names}
    after = scene.files()
    assert {path: found for path, found in after.items() if path != DESTINATION} == before
    count = len(certificates_of(private))
    assert said(result) == f"psm-entry: {DESTINATION}: written: {count} certificates, 1 of them added\n"


@pytest.mark.parametrize("words", [[], ["-"], ["--", "-"]])
def test_without_a_file_it_goes_to_standard_output(scene, words):
    write_bundle(scene, DESTINATION)
    before = scene.files()
    result = write_bundle(scene, *words)
    assert (result.returncode, said(result)) == (0, "")
    assert result.stdout == scene.read(DESTINATION)
    assert scene.files() == before


def test_a_file_is_replaced_by_rename_is_0644_and_is_not_written_twice(scene):
    target = scene.write(DESTINATION, b"something else")
    target.chmod(0o600)
    old = os.open(target, os.O_RDONLY)
    line = ["sh", "-c", 'umask 077; exec "$@"', "sh", scene.binary, "write-bundle", "--root", scene.directory, DESTINATION]
    subprocess.run(line, env={"PATH": os.environ["PATH"]}, check=True, timeout=60)
    assert os.read(old, 100) == b"something else"
    os.close(old)
    assert target.stat().st_mode & 0o7777 == 0o644
    before = scene.files()
    again = write_bundle(scene, DESTINATION)
    assert again.returncode == 0 and ": up to date: " in said(again)
    assert scene.files() == before
    target.chmod(0o640)
    assert write_bundle(scene, DESTINATION).returncode == 0
    assert target.stat().st_mode & 0o7777 == 0o644
    assert os.listdir(target.parent) == ["ca.pem"]


def test_what_psm_entry_has_added_to_the_stores_goes_with_its_input(scene):
    scene.mount("Corp Root", "Branch Root")
    scene.start()
    write_bundle(scene, DESTINATION)
    assert loaded(scene.at(DESTINATION)) >= {authority("Corp Root").der, authority("Branch Root").der}
    scene.mount("Corp Root")
    assert write_bundle(scene, DESTINATION).returncode == 0
    assert authority("Branch Root").der not in loaded(scene.at(DESTINATION))
    scene.mount()
    assert write_bundle(scene, DESTINATION).returncode == 0
    assert authority("Corp Root").der not in loaded(scene.at(DESTINATION))
    assert OPENING not in scene.read(DESTINATION)
    assert authority("Corp Root").der in certificates_of(scene.read(BUNDLE)), "a store was changed"


def test_a_bad_input_is_1_and_the_rest_is_written(scene):
    scene.mount("Corp Root", "Branch Root")
    write_bundle(scene, DESTINATION)
    half = scene.at(f"{CERTS}/Branch Root.pem")
    half.write_bytes(half.read_bytes()[:-40])
    (scene.at(CERTS) / "third.pem").write_bytes(authority("Third Root").pem)
    result = write_bundle(scene, DESTINATION)
    assert result.returncode == 1
    assert f"error: {CERTS}/Branch Root.pem: " in said(result)
    # It is unknown which CAs are meant to stay, so none is removed.
    assert loaded(scene.at(DESTINATION)) >= {authority(name).der for name in ("Corp Root", "Branch Root", "Third Root")}
    printed = write_bundle(scene)
    assert printed.returncode == 1
    assert authority("Third Root").der in certificates_of(printed.stdout)


def test_strict_is_78_and_nothing_is_written(scene):
    scene.write(f"{CERTS}/half.pem", authority("Branch Root").pem[:-40])
    before = scene.files()
    result = write_bundle(scene, "--strict", DESTINATION)
    assert result.returncode == 78
    assert said(result).endswith("psm-entry: error: PSM_ENTRY_STRICT: errors (see above), so nothing was written; correct them, or remove --strict\n")
    assert scene.files() == before
    printed = write_bundle(scene, "--strict=on")
    assert (printed.returncode, printed.stdout) == (78, b"")


@pytest.mark.parametrize("words, status", [([], 1), (["--strict=on"], 78)])
def test_without_a_public_base_nothing_is_written(scene, words, status):
    for path in (BUNDLE, CERTIFI, NATIVE_STORE):
        scene.at(path).unlink()
    scene.write(DESTINATION, b"what was there")
    result = write_bundle(scene, *words, DESTINATION)
    assert result.returncode == status
    assert "no bundle and no system store contains a public CA" in said(result)
    assert scene.read(DESTINATION) == b"what was there"
    printed = write_bundle(scene, *words)
    assert (printed.returncode, printed.stdout) == (status, b"")


def test_the_system_store_alone_is_a_base(scene):
    for path in (BUNDLE, CERTIFI):
        scene.at(path).unlink()
    for system in ("auto", "native", "off"):
        result = write_bundle(scene, "--system", system)
        assert result.returncode == 0, said(result)
        assert {authority(name).der for name in ("Public A", "Public E", "Corp Root")} == set(certificates_of(result.stdout))


def test_a_bundle_that_cannot_be_read_is_an_error_and_nothing_is_written(scene):
    scene.at(CERTIFI).unlink()
    scene.at(CERTIFI).mkdir()
    result = write_bundle(scene, DESTINATION)
    assert result.returncode == 1
    assert f"error: {CERTIFI}: not a regular file" in said(result)
    assert not scene.at(DESTINATION).exists()


def test_a_damaged_bundle_gives_its_good_certificates(scene):
    scene.write(BUNDLE, base() + b"-----BEGIN CERTIFICATE-----\nMAA=\n")
    result = write_bundle(scene, DESTINATION)
    assert result.returncode == 0
    assert f"warning: {BUNDLE}: malformed at line" in said(result)
    assert loaded(scene.at(DESTINATION)) >= set(certificates_of(base()))


def test_the_order_of_what_is_mounted_does_not_matter(scene):
    """trust-manager and the kubelet may write their bundles in a different order each time."""
    names = ["Branch Root", "Third Root", "Corp Root"]
    scene.write(f"{CERTS}/all.pem", b"".join(authority(name).pem for name in names))
    assert write_bundle(scene, DESTINATION).returncode == 0
    before = scene.read(DESTINATION)
    scene.write(f"{CERTS}/all.pem", b"# again\n".join(authority(name).pem for name in reversed(names)))
    assert ": up to date: " in said(write_bundle(scene, DESTINATION))
    assert scene.read(DESTINATION) == before


def plant_directory(scene: Scene) -> None:
    scene.at(DESTINATION).mkdir()


def plant_fifo(scene: Scene) -> None:
    os.mkfifo(scene.at(DESTINATION))


def plant_link_to_device(scene: Scene) -> None:
    scene.at("/dev").mkdir()
    os.mknod(scene.at("/dev/null"), 0o20666, os.makedev(1, 3))
    scene.at(DESTINATION).symlink_to("/dev/null")


def remove_directory(scene: Scene) -> None:
    scene.at("/shared").rmdir()


WRONG = {
    "directory": (plant_directory, "not a regular file; name a file, or '-' for standard output"),
    "FIFO": (plant_fifo, "not a regular file; name a file"),
    "link to a device": (plant_link_to_device, "not a regular file; name a file"),
    "no directory": (remove_directory, "no such file or directory; name a file"),
    "link to a bundle": (lambda scene: scene.at(DESTINATION).symlink_to(BUNDLE), "a start updates this bundle"),
    "hard link to a bundle": (lambda scene: os.link(scene.at(BUNDLE), scene.at(DESTINATION)), "a start updates this bundle"),
    "the store": (lambda scene: scene.at(DESTINATION).symlink_to(NATIVE_STORE), "a start updates this bundle"),
    "among the inputs": (lambda scene: scene.at(DESTINATION).symlink_to(f"{CERTS}/new.pem"), "in an input directory"),
    "loop": (lambda scene: scene.at(DESTINATION).symlink_to(DESTINATION), "symbolic link"),
}


@pytest.mark.parametrize("kind", WRONG)
def test_what_is_no_file_to_write_to_stays_and_is_said(scene, kind):
    plant, message = WRONG[kind]
    plant(scene)
    before = scene.read(BUNDLE), scene.read(NATIVE_STORE), os.listdir(scene.at(CERTS))
    result = write_bundle(scene, DESTINATION)
    assert result.returncode == 1
    assert f"error: {DESTINATION}: " in said(result) and message in said(result), said(result)
    assert (scene.read(BUNDLE), scene.read(NATIVE_STORE), os.listdir(scene.at(CERTS))) == before


def test_the_file_that_is_the_input_is_not_written_over(scene):
    scene.write("/shared/ca.pem", authority("Branch Root").pem)
    result = write_bundle(scene, DESTINATION, REPO_CUSTOM_CA_CERT=DESTINATION)
    assert result.returncode == 1 and "an input" in said(result)
    assert scene.read(DESTINATION) == authority("Branch Root").pem


def test_a_link_is_followed_inside_the_root(scene):
    scene.at("/elsewhere").mkdir()
    scene.at(DESTINATION).symlink_to("/elsewhere/ca.pem")
    assert write_bundle(scene, DESTINATION).returncode == 0
    assert scene.at(DESTINATION).is_symlink()
    assert scene.read("/elsewhere/ca.pem").endswith(CLOSING)
    assert write_bundle(scene, "../../../../relative.pem").returncode == 0
    assert scene.read("/relative.pem") == scene.read("/elsewhere/ca.pem")


def test_without_permission_it_says_so(scene):
    result = write_bundle(scene, DESTINATION, user=NOBODY)
    assert result.returncode == 1
    assert f"error: {DESTINATION}: not written: cannot create a temporary file: permission denied; " in said(result)
    assert os.listdir(scene.at("/shared")) == []


def test_twenty_at_once_leave_one_whole_file(scene):
    line = [scene.binary, "write-bundle", "--root", scene.directory, DESTINATION]
    running = [subprocess.Popen(line, env={}, stderr=subprocess.PIPE) for _ in range(20)]
    for one in running:
        assert (one.communicate(timeout=60)[1].count(b"error"), one.returncode) == (0, 0)
    assert scene.read(DESTINATION) == write_bundle(scene).stdout
    assert os.listdir(scene.at("/shared")) == ["ca.pem"]


@pytest.mark.parametrize("words", [["a", "b"], [""], ["--json"], ["-x"]])
def test_wrong_usage_is_64(binary, words):
    result = subprocess.run([binary, "write-bundle", *words], env={}, capture_output=True, timeout=60, check=False)
    assert result.returncode == 64
