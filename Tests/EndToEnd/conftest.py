"""The fixtures of the end-to-end tests: the shipped binary, an image, an origin, a proxy."""

import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import pytest

import containers
from client_matrix import build_image
from containers import CERTS, PODMAN, SERVICE, Container, Engine, built_image
from docker_engine import load, roomy_directory, running_docker
from network import Origin, Proxy, running_origin, running_proxy

HERE = Path(__file__).parent
REPOSITORY = HERE.parent.parent


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--write", action="store_true", help="write the pages of docs/ that tests measure")
    parser.addoption("--all", action="store_true", help="take all, not only some: make test-all")


GROUPS = {
    "the Docker Engine": ["test_compose", "test_dist", "test_docker", "test_dockerfile", "test_docs", "test_sandboxes", "test_systems"],
    "build/readers and build/cache": [
        "test_certificate_clients", "test_certificate_matrix", "test_certificates_damage", "test_certificates_of_others",
    ],
}
"""Files whose tests share something that should exist only once: with `-n` they run in one process, one after another."""

LONGEST = [
    "test_system_stores", "the Docker Engine", "test_trust_stays", "test_clients_agree", "build/readers and build/cache",
    "test_proxy_matrix", "test_single_proxy", "test_child_faults", "test_faults", "test_no_proxy_matrix", "test_proxy_values",
]
"""The slowest groups and files, slowest first, so that the run does not end waiting for one that began late."""


def _group(nodeid: str) -> str:
    file = Path(nodeid.partition("::")[0]).stem
    return next((name for name, files in GROUPS.items() if file in files), file)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    places = {name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(_group(item.nodeid), len(places)))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object:
    """With `-n`, all tests of a file, or of a group, run in one process in the order in which they are collected."""
    from xdist.scheduler import LoadScopeScheduling

    class Scheduling(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return _group(nodeid)

    config.option.loadscopereorder = False
    return Scheduling(config, log)


@pytest.fixture(scope="session")
def every_rotation(request: pytest.FixtureRequest) -> bool:
    """Whether to rotate a thousand times."""
    return bool(request.config.getoption("--all"))


@pytest.fixture(scope="session")
def every_allocation(request: pytest.FixtureRequest) -> bool:
    """Whether to refuse every allocation in turn."""
    return bool(request.config.getoption("--all"))


def _built(name: str, target: str) -> Path:
    path = REPOSITORY / "build" / name
    if not path.is_file():
        pytest.fail(f"{path} is missing: run 'make {target}' first", pytrace=False)
    return path


@pytest.fixture(scope="session")
def binary() -> Path:
    """The shipped binary."""
    return _built("psm-entry", "static")


@pytest.fixture(scope="session")
def aarch64_binary() -> Path:
    """The same for 64-bit ARM; `qemu-aarch64-static` runs it here."""
    return _built("aarch64/psm-entry", "static-aarch64")


@pytest.fixture(scope="session")
def faulty_binary() -> Path:
    """The same source built with FAULTS: its child fails when a test requests it."""
    return _built("psm-entry-faults", "faults-binary")


@pytest.fixture(scope="session")
def image() -> str:
    """The name of the tests' image, which is built if its recipe changed."""
    return built_image("build-image", "rhel")


@pytest.fixture(scope="session")
def docker() -> Iterator[Engine]:
    """The real Docker Engine; a container's user may enter its directory."""
    with tempfile.TemporaryDirectory(prefix="psm-entry-docker.", dir=roomy_directory()) as directory:
        Path(directory).chmod(0o711)
        with running_docker(Path(directory)) as running:
            yield running


@pytest.fixture(scope="session")
def debian_image() -> str:
    """The same with the system store of Debian and its own update-ca-certificates."""
    return built_image("build-image", "debian")


@pytest.fixture(scope="session")
def debian_13_image() -> str:
    """Debian 13: Python 3.13, OpenSSL 3.5, and its own update-ca-certificates."""
    return built_image("build-image", "debian", "trixie")


@pytest.fixture(scope="session")
def newer_rhel_image() -> str:
    """The RHEL family's store with Debian 13's p11-kit."""
    return built_image("build-image", "rhel", "trixie")


@pytest.fixture(scope="session")
def suse_image() -> str:
    """The same with SUSE's layout and a tool like its own."""
    return built_image("build-image", "suse")


@pytest.fixture(scope="session")
def arch_image() -> str:
    """The same with Arch's layout and a tool like its own."""
    return built_image("build-image", "arch")


@pytest.fixture(scope="session")
def debian_13_clients() -> Iterator[Container]:
    """A container with the clients of Debian 13: curl, wget, git, Python's, Node and others.

    The tests and their files have the same paths in it.
    """
    places = {Path(tempfile.gettempdir()), HERE}
    box = containers.create(build_image("trixie"), ["sleep"], ["infinity"], {}, {place: str(place) for place in places}, [])
    yield box
    box.remove()


@pytest.fixture(scope="session")
def python_image() -> str:
    """Debian's Python without conda; pip and requests from PyPI in /usr/local and in /venv."""
    return built_image("build-python-image")


@pytest.fixture(scope="session")
def bare_python_image() -> str:
    """Debian's Python without any package: only the system store has certificates."""
    return built_image("build-python-image", "bare")


@pytest.fixture(scope="session")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Origin]:
    with running_origin(tmp_path_factory.mktemp("origin")) as running:
        yield running


@pytest.fixture(scope="session")
def proxy(tmp_path_factory: pytest.TempPathFactory, origin: Origin) -> Iterator[Proxy]:
    with running_proxy(tmp_path_factory.mktemp("proxy"), origin) as running:
        yield running


@pytest.fixture(scope="session")
def second_proxy(tmp_path_factory: pytest.TempPathFactory, origin: Origin) -> Iterator[Proxy]:
    """A proxy with another CA and two other users."""
    directory = tmp_path_factory.mktemp("second-proxy")
    with running_proxy(directory, origin, "Branch Proxy Root", "user2", "pw2", others={"user3": "p@w/3"}) as running:
        yield running


@pytest.fixture(scope="session")
def lan_proxy(tmp_path_factory: pytest.TempPathFactory, origin: Origin) -> Iterator[Proxy]:
    """A proxy that is also reachable from containers on networks of their own, under the host's name there."""
    with running_proxy(tmp_path_factory.mktemp("lan-proxy"), origin, listen="0.0.0.0") as running:
        yield running


@pytest.fixture
def certs(tmp_path: Path, proxy: Proxy) -> Path:
    """The host's directory of CAs to mount; it contains the proxy's CA under the product's name."""
    directory = tmp_path / "ca_certs"
    directory.mkdir()
    (directory / "ca_cert.pem").write_bytes(proxy.authority.pem)
    return directory


@pytest.fixture
def directory() -> Iterator[Path]:
    """A directory that other users may enter: pytest restricts its own to root."""
    path = Path(tempfile.mkdtemp(prefix="psm-entry-test."))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


@pytest.fixture
def documented(proxy: Proxy) -> dict[str, str]:
    """The variables as in the product's documentation: upper case only."""
    return {
        "HTTP_PROXY": proxy.url,
        "HTTPS_PROXY": proxy.url,
        "NO_PROXY": "localhost",
        "REPO_CUSTOM_CA_CERT": f"{CERTS}/ca_cert.pem",
    }


Start = Callable[..., Container]


@pytest.fixture
def container(image: str, documented: dict[str, str], certs: Path) -> Iterator[Start]:
    """Starts containers with the image, the documented variables, the mounted CAs, and what a test adds."""
    started: list[Container] = []

    def start(
        entry: Path | None,
        *,
        settings: Mapping[str, str] | None = None,
        options: Sequence[str] = (),
        mounts: Mapping[Path, str] | None = None,
        command: Sequence[str] = (SERVICE,),
        from_image: str | None = None,
        engine: Engine = PODMAN,
    ) -> Container:
        every_mount = {certs: CERTS, **(mounts or {})}
        entrypoint: list[str] = []
        if entry is not None:
            every_mount[entry] = "/psm-entry"
            entrypoint, command = ["/psm-entry"], ["--", *command]
        wanted = from_image or image
        if engine is not PODMAN:
            load(engine, wanted)
        variables = {**documented, **(settings or {})}
        made = containers.create(wanted, entrypoint, command, variables, every_mount, options, engine)
        started.append(made)
        return made

    yield start
    for made in started:
        made.remove()
