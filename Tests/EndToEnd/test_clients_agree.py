"""What clients did against what `check --json` had said of them: through proxies that end TLS, in Debian 12 and 13."""

import json
import random
import subprocess
from pathlib import Path

import pytest

import containers
from agreement.situations import Situation, situations
from certificates import Authority, write
from client_matrix import REPO, check_page
from containers import HERE

PAGE = REPO / "docs" / "clients.md"
BUNDLES = ":".join(
    f"{prefix}/lib/python3*/site-packages/{path}"
    for prefix in ("/conda", "/opt/older")
    for path in ("certifi/cacert.pem", "botocore/cacert.pem", "grpc/_cython/_credentials/roots.pem")
)


@pytest.fixture(scope="session")
def every_pair(pytestconfig: pytest.Config) -> bool:
    return bool(pytestconfig.getoption("--all"))


def image(release: str) -> str:
    built = subprocess.run([HERE / "build-agreement-image", release], stdout=subprocess.PIPE, timeout=1200, check=True)
    return built.stdout.decode().strip()


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


def run(release: str, binary: Path, directory: Path, jobs: list[dict], options: list[str] | None = None) -> list[dict]:
    (directory / "asked" / "jobs").write_text(json.dumps({"jobs": jobs}))
    command = ["run", "--rm", "--network", "host"]
    mounts = {binary: "/psm-entry", HERE: "/tests", directory / "asked": "/asked", directory / "certs": "/etc/repo/ca_certs"}
    for source, target in mounts.items():
        command += ["--volume", f"{source}:{target}:ro"]
    command += options or []
    return json.loads(containers.succeed(*command, image(release), "/conda/bin/python", "/tests/agreement/run.py", "/asked/jobs", seconds=3600))


def job(number: int, situation: Situation, url: str, clients: list[str] | None = None) -> dict:
    environment: dict[str, str | None] = {"HTTPS_PROXY": url, "HTTP_PROXY": url, "PSM_ENTRY_BUNDLES": f"/conda/ssl/cacert.pem:{BUNDLES}"}
    environment |= {name: url if value == "env" else value for name, value in situation.environment.items()}
    return {"id": f"s{number}", "environment": environment, "files": situation.files, "isStarted": situation.isStarted, "clients": clients}


def seen(proxies: dict[str, list[dict[str, str]]], path: str) -> list[str]:
    """The proxies that a client has asked for its path, past TLS."""
    return [name for name, requests in proxies.items() if any(path in request["path"] for request in requests)]


def predicted(name: str, said: dict) -> list[str]:
    """What check says of a client, as what its proxies would see."""
    proxy = said["proxy"]
    # These ask for what the client does not do by itself.
    if proxy == "unused" and name in ("aiohttp, trust_env", "aiohttp, older"):
        proxy = "environment"
    if said["trust"] not in ("mounted", "off") or proxy not in ("environment", "own"):
        return []
    return [proxy]


def disagreements(results: list[dict], titles: dict[str, str], proxies: dict[str, list]) -> list[str]:
    wrong = []
    for result in results:
        for name, said in result["clients"].items():
            did = seen(proxies, said["path"])
            if did != predicted(name, said):
                wrong.append(
                    f"{titles[result['id']]}: {name} asked {did or 'nobody'}; check: {said['trust']}, {said['proxy']}: "
                    f"{said['detail']}; {said['said'][-300:]}"
                )
    return wrong


def pairs(jobs: list[dict], share: int, names: list[str]) -> list[dict]:
    """One in `share` of the pairs of a situation and a client, the same ones each time."""
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


@pytest.mark.parametrize("release", ["bookworm", "trixie"])
def test_every_client_does_what_check_says(release, binary, proxy, second_proxy, tmp_path, every_pair):
    prepare(tmp_path, proxy.authority, second_proxy.authority)
    all_situations = situations(second_proxy.url)
    names = {f"s{number}": one.title for number, one in enumerate(all_situations)}
    jobs = [job(number, one, proxy.url) for number, one in enumerate(all_situations)]
    if not every_pair:
        jobs = pairs(jobs, 10, CLIENTS)
    before = {"environment": len(proxy.requests()), "own": len(second_proxy.requests())}
    results = run(release, binary, tmp_path, jobs)
    logs = {"environment": proxy.requests()[before["environment"]:], "own": second_proxy.requests()[before["own"]:]}
    count = sum(len(result["clients"]) for result in results)
    assert count >= (20 * 15 if every_pair else 40), count
    assert disagreements(results, names, logs) == []
