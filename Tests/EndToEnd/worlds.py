"""Random worlds: roots with bundles, links, owners, mounts, state directories and settings, drawn by Hypothesis.

A world is a readable value; Hypothesis shrinks one that fails to a few lines.
"""

import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from hypothesis import strategies as st

from roots import CLOSING, NOBODY, OPENING, authority

PATHS = ["/conda/ssl/cacert.pem", "/conda/lib/python3.11/site-packages/certifi/cacert.pem", "/opt/x/ca.pem"]
PLACES = {
    "named": PATHS,
    "conda": [
        *PATHS[:2],
        "/opt/conda/envs/x/lib/python3.12/site-packages/grpc/_cython/_credentials/roots.pem",
    ],
    "python": [
        "/usr/local/lib/python3.11/site-packages/pip/_vendor/certifi/cacert.pem",
        "/usr/lib/python3/dist-packages/certifi/cacert.pem",
        "/venv/lib/python3.11/site-packages/botocore/cacert.pem",
    ],
    "none": PATHS[:2],
}
"""The locations of a world's bundles, by setting: named in PSM_ENTRY_BUNDLES, the default with or without conda, or none:
PSM_ENTRY_BUNDLES=none."""
STORE = "/etc/ssl/certs/ca-certificates.crt"
ANCHORS = "/usr/local/share/ca-certificates"
CERTS = "/etc/repo/ca_certs"
PUBLIC = ["Public A", "Public B", "Public C"]
CORPORATE = ["Corp Root", "Branch Root", "Former Root"]
VARIABLES = ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS"]
PASSWORD = "s3cretpw"


@dataclass(frozen=True)
class Bundle:
    """A file, or another name of an earlier one."""

    base: tuple[str, ...] = ("Public A",)
    section: tuple[str, ...] = ()
    damage: str = ""
    """How it is damaged: 'unended', 'empty', 'no certificate'; usually nothing."""
    owner: int = 0
    group: int = 0
    mode: int = 0o644
    directory_owner: int = 0
    directory_mode: int = 0o755
    other_name: str = ""
    """'link' or 'hard link' to the bundle before it, 'store' for a link to the system store."""
    is_mounted: bool = False
    """Whether it is a mount point."""
    leftover: bool = False


INPUT_TROUBLES = {
    "key": False, "damaged": True, "missing": True, "folded": True, "no file": True, "readme": False,
    "lost+found": False, "own work": False,
}
"""Whether a start with it removes no certificate from any store."""


@dataclass(frozen=True)
class World:
    bundles: tuple[Bundle, ...]
    store: Bundle | None = None
    anchors: tuple[str, ...] = ()
    anchors_mode: int = 0o755
    mounted: tuple[str, ...] = ()
    then_mounted: tuple[str, ...] = ()
    """The certificates that are mounted afterwards."""
    input_trouble: str = ""
    """A problem beside the certificates: one of INPUT_TROUBLES."""
    state: tuple[str, ...] = ("/run/psm-entry",)
    state_trouble: str = ""
    """What replaces the first state directory: 'link', 'dangling', 'foreign', 'file'."""
    user: int = 0
    system: str = "native"
    strict: bool = False
    variables: tuple[tuple[str, str], ...] = ()
    proxy: bool = False
    places: str = "named"
    """One of PLACES."""

    def __str__(self) -> str:
        return repr(self)


def names(of: list[str], most: int = 3) -> st.SearchStrategy[tuple[str, ...]]:
    return st.lists(st.sampled_from(of), max_size=most).map(tuple)


def rarely(values: list, usual) -> st.SearchStrategy:
    """Usually the common value, to which a failure also shrinks."""
    return st.integers(0, 9).flatmap(lambda n: st.sampled_from(values) if n >= 8 else st.just(usual))


BUNDLES = st.builds(
    Bundle,
    base=st.lists(st.sampled_from(PUBLIC + CORPORATE[:1]), min_size=1, max_size=3).map(tuple),
    section=names(CORPORATE),
    damage=rarely(["unended", "empty", "no certificate"], ""),
    owner=rarely([1000, 1234], 0),
    group=rarely([1000, 1234], 0),
    mode=rarely([0o600, 0o664], 0o644),
    directory_owner=rarely([1000, 1234], 0),
    directory_mode=rarely([0o775, 0o777, 0o1777], 0o755),
    other_name=rarely(["link", "hard link", "store"], ""),
    is_mounted=rarely([True], False),
    leftover=rarely([True], False),
)

WORLDS = st.builds(
    World,
    bundles=st.lists(BUNDLES, min_size=0, max_size=3).map(tuple),
    places=st.sampled_from(["named", "named", "conda", "python", "none"]),
    store=st.none() | BUNDLES,
    anchors=names(CORPORATE, 2),
    anchors_mode=rarely([0o777], 0o755),
    mounted=names(CORPORATE + PUBLIC[:1]),
    then_mounted=names(CORPORATE),
    input_trouble=rarely([*INPUT_TROUBLES], ""),
    state=st.sampled_from([("/run/psm-entry",), ("/run/psm-entry", "/tmp/psm-entry-x")]),
    state_trouble=rarely(["link", "dangling", "foreign", "file"], ""),
    system=st.sampled_from(["native", "off", "auto"]),
    strict=rarely([True], False),
    variables=st.lists(
        st.tuples(st.sampled_from(VARIABLES), st.sampled_from([*PATHS, PLACES["python"][0], STORE, "/gone.pem"])),
        max_size=2,
        unique_by=lambda pair: pair[0],
    ).map(tuple),
    proxy=st.booleans(),
)


def section_text(listed: tuple[str, ...]) -> bytes:
    """A managed section as psm-entry writes it; a certificate that is named twice is in it twice."""
    if not listed:
        return b""
    chosen = sorted((authority(name) for name in listed), key=lambda one: one.fingerprint)
    text = OPENING
    for one in chosen:
        colons = ":".join(one.fingerprint[i : i + 2].upper() for i in range(0, 64, 2))
        subject = one.certificate.subject.rfc4514_string()
        text += f"# Subject: {subject}\n# SHA-256: {colons}\n".encode() + one.pem
    return text + CLOSING


def bundle_text(bundle: Bundle) -> bytes:
    if bundle.damage == "empty":
        return b""
    if bundle.damage == "no certificate":
        return b"# nothing\n" + section_text(bundle.section)
    text = b"# the image's own\n" + b"".join(authority(name).pem for name in bundle.base)
    if bundle.damage == "unended":
        text += b"-----BEGIN CERTIFICATE-----\nMAA=\n"
    return text + section_text(bundle.section)


@dataclass
class Built:
    """A world on disk."""

    world: World
    root: Path
    binary: Path
    mounts: list[str] = field(default_factory=list)

    def at(self, path: str) -> Path:
        return self.root / path.lstrip("/")

    def mount(self, listed: tuple[str, ...]) -> None:
        directory = self.at(CERTS)
        for path in directory.iterdir():
            path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()
        for name in listed:
            (directory / f"{name}.pem").write_bytes(authority(name).pem)
        trouble = self.world.input_trouble
        if trouble == "key":
            (directory / "key.pem").write_bytes(authority("Keyed").key_and_certificate)
        if trouble == "damaged":
            (directory / "damaged.pem").write_bytes(authority("Damaged").pem[:-40])
        if trouble == "folded":
            (directory / "folded.pem").write_bytes(authority("Damaged").pem.replace(b"\n", b" "))
        if trouble == "no file":
            (directory / "absent.pem").mkdir(mode=0o755)
        if trouble == "readme":
            (directory / "README.md").write_bytes(b"# CAs\n")
        if trouble == "lost+found":
            (directory / "lost+found").mkdir(mode=0o700)
        if trouble == "own work":
            (directory / "own.pem").symlink_to(f"{ANCHORS}/psm-entry-{authority('Former Root').fingerprint}.crt")
            (directory / "merged.pem").write_bytes(
                OPENING + b"# Subject: x\n# SHA-256: x\n" + authority("Former Root").pem + CLOSING
            )

    @property
    def placed_paths(self) -> list[str]:
        return PLACES[self.world.places][: len(self.world.bundles)]

    @property
    def bundle_paths(self) -> list[str]:
        """The bundles that a start should merge into."""
        return [] if self.world.places == "none" else self.placed_paths

    def run(self, *words: str, json: bool = False) -> subprocess.CompletedProcess[bytes]:
        """A sub-command, or, with "--" first, a start."""
        world = self.world
        options = ["--root", str(self.root), "--system", world.system]
        if world.places == "none" or (world.places == "named" and not world.bundles):
            options += ["--bundles", "none"]
        elif world.places == "named":
            options += ["--bundles", ":".join(self.bundle_paths)]
        options += ["--state-dir", ":".join(world.state)]
        certs = CERTS + (":/gone/ca.pem" if world.input_trouble == "missing" else "")
        options += ["--certs", certs]
        if world.strict:
            options.append("--strict=on")
        command = [str(self.binary)]
        command += [*options, *words] if words[0] == "--" else [words[0], *options, *words[1:]]
        if world.user:
            command = [*NOBODY, *command]
        if self.mounts:
            binds = "; ".join(f"mount --bind '{self.at(path)}' '{self.at(path)}'" for path in self.mounts)
            command = ["unshare", "--mount", "sh", "-ec", f'{binds}; exec "$@"', "sh", *command]
        environment = {"PATH": os.environ["PATH"], **dict(world.variables)}
        if world.places == "python":
            environment["VIRTUAL_ENV"] = "/venv"
        if world.proxy:
            environment["HTTPS_PROXY"] = f"http://user:{PASSWORD}@proxy.test:3128"
        return subprocess.run(
            command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=False
        )

    def tree(self) -> dict[str, tuple]:
        """Everything: modes, owners, contents and times."""
        found = {}
        for directory, directories, files in os.walk(self.root):
            for name in [*directories, *files]:
                path = Path(directory, name)
                status = path.lstat()
                content = b""
                if path.is_symlink():
                    content = os.readlink(path).encode()
                elif path.is_file():
                    content = path.read_bytes()
                relative = "/" + str(path.relative_to(self.root))
                found[relative] = (status.st_mode, status.st_uid, status.st_gid, status.st_mtime_ns, content)
        return found


def place(built: Built, path: str, bundle: Bundle, before: str | None) -> None:
    target = built.at(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    if bundle.other_name == "store" and built.world.store is not None:
        target.symlink_to(STORE)
    elif bundle.other_name == "link" and before:
        target.symlink_to(before)
    elif bundle.other_name == "hard link" and before and not built.at(before).is_symlink():
        os.link(built.at(before), target)
    else:
        target.write_bytes(bundle_text(bundle))
        target.chmod(bundle.mode)
        os.chown(target, bundle.owner, bundle.group)
        if bundle.is_mounted:
            built.mounts.append(path)
    if bundle.leftover:
        (target.parent / f".psm-entry-new.{target.name}.1f").write_bytes(b"half")
    target.parent.chmod(bundle.directory_mode)
    os.chown(target.parent, bundle.directory_owner, bundle.directory_owner)


@contextmanager
def built(world: World, binary: Path) -> Iterator[Built]:
    directory = Path(tempfile.mkdtemp(prefix="psm-entry-world."))
    try:
        directory.chmod(0o755)
        program = directory / "psm-entry"
        shutil.copy(binary, program)
        root = directory / "root"
        root.mkdir(mode=0o755)
        made = Built(world, root, program)
        for path in (CERTS, ANCHORS, "/run", "/tmp", "/elsewhere"):
            made.at(path).mkdir(parents=True)
        made.at("/tmp").chmod(0o1777)
        os.chown(made.at("/run"), world.user, 0)
        if world.store is not None:
            place(made, STORE, replace(world.store, other_name=""), None)
        for name in world.anchors if world.store is not None else ():
            one = authority(name)
            made.at(f"{ANCHORS}/psm-entry-{one.fingerprint}.crt").write_bytes(one.pem)
        made.at(ANCHORS).chmod(world.anchors_mode)
        before = None
        for path, bundle in zip(made.placed_paths, world.bundles, strict=False):
            place(made, path, bundle, before)
            before = path
        state = made.at(world.state[0])
        if world.state_trouble == "link":
            state.symlink_to("/elsewhere")
        elif world.state_trouble == "dangling":
            state.symlink_to("/nowhere")
        elif world.state_trouble == "foreign":
            state.mkdir()
            os.chown(state, 4321, 4321)
        elif world.state_trouble == "file":
            state.write_bytes(b"a file")
        made.mount(world.mounted)
        yield made
    finally:
        shutil.rmtree(directory)


def fingerprint(der: bytes) -> str:
    return hashlib.sha256(der).hexdigest()
