"""The situations in which plan, check, env and a start once disagreed, each in a root of its own.

Each is checked for what always holds (see test_worlds.py), and for what the situation is about.
Tests/TrustTests/PlanTests.swift has the same situations without a kernel.
"""

import json
import subprocess

import pytest

from containers import succeed
from network import wait_for
from roots import authority
from test_worlds import environment_of, holds, section_of
from worlds import PATHS, STORE, Built, Bundle, World, built

CONDA, CERTIFI, _ = PATHS
OPENSHIFT = Bundle(directory_mode=0o775)


def checked(made: Built) -> dict:
    return json.loads(made.run("check", "--json").stdout)


def private_serves(made: Built) -> None:
    """A start has directed the clients to a private bundle, and check accepts that."""
    environment = environment_of(made.run("env", "--null").stdout)
    assert environment["SSL_CERT_FILE"].endswith("/cacert.pem")
    assert checked(made)["ok"], checked(made)
    assert made.run("plan").returncode == 0


def store_is_said_to_lack(made: Built) -> None:
    entries = [entry for entry in checked(made)["checks"] if entry["target"] == CERTIFI]
    assert [entry["level"] for entry in entries] == ["error"], checked(made)


def nothing_private(made: Built) -> None:
    assert "SSL_CERT_FILE" not in environment_of(made.run("env", "--null").stdout)


def both_names_are_one_file(made: Built) -> None:
    assert made.at(CONDA).samefile(made.at(CERTIFI))


SITUATIONS = {
    "G: the directory is group-writable, the file root's": (
        World(bundles=(OPENSHIFT,), mounted=("Corp Root",), user=1000),
        private_serves,
    ),
    "G: the directory is sticky": (
        World(bundles=(Bundle(directory_mode=0o1777),), mounted=("Corp Root",), user=1000),
        private_serves,
    ),
    "S: a bundle is a link to a store that cannot be written": (
        World(
            bundles=(Bundle(owner=1000, directory_owner=1000), Bundle(other_name="store")),
            store=Bundle(),
            mounted=("Corp Root",),
            user=1000,
        ),
        store_is_said_to_lack,
    ),
    "P: one of two CAs is taken out of a private bundle": (
        World(bundles=(OPENSHIFT,), mounted=("Corp Root", "Branch Root"), then_mounted=("Corp Root",), user=1000),
        private_serves,
    ),
    "H: only half of the store can be written": (
        World(
            bundles=(Bundle(),),
            store=Bundle(owner=1000, directory_owner=1000),
            mounted=("Corp Root",),
            user=1000,
        ),
        lambda made: None,
    ),
    "W: a section holds a certificate twice, and nothing may be removed": (
        World(
            bundles=(Bundle(section=("Former Root", "Former Root")),),
            mounted=("Corp Root",),
            input_trouble="missing",
        ),
        lambda made: None,
    ),
    "D: the state directory is another user's dangling link": (
        World(bundles=(OPENSHIFT,), mounted=("Corp Root",), user=1000, state_trouble="dangling"),
        nothing_private,
    ),
    "X: the base has all that is mounted, and the section a stale CA": (
        World(
            bundles=(Bundle(base=("Corp Root",), section=("Former Root",), directory_mode=0o775),),
            mounted=("Corp Root",),
            user=1000,
        ),
        private_serves,
    ),
    "V: a CA variable names a store that the start completes": (
        World(
            bundles=(Bundle(),),
            store=Bundle(),
            mounted=("Corp Root",),
            variables=(("REQUESTS_CA_BUNDLE", STORE),),
        ),
        lambda made: None,
    ),
    "B: a bundle that is a mount of its own": (
        World(bundles=(Bundle(is_mounted=True),), mounted=("Corp Root",)),
        private_serves,
    ),
    "I: two hard-linked bundles": (
        World(bundles=(Bundle(), Bundle(other_name="hard link")), mounted=("Corp Root",)),
        both_names_are_one_file,
    ),
    "A: nothing is mounted any more": (
        World(bundles=(OPENSHIFT,), mounted=("Corp Root",), then_mounted=(), user=1000),
        lambda made: None,
    ),
    "R and K: the first state directory cannot be used, and the next is": (
        World(
            bundles=(OPENSHIFT,),
            mounted=("Corp Root",),
            state=("/run/psm-entry", "/tmp/psm-entry-x"),
            state_trouble="foreign",
            user=1000,
        ),
        private_serves,
    ),
    "L: a leftover temporary file": (
        World(bundles=(Bundle(section=("Corp Root",), leftover=True),), mounted=("Corp Root",)),
        lambda made: None,
    ),
    "T: strict, and an input is damaged": (
        World(bundles=(Bundle(),), mounted=("Corp Root",), input_trouble="damaged", strict=True),
        lambda made: None,
    ),
    "C: the image was merged into when it was built, and another CA is mounted": (
        World(
            bundles=(Bundle(section=("Former Root",)),),
            store=Bundle(section=("Former Root",)),
            anchors=("Former Root",),
            mounted=("Corp Root",),
            user=1000,
        ),
        lambda made: None,
    ),
}


@pytest.mark.parametrize("kind", SITUATIONS)
def test_plan_check_env_and_a_start_agree(binary, kind):
    world, judge = SITUATIONS[kind]
    with built(world, binary) as made:
        holds(made)
        made.mount(world.mounted)
        made.run("--", "/usr/bin/env", "-0")
        judge(made)


def test_a_leftover_is_foretold_and_removed(binary):
    with built(SITUATIONS["L: a leftover temporary file"][0], binary) as made:
        assert made.run("plan").returncode == 2
        made.run("--", "/usr/bin/true")
        assert made.run("plan").returncode == 0
        assert not list(made.at(CONDA).parent.glob(".psm-entry-new*"))


def test_the_last_ca_of_a_private_bundle_goes_with_it_and_that_is_foretold(binary):
    with built(SITUATIONS["A: nothing is mounted any more"][0], binary) as made:
        made.run("--", "/usr/bin/true")
        # The bundle's own user may write it now; from here on the bundle itself is used.
        made.mount(())
        foretold = json.loads(made.run("plan", "--json").stdout)["changes"]
        assert [change["kind"] for change in foretold] == ["private"]
        assert foretold[0]["remove"] == [authority("Corp Root").fingerprint]
        start = made.run("--", "/usr/bin/true")
        assert b"/run/psm-entry/cacert.pem: removed" in start.stderr
        assert not made.at("/run/psm-entry/cacert.pem").exists()


def test_strict_with_an_error_of_inputs_lists_no_change(binary):
    with built(SITUATIONS["T: strict, and an input is damaged"][0], binary) as made:
        plan = made.run("plan", "--json")
        assert plan.returncode == 1 and json.loads(plan.stdout)["changes"] == []
        assert made.run("--", "/usr/bin/true").returncode == 78
        assert section_of(made.at(CONDA).read_bytes()) == set()


def test_strict_with_an_error_of_settings_lists_and_does_nothing(binary):
    with built(World(bundles=(Bundle(),), mounted=("Corp Root",), strict=True), binary) as made:
        before = made.at(CONDA).read_bytes()
        plan = made.run("plan", f"--bundles={CONDA}:/gone.pem", "--json")
        assert plan.returncode == 1 and json.loads(plan.stdout)["changes"] == []
        command = [str(made.binary), "--root", str(made.root), "--strict", "--bundles", f"{CONDA}:/gone.pem"]
        start = subprocess.run([*command, "--", "/usr/bin/true"], capture_output=True, timeout=60, check=False)
        assert start.returncode == 78 and b"error: /gone.pem: no such file" in start.stderr
        assert made.at(CONDA).read_bytes() == before


def test_strict_with_an_error_of_a_store_is_foretold_with_the_changes(binary):
    """A store is repaired all the same: the next start finds no error."""
    with built(World(bundles=(Bundle(),), mounted=("Corp Root",), strict=True), binary) as made:
        made.at(CONDA).write_bytes(made.at(CONDA).read_bytes() + b"-----BEGIN CERTIFICATE-----\nTW")
        plan = made.run("plan", "--json")
        assert plan.returncode == 1 and [change["repair"] for change in json.loads(plan.stdout)["changes"]] == [True]
        assert b"--strict: the service would not be started" in made.run("plan").stdout
        assert made.run("--", "/usr/bin/true").returncode == 78
        assert made.run("plan").returncode == 0
        assert made.run("--", "/usr/bin/true").returncode == 0


@pytest.mark.parametrize("user", ["0", "1000", "4321"])
def test_u_whoever_asks_is_told_what_the_start_has_done(container, binary, user):
    """check as another user than that of the start: a private bundle is used."""
    settings = {"PSM_ENTRY_SYSTEM": "off"}
    box = container(binary, options=["--user", "1000:0"], settings=settings, command=["sleep", "600"])
    wait_for("the service runs", 60, lambda: box.run("cat", "/proc/1/comm").stdout == b"sleep\n")
    said = succeed("exec", "--user", user, box.name, "/psm-entry", "check", "--json").decode()
    assert json.loads(said)["ok"], said
    plan = succeed("exec", "--user", user, box.name, "/psm-entry", "plan")
    assert b"no store would change" in plan
