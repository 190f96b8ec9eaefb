"""One TLS-terminating proxy with a password, set up as the product's documentation says."""

import pytest

from clients import CLIENTS, DISTRUST
from containers import SERVICE
from network import BODY


@pytest.mark.parametrize("client", CLIENTS)
def test_without_psm_entry_the_client_distrusts_the_proxy(container, origin, client):
    box = container(None)
    box.service()
    result = box.run(*CLIENTS[client], origin.url)
    assert result.returncode != 0
    assert DISTRUST[client] in result.stderr.decode()


def test_without_the_proxy_there_is_no_way_to_the_origin(container, origin):
    box = container(None, settings={"HTTP_PROXY": "", "HTTPS_PROXY": ""})
    box.service()
    result = box.run("curl", "--silent", "--show-error", "--insecure", "--max-time", "15", origin.url)
    assert b"Could not resolve host" in result.stderr


def test_the_proxy_and_origin_serve_a_client_that_is_told_the_authority(container, origin, proxy):
    box = container(None)
    box.service()
    before = len(proxy.requests())
    result = box.run(*CLIENTS["curl"], "--cacert", "/etc/repo/ca_certs/ca_cert.pem", origin.url)
    assert result.stdout == BODY, result.stderr
    assert [request["user"] for request in proxy.requests()[before:]] == [proxy.user]
