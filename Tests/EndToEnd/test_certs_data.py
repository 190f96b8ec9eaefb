"""PSM_ENTRY_CERTS_DATA: certificates in a variable are an additional input, and its value is never shown."""

import base64
import json
import os
import subprocess
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7

from certificates import certificates_of
from roots import BUNDLE, CERTIFI, CERTS, NATIVE_STORE, Scene, authority, make_scene

NAME = "PSM_ENTRY_CERTS_DATA"
BRANCH, THIRD = authority("Branch Root"), authority("Third Root")
BOTH = BRANCH.pem + THIRD.pem


def in_base64(contents: bytes) -> str:
    return base64.b64encode(contents).decode()


def in_pkcs7(encoding: Encoding) -> bytes:
    return pkcs7.serialize_certificates([one.certificate for one in (BRANCH, THIRD)], encoding)


def in_lines(text: str) -> str:
    return "\n".join(text[start : start + 76] for start in range(0, len(text), 76)) + "\n"


FORMS = {
    "PEM": BOTH.decode(),
    "PEM with CRLF": BOTH.decode().replace("\n", "\r\n"),
    "PEM with \\n": BOTH.decode().replace("\n", "\\n"),
    "PEM with \\r\\n": BOTH.decode().replace("\n", "\\r\\n"),
    "PEM in JSON": json.dumps(BOTH.decode()),
    "PKCS#7 as PEM": in_pkcs7(Encoding.PEM).decode(),
    "Base64 of PEM": in_base64(BOTH),
    "Base64 in lines": in_lines(in_base64(BOTH)),
    "Base64 of UTF-16": in_base64(BOTH.decode().encode("utf-16")),
    "Base64 of PKCS#7": in_base64(in_pkcs7(Encoding.DER)),
    "Base64 of PKCS#7 as PEM": in_base64(in_pkcs7(Encoding.PEM)),
}
ONE = {"Base64 of DER": in_base64(BRANCH.der), "Base64 of DER in lines": in_lines(in_base64(BRANCH.der))}
WRONG = {
    "a path": "/elsewhere/branch-ca.pem",
    "nothing like it": "changeme!",
    "Base64 of nothing like it": in_base64(b"changeme changeme"),
    "PEM cut short": BRANCH.pem.decode()[:-40],
    "Base64 cut short": in_base64(BRANCH.pem)[:-41],
    "Base64 of DER cut short": in_base64(BRANCH.der[:-40]),
    "PEM on one line": BRANCH.pem.decode().replace("\n", " "),
    "Base64 twice": in_base64(in_base64(BRANCH.der).encode()),
    "white space": "  \n",
}
REFUSED = {
    "a key": authority("Keyed").key_and_certificate.decode().partition("-----BEGIN CERTIFICATE")[0],
    "a request": "-----BEGIN CERTIFICATE REQUEST-----\nMAA=\n-----END CERTIFICATE REQUEST-----\n",
    "Base64 of a gzip": in_base64(b"\x1f\x8b\x08" + bytes(40)),
}


@pytest.fixture
def scene(directory: Path, binary: Path) -> Scene:
    return make_scene(directory, binary, has_store=True)


def run(scene: Scene, *words: str, data: str | None = None) -> subprocess.CompletedProcess[bytes]:
    line = [scene.binary, words[0], "--root", scene.directory, "--state-dir", "/run/psm-entry", *words[1:]]
    variables = {"PATH": os.environ["PATH"], **({NAME: data} if data is not None else {})}
    return subprocess.run(line, env=variables, stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=False)


def hides(data: str, *outputs: bytes | str) -> None:
    """Nothing of the value is shown: neither a line nor a part of one."""
    for output in outputs:
        text = output.decode() if isinstance(output, bytes) else output
        for start in range(0, len(data) - 12, 7):
            part = data[start : start + 12]
            assert part.isspace() or "CERTIFICATE" in part or "---" in part or part not in text, part


@pytest.mark.parametrize("form", [*FORMS, *ONE])
def test_every_form_is_read_and_reaches_every_store(scene, form):
    data = {**FORMS, **ONE}[form]
    wanted = {BRANCH.der} if form in ONE else {BRANCH.der, THIRD.der}
    listed = run(scene, "certs", "--json", data=data)
    sources = {one["sha256"]: one["source"] for one in json.loads(listed.stdout)}
    assert sources == {
        authority("Corp Root").fingerprint: f"{CERTS}/Corp Root.pem",
        **{one.fingerprint: NAME for one in (BRANCH, THIRD) if one.der in wanted},
    }
    plan = run(scene, "plan", data=data)
    env = run(scene, "env", data=data)
    assert (plan.returncode, env.returncode) == (2, 0)
    started = scene.start(environment={NAME: data})
    assert started.status == 0 and "error: " not in started.said
    assert started.variables[NAME] == data, "the service gets it byte for byte"
    for path in (BUNDLE, CERTIFI, NATIVE_STORE):
        assert set(certificates_of(scene.read(path))) >= wanted | {authority("Corp Root").der}
    check = run(scene, "check", data=data)
    assert check.returncode == 0, check.stdout
    told = json.loads(run(scene, "check", "--json", data=data).stdout)
    assert NAME in [one["target"] for one in told["checks"] if one["name"] == "input"]
    hides(data, plan.stdout, plan.stderr, env.stdout, env.stderr, started.said, check.stdout, listed.stdout, listed.stderr)
    # Removed from the variable, it is gone.
    scene.start()
    for path in (BUNDLE, CERTIFI, NATIVE_STORE):
        assert not set(certificates_of(scene.read(path))) & wanted


@pytest.mark.parametrize("form", WRONG)
def test_one_that_cannot_be_read_is_an_error_that_takes_nothing_out(scene, form):
    scene.mount("Corp Root", "Branch Root")
    scene.start()
    scene.mount("Corp Root")
    started = scene.start(environment={NAME: WRONG[form]})
    assert started.status == 0
    errors = started.lines("error: ")
    assert errors and all(line.startswith(f"psm-entry: error: {NAME}: ") for line in errors), started.said
    assert "no certificate is removed from any store in this start" in started.said
    assert BRANCH.der in certificates_of(scene.read(BUNDLE))
    outputs = [run(scene, word, data=WRONG[form]) for word in ("plan", "check", "certs", "env", "apply")]
    assert [one.returncode for one in outputs] == [0, 1, 0, 0, 1]
    hides(WRONG[form], started.said, *(one.stdout for one in outputs), *(one.stderr for one in outputs))
    strict = scene.start("--strict", environment={NAME: WRONG[form]})
    assert strict.status == 78


@pytest.mark.parametrize("form", REFUSED)
def test_one_that_is_refused_for_its_kind_is_an_error_and_removals_go_on(scene, form):
    scene.mount("Corp Root", "Branch Root")
    scene.start()
    scene.mount("Corp Root")
    started = scene.start(environment={NAME: REFUSED[form]})
    assert started.lines(f"error: {NAME}: "), started.said
    assert BRANCH.der not in certificates_of(scene.read(BUNDLE))
    hides(REFUSED[form], started.said)


def test_it_is_one_more_input_beside_a_key_that_is_never_shown(scene):
    data = authority("Keyed").key_and_certificate.decode()
    started = scene.start(environment={NAME: data})
    assert started.status == 0
    assert f"warning: {NAME}: " in started.said and "private key" in started.said
    assert authority("Keyed").der in certificates_of(scene.read(BUNDLE))
    assert b"PRIVATE KEY" not in scene.read(BUNDLE)
    hides(data, started.said)


def test_an_empty_one_counts_as_unset(scene):
    assert "error" not in scene.start(environment={NAME: ""}).said


def test_paths_that_are_given_to_certs_stand_alone(scene):
    result = run(scene, "certs", "--json", CERTS, data=BOTH.decode())
    assert [one["source"] for one in json.loads(result.stdout)] == [f"{CERTS}/Corp Root.pem"]


def test_it_is_enough_where_nothing_is_mounted(scene):
    for path in scene.at(CERTS).iterdir():
        path.unlink()
    scene.at(CERTS).rmdir()
    started = scene.start(environment={NAME: BOTH.decode()})
    assert started.status == 0 and "error: " not in started.said
    assert BRANCH.der in certificates_of(scene.read(BUNDLE))


def test_as_much_as_the_kernel_takes_is_read(scene):
    """A variable has at most 128 KiB: execve(2), MAX_ARG_STRLEN."""
    data = BOTH.decode().rjust(131072 - len(NAME) - 2, "\n")
    started = scene.start(environment={NAME: data})
    assert started.status == 0 and "error: " not in started.said
    assert BRANCH.der in certificates_of(scene.read(BUNDLE))


def test_the_variable_is_named_when_its_issuer_is_missing(scene):
    leaf = x509.load_pem_x509_certificate(authority("Corp Root").issue("host.test"))
    started = scene.start(environment={NAME: in_base64(leaf.public_bytes(Encoding.DER))})
    assert started.lines(f"warning: {NAME}: "), started.said
