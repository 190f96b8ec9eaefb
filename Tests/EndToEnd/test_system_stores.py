"""System stores of all families, built by their real tools and judged by the contents of the bundle."""

import re
import shutil
import ssl
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

import containers
from certificates import Authority, certificates_of
from clients import CA_VARIABLES, CURL, DISTRUST
from containers import Container
from network import BODY


@dataclass(frozen=True)
class Family:
    image: str
    bundle: str
    anchors: str
    ending: str
    tool: str

    def anchor(self, authority: Authority) -> str:
        return f"{self.anchors}/psm-entry-{authority.fingerprint}{self.ending}"


@pytest.fixture(scope="session")
def families(
    image: str,
    newer_rhel_image: str,
    debian_image: str,
    debian_13_image: str,
    suse_image: str,
    arch_image: str,
) -> dict[str, Family]:
    found = {
        "rhel": Family(
            image,
            "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
            "/usr/share/pki/ca-trust-source/anchors",
            ".pem",
            "/usr/bin/update-ca-trust",
        ),
        "debian": Family(
            debian_image,
            "/etc/ssl/certs/ca-certificates.crt",
            "/usr/local/share/ca-certificates",
            ".crt",
            "/usr/sbin/update-ca-certificates",
        ),
        "suse": Family(
            suse_image,
            "/var/lib/ca-certificates/ca-bundle.pem",
            "/etc/pki/trust/anchors",
            ".crt",
            "/usr/sbin/update-ca-certificates",
        ),
        "arch": Family(
            arch_image,
            "/etc/ca-certificates/extracted/tls-ca-bundle.pem",
            "/etc/ca-certificates/trust-source/anchors",
            ".pem",
            "/usr/bin/update-ca-trust",
        ),
    }
    found["p11-kit 0.25"] = replace(found["rhel"], image=newer_rhel_image)
    found["debian 13"] = replace(found["debian"], image=debian_13_image)
    return found


@pytest.fixture(params=["rhel", "p11-kit 0.25", "debian", "debian 13", "suse", "arch"])
def family(request, families) -> Family:
    return families[request.param]


@pytest.fixture
def start(container, binary, family, certs):
    """Starts a container of the family in which no bundle is named, so that a missing one is not an error."""

    def begin(**arguments) -> Container:
        settings = {"REPO_CUSTOM_CA_CERT": "", **arguments.pop("settings", {})}
        arguments.setdefault("from_image", family.image)
        return container(arguments.pop("entry", binary), settings=settings, **arguments)

    return begin


def curl(box: Container, url: str, **variables: str):
    """The system's own curl, without CA variables."""
    return box.run(*CURL, url, environment=variables)


def stamp(box: Container, family: Family) -> bytes:
    """Changes whenever the tool has built the bundle."""
    return box.run("stat", "--format", "%i %y %z", family.bundle).stdout


def links_of_ours(box: Container) -> list[str]:
    listed = box.run("find", "/etc/ssl/certs/", "-type", "l", "-lname", "*psm-entry-*").stdout
    return listed.decode().split()


def test_the_control_does_not_trust_the_proxy(start, origin):
    box = start(entry=None)
    box.service()
    assert DISTRUST["curl"] in curl(box, origin.url).stderr.decode()


def test_the_systems_own_curl_trusts_a_mounted_authority(start, family, origin, proxy):
    box = start()
    box.service()
    assert curl(box, origin.url).stdout == BODY
    assert box.read(family.anchor(proxy.authority)) == proxy.authority.pem
    assert certificates_of(box.read(family.bundle)).count(proxy.authority.der) == 1
    listed = box.run("stat", "--format", "%a %U", family.anchor(proxy.authority)).stdout
    assert listed == b"644 root\n"


def test_a_restart_does_not_run_the_tool(start, family):
    box = start()
    box.service()
    before = stamp(box, family)
    for _ in range(2):
        said = len(box.said())
        box.restart()
        assert stamp(box, family) == before
        assert len(box.said()) == said + 1, box.log()


@pytest.fixture
def tracer(tmp_path) -> Path:
    """strace with the libraries that an image may lack."""
    directory = tmp_path / "strace"
    directory.mkdir()
    listed = subprocess.run(["ldd", "/usr/bin/strace"], capture_output=True, text=True, check=True).stdout
    for path in ["/usr/bin/strace", *re.findall(r"=> (/\S*/lib(?!c\.)\S+)", listed)]:
        shutil.copy(path, directory)
    return directory


def test_only_a_start_that_changes_anchors_executes_the_tool(container, binary, family, tracer):
    traced = ["/lib64/ld-linux-x86-64.so.2", "--library-path", "/strace", "/strace/strace"]
    box = container(
        None,
        from_image=family.image,
        mounts={binary: "/psm-entry", tracer: "/strace"},
        options=["--init", "--cap-add", "SYS_PTRACE"],
        command=["sleep", "infinity"],
    )

    def executed() -> list[str]:
        start = [*traced, "-f", "-qq", "-e", "trace=execve", "-o", "/tmp/trace", "/psm-entry", "--", "/bin/true"]
        containers.succeed("exec", box.name, *start)
        return re.findall(r'execve\("([^"]+)".* = 0$', box.read("/tmp/trace").decode(), re.MULTILINE)

    assert family.tool in executed()
    for _ in range(2):
        assert executed() == ["/psm-entry", "/bin/true"]


def test_an_exchanged_authority_is_trusted_and_the_former_is_gone(
    start, family, certs, origin, proxy, second_proxy
):
    box = start()
    box.service()
    (certs / "ca_cert.pem").write_bytes(second_proxy.authority.pem)
    box.restart()
    assert DISTRUST["curl"] in curl(box, origin.url).stderr.decode()
    assert curl(box, origin.url, HTTPS_PROXY=second_proxy.url).stdout == BODY
    held = certificates_of(box.read(family.bundle))
    assert second_proxy.authority.der in held and proxy.authority.der not in held
    names = box.run("ls", family.anchors).stdout.decode().split()
    assert names == [Path(family.anchor(second_proxy.authority)).name]
    assert all(proxy.authority.fingerprint not in link for link in links_of_ours(box))


def test_no_authority_leaves_the_store_as_the_image_brought_it(start, family, certs, origin, proxy):
    control = start(entry=None)
    control.service()
    box = start()
    box.service()
    (certs / "ca_cert.pem").unlink()
    box.restart()
    assert DISTRUST["curl"] in curl(box, origin.url).stderr.decode()
    public = certificates_of(control.read(family.bundle))
    assert sorted(certificates_of(box.read(family.bundle))) == sorted(public)
    assert box.run("ls", family.anchors).stdout == b""
    assert links_of_ours(box) == []
    dangling = box.run("find", "/etc/ssl/certs/", "-xtype", "l").stdout
    assert dangling == control.run("find", "/etc/ssl/certs", "-xtype", "l").stdout


def test_an_anchor_of_somebody_else_is_not_touched(start, family, certs, second_proxy):
    box = start(entry=None)
    box.service()
    foreign = f"{family.anchors}/corp{family.ending}"
    script = f"mkdir -p {family.anchors} && cat >{foreign}.txt <<'.'\n{second_proxy.authority.pem.decode()}.\n"
    assert box.run("sh", "-ec", f"{script}mv {foreign}.txt {foreign}; {family.tool}").returncode == 0
    image = box.commit()
    try:
        box = start(from_image=image)
        box.service()
        (certs / "ca_cert.pem").unlink()
        box.restart()
        assert box.read(foreign) == second_proxy.authority.pem
        assert second_proxy.authority.der in certificates_of(box.read(family.bundle))
        box.remove()
    finally:
        containers.succeed("rmi", "--force", image)


def test_an_authority_that_the_distribution_trusts_as_well_may_be_taken_out(start, family, certs):
    box = start()
    box.service()
    (certs / "public.pem").write_text(ssl.DER_cert_to_PEM_cert(certificates_of(box.read(family.bundle))[0]))
    box.restart()
    (certs / "public.pem").unlink()
    said = len(box.said())
    box.restart()
    told = box.said()[said:]
    assert [line for line in told if "warning: " in line and "still trusted through the distribution" in line], told
    assert not [line for line in told if "error: " in line], told
    box.restart()
    assert len(box.said()) == said + len(told) + 1, box.log()


@pytest.mark.parametrize("options", [["--cap-drop", "DAC_OVERRIDE"], ["--cap-drop", "all"]], ids=" ".join)
def test_root_without_capabilities_builds_the_store(start, family, origin, options):
    box = start(options=options)
    box.service()
    assert curl(box, origin.url).stdout == BODY, box.log()
    # RHEL's tool fails there, after all bundles are written.
    status = box.run(family.tool).returncode
    assert status == (1 if family.bundle.startswith("/etc/pki/") else 0)


@pytest.mark.parametrize(
    "options", [["--user", "1000:0"], ["--read-only", "--read-only-tmpfs=true"]], ids=lambda options: options[0]
)
def test_a_store_that_cannot_be_written_is_said_once(start, family, origin, options):
    # The service is the client: it has the variables that name the private bundle.
    box = start(options=options, command=[*CURL, origin.url])
    assert box.exit_status() == 0, box.log()
    assert BODY.decode() in box.log()
    assert len([line for line in box.said() if "system store" in line]) == 1, box.log()
    assert [line for line in box.said() if "error: " in line] == []


def test_without_its_tool_the_bundle_is_written_natively(start, family, certs, origin, proxy):
    box = start(entry=None)
    box.service()
    control = box.read(family.bundle)
    assert box.run("rm", family.tool).returncode == 0
    image = box.commit()
    try:
        box = start(from_image=image)
        box.service()
        assert curl(box, origin.url).stdout == BODY
        assert box.read(family.bundle).startswith(control)
        assert box.read(family.anchor(proxy.authority)) == proxy.authority.pem
        before = stamp(box, family)
        box.restart()
        assert stamp(box, family) == before
        (certs / "ca_cert.pem").unlink()
        box.restart()
        assert box.read(family.bundle) == control
        box.remove()
    finally:
        containers.succeed("rmi", "--force", image)


def test_a_certificate_that_a_rhel_store_does_not_trust_is_said_and_runs_no_tool_again(
    container, binary, families, certs, proxy
):
    family = families["rhel"]
    server = proxy.authority.issue("server.test")
    (certs / "server.pem").write_bytes(server[server.index(b"-----BEGIN CERTIFICATE") :])
    box = container(binary, settings={"REPO_CUSTOM_CA_CERT": ""})
    box.service()
    assert len([line for line in box.said() if "bundles only" in line]) == 1, box.log()
    runs = box.tool_runs()
    box.restart()
    assert box.tool_runs() == runs
    assert len(box.run("ls", family.anchors).stdout.split()) == 1
    bundle = certificates_of(box.read(containers.BUNDLE))
    assert certificates_of(server[server.index(b"-----BEGIN CERTIFICATE") :])[0] in bundle


def test_a_blocked_certificate_is_known_in_every_form(container, binary, tmp_path, certs, proxy):
    blocked = tmp_path / "blocked.pem"
    openssl = ["openssl", "x509", "-addreject", "serverAuth", "-trustout", "-out", blocked]
    subprocess.run(openssl, input=proxy.authority.pem, check=True, timeout=60)
    mounts = {blocked: "/etc/pki/ca-trust/source/blocklist/blocked.pem"}
    box = container(binary, settings={"REPO_CUSTOM_CA_CERT": ""}, mounts=mounts)
    box.service()
    assert len([line for line in box.said() if "blocklist" in line and "bundles only" in line]) == 1, box.log()
    assert not [line for line in box.said() if "error: " in line], box.log()


# Leftovers of a killed run of Debian's tool


@pytest.fixture
def poisoned(container, families):
    """Images of the Debian family with a leftover that its tool would continue."""
    images: list[str] = []

    def prepare(text: bytes) -> str:
        box = container(None, from_image=families["debian"].image)
        box.service()
        script = f"cat >/etc/ssl/certs/ca-certificates.crt.new <<'.'\n{text.decode()}\n.\n"
        assert box.run("sh", "-ec", script).returncode == 0
        images.append(box.commit())
        return images[-1]

    yield prepare
    for image in images:
        containers.podman("rmi", "--force", image)


@pytest.mark.parametrize("kind", ["half a certificate", "a removed authority"])
def test_a_poisoned_leftover_is_harmless(container, binary, families, poisoned, origin, second_proxy, kind):
    pem = second_proxy.authority.pem
    image = poisoned(pem[: len(pem) // 2] if kind == "half a certificate" else pem)
    box = container(binary, from_image=image)
    box.service()
    assert curl(box, origin.url).stdout == BODY, box.log()
    held = certificates_of(box.read(families["debian"].bundle))
    assert second_proxy.authority.der not in held and len(held) > 100


# Tools that report a wrong status

BUNDLE = "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem"
REAL = "/usr/bin/update-ca-trust.real"


@dataclass(frozen=True)
class Lie:
    script: str
    said: str = ""
    """What the log must say; if empty, nothing but the change."""
    is_trusted: bool = False
    """Whether curl reaches the origin afterwards."""
    runs_again: bool = True
    """Whether the next start runs the tool again."""


LIES = {
    "fails and succeeds": Lie(f"{REAL}; exit 1", is_trusted=True, runs_again=False),
    "dies and succeeds": Lie(f"{REAL}; kill -9 $$", is_trusted=True, runs_again=False),
    "succeeds and fails": Lie("exit 0", "is missing after"),
    "fails and fails": Lie("echo 'no such token' >&2; exit 3", "(exit status 3)"),
    "empties the bundle": Lie(f": >{BUNDLE}", "is missing after"),
    "removes the bundle": Lie(f"rm {BUNDLE}", "lost by the system's tool; restored"),
    "damages the bundle": Lie(f"{REAL}; truncate -s -40 {BUNDLE}", "lost by the system's tool; restored", is_trusted=True),
    "hangs": Lie("sleep 1000", "at its time limit"),
    "hangs when done": Lie(f"{REAL}; sleep 1000", "", is_trusted=True, runs_again=False),
    "leaves a daemon with the pipe": Lie(f"sleep 1000 & {REAL}", is_trusted=True, runs_again=False),
    "talks without end": Lie(f"{REAL}; head -c 10000000 /dev/zero | tr '\\0' x", is_trusted=True, runs_again=False),
    "cannot be executed": Lie("#!/gone", "(exit status 127)"),
}


@pytest.fixture
def lying(container, binary, image, tmp_path):
    """Starts a container in which the tool is a script, with the real tool beside it."""

    def start(lie: Lie) -> Container:
        real = Path(__file__).parent / "image" / "update-ca-trust"
        tool = tmp_path / "update-ca-trust"
        body = lie.script if lie.script.startswith("#!") else f"#!/bin/sh\n{lie.script}"
        tool.write_text(f"{body}\n".replace("#!/bin/sh\n", "#!/bin/sh\necho run >>/var/log/lies\n"))
        tool.chmod(0o755)
        mounts = {tool: "/usr/bin/update-ca-trust", real: REAL}
        return container(binary, mounts=mounts, settings={"PSM_ENTRY_TIMEOUT": "10", "PSM_ENTRY_LOG": "debug"})

    return start


def lies_told(box: Container) -> int:
    return box.run("cat", "/var/log/lies").stdout.count(b"\n")


@pytest.mark.parametrize("kind", LIES)
def test_a_tool_is_judged_by_what_it_has_built(lying, origin, kind):
    lie = LIES[kind]
    box = lying(lie)
    service = box.service()
    assert (service.pid, service.children) == (1, 0)
    if lie.said:
        assert [line for line in box.said() if lie.said in line], box.log()
        assert [line for line in box.said() if "error: " in line], box.log()
    else:
        assert [line for line in box.said() if "error: " in line] == [], box.log()
    assert (curl(box, origin.url).stdout == BODY) == lie.is_trusted
    # Whatever the tool does, the product's own bundle is used.
    assert service.variables()["NODE_EXTRA_CA_CERTS"] == containers.BUNDLE
    assert not CA_VARIABLES & service.variables().keys()
    running = box.run("sh", "-c", "cat /proc/[0-9]*/comm").stdout.split()
    assert b"service" in running and b"sleep" not in running
    told = lies_told(box)
    box.restart()
    assert (lies_told(box) > told) == (lie.runs_again and kind != "cannot be executed")
