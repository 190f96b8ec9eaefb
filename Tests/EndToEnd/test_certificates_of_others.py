"""Certificates that others collected, and what others make of them."""

import datetime
import re
import subprocess
import warnings

import pytest
from certificates_support import certs, openssl, openssl_source, package, sha256
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7

warnings.filterwarnings("ignore")


def test_openssls_own_pem_files_get_openssls_verdicts():
    source = openssl_source()
    recipe = (source / "test/recipes/04-test_pem_reading.t").read_text()
    verdicts = {name: int(ok) for name, ok in re.findall(r'"(cert[^"]*\.pem)" => ([01])', recipe)}
    assert len(verdicts) == 26
    ours = {}
    for name in verdicts:
        report = certs(source / "test/recipes/04-test_pem_reading_data" / name)
        assert report.status == (1 if report.errors else 0)
        ours[name] = len(report.certificates)
        assert ours[name] == (0 if report.errors else 1)
    assert ours == verdicts


# Files in which psm-entry finds other certificates than OpenSSL or cryptography do, and why.
DIFFERENCES = {}


def reference(path) -> set:
    """The certificates that OpenSSL and cryptography find in a file: SHA-256 of each."""
    data = path.read_bytes()
    found = set()
    for load in (x509.load_pem_x509_certificates, pkcs7.load_pem_pkcs7_certificates):
        try:
            found |= {sha256(one.public_bytes(Encoding.DER)) for one in load(data)}
        except Exception:
            pass
    for load in (lambda data: [x509.load_der_x509_certificate(data)], pkcs7.load_der_pkcs7_certificates):
        try:
            found |= {sha256(one.public_bytes(Encoding.DER)) for one in load(data)}
        except Exception:
            pass
    if found:
        return found
    for form in ("PEM", "DER"):
        command = ["openssl", "x509", "-in", path, "-inform", form, "-outform", "DER"]
        done = subprocess.run(command, capture_output=True)
        if done.returncode == 0:
            return {sha256(done.stdout)}
    return set()


@pytest.mark.parametrize("folder", ["x509", "pkcs7"])
def test_the_vectors_of_cryptography_give_the_same_certificates(folder):
    root = package("cryptography_vectors") / "cryptography_vectors"
    files = sorted(one for one in (root / folder).rglob("*") if one.is_file())
    assert len(files) > {"x509": 200, "pkcs7": 5}[folder]
    differences = {}
    for path in files:
        report = certs(path)
        expected = reference(path)
        if report.fingerprints != expected:
            differences[str(path.relative_to(root))] = (len(report.certificates), len(expected), report.errors)
    unlisted = {name: what for name, what in differences.items() if name not in DIFFERENCES}
    assert unlisted == {}
    listed = {name for name in DIFFERENCES if name.startswith(folder + "/")}
    assert listed == differences.keys()
