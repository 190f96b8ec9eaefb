"""Debian 13 in addition to Debian 12: Python 3.13, OpenSSL 3.5 and their real clients in a separate container."""

import json

import pytest

from certificates import write
from clients import CA_VARIABLES, CLIENTS, CURL, DISTRUST, PYTHON
from containers import BUNDLE, CERTS
from network import BODY
from test_strict_clients import CA, LACKS, STRICT

URLLIB = [PYTHON, "-c", "import sys, urllib.request; print(urllib.request.urlopen(sys.argv[1], timeout=15).read().decode(), end='')"]


@pytest.fixture
def start(container, binary, debian_13_image):
    return lambda entry=binary, **more: container(entry, from_image=debian_13_image, **more)


def test_the_image_has_the_versions_that_the_docs_name(start):
    box = start(entry=None)
    box.service()
    flags = "import ssl; print(bool(ssl.create_default_context().verify_flags & ssl.VERIFY_X509_STRICT))"
    assert box.run(PYTHON, "-c", flags).stdout == b"True\n"
    assert box.run(PYTHON, "--version").stdout.startswith(b"Python 3.13.")
    assert box.run("openssl", "version").stdout.startswith(b"OpenSSL 3.5.")
    assert box.run("dpkg-query", "--show", "--showformat", "${Version}", "p11-kit").stdout.startswith(b"0.25.")


def test_the_control_does_not_trust_the_proxy(start, origin):
    box = start(entry=None)
    box.service()
    for name, command in CLIENTS.items():
        assert DISTRUST[name] in box.run(*command, origin.url).stderr.decode()


@pytest.mark.parametrize("options", [[], ["--cap-drop", "all"], ["--user", "1000:0"], ["--read-only"]], ids=str)
def test_every_client_reaches_the_origin_and_check_is_content(start, origin, proxy, options):
    """The service is a shell that runs all clients with the environment of a service."""
    every = {**CLIENTS, "urllib": URLLIB}
    script = " && ".join(f"echo {name} && \"$@\" {name}" for name in every)
    program = f"import json, os, sys; command = json.loads({json.dumps(json.dumps(every))})[sys.argv[2]]; os.execvp(command[0], [*command, sys.argv[1]])"
    command = ["/bin/sh", "-c", f"{script} && /psm-entry check", "sh", PYTHON, "-c", program, origin.url]
    box = start(options=options, command=command)
    assert box.exit_status() == 0, box.log()
    assert box.log().count(BODY.decode()) == len(every), box.log()
    assert [line for line in box.said() if "error: " in line] == [], box.log()


def test_the_stores_are_merged_and_no_variable_replaces_a_clients_trust(start, origin, proxy):
    box = start()
    service = box.service()
    assert not CA_VARIABLES & service.variables().keys()
    for path in (BUNDLE, box.certifi(), "/etc/ssl/certs/ca-certificates.crt"):
        assert proxy.authority.pem in box.read(path)
    said = len(box.said())
    box.restart()
    assert len(box.said()) == said + 1, box.log()
    assert box.run(*CURL, origin.url).stdout == BODY


SERVER = """
import ssl, socket, sys, threading
server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
server.load_cert_chain("/host.pem")
listening = socket.create_server(("127.0.0.1", 0))
def answer():
    try:
        server.wrap_socket(listening.accept()[0], server_side=True)
    except (ssl.SSLError, OSError):
        pass
threading.Thread(target=answer, daemon=True).start()
client = ssl.create_default_context(cafile=sys.argv[1])
try:
    client.wrap_socket(socket.create_connection(listening.getsockname(), timeout=15), server_hostname="proxied.test")
    print("accepted")
except ssl.SSLCertVerificationError as error:
    print("rejected:", error.verify_message)
"""


@pytest.mark.parametrize("lacks", LACKS)
def test_python_3_13_rejects_what_the_start_warns_of(start, certs, tmp_path, lacks):
    root = CA("Proxy Root", lacks=frozenset(LACKS[lacks]))
    (certs / "ca_cert.pem").write_bytes(root.pem)
    box = start(mounts={write(tmp_path / "host.pem", root.host()): "/host.pem"})
    box.service()
    told = box.run(PYTHON, "-c", SERVER, BUNDLE).stdout.decode()
    warned = [line for line in box.said() if STRICT in line or "every client rejects" in line]
    assert told.startswith("rejected: " if warned else "accepted"), (told, box.log())
    assert bool(warned) == (lacks not in ("nothing", "authorityKeyIdentifier"))
