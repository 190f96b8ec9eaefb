"""Limits for mounted files: exceeding one is an error, adds nothing and removes nothing."""

import os
from pathlib import Path

import pytest

from certificates import certificates_of, large, many, pem_of
from roots import BUNDLE, CERTIFI, CERTS, Scene, authority, base, loaded, make_scene

MEBIBYTE = 1 << 20


@pytest.fixture
def scene(directory: Path, binary: Path) -> Scene:
    return make_scene(directory, binary)


def mount(scene: Scene, name: str, ders: list[bytes]) -> None:
    scene.write(f"{CERTS}/{name}", b"".join(pem_of(der) for der in ders))


def test_ten_thousand_certificates_are_merged(scene):
    ders = many(9_999)
    mount(scene, "many.pem", ders)
    started = scene.start()
    assert not started.lines("error: "), started.said[:2000]
    assert len(certificates_of(scene.read(CERTIFI))) == 10_000 + 2


def test_more_than_ten_thousand_certificates_are_an_error_and_revoke_nothing(scene):
    scene.mount("Former Root")
    scene.start()
    scene.mount("Corp Root")
    mount(scene, "many.pem", many(10_100))
    started = scene.start()
    assert len(started.lines("more than 10000 certificates mounted")) == 1, started.said[:2000]
    held = loaded(scene.at(BUNDLE))
    # The first 10,000 in the order of the files' names, and what was trusted before.
    assert authority("Corp Root").der in held and authority("Former Root").der in held
    assert len(held) == 3 + 10_000 + 1
    before = scene.files()
    assert scene.start("--strict").status == 78
    assert scene.files() == before
    scene.mount("Corp Root")
    scene.start()
    assert loaded(scene.at(BUNDLE)) == set(certificates_of(base())) | {authority("Corp Root").der}


def test_the_same_certificates_in_many_files_are_counted_once(scene):
    ders = many(4_000)
    for number in range(3):
        mount(scene, f"many-{number}.pem", ders)
    started = scene.start()
    assert not started.lines("error: "), started.said[:2000]


def test_a_bundle_that_would_be_too_large_to_read_is_left_unchanged_and_can_be_changed_again(scene):
    scene.mount("Former Root")
    scene.start()
    before = scene.files()
    scene.mount("Corp Root")
    for number, der in enumerate(large(5, 11 * MEBIBYTE)):
        scene.write(f"{CERTS}/large-{number}.der", der)
    started = scene.start()
    for path in (BUNDLE, CERTIFI):
        assert started.lines(f"error: {path}: would exceed 64 MiB"), started.said[:2000]
    after = {path: found for path, found in scene.files().items() if not path.startswith(CERTS)}
    assert after == {path: found for path, found in before.items() if not path.startswith(CERTS)}
    assert scene.start("--strict").status == 78
    scene.mount("Corp Root")
    scene.start()
    assert loaded(scene.at(BUNDLE)) == set(certificates_of(base())) | {authority("Corp Root").der}


def test_a_bundle_that_is_too_large_to_read_is_said_to_be_so(scene):
    with scene.at(BUNDLE).open("ab") as file:
        file.truncate(65 * MEBIBYTE)
    started = scene.start()
    assert started.lines(f"error: {BUNDLE}: larger than 64 MiB"), started.said
    assert os.stat(scene.at(BUNDLE)).st_size == 65 * MEBIBYTE
