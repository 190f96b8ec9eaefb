"""Requests a URL with one of Python's libraries. Usage: library.py NAME URL"""

import asyncio
import sys
import tempfile
import urllib.request

LIMIT = 10


def with_urllib(url):
    urllib.request.urlopen(url, timeout=LIMIT).read()


def with_requests(url):
    import requests

    requests.get(url, timeout=LIMIT)


def with_httpx(url):
    import httpx

    httpx.get(url, timeout=LIMIT)


def with_aiohttp(url, **settings):
    import aiohttp

    async def fetch():
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=LIMIT), **settings) as session:
            async with session.get(url) as answer:
                await answer.read()

    asyncio.run(fetch())


def with_aiohttp_env(url):
    with_aiohttp(url, trust_env=True)


def with_botocore(url):
    import botocore.config
    import botocore.session

    config = botocore.config.Config(
        signature_version=botocore.UNSIGNED, retries={"total_max_attempts": 1}, s3={"addressing_style": "path"},
        connect_timeout=LIMIT, read_timeout=LIMIT,
    )
    host, bucket = url.rstrip("/").rsplit("/", 1)
    client = botocore.session.get_session().create_client("s3", "us-east-1", endpoint_url=host, config=config)
    client.get_object(Bucket=bucket, Key="key")


def with_grpc(url):
    import grpc

    host, path = url.removeprefix("https://").split("/", 1)
    with grpc.secure_channel(f"{host}:443", grpc.ssl_channel_credentials()) as channel:
        channel.unary_unary(f"/{path}method")(b"", timeout=LIMIT)


def with_rattler(url):
    import rattler
    from rattler.networking import Client, FetchRepoDataOptions, fetch_repo_data

    async def fetch(directory):
        options = FetchRepoDataOptions(zstd_enabled=False, bz2_enabled=False, jlap_enabled=False)
        await fetch_repo_data(
            channels=[rattler.Channel(url)], platforms=[rattler.Subdir("noarch")], cache_path=directory, callback=None,
            client=Client(timeout=LIMIT), fetch_options=options,
        )

    with tempfile.TemporaryDirectory() as directory:
        asyncio.run(fetch(directory))


globals()[f"with_{sys.argv[1]}"](sys.argv[2])
