"""The real clients inside the container, each as a command that prints the response body."""

CURL = ["curl", "--silent", "--show-error", "--max-time", "15"]

REQUESTS = """
import sys, requests
answer = requests.get(sys.argv[1], timeout=15)
answer.raise_for_status()
sys.stdout.write(answer.text)
"""

AIOHTTP = """
import asyncio, sys, aiohttp

async def fetch(url):
    timeout = aiohttp.ClientTimeout(total=15)
    async with aiohttp.ClientSession(trust_env=True, timeout=timeout, raise_for_status=True) as session:
        async with session.get(url) as answer:
            return await answer.text()

sys.stdout.write(asyncio.run(fetch(sys.argv[1])))
"""

PYTHON = "/conda/bin/python"

CLIENTS = {
    "curl": CURL,
    "requests": [PYTHON, "-c", REQUESTS],
    "aiohttp": [PYTHON, "-c", AIOHTTP],
}
"""A client's name, and its command without the URL."""

DISTRUST = {
    "curl": "SSL certificate problem",
    "requests": "CERTIFICATE_VERIFY_FAILED",
    "aiohttp": "CERTIFICATE_VERIFY_FAILED",
}
"""The output of a client that does not trust the server's certificate."""

CA_VARIABLES = {
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "PIP_CERT",
    "GIT_SSL_CAINFO",
    "AWS_CA_BUNDLE",
    "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH",
    "CARGO_HTTP_CAINFO",
}
"""Variables that replace a client's trust. NODE_EXTRA_CA_CERTS only extends it."""
