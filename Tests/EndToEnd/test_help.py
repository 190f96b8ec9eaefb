"""Help fits one screen, with a page for each command, and does nothing that a start would do."""

import subprocess

import pytest

from roots import CERTS, authority, make_scene

COMMANDS = ["plan", "check", "certs", "env", "apply", "write-bundle", "install"]


def told(binary, *words, status=0):
    done = subprocess.run([binary, *words], env={}, capture_output=True, timeout=60, check=False)
    assert done.returncode == status, done.stderr.decode()
    return (done.stdout or done.stderr).decode()


def test_help_fits_a_screen(binary):
    lines = told(binary, "--help").splitlines()
    assert len(lines) <= 50
    assert max(map(len, lines)) <= 100
    assert sum("psm-entry" in line for line in lines[lines.index("Examples:") :]) >= 2


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_has_a_page_with_usage_statuses_and_an_example(binary, command):
    page = told(binary, "help", command)
    assert page == told(binary, command, "--help") == told(binary, command, "-h") == told(binary, "--help", command)
    assert page.startswith(f"Usage: psm-entry {command}")
    assert "\nExit status: 0" in page
    assert "\nExample: " in page
    assert len(page.splitlines()) <= 50
    assert max(map(len, page.splitlines())) <= 100


def test_help_names_every_command_and_setting(binary):
    screen, settings = told(binary, "help"), told(binary, "help", "settings")
    for command in [*COMMANDS, "help", "version"]:
        assert f"\n  psm-entry {command}" in screen
    heads = [line.rpartition(", ")[2].split()[0] for line in settings.splitlines() if not line.startswith(" ")]
    assert len(heads) == 16
    for variable in heads:
        assert f" {variable} " in screen


def test_the_words_of_help_are_no_commands_to_run(binary, tmp_path):
    """A start would merge the CA into the bundle; the output is not a log."""
    scene = make_scene(tmp_path, binary)
    scene.write(f"{CERTS}/corp.pem", authority("Corp").pem)
    before = scene.files()
    for words in (["help"], ["-h"], ["version"], ["--version"], ["help", "plan"]):
        done = subprocess.run(
            [binary, "--root", scene.directory, *words], env={}, capture_output=True, timeout=60, check=False
        )
        assert (done.returncode, done.stderr) == (0, b"")
        assert done.stdout.startswith((b"psm-entry ", b"Usage: "))
    assert scene.files() == before
    assert told(binary, "version") == told(binary, "--version")
    assert told(binary, "version", "--json") == told(binary, "--version", "--json")


@pytest.mark.parametrize("words", [["help", "nothing"], ["help", "plan", "check"], ["version", "now"]])
def test_what_there_is_no_help_on_is_wrong_usage(binary, words):
    assert "see psm-entry --help" in told(binary, *words, status=64)
