"""Real clients and forty values of NO_PROXY: which client reaches which host without the proxy, and whether `check` knows it."""

import re
from collections.abc import Mapping

import pytest

from client_matrix import CLIENTS, NEWER, OLDER, REPO, SYSTEMS, Matrix, Measurement, Scene, check_page, client_name
from client_matrix import difference_text, label_of, run, versions_text
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
"""Clients that `check` does not name, and the clients whose grammar they share."""

Ways = dict[tuple[str, str], bool]


def job(value: Value, is_wanted: bool) -> dict[str, object]:
    """The path of a URL tells which client requested it."""
    proxy = "http://user1:pw1@blue:8899"
    entries = [f"HTTP_PROXY={proxy}", f"http_proxy={proxy}", f"NO_PROXY={value.value}", f"no_proxy={value.value}"]
    clients = CLIENTS if is_wanted else []
    urls = {client: [f"http://{host}/{label_of(client)}" for host in value.hosts] for client in clients}
    return {"entries": entries, "urls": urls}


def asker(request: Mapping[str, str]) -> tuple[str, str]:
    """The host and the client. Only Node's fetch opens a tunnel for http."""
    if request["method"] == "CONNECT":
        return request["target"].removesuffix(":80"), "Node fetch"
    host, _, path = request["target"].removeprefix("http://").partition("/")
    if host.count(":") > 1 and "[" not in host:
        # httpx drops the brackets of an address in a request to a proxy.
        host = request["host"]
    label = re.split("[/?]", path)[0]
    return (host or request["host"]).removesuffix(":80"), client_name(label)


def ways(seen: list[Mapping[str, str]]) -> Ways:
    """For each host and client: whether the client connected without the proxy. No client does both."""
    found: dict[tuple[str, str], set[bool]] = {}
    for request in seen:
        found.setdefault(asker(request), set()).add(request["server"] == "origin")
    assert all(len(kinds) == 1 for kinds in found.values()), found
    return {key: kinds.pop() for key, kinds in found.items()}


def detail(check: list[Mapping[str, str]], entry: str) -> str:
    return next(one["detail"] for one in check if one["target"] == entry and " by " in one["detail"])


def verdict(check: list[Mapping[str, str]], entry: str) -> set[str]:
    """The clients that honor the entry, according to `check`."""
    said = detail(check, entry).split("; ")[0]
    if said == "honored by every client":
        return set(MEASURED)
    if said == "ignored by every client":
        return set()
    return set(re.split(", | and ", said.removeprefix("honored by ")))


MEASURED = [client for client in CLIENTS if client not in READ_ALIKE]


@pytest.fixture(scope="module")
def measurement(binary, tmp_path_factory, pytestconfig):
    def ask(image, values, wanted):
        return run(image, binary, tmp_path_factory.mktemp("no-proxy"), SCENE, map(job, values, wanted))

    assert len(VALUES) >= 30
    every = pytestconfig.getoption("all") or pytestconfig.getoption("write")
    return Measurement(PAGE, VALUES, lambda value: f"`{value.value}`", ask, every)


@pytest.fixture(params=SYSTEMS)
def results(request, measurement):
    return measurement[request.param].results


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
    """Separators, quotes and `*.`: a start writes them in a form that all clients share."""
    for value, result in results:
        if value.value != value.judged and value.judged in ("repo.corp", ".corp"):
            after = ways(result["after"]["seen"])
            assert all(after[value.hosts[0], client] for client in CLIENTS), value.value


def test_the_page_is_current(measurement, pytestconfig):
    newer = difference_text("NO_PROXY | host | clients", measurement[NEWER].versions, measurement.differences(compare))
    check_page(PAGE, f"{page(measurement[OLDER])}\n{newer}", pytestconfig.getoption("write"))


HEAD = """# NO_PROXY by client

Every client understands plain names, `.domain` and IPv4 addresses. For anything else, look here, or run `psm-entry check`:
it prints which clients honor each entry of the environment.

A cell tells whether the client reached the host without the proxy: `yes`, `no`, or `after` if it did so only after psm-entry
had rewritten the value (which adds `localhost`, `127.0.0.1` and `::1` as well). `before` is for two clients that understand
IPv6 only in brackets; the others understand it only without. Hosts without a port are connected to at port 80. `fails` means
that the client raises an error on every request, to any host, because of the entry; a start warns of it.

Measured by `Tests/EndToEnd/test_no_proxy_matrix.py` with the clients of Debian 12 and PyPI,
{versions}.
The differences of newer clients are [at the end](#debian-13). Do not edit: run that test with `--write`.
"""


def page(matrix: Matrix[Value]) -> str:
    lines = [HEAD.format(versions=versions_text(matrix.versions))]
    lines += [f"| NO_PROXY | host | {' | '.join(CLIENTS)} |", "|---" * (len(CLIENTS) + 2) + "|"]
    for value, result in matrix.rows:
        lines += rows(value, cells(value, result)) if result["before"] else known_rows(value)
    lines += ["", "## Output of check\n", "| entry | honored by |", "|---|---|"]
    for value, result in matrix.rows:
        if value.kind:
            lines.append(f"| `{value.value}` | {detail(result['check'], value.judged).replace('*', chr(92) + '*')} |")
    return "\n".join(lines) + "\n"


def rows(value: Value, table: Mapping[str, Mapping[str, str]]) -> list[str]:
    return [f"| `{value.value}` | `{host}` | {' | '.join(table[host].values())} |" for host in value.hosts]


def known_rows(value: Value) -> list[str]:
    """In the notation of the page."""
    table, _, _ = PAGE.read_text(encoding="utf-8").partition("\n## ")
    return [line for line in table.splitlines() if line.startswith(f"| `{value.value}` |")]


def cells(value: Value, result: Mapping[str, Mapping]) -> dict[str, dict[str, str]]:
    """For each host and client."""
    before, after = ways(result["before"]["seen"]), ways(result["after"]["seen"])
    words = {(True, True): "yes", (False, True): "after", (False, False): "no", (True, False): "before"}
    words |= {(None, None): "fails", (None, False): "no", (None, True): "after"}
    return {
        host: {client: words[before.get((host, client)), after.get((host, client))] for client in CLIENTS}
        for host in value.hosts
    }


def compare(value: Value, older: Mapping[str, Mapping], newer: Mapping[str, Mapping]) -> list[str]:
    """The clients of Debian 13 whose cells differ from those of Debian 12."""
    found: dict[tuple[str, str, str], list[str]] = {}
    tables = [cells(value, result) for result in (older, newer)]
    for host in value.hosts:
        for client in CLIENTS:
            one, other = (table[host][client] for table in tables)
            if one != other:
                found.setdefault((host, one, other), []).append(client)
    return [f"`{host}` | {', '.join(clients)} | {one} | {other}" for (host, one, other), clients in found.items()]
