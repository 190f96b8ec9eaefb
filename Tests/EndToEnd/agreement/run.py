"""Runs clients and `psm-entry check` inside the container, to compare what check says with what they do.

Reads jobs from the file JOBS: {"jobs": [{"id", "environment": {name: value}, "files": {path: text}, "links": {path:
target}, "isStarted": bool, "clients": [name…]}…]}. Jobs that are not started come first. Prints for each job what
check said and which clients ran; the proxies know what the clients did, because each requests a path with the names
of the job and the client. Usage: run.py JOBS
"""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).parent
CONDA = "/conda/bin/python"
SITE = next(pathlib.Path("/conda/lib").glob("python3*/site-packages"))
OLDER = pathlib.Path("/opt/older/lib/python3.11/site-packages")
DEBIAN = pathlib.Path("/opt/debian/lib/python3.11/site-packages")
HOST = "https://origin.test"
LIMIT = 40


def library(name, python=CONDA):
    return lambda url: [python, str(HERE / "library.py"), name, url]


def pip(python):
    command = [python, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps", "--no-cache-dir"]
    return lambda url: [*command, "--retries", "0", "--timeout", "10", "--dest", "/tmp", "--index-url", url, "package"]


def uv(url):
    command = ["/conda/bin/uv", "pip", "install", "--quiet", "--no-cache", "--dry-run", "--no-deps", "--python", CONDA]
    return [*command, "--target", "/tmp/uv", "--index-url", url, "package"]


CLIENTS = {
    "curl": ("curl (/usr/bin/curl)", lambda url: ["curl", "-sS", "--max-time", "10", "-o", "/dev/null", url]),
    "wget": ("wget (/usr/bin/wget)", lambda url: ["wget", "-q", "--tries=1", "--timeout=10", "-O", "/dev/null", url]),
    "git": ("git (/usr/bin/git)", lambda url: ["git", "ls-remote", url]),
    "Ruby": ("Ruby (/usr/bin/ruby)", lambda url: ["ruby", "--disable-gems", str(HERE.parent / "matrix/client.rb"), url]),
    "Go": ("Go (/usr/local/bin/go)", lambda url: ["/usr/local/bin/go", url]),
    "Node": ("Node (/usr/local/bin/node)", lambda url: ["node", str(HERE.parent / "matrix/client.js"), "http", url]),
    "Node fetch": ("Node (/usr/local/bin/node)", lambda url: ["node", str(HERE.parent / "matrix/client.js"), "fetch", url]),
    "npm": ("npm (/conda/bin/npm)", lambda url: ["/conda/bin/npm", "view", "package", "--fetch-retries=0", f"--registry={url}"]),
    "uv": ("uv (/conda/bin/uv)", uv),
    "conda": ("conda (/conda/bin/conda)", lambda url: ["/conda/bin/conda", url]),
    "urllib": ("urllib (/conda/bin/python3)", library("urllib")),
    "urllib, /usr": ("urllib (/usr/bin/python3)", library("urllib", "/usr/bin/python3")),
    "requests": (f"requests ({SITE}/requests)", library("requests")),
    "aiohttp": (f"aiohttp ({SITE}/aiohttp)", library("aiohttp")),
    "aiohttp, trust_env": (f"aiohttp ({SITE}/aiohttp)", library("aiohttp_env")),
    "httpx": (f"httpx ({SITE}/httpx)", library("httpx")),
    "botocore": (f"botocore ({SITE}/botocore)", library("botocore")),
    "grpc": (f"grpc ({SITE}/grpc)", library("grpc")),
    "py-rattler": (f"py-rattler ({SITE}/rattler)", library("rattler")),
    "pip": (f"pip ({SITE}/pip)", pip(CONDA)),
    "pip, Debian's": (f"pip ({DEBIAN}/pip)", pip("/opt/debian/bin/python")),
    "urllib, older": ("urllib (/opt/older/bin/python3)", library("urllib", "/opt/older/bin/python")),
    "requests, older": (f"requests ({OLDER}/requests)", library("requests", "/opt/older/bin/python")),
    "aiohttp, older": (f"aiohttp ({OLDER}/aiohttp)", library("aiohttp_env", "/opt/older/bin/python")),
    "httpx, older": (f"httpx ({OLDER}/httpx)", library("httpx", "/opt/older/bin/python")),
    "pip, older": (f"pip ({OLDER}/pip)", pip("/opt/older/bin/python")),
}
"""A client's name, its name in check, and its command for a URL that ends in a slash."""

BASE = {
    "PATH": "/usr/local/bin:/usr/bin:/bin:/conda/bin:/opt/older/bin:/opt/debian/bin",
    "HOME": "/root",
    "UV_HTTP_TIMEOUT": "10",
    "UV_HTTP_RETRIES": "0",
    "NODE_USE_ENV_PROXY": "1",
    "AWS_EC2_METADATA_DISABLED": "true",
}


def psm_entry(environment, *arguments):
    command = ["/psm-entry", "--log", "quiet", *arguments]
    return subprocess.run(command, env=environment, stdout=subprocess.PIPE, timeout=60, check=False).stdout


def slug(client):
    return "".join(letter if letter.isalnum() else "-" for letter in client.lower())


def run_all(job, environment, names):
    """Runs four at a time; returns the output of each, to find the cause of a failure."""
    waiting, running, said = list(names), {}, {}
    deadline = time.monotonic() + 10 * LIMIT
    while waiting or running:
        while waiting and len(running) < 4:
            name = waiting.pop(0)
            url = f"{HOST}/{job['id']}.{slug(name)}/"
            output = open(f"/tmp/said-{slug(name)}", "w+b")
            process = subprocess.Popen(
                CLIENTS[name][1](url), env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output
            )
            running[name] = (process, output, time.monotonic())
        for name, (process, output, started) in list(running.items()):
            if process.poll() is None:
                if time.monotonic() > started + LIMIT:
                    process.kill()
                continue
            output.seek(0)
            said[name] = output.read()[-600:].decode(errors="replace")
            output.close()
            del running[name]
        if time.monotonic() > deadline:
            raise TimeoutError(str(list(running)))
        time.sleep(0.005)
    return said


def work(job):
    made = []
    for path, text in job.get("files", {}).items():
        path = pathlib.Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        made.append(path)
    environment = {**BASE, **job["environment"]}
    environment = {name: value for name, value in environment.items() if value is not None}
    checks = json.loads(psm_entry(environment, "check", "--json"))
    found = {check["target"]: check for check in checks["checks"] if check["name"] == "client"}
    names = [name for name in job.get("clients") or CLIENTS if CLIENTS[name][0] in found]
    entries = psm_entry(environment, "env", "--null").split(b"\0")[:-1]
    started = dict(entry.split(b"=", 1) for entry in entries)
    said = run_all(job, started, names)
    for path in made:
        path.unlink()
    return {
        "id": job["id"],
        "ok": checks["ok"],
        "checks": [check for check in checks["checks"] if check["level"] != "info" or check["name"] == "client"],
        "clients": {
            name: {**found[CLIENTS[name][0]], "path": f"/{job['id']}.{slug(name)}/", "said": said[name], "hasProxy": b"https_proxy" in started}
            for name in names
        },
    }


def versions():
    """The release of each installed client, according to the client itself or its package."""
    told = {}
    for name in CLIENTS:
        command = CLIENTS[name][1](f"{HOST}/")
        if not pathlib.Path(shutil.which(command[0], path=BASE["PATH"]) or "/").is_file():
            continue
        module = {"urllib": "platform", "urllib, /usr": "platform", "urllib, older": "platform"}.get(name)
        if "library.py" in command[1] and module is None:
            code = f"import importlib.metadata; print(importlib.metadata.version({PACKAGES.get(name, name.split(',')[0])!r}))"
            command = [command[0], "-c", code]
        elif module:
            command = [command[0], "--version"]
        elif name == "Go":
            command = command[:1]
        elif name.startswith("pip"):
            command = [command[0], "-m", "pip", "--version"]
        elif name == "conda":
            continue
        else:
            command = [command[0], "--version"]
        answer = subprocess.run(command, env=BASE, capture_output=True, timeout=60, check=False).stdout
        number = re.search(rb"\d+\.\d+(\.\d+)?", answer)
        if number:
            told[name] = number.group().decode()
    return told


PACKAGES = {"grpc": "grpcio"}


def main(path):
    jobs = json.loads(pathlib.Path(path).read_text())["jobs"]
    results = []
    isStarted = False
    for job in jobs:
        if job.get("isStarted", True) and not isStarted:
            psm_entry({**BASE, **job["environment"]}, "--", "/bin/true")
            isStarted = True
        results.append(work(job))
    json.dump({"versions": versions(), "results": results}, sys.stdout)


if __name__ == "__main__":
    main(sys.argv[1])
