"""Certificates collected by others, and what other programs find in them."""

import ctypes
import re
import subprocess
import warnings
from pathlib import Path

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


# Files in which psm-entry finds other certificates than OpenSSL or cryptography, and why.
DIFFERENCES = {
    "x509/badasn1time.pem": "notAfter is no time, so nobody can say that it is valid; cryptography reads it late",
    "x509/custom/long-form-name-attribute.pem": "a tag of two bytes in the subject, which OpenSSL refuses as well",
    "x509/custom/invalid_utf8_common_name.pem": "no UTF-8: OpenSSL would refuse a whole bundle that holds it",
    "x509/custom/name_attribute_unsupported_tag.pem": "OpenSSL would refuse a whole bundle that holds it",
    # Java or GnuTLS would refuse a whole bundle that contains one of these.
    "x509/custom/ec_no_named_curve.pem": "a curve without a name",
    "x509/custom/invalid_version.pem": "version 8",
    "x509/custom/mismatch_inner_outer_sig_algorithm.der": "two signature algorithms",
    "x509/custom/nc_excluded.pem": "a name constraint that is a URI and no host",
    "x509/custom/nc_ip_invalid_length.pem": "a constraint that is no address and mask",
    "x509/custom/nc_permitted.pem": "a name constraint that is a URI and no host",
    "x509/custom/nc_permitted_excluded.pem": "a name constraint that is a URI and no host",
    "x509/custom/rsa_pss_cert_invalid_mgf.der": "two signature algorithms",
    "x509/custom/rsa_pss_cert_no_sig_params.der": "two signature algorithms",
    "x509/custom/rsa_pss_cert_unsupported_mgf_hash.der": "two signature algorithms",
    "x509/custom/two_basic_constraints.pem": "twice the same extension",
    "x509/v1_cert.pem": "two signature algorithms: with NULL and without",
}


def reference(path) -> set:
    """The SHA-256 of each certificate that OpenSSL and cryptography find in a file."""
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
    return found or by_openssl(data)


CRYPTO = ctypes.CDLL("libcrypto.so.3")
for function in (CRYPTO.BIO_new_mem_buf, CRYPTO.PEM_read_bio_X509, CRYPTO.d2i_X509_bio):
    function.restype = ctypes.c_void_p


def by_openssl(data: bytes) -> set:
    """The certificate that `openssl x509` finds, through the functions that it calls: a thousand files would be a thousand processes."""
    for read in (lambda bio: CRYPTO.PEM_read_bio_X509(bio, None, None, None), lambda bio: CRYPTO.d2i_X509_bio(bio, None)):
        bio = ctypes.c_void_p(CRYPTO.BIO_new_mem_buf(data, len(data)))
        certificate = ctypes.c_void_p(read(bio))
        CRYPTO.BIO_free(bio)
        if certificate:
            der = ctypes.POINTER(ctypes.c_ubyte)()
            length = CRYPTO.i2d_X509(certificate, ctypes.byref(der))
            found = ctypes.string_at(der, length)
            CRYPTO.CRYPTO_free(der, None, 0)
            CRYPTO.X509_free(certificate)
            return {sha256(found)}
    return set()


@pytest.mark.parametrize("directory", ["x509", "pkcs7"])
def test_the_vectors_of_cryptography_give_the_same_certificates(directory):
    root = package("cryptography_vectors") / "cryptography_vectors"
    files = sorted(one for one in (root / directory).rglob("*") if one.is_file())
    assert len(files) > {"x509": 200, "pkcs7": 5}[directory]
    differences = {}
    for path in files:
        report = certs(path)
        expected = reference(path)
        if report.fingerprints != expected:
            differences[str(path.relative_to(root))] = (len(report.certificates), len(expected), report.errors)
    unlisted = {name: what for name, what in differences.items() if name not in DIFFERENCES}
    assert unlisted == {}
    listed = {name for name in DIFFERENCES if name.startswith(directory + "/")}
    assert listed == differences.keys()


def fields_of(pem: bytes) -> dict:
    """A certificate as `openssl x509` prints it, in the terms of `psm-entry certs`."""
    text = openssl(
        *"x509 -noout -subject -issuer -serial -dates -fingerprint -sha256".split(),
        *"-dateopt iso_8601 -nameopt RFC2253,-esc_msb,utf8".split(),
        data=pem,
    ).decode()
    line = dict(one.split("=", 1) for one in text.splitlines())
    time = lambda text: text.strip().replace(" ", "T")
    constraints = subprocess.run(
        "openssl x509 -noout -ext basicConstraints".split(), input=pem, capture_output=True
    ).stdout
    serial = line["serial"].lower()
    sign = "-" if serial.startswith("-") else ""
    return {
        "subject": line["subject"].strip(),
        "issuer": line["issuer"].strip(),
        "serial": sign + (serial.lstrip("-0") or "0"),
        "sha256": line["sha256 Fingerprint"].replace(":", "").lower(),
        "notBefore": time(line["notBefore"]),
        "notAfter": time(line["notAfter"]),
        "isCA": b"CA:TRUE" in constraints,
        "selfSigned": line["subject"] == line["issuer"],
    }


def test_the_mozilla_bundle_is_read_as_openssl_reads_it():
    bundle = package("certifi") / "certifi" / "cacert.pem"
    report = certs(bundle)
    assert report.status == 0
    assert report.errors == []
    blocks = re.findall(rb"-----BEGIN.*?-----END CERTIFICATE-----\n", bundle.read_bytes(), re.S)
    assert len(blocks) > 100
    ours = [
        {name: one[name] for name in one if name not in ("source", "problems")}
        for one in report.certificates
    ]
    assert ours == [fields_of(block) for block in blocks]
    assert {one["source"] for one in report.certificates} == {str(bundle)}


# Names that RFC 4514 writes differently from OpenSSL: types without a name as numbers with the value in hex.
OTHER_NAMES = {
    "all_supported_names.pem": "generationQualifier, which is in no list of RFC 4514",
    "bad_country.pem": "jurisdictionC, which is OpenSSL's name only",
    "negative_serial.pem": "RFC 4514 writes STREET in capitals",
    "scottishpower-bitstring-dn.pem": "x500UniqueIdentifier, a BIT STRING",
    "unique_identifier.pem": "x500UniqueIdentifier, a BIT STRING",
}


def test_names_of_the_vectors_are_written_as_openssl_writes_them():
    """Also serial numbers, dates and flags, of everything that OpenSSL can print."""
    root = package("cryptography_vectors") / "cryptography_vectors" / "x509"
    different = {}
    for path in sorted(root.rglob("*.pem")):
        report = certs(path)
        if len(report.certificates) != 1:
            continue
        one = report.certificates[0]
        try:
            theirs = fields_of(path.read_bytes())
        except (subprocess.CalledProcessError, UnicodeDecodeError, KeyError):
            continue
        wrong = {name: (one[name], theirs[name]) for name in theirs if one[name] != theirs[name]}
        # A version 1 root has no constraints to print.
        if "isCA" in wrong and one["isCA"] and one["selfSigned"]:
            del wrong["isCA"]
        if wrong:
            different[str(path.relative_to(root))] = wrong
    unlisted = {name: what for name, what in different.items() if Path(name).name not in OTHER_NAMES}
    assert unlisted == {}
    assert {Path(name).name for name in different} == OTHER_NAMES.keys()
    assert all(what.keys() <= {"subject", "issuer"} for what in different.values())
