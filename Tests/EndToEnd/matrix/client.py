"""Python's libraries, with their default settings, request each URL once."""

import asyncio
import sys
import tempfile
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import aiohttp
import httpx
import rattler
import requests
from rattler.networking import Client, FetchRepoDataOptions, fetch_repo_data

LIMIT = 10


def with_urllib(url):
    urllib.request.urlopen(url, timeout=LIMIT).read()


def with_requests(url):
    requests.get(url, timeout=LIMIT)


def with_httpx(url):
    httpx.get(url, timeout=LIMIT)


def with_aiohttp(url):
    async def fetch():
        limit = aiohttp.ClientTimeout(total=LIMIT)
        async with aiohttp.ClientSession(trust_env=True, timeout=limit) as session:
            async with session.get(url) as answer:
                await answer.read()

    asyncio.run(fetch())


def with_rattler(url):
    async def fetch(directory):
        await fetch_repo_data(
            channels=[rattler.Channel(url)],
            platforms=[rattler.Subdir("noarch")],
            cache_path=directory,
            callback=None,
            client=Client(timeout=LIMIT),
            fetch_options=FetchRepoDataOptions(zstd_enabled=False, bz2_enabled=False, jlap_enabled=False),
        )

    with tempfile.TemporaryDirectory() as directory:
        asyncio.run(fetch(directory))


def ask(name, url):
    """A client's failure is reported; only its requests count."""
    try:
        globals()[f"with_{name}"](url)
    except Exception as error:
        print(f"{name} {url}: {error!r}", file=sys.stderr)


def ask_all(pairs):
    """Pairs of a library and a URL, all at once."""
    with ThreadPoolExecutor(32) as pool:
        list(pool.map(lambda pair: ask(*pair), pairs))
