"""Mirror jobs with proxies of their own: two TLS-terminating proxies, each with its CA and its user."""

import json

from clients import PYTHON
from containers import CERTS
from network import BODY

JOB = """
import sys, requests
url, proxy = sys.argv[1:]
answer = requests.get(url, proxies={"http": proxy, "https": proxy}, timeout=15)
answer.raise_for_status()
sys.stdout.write(answer.text)
"""


def run_job(box, url, proxy):
    return box.run(PYTHON, "-c", JOB, url, proxy.url)


def test_each_job_goes_through_its_own_proxy_and_no_other(container, binary, origin, proxy, second_proxy, certs):
    (certs / "branch.pem").write_bytes(second_proxy.authority.pem)
    box = container(binary)
    box.service()
    for mine, other in ((proxy, second_proxy), (second_proxy, proxy)):
        before = len(mine.requests()), len(other.requests())
        result = run_job(box, f"{origin.url}conda/main/noarch/repodata.json", mine)
        assert result.stdout == BODY, result.stderr.decode()
        assert [request["user"] for request in mine.requests()[before[0] :]] == [mine.user]
        assert len(other.requests()) == before[1]


def test_a_job_without_a_proxy_of_its_own_takes_the_containers(container, binary, origin, proxy, second_proxy, certs):
    """What is left of a mirror whose proxy an edit in the web interface has dropped."""
    (certs / "branch.pem").write_bytes(second_proxy.authority.pem)
    box = container(binary)
    box.service()
    before = len(proxy.requests()), len(second_proxy.requests())
    code = JOB.replace('proxies={"http": proxy, "https": proxy}, ', "")
    result = box.run("/psm-entry", "--log", "quiet", "--", PYTHON, "-c", code, origin.url, "-")
    assert result.stdout == BODY, result.stderr.decode()
    assert (len(proxy.requests()), len(second_proxy.requests())) == (before[0] + 1, before[1])


def test_without_one_ca_exactly_its_jobs_fail_and_check_says_why(container, binary, origin, proxy, second_proxy):
    box = container(binary)
    box.service()
    assert run_job(box, origin.url, proxy).stdout == BODY
    refused = run_job(box, origin.url, second_proxy)
    assert refused.returncode != 0 and b"CERTIFICATE_VERIFY_FAILED" in refused.stderr

    options = ["--proxy", proxy.url, "--proxy", second_proxy.url, "--target", origin.url.rstrip("/")]
    result = box.run("/psm-entry", "check", "--connect", "--json", *options)
    assert result.returncode == 1
    verdicts = [one for one in json.loads(result.stdout)["checks"] if one["name"] == "connect"]
    told = {one["target"].split(" ")[0]: one for one in verdicts}
    first, second = (f"http://{one.user}:***@127.0.0.1:{one.port}" for one in (proxy, second_proxy))
    assert told[first]["ok"] and not told[second]["ok"]
    assert "CN=Branch Proxy Root,O=Corp, and no CA of that name is mounted" in told[second]["detail"]
    assert b"pw" not in result.stdout + result.stderr
    assert CERTS not in told[second]["detail"]
