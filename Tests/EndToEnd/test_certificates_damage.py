"""Damaged bundles: `psm-entry plan` agrees with OpenSSL, 3.0 and the newest, on which files are damaged."""

import json
import random
import subprocess

from certificate_readers import running_readers
from certificates_support import BINARY
from test_certificates import Authority

ROUNDS = 400

LINES = [
    b"\n", b" \n", b"\r\n", b"# comment\n", b"a: b\n", b"TWFu\n", b"TQ==\n", b"=\n", b"x" * 254 + b"\n",
    b"x" * 300 + b"\n", b" " * 300 + b"\n", b"-----END CERTIFICATE-----\n", b"-----END CERTIFICATE-----",
    b"-----END \n", b"-----BEGIN X-----\nTWFu\n-----END X-----\n", b"-----BEGIN X-----\n-----END X-----\n",
    b"-----BEGIN CERTIFICATE-----" + b" " * 300 + b"\n", b"A" * 65 + b"\n", b"\xef\xbb\xbf", b"\x80\n", b"-----BEGIN\n",
]  # fmt: skip


def mutated(text: bytes, numbers: random.Random) -> bytes:
    lines = text.splitlines(keepends=True)
    place = numbers.randrange(len(lines))
    match numbers.randrange(6):
        case 0:
            lines.insert(place, numbers.choice(LINES))
        case 1:
            del lines[place]
        case 2:
            other = numbers.randrange(len(lines))
            lines[place], lines[other] = lines[other], lines[place]
        case 3:
            lines[place] = lines[place].rstrip(b"\n") + numbers.choice(
                [b"", b" \n", b"\r\n", b"\0\n", b"\0x\n", b"\xa0\n", b" " * 250 + b"\n", b"=\n"]
            )
        case 4:
            changed = bytearray(lines[place])
            changed[numbers.randrange(len(changed))] = numbers.choice(b"\n\r =:A!\x80\xff")
            lines[place] = bytes(changed)
        case 5:
            changed = bytearray(lines[place])
            del changed[numbers.randrange(len(changed)) :]
            lines[place] = bytes(changed)
    return b"".join(lines)


def has_block_in_block(text: bytes) -> bool:
    """OpenSSL takes a BEGIN line inside a block, or a hyphen, for the end of its data, and loses what follows."""
    inside = False
    for line in text.split(b"\n"):
        if inside and b"-" in line and not line.rstrip().startswith(b"-----END "):
            return True
        if line.startswith((b"-----BEGIN ", b"\xef\xbb\xbf-----BEGIN ")):
            inside = True
        elif line.startswith(b"-----END "):
            inside = False
    return inside


def test_the_verdict_on_a_damaged_bundle_is_openssls(tmp_path):
    numbers = random.Random(42)
    pems = [Authority(f"CA {number}").pem for number in range(4)]
    inputs, bundle = tmp_path / "input.pem", tmp_path / "bundle.pem"
    inputs.write_bytes(Authority("Wanted").pem)
    command = [BINARY, "plan", "--json", "--system=off", f"--certs={inputs}", f"--bundles={bundle}"]
    verdicts = {True: 0, False: 0}
    disagreements = []
    with running_readers(["OpenSSL 3.0", "the newest OpenSSL"]) as readers:
        for number in range(ROUNDS):
            text = b"".join(numbers.choice([pems[0], pems[1], b"# text\n"]) for _ in range(2)) + pems[2]
            text = mutated(text + pems[3], numbers)
            if has_block_in_block(text):
                continue
            bundle.write_bytes(text)
            refuses = any(reader.refuses(bundle) for reader in readers.values())
            verdicts[refuses] += 1
            planned = json.loads(subprocess.run(command, capture_output=True, timeout=30).stdout)
            if not planned["changes"]:
                # None of its certificates can be saved: it is left unchanged, and no reader finds a certificate in it.
                (problem,) = planned["problems"]
                assert refuses and "contains no certificate" in problem["message"], text
                continue
            (change,) = planned["changes"]
            if change["repair"] != refuses:
                disagreements.append((number, refuses, text))
    assert disagreements == []
    assert min(verdicts.values()) > ROUNDS // 10
