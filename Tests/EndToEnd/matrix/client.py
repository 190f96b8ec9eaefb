"""Python's clients ask for each URL once, as they come. Usage: client.py CLIENT=URL…"""

import sys
from concurrent.futures import ThreadPoolExecutor

LIMIT = 10


def with_urllib(url):
    import urllib.request

    urllib.request.urlopen(url, timeout=LIMIT).read()


def with_requests(url):
    import requests

    requests.get(url, timeout=LIMIT)


def with_aiohttp(url):
    import asyncio

    import aiohttp

    async def fetch():
        limit = aiohttp.ClientTimeout(total=LIMIT)
        async with aiohttp.ClientSession(trust_env=True, timeout=limit) as session:
            async with session.get(url) as answer:
                await answer.read()

    asyncio.run(fetch())


def with_rattler(url):
    import asyncio
    import tempfile

    import rattler
    from rattler.networking import Client, FetchRepoDataOptions, fetch_repo_data

    async def fetch(folder):
        await fetch_repo_data(
            channels=[rattler.Channel(url)],
            platforms=[rattler.Subdir("noarch")],
            cache_path=folder,
            callback=None,
            client=Client(timeout=LIMIT),
            fetch_options=FetchRepoDataOptions(zstd_enabled=False, bz2_enabled=False, jlap_enabled=False),
        )

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(fetch(folder))


def ask(name, url):
    """What a client says of its failure is told; what it asked for is what counts."""
    try:
        globals()[f"with_{name}"](url)
    except Exception as error:
        print(f"{name} {url}: {error!r}", file=sys.stderr)


if __name__ == "__main__":
    with ThreadPoolExecutor(32) as pool:
        list(pool.map(lambda argument: ask(*argument.split("=", 1)), sys.argv[1:]))
