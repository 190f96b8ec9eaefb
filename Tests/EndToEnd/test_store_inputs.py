"""The system store as an input: a host's directory mounted over the anchors, as many images document it."""

from pathlib import Path

import pytest

from certificates import certificates_of
from clients import DISTRUST
from containers import Container, podman
from network import BODY
from test_system_stores import Family, curl, families  # noqa: F401 (a fixture)

SYSTEM = "/conda/ssl/cacert.pem"


@pytest.fixture(params=["rhel", "debian"])
def family(request, families) -> Family:  # noqa: F811
    return families[request.param]


@pytest.fixture
def anchors(directory: Path, proxy) -> Path:
    """A directory on the host with the proxy's CA."""
    made = directory / "anchors"
    made.mkdir(mode=0o755)
    (made / "corp.crt").write_bytes(proxy.authority.pem)
    return made


@pytest.fixture
def start(container, binary, family, anchors):
    def begin(mode: str = "rw", certs: str = "", *options: str) -> Container:
        box = container(
            binary,
            settings={"REPO_CUSTOM_CA_CERT": "", "PSM_ENTRY_CERTS": certs or family.anchors},
            from_image=family.image,
            options=["--volume", f"{anchors}:{family.anchors}:{mode}", *options],
        )
        box.service()
        return box

    return begin


@pytest.mark.parametrize("mode", ["rw", "ro"])
def test_a_directory_mounted_over_the_anchors_reaches_every_store_and_stays_as_it_is(
    start, family, anchors, origin, proxy, mode
):
    box = start(mode)
    assert curl(box, origin.url).stdout == BODY, box.log()
    assert proxy.authority.der in certificates_of(box.read(family.bundle))
    assert proxy.authority.der in certificates_of(box.read(SYSTEM))
    assert [path.name for path in anchors.iterdir()] == ["corp.crt"]
    assert not [line for line in box.said() if "error" in line or "warning" in line], box.log()
    check = box.run("/psm-entry", "check")
    assert check.returncode == 0, check.stdout.decode()
    # A restart finds everything up to date.
    before, said = box.run("stat", "--format", "%i %y", family.bundle).stdout, len(box.said())
    box.restart()
    assert box.run("stat", "--format", "%i %y", family.bundle).stdout == before
    assert len(box.said()) == said + 1, box.log()


@pytest.mark.parametrize("recreated", [False, True], ids=["restarted", "recreated"])
def test_an_authority_taken_out_of_the_anchors_is_not_trusted_any_more(
    start, family, anchors, origin, proxy, recreated
):
    box = start()
    assert curl(box, origin.url).stdout == BODY
    (anchors / "corp.crt").unlink()
    if recreated:
        box = start()
    else:
        box.restart()
    assert DISTRUST["curl"] in curl(box, origin.url).stderr.decode()
    for path in (family.bundle, SYSTEM):
        assert proxy.authority.der not in certificates_of(box.read(path))
    assert not list(anchors.iterdir())


def test_the_administrators_own_anchors_of_rhel_are_anchors_already(container, binary, families, anchors, origin, proxy):  # noqa: F811
    family, place = families["rhel"], "/etc/pki/ca-trust/source/anchors"
    box = container(
        binary,
        settings={"REPO_CUSTOM_CA_CERT": "", "PSM_ENTRY_CERTS": place},
        from_image=family.image,
        options=["--volume", f"{anchors}:{place}"],
    )
    box.service()
    assert curl(box, origin.url).stdout == BODY, box.log()
    assert box.run("ls", family.anchors).stdout == b""
    (anchors / "corp.crt").unlink()
    box.restart()
    assert DISTRUST["curl"] in curl(box, origin.url).stderr.decode(), box.log()
    assert proxy.authority.der not in certificates_of(box.read(SYSTEM))


MOUNTED_OVER = {
    "the bundle alone": lambda family, copy: (copy / Path(family.bundle).name, family.bundle),
    "its directory": lambda family, copy: (copy, str(Path(family.bundle).parent)),
}


@pytest.mark.parametrize("mode", ["rw", "ro"])
@pytest.mark.parametrize("place", MOUNTED_OVER)
def test_a_store_that_the_host_has_mounted_over_is_left_alone_and_said_once(
    container, binary, family, directory, place, mode, proxy
):
    image = container(None, from_image=family.image, command=["sleep", "infinity"])
    copied = podman("cp", f"{image.name}:{Path(family.bundle).parent}", str(directory / "built"))
    assert copied.returncode == 0, copied.stderr
    source, target = MOUNTED_OVER[place](family, directory / "built")
    before = source.read_bytes() if source.is_file() else None

    def begin(**settings: str) -> Container:
        started = container(
            binary,
            settings={"REPO_CUSTOM_CA_CERT": "", **settings},
            from_image=family.image,
            options=["--volume", f"{source}:{target}:{mode}"],
        )
        started.service()
        return started

    box = begin(PSM_ENTRY_STRICT="on")
    assert proxy.authority.der in certificates_of(box.read(SYSTEM))
    warnings = [line for line in box.said() if ": warning: " in line or ": error: " in line]
    if place == "its directory" and mode == "rw":
        # A writable volume is a store like any other.
        assert not warnings and proxy.authority.der in certificates_of(box.read(family.bundle))
        return
    (line,) = warnings
    assert "cannot write the system store (" in line and "PSM_ENTRY_SYSTEM=off" in line and "wget, aria2" in line
    assert ("mounted as a single file" in line) == (place == "the bundle alone")
    assert ("read-only file system, mounted at" in line) == (place == "its directory")
    assert before is None or source.read_bytes() == before
    # The remedy in the message.
    assert not [line for line in begin(PSM_ENTRY_SYSTEM="off").said() if ": warning: " in line]


def test_an_anchor_that_an_earlier_release_left_there_goes_with_its_authority(start, family, anchors, origin, proxy):
    (anchors / "corp.crt").unlink()
    left = anchors / Path(family.anchor(proxy.authority)).name
    left.write_bytes(proxy.authority.pem)
    box = start()
    assert DISTRUST["curl"] in curl(box, origin.url).stderr.decode()
    assert not left.exists() and proxy.authority.der not in certificates_of(box.read(SYSTEM))


def test_the_systems_own_bundle_as_an_input_makes_no_anchors(start, family, anchors, proxy, second_proxy):
    box = start("rw", f"{family.bundle}:/etc/repo/ca_certs")
    names = [path.name for path in anchors.iterdir()]
    assert set(names) <= {"corp.crt", Path(family.anchor(proxy.authority)).name}, names
    # The tool put the anchor's certificate into the bundle, and it is read from there again; it can be removed all the
    # same.
    assert proxy.authority.der in certificates_of(box.read(SYSTEM))


def test_a_name_that_debians_tool_ignores_is_said_and_the_remedy_works(start, family, anchors, origin):
    if family.ending != ".crt":
        (anchors / "corp.crt").rename(anchors / "corp.pem")
        assert curl(start(), origin.url).stdout == BODY
        return
    (anchors / "corp.crt").rename(anchors / "corp.pem")
    box = start()
    (line,) = [line for line in box.said() if "warning" in line]
    assert "(not in a file named *.crt); rename the file to *.crt" in line
    assert DISTRUST["curl"] in curl(box, origin.url).stderr.decode()
    (anchors / "corp.pem").rename(anchors / "corp.crt")
    box.restart()
    assert curl(box, origin.url).stdout == BODY
