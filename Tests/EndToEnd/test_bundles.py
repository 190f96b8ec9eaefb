"""Bundles on disk: what is kept, followed or rejected, and what is used instead."""

import json
import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from certificates import Authority, certificates_of
from clients import CA_VARIABLES
from roots import (
    BUNDLE,
    CERTIFI,
    CERTS,
    CLOSING,
    NATIVE_ANCHORS,
    NATIVE_STORE,
    NOBODY,
    OPENING,
    PRIVATE,
    STATE,
    Scene,
    authority,
    base,
    held_lock,
    loaded,
    make_scene,
)

CORP = "Corp Root"


@pytest.fixture
def scene(directory: Path, binary: Path) -> Scene:
    return make_scene(directory, binary)


@pytest.fixture
def store_scene(directory: Path, binary: Path) -> Scene:
    return make_scene(directory, binary, has_store=True)


def holds(scene: Scene, path: str, *names: str, of: bytes) -> None:
    """Asserts that a bundle is the base followed by one section with these CAs."""
    text = scene.read(path)
    assert text.startswith(of)
    section = text[len(of) :]
    assert section.startswith(OPENING) and section.endswith(CLOSING)
    assert section.count(OPENING) == section.count(CLOSING) == 1
    wanted = sorted((authority(name).fingerprint, authority(name).der) for name in names)
    assert certificates_of(section) == [der for _, der in wanted]
    assert loaded(scene.at(path)) >= {der for _, der in wanted} | set(certificates_of(of))


def mounted(scene: Scene, path: str) -> list[str]:
    """A command prefix that makes this file a mount point for the command."""
    return ["unshare", "--mount", "sh", "-c", 'mount --bind "$0" "$0" && exec "$@"', str(scene.at(path))]


def foretold(scene: Scene, *words: str) -> bytes:
    """The result of a sub-command in the environment of `Scene.start`."""
    command = [scene.binary, *words, "--root", scene.directory, "--state-dir", STATE]
    environment = {"PATH": os.environ["PATH"]}
    return subprocess.run(command, env=environment, capture_output=True, timeout=60, check=False).stdout


def variables(environment: bytes) -> dict[str, str]:
    return dict(entry.split("=", 1) for entry in environment.decode().split("\0") if entry)


# Replacing


def test_every_bundle_gets_the_mounted_authority(scene):
    started = scene.start()
    assert started.status == 0
    holds(scene, BUNDLE, CORP, of=base())
    holds(scene, CERTIFI, CORP, of=base("Public A,Public D"))
    assert started.variables["NODE_EXTRA_CA_CERTS"] == BUNDLE
    assert not CA_VARIABLES & started.variables.keys()
    assert scene.strangers() == []


@pytest.mark.parametrize("place", [0, 20_000, -2])
def test_bundles_that_differ_in_one_byte_are_not_taken_for_equal(scene, place):
    comment = b"#" * 200 + b"\n"
    one = comment * 150 + base() + comment
    other = bytearray(one)
    other[place] = ord("x")
    scene.write(BUNDLE, one)
    scene.write(CERTIFI, bytes(other))
    for _ in range(3):
        assert scene.start().status == 0
        holds(scene, BUNDLE, CORP, of=one)
        holds(scene, CERTIFI, CORP, of=bytes(other))


def test_no_authority_and_no_change_give_the_base_back(scene):
    before = scene.files()
    scene.start()
    scene.mount()
    scene.start()
    after = {path: entry[1:] for path, entry in scene.files().items()}
    assert after == {path: entry[1:] for path, entry in before.items() if not path.startswith(CERTS)}


@pytest.mark.parametrize("mode", [0o644, 0o664, 0o444, 0o600, 0o640, 0o2755])
def test_mode_and_owner_are_kept(scene, mode):
    os.chown(scene.at(BUNDLE), 1234, 4321)
    scene.at(BUNDLE).chmod(mode)
    scene.start()
    status = scene.at(BUNDLE).stat()
    holds(scene, BUNDLE, CORP, of=base())
    assert (status.st_uid, status.st_gid, status.st_mode & 0o7777) == (1234, 4321, mode)


@pytest.mark.parametrize("umask", [0o000, 0o077, 0o777])
def test_the_umask_changes_no_mode(scene, umask):
    former = os.umask(umask)
    try:
        scene.start()
    finally:
        os.umask(former)
    assert scene.at(BUNDLE).stat().st_mode & 0o7777 == 0o644


def test_an_owner_that_cannot_be_given_leaves_the_bundle_and_a_private_one_serves(scene):
    for path in (scene.directory, *scene.directory.rglob("*")):
        os.chown(path, 1000, 0)
    os.chown(scene.at(BUNDLE), 1234, 4321)
    before = scene.read(BUNDLE)
    started = scene.start(user=NOBODY)
    assert scene.read(BUNDLE) == before
    assert started.variables["SSL_CERT_FILE"] == PRIVATE
    assert scene.strangers() == []
    holds(scene, CERTIFI, CORP, of=base("Public A,Public D"))


def test_a_link_is_followed_and_stays_a_link(scene):
    scene.at(BUNDLE).rename(scene.at("/conda/ssl/real.pem"))
    scene.at(BUNDLE).symlink_to("/conda/ssl/second.pem")
    scene.at("/conda/ssl/second.pem").symlink_to("../ssl/real.pem")
    scene.start()
    assert os.readlink(scene.at(BUNDLE)) == "/conda/ssl/second.pem"
    assert os.readlink(scene.at("/conda/ssl/second.pem")) == "../ssl/real.pem"
    holds(scene, "/conda/ssl/real.pem", CORP, of=base())


def test_a_link_does_not_lead_out_of_the_root(scene, directory):
    outside = directory / "outside.pem"
    outside.write_bytes(base())
    scene.at(BUNDLE).unlink()
    scene.at(BUNDLE).symlink_to(f"../../../../../../..{outside}")
    started = scene.start("--bundles", BUNDLE)
    assert outside.read_bytes() == base()
    assert started.lines("error:"), started.said


@pytest.mark.parametrize("target", ["cacert.pem", "gone.pem"])
def test_a_link_that_leads_nowhere_is_an_error_and_the_service_starts(scene, target):
    scene.at(BUNDLE).unlink()
    scene.at(BUNDLE).symlink_to(target)
    started = scene.start("--bundles", f"{BUNDLE}:{CERTIFI}")
    assert started.status == 0 and started.variables
    assert BUNDLE in started.said
    holds(scene, CERTIFI, CORP, of=base("Public A,Public D"))


def test_a_hard_link_is_parted_and_the_other_name_keeps_the_old_file(scene):
    cache = scene.at("/conda/pkgs/cacert.pem")
    cache.parent.mkdir()
    os.link(scene.at(BUNDLE), cache)
    before = cache.stat()
    scene.start()
    holds(scene, BUNDLE, CORP, of=base())
    after = cache.stat()
    assert cache.read_bytes() == base()
    assert (after.st_ino, after.st_mtime_ns, after.st_mode) == (before.st_ino, before.st_mtime_ns, before.st_mode)
    assert after.st_nlink == 1


def test_two_names_of_one_file_are_one_bundle(scene):
    second = "/conda/ssl/cert.pem"
    scene.at(second).symlink_to("cacert.pem")
    started = scene.start("--bundles", f"{second}:{BUNDLE}")
    holds(scene, BUNDLE, CORP, of=base())
    assert scene.at(second).is_symlink()
    assert started.variables["NODE_EXTRA_CA_CERTS"] == second
    assert len(started.lines("added")) == 1


def test_two_hard_links_that_are_both_named_both_trust_the_authority(scene):
    second = "/conda/ssl/second.pem"
    os.link(scene.at(BUNDLE), scene.at(second))
    scene.start("--bundles", f"{BUNDLE}:{second}")
    scene.start("--bundles", f"{BUNDLE}:{second}")
    for path in (BUNDLE, second):
        assert authority(CORP).der in loaded(scene.at(path)), path


def test_a_pattern_matches_every_python_and_one_that_matches_nothing_is_silent(scene):
    other = CERTIFI.replace("3.11", "3.12")
    scene.write(other, base("Public F"))
    scene.write(CERTIFI.replace("3.11", "2.7"), base("Public G"))
    bundles = f"{BUNDLE}:/conda/lib/python3*/site-packages/certifi/cacert.pem:/opt/*/cacert.pem"
    started = scene.start("--bundles", bundles)
    for path, names in ((CERTIFI, "Public A,Public D"), (other, "Public F")):
        holds(scene, path, CORP, of=base(names))
    assert scene.read(CERTIFI.replace("3.11", "2.7")) == base("Public G")
    assert "/opt" not in started.said


def test_a_plain_path_that_is_missing_is_an_error_and_the_others_are_merged(scene):
    started = scene.start("--bundles", f"/gone/cacert.pem:{BUNDLE}:{CERTIFI}")
    assert started.status == 0
    assert started.lines("/gone/cacert.pem")
    holds(scene, BUNDLE, CORP, of=base())
    holds(scene, CERTIFI, CORP, of=base("Public A,Public D"))
    assert started.variables["NODE_EXTRA_CA_CERTS"] == BUNDLE
    assert scene.start("--bundles", f"/gone/cacert.pem:{BUNDLE}", "--strict").status == 78


# Obstacles to writing


def test_temporary_files_of_killed_starts_are_removed_and_nobody_elses(scene):
    ours = [f"{path}/.psm-entry-new.cacert.pem.{number}" for path in ("/conda/ssl",) for number in ("1f", "deadbeef")]
    foreign = ["/conda/ssl/.psm-entry-new.other.pem.1f", "/conda/ssl/.cacert.pem.tmp", "/conda/ssl/cacert.pem.new"]
    for path in ours + foreign:
        scene.write(path, b"half")
    scene.start()
    assert [path for path in ours if scene.at(path).exists()] == []
    assert [path for path in foreign if scene.at(path).exists()] == foreign


def test_temporary_files_are_removed_where_nothing_else_is_to_be_done(scene):
    scene.start()
    before = scene.files()
    scene.write("/conda/ssl/.psm-entry-new.cacert.pem.1f", b"half")
    scene.start()
    assert scene.files() == before


def test_a_lock_that_is_given_back_is_waited_for(scene):
    with held_lock(scene.at(BUNDLE).parent):
        command = scene.command("--timeout", "30")
        waiting = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        # It waits: there is no temporary file and no change for as long as the lock is held.
        deadline = time.monotonic() + 1
        while time.monotonic() < deadline:
            assert waiting.poll() is None
            assert scene.read(BUNDLE) == base()
            time.sleep(0.05)
    assert waiting.wait(timeout=20) == 0
    said = waiting.stderr.read().decode()
    waiting.stderr.close()
    assert "lock" not in said
    holds(scene, BUNDLE, CORP, of=base())


def test_a_lock_that_is_never_given_back_is_passed_over_with_a_warning(scene):
    with held_lock(scene.at(BUNDLE).parent):
        begun = time.monotonic()
        started = scene.start("--timeout", "60")
        # Other users may read the directory, so anyone could hold its lock: two seconds, and tolerance for a busy
        # machine.
        assert 1.5 <= time.monotonic() - begun <= 7
    assert started.status == 0 and started.variables
    assert len(started.lines("lock")) == 1
    holds(scene, BUNDLE, CORP, of=base())
    holds(scene, CERTIFI, CORP, of=base("Public A,Public D"))


def test_a_start_that_changes_nothing_needs_no_lock(scene):
    scene.start()
    with held_lock(scene.at(BUNDLE).parent):
        begun = time.monotonic()
        started = scene.start()
        assert time.monotonic() - begun < 5
    assert "lock" not in started.said


# The base


def test_a_base_without_a_last_newline_gets_one_and_keeps_it(scene):
    bare = base().rstrip(b"\n")
    scene.write(BUNDLE, bare)
    scene.start()
    holds(scene, BUNDLE, CORP, of=bare + b"\n")
    scene.mount()
    scene.start()
    assert scene.read(BUNDLE) == bare + b"\n"


@pytest.mark.parametrize("content", [b"\n", b"no certificate\n", OPENING + CLOSING])
def test_a_base_without_a_certificate_is_an_error_and_left_alone(scene, content):
    scene.write(BUNDLE, content)
    started = scene.start()
    assert started.status == 0 and started.variables
    assert scene.read(BUNDLE) == content
    assert started.lines(BUNDLE)
    assert "NODE_EXTRA_CA_CERTS" not in started.variables
    assert not CA_VARIABLES & started.variables.keys()
    holds(scene, CERTIFI, CORP, of=base("Public A,Public D"))
    assert scene.start("--strict").status == 78


DAMAGED = {
    "joined": lambda: authority("Public A").pem.rstrip(b"\n") + authority("Public B").pem,
    "unended": lambda: base() + b"-----BEGIN CERTIFICATE-----\nMIIB\n",
    "broken": lambda: base() + b"-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----\n",
    "truncated": lambda: base()[:-60],
}


@pytest.mark.parametrize("kind", DAMAGED)
def test_a_damaged_base_is_repaired_and_the_original_kept(scene, kind):
    damaged = DAMAGED[kind]()
    kept = f"{BUNDLE}.psm-entry-damaged"
    scene.write(BUNDLE, damaged)
    scene.at(BUNDLE).chmod(0o640)
    started = scene.start()
    assert authority(CORP).der in loaded(scene.at(BUNDLE))
    assert {authority("Public A").der, authority("Public B").der} <= loaded(scene.at(BUNDLE))
    assert scene.read(kept) == damaged
    assert scene.at(BUNDLE).stat().st_mode & 0o7777 == 0o640
    assert started.lines(BUNDLE) and "psm-entry-damaged" in started.said
    again = scene.files()
    assert len(scene.start().said.splitlines()) == 1
    assert scene.files() == again


@pytest.mark.parametrize("words", [("plan",), ("plan", "--json"), ("check",), ("check", "--json")], ids=" ".join)
def test_before_a_start_a_damaged_base_is_not_said_to_be_repaired(scene, words):
    scene.write(BUNDLE, DAMAGED["joined"]())
    said = foretold(scene, *words).decode()
    assert "; a start repairs it, original saved as *.psm-entry-damaged" in said
    assert "; repaired" not in said


def test_an_earlier_kept_original_is_not_overwritten(scene):
    kept = f"{BUNDLE}.psm-entry-damaged"
    scene.write(kept, b"the first")
    scene.write(BUNDLE, DAMAGED["joined"]())
    scene.start()
    assert scene.read(kept) == b"the first"
    assert authority(CORP).der in loaded(scene.at(BUNDLE))


def test_a_damaged_base_is_left_alone_where_nothing_is_wanted(scene):
    scene.mount()
    scene.write(BUNDLE, DAMAGED["joined"]())
    before = scene.files()
    scene.start()
    assert scene.files() == before


@pytest.mark.parametrize(("kind", "level"), [("joined", "warning"), ("empty", "error")])
def test_what_no_client_can_read_is_said_where_nothing_is_wanted(scene, kind, level):
    scene.mount()
    scene.write(BUNDLE, DAMAGED[kind]() if kind in DAMAGED else b"")
    (line,) = scene.start().lines(BUNDLE)
    assert f"psm-entry: {level}: " in line and "restore it from the image" in line


def test_a_damaged_bundle_whose_good_part_holds_all_is_not_enough(scene):
    scene.write(BUNDLE, base() + authority(CORP).pem + b"-----BEGIN CERTIFICATE-----\n")
    os.chown(scene.at("/run"), 1000, 0)
    started = scene.start(user=NOBODY)
    assert started.variables["SSL_CERT_FILE"] == PRIVATE
    assert authority(CORP).der in loaded(scene.at(PRIVATE))


def test_a_section_goes_from_a_base_without_certificates_too(scene):
    scene.start()
    section = scene.read(BUNDLE)[len(base()) :]
    scene.write(BUNDLE, b"# nothing else\n" + section)
    scene.mount()
    started = scene.start()
    assert scene.read(BUNDLE) == b"# nothing else\n"
    assert any("contains only removed certificates" in line for line in started.lines(BUNDLE)), started.said


@pytest.mark.parametrize("link", [CERTS, "/etc/repo"])
def test_a_default_directory_behind_a_link_to_nowhere_revokes_nothing(scene, link):
    scene.start()
    shutil.rmtree(scene.at(link))
    scene.at(link).symlink_to("/mnt/not-mounted")
    started = scene.start()
    holds(scene, BUNDLE, CORP, of=base())
    assert any("dangling symbolic link" in line for line in started.lines(CERTS)), started.said


def test_a_default_directory_that_is_not_there_is_an_empty_one(scene):
    scene.start()
    shutil.rmtree(scene.at("/etc/repo"))
    scene.start()
    assert scene.read(BUNDLE) == base()


def test_a_damaged_bundle_that_is_mounted_is_left_without_a_copy(scene):
    scene.write(BUNDLE, DAMAGED["joined"]())
    started = scene.start(user=mounted(scene, BUNDLE))
    assert started.variables["SSL_CERT_FILE"] == PRIVATE
    assert scene.read(BUNDLE) == DAMAGED["joined"]()
    assert not [path for path in scene.files() if path.endswith(".psm-entry-damaged")]


def test_a_removal_that_cannot_be_made_is_said_as_one(scene):
    scene.start()
    scene.mount()
    (line,) = scene.start(user=mounted(scene, BUNDLE)).lines(BUNDLE)
    assert "still trust the removed certificates" in line


def test_a_subject_that_reads_like_a_block_keeps_nobody_out(scene):
    # OpenSSL reads the 255th byte of a line as the first of another line.
    organization = "x" * (254 - len("# Subject: CN=e,O=")) + "-----BEGIN CERTIFICATE-----"
    hostile = Authority.named("e", organization)
    (scene.at(CERTS) / "hostile.pem").write_bytes(hostile.pem)
    scene.start()
    assert {authority(CORP).der, hostile.der} <= loaded(scene.at(BUNDLE))


def test_where_there_is_nothing_to_add_to_it_is_said(scene):
    started = scene.start("--bundles", "/nowhere/*.pem", "--system", "off")
    assert started.lines("no bundle and no system store"), started.said


def test_a_damaged_bundle_that_cannot_be_replaced_is_repaired_in_the_private_one(scene):
    scene.write(BUNDLE, DAMAGED["joined"]())
    os.chown(scene.at("/run"), 1000, 0)
    started = scene.start(user=NOBODY)
    assert scene.read(BUNDLE) == DAMAGED["joined"]()
    assert started.variables["SSL_CERT_FILE"] == PRIVATE
    assert loaded(scene.at(PRIVATE)) == {authority(name).der for name in ("Public A", "Public B", "Public D", CORP)}


# No removal if an input could not be read


def test_a_named_input_that_is_missing_revokes_nothing(scene):
    scene.mount(CORP, "Branch Root")
    options = ("--certs", f"{CERTS}/{CORP}.pem:{CERTS}/Branch Root.pem")
    scene.start(*options)
    scene.mount("Branch Root")
    started = scene.start(*options)
    holds(scene, BUNDLE, CORP, "Branch Root", of=base())
    assert started.lines(f"{CERTS}/{CORP}.pem")
    assert started.variables["NODE_EXTRA_CA_CERTS"] == BUNDLE


@pytest.mark.parametrize(
    "variables",
    [{"PSM_ENTRY_CERTS": f"{CERTS}:extra"}, {"REPO_CUSTOM_CA_CERT": "extra/ca.pem"}],
    ids=["PSM_ENTRY_CERTS", "REPO_CUSTOM_CA_CERT"],
)
def test_an_input_that_a_variable_misnames_revokes_nothing(scene, variables):
    scene.mount(CORP, "Branch Root")
    scene.start()
    scene.mount("Branch Root")
    started = scene.start(environment=variables)
    holds(scene, BUNDLE, CORP, "Branch Root", of=base())
    (name,) = variables
    assert any("error: " in line for line in started.lines(name)), started.said


def test_an_unreadable_input_revokes_nothing(scene):
    for path in (scene.directory, *scene.directory.rglob("*")):
        os.chown(path, 1000, 0)
    scene.mount(CORP, "Branch Root")
    scene.start(user=NOBODY)
    (scene.at(CERTS) / f"{CORP}.pem").chmod(0)
    os.chown(scene.at(CERTS) / f"{CORP}.pem", 0, 0)
    started = scene.start(user=NOBODY)
    holds(scene, BUNDLE, CORP, "Branch Root", of=base())
    assert started.lines(f"{CERTS}/{CORP}.pem")


def test_a_file_of_another_kind_suspends_no_removal(scene):
    scene.mount(CORP, "Branch Root")
    scene.start()
    scene.mount("Branch Root")
    (scene.at(CERTS) / "store.p12").write_bytes(b"\x30\x82\x01\x00\x02\x01\x03\x30\x82")
    os.mkfifo(scene.at(CERTS) / "fifo")
    scene.start()
    holds(scene, BUNDLE, "Branch Root", of=base())


def test_a_private_bundle_keeps_what_an_unreadable_input_would_take_out(scene):
    os.chown(scene.at("/run"), 1000, 0)
    options = ("--certs", f"{CERTS}/{CORP}.pem")
    scene.start(*options, user=NOBODY)
    scene.mount()
    started = scene.start(*options, user=NOBODY)
    assert authority(CORP).der in loaded(scene.at(PRIVATE))
    assert started.variables["SSL_CERT_FILE"] == PRIVATE


# The store without a tool


def test_a_store_without_a_tool_is_merged_into_and_gets_anchors(store_scene):
    scene = store_scene
    scene.start()
    holds(scene, NATIVE_STORE, CORP, of=base("Public A,Public E"))
    anchor = f"{NATIVE_ANCHORS}/psm-entry-{authority(CORP).fingerprint}.crt"
    assert scene.read(anchor) == authority(CORP).pem
    assert scene.at(anchor).stat().st_mode & 0o7777 == 0o644
    scene.mount()
    scene.write(f"{NATIVE_ANCHORS}/corp.crt", authority("Public A").pem)
    scene.start()
    assert not scene.at(anchor).exists()
    assert scene.read(NATIVE_STORE) == base("Public A,Public E")
    assert scene.at(f"{NATIVE_ANCHORS}/corp.crt").exists()


def test_a_store_that_cannot_be_written_is_said_once_and_the_private_bundle_serves(store_scene):
    scene = store_scene
    os.chown(scene.at("/run"), 1000, 0)
    started = scene.start(user=NOBODY)
    assert started.variables["SSL_CERT_FILE"] == PRIVATE
    assert len(started.lines("system store")) == 1
    assert scene.read(NATIVE_STORE) == base("Public A,Public E")


def test_a_bundle_that_is_a_link_to_the_store_is_that_store(store_scene):
    scene = store_scene
    scene.at(BUNDLE).unlink()
    scene.at(BUNDLE).symlink_to(NATIVE_STORE)
    started = scene.start()
    holds(scene, NATIVE_STORE, CORP, of=base("Public A,Public E"))
    assert scene.at(BUNDLE).is_symlink()
    assert started.variables["NODE_EXTRA_CA_CERTS"] == BUNDLE


def test_what_is_foretold_of_a_link_to_the_store_comes_true(store_scene):
    scene = store_scene
    scene.at(BUNDLE).unlink()
    scene.at(BUNDLE).symlink_to(NATIVE_STORE)
    kinds = {change["kind"] for change in json.loads(foretold(scene, "plan", "--json"))["changes"]}
    environment = variables(foretold(scene, "env", "--null"))
    assert kinds == {"system", "bundle"}, "certifi's alone: the other is the store"
    assert environment == scene.start().variables


def test_no_export_is_foretold_of_a_store_that_is_refused(store_scene):
    scene = store_scene
    scene.write(NATIVE_STORE, b"# nothing\n")
    environment = variables(foretold(scene, "env", "--null", "--bundles", NATIVE_STORE))
    assert environment == scene.start("--bundles", NATIVE_STORE).variables


def test_a_bundle_that_is_a_link_to_a_store_that_cannot_be_written_gets_a_private_one(store_scene):
    scene = store_scene
    scene.at(BUNDLE).unlink()
    scene.at(BUNDLE).symlink_to(NATIVE_STORE)
    os.chown(scene.at("/run"), 1000, 0)
    started = scene.start(user=NOBODY)
    assert started.variables["SSL_CERT_FILE"] == PRIVATE
    assert authority(CORP).der in loaded(scene.at(PRIVATE))


def test_a_temporary_file_among_the_anchors_is_removed_where_nothing_else_is_to_be_done(store_scene):
    scene = store_scene
    scene.start()
    before = scene.files()
    scene.write(f"{NATIVE_ANCHORS}/.psm-entry-new.psm-entry-0.crt.1f", b"half")
    scene.start()
    assert scene.files() == before
