"""What clients did, compared with what `check --json` said about them: through TLS-terminating proxies, on Debian 12 and 13."""

import json
import random
import subprocess
from pathlib import Path

import pytest
from cryptography import x509

import containers
from agreement.situations import BROKEN, EMPTY, HASHED, LACKING, NOWHERE, Situation, situations
from certificates import Authority, write
from client_matrix import REPO, check_page, versions_text
from containers import HERE
from network import running_proxy
from test_strict_clients import CA

PAGE = {"bookworm": REPO / "docs" / "clients.md", "trixie": REPO / "docs" / "clients-debian-13.md"}
BUNDLES = ":".join(
    f"{prefix}/lib/python3*/site-packages/{path}"
    for prefix in ("/conda", "/opt/older")
    for path in ("certifi/cacert.pem", "botocore/cacert.pem", "grpc/_cython/_credentials/roots.pem")
)


@pytest.fixture(scope="session")
def every_pair(pytestconfig: pytest.Config) -> bool:
    return bool(pytestconfig.getoption("--all"))


def prepare(directory: Path, *authorities: Authority) -> Path:
    """What is mounted: the CAs, and beside them stores that trust them and stores that do not."""
    for number, authority in enumerate(authorities):
        write(directory / "certs" / f"ca-{number}.pem", authority.pem)
    stranger = Authority.named("Nobody's Root").pem
    asked = directory / "asked"
    write(asked / "lacking.pem", stranger)
    write(asked / "broken.pem", stranger + b"-----BEGIN CERTIFICATE-----\nMIIB!\n-----END CERTIFICATE-----\n")
    write(asked / "empty.pem", b"")
    for number, authority in enumerate(authorities):
        write(asked / "hashed" / f"ca-{number}.pem", authority.pem)
    subprocess.run(["openssl", "rehash", asked / "hashed"], check=True, timeout=30)
    return asked


def run(release: str, binary: Path, directory: Path, jobs: list[dict], options: list[str] | None = None) -> dict:
    (directory / "asked" / "jobs").write_text(json.dumps({"jobs": jobs}))
    command = ["run", "--rm", "--network", "host"]
    mounts = {binary: "/psm-entry", HERE: "/tests", directory / "asked": "/asked", directory / "certs": "/etc/repo/ca_certs"}
    for source, target in mounts.items():
        command += ["--volume", f"{source}:{target}:ro"]
    command += options or []
    return json.loads(containers.succeed(*command, containers.built_image("build-agreement-image", release), "/conda/bin/python", "/tests/agreement/run.py", "/asked/jobs", seconds=3600))


def job(number: int, situation: Situation, url: str, clients: list[str] | None = None) -> dict:
    environment: dict[str, str | None] = {"HTTPS_PROXY": url, "HTTP_PROXY": url, "PSM_ENTRY_BUNDLES": f"/conda/ssl/cacert.pem:{BUNDLES}"}
    environment |= {name: url if value == "env" else value for name, value in situation.environment.items()}
    return {"id": f"s{number}", "environment": environment, "files": situation.files, "isStarted": situation.isStarted, "clients": clients}


ALPN = "Cannot check peer: missing selected ALPN property"


def seen(proxies: dict[str, list[dict[str, str]]], said: dict) -> list[str]:
    """The proxies that received a client's request for its path, after TLS."""
    found = [name for name, requests in proxies.items() if any(said["path"] in request["path"] for request in requests)]
    # gRPC needs HTTP/2, which this origin does not support: it fails after it has accepted the certificate.
    if ALPN in said["said"]:
        found.append("environment")
    return found


def predicted(name: str, said: dict) -> list[str]:
    """What check says about a client, as its proxies would see it."""
    proxy = said["proxy"]
    # These request what the client does not do by default; of the variables they read only HTTPS_PROXY.
    if proxy == "unused" and name in ("aiohttp, trust_env", "aiohttp, older") and said["hasProxy"]:
        proxy = "environment"
    if said["trust"] not in ("mounted", "off") or proxy not in ("environment", "own"):
        return []
    return [proxy]


def disagreements(results: list[dict], titles: dict[str, str], proxies: dict[str, list]) -> list[str]:
    wrong = []
    for result in results:
        for name, said in result["clients"].items():
            did = seen(proxies, said)
            if did != predicted(name, said):
                wrong.append(
                    f"{titles[result['id']]}: {name} asked {did or 'nobody'}; check: {said['trust']}, {said['proxy']}: "
                    f"{said['detail']}; {said['said'][-300:]}"
                )
    return wrong


def pairs(jobs: list[dict], share: int, names: list[str]) -> list[dict]:
    """One in `share` of the pairs of a situation and a client, always the same ones."""
    chosen = random.Random(22)
    kept = []
    for one in jobs:
        one["clients"] = [name for name in names if chosen.randrange(share) == 0]
        if one["clients"]:
            kept.append(one)
    return kept


CLIENTS = [
    "curl", "wget", "git", "Ruby", "Go", "Node", "Node fetch", "npm", "uv", "conda", "urllib", "urllib, /usr", "requests",
    "aiohttp", "aiohttp, trust_env", "httpx", "botocore", "grpc", "py-rattler", "pip", "pip, Debian's", "urllib, older",
    "requests, older", "aiohttp, older", "httpx, older", "pip, older",
]


def asked(release: str, binary: Path, directory: Path, jobs: list[dict], proxies: dict, options=None) -> tuple[dict, dict]:
    """The results of the jobs, and what each proxy has seen of them."""
    before = {name: len(one.requests()) for name, one in proxies.items()}
    answer = run(release, binary, directory, jobs, options)
    return answer, {name: one.requests()[before[name]:] for name, one in proxies.items()}


@pytest.mark.parametrize("release", ["bookworm", "trixie"])
def test_every_client_does_what_check_says(release, binary, proxy, second_proxy, tmp_path, every_pair, pytestconfig):
    prepare(tmp_path, proxy.authority, second_proxy.authority)
    every = situations(second_proxy.url)
    titles = {f"s{number}": one.title for number, one in enumerate(every)}
    jobs = [job(number, one, proxy.url) for number, one in enumerate(every)]
    if not every_pair:
        jobs = pairs(jobs, 10, CLIENTS)
    answer, logs = asked(release, binary, tmp_path, jobs, {"environment": proxy, "own": second_proxy})
    results = answer["results"]
    assert len(results) >= 20
    assert sum(len(result["clients"]) for result in results) >= (20 * 15 if every_pair else 40)
    assert disagreements(results, titles, logs) == []
    # With half of them, even a check without any knowledge would agree.
    worked = [len(seen(logs, one)) for result in results for one in result["clients"].values()]
    assert 0 in worked and 1 in worked
    if every_pair:
        check_page(PAGE[release], page(release, answer, titles), pytestconfig.getoption("write"))


def test_a_private_bundle_is_what_check_says(binary, proxy, second_proxy, tmp_path):
    """A root that is not writable: the variables name a private bundle."""
    prepare(tmp_path, proxy.authority, second_proxy.authority)
    home = {"HOME": "/tmp", "TMPDIR": "/tmp"}
    cases = [
        Situation("a private bundle", home),
        Situation("a private bundle, REQUESTS_CA_BUNDLE lacks the CA", {**home, "REQUESTS_CA_BUNDLE": LACKING}),
        Situation("a private bundle, SSL_CERT_FILE is gone", {**home, "SSL_CERT_FILE": NOWHERE}),
        Situation("a private bundle and UV_INSECURE_HOST", {**home, "UV_INSECURE_HOST": "origin.test"}),
    ]
    titles = {f"s{number}": one.title for number, one in enumerate(cases)}
    jobs = [job(number, one, proxy.url) for number, one in enumerate(cases)]
    options = ["--read-only", "--tmpfs", "/tmp:exec", "--tmpfs", "/run", "--tmpfs", "/root"]
    answer, logs = asked("bookworm", binary, tmp_path, jobs, {"environment": proxy, "own": second_proxy}, options)
    assert disagreements(answer["results"], titles, logs) == []
    (first, *_) = answer["results"]
    assert first["clients"]["requests"]["trust"] == "mounted"
    # wget reads only the system store, which could not be written.
    assert first["clients"]["wget"]["trust"] == "lacking"


@pytest.mark.parametrize("release", ["bookworm", "trixie"])
def test_a_ca_that_strict_pythons_reject(release, binary, origin, tmp_path_factory, tmp_path):
    root = CA("Strict Root", lacks=frozenset({"keyUsage"}))
    authority = Authority(x509.load_pem_x509_certificate(root.pem), root.key)
    with running_proxy(tmp_path_factory.mktemp("strict-proxy"), origin, authority=authority) as strict:
        prepare(tmp_path, authority)
        answer, logs = asked(release, binary, tmp_path, [job(0, Situation("a strict CA"), strict.url)], {"environment": strict})
    (result,) = answer["results"]
    assert disagreements([result], {"s0": "a CA without keyUsage"}, logs) == []
    assert (result["clients"]["urllib"]["trust"] == "refusing") == (release == "trixie")
    assert result["ok"] == (release == "bookworm") or any(not one["ok"] for one in result["checks"] if one["name"] == "client")


COMMONEST = ["curl", "git", "pip", "requests", "urllib"]


def combination(number: int, own: str) -> Situation:
    """Overrides, some of them combined: always the same ones."""
    chosen = random.Random(f"psm-entry {number}")
    places = [NOWHERE, LACKING, BROKEN, EMPTY, HASHED, "/conda/ssl/cacert.pem", "/etc/ssl/certs/ca-certificates.crt"]
    names = ["SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "PIP_CERT", "GIT_SSL_CAINFO"]
    environment: dict[str, str | None] = {name: chosen.choice(places) for name in names if chosen.random() < 0.2}
    files: dict[str, str] = {}
    if chosen.random() < 0.3:
        files["/root/.curlrc"] = "".join(
            chosen.sample(["insecure\n", f"cacert = {chosen.choice(places)}\n", f'proxy = "{own}"\n', "silent\n"], 2)
        )
    if chosen.random() < 0.3:
        lines = [f"cert = {chosen.choice(places)}\n", "trusted-host = origin.test\n", f"proxy = {own}\n", "timeout = 9\n"]
        section = chosen.choice(["global", "download", "list"])
        files[chosen.choice(["/etc/pip.conf", "/root/.config/pip/pip.conf", "/conda/pip.conf"])] = f"[{section}]\n" + "".join(chosen.sample(lines, 2))
    if chosen.random() < 0.3:
        lines = [f"\tsslCAInfo = {chosen.choice(places)}\n", "\tsslVerify = false\n", f"\tproxy = {own}\n", "\tsslVerify = true\n"]
        section = chosen.choice(["http", 'http "https://origin.test/"'])
        files[chosen.choice(["/etc/gitconfig", "/root/.gitconfig"])] = f"[{section}]\n" + "".join(chosen.sample(lines, 2))
    return Situation(f"combination {number}: {environment} {files}", environment, files)


def test_random_combinations_have_no_false_ok_and_no_false_alarm(binary, proxy, second_proxy, tmp_path, every_pair):
    prepare(tmp_path, proxy.authority, second_proxy.authority)
    cases = [combination(number, second_proxy.url) for number in range(500 if every_pair else 25)]
    titles = {f"s{number}": one.title for number, one in enumerate(cases)}
    jobs = [job(number, one, proxy.url, COMMONEST) for number, one in enumerate(cases)]
    answer, logs = asked("bookworm", binary, tmp_path, jobs, {"environment": proxy, "own": second_proxy})
    assert disagreements(answer["results"], titles, logs) == []
    wrong, alarms = [], 0
    for result in answer["results"]:
        for name, said in result["clients"].items():
            isAlarm, isWell = said["level"] != "info", seen(logs, said) == ["environment"]
            alarms += isAlarm
            if isAlarm == isWell and said["trust"] != "off":
                wrong.append((titles[result["id"]], name, said["level"], said["detail"], said["said"][-300:]))
    assert wrong == []
    assert len(cases) / 2 < alarms < len(cases) * 4


HEAD = """# Clients in Debian {number}

This page shows {count} situations: what was set in addition to a mounted CA and `HTTPS_PROXY`, and what each client then did
through proxies that inspect TLS. In every one of the {pairs} cases, `check --json` had predicted it.
{rules}
A client that is not named trusts the mounted CA and uses the proxy of the variables. "aiohttp" is a program that does not ask for the
variables, "aiohttp, trust_env" one that does; "conda" is a session as conda creates it, because conda is not on PyPI. "older" is an environment of
older packages, all of whose bundles except pip's own are in `PSM_ENTRY_BUNDLES`; "pip, Debian's" is the one that Debian's `python3 -m venv`
installs. Node and npm ran with `NODE_USE_ENV_PROXY=1`, unless the table says otherwise.

Measured by `Tests/EndToEnd/test_clients_agree.py` with {versions}. Do not edit: run that test with `--all --write`.
"""

RULES = """
`psm-entry check --clients` prints for each client in the image what it will trust, which proxy it will use, and why. It finds the
clients at their well-known places and runs none of them. It reads the variables as a start leaves them, and the clients' own
configuration files. In `check --json`, each is an entry named `client`, with `trust` and `proxy`.

| level | what |
|---|---|
| info | the default of a client: uv trusts only its built-in roots, Node and aiohttp ignore the proxy variables by default; stores that no start updates |
| warning | a deliberate setting: verification off, another proxy or none, a file that lacks the mounted CAs; a store that was left unchanged |
| error | a file that is named and missing, malformed or empty; a store that lacks a mounted CA and that a start or `PSM_ENTRY_BUNDLES` would update; a strict Python that rejects a mounted CA |

If nothing is mounted and no proxy is set, no client lacks anything. `check` does not read the options of a command line, the files of a
project or a repository, what git includes from other files, and what a program does in its own code.
"""

ANSWERS = {
    ("off", "environment"): "not verifying",
    ("off", "own"): "not verifying, through a proxy of its own",
    ("off", "none"): "not verifying, through no proxy",
    ("mounted", "own"): "through a proxy of its own",
    ("mounted", "none"): "through no proxy",
    ("mounted", "unused"): "through no proxy, unless asked",
    ("lacking", None): "fails: its store lacks the CA",
    ("unusable", None): "fails: its store is missing or malformed",
    ("own", None): "fails: it has roots of its own",
    ("refusing", None): "fails: it rejects the CA",
}


def page(release: str, answer: dict, titles: dict[str, str]) -> str:
    results = answer["results"]
    lines = [
        HEAD.format(
            count=len(results), number={"bookworm": 12, "trixie": 13}[release],
            rules=RULES if release == "bookworm" else "",
            pairs=sum(len(one["clients"]) for one in results), versions=versions_text(answer["versions"]),
        ),
        "| set | result |", "|---|---|",
    ]
    for result in results:
        groups: dict[str, list[str]] = {}
        for name, said in result["clients"].items():
            key = (said["trust"], said["proxy"])
            text = ANSWERS.get(key) or ANSWERS.get((said["trust"], None)) or ("" if key == ("mounted", "environment") else str(key))
            if text:
                groups.setdefault(text, []).append(name)
        told = "; ".join(f"{text}: {', '.join(names)}" for text, names in groups.items()) or "as expected: every client"
        lines.append(f"| {titles[result['id']]} | {told} |")
    text = "\n".join(lines) + "\n"
    # Clients are separated by commas.
    for name in CLIENTS:
        text = text.replace(name, name.replace(", ", " "))
    return text
