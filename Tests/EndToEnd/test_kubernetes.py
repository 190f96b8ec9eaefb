"""examples/kubernetes: valid for the published schemas, and run by `podman kube play`."""

import base64
import json
import re
import shlex
import shutil
import subprocess
import sys
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import certifi
import pytest
import yaml

import product
from conftest import REPOSITORY
from containers import HERE, Container, person, podman, succeed
from kubernetes_api import running_api
from network import wait_for
from pages import blocks

EXAMPLES = sorted((REPOSITORY / "examples/kubernetes").glob("*.yaml"))
AUTHORITIES = [path.name for path in EXAMPLES if path.name.startswith("corp-ca")]
MIRRORED = "mirror: https://origin.test/: 200 200"


def example(name):
    return yaml.safe_load((REPOSITORY / "examples/kubernetes" / name).read_text(encoding="utf-8"))


VERSIONS = ["1.32.0", "1.35.0", "1.37.0"]


FIRST_VERSIONS = {"cluster-trust-bundle.yaml": "1.33"}
"""The release of Kubernetes that introduced the kind."""


def versions_of(path: Path) -> list[str]:
    first = FIRST_VERSIONS.get(path.name, "1.0")
    return [version for version in VERSIONS if [int(part) for part in version.split(".")] >= [int(part) for part in first.split(".")]]


@pytest.mark.parametrize(
    ("path", "version"),
    [(path, version) for path in EXAMPLES for version in versions_of(path)],
    ids=lambda one: one.name if isinstance(one, Path) else one,
)
def test_the_manifest_fits_the_published_schema(path, version):
    tool = Path(sys.executable).with_name("kubernetes-validate")
    command = [tool, "--strict", "--kubernetes-version", version, path]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    told = "Couldn't find schema for kind Bundle" if "trust-manager" in path.name else "passed for resource"
    assert result.returncode == 0 and told in result.stdout + result.stderr


@pytest.fixture(scope="session")
def kubectl():
    """Runs kubectl 1.32 from Debian 13 and returns its standard output."""
    unpacked = subprocess.run([HERE / "debian-13-packages", "kubectl"], stdout=subprocess.PIPE, timeout=300, check=True)
    program = Path(unpacked.stdout.decode().strip()) / "usr/bin/kubectl"

    def run(*arguments, directory=None, **environment):
        command = [program, *arguments]
        result = subprocess.run(
            command, cwd=directory, env=person(**environment), capture_output=True, text=True, timeout=60, check=False
        )
        assert result.returncode == 0, result.stderr
        return result.stdout

    return run


def test_kubectl_is_the_version_that_is_meant(kubectl):
    assert json.loads(kubectl("version", "--client", "--output=json"))["clientVersion"]["gitVersion"].startswith("v1.32.")


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_kubectl_would_apply_the_manifest(kubectl, tmp_path, path):
    wanted = [(each["kind"].lower(), each["metadata"]["name"]) for each in yaml.safe_load_all(path.read_text())]
    with running_api(tmp_path) as configuration:
        told = kubectl("apply", "--dry-run=client", "--validate=false", "-f", path, KUBECONFIG=str(configuration))
    made = [re.fullmatch(r"([a-z]+)[\w.-]*/(\S+) created \(dry run\)", line) for line in told.splitlines()]
    assert [match and match.groups() for match in made] == wanted


def test_kustomize_takes_the_examples_as_a_base(kubectl, tmp_path):
    for path in EXAMPLES:
        shutil.copy(path, tmp_path)
    (tmp_path / "kustomization.yaml").write_text(
        yaml.safe_dump(
            {
                "resources": ["corp-ca.yaml", "proxy.yaml", "repo-worker.yaml"],
                "namePrefix": "test-",
                "images": [{"name": "psm-entry", "newName": "registry.corp/psm-entry", "newTag": "2"}],
            }
        )
    )
    made = {each["kind"]: each for each in yaml.safe_load_all(kubectl("kustomize", str(tmp_path)))}
    assert made.keys() == {"ConfigMap", "Secret", "Deployment"}
    volumes = json.dumps(made["Deployment"]["spec"]["template"]["spec"])
    assert '"test-corp-ca"' in volumes and '"test-proxy"' in volumes and '"registry.corp/psm-entry:2"' in volumes


def test_kubectl_makes_of_files_what_the_examples_are(kubectl, tmp_path):
    """The commands of docs/kubernetes.md, run by the real kubectl as far as possible without a cluster."""
    (tmp_path / "ca_certs").mkdir()
    (tmp_path / "ca_certs" / "corp-proxy-root.pem").write_text("the certificate")
    (tmp_path / "url").write_text("http://user:password@proxy.corp:8899")
    page = (REPOSITORY / "docs/kubernetes.md").read_text(encoding="utf-8")
    made = []
    for line in re.findall(r"^kubectl create .*$", page, re.M):
        command = [*shlex.split(line.split(" | ")[0].removesuffix(" --dry-run=client -o yaml"))]
        told = kubectl(*command[1:], "--dry-run=client", "--output=yaml", directory=tmp_path)
        made.append(yaml.safe_load(told))
    authorities, secret, again = made
    assert again == authorities
    assert authorities["metadata"]["name"] == example("corp-ca.yaml")["metadata"]["name"]
    assert authorities["data"].keys() == example("corp-ca.yaml")["data"].keys()
    assert secret["metadata"]["name"] == example("proxy.yaml")["metadata"]["name"]
    assert {key: base64.b64decode(value).decode() for key, value in secret["data"].items()} == example("proxy.yaml")["stringData"]


def test_the_init_container_writes_what_the_service_reads(image, binary, tmp_path, directory, lan_proxy):
    """write-bundle.yaml with podman, whose `kube play` does not support image volumes."""
    pod = example("write-bundle.yaml")["spec"]["template"]["spec"]
    (init,), (service,) = pod["initContainers"], pod["containers"]
    product.build_images(image)
    product.build_binary_image(binary, tmp_path)
    certs, trust = directory / "certs", directory / "trust"
    certs.mkdir()
    trust.mkdir()
    trust.chmod(0o2775)
    (certs / "corp.pem").write_bytes(lan_proxy.authority.pem)
    sources = {
        "psm-entry": f"type=image,source={product.BINARY_IMAGE}",
        "corp-ca": f"type=bind,source={certs},ro",
        "trust": f"type=bind,source={trust}",
        "tmp": "type=tmpfs",
    }
    user = pod["securityContext"]

    def run(container, *command):
        options = ["--rm", "--network", "none", "--read-only", "--cap-drop", "all", "--security-opt", "no-new-privileges"]
        options += ["--user", f"{user['runAsUser']}:{user['runAsGroup']}", "--entrypoint", ""]
        for mount in container["volumeMounts"]:
            options += ["--mount", f"{sources[mount['name']]},destination={mount['mountPath']}"]
        for variable in container.get("env", []):
            options += ["--env", f"{variable['name']}={variable['value']}"]
        return podman("run", *options, "psm/repo_api:1", *command)

    written = run(init, *init["command"])
    assert written.returncode == 0, written.stderr
    script = "import os, ssl; c = ssl.create_default_context(cafile=os.environ['SSL_CERT_FILE']); print(len(c.get_ca_certs()))"
    read = run(service, "/conda/bin/python", "-c", script)
    assert read.returncode == 0, read.stderr
    assert int(read.stdout) > 1
    assert lan_proxy.authority.pem in (trust / "ca.pem").read_bytes()
    (certs / "half.pem").write_bytes(lan_proxy.authority.pem[:-40])
    assert run(init, *init["command"]).returncode == 78


SERVICE_COMMAND = [product.ENTRYPOINT, "worker"]


def deployed_authorities(name, pem):
    """The ConfigMap in the cluster after its owner has filled it."""
    if name == "corp-ca-trust-manager.yaml":
        bundle = example(name)
        key = bundle["spec"]["target"]["configMap"]["key"]
        made = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": bundle["metadata"]["name"]}}
        return {**made, "data": {key: pem}}
    if name == "corp-ca-openshift.yaml":
        # It also contains the cluster's own CAs.
        return {**example(name), "data": {"ca-bundle.crt": Path(certifi.where()).read_text(encoding="utf-8") + pem}}
    given = example(name)
    return {**given, "data": dict.fromkeys(given["data"], pem)}


def manifests(name, authorities, proxy_url, source):
    """The examples with objects that stand in for the cluster, as the text of one file."""
    worker = example("repo-worker.yaml")
    worker["metadata"]["name"] = name
    # A ConfigMap of the other type is removed before podman has noticed its end.
    worker["metadata"]["annotations"] = {"io.podman.annotations.init.container.type": "always"}
    pod = worker["spec"]["template"]["spec"]
    pod["initContainers"][0]["image"] = product.BINARY_IMAGE
    service = pod["containers"][0]
    service.update(image="psm/repo_worker:1", args=SERVICE_COMMAND)
    service["env"].append({"name": "MIRROR_SOURCE", "value": source})
    # This podman mounts no Secret; a ConfigMap with the same text looks the same in the container.
    secret = example("proxy.yaml")
    data = dict.fromkeys(secret["stringData"], proxy_url)
    proxy = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": secret["metadata"], "data": data}
    for volume in pod["volumes"]:
        if "secret" in volume:
            volume["configMap"] = {"name": volume.pop("secret")["secretName"]}
    # Podman's volumes belong to the machine, not to the pod, so their names must be unique.
    maps = [volume["configMap"] for volume in pod["volumes"] if "configMap" in volume]
    mounts = [mount for each in (pod["initContainers"][0], service) for mount in each["volumeMounts"]]
    for named in (authorities["metadata"], proxy["metadata"], *maps, *pod["volumes"], *mounts):
        named["name"] += f"-{name}"
    return yaml.safe_dump_all([authorities, proxy, worker])


@pytest.fixture(scope="module")
def pods(image, binary, tmp_path_factory, lan_proxy, origin):
    """The service's container for each way of providing CAs. Podman waits 20 s after an init container, so all start at once."""
    directory = tmp_path_factory.mktemp("kubernetes")
    product.build_images(image)
    product.build_binary_image(binary, directory)
    run = uuid.uuid4().hex[:8]
    pem = lan_proxy.authority.pem.decode()
    wanted = {kind: deployed_authorities(kind, pem) for kind in AUTHORITIES}
    wanted["not a certificate"] = deployed_authorities("corp-ca.yaml", pem.replace("\n", " "))
    files = {}
    for number, (kind, authorities) in enumerate(wanted.items()):
        name = f"repo-worker-{run}-{number}"
        files[kind] = (name, directory / f"{name}.yaml")
        text = manifests(name, authorities, product.url_from_containers(lan_proxy), origin.url)
        files[kind][1].write_text(text, encoding="utf-8")
    with ThreadPoolExecutor() as pool:
        played = [pool.submit(succeed, "kube", "play", str(file), seconds=120) for _, file in files.values()]
        try:
            for each in played:
                each.result()
            yield {kind: Container(f"{name}-pod-0-repo-worker") for kind, (name, _) in files.items()}
        finally:
            names = [name for name, _ in files.values()]
            removal = ["pod", "rm", "--force", "--time", "0", "--ignore", *(f"{name}-pod-0" for name in names)]
            wait_for("the pods are gone", 60, lambda: podman(*removal).returncode == 0)
            made = succeed("volume", "ls", "--quiet").decode().split()
            podman("volume", "rm", "--force", *(volume for volume in made if volume.endswith(tuple(names))))


def said(box, text):
    return wait_for(f"{box.name} says {text}", 60, lambda: box.log() if text in box.log() else None)


def probed(box):
    """The results of the manifest's probes in the container: the active one, and the one in comments."""
    text = (REPOSITORY / "examples/kubernetes/repo-worker.yaml").read_text(encoding="utf-8")
    shown = yaml.safe_load(re.sub(r"^(          )# (readinessProbe:|  .*)$", r"\1\2", text, flags=re.M))
    service = shown["spec"]["template"]["spec"]["containers"][0]
    return [box.run(*service[name]["exec"]["command"]) for name in ("startupProbe", "readinessProbe")]


def test_readiness_by_check_is_opt_in():
    for path in EXAMPLES:
        assert "readinessProbe" not in json.dumps(example(path.name)), path.name


def test_the_variant_for_openshift_differs_in_users_alone():
    ours, theirs = example("repo-worker.yaml"), example("repo-worker-openshift.yaml")
    context = ours["spec"]["template"]["spec"]["securityContext"]
    for name in ("runAsUser", "runAsGroup", "fsGroup"):
        del context[name]
    assert theirs == ours


def test_a_changed_ca_is_a_rollout_where_kustomize_makes_the_config_map(kubectl, tmp_path):
    """The kustomization of docs/kubernetes.md: the ConfigMap's name contains a hash of its contents."""
    (text,) = [block.text for block in blocks(REPOSITORY / "docs/kubernetes.md") if "configMapGenerator" in block.text]
    (tmp_path / "kustomization.yaml").write_text(text, encoding="utf-8")
    shutil.copy(REPOSITORY / "examples/kubernetes/repo-worker.yaml", tmp_path)
    (tmp_path / "ca_certs").mkdir()

    def mounted(pem):
        (tmp_path / "ca_certs" / "corp-proxy-root.pem").write_text(pem)
        made = {each["kind"]: each for each in yaml.safe_load_all(kubectl("kustomize", str(tmp_path)))}
        name = made["ConfigMap"]["metadata"]["name"]
        volumes = made["Deployment"]["spec"]["template"]["spec"]["volumes"]
        assert name in [volume["configMap"]["name"] for volume in volumes if "configMap" in volume]
        return name

    assert mounted("one") != mounted("another")


@pytest.mark.parametrize("kind", AUTHORITIES)
def test_an_unchanged_image_mirrors_through_the_proxy(pods, kind):
    box = pods[kind]
    said(box, MIRRORED)
    assert box.read("/proc/1/cmdline").decode().split("\0")[-3:-1] == SERVICE_COMMAND
    assert [(each.returncode, each.stdout) for each in probed(box) if each.returncode != 0] == []


def test_the_service_is_nobody_on_a_read_only_root_and_its_manifest_holds_no_password(pods, lan_proxy):
    box = pods["corp-ca.yaml"]
    said(box, MIRRORED)
    status = dict(line.split(":\t", 1) for line in box.read("/proc/1/status").decode().splitlines())
    assert (status["Uid"].split()[0], status["Gid"].split()[0]) == ("1000", "0")
    assert {int(status[name], 16) for name in ("CapEff", "CapPrm", "CapInh", "CapBnd")} == {0}
    assert status["NoNewPrivs"] == "1"
    assert b"Read-only file system" in box.run("touch", "/opt/file").stderr
    environment = box.read("/proc/1/environ").decode().split("\0")
    assert f"HTTPS_PROXY={product.url_from_containers(lan_proxy)}" in environment
    assert "SSL_CERT_FILE=/tmp/psm-entry-1000/cacert.pem" in environment
    assert f":{lan_proxy.password}@" not in succeed("inspect", box.name).decode()


def test_the_probes_fail_where_a_mounted_file_is_no_certificate(pods):
    box = pods["not a certificate"]
    assert "PEM on one line" in said(box, "corp-proxy-root.pem")
    assert [each.returncode for each in probed(box)] == [1, 1]
