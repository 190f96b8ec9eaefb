"""A start or the distribution's own tool fails, or is killed, at any system call: clients trust afterwards what they
trusted before.

A killed start leaves behind what its tool was doing; then this must hold after the next start.
"""

import json
import shlex
from pathlib import Path

import pytest

from containers import CERTS, podman
from test_system_stores import Family, families, tracer  # noqa: F401 (fixtures)
from test_trust_stays import NAMES

# Runs inside the container: for each point it restores the store of the image, starts under strace, and examines the
# result.
DRIVER = r"""
import hashlib, json, os, re, shutil, ssl, subprocess, sys
names, built, anchors, tool, chosen = json.loads(sys.argv[1])
TRACE = ["/lib64/ld-linux-x86-64.so.2", "--library-path", "/strace", "/strace/strace", "-f", "-qq", "-o", "/tmp/trace"]
START = ["/psm-entry", "--", "/bin/true"]
CALLS = "openat,newfstatat,statx,fstat,getdents64,readlinkat,symlinkat,linkat,renameat,unlinkat,mkdirat,read,write,fchmod,fsync,flock,execve".split(",")

def trusted(path):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        context.load_verify_locations(path)
    except (ssl.SSLError, OSError):
        return set()
    return {hashlib.sha256(der).hexdigest() for der in context.get_ca_certs(binary_form=True)}

def look():
    return {name: trusted(name) for name in names}

def reset():
    for path in (built, anchors):
        # p11-kit leaves directories that even their owner may not write to.
        subprocess.run(["chmod", "-R", "u+w", path], stderr=subprocess.DEVNULL)
        shutil.rmtree(path, ignore_errors=True)
        if os.path.exists(path + ".saved"):
            shutil.copytree(path + ".saved", path, symlinks=True)
    for name in names[5:]:
        if os.path.exists(name + ".saved") and not os.path.islink(name):
            shutil.copy2(name + ".saved", name)

for path in (built, anchors):
    if os.path.isdir(path):
        shutil.copytree(path, path + ".saved", symlinks=True)
for name in names[5:]:
    if not os.path.islink(name):
        shutil.copy2(name, name + ".saved")
before = look()
subprocess.run([*TRACE, "-e", "trace=" + ",".join(CALLS), *START], check=True, stderr=subprocess.DEVNULL)
counts = {}
for line in open("/tmp/trace", errors="replace"):
    found = re.match(r"(\d+) +(\w+)\(", line)
    if found and found[2] in CALLS:
        counts[found.groups()] = counts.get(found.groups(), 0) + 1
most = {call: max((count for (_, name), count in counts.items() if name == call), default=0) for call in CALLS}
points = [(call, number, action) for call in CALLS for number in range(1, min(most[call], 120) + 1)
          for action in ("signal=SIGKILL", "error=EIO")]
for call, number, action in points[chosen::17]:
    reset()
    inject = ["-e", f"trace={call}", "-e", f"inject={call}:{action}:when={number}"]
    said = subprocess.run([*TRACE, *inject, *START], capture_output=True, timeout=120).stderr.decode(errors="replace")
    faults = []
    if action.startswith("error"):
        after = look()
        faults += [f"{name} at once" for name in names if not before[name] <= after[name] and "cannot restore: " not in said]
    again = subprocess.run(START, capture_output=True, timeout=120).stderr.decode(errors="replace")
    after = look()
    faults += [f"{name} after the next start" for name in names if not before[name] <= after[name]]
    print(json.dumps({"point": f"{call} {number} {action}", "faults": faults, "said": said[-1500:] + again[-1500:] if faults else ""}), flush=True)
"""


@pytest.mark.parametrize("kind", ["rhel", "debian"])
@pytest.mark.parametrize("user", ["root", "root without DAC_OVERRIDE"])
def test_what_was_trusted_stays_trusted_at_every_fault(
    container,
    binary,
    families: dict[str, Family],  # noqa: F811
    tracer: Path,  # noqa: F811
    kind,
    user,
):
    family = families[kind]
    options = ["--init", "--cap-add", "SYS_PTRACE", "--env", "REPO_CUSTOM_CA_CERT="]
    if user != "root":
        options += ["--cap-drop", "DAC_OVERRIDE"]
    box = container(
        None,
        from_image=family.image,
        mounts={binary: "/psm-entry", tracer: "/strace"},
        options=options,
        command=["sleep", "infinity"],
    )
    assert box.run("ls", CERTS).stdout
    # One of 17 points, a different one for each kind: there are about two thousand.
    chosen = (len(kind) + len(user)) % 17
    work = [NAMES, str(Path(family.bundle).parent), family.anchors, family.tool, chosen]
    ran = podman("exec", box.name, "/conda/bin/python", "-I", "-c", DRIVER, json.dumps(work), seconds=3600)
    lines = [json.loads(line) for line in ran.stdout.decode().splitlines() if line.startswith("{")]
    assert ran.returncode == 0, ran.stderr.decode(errors="replace")[-2000:] + shlex.join(map(str, work[:1]))
    wrong = [f"{line['point']}: {line['faults']}\n{line['said']}" for line in lines if line["faults"]]
    assert not wrong, f"{len(wrong)} of {len(lines)}:\n" + "\n".join(wrong[:10])
    assert len(lines) >= 20
