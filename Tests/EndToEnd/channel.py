"""A conda channel served by the origin: repodata, and the packages python and pandas."""

import hashlib
import io
import json
import tarfile

SPECS = ("python", "pandas")


def _package(name: str, depends: list[str]) -> tuple[bytes, dict[str, object]]:
    """A package's archive, and its entry in repodata."""
    index = {"name": name, "version": "1.0", "build": "0", "build_number": 0, "depends": depends}
    index |= {"subdir": "noarch", "arch": None, "platform": None}
    text = f"{name} stands here\n".encode()
    paths = [{"_path": f"share/{name}", "path_type": "hardlink", "sha256": hashlib.sha256(text).hexdigest()}]
    paths[0]["size_in_bytes"] = len(text)
    files = {
        "info/index.json": json.dumps(index).encode(),
        "info/paths.json": json.dumps({"paths": paths, "paths_version": 1}).encode(),
        "info/files": f"share/{name}\n".encode(),
        f"share/{name}": text,
    }
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w:bz2") as tar:
        for path, content in files.items():
            member = tarfile.TarInfo(path)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    packed = archive.getvalue()
    described = index | {"size": len(packed), "sha256": hashlib.sha256(packed).hexdigest()}
    return packed, described | {"md5": hashlib.md5(packed, usedforsecurity=False).hexdigest()}


def pages(directory: str) -> dict[str, bytes]:
    """The channel in `directory`; conda's other forms of repodata are missing."""
    archives, described = {}, {}
    for name, depends in (("python", []), ("pandas", ["python"])):
        file = f"{name}-1.0-0.tar.bz2"
        archives[f"{directory}/noarch/{file}"], described[file] = _package(name, depends)
    repodata = {"info": {"subdir": "noarch"}, "packages": described, "packages.conda": {}, "repodata_version": 1}
    return {f"{directory}/noarch/repodata.json": json.dumps(repodata).encode(), **archives}
