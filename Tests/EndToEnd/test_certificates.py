"""`psm-entry certs` with files and directories as administrators leave them."""

import datetime
import json
import os
import pty
import re
import ssl
import shutil
import socket
import struct
import subprocess
import termios
import fcntl
from pathlib import Path

import pytest
from certificates import as_authority
from certificates_support import BINARY, certs, openssl, sha256
from roots import ALONE
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7, pkcs12

MiB = 1 << 20


class Authority:
    """A CA, or something else with a CA's name."""

    def __init__(self, name, is_authority=True, days=(-1, 3650), key=None):
        self.key = key or ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        now = datetime.datetime.now(datetime.timezone.utc)
        builder = (
            x509.CertificateBuilder()
            .subject_name(self.name)
            .issuer_name(self.name)
            .public_key(self.key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + datetime.timedelta(days=days[0]))
            .not_valid_after(now + datetime.timedelta(days=days[1]))
        )
        if is_authority:
            builder = as_authority(builder, self.key.public_key())
        else:
            builder = builder.add_extension(x509.BasicConstraints(False, None), critical=True)
        self.certificate = builder.sign(self.key, hashes.SHA256())
        self.der = self.certificate.public_bytes(Encoding.DER)
        self.pem = self.certificate.public_bytes(Encoding.PEM)
        self.sha256 = sha256(self.der)

    def private_key(self, encoding, form, password=None):
        protection = (
            serialization.BestAvailableEncryption(password)
            if password
            else serialization.NoEncryption()
        )
        return self.key.private_bytes(encoding, form, protection)


@pytest.fixture(scope="module")
def one():
    return Authority("Corp Proxy Root")


@pytest.fixture(scope="module")
def two():
    return Authority("Corp Issuing CA")


# --- Output ---------------------------------------------------------------------------------------


def test_the_keys_of_a_certificate(one, tmp_path):
    path = tmp_path / "ca.pem"
    path.write_bytes(one.pem)
    report = certs(path)
    assert report.status == 0 and report.messages == []
    (found,) = report.certificates
    assert list(found) == (
        "subject issuer serial sha256 notBefore notAfter isCA selfSigned source problems".split()
    )
    assert found["subject"] == found["issuer"] == "CN=Corp Proxy Root"
    assert found["serial"] == f"{one.certificate.serial_number:x}"
    assert found["sha256"] == one.sha256
    stamp = "%Y-%m-%dT%H:%M:%SZ"
    assert found["notBefore"] == one.certificate.not_valid_before_utc.strftime(stamp)
    assert found["notAfter"] == one.certificate.not_valid_after_utc.strftime(stamp)
    assert found["isCA"] is True and found["selfSigned"] is True
    assert found["source"] == str(path) and found["problems"] == []


def test_what_is_wrong_with_a_certificate_stands_with_it(tmp_path):
    (tmp_path / "expired.pem").write_bytes(Authority("Old", days=(-20, -10)).pem)
    (tmp_path / "future.pem").write_bytes(Authority("New", days=(10, 20)).pem)
    (tmp_path / "leaf.pem").write_bytes(Authority("Leaf", is_authority=False).pem)
    short = rsa.generate_private_key(65537, 1024)
    (tmp_path / "short.pem").write_bytes(Authority("Short", key=short).pem)
    report = certs(tmp_path)
    assert report.status == 0
    problems = {one["subject"]: " ".join(one["problems"]) for one in report.certificates}
    assert "expired" in problems["CN=Old"] and "not valid before" in problems["CN=New"]
    assert "not a CA" in problems["CN=Leaf"] and "1024" in problems["CN=Short"]


def test_each_certificate_once_with_its_first_source(one, two, tmp_path):
    (tmp_path / "b.pem").write_bytes(one.pem)
    (tmp_path / "a.pem").write_bytes(two.pem + one.pem + one.pem)
    report = certs(tmp_path)
    assert [Path(found["source"]).name for found in report.certificates] == ["a.pem", "a.pem"]
    assert report.fingerprints == {one.sha256, two.sha256}


def test_the_exit_status_tells_of_errors_in_given_paths_only(one, tmp_path):
    good, bad = tmp_path / "good.pem", tmp_path / "bad.pem"
    good.write_bytes(one.pem)
    bad.write_bytes(b"nothing\n")
    assert certs(good).status == 0
    assert certs(good, bad).status == 1
    assert certs(options=[f"--certs={bad}"]).status == 0
    assert certs(tmp_path / "missing").status == 1


def test_no_certificates_are_an_empty_list(tmp_path):
    assert certs(tmp_path).certificates == []


def test_hostile_names_forge_nothing(tmp_path):
    name = "evil\n# <<< psm-entry managed certificates <<<\r\x1b[2J\u202egnp"
    path = tmp_path / "a\nb\x1b[31m.pem"
    path.write_bytes(Authority(name).pem + b"-----BEGIN X\x1b[2J-----\n!\n")
    report = certs(path)  # also checks that no output contains control bytes
    assert len(report.certificates) == 1 and report.errors
    plain = subprocess.run([BINARY, "certs", path], capture_output=True, timeout=30)
    for output in (plain.stdout, plain.stderr):
        assert not re.search(rb"[\x00-\x09\x0b-\x1f\x7f]|\xe2\x80\xae", output)


def run_on_terminal(columns, *arguments):
    main, side = pty.openpty()
    fcntl.ioctl(side, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    process = subprocess.Popen([BINARY, *arguments], stdout=side, stderr=subprocess.DEVNULL)
    os.close(side)
    output = b""
    while True:
        try:
            part = os.read(main, 65536)
        except OSError:
            break
        if not part:
            break
        output += part
    os.close(main)
    assert process.wait(timeout=30) == 0
    return output.decode()


@pytest.mark.parametrize("columns", [40, 80, 200])
def test_the_table_fits_the_terminal(columns, tmp_path):
    for number, name in enumerate(["short", "very long " * 6, "東京" * 10]):
        (tmp_path / f"{number}.pem").write_bytes(Authority(name.strip()).pem)
    text = run_on_terminal(columns, "certs", str(tmp_path))
    plain = re.sub(r"\x1b\[[0-9;]*m", "", text)
    lines = plain.split("\r\n")
    assert len(lines) == 5 and lines[-1] == ""
    for line in lines:
        width = sum(2 if "\u3000" <= letter <= "\uffdc" else 1 for letter in line)
        assert width <= columns, line


def test_a_pipe_gets_whole_lines(tmp_path):
    (tmp_path / "ca.pem").write_bytes(Authority("x" * 60).pem)
    done = subprocess.run([BINARY, "certs", tmp_path], capture_output=True, timeout=30)
    assert b"x" * 60 in done.stdout and b"\x1b" not in done.stdout


def test_a_given_path_that_is_missing_is_said_without_a_word_about_stores(directory, binary):
    done = subprocess.run([binary, "certs", directory / "gone.pem"], env={}, capture_output=True, timeout=30, check=False)
    assert (done.returncode, done.stdout) == (1, b"no certificates\n")
    assert done.stderr.decode() == f"psm-entry: error: {directory}/gone.pem: no such file or directory\n"
    # The inputs of a start are another matter.
    missing = {"PSM_ENTRY_CERTS": str(directory / "gone.pem")}
    done = subprocess.run([binary, "certs"], env=missing, capture_output=True, timeout=30, check=False)
    assert b"no certificate is removed from any store in this start" in done.stderr


# --- Directories --------------------------------------------------------------------------------------


def test_directories_are_read_in_byte_order_without_dot_names(tmp_path):
    names = ["B.pem", "a.pem", "b/1.pem", "b/sub/2.pem", "b.pem", "é.pem", "10", "9", "~"]
    for name in [*names, ".hidden.pem", ".git/x.pem", "b/.x"]:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(Authority(name).pem)
    report = certs(tmp_path)
    found = [os.path.relpath(one["source"], tmp_path) for one in report.certificates]
    expected = ["10", "9", "B.pem", "a.pem", "b/1.pem", "b/sub/2.pem", "b.pem", "~", "é.pem"]
    assert found == expected and report.messages == []


def test_a_config_map_is_read_once(one, two, tmp_path):
    data = tmp_path / "..2026_01_01_00_00_00.123"
    data.mkdir()
    (data / "one.pem").write_bytes(one.pem)
    (data / "two.pem").write_bytes(two.pem)
    (tmp_path / "..data").symlink_to(data.name)
    for name in ("one.pem", "two.pem"):
        (tmp_path / name).symlink_to(f"..data/{name}")
    report = certs(tmp_path)
    assert report.status == 0 and report.messages == []
    assert [one["source"] for one in report.certificates] == [
        str(tmp_path / "one.pem"),
        str(tmp_path / "two.pem"),
    ]


@pytest.mark.parametrize(
    "name, make, words",
    [
        ("dangling", lambda path: path.symlink_to("nowhere"), "dangling symbolic link"),
        ("itself", lambda path: path.symlink_to(path.name), "symbolic link loop"),
        ("loop", lambda path: path.symlink_to("."), "symbolic link loop"),
        ("fifo", os.mkfifo, "FIFO"),
        ("device", lambda path: path.symlink_to("/dev/zero"), "device"),
        ("terminal", lambda path: path.symlink_to("/dev/ptmx"), "device"),
        ("socket", lambda path: socket.socket(socket.AF_UNIX).bind(str(path)), "socket"),
        ("large", lambda path: path.write_bytes(b"\n" * (16 * MiB + 1)), "16 MiB"),
    ],
)
def test_what_is_no_file_to_read_is_an_error_and_no_hang(name, make, words, one, tmp_path):
    (tmp_path / "good.pem").write_bytes(one.pem)
    make(tmp_path / name)
    report = certs(tmp_path)
    assert report.status == 1 and report.fingerprints == {one.sha256}
    (message,) = report.errors
    assert words in message


def test_a_file_of_exactly_16_MiB_is_read(one, tmp_path):
    path = tmp_path / "large.pem"
    path.write_bytes(one.pem + b"\n" * (16 * MiB - len(one.pem)))
    report = certs(path)
    assert report.status == 0 and report.fingerprints == {one.sha256}


def test_64_MiB_are_read_in_all(one, two, tmp_path):
    for number in range(4):
        (tmp_path / f"{number}").write_bytes(b"\n" * (16 * MiB - len(one.pem)) + one.pem)
    (tmp_path / "4").write_bytes(two.pem)
    report = certs(tmp_path)
    assert report.status == 1 and report.fingerprints == {one.sha256}
    assert len(report.errors) == 1 and "64 MiB" in report.errors[0]


def test_10000_files_are_read(one, two, tmp_path):
    for number in range(10_000):
        (tmp_path / f"{number:05}").write_bytes(one.pem)
    report = certs(tmp_path)
    assert report.status == 0 and len(report.certificates) == 1
    (tmp_path / "99999").write_bytes(two.pem)
    report = certs(tmp_path)
    assert report.status == 1 and report.fingerprints == {one.sha256}
    assert len(report.errors) == 1 and "10000" in report.errors[0]


def test_directories_are_read_to_a_depth_of_16(one, two, tmp_path):
    directory = tmp_path
    for number in range(15):
        directory = directory / "d"
    (directory / "d").mkdir(parents=True)
    (directory / "one.pem").write_bytes(one.pem)
    (directory / "d" / "two.pem").write_bytes(two.pem)
    report = certs(tmp_path)
    assert report.status == 1 and report.fingerprints == {one.sha256}
    assert "16" in report.errors[0]


@pytest.fixture
def open_path():
    """A directory that every user can enter, unlike pytest's own."""
    import tempfile

    with tempfile.TemporaryDirectory(dir="/tmp") as path:
        os.chmod(path, 0o755)
        yield Path(path)


def test_what_may_not_be_read_is_an_error(one, two, open_path):
    binary = open_path / "psm-entry"
    shutil.copy(BINARY, binary)
    directory = open_path / "certs"
    (directory / "closed").mkdir(parents=True)
    (directory / "closed" / "x.pem").write_bytes(two.pem)
    (directory / "closed").chmod(0)
    (directory / "good.pem").write_bytes(one.pem)
    (directory / "secret.pem").write_bytes(two.pem)
    (directory / "secret.pem").chmod(0)
    user = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] if os.geteuid() == 0 else []
    done = subprocess.run(
        [*user, binary, "certs", "--json", "--log-format=json", directory],
        capture_output=True,
        timeout=30,
    )
    (directory / "closed").chmod(0o755)
    assert done.returncode == 1
    assert [found["sha256"] for found in json.loads(done.stdout)] == [one.sha256]
    lines = [line.decode() for line in done.stderr.splitlines()]
    assert len(lines) == 2 and "closed" in lines[0] and "secret.pem" in lines[1]


# --- Files that administrators provide ------------------------------------------------------------


def test_the_directory_of_mitmproxy(one, tmp_path):
    """Everything that mitmproxy writes at its first start: the CA in many forms, and its key."""
    key = one.private_key(Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL)
    store = pkcs12.serialize_key_and_certificates
    none = serialization.NoEncryption()
    (tmp_path / "mitmproxy-ca.pem").write_bytes(key + one.pem)
    (tmp_path / "mitmproxy-ca-cert.pem").write_bytes(one.pem)
    (tmp_path / "mitmproxy-ca-cert.cer").write_bytes(one.pem)
    (tmp_path / "mitmproxy-ca.p12").write_bytes(store(b"mitmproxy", one.key, one.certificate, None, none))
    (tmp_path / "mitmproxy-ca-cert.p12").write_bytes(store(b"mitmproxy", None, one.certificate, None, none))
    parameters = b"-----BEGIN DH PARAMETERS-----\nMAYCASMCAQI=\n-----END DH PARAMETERS-----\n"
    (tmp_path / "mitmproxy-dhparam.pem").write_bytes(parameters)
    report = certs(tmp_path)
    assert report.fingerprints == {one.sha256}
    assert len(report.warnings) == 1 and "private key" in report.warnings[0]
    assert len([message for message in report.errors if "PKCS#12" in message]) == 2
    assert len(report.errors) == 3


@pytest.mark.parametrize("form", [Encoding.DER, Encoding.PEM])
def test_a_chain_exported_as_p7b(form, one, two, tmp_path):
    path = tmp_path / "chain.p7b"
    data = pkcs7.serialize_certificates([one.certificate, two.certificate], form)
    path.write_bytes(data.replace(b"\n", b"\r\n") if form == Encoding.PEM else data)
    report = certs(path)
    assert report.status == 0 and report.fingerprints == {one.sha256, two.sha256}


def test_a_chain_that_openssl_wrote(one, two, tmp_path):
    source, target = tmp_path / "chain.pem", tmp_path / "chain.p7b"
    source.write_bytes(one.pem + two.pem)
    for form in ("DER", "PEM"):
        openssl("crl2pkcs7", "-nocrl", "-certfile", source, "-outform", form, "-out", target)
        report = certs(target)
        assert report.status == 0 and report.fingerprints == {one.sha256, two.sha256}


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-8-sig"])
def test_a_text_in_unicode(encoding, one, tmp_path):
    path = tmp_path / "ca.txt"
    path.write_bytes(one.pem.decode().replace("\n", "\r\n").encode(encoding))
    report = certs(path)
    assert report.status == 0 and report.fingerprints == {one.sha256}


def test_names_decide_nothing(one, two, tmp_path):
    (tmp_path / "der.pem").write_bytes(one.der)
    (tmp_path / "pem.der").write_bytes(two.pem)
    assert certs(tmp_path).fingerprints == {one.sha256, two.sha256}


def test_a_dump_before_the_block(one, tmp_path):
    path = tmp_path / "ca.pem"
    path.write_bytes(openssl("x509", "-text", data=one.pem))
    assert certs(path).fingerprints == {one.sha256}


@pytest.fixture(scope="module")
def refused(one, tmp_path_factory):
    """Files of other kinds, with the words that must be in the message for each."""
    directory = tmp_path_factory.mktemp("refused")
    private = serialization.PrivateFormat
    key = rsa.generate_private_key(65537, 2048)
    owner = Authority("Owner", key=key)
    request = x509.CertificateSigningRequestBuilder().subject_name(one.name).sign(one.key, hashes.SHA256())
    moment = datetime.datetime(2026, 1, 1)
    crl = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(one.name)
        .last_update(moment)
        .next_update(moment + datetime.timedelta(days=9))
        .sign(one.key, hashes.SHA256())
    )
    store = pkcs12.serialize_key_and_certificates(
        b"x", one.key, one.certificate, None, serialization.BestAvailableEncryption(b"x")
    )
    (directory / "ca.der").write_bytes(one.der)
    keystore = directory / "store.jks"
    subprocess.run(
        f"keytool -importcert -noprompt -storetype JKS -storepass secret -alias a -file {directory}/ca.der"
        f" -keystore {keystore}".split(),
        check=True,
        capture_output=True,
        timeout=120,
    )
    kinds = {
        "PKCS#12": (store, "openssl pkcs12"),
        "JKS": (keystore.read_bytes(), "keytool"),
        "request": (request.public_bytes(Encoding.PEM), "request"),
        "request, DER": (request.public_bytes(Encoding.DER), "request"),
        "CRL": (crl.public_bytes(Encoding.PEM), "revoked"),
        "CRL, DER": (crl.public_bytes(Encoding.DER), "revoked"),
        "empty": (b"", "empty"),
        "blank": (b" \r\n", "empty"),
        "HTML": (b"<!doctype html><html><title>Sign in</title></html>", "web page"),
        "text": (b"see the ticket\n", "not a certificate"),
        "image": (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "not a certificate"),
        "public key": (
            key.public_key().public_bytes(Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo),
            "not a certificate",
        ),
    }
    for name, form, password in [
        ("PKCS8", private.PKCS8, None),
        ("PKCS8, encrypted", private.PKCS8, b"x"),
        ("PKCS1", private.TraditionalOpenSSL, None),
        ("PKCS1, encrypted", private.TraditionalOpenSSL, b"x"),
    ]:
        kinds[name] = (owner.private_key(Encoding.PEM, form, password), "private key")
        if not (password and form == private.TraditionalOpenSSL):
            kinds[name + ", DER"] = (owner.private_key(Encoding.DER, form, password), "private key")
    kinds["SEC1"] = (one.private_key(Encoding.PEM, private.TraditionalOpenSSL), "private key")
    kinds["SEC1, DER"] = (one.private_key(Encoding.DER, private.TraditionalOpenSSL), "private key")
    kinds["OpenSSH"] = (one.private_key(Encoding.PEM, private.OpenSSH), "private key")
    return kinds


NAMES = """PKCS#12;JKS;request;request, DER;CRL;CRL, DER;empty;blank;HTML;text;image;public key;PKCS8;PKCS8, DER
PKCS8, encrypted;PKCS8, encrypted, DER;PKCS1;PKCS1, DER;PKCS1, encrypted;SEC1;SEC1, DER;OpenSSH"""


@pytest.mark.parametrize("name", re.split("[;\n]", NAMES))
def test_another_kind_of_file_is_refused_with_advice(name, refused, tmp_path):
    content, words = refused[name]
    path = tmp_path / "file.pem"
    path.write_bytes(content)
    report = certs(path)
    assert report.status == 1 and report.certificates == []
    (message,) = report.errors
    assert words in message
    # Nothing of the file's contents is shown.
    lines = [line for line in content.decode("latin-1").splitlines() if len(line) > 40]
    assert not [line for line in lines if line in json.dumps(report.messages)]


def test_at_most_eight_messages_and_the_count(one, tmp_path):
    path = tmp_path / "ca.pem"
    path.write_bytes(b"-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n" * 100 + one.pem)
    report = certs(path)
    assert report.fingerprints == {one.sha256}
    assert len(report.errors) == 9 and "92" in report.errors[-1]


def test_errors_come_before_warnings(one, tmp_path):
    key = one.private_key(Encoding.PEM, serialization.PrivateFormat.PKCS8)
    path = tmp_path / "ca.pem"
    path.write_bytes(key * 9 + one.pem + b"-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n")
    report = certs(path)
    assert len(report.messages) == 9
    assert "invalid Base64" in json.dumps(report.messages[0])


def test_of_many_certificates_in_a_file_eight_warnings_are_given(tmp_path):
    expired = b"".join(Authority(f"Old {number}", days=(-20, -10)).pem for number in range(30))
    path = tmp_path / "old.pem"
    path.write_bytes(expired)
    command = [*ALONE, BINARY, "check", "--json", "--certs", path, "--bundles", "/nowhere/*", "--system", "off"]
    checks = json.loads(subprocess.run(command, capture_output=True, timeout=20).stdout)["checks"]
    details = [check["detail"] for check in checks if check["name"] == "input"]
    assert len(details) == 9 and details[-1] == "22 more problems not shown"


@pytest.mark.parametrize("kind", ["behind one with LF", "with a LF at the end", "UTF-16"])
def test_lines_that_end_with_cr(kind, one, two, tmp_path):
    carriage = two.pem.replace(b"\n", b"\r")
    path = tmp_path / "ca.pem"
    if kind == "UTF-16":
        path.write_bytes(carriage.decode().encode("utf-16"))
    else:
        path.write_bytes(one.pem + carriage if kind.startswith("behind") else carriage + b"\n")
    report = certs(path)
    assert report.status == 0
    assert report.fingerprints == ({one.sha256, two.sha256} if kind.startswith("behind") else {two.sha256})


def odd_carriage_returns(pem):
    begin, line, *_, end = pem.splitlines()
    broken = line[:30] + b"\r\r" + line[30:]
    return {
        "CR and a space before LF": pem.replace(line + b"\n", line + b"\r \n"),
        "CR and a space before every LF": pem.replace(b"\n", b"\r \n"),
        "CR twice inside a line": pem.replace(line, broken),
        "CR before a line": pem.replace(line, b"\r" + line),
        "CR and NUL before LF": pem.replace(line + b"\n", line + b"\r\0\n"),
        "text and CR before a BEGIN": b"x\r" + begin + b"\n" + pem,
        "text and CR before a key's BEGIN": b"see\r-----BEGIN PRIVATE KEY-----\n" + pem,
        "CR and a space behind END": pem.replace(end + b"\n", end + b"\r \n"),
    }


@pytest.mark.parametrize("kind", odd_carriage_returns(b"-----BEGIN\nx\nx\n-----END\n"))
def test_carriage_returns_that_openssl_reads_are_read_as_it_does(kind, one, tmp_path):
    path = tmp_path / "ca.pem"
    path.write_bytes(odd_carriage_returns(one.pem)[kind])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(path)
    assert context.get_ca_certs(binary_form=True) == [one.der]
    report = certs(path)
    assert (report.status, report.errors, report.fingerprints) == (0, [], {one.sha256})


def test_a_file_that_is_too_large_hides_none_behind_it(one, tmp_path):
    for number in range(3):
        (tmp_path / f"a{number}").write_bytes(b" " * 16 * MiB)
    (tmp_path / "b").write_bytes(b" " * (16 * MiB + 1))
    (tmp_path / "c").write_bytes(one.pem)
    report = certs(tmp_path)
    assert report.fingerprints == {one.sha256}
    assert sum("larger than 16 MiB" in error for error in report.errors) == 1


def test_an_input_within_another_is_read_once(tmp_path):
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "junk.pem").write_bytes(b"-----BEGIN CERTIFICATE-----\n")
    assert len(certs(tmp_path, tmp_path / "inner").errors) == 1


def test_a_bad_setting_is_said(tmp_path):
    environment = {"PSM_ENTRY_CERTS": "relative", "PSM_ENTRY_CERST": "1"}
    done = subprocess.run([BINARY, "certs", "--root", tmp_path], env=environment, capture_output=True, timeout=20)
    assert b"PSM_ENTRY_CERTS" in done.stderr and b"PSM_ENTRY_CERST" in done.stderr


@pytest.mark.parametrize("unit", [b"-----BEGIN X-----\n", b"-----BEGIN", b"\n", b"-----END X-----\n", b"0\x80"])
def test_16_MiB_of_anything_take_a_moment(unit, tmp_path):
    path = tmp_path / "large"
    path.write_bytes((unit * (16 * MiB // len(unit) + 1))[: 16 * MiB])
    done = subprocess.run([BINARY, "certs", path], capture_output=True, timeout=20)
    assert done.returncode == 1
    assert 0 < len(done.stderr.splitlines()) <= 9
