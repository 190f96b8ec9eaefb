"""The log: lines have a maximum length, similar messages are counted, and a slow reader is not waited for."""

import contextlib
import datetime
import json
import os
import re
import subprocess
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

import raw_process
from certificates import Authority, as_authority
from own_root import make_root
from roots import BUNDLE, CERTS, NOBODY, Scene, authority, loaded, make_scene

LINE = 1024
ENVIRONMENT = [b"PATH=/usr/bin:/bin", b"HTTPS_PROXY=http://proxy:3128"]


@pytest.fixture
def scene(directory: Path, binary: Path) -> Scene:
    return make_scene(directory, binary)


def expired(name: str) -> bytes:
    """An expired CA with this name, which may be long; as DER."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, name, _validate=False)])
    now = datetime.datetime.now(datetime.timezone.utc)
    made = x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
    made = made.serial_number(1).not_valid_before(now - datetime.timedelta(days=9))
    made = made.not_valid_after(now - datetime.timedelta(days=2))
    made = as_authority(made, key.public_key())
    return made.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)


# Length


@pytest.mark.parametrize("command", ["start", "plan"])
def test_a_subject_of_nearly_a_megabyte_is_cut_and_the_remedy_stays(scene, command):
    scene.write(f"{CERTS}/long.der", expired("ä" * (400 << 10)))
    if command == "start":
        said = scene.start().said
    else:
        line = [scene.binary, "plan", "--root", scene.directory]
        said = subprocess.run(line, capture_output=True, timeout=60, check=False).stdout.decode()
    lines = [line for line in said.splitlines() if "long.der" in line]
    assert len(lines) == 1 and "äää…" in lines[0] and re.search(r"…: expired on [0-9-]{10}; replace it$", lines[0])
    assert max(len(line.encode()) for line in said.splitlines()) <= LINE


def test_a_line_is_cut_at_a_character(scene):
    for length in range(1200, 1204):
        started = scene.start("--certs", "/" + "ä" * length)
        line = started.lines("error: ")[0].encode()
        assert len(line) <= LINE and "…" in line.decode()


def test_the_whole_line_is_cut_where_its_parts_are_long(scene):
    started = scene.start(environment={"PSM_ENTRY_" + "X" * 2000: "", "PSM_ENTRY_USERS": ""})
    assert max(len(line.encode()) for line in started.said.splitlines()) <= LINE


def test_a_line_of_json_is_cut_within_its_texts(scene):
    name = '"\\' * 120
    scene.write(f"{CERTS}/{name}/{name}/{name}/{name}/{name}", b"")
    started = scene.start("--log-format", "json")
    errors = [json.loads(line) for line in started.said.splitlines()]
    (error,) = [one for one in errors if one["level"] == "error"]
    assert error["subject"].endswith("…") and len(error["subject"].encode()) <= 512
    assert len(error["message"].encode()) <= LINE
    assert max(len(line) for line in started.said.splitlines()) < 4096, "a pipe takes no more at once"


# Number


def test_of_thousands_of_empty_files_eight_are_named_and_the_rest_counted(scene):
    for number in range(9000):
        scene.at(f"{CERTS}/{number:04}{'x' * 200}.pem").touch()
    started = scene.start()
    assert len(started.lines("empty file")) == 9
    (count,) = started.lines("8992 more problems not shown: empty file")
    assert count.startswith(f"psm-entry: error: {CERTS}: ")
    assert len(started.said) < 8192
    assert scene.start("--strict").status == 78


def test_of_hundreds_of_certificates_with_one_fault_eight_are_named_and_the_rest_counted(scene):
    for number in range(100):
        scene.write(f"{CERTS}/{number:03}.der", expired(f"Old {number}"))
    started = scene.start()
    assert len(started.lines(": O=Old ")) == 8
    assert len(started.lines("warning: /etc/repo/ca_certs: 92 more problems not shown: expired")) == 1


def test_each_kind_has_its_own_eight(scene):
    for number in range(20):
        scene.write(f"{CERTS}/{number:02}.pem", b"" if number % 2 else b"no certificate")
    started = scene.start()
    assert len(started.lines("2 more problems not shown: ")) == 2
    assert len(started.lines(".pem: empty file")) == len(started.lines(".pem: not a certificate")) == 8


def test_a_file_with_many_faults_is_no_reason_to_count_another_kind(scene):
    scene.write(f"{CERTS}/many.pem", b"-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n" * 50)
    scene.write(f"{CERTS}/other.pem", b"")
    started = scene.start()
    assert len(started.lines("many.pem: ")) == 9 and len(started.lines("other.pem: ")) == 1


def test_what_a_failed_tool_leaves_out_is_one_line(directory, binary):
    root = make_root(directory, binary)
    root.add_tool()
    root.scene.write("/usr/share/broken", b"")
    for number in range(50):
        root.scene.write(f"{CERTS}/{number:02}.pem", authority(f"Branch {number}").pem)
    _, _, said = root.start()
    missing = [line for line in said.splitlines() if "missing after" in line]
    assert len(missing) == 1 and "and 50 more are missing" in missing[0] and "(exit status 1)" in missing[0]
    assert len(said.splitlines()) < 10, said


def test_of_many_bundles_that_are_missing_eight_are_named_and_the_rest_counted(scene):
    paths = ":".join(f"/gone/{number}.pem" for number in range(30))
    started = scene.start("--bundles", f"{paths}:{BUNDLE}")
    assert len([line for line in started.lines("error: /gone/") if "more problems not shown" not in line]) == 8
    assert len(started.lines("22 more problems not shown: no such file")) == 1
    # Changes are reported one by one.
    assert len(started.lines(f"{BUNDLE}: 1 certificate added")) == 1
    for command in ("env", "certs"):
        line = [scene.binary, command, "--root", scene.directory, "--bundles", paths]
        result = subprocess.run(line, capture_output=True, timeout=60, check=False)
        assert (b"22 more problems not shown" in result.stderr) == (command == "env")


# Readers


def command(scene: Scene, *options: str) -> list[bytes]:
    return [os.fsencode(word) for word in scene.command("--timeout", "30", *options)]


@pytest.mark.parametrize("options", [[], ["--log", "debug"], ["--log-format", "json"], ["--strict"]])
def test_a_log_that_nobody_reads_keeps_nothing_from_being_done(scene, tmp_path, options):
    for number in range(30):
        scene.write(f"{CERTS}/{number}.der", expired(f"Old {number}"))
    with open(tmp_path / "out", "w+b") as output, raw_process.full_pipe() as (_, writing):
        child = raw_process.start(command(scene, *options), ENVIRONMENT, output.fileno(), writing)
        assert raw_process.wait(child) == 0
        output.seek(0)
        assert b"https_proxy=http://proxy:3128\0" in output.read()
    assert authority("Corp Root").der in loaded(scene.at(BUNDLE))


def test_a_result_is_printed_though_nobody_reads_the_log(scene, tmp_path):
    scene.write(f"{CERTS}/old.der", expired("Old"))
    line = [os.fsencode(scene.binary), b"env", b"--root", os.fsencode(scene.directory)]
    with open(tmp_path / "out", "w+b") as output, raw_process.full_pipe() as (_, writing):
        child = raw_process.start(line, ENVIRONMENT, output.fileno(), writing)
        assert raw_process.wait(child) == 0
        output.seek(0)
        assert b"https_proxy" in output.read()


def test_a_reader_who_comes_in_time_finds_every_line_whole(scene, tmp_path):
    for number in range(500):
        scene.write(f"{CERTS}/{number:03}.der", expired(f"Old {number}") if number < 8 else b"\x30" * number)
    expected = scene.start("--log", "debug").said
    with open(tmp_path / "out", "w+b") as output, raw_process.full_pipe() as (reading, writing):
        child = raw_process.start(command(scene, "--log", "debug"), ENVIRONMENT, output.fileno(), writing)
        read = [os.read(reading, 1 << 16)]
        assert raw_process.wait(child) == 0
        os.set_blocking(reading, False)
        with contextlib.suppress(BlockingIOError):
            while True:
                read.append(os.read(reading, 1 << 16))
    lines = b"".join(read).lstrip(b"x").decode().splitlines()
    assert lines and all(line.startswith("psm-entry: ") for line in lines)
    assert [line for line in lines if "/etc/repo" in line] == [
        line for line in expected.splitlines() if "/etc/repo" in line
    ]


# The last line


@pytest.fixture
def version(binary: Path) -> str:
    """The beginning of the last line."""
    shown = subprocess.run([binary, "--version"], capture_output=True, timeout=60, check=True).stdout.decode()
    return f"psm-entry: version {shown.split()[1]}; "


def day(name: str) -> str:
    return authority(name).certificate.not_valid_after_utc.strftime("%Y-%m-%d")


def test_the_last_line_of_every_start_says_what_is_in_force(scene, version):
    first = f"1 CA mounted (CN=Corp Root,O=Corp, valid until {day('Corp Root')}), trusted by 2 of 2 stores"
    started = scene.start()
    assert started.said.splitlines()[-1] == f"{version}{first}; no proxy"
    assert len(started.said.splitlines()) == 3
    assert scene.start().said == f"{version}{first}; no proxy\n", "a start that changes nothing says that line alone"

    scene.mount("Corp Root", "Branch Root")
    proxies = {"http_proxy": "http://user:s3cretpw@proxy:3128", "https_proxy": "http://user:s3cretpw@proxy:3128", "ALL_PROXY": "socks5://other:1080"}
    last = scene.start(environment=proxies).said.splitlines()[-1]
    both = f"2 CAs mounted (CN=Branch Root,O=Corp, valid until {day('Branch Root')}, and 1 more), trusted by 2 of 2 stores"
    assert last == f"{version}{both}; HTTP_PROXY and HTTPS_PROXY http://user:***@proxy:3128, ALL_PROXY socks5://other:1080"

    scene.mount()
    assert scene.start().said.splitlines()[-1] == f"{version}no CA mounted; no proxy"
    assert scene.start().said == f"{version}no CA mounted; no proxy\n"


def test_a_proxy_that_cannot_be_read_is_not_shown(scene):
    last = scene.start(environment={"HTTPS_PROXY": "http://u:s3cretpw@:x:y"}).said.splitlines()[-1]
    assert last.endswith("; HTTPS_PROXY (invalid URL)") and "s3cretpw" not in last


def test_a_store_that_lacks_the_ca_is_counted_and_the_line_comes_after_the_error(scene):
    scene.write(BUNDLE, b"")
    said = scene.start().said.splitlines()
    assert [line for line in said[:-1] if line.startswith("psm-entry: error: ")]
    assert "trusted by 1 of 2 stores" in said[-1]


def test_it_comes_after_the_numbers_of_what_was_not_said(scene, version):
    started = scene.start("--bundles", ":".join(f"/gone/{number}.pem" for number in range(30)) + f":{BUNDLE}")
    assert len(started.lines("22 more problems not shown: no such file")) == 1
    assert started.said.splitlines()[-1].startswith(version)


def test_as_json_it_has_an_event_and_below_info_it_is_not_said(scene, version):
    scene.start()
    (line,) = scene.start("--log-format", "json").said.splitlines()
    shown = json.loads(line)
    assert (shown["event"], shown["level"]) == ("start.in_force", "info")
    assert f"psm-entry: {shown['message']}".startswith(f"{version}1 CA mounted (")
    assert scene.start("--log", "warning").said == ""


def test_as_json_every_line_has_an_event(scene):
    scene.write(f"{CERTS}/bad.pem", b"-----BEGIN CERTIFICATE-----\nTW\n")
    wrong = {"PSM_ENTRY_NOSUCH": "1", "PSM_ENTRY_PREFER": "x", "HTTPS_PROXY": "http://u:s3cretpw@:x", "NO_PROXY": "*.corp"}
    said = scene.start("--log-format=json", "--log=debug", f"--bundles=/gone.pem:{BUNDLE}", environment=wrong).said
    events = {json.loads(line)["event"] for line in said.splitlines()}
    assert {"setting.unknown", "setting.invalid", "input.refused", "proxy.problem", "proxy.changed"} <= events
    assert {"bundle.missing", "certificate.read", "start.in_force"} <= events
    assert all(re.fullmatch(r"[a-z_]+\.[a-z_]+", event) for event in events)


def test_as_json_what_is_in_force_has_fields(scene, version):
    proxies = {"HTTPS_PROXY": "http://user:s3cretpw@proxy:3128", "ALL_PROXY": "http://u:s3cretpw@:x:y"}
    shown = json.loads(scene.start("--log-format", "json", environment=proxies).said.splitlines()[-1])
    assert (shown["certificates"], shown["stores"], shown["trusting_stores"]) == (1, 2, 2)
    assert f"psm-entry: version {shown['version']}; " == version
    assert shown["earliest_expiry"].startswith(day("Corp Root")) and shown["earliest_expiry"].endswith("Z")
    assert shown["https_proxy"] == "http://user:***@proxy:3128"
    assert "all_proxy" not in shown and "http_proxy" not in shown and "private_bundle" not in shown
    assert shown["variables"] == ["NODE_EXTRA_CA_CERTS"]

    scene.mount("Branch Root")
    os.chown(scene.at("/run"), 1000, 0)
    shown = json.loads(scene.start("--log-format", "json", user=NOBODY).said.splitlines()[-1])
    assert shown["private_bundle"] == "/run/psm-entry/cacert.pem" and "SSL_CERT_FILE" in shown["variables"]

    scene.mount()
    shown = json.loads(scene.start("--log-format", "json").said.splitlines()[-1])
    assert shown["certificates"] == 0 and "earliest_expiry" not in shown and "variables" not in shown


def test_the_longest_last_line_fits_a_pipe(scene):
    quotes = '"' * 300
    proxies = {name: f"http://{quotes}:s3cretpw@proxy:3128" for name in ("HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "ALL_PROXY")}
    exports = ",".join("V" * 200 + str(number) for number in range(20))
    line = scene.start("--log-format", "json", "--export", exports, environment=proxies).said.splitlines()[-1]
    assert json.loads(line)["event"] == "start.in_force" and len(line.encode()) < 4096


def test_a_first_start_says_what_it_read_then_what_it_changed_then_what_is_in_force(scene, version):
    scene.mount("Corp Root", "Branch Root")
    said = scene.start("--log", "debug").said.splitlines()
    read = [line for line in said if ": read " in line]
    assert read == [
        f"psm-entry: debug: {CERTS}/{name}.pem: read CN={name},O=Corp, valid until {day(name)}" for name in ("Branch Root", "Corp Root")
    ]
    assert said[:2] == read and all(line.endswith("2 certificates added") for line in said[2:4])
    assert said[4].startswith(version)


def test_of_hundreds_of_certificates_without_their_issuer_eight_are_named_and_the_rest_counted(scene):
    scene.mount()
    for number in range(20):
        scene.write(f"{CERTS}/{number:02}.pem", Authority.named(f"Far {number}").subordinate(f"Issuing {number}").pem)
    started = scene.start("--log", "warning")
    assert len(started.lines("is neither mounted nor in the bundle")) == 8
    assert len(started.lines("warning: PSM_ENTRY_CERTS: 12 more problems not shown: issuer missing")) == 1
    for words in (["plan"], ["check"]):
        line = [scene.binary, *words, "--json", "--root", scene.directory]
        result = subprocess.run(line, env={}, capture_output=True, timeout=60, check=False).stdout.decode()
        assert result.count("is neither mounted nor in the bundle") == 8 and "12 more problems not shown" in result
    line = [scene.binary, "certs", "--json", "--root", scene.directory]
    listed = subprocess.run(line, env={}, capture_output=True, timeout=60, check=True).stdout.decode()
    assert listed.count("is neither mounted nor in the bundle") == 20


def test_check_says_the_same(scene):
    last = scene.start().said.splitlines()[-1].removeprefix("psm-entry: ")
    line = [scene.binary, "check", "--root", scene.directory]
    result = subprocess.run(line, env={}, capture_output=True, timeout=60, check=False)
    assert result.stdout.decode() == f"ok: 3 checks; {last}\n"


def test_where_a_private_bundle_serves_the_variables_are_named_that_are_set_to_it(scene, version):
    os.chown(scene.at("/run"), 1000, 0)
    private = "/run/psm-entry/cacert.pem"
    own = {"CURL_CA_BUNDLE": "", "SSL_CERT_FILE": BUNDLE, "GIT_SSL_CAINFO": "/elsewhere.pem"}
    for number in range(2):
        started = scene.start(user=NOBODY, environment=own)
        (line,) = started.lines("variables of the service (")
        assert line.startswith(f"psm-entry: {private}: ") and "put 'psm-entry --' before the command of 'docker exec'" in line
        named = line.split("(")[1].split(")")[0].split(", ")
        assert sorted(named) == sorted(name for name, value in started.variables.items() if value == private)
        assert "SSL_CERT_FILE" in named and "CURL_CA_BUNDLE" not in named and "GIT_SSL_CAINFO" not in named
        said = started.said.splitlines()
        assert said[-1].startswith(version) and "trusted by 1 of 3 stores" in said[-1]
        assert said[-2] == line, number
