"""What users mount in practice: damage with its remedy, failed mounts, and psm-entry's own files used as input."""

import base64
import gzip
import os
import re
import shutil
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import certifi
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.name import _ASN1Type
from cryptography.x509.oid import NameOID

from certificates import _builder, as_authority, certificates_of, pem_of
from roots import BUNDLE, CERTS, NOBODY, Scene, Started, authority, base, loaded, make_scene
from test_certificate_clients import public_host, serving_host  # noqa: F401 (a fixture)

SUSPENDED = "no certificate is removed from any store in this start"


@pytest.fixture(scope="module")
def proxied_host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A host whose certificate was issued by the company's proxy."""
    with serving_host(authority("Corp Root"), tmp_path_factory.mktemp("proxied")) as url:
        yield url


@pytest.fixture
def scene(directory: Path, binary: Path) -> Scene:
    return make_scene(directory, binary)


@pytest.fixture(params=[(), NOBODY], ids=["root", "1000:0"])
def user(request, scene) -> tuple[str, ...]:
    """The user that starts: root, or another user, who gets a private bundle."""
    if request.param:
        os.chown(scene.at("/run"), 1000, 0)
    return request.param


def trusts(scene: Scene, name: str, started: Started | None = None) -> bool:
    """Whether the bundle in use trusts the CA: a private bundle if the user may not replace the image's."""
    path = started.variables["NODE_EXTRA_CA_CERTS"] if started else BUNDLE
    return authority(name).der in loaded(scene.at(path))


def folded(pem: bytes) -> bytes:
    return pem.replace(b"\n", b" ")


DAMAGE: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "written line breaks": (lambda pem: pem.replace(b"\n", b"\\n"), "instead of line breaks"),
    "indented": (lambda pem: b"".join(b"    " + line + b"\n" for line in pem.splitlines()), "indented PEM"),
    "Base64 of PEM": (base64.encodebytes, "Base64 of a PEM file"),
    "bare Base64": (lambda pem: base64.encodebytes(ssl.PEM_cert_to_DER_cert(pem.decode())), "without BEGIN and END"),
    "Base64 twice": (
        lambda pem: base64.encodebytes(base64.b64encode(ssl.PEM_cert_to_DER_cert(pem.decode()))),
        "encoded twice",
    ),
    "gzip": (gzip.compress, "gzip file"),
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_the_commonest_damage_has_a_name_and_its_remedy_mends_it(scene, kind, tmp_path):
    damage, words = DAMAGE[kind]
    damaged = scene.at(CERTS) / "Corp Root.pem"
    damaged.write_bytes(damage(authority("Corp Root").pem))
    started = scene.start()
    (line,) = started.lines("Corp Root.pem")
    assert ": error: " in line and words in line, line
    assert not trusts(scene, "Corp Root")
    # The message names a command; its result is mounted instead of the file.
    (command,) = re.findall(r"(?:it|twice|space): (.*? > ca\.\w+)", line)
    command = command.replace("FILE", f"'{damaged}'")
    subprocess.run(["/bin/sh", "-ec", command], cwd=tmp_path, check=True, timeout=30)
    damaged.unlink()
    (made,) = tmp_path.glob("ca.*")
    shutil.copy(made, scene.at(CERTS))
    again = scene.start()
    assert not again.lines("error") and not again.lines("warning"), again.said
    assert trusts(scene, "Corp Root")


UNMENDED = {
    "folded by YAML": (folded, "'key: |' instead of 'key: >'"),
    "quoted in a mail": (lambda pem: b"".join(b"> " + line + b"\n" for line in pem.splitlines()), "text before -----BEGIN"),
    "a space in BEGIN": (lambda pem: pem.replace(b"-----BEGIN", b"----- BEGIN"), "misspelled BEGIN line"),
    "a word processor's dashes": (
        lambda pem: pem.replace(b"-----BEGIN", "\u2014\u2014-BEGIN".encode()),
        "misspelled BEGIN line",
    ),
    "no BEGIN": (lambda pem: b"\n".join(pem.splitlines()[3:]), "END line without a BEGIN line"),
    "half of a PEM": (lambda pem: pem[:-60], "missing END line"),
    "half of a DER": (lambda pem: ssl.PEM_cert_to_DER_cert(pem.decode())[:-60], "cut short"),
    "nothing": (lambda pem: b"", "empty file"),
}


@pytest.mark.parametrize("kind", [*DAMAGE, *UNMENDED])
def test_a_file_that_is_damaged_between_two_starts_revokes_nothing(scene, kind, user):
    damage, words = (DAMAGE | UNMENDED)[kind]
    scene.mount("Corp Root", "Other Root")
    started = scene.start(user=user)
    assert trusts(scene, "Corp Root", started) and trusts(scene, "Other Root", started)
    (scene.at(CERTS) / "Corp Root.pem").write_bytes(damage(authority("Corp Root").pem))
    started = scene.start(user=user)
    (line,) = started.lines("Corp Root.pem")
    assert words in line
    # An archive is another kind of file, and its CA is no longer mounted.
    assert (SUSPENDED in line) == (kind != "gzip")
    assert trusts(scene, "Corp Root", started) == (kind != "gzip") and trusts(scene, "Other Root", started)
    scene.mount("Other Root")
    started = scene.start(user=user)
    assert not started.lines("error")
    assert not trusts(scene, "Corp Root", started)


HARMLESS = {"README.md": b"# CAs\n", "Thumbs.db": b"\xd0\xcf\x11\xe0", "ca.crt:Zone.Identifier": b"[ZoneTransfer]\r\nZoneId=3\r\n"}


def test_what_was_never_meant_as_a_certificate_is_a_warning_and_strict_starts(scene, user):
    scene.mount("Corp Root", "Other Root")
    scene.start(user=user)
    scene.mount("Corp Root")
    for name, content in HARMLESS.items():
        (scene.at(CERTS) / name).write_bytes(content)
    (scene.at(CERTS) / ".DS_Store").write_bytes(b"\0\0\0\1Bud1")
    started = scene.start("--strict", user=user)
    assert started.status == 0 and not started.lines("error")
    for name in HARMLESS:
        assert started.lines(name) == [f"psm-entry: warning: {CERTS}/{name}: not a certificate; ignored"]
    assert not started.lines(".DS_Store")
    assert trusts(scene, "Corp Root", started) and not trusts(scene, "Other Root", started)


def test_the_lost_and_found_of_a_volume_is_no_input_of_anybody(scene):
    lost = scene.at(CERTS) / "lost+found"
    lost.mkdir(mode=0o700)
    for user in ((), NOBODY):
        started = scene.start("--strict", user=user)
        assert started.status == 0 and not started.lines("lost+found"), started.said


@pytest.mark.parametrize("place", ["named by the product", "named", "in the directory"])
def test_a_directory_that_docker_made_for_a_missing_file_revokes_nothing(scene, place):
    scene.mount("Corp Root")
    scene.start()
    scene.mount()
    path = f"{CERTS}/ca_cert.pem"
    scene.at(path).mkdir()
    settings = {
        "named by the product": {"REPO_CUSTOM_CA_CERT": path},
        "named": {"PSM_ENTRY_CERTS": path},
        "in the directory": {},
    }
    started = scene.start(environment=settings[place])
    (line,) = started.lines("ca_cert.pem")
    assert ": error: " in line and "(Docker creates one if the mounted file is missing on the host)" in line
    assert SUSPENDED in line and trusts(scene, "Corp Root")
    assert scene.start("--strict", environment=settings[place]).status == 78
    # The remedy: the file is restored.
    scene.at(path).rmdir()
    scene.at(path).write_bytes(authority("Other Root").pem)
    assert not scene.start("--strict", environment=settings[place]).lines("error")
    assert trusts(scene, "Other Root") and not trusts(scene, "Corp Root")


def test_the_file_that_the_product_names_may_be_taken_out_of_a_directory_that_is_there(scene):
    scene.mount("Corp Root", "Other Root")
    setting = {"REPO_CUSTOM_CA_CERT": f"{CERTS}/Corp Root.pem"}
    assert not scene.start(environment=setting).lines("error")
    scene.mount("Other Root")
    started = scene.start(environment=setting)
    (line,) = started.lines("error")
    assert "no such file; correct the setting" in line and SUSPENDED not in line
    assert not trusts(scene, "Corp Root") and trusts(scene, "Other Root")
    # Without any other file the mount itself may have failed.
    scene.mount()
    (line,) = scene.start(environment=setting).lines("error")
    assert SUSPENDED in line and trusts(scene, "Other Root")


def test_what_psm_entry_wrote_is_not_read_back(scene):
    """A CA that returned as an input would be trusted forever."""
    scene.start()
    scene.write("/run/psm-entry/cacert.pem", authority("Former Root").pem)
    shutil.copy(scene.at(BUNDLE), scene.at("/copy.pem"))
    scene.at("/link.pem").symlink_to("/run/psm-entry/cacert.pem")
    inputs = {"PSM_ENTRY_CERTS": f"{CERTS}:{BUNDLE}:/copy.pem:/run/psm-entry:/link.pem"}
    scene.mount()
    started = scene.start(environment=inputs)
    assert not started.lines("error"), started.said
    assert not trusts(scene, "Corp Root") and not trusts(scene, "Former Root")
    assert scene.read(BUNDLE) == base()




REQUESTS = "import requests, sys; print(requests.get(sys.argv[1], timeout=10).text)"
URLLIB = "import sys, urllib.request; print(urllib.request.urlopen(sys.argv[1], timeout=10).read().decode())"


def reaches(program: str, url: str, **variables: str) -> bool:
    """Whether a client of that kind trusts the host with these variables."""
    command = [sys.executable, "-c", program, url]
    done = subprocess.run(command, env=variables, capture_output=True, timeout=30, check=False)
    assert done.returncode == 0 or b"CERTIFICATE_VERIFY_FAILED" in done.stderr, done.stderr
    return done.returncode == 0


def test_a_directory_of_hashed_names_is_judged_as_requests_does(scene, public_host, proxied_host):  # noqa: F811
    hashed = scene.at("/hashed")
    hashed.mkdir()
    setting = {"REQUESTS_CA_BUNDLE": "/hashed", "PIP_CERT": "/hashed"}
    for name in ("Public A", "Public B"):
        (hashed / f"{name}.pem").write_bytes(authority(name).pem)
    subprocess.run(["/usr/bin/openssl", "rehash", hashed], check=True, timeout=30)
    (line,) = scene.start(environment=setting).lines("/hashed")
    assert reaches(REQUESTS, public_host, REQUESTS_CA_BUNDLE=str(hashed))
    assert not reaches(REQUESTS, proxied_host, REQUESTS_CA_BUNDLE=str(hashed))
    assert "warning: REQUESTS_CA_BUNDLE, PIP_CERT: /hashed lacks CN=Corp Root,O=Corp; " in line
    (hashed / "corp.pem").write_bytes(authority("Corp Root").pem)
    # A file without a hashed name is not found there.
    assert scene.start(environment=setting).lines("/hashed") == [line]
    assert not reaches(REQUESTS, proxied_host, REQUESTS_CA_BUNDLE=str(hashed))
    subprocess.run(["/usr/bin/openssl", "rehash", hashed], check=True, timeout=30)
    assert not scene.start(environment=setting).lines("/hashed")
    assert reaches(REQUESTS, proxied_host, REQUESTS_CA_BUNDLE=str(hashed))
    # curl's variable must name a file.
    assert scene.start(environment={"CURL_CA_BUNDLE": "/hashed"}).lines("not a regular file")


def test_a_hashed_name_is_the_one_that_openssl_looks_for(scene, proxied_host):
    hashed = scene.at("/hashed")
    hashed.mkdir()
    for name in ("Public A", "Public B"):
        (hashed / f"{name}.pem").write_bytes(authority(name).pem)
    subprocess.run(["/usr/bin/openssl", "rehash", hashed], check=True, timeout=30)
    corp = authority("Corp Root").pem
    command = ["/usr/bin/openssl", "x509", "-noout", "-subject_hash"]
    name = subprocess.run(command, input=corp, capture_output=True, timeout=30, check=True).stdout.decode().strip()
    setting = {"REQUESTS_CA_BUNDLE": "/hashed"}
    for wrong in ("12345678.0", f"{name}.1", f"{name}.00", f"{name.upper()}.0" if name != name.upper() else "x"):
        (hashed / wrong).write_bytes(corp)
        assert scene.start(environment=setting).lines("/hashed lacks CN=Corp Root"), wrong
        assert not reaches(REQUESTS, proxied_host, REQUESTS_CA_BUNDLE=str(hashed)), wrong
        (hashed / wrong).unlink()
    (hashed / f"{name}.0").write_bytes(corp)
    assert not scene.start(environment=setting).lines("/hashed")
    assert reaches(REQUESTS, proxied_host, REQUESTS_CA_BUNDLE=str(hashed))


def odd_names() -> list[x509.Name]:
    """Names that OpenSSL compares in a canonical form."""
    common, organization, kind = NameOID.COMMON_NAME, NameOID.ORGANIZATION_NAME, _ASN1Type
    one = lambda *parts: x509.Name([x509.NameAttribute(oid, text, type) for oid, text, type in parts])  # noqa: E731
    names = [
        one((common, text, type))
        for type in (kind.UTF8String, kind.BMPString, kind.UniversalString)
        for text in ("Z\u00fcrich  ROOT \t CA ", " a", "\u0130\u00c4", "\U0001f512")
        if type != kind.BMPString or text < "\U00010000"
    ]
    names += [one((common, text, kind.PrintableString)) for text in ("A  b", "x" * 64)]
    names += [one((common, "12 3", kind.NumericString), (organization, "A", kind.T61String)), x509.Name([])]
    pair = [x509.NameAttribute(organization, "Z"), x509.NameAttribute(common, "B")]
    names.append(x509.Name([x509.RelativeDistinguishedName(pair), x509.RelativeDistinguishedName(pair[:1])]))
    return names


def test_every_name_has_the_hash_that_openssl_gives_it(scene):
    """What users mount, and every public CA: all are found where c_rehash has put them."""
    key = ec.generate_private_key(ec.SECP256R1())
    others = [_builder(name, name, key.public_key()) for name in odd_names()]
    signed = [as_authority(other, key.public_key()).sign(key, hashes.SHA256()) for other in others]
    pems = [one.public_bytes(serialization.Encoding.PEM) for one in signed]
    pems += [pem_of(der) for der in certificates_of(Path(certifi.where()).read_bytes())]
    hashed = scene.at("/hashed")
    hashed.mkdir()
    for number, pem in enumerate(pems):
        (hashed / f"{number}.pem").write_bytes(pem)
        (scene.at(CERTS) / f"{number}.pem").write_bytes(pem)
    (hashed / "corp.pem").write_bytes(authority("Corp Root").pem)
    subprocess.run(["/usr/bin/openssl", "rehash", hashed], check=True, timeout=60)
    assert not scene.start(environment={"REQUESTS_CA_BUNDLE": "/hashed"}).lines("/hashed lacks")


def test_a_variable_whose_file_holds_the_companys_ca_alone_breaks_public_hosts(scene, public_host, proxied_host):
    scene.write("/corp.pem", authority("Corp Root").pem)
    variables = ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "PIP_CERT", "GIT_SSL_CAINFO"]
    started = scene.start(environment=dict.fromkeys([*variables, "NODE_EXTRA_CA_CERTS"], "/corp.pem"))
    (line,) = started.lines("/corp.pem")
    assert line == (
        f"psm-entry: warning: {', '.join(variables)}: /corp.pem contains no public CA, so its clients reject public"
        " hosts; unset the variable, or add the public CAs to the file"
    )
    # The client's own verdict, and the result of the remedy.
    file = str(scene.at("/corp.pem"))
    assert reaches(URLLIB, proxied_host, SSL_CERT_FILE=file) and not reaches(URLLIB, public_host, SSL_CERT_FILE=file)
    scene.write("/corp.pem", authority("Corp Root").pem + base())
    assert reaches(URLLIB, proxied_host, SSL_CERT_FILE=file) and reaches(URLLIB, public_host, SSL_CERT_FILE=file)
    assert not scene.start(environment=dict.fromkeys(variables, "/corp.pem")).lines("/corp.pem")


def test_eight_variables_that_name_a_missing_file_are_one_line(scene):
    variables = ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "PIP_CERT", "AWS_CA_BUNDLE"]
    started = scene.start(environment=dict.fromkeys(variables, "/gone.pem"))
    (line,) = started.lines("/gone.pem")
    assert f": {', '.join(variables)}: /gone.pem: no such file or directory, so clients" in line
    (line,) = scene.start(environment={"SSL_CERT_DIR": "/nowhere"}).lines("SSL_CERT_DIR")
    assert "/nowhere: no such file or directory; correct or unset the variable" in line


def test_an_old_keystore_is_opened_by_the_command_that_its_message_names(scene, tmp_path):
    (tmp_path / "root.pem").write_bytes(authority("Corp Root").pem)
    keystore = scene.at(CERTS) / "Corp Root.pem"
    made = f"openssl pkcs12 -export -legacy -nokeys -in root.pem -out '{keystore}' -passout pass:x"
    subprocess.run(["/bin/sh", "-ec", made], cwd=tmp_path, check=True, timeout=30)
    (line,) = scene.start().lines("Corp Root.pem")
    (command,) = re.findall(r": (openssl pkcs12 .*?) \(old exports need -legacy\)", line)
    command = command.replace("FILE", f"'{keystore}'") + " -passin pass:x"
    assert subprocess.run(["/bin/sh", "-ec", command], cwd=tmp_path, capture_output=True, timeout=30).returncode != 0
    subprocess.run(["/bin/sh", "-ec", f"{command} -legacy"], cwd=tmp_path, check=True, timeout=30)
    keystore.write_bytes((tmp_path / "ca.pem").read_bytes())
    assert not scene.start().lines("error") and trusts(scene, "Corp Root")
