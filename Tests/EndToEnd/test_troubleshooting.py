"""docs/troubleshooting.md contains the program's actual output, and all of it; run with --write to update it."""

import contextlib
import errno
import json
import os
import re
import shutil
import socket
import subprocess
from pathlib import Path

import certifi

import messages
import rare_troubles
import troubles
from certificates import Authority
from client_matrix import check_page
from conftest import REPOSITORY
from roots import ALONE, BUNDLE, NATIVE_STORE, NOBODY, authority, base, held_lock, make_scene

PAGE = REPOSITORY / "docs" / "troubleshooting.md"
HEAD = """# Troubleshooting

Run this in the container and look its messages up below. It changes nothing, and never prints a password:

<!-- run by test_mirror_proxies.py::test_without_one_ca_exactly_its_jobs_fail_and_check_says_why -->
```sh
docker exec CONTAINER psm-entry check --connect --proxy URL --target https://HOST
```

Write the path of the binary in the container for `psm-entry`. `docker exec CONTAINER psm-entry -- COMMAND` runs a command with
the environment that the service has; an `exec` without it sees the variables of the image. In an open shell,
`eval "$(psm-entry env)"` does the same. `psm-entry install DEST` copies the binary where there is no `cp`.

## What clients say

| in the log of a client | what it means | what to do |
|---|---|---|
| `CERTIFICATE_VERIFY_FAILED`, `self-signed certificate in certificate chain`, `unable to get local issuer certificate`, `unable to verify the first certificate`, `server certificate verification failed`, `The certificate of 'localhost' is not trusted`, `SSLError`, `CondaSSLError` | the client does not trust the CA that signed the certificate it was shown, usually the proxy's | `psm-entry check --connect --target URL` names the issuer: mount its CA and restart. If it is mounted, `psm-entry check --clients` shows which store this client reads |
| `Missing Authority Key Identifier`, `Basic Constraints of CA cert not marked critical`, `CA cert does not include key usage extension` | Python 3.13 and later reject this CA; older clients accept it | `psm-entry check` names the CA: mount the issuing CA beside the root, or have it reissued, see [certificates](certificates.md) |
| `Could not find a suitable TLS CA certificate bundle`, `error setting certificate file`, `Problem with the SSL CA cert`, `No such file or directory` for a `.pem` | a variable or a configuration file names a bundle that does not exist | `psm-entry check --clients` names the variable or the file: remove it |
| `ProxyError`, `407 Proxy Authentication Required`, `Tunnel connection failed`, `CONNECT tunnel failed, response 407`, `Proxy tunneling failed` | the proxy rejected the user, the target, or the connection | `psm-entry check --connect`, and its message below |
| `Connection refused`, `ECONNREFUSED`, `Failed to connect`, `Connection timed out` | the client bypassed the proxy, or used a wrong port | `psm-entry check --clients` shows which proxy each client uses; `docker exec CONTAINER psm-entry -- env` shows the variables of the service |
| `certificate has expired` | a CA, or the server's certificate, has expired | `psm-entry certs` shows when each CA expires |

## What psm-entry says

Every message of the program is here. `PORT`, `DATE` and `REASON` replace what changes; paths, names and numbers are examples. A line of
the log begins with `psm-entry: error: ` or `psm-entry: warning: `; information has no word for its level.
"""


def row(message: str, remedy: str) -> str:
    message = re.sub(r"\b20\d\d-\d\d-\d\d\b", "DATE", message)
    return f"- `{message}`\n" + (f"  {remedy}\n" if remedy else "")


def connecting(binary: Path, directory: Path) -> list[tuple[str, str]]:
    """The messages of --connect, each with its cause and remedy."""
    branch, old, late = Authority.named("Branch Root"), Authority.named("Old Root"), Authority.named("Late Root")
    certs, bundle = directory / "ca_certs", directory / "cacert.pem"
    certs.mkdir()
    (certs / "old.pem").write_bytes(troubles.expired_twin(old))
    shutil.copy(certifi.where(), bundle)
    settings = ["--certs", str(certs), "--bundles", str(bundle), "--system", "off", "--log", "quiet"]
    environment = {"PATH": "/usr/bin:/bin"}
    subprocess.run([binary, *settings, "--", "/bin/true"], env=environment, check=True, timeout=30)
    (certs / "late.pem").write_bytes(late.pem)
    with contextlib.ExitStack() as stack:
        proxies: list[tuple[str, str]] = [
            ("http://nowhere.invalid:3128", "A typing error, or a name that only the host can resolve.")
        ]
        with socket.create_server(("127.0.0.1", 0)) as closed:
            port = closed.getsockname()[1]
        proxies.append((f"http://127.0.0.1:{port}", "No program listens there. In a container, 127.0.0.1 is the container itself."))
        full = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(4):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(full.getsockname())
        proxies.append((f"http://127.0.0.1:{full.getsockname()[1]}", "A firewall drops the packets, or the host is down."))
        port = stack.enter_context(troubles.silent())
        proxies.append((f"http://127.0.0.1:{port}", "Another service has this port, or the proxy hangs."))
        for answer, remedy in troubles.PLAIN_ANSWERS.items():
            port = stack.enter_context(troubles.answering(answer))
            if b"407" in answer and not remedy:
                proxies.append((f"http://127.0.0.1:{port}", "The URL has no user. Percent-encode special characters."))
                remedy = "Wrong user or password, or a locked account."
                proxies.append((f"http://user1:secret@127.0.0.1:{port}", remedy))
            else:
                proxies.append((f"http://127.0.0.1:{port}", remedy))
        for proxy_authority, remedy in (
            (branch, "The proxy inspects TLS with a CA that is not mounted. Ask the proxy's administrator for it."),
            (old, "The CA was renewed. Ask the proxy's administrator for the new one."),
            (late, "The mount changed after the start, or the CA was renewed under its old name."),
        ):
            port = stack.enter_context(troubles.terminating(directory, proxy_authority))
            proxies.append((f"http://127.0.0.1:{port}", remedy))
        options = [word for url, _ in proxies for word in ("--proxy", url)]
        command = [*ALONE, binary, "check", "--json", "--target", f"https://{troubles.TARGET}", *settings, *options]
        done = subprocess.run(command, env=environment, capture_output=True, timeout=120, check=False)
    assert done.returncode == 1 and b"secret" not in done.stdout + done.stderr
    found = [one for one in json.loads(done.stdout)["checks"] if one["name"] == "connect"]
    assert len(found) == len(proxies) and not any(one["ok"] for one in found)
    told = [one["detail"].replace(str(certs), "/etc/repo/ca_certs") for one in found]
    # What follows are the words of this machine's Python and OpenSSL.
    told = [re.sub(r"^TLS failed: .+", "TLS failed: REASON", one) for one in told]
    told = [re.sub(r"127\.0\.0\.1:\d{4,5}\b", "127.0.0.1:PORT", one) for one in told]
    return [(message, remedy) for message, (_, remedy) in zip(told, proxies, strict=True)]


def starting(binary: Path, directory: Path) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """The messages of a start about files, then those about settings."""
    scene = make_scene(directory, binary)
    for name, (content, _) in troubles.FILES.items():
        (scene.at("/etc/repo/ca_certs") / name).write_bytes(content)
    said = scene.start("--log", "warning").said.splitlines()
    files = []
    for name, (_, remedy) in troubles.FILES.items():
        (line,) = [line for line in said if f"/{name}: " in line]
        files.append((line, remedy))
    files += odd_entries(scene) + missing_inputs(scene)
    scene.mount("Corp Root")
    scene.write("/corp.pem", authority("Corp Root").pem)
    values = {name: value for name, (value, _) in troubles.SETTINGS.items()}
    said = scene.start("--log", "warning", environment=values).said.splitlines()
    assert not any("secret@" in line for line in said)
    settings = []
    for name, (_, remedy) in troubles.SETTINGS.items():
        (line,) = [line for line in said if f": {name}: " in line]
        settings.append((line, remedy))
    return files, settings


def odd_entries(scene) -> list[tuple[str, str]]:
    """The messages of a start about links, about files that are not regular, and about unsuitable certificates."""
    scene.mount()
    directory = scene.at("/etc/repo/ca_certs")
    server = Authority.named("Own Root").issue("server.corp")
    (directory / "server.pem").write_bytes(server[server.index(b"-----BEGIN CERTIFICATE") :])
    (directory / "link.pem").symlink_to("/mnt/gone.pem")
    (directory / "loop.pem").symlink_to("loop.pem")
    os.mkfifo(directory / "pipe.pem")
    (directory / "large.pem").touch()
    os.truncate(directory / "large.pem", 17 << 20)
    (directory / "chain.p7b").write_bytes(troubles.block("PKCS7"))
    remedies = {
        "server.pem": "The server's own certificate was exported. Export the topmost one of its chain.",
        "link.pem": "The link's target is not mounted, or has another path inside the container.",
        "loop.pem": "The link points to itself, or to a directory that contains it.",
        "pipe.pem": "It is not opened.",
        "large.pem": "Usually a disk image or a log.",
        "chain.p7b": "The chain was cut. Export it again.",
    }
    said = scene.start("--log", "warning").said.splitlines()
    told = []
    for name, remedy in remedies.items():
        (line,) = [line for line in said if f"/{name}: " in line]
        told.append((line, remedy))
    return told


def missing_inputs(scene) -> list[tuple[str, str]]:
    """The messages of a start about a missing input, and about a bundle."""
    told = []
    remedy = "The mount failed, or the file has another name inside the container."
    said = scene.start("--log", "warning", environment={"REPO_CUSTOM_CA_CERT": "/etc/repo/gone.pem"}).said.splitlines()
    told += [(line, remedy) for line in said if "/gone.pem: " in line]
    scene.at("/etc/repo/custom.pem").mkdir()
    said = scene.start("--log", "warning", environment={"REPO_CUSTOM_CA_CERT": "/etc/repo/custom.pem"}).said.splitlines()
    remedy = "Remove the directory on the host, put the file there, and recreate the container."
    told += [(line, remedy) for line in said if "/custom.pem: " in line]
    scene.mount("Corp Root")
    environment = {"REPO_CUSTOM_CA_CERT": "/etc/repo/ca_certs/taken.pem"}
    said = scene.start("--log", "warning", environment=environment).said.splitlines()
    told += [(line, "The CA was removed, and the setting still names it.") for line in said if "/taken.pem: " in line]
    said = scene.start("--log", "warning", "--bundles", "/gone/cacert.pem").said.splitlines()
    told += [(line, "The bundle of this image has another path.") for line in said if "/gone/cacert.pem: " in line]
    assert len(told) == 4
    return told


def stores(scene) -> list[tuple[str, str]]:
    """The messages about bundles: of a start, then of a check after it."""
    told = []
    for content, remedy in (
        (b"", "A copy or a mount that failed. The bundle is part of the image: take it from there."),
        (b"# nothing\n", "Likewise."),
        (base().replace(b"-----END", b"!!!!-END", 1), "Often two certificates were joined on one line."),
    ):
        scene.write(BUNDLE, content)
        said = scene.start("--log", "error").said.splitlines()
        told += [(line, remedy) for line in said if f"error: {BUNDLE}: " in line]
    scene.write(BUNDLE, base())
    result = subprocess.run(
        [scene.binary, "check", "--json", "--root", scene.directory], env={}, capture_output=True, timeout=30, check=False
    )
    found = [one for one in json.loads(result.stdout)["checks"] if one["level"] == "error"]
    remedy = "The file was replaced after the start, for example by `conda update`. A restart merges again."
    told += [(f"{one['target']}: {one['detail']}", remedy) for one in found]
    said = scene.start("--log", "warning", "--bundles", "/opt/*/cacert.pem", "--system", "off").said.splitlines()
    told += [(line, "The bundle of this image has another path: set it.") for line in said]
    scene.mount()
    scene.write(BUNDLE, base() + b"-----BEGIN CERTIFICATE-----\n")
    said = scene.start("--log", "warning").said.splitlines()
    remedy = "As above, in a container that mounts no CA. A start repairs only what it adds to."
    told += [(line, remedy) for line in said if f"{BUNDLE}: " in line]
    assert len(told) == 6
    return told


def restricted(scene) -> list[tuple[str, str]]:
    """The messages of a start that may not write, and about a child that failed."""
    scene.start()
    scene.mount("Branch Root")
    said = scene.start("--log", "info", user=NOBODY).said.splitlines()
    remedy = "Not root, a read-only file system, or a file mounted by itself, and no state directory either."
    told = [(line, remedy) for line in said if f"{BUNDLE}: " in line]
    told += without_bundles(scene)
    for kind, remedy in (
        ("loop", "Usually a file server that does not answer: mount the certificates from elsewhere."),
        ("kill", "Usually the container's memory limit. Please report it if it happens again."),
    ):
        environment = {"PSM_ENTRY_TEST_FAULT": f"inputs:{kind}", "PSM_ENTRY_TIMEOUT": "1"}
        said = scene.start(environment=environment).said.splitlines()
        told += [(line, remedy) for line in said if "original environment" in line]
    return told + [limited(scene), locked(scene), too_large(scene)]


def without_bundles(scene) -> list[tuple[str, str]]:
    """An image with only a system store, for a user who may not write it: without a state directory, then with one."""
    store = scene.write(NATIVE_STORE, base())
    said = scene.start("--log", "error", "--bundles", "none", user=NOBODY).said.splitlines()
    told = [(line, "As above, without any writable directory. Mount a tmpfs on /run or /tmp.") for line in said]
    os.chown(scene.at("/run"), 1000, 0)
    said = scene.start("--bundles", "none", user=NOBODY).said.splitlines()
    told += [(line, "No fault: clients that read the system store itself are named in the warning.") for line in said if "using /run" in line]
    told += [(line, "`docker exec C psm-entry -- CMD` gives `CMD` what the service has.") for line in said if "of the service (" in line]
    os.chown(scene.at("/run"), 0, 0)
    shutil.rmtree(scene.at("/run/psm-entry"))
    store.unlink()
    assert len(told) == 3
    return told


def limited(scene) -> tuple[str, str]:
    """A pattern for the whole disk."""
    wide = scene.at("/wide")
    wide.mkdir()
    for number in range(10_001):
        (wide / str(number)).touch()
    (line,) = scene.start("--log", "error", "--bundles", "/*/*").said.splitlines()
    shutil.rmtree(wide)
    return line, "Each `*` stands for every name in a directory. Write what does not change: `/opt/conda/envs/*/ssl/cacert.pem`."


def locked(scene) -> tuple[str, str]:
    """A lock that another process holds."""
    scene.mount("Third Root")
    with held_lock(scene.at(BUNDLE).parent):
        (line,) = scene.start("--log", "warning").said.splitlines()
    remedy = "Another start, or another process that can read the directory, has locked it. Nothing is lost: a bundle is replaced as a whole."
    return line, remedy


def too_large(scene) -> tuple[str, str]:
    """An environment that fits, but not twice."""
    line = ["prlimit", "--stack=524288", *scene.command("--log", "error")]
    environment = {"PATH": os.environ["PATH"], "HTTPS_PROXY": f"http://proxy:1/{'p' * 70_000}"}
    (said,) = subprocess.run(line, env=environment, capture_output=True, timeout=30, check=True).stderr.decode().splitlines()
    remedy = "Each proxy variable is set in both cases. Shorten NO_PROXY, or raise the stack limit. Strict, or with a user: exit status 70."
    return said, remedy


def endings(scene) -> list[tuple[str, str]]:
    """The messages that end a start, with their exit status."""
    told = []
    scene.at("/other/etc/passwd").mkdir(parents=True)
    for status, words, remedy in (
        (64, [], "A new ENTRYPOINT drops the base image's CMD: repeat it."),
        (64, ["--cert", "/x", "--", "true"], "`psm-entry --help` lists the options."),
        (127, ["--", "servce"], "It is misspelled, or in a directory that is not in the service's PATH. No store was changed."),
        (127, ["--", "/usr/local/bin/gone"], "Write the path inside the container."),
        (126, ["--", "/etc/passwd"], "Or use `COPY --chmod=0755`. No store was changed."),
        (70, ["--user", "nobody-here", "--", "true"], "The command never runs as another user than the one you set."),
        (70, ["--user", "1000", "--root", str(scene.at("/other")), "--", "true"], "It may contain the user. Mount a file, or nothing."),
        (78, ["--strict", "--certs", "/gone", "--", "true"], "The errors are logged above this line."),
    ):
        rooted = [scene.binary, "--log", "error", "--root", str(scene.directory), *words]
        done = subprocess.run(rooted, env={"PATH": "/usr/bin:/bin"}, capture_output=True, timeout=30, check=False)
        assert done.returncode == status, done.stderr
        told.append((done.stderr.decode().splitlines()[-1], f"Exit status {status}. {remedy}"))
    return told


def beside_a_start(scene) -> list[tuple[str, str]]:
    """The messages of `apply` and `write-bundle` that a start does not have."""
    told = []

    def tell(status: int, remedy: str, *words: str, prefix: tuple[str, ...] = (), **variables: str) -> None:
        line = [*prefix, *words]
        done = subprocess.run(line, env=variables, capture_output=True, timeout=30, check=False)
        assert done.returncode == status, done.stderr
        told.append((done.stderr.decode().splitlines()[-1], f"Exit status {status}. {remedy}"))

    program, root = str(scene.binary), ("--root", str(scene.directory))
    tell(
        1, "It contains a path, or a part of a certificate. `base64 -w0 FILE` makes the value of any file.",
        program, "apply", *root, "--log", "error", PSM_ENTRY_CERTS_DATA="/etc/repo/ca.pem",
    )
    tell(78, "The errors are logged above this line.", program, "apply", *root, "--strict", "--certs", "/gone")
    shutil.copy(scene.binary, scene.at("/psm-entry"))
    scene.mount("Branch Root")
    tell(
        0, "Mount /proc, or restart whatever connects with TLS.",
        "/psm-entry", "apply", "--log", "warning", prefix=("/usr/sbin/chroot", str(scene.directory)),
    )
    write_bundle = (program, "write-bundle", *root)
    tell(1, "The volume is not mounted, or has another path inside the container.", *write_bundle, "/gone/ca.pem")
    tell(1, "It would turn every public CA into a mounted one.", *write_bundle, "/etc/repo/ca_certs/all.pem")
    tell(1, "`apply` updates the bundles themselves.", *write_bundle, BUNDLE)
    tell(1, "A scratch image has none: run it in the service's own image.", *write_bundle, "--bundles", "/none.pem", "/ca.pem")
    return told


def proxies(scene) -> list[tuple[str, str]]:
    """The messages of a start about proxy variables, each case in a separate start."""
    told = []
    for variables, remedy in troubles.PROXIES:
        said = scene.start("--log", "warning", environment=variables).said.splitlines()
        assert said and not any("secret" in line for line in said), variables
        told += [(line, remedy) for line in said]
    return told


def usage(scene) -> list[tuple[str, str]]:
    """The messages about wrong usage."""
    told = []
    for words, remedy in troubles.USAGE:
        done = subprocess.run([scene.binary, *words], env={}, capture_output=True, timeout=30, check=False)
        assert done.returncode == 64, (words, done.stderr)
        told.append((done.stderr.decode().splitlines()[-1], remedy))
    return told


SECTIONS = [
    ("Proxy variables", proxies, rare_troubles.PROXIES),
    ("Bundles", stores, rare_troubles.BUNDLES),
    ("Restricted containers, the system store, limits", restricted, rare_troubles.STORES),
    ("Starts that end", endings, rare_troubles.ENDINGS),
    ("`apply` and `write-bundle`", beside_a_start, []),
    ("Command line", usage, []),
]


def test_the_page_holds_what_the_program_prints(binary, faulty_binary, directory, request):
    text = HEAD
    files, settings = starting(binary, directory / "scene")
    for title, told, rare in (
        ("The connection", connecting(binary, directory), rare_troubles.CONNECTION),
        ("`check`", [], rare_troubles.CHECK),
        ("Files", files, rare_troubles.FILES),
        ("Settings and variables", settings, rare_troubles.SETTINGS),
    ):
        text += f"\n## {title}\n\n" + "".join(row(*one) for one in told + rare)
    for title, tell, rare in SECTIONS:
        scene = make_scene(directory / tell.__name__, faulty_binary if tell is restricted else binary)
        scene.write("/etc/passwd", b"root:x:0:0::/root:/bin/sh\n")
        text += f"\n## {title}\n\n" + "".join(row(*one) for one in tell(scene) + rare)
    check_page(PAGE, text, request.config.getoption("--write"))


# Every message


def shown_on_the_page() -> list[str]:
    """The texts on the page that are the program's: messages, and what may replace a part of them."""
    _, _, text = PAGE.read_text(encoding="utf-8").partition("\n## What psm-entry says\n")
    return re.findall(r"`([^`\n]+)`", text)


def rows_of_the_page() -> list[str]:
    return re.findall(r"^- `([^`\n]+)`$", PAGE.read_text(encoding="utf-8"), re.M)


def test_every_message_of_the_program_is_on_the_page_with_its_remedy():
    shown = "\n".join(shown_on_the_page())
    known = messages.literals()
    assert len(known) > 250
    assert [f"{one.place}: {one.shown}" for one in known if not one.pattern.search(shown)] == []


def test_every_message_on_the_page_is_one_of_the_program():
    """Most of it is in the literals of the sources; the rest are paths, names, numbers and texts of other programs."""
    words = {part for literal in messages.literals(all_of_them=True) for part in literal.parts if part and len(part) > 5}
    words |= {os.strerror(number).lower() for number in errno.errorcode}
    strange = []
    for shown in rows_of_the_page():
        message = re.sub(r"^psm-entry: (?:(?:error|warning): )?(?:/\S+: )?", "", shown)
        message = re.sub(r"(?<=certificate verify failed: )[^;]+", "", message)  # OpenSSL's words
        covered = bytearray(len(message))
        for part in words:
            at = message.find(part)
            while at >= 0:
                covered[at : at + len(part)] = b"\1" * len(part)
                at = message.find(part, at + 1)
        left = "".join("\0" if is_covered else letter for letter, is_covered in zip(message, covered, strict=True))
        if re.search(r"[a-z]{2,} [a-z]{2,} [a-z]{2,} ", left) or sum(covered) * 3 < len(message):
            strange.append((shown, left.replace("\0", "")))
    assert strange == []


# The form of a message


NAMES = ("Base64 ", "Java ", "Docker ", "Go ", "Node ", "Python ")


def wrong_form(shown: str) -> str:
    """What is wrong with the form of a message; empty if nothing is."""
    message = re.sub(r"^psm-entry: (?:(?:error|warning): )?", "", shown)
    subject = re.match(r"(?:[A-Z_*]+|/\S+|--\S+|[a-z -]+|process \d+ \(.*?\)|[\w.-]+)(?:, [A-Z_]+)*: (?=.)", message)
    rest = message[subject.end() :] if subject else message
    rest = re.sub(r"; (?:no certificate is removed from any store in this start|see psm-entry --help)$", "", rest)
    plain = re.sub(r" ?\((?:[^()]|\([^()]*\))*\)", "", rest)
    if rest.endswith((".", " ", "!")):
        return f"ends in {rest[-1]!r}: {shown}"
    if len(plain) > 200:
        return f"{len(plain)} characters: {plain}"
    if re.match(r"[A-Z][a-z]+ [a-z]", rest) and not rest.startswith(NAMES):
        return f"begins with a capital: {rest}"
    return ""


def test_a_message_begins_in_lower_case_has_no_final_period_and_at_most_200_characters_beside_its_details():
    assert list(filter(None, map(wrong_form, rows_of_the_page()))) == []
    assert wrong_form("/x: No certificate here") and wrong_form("/x: wrong.") and wrong_form("/x: " + "y" * 201)
