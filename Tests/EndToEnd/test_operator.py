"""What an operator sees: JSON that conforms to its schema, an environment for any shell, text that fits the terminal,
and a single line if there is nothing to report."""

import datetime
import fcntl
import json
import os
import pty
import struct
import subprocess
import termios
from pathlib import Path

import jsonschema
import pytest

from conftest import REPOSITORY
from certificates import as_authority
from roots import BUNDLE, CERTS, Scene, authority, base, make_scene

PROXY = "http://user1:pw1@proxy.corp:3128"


@pytest.fixture
def scene(directory: Path, binary: Path) -> Scene:
    return make_scene(directory, binary, has_store=True)


def command(scene: Scene, *words: str, **variables: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [scene.binary, *words, "--root", scene.directory],
        env={"PATH": os.environ["PATH"], **variables},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=60,
        check=False,
    )


# JSON


def broken_inputs(scene: Scene) -> None:
    (scene.at(CERTS) / "junk.pem").write_bytes(b"no certificate")
    (scene.at(CERTS) / "key.pem").write_bytes(authority("With Key").key_and_certificate)


def damaged_bundle(scene: Scene) -> None:
    scene.write(BUNDLE, base().replace(b"-----END", b"!!!!-END", 1))


def removed(scene: Scene) -> None:
    scene.start()
    scene.mount("Branch Root")


SITUATIONS = {
    "first": lambda scene: None,
    "settled": lambda scene: scene.start(),
    "broken inputs": broken_inputs,
    "damaged bundle": damaged_bundle,
    "exchanged": removed,
    "nothing mounted": lambda scene: scene.mount(),
    "no bundle": lambda scene: scene.at(BUNDLE).unlink(),
}
VARIABLES = {
    "HTTPS_PROXY": PROXY,
    "http_proxy": '"proxy:8080"',
    "NO_PROXY": "localhost, *.corp;10.0.0.0/8",
    "Https_Proxy": "http://other:1",
    "SSL_CERT_FILE": "/nowhere",
    "PSM_ENTRY_LOG": "loud",
}


def valid(name: str, text: bytes) -> object:
    schema = json.loads((REPOSITORY / "docs" / "schema" / f"{name}.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    value = json.loads(text)
    jsonschema.validate(value, schema, cls=jsonschema.Draft202012Validator)
    return value


@pytest.mark.parametrize("situation", SITUATIONS)
@pytest.mark.parametrize("variables", [{}, VARIABLES], ids=["plain", "odd variables"])
def test_json_is_as_its_schema_says(scene, situation, variables):
    SITUATIONS[situation](scene)
    assert isinstance(valid("certs", command(scene, "certs", "--json", **variables).stdout), list)
    plan = valid("plan", command(scene, "plan", "--json", **variables).stdout)
    assert bool(plan["changes"]) == (situation not in ("settled", "nothing mounted"))
    check = command(scene, "check", "--json", "--connect", "--proxy", "http://127.0.0.1:1", **variables)
    found = valid("check", check.stdout)
    assert check.returncode == (0 if found["ok"] else 1)
    assert found["ok"] == all(one["ok"] for one in found["checks"])
    environment = valid("env", command(scene, "env", "--json", **variables, NOT_UTF8=os.fsdecode(b"\xff")).stdout)
    assert environment["PATH"] == os.environ["PATH"] and environment["NOT_UTF8"] == "\ufffd"
    started = scene.start("--log-format", "json", "--log", "debug", environment=variables)
    for line in started.said.splitlines():
        valid("log", line.encode())


def test_the_situations_bring_every_kind_of_check_and_of_change(scene):
    names, kinds = set(), set()
    for situation in SITUATIONS.values():
        situation(scene)
        plan = json.loads(command(scene, "plan", "--json", **VARIABLES).stdout)
        kinds |= {change["kind"] for change in plan["changes"]} | {change["repair"] for change in plan["changes"]}
        found = json.loads(command(scene, "check", "--json", "--connect", **VARIABLES).stdout)
        names |= {one["name"] for one in found["checks"]}
    assert names == {"input", "bundle", "system", "variable", "proxy", "no_proxy", "connect"}
    assert kinds >= {"system", "bundle", True, False}


# The environment for a shell

SHELLS = {"sh": ["sh"], "bash": ["bash"], "bash --posix": ["bash", "--posix"], "dash": ["dash"], "busybox": ["busybox", "sh"]}
HOSTILE = {
    "HTTPS_PROXY": "http://o'brien:$(touch pwned)`id`\"\\n;&|@proxy.corp:3128",
    "NO_PROXY": "a.corp, b.corp",
    "No_Proxy": "c.corp",
    "PLAIN": "it's\n$HOME `x` \\ \"",
    "BYTES": os.fsdecode(b"\xff\xfe"),
}


@pytest.mark.parametrize("shell", SHELLS)
def test_an_evaled_environment_is_the_one_of_a_start(scene, shell, tmp_path):
    scene.start()
    environment = {"PATH": os.environ["PATH"], **HOSTILE}
    options = [str(scene.binary), "env", "--log", "quiet", "--root", str(scene.directory)]
    script = 'eval "$("$@")"; exec env -0'
    done = subprocess.run(
        [*SHELLS[shell], "-c", script, "-", *options], env=environment, capture_output=True, cwd=tmp_path, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, b"")
    seen = dict(entry.split(b"=", 1) for entry in done.stdout.split(b"\0") if entry)
    started = subprocess.run(scene.command(), env=environment, capture_output=True, timeout=60, check=True)
    expected = dict(entry.split(b"=", 1) for entry in started.stdout.split(b"\0") if entry)
    for own in (b"PWD", b"OLDPWD", b"SHLVL", b"_"):
        seen.pop(own, None)
    assert seen == expected
    assert os.listdir(tmp_path) == []
    listed = subprocess.run([*options, "--null"], env=environment, capture_output=True, timeout=60, check=True)
    assert sorted(listed.stdout.split(b"\0")) == sorted(started.stdout.split(b"\0"))


def test_a_command_by_exec_gets_the_services_environment(container, binary, documented):
    box = container(binary)
    variables = box.service().variables()
    done = box.run("/psm-entry", "--log", "quiet", "--", "env", "-0")
    seen = dict(entry.split("=", 1) for entry in done.stdout.decode().split("\0") if entry)
    ignored = {"HOME", "HOSTNAME", "container", "TERM", "PWD"}
    assert {k: v for k, v in seen.items() if k not in ignored} == {k: v for k, v in variables.items() if k not in ignored}
    raw = box.run("env").stdout.decode()
    assert "https_proxy" not in raw, "an exec without it sees the raw variables"


def test_install_hands_the_binary_on(scene, tmp_path):
    for _ in range(2):
        assert command(scene, "install", str(tmp_path / "psm-entry")).returncode == 0
    handed = tmp_path / "psm-entry"
    assert handed.read_bytes() == scene.binary.read_bytes()
    assert handed.stat().st_mode & 0o7777 == 0o755
    assert subprocess.run([handed, "--version"], capture_output=True, timeout=10).returncode == 0


# check without connecting


def dated(days: int) -> bytes:
    """A CA that expires in this many days."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    now = datetime.datetime.now(datetime.timezone.utc)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"Ends in {days}")])
    key = ec.generate_private_key(ec.SECP256R1())
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = made.serial_number(1).not_valid_before(now - datetime.timedelta(days=100))
    made = made.not_valid_after(now + datetime.timedelta(days=days, hours=1))
    return as_authority(made, key.public_key()).sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def test_all_is_well_in_one_line(scene):
    scene.start()
    done = command(scene, "check", HTTPS_PROXY=PROXY, HTTP_PROXY=PROXY)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.startswith(b"ok: ") and done.stdout.count(b"\n") == 1


def test_a_plan_names_what_it_would_add(scene):
    lines = command(scene, "plan").stdout.decode().splitlines()
    shown = f"CN=Corp Root,O=Corp ({authority('Corp Root').fingerprint[:16]})"
    added = [line for line in lines if line.startswith("+ add")]
    assert len(added) == 3 and all(line.endswith(shown) for line in added)


def test_a_bundle_that_was_replaced_since_the_start_is_said(scene):
    scene.start()
    scene.write(BUNDLE, base("Public A,Public F"))
    done = command(scene, "check")
    assert done.returncode == 1
    (line,) = [line for line in done.stdout.decode().splitlines() if "error" in line and "bundle" in line]
    assert BUNDLE in line and "restart" in line


def test_a_damaged_bundle_is_said_once(scene):
    scene.start()
    scene.write(BUNDLE, scene.read(BUNDLE).replace(b"-----END", b"!!!!-END", 1))
    checks = json.loads(command(scene, "check", "--json").stdout)["checks"]
    (told,) = [check for check in checks if check["name"] == "bundle" and check["target"] == BUNDLE]
    assert told["level"] == "error" and "malformed at line" in told["detail"] and "a start repairs it" in told["detail"]


@pytest.mark.parametrize(("days", "told"), [(-2, "expired"), (20, "expires"), (40, None)])
def test_an_expiry_is_a_warning_and_no_error(scene, days, told):
    (scene.at(CERTS) / "dated.pem").write_bytes(dated(days))
    scene.start()
    done = command(scene, "check")
    assert done.returncode == 0
    lines = [line for line in done.stdout.decode().splitlines() if f"Ends in {days}" in line]
    assert len(lines) == (1 if told else 0)
    assert all("warning" in line and told in line for line in lines)


def test_a_variable_that_points_nowhere_is_said(scene):
    scene.start()
    done = command(scene, "check", SSL_CERT_FILE="/nowhere.pem")
    assert "SSL_CERT_FILE" in done.stdout.decode() and "/nowhere.pem" in done.stdout.decode()


def test_each_entry_of_no_proxy_is_judged_by_client(scene):
    scene.start()
    found = json.loads(command(scene, "check", "--json", HTTPS_PROXY=PROXY, NO_PROXY="repo.corp,10.0.0.0/8").stdout)
    details = {one["target"]: one for one in found["checks"] if one["name"] == "no_proxy"}
    assert details["repo.corp"]["level"] == "info" and "every client" in details["repo.corp"]["detail"]
    assert details["10.0.0.0/8"]["level"] == "warning" and "urllib" in details["10.0.0.0/8"]["detail"]
    assert found["ok"]


# A terminal


def on_terminal(arguments: list[str], columns: int, environment: dict[str, str]) -> str:
    """Both outputs on a terminal with this width."""
    parent, child = pty.openpty()
    fcntl.ioctl(child, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    process = subprocess.Popen(arguments, env=environment, stdin=child, stdout=child, stderr=child)
    os.close(child)
    seen = bytearray()
    try:
        while part := os.read(parent, 65536):
            seen += part
    except OSError:
        # EIO: the last process has closed the terminal.
        pass
    finally:
        os.close(parent)
        process.wait(60)
    return seen.decode().replace("\r\n", "\n")


@pytest.mark.parametrize("columns", [40, 80, 200])
@pytest.mark.parametrize("what", ["certs", "plan", "check"])
def test_no_line_is_wider_than_the_terminal_and_no_remedy_is_lost(scene, what, columns):
    broken_inputs(scene)
    words = [str(scene.binary), what, "--root", str(scene.directory)]
    environment = {"PATH": os.environ["PATH"], "HTTPS_PROXY": PROXY, "NO_PROXY": "10.0.0.0/8", "SSL_CERT_FILE": "/nowhere"}
    seen = on_terminal(words, columns, environment)
    errors = subprocess.run(words, env=environment, capture_output=True, timeout=30).stderr.decode().splitlines()
    lines = [line for line in seen.splitlines() if line not in errors]
    assert lines and max(map(len, lines)) <= columns, seen
    piped = subprocess.run(words, env=environment, capture_output=True, timeout=30).stdout.decode()
    assert "…" not in piped
    if what != "certs":
        words_of = lambda text: "".join(text.replace("…", "").split())
        for sentence in [line.rsplit("  ", 1)[-1] for line in piped.splitlines() if line.startswith(("✗", "!"))]:
            assert words_of(sentence) in words_of(seen)


@pytest.mark.parametrize("columns", [40, 100])
def test_connecting_shows_its_progress_on_a_terminal_alone(scene, columns):
    words = [str(scene.binary), "check", "--connect", "--proxy", "http://127.0.0.1:1", "--root", str(scene.directory)]
    environment = {"PATH": os.environ["PATH"]}
    seen = on_terminal(words, columns, environment)
    shown, rest = seen.split("\r\x1b[K")[1:3]
    whole = "http://127.0.0.1:1 → repo.anaconda.com:443 …"
    assert shown == (whole if columns == 100 else whole[:36] + "… …")
    assert rest.startswith("✗ error"), "the line is gone at the end"
    piped = subprocess.run(words, env=environment, capture_output=True, timeout=60)
    assert b"\x1b" not in piped.stdout + piped.stderr


# The user, before psm-entry switches to it


def test_the_users_home_is_foretold(scene):
    scene.write("/etc/passwd", b"svc:x:1234:1234::/home/svc:/bin/sh\n")
    assert b"export HOME='/home/svc'" in command(scene, "env", "--user", "svc", HOME="/root").stdout
    plan = json.loads(command(scene, "plan", "--json", "--user", "svc", HOME="/root").stdout)
    assert plan["environment"]["set"]["HOME"] == "/home/svc"


@pytest.mark.parametrize("verb", ["plan", "check"])
def test_a_user_that_is_not_there_is_told_before_the_start(scene, verb):
    done = command(scene, verb, "--json", "--user", "nosuch")
    assert b"no such user" in done.stdout
    assert done.returncode == {"plan": 2, "check": 1}[verb]


# Sub-command words in other positions, and results without a reader


@pytest.mark.parametrize(
    ("words", "status"),
    [(["--help", "plan"], 0), (["plan", "-v"], 64), (["plan", "--strict", "on"], 2), (["--strict", "off", "plan"], 2)],
)
def test_words_in_another_place(scene, words, status):
    before = scene.files()
    done = command(scene, *words)
    assert done.returncode == status, done.stderr
    assert (b"Usage: psm-entry plan" in done.stdout) == (words == ["--help", "plan"])
    assert scene.files() == before


@pytest.mark.parametrize("words", [["plan"], ["check"], ["env", "--null"], ["certs"], ["--version"]])
def test_a_result_that_cannot_be_written_is_an_error(scene, words):
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [scene.binary, *words, "--root", scene.directory], stdout=full, stderr=subprocess.PIPE, timeout=60, check=False
        )
    assert done.returncode == 1
    assert b"standard output" in done.stderr


def test_a_log_that_nobody_reads_loses_no_result(scene):
    reading, writing = os.pipe()
    os.close(reading)
    options = ["env", "--null", "--root", scene.directory, "--certs", "/missing"]
    done = subprocess.run([scene.binary, *options], stdout=subprocess.PIPE, stderr=writing, timeout=60, check=False)
    os.close(writing)
    assert done.returncode == 0 and done.stdout


def test_an_installation_that_fails_leaves_nothing(scene, tmp_path):
    target = tmp_path / "into"
    target.mkdir()
    done = subprocess.run(
        ["sh", "-c", 'ulimit -f 100; exec "$0" install "$1"', scene.binary, target], capture_output=True, timeout=60, check=False
    )
    assert done.returncode == 1 and b"cannot install: " in done.stderr
    assert not list(target.iterdir())


def test_two_names_that_become_one_are_one_in_json(scene):
    environment = {b"A\xff": b"1", b"A\xfe": b"2"}
    done = subprocess.run([scene.binary, "env", "--json", "--root", scene.directory], env=environment, capture_output=True, timeout=60)
    names = [name for name, _ in json.loads(done.stdout, object_pairs_hook=list)]
    assert names.count("A\ufffd") == 1


@pytest.mark.parametrize("value", ["C;D", "A=B", "http://u:secret@p"])
def test_what_is_no_variables_name_is_not_exported(scene, value):
    done = command(scene, "plan", PSM_ENTRY_EXPORT=value)
    assert b"PSM_ENTRY_EXPORT" in done.stdout and b"secret" not in done.stdout


@pytest.mark.parametrize(
    ("words", "variables"),
    [
        (["--nonsense"], {"PSM_ENTRY_LOG_FORMAT": "json"}),
        (["plan", "--log-format", "json", "--system", "x"], {}),
        (["--log-format=json", "--nonsense"], {"PSM_ENTRY_LOG_FORMAT": "text"}),
    ],
)
def test_a_usage_error_is_json_where_the_log_is(scene, words, variables):
    done = command(scene, *words, **variables)
    assert done.returncode == 64
    assert json.loads(done.stderr)["level"] == "error"


@pytest.mark.parametrize("words", [["plan"], ["apply"], ["--", "true"]])
def test_a_root_that_does_not_exist_is_named_after_its_source(scene, words):
    for line, variables, name in (
        (["--root", "/gone", *words], {}, b"--root"), (words, {"PSM_ENTRY_ROOT": "/gone"}, b"PSM_ENTRY_ROOT"),
    ):
        environment = {"PATH": os.environ["PATH"], **variables}
        done = subprocess.run([scene.binary, *line], env=environment, capture_output=True, timeout=60, check=False)
        assert done.returncode == 64 and b"error: " + name + b": cannot open: " in done.stderr, done.stderr


@pytest.mark.parametrize("variable", ["PSM_ENTRY_USER", "SSL_CERT_FILE", "REPO_CUSTOM_CA_CERT", "HTTPS_PROXY_FILE"])
@pytest.mark.parametrize(
    "value",
    ["http://u:s3cr3t@proxy:3128", "/http://u:s3cr3t@proxy", "u:s3cr3t@proxy:3128", "//u:s3cr3t@proxy:3128", "http:/u:s3cr3t@h:1"],
)
def test_an_address_in_the_wrong_variable_is_not_shown(scene, variable, value):
    started = scene.start(environment={variable: value})
    assert "s3cr3t" not in started.said
    assert variable in started.said or "(not shown: no path)" in started.said
