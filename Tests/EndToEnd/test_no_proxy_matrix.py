"""Real clients and forty values of NO_PROXY: who reaches which host without the proxy, and whether `check` knows it."""

import re
from collections.abc import Mapping

import pytest

from client_matrix import CLIENTS, REPO, Scene, check_page, client_name, label_of, run, versions_text
from no_proxy_entries import VALUES, Value

PAGE = REPO / "docs" / "no-proxy.md"
KINDS = REPO / "Sources" / "Proxies" / "NoProxyKind.swift"
NAMED = "10.9.9.9"
NAMES = ("repo.corp", "sub.repo.corp", "notrepo.corp", "other.corp", "corp", "repo")
LOOPBACK = ("127.0.0.1", "::1")
ADDRESSES = (NAMED, "10.1.2.1", "10.1.2.3", "10.1.2.30", "fd00::1")
SCENE = Scene(
    addresses=[f"{address}/{128 if ':' in address else 32}" for address in ADDRESSES],
    names={**dict.fromkeys(NAMES, NAMED), "blue": "127.0.0.11"},
    servers=[
        "blue=127.0.0.11:8899",
        *(f"origin={address}:{port}" for address in (*ADDRESSES, *LOOPBACK) for port in (80, 8080)),
    ],
)
READ_ALIKE = {"git": "curl", "pip": "requests"}
"""Clients that `check` does not name, and by whose grammar they go."""

Ways = dict[tuple[str, str], bool]


def job(value: Value) -> dict[str, object]:
    """The path of a URL tells which client asked for it."""
    proxy = "http://user1:pw1@blue:8899"
    entries = [f"HTTP_PROXY={proxy}", f"http_proxy={proxy}", f"NO_PROXY={value.value}", f"no_proxy={value.value}"]
    urls = {client: [f"http://{host}/{label_of(client)}" for host in value.hosts] for client in CLIENTS}
    return {"entries": entries, "urls": urls}


def asker(request: Mapping[str, str]) -> tuple[str, str]:
    """The host and the client. Only Node's fetch opens a tunnel for http."""
    if request["method"] == "CONNECT":
        return request["target"].removesuffix(":80"), "Node fetch"
    host, _, path = request["target"].removeprefix("http://").partition("/")
    if host.count(":") > 1 and "[" not in host:
        # httpx leaves out an address's brackets where it asks a proxy.
        host = request["host"]
    label = re.split("[/?]", path)[0]
    return (host or request["host"]).removesuffix(":80"), client_name(label)


def ways(seen: list[Mapping[str, str]]) -> Ways:
    """By host and client: whether the client came without the proxy. No client comes both ways."""
    found: dict[tuple[str, str], set[bool]] = {}
    for request in seen:
        found.setdefault(asker(request), set()).add(request["server"] == "origin")
    assert all(len(kinds) == 1 for kinds in found.values()), found
    return {key: kinds.pop() for key, kinds in found.items()}


def detail(check: list[Mapping[str, str]], entry: str) -> str:
    return next(one["detail"] for one in check if one["target"] == entry and " by " in one["detail"])


def verdict(check: list[Mapping[str, str]], entry: str) -> set[str]:
    """The clients that honor the entry, as `check` says."""
    said = detail(check, entry).split("; ")[0]
    if said == "honored by every client":
        return set(MEASURED)
    if said == "ignored by every client":
        return set()
    return set(re.split(", | and ", said.removeprefix("honored by ")))


MEASURED = [client for client in CLIENTS if client not in READ_ALIKE]


@pytest.fixture(scope="module")
def matrix(clients_image, binary, tmp_path_factory):
    answer = run(clients_image, binary, tmp_path_factory.mktemp("no-proxy"), SCENE, map(job, VALUES))
    assert len(answer["results"]) == len(VALUES) >= 30
    return answer


@pytest.fixture(scope="module")
def results(matrix):
    return list(zip(VALUES, matrix["results"], strict=True))


def test_every_client_reached_every_host_by_one_way_or_the_other(results):
    for value, result in results:
        for when in ("before", "after"):
            wanted = {(host, client) for host in value.hosts for client in CLIENTS if client not in failing(result[when])}
            assert set(ways(result[when]["seen"])) == wanted, (value.value, when, result[when]["said"])


def failing(asked: Mapping[str, list[str]]) -> set[str]:
    """The clients that fail on every request because of the value."""
    return {"httpx"} if any("httpx" in said and "InvalidURL" in said for said in asked["said"]) else set()


def test_a_start_names_each_entry_on_which_httpx_fails(results):
    for value, result in results:
        warned = any("NO_PROXY: httpx fails on every request" in line for line in result["log"])
        assert warned == bool(failing(result["after"])), (value.value, result["log"], result["after"]["said"])


def test_check_names_the_clients_that_honor_an_entry(results):
    wrong = []
    for value, result in results:
        after = ways(result["after"]["seen"])
        honored = {client for client in MEASURED if after.get((value.hosts[0], client))}
        said = verdict(result["check"], value.judged)
        if honored != said:
            wrong.append((value.value, f"said but not so: {said - honored}", f"so but not said: {honored - said}"))
    assert wrong == []


def test_clients_that_check_does_not_name_read_as_their_like(results):
    for value, result in results:
        after = ways(result["after"]["seen"])
        for host in value.hosts:
            for client, like in READ_ALIKE.items():
                assert after[host, client] == after[host, like], (value.value, host, client)


def test_every_kind_of_entry_is_measured():
    kinds = set(re.findall(r"^  case (\w+)$", KINDS.read_text(encoding="utf-8"), re.MULTILINE))
    assert kinds == {value.kind for value in VALUES if value.kind}


def test_a_start_takes_nothing_away_but_from_two_clients_that_want_brackets(results):
    for value, result in results:
        before, after = ways(result["before"]["seen"]), ways(result["after"]["seen"])
        lost = {client for (host, client) in before if before[host, client] and not after.get((host, client))}
        assert lost == ({"urllib", "Node fetch"} if value.value == "[fd00::1]" else set()), value.value


def test_what_a_start_splits_and_trims_every_client_honors(results):
    """Separators, quotes and `*.`: what a start writes in a form that all of them share."""
    for value, result in results:
        if value.value != value.judged and value.judged in ("repo.corp", ".corp"):
            after = ways(result["after"]["seen"])
            assert all(after[value.hosts[0], client] for client in CLIENTS), value.value


def test_the_page_is_current(matrix, results, pytestconfig):
    check_page(PAGE, page(matrix["versions"], results), pytestconfig.getoption("write"))


HEAD = """# Which client honors which entry of NO_PROXY

Plain names, `.domain` and IPv4 addresses mean the same to all; with anything else, look here, or ask
`psm-entry check`, which says of each entry in the environment who honors it.

A cell tells whether the client reached the host without the proxy: `yes`, `no`, or `after` where it did so only
after psm-entry had rewritten the value (which adds `localhost`, `127.0.0.1` and `::1` as well). `before` is said of
two clients that know IPv6 in brackets only; the others know it without. Hosts without a port are asked at port 80.
`fails` means that the client raises an error on every request, of whatever host, because of the entry; a start warns of
it.

Measured by `Tests/EndToEnd/test_no_proxy_matrix.py` with the clients
{versions}.
Do not edit: run that test with `--write`.
"""


def page(versions: Mapping[str, str], results) -> str:
    lines = [HEAD.format(versions=versions_text(versions))]
    lines += [f"| NO_PROXY | host | {' | '.join(CLIENTS)} |", "|---" * (len(CLIENTS) + 2) + "|"]
    lines += [row for value, result in results for row in rows(value, result)]
    lines += ["", "## What check says\n", "| entry | who honors it |", "|---|---|"]
    for value, result in results:
        if value.kind:
            lines.append(f"| `{value.value}` | {detail(result['check'], value.judged).replace('*', chr(92) + '*')} |")
    return "\n".join(lines) + "\n"


def rows(value: Value, result: Mapping[str, Mapping]) -> list[str]:
    before, after = ways(result["before"]["seen"]), ways(result["after"]["seen"])
    words = {(True, True): "yes", (False, True): "after", (False, False): "no", (True, False): "before"}
    words |= {(None, None): "fails", (None, False): "no", (None, True): "after"}
    table = []
    for host in value.hosts:
        cells = [words[before.get((host, client)), after.get((host, client))] for client in CLIENTS]
        table.append(f"| `{value.value}` | `{host}` | {' | '.join(cells)} |")
    return table
