"""What holds in any root: plan, check, env, apply and a start agree, and nothing is lost.

`make worlds SECONDS=…` searches for longer; `make test` always draws the same sixty worlds for each user.
"""

import base64
import json
import os
import re
import ssl
import time
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest
from certificates import certificates_of
from hypothesis import HealthCheck, Phase, given, settings

from roots import CLOSING, OPENING, authority
from worlds import CERTS, INPUT_TROUBLES, PASSWORD, STORE, WORLDS, Built, World, built, fingerprint

SCHEMAS = {
    name: json.loads((Path(__file__).parents[2] / "docs" / "schema" / f"{name}.json").read_text())
    for name in ("plan", "check", "certs", "env")
}
KEY = base64.b64encode(authority("Keyed").key_and_certificate.split(b"-----")[2])[:8]
EXAMPLES = int(os.environ.get("PSM_ENTRY_WORLDS", "60"))
PHASES = [Phase.explicit, Phase.generate, *([Phase.shrink] if "PSM_ENTRY_SHRINK" in os.environ else [])]
SECONDS = float(os.environ.get("PSM_ENTRY_WORLDS_SECONDS", "0"))


def trusted(path: Path) -> set[bytes] | None:
    """What Python's ssl finds in a file; None if it refuses the file."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        context.load_verify_locations(path)
    except (ssl.SSLError, OSError):
        return None
    return set(context.get_ca_certs(binary_form=True))


def resolved(made: Built, path: str) -> Path:
    """The file that a path refers to inside the root."""
    place = made.at(path)
    for _ in range(8):
        if not place.is_symlink():
            break
        target = os.readlink(place)
        place = made.at(target) if target.startswith("/") else place.parent / target
    return place


def base_of(text: bytes) -> bytes:
    """The text without its section, which is at the end."""
    start = text.rfind(OPENING)
    return text[:start] if start >= 0 and text.endswith(CLOSING) else text


def section_of(text: bytes) -> set[str]:
    start = text.rfind(OPENING)
    if start < 0 or not text.endswith(CLOSING):
        return set()
    return {line.split(": ")[1].replace(":", "").lower() for line in text[start:].decode().splitlines() if "SHA-256: " in line}


def outputs_hold_no_secret(*results) -> None:
    for result in results:
        for output in (result.stdout, result.stderr):
            assert PASSWORD.encode() not in re.sub(rb"export HTTPS?_PROXY=.*\n", b"", output) or b"\0" in output
            assert KEY not in output


def environment_of(output: bytes) -> dict[str, str]:
    return dict(entry.split("=", 1) for entry in output.decode().split("\0") if entry)


def holds(made: Built) -> None:
    world = made.world
    before = made.tree()
    plan = made.run("plan", "--json")
    check = made.run("check", "--json")
    env = made.run("env", "--null")
    certs = made.run("certs", "--json")
    assert made.tree() == before, "plan, check, env or certs has changed something"
    foretold = json.loads(plan.stdout)
    for name, output in (("plan", plan), ("check", check), ("certs", certs)):
        jsonschema.validate(json.loads(output.stdout), SCHEMAS[name])
    texts = {path: resolved(made, path).read_bytes() for path in [*made.bundle_paths, STORE] if made.at(path).exists()}

    with built(world, made.binary) as other:
        applied = other.run("apply")
        left = other.tree()
    start = made.run("--", "/usr/bin/env", "-0")
    apply_agrees(made, applied, left, start)
    outputs_hold_no_secret(plan, check, certs, start) if not world.proxy else outputs_hold_no_secret(plan, check, certs)
    after = made.tree()
    changed = {path for path in before.keys() | after.keys() if contents(before, path) != contents(after, path)}
    if start.returncode == 78:
        assert world.strict
        refused = plan.returncode == 1 and not foretold["changes"]
        assert refused or any("error: " in line for line in start.stderr.decode().splitlines())
        if refused:
            assert after == before, "strict has changed something"
        return
    assert start.returncode == 0, start.stderr.decode()
    assert environment_of(env.stdout) == environment_of(start.stdout), "env is not what the service gets"

    for change in foretold["changes"]:
        judge_change(made, change, texts)
    foreseen = {str(resolved(made, change["store"])) for change in foretold["changes"]}
    for path in changed:
        if is_certificate_store(path):
            names = {str(made.at(path)), *(str(resolved(made, other)) for other in made.bundle_paths if same(made, other, path))}
            assert names & foreseen, f"{path} has changed, and plan has not said so: {foretold['changes']}"

    for path, text in texts.items():
        now = resolved(made, path).read_bytes()
        if resolved(made, path) == resolved(made, STORE) and world.anchors and trusted_text(text):
            # What the distribution's tool built from psm-entry's anchors is removed with them.
            ours = {authority(name).der for name in world.anchors}
            assert (trusted(resolved(made, path)) or set()) >= set(certificates_of(base_of(text))) - ours
        elif trusted_text(text):
            assert base_of(now) == base_of(text) or now.startswith(base_of(text)), f"the base of {path} has changed"

    the_bundle_holds(made, start)
    settled = made.run("plan", "--json")
    assert json.loads(settled.stdout)["changes"] == [], f"{path} is not settled: {settled.stdout.decode()}"
    check_agrees(made, json.loads(made.run("check", "--json").stdout)["checks"])
    second_before = made.tree()
    second = made.run("--", "/usr/bin/env", "-0")
    assert made.tree() == second_before, "a second start has changed something"
    if not [line for line in second.stderr.decode().splitlines() if ": warning: " in line or ": error: " in line]:
        assert len(second.stderr.splitlines()) <= 1 or environment_of(second.stdout).get("SSL_CERT_FILE"), second.stderr.decode()

    removal_holds(made)


def the_bundle_holds(made: Built, start) -> None:
    """The file that a start puts into NODE_EXTRA_CA_CERTS trusts every mounted certificate; if there is no such file, an error says so."""
    world = made.world
    wanted = {authority(name).der for name in world.mounted}
    if "NODE_EXTRA_CA_CERTS" in dict(world.variables) or not wanted or INPUT_TROUBLES.get(world.input_trouble):
        return
    named = environment_of(start.stdout).get("NODE_EXTRA_CA_CERTS")
    if named is None:
        assert "psm-entry: error: " in start.stderr.decode(), "nobody trusts what is mounted, and nothing is said"
    else:
        assert wanted <= (trusted(resolved(made, named)) or set()), f"{named} does not trust what is mounted"
    if named == STORE:
        usable = [path for path in made.bundle_paths if made.at(path).exists() and trusted(resolved(made, path))]
        assert not usable, f"{usable} comes before the system store's"


def apply_agrees(made: Built, applied, left: dict, start) -> None:
    """apply has the same result and the same messages as a start, and ends with the corresponding status."""
    outputs_hold_no_secret(applied)
    assert applied.stdout == b""
    # The name of a temporary file is random, and a directory's mode may differ if it was recreated.
    mine, theirs = ({path: contents(tree, path) for path in tree} for tree in (made.tree(), left))
    assert theirs == mine, {path for path in mine.keys() | theirs.keys() if mine.get(path) != theirs.get(path)}
    strict = "error: PSM_ENTRY_STRICT: "
    said, told = ([line for line in one.stderr.decode().splitlines() if strict not in line] for one in (start, applied))
    assert told == said
    errors = any("psm-entry: error: " in line for line in said)
    assert applied.returncode == (78 if start.returncode == 78 else 1 if errors else 0)


def contents(tree: dict, path: str):
    """The attributes of a name that count as changes: not the times of directories."""
    found = tree.get(path)
    if found is None:
        return None
    return (found[0], found[1], found[4])


def is_certificate_store(path: str) -> bool:
    return path.endswith((".pem", "ca-certificates.crt")) and not path.startswith(CERTS)


def same(made: Built, one: str, other: str) -> bool:
    first, second = resolved(made, one), made.at(other)
    return first.exists() and second.exists() and first.samefile(second)


def trusted_text(text: bytes) -> bool:
    """Whether a client finds a certificate in it."""
    return b"-----BEGIN CERTIFICATE-----\nMAA=" not in text and text.count(b"BEGIN CERT") > 0 and text.startswith(b"# the image's own")


def judge_change(made: Built, change: dict, texts: dict[str, bytes]) -> None:
    path = resolved(made, change["store"])
    old = section_of(texts.get(change["store"], b""))
    new = section_of(path.read_bytes()) if path.exists() else set()
    if change["kind"] == "bundle":
        assert set(change["add"]) == new - old, f"{change} but {new - old} were added"
        assert set(change["remove"]) == old - new, f"{change} but {old - new} were removed"
    else:
        assert set(change["add"]) <= {fingerprint(der) for der in trusted(path) or set()}


def check_agrees(made: Built, checks: list[dict]) -> None:
    """check accepts a bundle exactly if a client trusts every mounted certificate with it."""
    world = made.world
    if INPUT_TROUBLES.get(world.input_trouble):
        return
    wanted = {authority(name).der for name in world.mounted}
    for path in made.bundle_paths:
        place = resolved(made, path)
        if not place.exists():
            continue
        found = trusted(place)
        said = [check for check in checks if check["target"] == path]
        is_right = found is not None and wanted <= found
        if any(check["detail"] == "up to date" for check in said):
            assert is_right, f"check says that {path} is up to date"
        if wanted and not is_right:
            is_private = any("using /" in check["detail"] for check in checks)
            assert is_private or [check for check in checks if not check["ok"]] or not_said_as_info(made), f"{path}: {checks}"


def not_said_as_info(made: Built) -> bool:
    """If the private bundle is used, a bundle that could not be replaced is only information."""
    return "SSL_CERT_FILE" in environment_of(made.run("env", "--null").stdout)


def removal_holds(made: Built) -> None:
    """A certificate that is no longer mounted is gone everywhere, or there is an error."""
    world = made.world
    if INPUT_TROUBLES.get(world.input_trouble) or world.strict:
        return
    made.mount(world.then_mounted)
    start = made.run("--", "/usr/bin/env", "-0")
    gone = set(world.mounted) - set(world.then_mounted)
    said = start.stderr.decode()
    exported = environment_of(start.stdout)
    for path in made.bundle_paths:
        place = resolved(made, path)
        if not place.exists():
            continue
        held = section_of(place.read_bytes())
        if any(authority(name).fingerprint in held for name in gone):
            assert "error: " in said or "SSL_CERT_FILE" in exported, f"{path} still trusts {gone}:\n{said}"
    private = exported.get("SSL_CERT_FILE", "")
    if private.endswith("psm-entry/cacert.pem"):
        held = section_of(made.at(private).read_bytes())
        assert not any(authority(name).fingerprint in held for name in gone)


@settings(
    max_examples=EXAMPLES, phases=PHASES, derandomize=not SECONDS, deadline=None, database=None, print_blob=False,
    suppress_health_check=list(HealthCheck),
)
@given(world=WORLDS)
def in_any_world(binary: Path, user: int, world: World) -> None:
    with built(replace(world, user=user), binary) as made:
        holds(made)


@pytest.mark.parametrize("user", [0, 1000], ids=["as root", "as 1000:0"])
def test_what_holds_in_any_world(binary, user):
    until = time.monotonic() + SECONDS / 2
    while True:
        in_any_world(binary, user)
        if time.monotonic() >= until:
            break
