"""Mirror jobs with their own proxies: two TLS-terminating proxies, each with its own CA; one of them has two users."""

import json
import uuid
from dataclasses import replace

import pytest

import channel
from client_matrix import NEWER, OLDER, SYSTEMS, build_image
from clients import PYTHON
from mirror_jobs import JOBS

DEFAULT = {
    "no default proxy": {"HTTP_PROXY": "", "HTTPS_PROXY": ""},
    "a default proxy": {},
}


@pytest.fixture
def publish(origin):
    """Publishes a channel under a separate URL."""
    published = []

    def run() -> str:
        pages = channel.pages(f"/{uuid.uuid4().hex}")
        published.append(pages)
        origin.pages.update(pages)
        return origin.url.rstrip("/") + next(iter(pages)).split("/noarch/")[0]

    yield run
    for page in [page for pages in published for page in pages]:
        del origin.pages[page]


@pytest.fixture
def mirrored(publish):
    """The URL of a channel that only one test requests."""
    return publish()


@pytest.fixture
def worker(container, binary, certs, second_proxy):
    """The worker's container: psm-entry, the CAs of both proxies, and the conda clients of Debian 12's or Debian 13's Python."""

    def start(settings=None, *, only_first=False, system=OLDER):
        if not only_first:
            (certs / "branch.pem").write_bytes(second_proxy.authority.pem)
        box = container(binary, settings=settings, from_image=build_image(SYSTEMS[system]))
        box.service()
        return box

    return start


def run_job(box, client, url, proxy_url="-"):
    return box.run("/psm-entry", "--log", "quiet", "--", PYTHON, "-c", JOBS[client], url, proxy_url)


def users(proxy, url):
    """The users whose requests for the channel went through a proxy; these include at least repodata and packages."""
    directory = url.rsplit("/", 1)[1]
    asked = [one for one in proxy.requests() if one["path"].startswith(f"/{directory}/")]
    if asked:
        files = {one["path"].rsplit("/", 1)[1] for one in asked}
        assert {"repodata.json", "python-1.0-0.tar.bz2", "pandas-1.0-0.tar.bz2"} <= files
    return {one["user"] for one in asked}


@pytest.mark.parametrize("default", DEFAULT)
@pytest.mark.parametrize("client", JOBS)
def test_each_job_goes_through_its_own_proxy_as_its_own_user(
    worker, publish, proxy, second_proxy, client, default
):
    box = worker(DEFAULT[default])
    third = replace(second_proxy, user="user3", password="p@w/3")
    through = {proxy.port: proxy, second_proxy.port: second_proxy}
    for mine in (proxy, second_proxy, third):
        url = publish()
        result = run_job(box, client, url, mine.url)
        assert set(result.stdout.decode().split()) == set(channel.SPECS), result.stderr.decode()
        for port, one in through.items():
            assert users(one, url) == ({mine.user} if port == mine.port else set())


# conda-mirror 0.10 fails under Python 3.13: it calls an internal function of argparse.
RUNS = [(client, system) for client in JOBS for system in SYSTEMS if (client, system) != ("conda-mirror", NEWER)]


@pytest.mark.parametrize(("client", "system"), RUNS)
def test_a_job_without_a_proxy_of_its_own_takes_the_containers(worker, proxy, second_proxy, mirrored, client, system):
    """The settings of a mirror after an edit in the web interface has removed its proxy."""
    result = run_job(worker(system=system), client, mirrored)
    assert set(result.stdout.decode().split()) == set(channel.SPECS), result.stderr.decode()
    assert users(proxy, mirrored) == {proxy.user}
    assert users(second_proxy, mirrored) == set()


@pytest.mark.parametrize("client", JOBS)
def test_without_any_proxy_the_job_does_not_reach_the_channel(worker, proxy, second_proxy, mirrored, client):
    """The same in a container without a default proxy: the job connects directly, which a closed network prevents."""
    result = run_job(worker(DEFAULT["no default proxy"]), client, mirrored)
    assert result.returncode != 0
    assert users(proxy, mirrored) == users(second_proxy, mirrored) == set()


def test_without_one_ca_exactly_its_jobs_fail_and_check_says_why(worker, origin, proxy, second_proxy, mirrored):
    box = worker(only_first=True)
    options = ["--proxy", proxy.url, "--proxy", second_proxy.url, "--target", origin.url.rstrip("/")]
    result = box.run("/psm-entry", "check", "--connect", "--json", *options)
    assert result.returncode == 1
    verdicts = [one for one in json.loads(result.stdout)["checks"] if one["name"] == "connect"]
    told = {one["target"].split(" ")[0]: one for one in verdicts}
    first, second = (f"http://{one.user}:***@127.0.0.1:{one.port}" for one in (proxy, second_proxy))
    assert told[first]["ok"] and not told[second]["ok"]
    assert "issuer CN=Branch Proxy Root,O=Corp is not mounted; mount it" in told[second]["detail"]
    assert b"pw" not in result.stdout + result.stderr

    for client in JOBS:
        good = run_job(box, client, mirrored, proxy.url)
        assert set(good.stdout.decode().split()) == set(channel.SPECS), good.stderr.decode()
        refused = run_job(box, client, mirrored, second_proxy.url)
        assert refused.returncode != 0 and b"certificate" in refused.stderr.lower(), refused.stderr.decode()
        assert users(second_proxy, mirrored) == set()
