"""A separate root for a start that uses it as the system's root: fast, without a container, and compatible with strace."""

import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from roots import NATIVE_ANCHORS, Scene, authority, make_scene

# Stands in for the service and, under its own name, for Debian's tool: the root contains no other program.
PROGRAM = r"""
#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
extern char **environ;
static void copy(FILE *to, const char *path) {
  char part[4096];
  size_t count;
  FILE *from = fopen(path, "r");
  while (from && (count = fread(part, 1, sizeof part, from)) > 0) fwrite(part, 1, count, to);
  if (from) fclose(from);
}
int main(int argc, char **argv) {
  if (!strstr(argv[0], "update-ca-certificates")) {
    for (char **entry = environ; *entry; entry++) fwrite(*entry, 1, strlen(*entry) + 1, stdout);
    printf("groups of %d:%d%c", getuid(), getgid(), 0);
    for (int byte; (byte = getchar()) != EOF;) putchar(byte);
    return 0;
  }
  if (access("/usr/share/broken", F_OK) == 0) return 1;
  if (getchar() != EOF) return 1;
  FILE *bundle = fopen("/etc/ssl/certs/ca-certificates.crt.new", "w");
  DIR *anchors = opendir("/usr/local/share/ca-certificates");
  copy(bundle, "/usr/share/public.pem");
  for (struct dirent *entry; anchors && (entry = readdir(anchors));) {
    char path[512];
    snprintf(path, sizeof path, "/usr/local/share/ca-certificates/%s", entry->d_name);
    if (strstr(entry->d_name, ".crt")) copy(bundle, path);
  }
  fclose(bundle);
  return rename("/etc/ssl/certs/ca-certificates.crt.new", "/etc/ssl/certs/ca-certificates.crt") != 0;
}
"""

TOOL = "/usr/sbin/update-ca-certificates"


@dataclass(frozen=True)
class Root:
    """A separate root that a start uses as the system's root: without /proc, /sys and /dev."""

    scene: Scene
    user: list[str]

    def start(self, *options: str, tracing: Sequence[str] = ()) -> tuple[dict[str, str], str, str]:
        """The service's environment, its user, and the log."""
        strace = ["/usr/bin/strace", "-f", "-qq", *(tracing or ["-o", os.devnull])]
        line = [*strace, "/usr/sbin/chroot", *self.user, str(self.scene.directory), "/psm-entry", *options, "--", "/service"]
        environment = {"PATH": "/usr/sbin", "HTTPS_PROXY": "http://proxy:3128"}
        given = b"for the service"
        result = subprocess.run(line, env=environment, input=given, capture_output=True, timeout=60, check=False)
        assert result.returncode == 0, result.stderr.decode()
        *entries, user, read = result.stdout.decode().split("\0")
        assert read.encode() == given, "nobody but the service has read its standard input"
        return dict(entry.split("=", 1) for entry in entries), user, result.stderr.decode()

    def add_tool(self) -> None:
        """Debian's tool, which builds the store from the public CAs and the anchors."""
        self.scene.at(TOOL).parent.mkdir(parents=True)
        shutil.copy(self.scene.at("/service"), self.scene.at(TOOL))


def make_root(directory: Path, binary: Path) -> Root:
    scene = make_scene(directory, binary, has_store=True)
    shutil.copy(binary, scene.at("/psm-entry"))
    source = directory / "program.c"
    source.write_text(PROGRAM)
    line = ["gcc", "-static", "-Wall", "-Werror", "-o", scene.at("/service"), source]
    subprocess.run(line, timeout=60, check=True)
    scene.write("/usr/share/public.pem", authority("Public A").pem + authority("Public E").pem)
    scene.at(NATIVE_ANCHORS).mkdir(parents=True)
    scene.at("/tmp").mkdir()
    scene.at("/tmp").chmod(0o1777)
    return Root(scene, [])
