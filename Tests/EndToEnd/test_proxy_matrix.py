"""Real clients, forty environments, two recording proxies: which client used which proxy as which user, before and after a start."""

from collections.abc import Mapping

import pytest

from client_matrix import CLIENTS, NEWER, OLDER, REPO, SYSTEMS, Matrix, Measurement, Scene, check_page, client_name
from client_matrix import difference_text, groups_text, label_of, run, versions_text
from proxy_environments import ENVIRONMENTS, Environment, expected

PAGE = REPO / "docs" / "proxy-matrix.md"
ADDRESSES = {"blue": "127.0.0.11", "green": "127.0.0.12"}
PORTS = {"": 8899, ":80": 80, ":1080": 1080}
SCENE = Scene(
    addresses=[],
    names=ADDRESSES,
    servers=[
        *(f"{name}{mark}={address}:{port}" for name, address in ADDRESSES.items() for mark, port in PORTS.items()),
        "blue=::1:8899",
    ],
)
# The host's name tells which client made the request; only a proxy could resolve it.
URLS = {client: [f"{scheme}://{label_of(client)}.test/" for scheme in ("http", "https")] for client in CLIENTS}

Used = dict[tuple[str, str], str | None]


def used_proxies(seen: list[Mapping[str, str]]) -> Used:
    """For each client and scheme: `user:password@proxy` of the last request, or None. A client with two proxies is reported."""
    found: dict[tuple[str, str], dict[str, str]] = {}
    for request in seen:
        host = request["target"].removeprefix("http://").split("/")[0]
        client = client_name(host.split(".")[0])
        scheme = "https" if host.endswith(":443") else "http"
        credentials = request["credentials"]
        user = "" if credentials is None else f"{credentials}@"
        found.setdefault((client, scheme), {})[request["server"]] = f"{user}{request['server']}"
    both = {key: " and ".join(places.values()) for key, places in found.items()}
    return {(client, scheme): both.get((client, scheme)) for client in CLIENTS for scheme in ("http", "https")}


@pytest.fixture(scope="module")
def measurement(binary, tmp_path_factory, pytestconfig):
    def ask(image, environments, wanted):
        urls = [URLS if is_wanted else {} for is_wanted in wanted]
        jobs = [{"entries": one.entries, "urls": url, "files": one.files} for one, url in zip(environments, urls)]
        return run(image, binary, tmp_path_factory.mktemp("matrix"), SCENE, jobs)

    assert len(ENVIRONMENTS) >= 25
    every = pytestconfig.getoption("all") or pytestconfig.getoption("write")
    return Measurement(PAGE, ENVIRONMENTS, lambda one: one.title, ask, every)


@pytest.fixture(params=SYSTEMS)
def system(request):
    return request.param


@pytest.fixture
def results(measurement, system):
    return measurement[system].results


def test_after_a_start_every_client_uses_the_same_proxy_as_the_same_user(system, results):
    wrong = []
    for environment, result in results:
        after = used_proxies(result["after"]["seen"])
        wanted = {(client, scheme): expected(environment, client, scheme) for client, scheme in after}
        if environment.differs and not (environment.newer_agree and system == NEWER):
            assert after != wanted, f"{environment.title}: every client agrees, so it is no exception any more"
        else:
            wrong += [(environment.title, *key, used) for key, used in after.items() if used != wanted[key]]
    assert wrong == []


def test_before_a_start_no_such_thing_is_true(results):
    """Otherwise the matrix could not show that a start has an effect."""
    differing = 0
    for environment, result in results:
        before = used_proxies(result["before"]["seen"])
        differing += any(used != expected(environment, *key) for key, used in before.items())
    assert differing > len(results) / 2


def test_what_a_start_repairs_or_cannot_mend_is_said(measurement):
    for environment, result in measurement[OLDER].rows:
        assert environment.said or not environment.differs, environment.title
        assert any(environment.said in line for line in result["log"]), (environment.title, result["log"])


def test_the_page_is_current(measurement, pytestconfig):
    newer = difference_text("environment | when | clients", measurement[NEWER].versions, measurement.differences(compare))
    check_page(PAGE, f"{page(measurement[OLDER])}\n{newer}", pytestconfig.getoption("write"))


HEAD = """# Proxy variables by client

After a start, every client uses the same proxy as the same user. This page shows {count} common environments, and what
real clients did in each before and after a start. `user1:pw1@blue` means the proxy `blue`, with the user `user1` and the
password `pw1`, decoded; `:80` or `:1080` is a port that the variable does not contain.

Some clients differ, and no variable changes that: only curl, git, requests, pip, httpx, rattler and uv read `ALL_PROXY`;
Ruby's net/http uses the proxy for http even for https; Node's fetch does so if there is none for https; wget and Ruby do not
support `NO_PROXY=*`.

Measured by `Tests/EndToEnd/test_proxy_matrix.py` with the clients of Debian 12 and PyPI,
{versions}.
The differences of newer clients are [at the end](#debian-13).
Node ran with `NODE_USE_ENV_PROXY=1`; pixi and newer parts of conda use rattler. Do not edit: run that test with
`--write`.
"""


def page(matrix: Matrix[Environment]) -> str:
    sections = [HEAD.format(count=len(matrix.rows), versions=versions_text(matrix.versions))]
    for environment, result in matrix.rows:
        sections.append(section(environment, result) if result["before"] else known_section(environment))
    return "\n".join(sections)


def known_section(environment: Environment) -> str:
    """In the notation of the page."""
    _, _, behind = PAGE.read_text(encoding="utf-8").partition(f"\n## {environment.title}\n")
    return f"## {environment.title}\n{behind.partition(chr(10) + '## ')[0]}"


def compare(environment: Environment, older: Mapping[str, Mapping], newer: Mapping[str, Mapping]) -> list[str]:
    """The clients of Debian 13 that use another proxy than those of Debian 12, before and after."""
    lines = []
    for when in ("before", "after"):
        uses = [used_proxies(result[when]["seen"]) for result in (older, newer)]
        told: dict[str, list[str]] = {}
        for scheme in SCHEMES:
            found: dict[tuple[str, str], list[str]] = {}
            for client in CLIENTS:
                one, other = (shown_proxy(use[client, scheme]) for use in uses)
                if one != other:
                    found.setdefault((one, other), []).append(client)
            told[scheme] = [f"{', '.join(clients)} | {one} | {other}" for (one, other), clients in found.items()]
        if told["http"] == told["https"]:
            lines += [f"{when} | {rest}" for rest in told["http"]]
        else:
            lines += [f"{when}, {scheme} | {rest}" for scheme in SCHEMES for rest in told[scheme]]
    return lines


def section(environment: Environment, result: Mapping[str, Mapping]) -> str:
    shown = [*environment.entries, *(f"# {path} holds {text!r}" for path, text in environment.files.items())]
    entries = "\n".join(line.replace("\r", "\\r").replace("\n", "\\n") for line in shown)
    lines = [f"## {environment.title}\n", f"```\n{entries}\n```\n"]
    for when in ("before", "after"):
        used = used_proxies(result[when]["seen"])
        told = [groups_text({client: shown_proxy(used[client, scheme]) for client in CLIENTS}) for scheme in SCHEMES]
        if told[0] == told[1]:
            lines.append(f"- {when}: {told[0]}")
        else:
            lines += [f"- {when}, {scheme}: {groups}" for scheme, groups in zip(SCHEMES, told, strict=True)]
    if environment.differs:
        lines.append("- the log of the start says why")
    return "\n".join(lines) + "\n"


SCHEMES = ("http", "https")


def shown_proxy(used: str | None) -> str:
    return "no proxy" if used is None else f"`{used}`"
