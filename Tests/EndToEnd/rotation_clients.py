"""Clients that run through a rotation, inside the container: each answers every line that it reads, or sends requests endlessly."""

import importlib
import json
import os
import sys
import time

if sys.argv[1].startswith("aiohttp"):
    import asyncio

    import aiohttp

    LOOP = asyncio.new_event_loop()
elif sys.argv[1] == "urllib":
    import urllib.request
else:
    # Each process has only the client that it needs: it starts sooner, and nothing else in it uses TLS.
    globals().update({name: importlib.import_module(name) for name in ["httpx", "requests"] if sys.argv[1].startswith(name)})
KEPT: dict[str, object] = {}


def with_requests(url: str) -> None:
    requests.get(url, timeout=15)


def with_requests_session(url: str) -> None:
    KEPT.setdefault("requests", requests.Session()).get(url, timeout=15)


def with_urllib(url: str) -> None:
    urllib.request.urlopen(url, timeout=15).read()


async def _get(session, url: str) -> None:
    async with session.get(url) as answer:
        await answer.read()


async def _kept_session(url: str) -> None:
    if "aiohttp" not in KEPT:
        KEPT["aiohttp"] = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=15))
    await _get(KEPT["aiohttp"], url)


async def _new_session(url: str) -> None:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=15)) as session:
        await _get(session, url)


def with_httpx(url: str) -> None:
    httpx.get(url, timeout=15)


def with_httpx_client(url: str) -> None:
    if "httpx" not in KEPT:
        KEPT["httpx"] = httpx.Client(timeout=15)
    KEPT["httpx"].get(url)


CLIENTS = {
    "requests": with_requests,
    "requests, one Session": with_requests_session,
    "urllib": with_urllib,
    "aiohttp, one ClientSession": lambda url: LOOP.run_until_complete(_kept_session(url)),
    "aiohttp, a new ClientSession": lambda url: LOOP.run_until_complete(_new_session(url)),
    "httpx, one Client": with_httpx_client,
    "httpx.get": with_httpx,
}
"""A client's name, and a request that returns or raises."""


def outcome(client: str, url: str) -> str:
    try:
        CLIENTS[client](url)
    except Exception as error:
        text = repr(error)
        return "refused" if "CERTIFICATE_VERIFY_FAILED" in text else text
    return "trusted"


def answer(client: str) -> None:
    """One request for each URL that is read."""
    print("ready", flush=True)
    for line in sys.stdin:
        print(outcome(client, line.strip()), flush=True)


def ask(client: str, urls: list[str]) -> None:
    """Prints its process id, then sends one request after another, and prints the start and end of each."""
    print(json.dumps(os.getpid()), flush=True)
    while True:
        for url in urls:
            begin = time.monotonic()
            said = outcome(client, url)
            print(json.dumps([begin, time.monotonic(), url, said]), flush=True)


if __name__ == "__main__":
    if len(sys.argv) == 2:
        answer(sys.argv[1])
    else:
        ask(sys.argv[1], sys.argv[2:])
