"""Real clients that read a bundle. Usage: certificate_clients.py NODE URL BUNDLE; prints a line for each client that got the page."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

PYTHON = """
import ssl, sys, urllib.request
context = ssl.create_default_context(cafile=sys.argv[2])
print(urllib.request.urlopen(sys.argv[1], context=context, timeout=10).read().decode())
"""
SCRIPT = """
const [url, ca] = process.argv.slice(1);
require("node:https").get(url, { ca: require("node:fs").readFileSync(ca) }, (answer) => answer.pipe(process.stdout));
"""
CLIENTS: dict[str, Callable[[str, str, str], list[str]]] = {
    "Python": lambda node, url, bundle: ["/usr/bin/python3", "-c", PYTHON, url, bundle],
    "curl": lambda node, url, bundle: ["/usr/bin/curl", "-sS", "--max-time", "10", "--cacert", bundle, url],
    "wget": lambda node, url, bundle: ["/usr/bin/wget", "-qO-", "-T10", "-t1", f"--ca-certificate={bundle}", url],
    "Node": lambda node, url, bundle: [node, "-e", SCRIPT, url, bundle],
}


def clients_that_work(node: Path | str, url: str, bundle: Path | str) -> set[str]:
    """The clients that trust the host with this bundle and print `public`."""
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "env": {"PATH": "/usr/bin:/bin"}}
    running = {
        name: subprocess.Popen(command(str(node), url, str(bundle)), **options) for name, command in CLIENTS.items()
    }
    try:
        said = {name: process.communicate(timeout=30)[0] for name, process in running.items()}
    finally:
        for process in running.values():
            process.kill()
            process.wait(timeout=5)
    return {name for name, process in running.items() if process.returncode == 0 and b"public" in said[name]}


if __name__ == "__main__":
    print("\n".join(sorted(clients_that_work(*sys.argv[1:]))))
