"""The part of a Kubernetes API server that `kubectl apply --dry-run=client` needs: the kinds of objects, and no existing object."""

import contextlib
import http.server
import json
import threading
from collections.abc import Iterator
from pathlib import Path

RESOURCES = {
    "v1": {"configmaps": "ConfigMap", "secrets": "Secret"},
    "apps/v1": {"deployments": "Deployment"},
    "trust.cert-manager.io/v1alpha1": {"bundles": "Bundle"},
    "certificates.k8s.io/v1beta1": {"clustertrustbundles": "ClusterTrustBundle"},
}
OF_THE_CLUSTER = {"Bundle", "ClusterTrustBundle"}
"""Kinds without a namespace."""


def _answer(path: str) -> dict[str, object] | None:
    if path == "/api":
        return {"kind": "APIVersions", "versions": ["v1"]}
    if path == "/apis":
        groups = []
        for group, version in (name.split("/") for name in RESOURCES if "/" in name):
            entry = {"groupVersion": f"{group}/{version}", "version": version}
            groups.append({"name": group, "versions": [entry], "preferredVersion": entry})
        return {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}
    resources = RESOURCES.get(path.removeprefix("/apis/").removeprefix("/api/"))
    if resources is None:
        return None
    verbs = ["create", "get", "list", "patch"]
    listed = [{"name": name, "kind": kind, "namespaced": kind not in OF_THE_CLUSTER, "verbs": verbs} for name, kind in resources.items()]
    group_version = path.removeprefix("/apis/").removeprefix("/api/")
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": group_version, "resources": listed}


class _Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        answer = _answer(self.path.partition("?")[0])
        missing = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "NotFound", "code": 404}
        body = json.dumps(answer or missing).encode()
        self.send_response(200 if answer else 404)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextlib.contextmanager
def running_api(directory: Path) -> Iterator[Path]:
    """Returns the path of a kubeconfig."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    path = directory / "kubeconfig"
    configuration = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "tests", "cluster": {"server": f"http://127.0.0.1:{server.server_address[1]}"}}],
        "contexts": [{"name": "tests", "context": {"cluster": "tests", "user": ""}}],
        "current-context": "tests",
    }
    path.write_text(json.dumps(configuration), encoding="utf-8")
    try:
        yield path
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=5)
