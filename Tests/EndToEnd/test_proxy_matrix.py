"""Real clients, forty environments, two recording proxies: who used which proxy as whom, before and after a start."""

from collections.abc import Mapping

import pytest

from client_matrix import CLIENTS, REPO, Scene, check_page, client_name, groups_text, label_of, run, versions_text
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
# The host's name tells which client asked; nobody but a proxy could resolve it.
URLS = {client: [f"{scheme}://{label_of(client)}.test/" for scheme in ("http", "https")] for client in CLIENTS}

Used = dict[tuple[str, str], str | None]


def used_proxies(seen: list[Mapping[str, str]]) -> Used:
    """By client and scheme: `user:password@proxy` of the last request, or None; two proxies of one client are told."""
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
def matrix(clients_image, binary, tmp_path_factory):
    jobs = [{"entries": one.entries, "urls": URLS, "files": one.files} for one in ENVIRONMENTS]
    answer = run(clients_image, binary, tmp_path_factory.mktemp("matrix"), SCENE, jobs)
    assert len(answer["results"]) == len(ENVIRONMENTS) >= 25
    return answer


@pytest.fixture(scope="module")
def results(matrix):
    return list(zip(ENVIRONMENTS, matrix["results"], strict=True))


def test_after_a_start_every_client_uses_the_same_proxy_as_the_same_user(results):
    wrong = []
    for environment, result in results:
        after = used_proxies(result["after"]["seen"])
        wanted = {(client, scheme): expected(environment, client, scheme) for client, scheme in after}
        if environment.differs:
            assert after != wanted, f"{environment.title}: every client agrees, so it is no exception any more"
        else:
            wrong += [(environment.title, *key, used) for key, used in after.items() if used != wanted[key]]
    assert wrong == []


def test_before_a_start_no_such_thing_is_true(results):
    """The matrix could not show otherwise that a start does anything."""
    differing = 0
    for environment, result in results:
        before = used_proxies(result["before"]["seen"])
        differing += any(used != expected(environment, *key) for key, used in before.items())
    assert differing > len(results) / 2


def test_what_a_start_repairs_or_cannot_mend_is_said(results):
    for environment, result in results:
        assert environment.said or not environment.differs, environment.title
        assert any(environment.said in line for line in result["log"]), (environment.title, result["log"])


def test_the_page_is_current(matrix, results, pytestconfig):
    check_page(PAGE, page(matrix["versions"], results), pytestconfig.getoption("write"))


HEAD = """# Which client uses which proxy

After a start all of them use the same one as the same user. This page shows {count} environments as they are met, what
real clients made of each before psm-entry, and what after it. `user1:pw1@blue` is the proxy `blue` asked by the user
`user1` with the password `pw1`, decoded; `:80` or `:1080` is a port that nobody wrote.

Four clients are by their own nature different, and no variable changes that: `ALL_PROXY` is read by curl, git,
requests, pip, httpx, rattler and uv alone; Ruby's net/http asks for the proxy of http even for https; Node's fetch does where
there is none for https; wget and Ruby do not know `NO_PROXY=*`.

Measured by `Tests/EndToEnd/test_proxy_matrix.py` with the clients
{versions}.
Node ran with `NODE_USE_ENV_PROXY=1`; rattler is what pixi and conda's newer parts are made of. Do not edit: run that
test with `--write`.
"""


def page(versions: Mapping[str, str], results) -> str:
    sections = [HEAD.format(count=len(results), versions=versions_text(versions))]
    return "\n".join(sections + [section(environment, result) for environment, result in results])


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
