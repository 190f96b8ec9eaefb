"""One TLS-terminating proxy with a password, configured as in the product's documentation."""

import pytest

import containers
from certificates import certificates_of
from clients import CA_VARIABLES, CLIENTS, DISTRUST
from containers import ANCHORS, BUNDLE, CERTIFI, CERTS, SERVICE, STORE
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


@pytest.mark.parametrize("client", CLIENTS)
def test_the_service_reaches_the_origin_through_the_proxy(container, binary, origin, proxy, client):
    before = len(proxy.requests())
    box = container(binary, command=[*CLIENTS[client], origin.url])
    assert box.exit_status() == 0, box.log()
    assert BODY.decode() in box.log()
    assert [request["user"] for request in proxy.requests()[before:]] == [proxy.user]


@pytest.mark.parametrize("client", CLIENTS)
def test_a_client_in_podman_exec_reaches_the_origin_too(container, binary, origin, client):
    box = container(binary)
    box.service()
    result = box.run(*CLIENTS[client], origin.url)
    assert result.stdout == BODY, result.stderr.decode()


def test_the_service_is_process_1_and_no_variable_replaces_its_trust(container, binary, documented, proxy):
    box = container(binary)
    service = box.service()
    assert service.pid == 1
    assert service.children == 0
    assert service.arguments == [SERVICE]
    variables = service.variables()
    assert not CA_VARIABLES & variables.keys()
    assert variables["NODE_EXTRA_CA_CERTS"] == BUNDLE
    assert variables["https_proxy"] == variables["HTTPS_PROXY"] == proxy.url
    assert variables["http_proxy"] == variables["HTTP_PROXY"] == proxy.url
    assert variables["no_proxy"] == variables["NO_PROXY"]
    assert {"localhost", "127.0.0.1", "::1"} <= set(variables["NO_PROXY"].split(","))
    assert variables["REPO_CUSTOM_CA_CERT"] == documented["REPO_CUSTOM_CA_CERT"]
    assert len(service.environment) == len(variables)


def test_bundles_and_store_hold_the_authority_once(container, binary, proxy):
    box = container(binary)
    box.service()
    for path in (BUNDLE, CERTIFI, STORE):
        assert certificates_of(box.read(path)).count(proxy.authority.der) == 1, path
    listed = box.run("ls", ANCHORS).stdout.decode().split()
    assert listed == [f"psm-entry-{proxy.authority.fingerprint}.pem"]


def test_the_log_names_what_changed_and_hides_the_password(container, binary, proxy):
    box = container(binary, settings={"PSM_ENTRY_LOG": "debug"})
    box.service()
    for path in (BUNDLE, CERTIFI, STORE):
        assert path in box.log()
    assert proxy.password not in box.log()


def test_three_restarts_change_nothing(container, binary, origin):
    box = container(binary)
    box.service()
    watched = [BUNDLE, CERTIFI, STORE]
    # Inode, size and times in nanoseconds: these would show that an equal file was rewritten.
    stat = ["stat", "--format", "%n %i %s %y %z", *watched]
    before = [box.read(path) for path in watched]
    metadata = box.run(*stat).stdout
    runs = box.tool_runs()
    assert runs == 2, "one run at the image's build, one at the first start"
    for _ in range(3):
        said = len(box.said())
        box.restart()
        assert len(box.said()) == said + 1, "a start that changes nothing says one line"
        assert [box.read(path) for path in watched] == before
        assert box.run(*stat).stdout == metadata
        assert box.tool_runs() == runs
    for client in CLIENTS.values():
        assert box.run(*client, origin.url).stdout == BODY


def test_a_recreated_container_works_at_once(container, binary, origin):
    first = container(binary)
    first.service()
    bundle = first.read(BUNDLE)
    first.remove()
    second = container(binary)
    second.service()
    assert second.read(BUNDLE) == bundle
    for client in CLIENTS.values():
        assert second.run(*client, origin.url).stdout == BODY


def test_an_exchanged_authority_is_trusted_and_the_former_no_longer(
    container, binary, certs, origin, proxy, second_proxy
):
    box = container(binary)
    box.service()
    (certs / "ca_cert.pem").write_bytes(second_proxy.authority.pem)
    box.restart()
    for path in (BUNDLE, CERTIFI, STORE):
        held = certificates_of(box.read(path))
        assert second_proxy.authority.der in held, path
        assert proxy.authority.der not in held, path
    for name, client in CLIENTS.items():
        result = box.run(*client, origin.url)
        assert result.returncode != 0
        assert DISTRUST[name] in result.stderr.decode()
        result = box.run(*client, origin.url, environment={"HTTPS_PROXY": second_proxy.url})
        assert result.stdout == BODY, result.stderr.decode()


def test_a_second_authority_beside_the_first_is_trusted_too(container, binary, certs, origin, second_proxy):
    (certs / "branch.pem").write_bytes(second_proxy.authority.pem)
    box = container(binary)
    box.service()
    for client in CLIENTS.values():
        assert box.run(*client, origin.url).stdout == BODY
        result = box.run(*client, origin.url, environment={"HTTPS_PROXY": second_proxy.url})
        assert result.stdout == BODY, result.stderr.decode()


def test_a_named_file_that_vanished_revokes_nothing(container, binary, certs, proxy, second_proxy):
    (certs / "branch.pem").write_bytes(second_proxy.authority.pem)
    box = container(binary)
    box.service()
    (certs / "ca_cert.pem").unlink()
    (certs / "branch.pem").unlink()
    box.restart()
    assert "/etc/repo/ca_certs/ca_cert.pem" in box.log()
    for path in (BUNDLE, CERTIFI, STORE):
        held = certificates_of(box.read(path))
        assert proxy.authority.der in held, path
        assert second_proxy.authority.der in held, path


BROKEN = b"-----BEGIN CERTIFICATE-----\nMIIB!!!!\n-----END CERTIFICATE-----\n"


def test_a_broken_file_is_named_and_the_good_one_is_trusted(container, binary, certs, origin):
    (certs / "broken.pem").write_bytes(BROKEN)
    box = container(binary)
    box.service()
    assert "/etc/repo/ca_certs/broken.pem" in box.log()
    for client in CLIENTS.values():
        assert box.run(*client, origin.url).stdout == BODY


def test_strict_ends_at_a_broken_file_before_anything_is_changed(container, binary, certs):
    (certs / "broken.pem").write_bytes(BROKEN)
    box = container(binary, settings={"PSM_ENTRY_STRICT": "1"})
    assert box.exit_status() == 78
    assert "/etc/repo/ca_certs/broken.pem" in box.log()
    assert "service: ready" not in box.log()
    assert [path for path in box.changed_paths() if path.startswith(("/conda", "/etc/pki", "/usr", "/var"))] == []


def test_strict_starts_where_all_is_good(container, binary, origin):
    box = container(binary, settings={"PSM_ENTRY_STRICT": "1"})
    box.service()
    assert box.run(*CLIENTS["requests"], origin.url).stdout == BODY
    assert BUNDLE in box.changed_paths()


# What the product's documentation tells an administrator to run on the host for every new setup.
BY_HAND = f"""
cp {CERTS}/ca_cert.pem {ANCHORS}/
cat {CERTS}/ca_cert.pem >>{BUNDLE}
update-ca-trust
"""


@pytest.fixture
def appended_by_hand(container, certs):
    """Images in which the bash function was run before, with the given text of a CA file."""
    images: list[str] = []

    def prepare(text: bytes, times: int) -> str:
        (certs / "ca_cert.pem").write_bytes(text)
        box = container(None)
        box.service()
        for _ in range(times):
            assert box.run("sh", "-ec", BY_HAND).returncode == 0
        images.append(box.commit())
        return images[-1]

    yield prepare
    for image in images:
        containers.succeed("rmi", "--force", image)


def test_what_was_appended_by_hand_stays_and_is_not_repeated(
    container, binary, origin, proxy, appended_by_hand
):
    prepared = appended_by_hand(proxy.authority.pem, times=2)
    plain = container(None, from_image=prepared)
    plain.service()
    base = plain.read(BUNDLE)
    assert certificates_of(base).count(proxy.authority.der) == 2

    box = container(binary, from_image=prepared)
    box.service()
    assert box.read(BUNDLE) == base
    for path in (CERTIFI, STORE):
        assert certificates_of(box.read(path)).count(proxy.authority.der) == 1, path
    assert box.read(f"{ANCHORS}/ca_cert.pem") == proxy.authority.pem
    for client in CLIENTS.values():
        assert box.run(*client, origin.url).stdout == BODY


def test_certificates_that_were_joined_by_hand_are_parted(container, binary, origin, proxy, appended_by_hand):
    # Without its last newline, two copies of the file form one broken line, which ends all TLS.
    prepared = appended_by_hand(proxy.authority.pem.rstrip(b"\n"), times=2)
    plain = container(None, from_image=prepared)
    plain.service()
    damaged = plain.read(BUNDLE)
    assert b"-----END CERTIFICATE----------BEGIN CERTIFICATE-----" in damaged
    assert plain.run(*CLIENTS["aiohttp"], origin.url).returncode != 0

    box = container(binary, from_image=prepared)
    box.service()
    assert proxy.authority.der in certificates_of(box.read(BUNDLE))
    assert box.read(f"{BUNDLE}.psm-entry-damaged") == damaged
    assert BUNDLE in box.log()
    for client in CLIENTS.values():
        assert box.run(*client, origin.url).stdout == BODY
