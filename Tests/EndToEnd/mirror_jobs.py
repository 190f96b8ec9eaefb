"""Mirror jobs: clients that fetch a channel's repodata and packages, and print the packages' names.

A job is `python -c JOB CHANNEL PROXY`; with `-` as the proxy it uses the environment.
"""

REQUESTS = """
import io, sys, tarfile
import requests

channel, proxy = sys.argv[1:]
session = requests.Session()
own = {} if proxy == "-" else {"proxies": {"http": proxy, "https": proxy}}

def get(path):
    answer = session.get(f"{channel}/noarch/{path}", timeout=15, **own)
    answer.raise_for_status()
    return answer

packages = get("repodata.json").json()["packages"]
for file, said in packages.items():
    if said["name"] in ("python", "pandas"):
        with tarfile.open(fileobj=io.BytesIO(get(file).content), mode="r:bz2") as archive:
            assert f"share/{said['name']}" in archive.getnames()
        print(said["name"])
"""

RATTLER = """
import asyncio, os, sys, tempfile
channel, proxy = sys.argv[1:]
if proxy != "-":
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY"):
        os.environ[name] = proxy
import rattler, rattler.package_streaming
from rattler.networking import Client

async def mirror(directory):
    client = Client(timeout=15)
    gateway = rattler.Gateway(cache_dir=directory, client=client)
    records = await rattler.solve(
        [rattler.Channel(channel)], ["python", "pandas"], gateway=gateway, platforms=["noarch"]
    )
    for record in records:
        name = record.name.normalized
        await rattler.package_streaming.download_and_extract(client, record.url, f"{directory}/{name}")
        assert os.path.exists(f"{directory}/{name}/share/{name}")
        print(name)

with tempfile.TemporaryDirectory() as directory:
    asyncio.run(mirror(directory))
"""

CONDA_MIRROR = """
import os, subprocess, sys, tempfile
channel, proxy = sys.argv[1:]
own = [] if proxy == "-" else ["--proxy", f"https:{proxy}"]
with tempfile.TemporaryDirectory() as directory:
    command = [os.path.join(os.path.dirname(sys.executable), "conda-mirror"), "--upstream-channel", channel]
    command += ["--platform", "noarch", "--target-directory", directory, *own]
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    for name in os.listdir(os.path.join(directory, "noarch")):
        if name.endswith(".tar.bz2"):
            print(name.split("-")[0])
"""

JOBS = {"conda-mirror": CONDA_MIRROR, "rattler": RATTLER, "requests": REQUESTS}
