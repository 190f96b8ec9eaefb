"""The real Docker Engine and Compose: what podman and podman-compose do differently or not at all."""

import json
import shutil
from pathlib import Path

import pytest
import yaml

import product
from certificates import certificates_of
from conftest import REPOSITORY
from containers import BUNDLE, CERTS, HERE, SERVICE, Container
from docker_engine import load
from network import wait_for

MIRRORED = "mirror: https://origin.test/: 200 200"
TOOL = "/usr/bin/update-ca-trust"


class Product:
    """The product behind psm-entry with the override, which a test may change before it takes effect."""

    def __init__(self, project, binary, proxy_url):
        self.project, self.proxy_url = project, proxy_url
        shutil.copy(binary, project.directory)
        self.secret = project.directory / "proxy_url"
        self.secret.write_text(proxy_url + "\n", encoding="utf-8")
        self.secret.chmod(0o600)
        shown = (REPOSITORY / "examples/compose.override.yml").read_text(encoding="utf-8")
        shown = shown.replace("/opt/anaconda/repo/config/ca_certs", "./config/ca_certs")
        shown = shown.replace('["/usr/local/bin/service", ', f'["{product.ENTRYPOINT}", ')
        self.override = yaml.safe_load(shown)

    @property
    def worker(self):
        """The service in the override."""
        return self.override["services"]["repo_worker"]

    def up(self, *options):
        text = yaml.safe_dump(self.override)
        (self.project.directory / "docker-compose.override.yml").write_text(text, encoding="utf-8")
        self.project.compose("up", "--detach", "--no-deps", "--timeout", "2", *options, "repo_worker")
        return self.box()

    def box(self):
        return self.project.container("repo_worker")


@pytest.fixture
def behind(tmp_path, docker, image, binary, lan_proxy, origin):
    product.build_images(image, docker)
    proxy_url = product.url_from_containers(lan_proxy, docker)
    project = product.make_project(tmp_path, proxy_url, origin.url, docker)
    (project.certs / "ca_cert.pem").write_bytes(lan_proxy.authority.pem)
    yield Product(project, binary, proxy_url)
    project.compose("down", "--timeout", "0")


def test_every_worker_of_a_scale_is_prepared_a_killed_one_comes_back_and_down_leaves_none(behind, docker, lan_proxy):
    box = behind.up("--scale", "repo_worker=2")
    names = box.name.split()
    assert len(names) == 2
    for name in names:
        one = Container(name, engine=docker)
        one.service()
        assert lan_proxy.authority.der in certificates_of(one.read(BUNDLE))

    box = behind.up("--scale", "repo_worker=1")
    before = box.service().started
    bundle = box.read(BUNDLE)
    behind.project.compose("kill", "repo_worker")
    assert box.exit_status() == 128 + 9
    assert behind.up("--no-recreate").name == box.name
    assert box.service(after=before).pid == 1
    assert box.read(BUNDLE) == bundle
    assert box.log().count(f"{BUNDLE}: 1 certificate added") == 1

    behind.project.compose("down", "--timeout", "2")
    assert behind.box().name == ""


@pytest.fixture
def single(docker, image):
    """Starts single containers from the tests' image or another one."""
    load(docker, image)
    started = []

    def start(binary, certs, *options, command=(SERVICE,), of=image, entry=("/psm-entry", "--")):
        arguments = ["run", "--detach", "--volume", f"{certs}:{CERTS}:ro", "--volume", f"{binary}:/psm-entry:ro"]
        entrypoint = ["--entrypoint", entry[0]] if entry else []
        line = [*arguments, *entrypoint, *options, of, *entry[1:], *command]
        made = Container(docker.succeed(*line).decode().strip(), engine=docker)
        started.append(made)
        return made

    yield start
    for made in started:
        made.remove()


@pytest.mark.parametrize("target", ["service", "nonroot"])
def test_what_buildkit_builds_is_healthy_and_unhealthy_as_check_says(
    single, docker, image, binary, certs, second_proxy, tmp_path, target
):
    (tmp_path / "built").mkdir()
    shutil.copy(binary, tmp_path / "built" / "psm-entry")
    name = f"psm-entry-{target}"
    options = ["--build-context", f"build={tmp_path / 'built'}", "--build-arg", f"BASE={image}", "--target", target]
    recipe = (REPOSITORY / "Dockerfile.example").read_text(encoding="utf-8")
    assert "\n# HEALTHCHECK " in recipe, "it is opt-in: this is somebody who opts in"
    (tmp_path / "Dockerfile").write_text(recipe.replace("\n# HEALTHCHECK ", "\nHEALTHCHECK "), encoding="utf-8")
    product.build(docker, *options, "--file", str(tmp_path / "Dockerfile"), "--tag", name, str(tmp_path))
    assert json.loads(docker.succeed("image", "inspect", name))[0]["Config"]["Healthcheck"]["Interval"] == 60 * 10**9

    quick = ["--health-interval", "300ms", "--health-retries", "1", "--health-start-period", "0s"]
    box = single(binary, certs, *quick, "--name", name, of=name, entry=(), command=("sleep", "600"))

    def shows(health):
        shown = docker.succeed("ps", "--filter", f"name=^{name}$", "--format", "{{.Status}}").decode()
        return f"({health})" in shown

    wait_for("docker ps shows it healthy", 60, lambda: shows("healthy"))
    (certs / "ca_cert.pem").write_bytes(second_proxy.authority.pem)
    wait_for("docker ps shows it unhealthy", 60, lambda: shows("unhealthy"))
    said = box.state()["Health"]["Log"][-1]
    assert said["ExitCode"] == 1
    told = box.run("/psm-entry", "check")
    assert (told.returncode, told.stdout.decode()) == (1, said["Output"])
    docker.succeed("restart", "--time", "0", box.name)
    wait_for("docker ps shows it healthy again", 60, lambda: shows("healthy"))


@pytest.mark.parametrize(("mode", "owner", "readable"), [(0o600, 0, False), (0o600, 1000, True), (0o644, 0, True)])
def test_a_secret_of_a_file_has_the_owner_and_mode_that_the_file_has_on_the_host(behind, origin, mode, owner, readable):
    """Compose ignores the compose file's settings for them."""
    behind.worker["user"] = "1000"
    behind.worker["secrets"] = [{"source": "proxy_url", "uid": "1000", "gid": "0", "mode": 0o444}]
    behind.secret.chmod(mode)
    shutil.chown(behind.secret, owner)
    box = behind.up()
    behind.project.said("repo_worker", "mirror: ")
    if readable:
        assert MIRRORED in box.log()
        assert "HTTPS_PROXY_FILE" not in box.log()
    else:
        assert MIRRORED not in box.log()
        assert "error: HTTPS_PROXY_FILE: " in box.log() and "permission denied" in box.log()


def test_a_secret_of_the_environment_is_readable_by_any_user(behind):
    """The file on the host disappears: the secret comes from the environment of `docker compose`."""
    behind.secret.unlink()
    behind.worker["user"] = "1000"
    behind.override["secrets"]["proxy_url"] = {"environment": "PROXY_URL"}
    behind.project.variables["PROXY_URL"] = behind.proxy_url
    box = behind.up()
    behind.project.said("repo_worker", MIRRORED)
    assert box.run("stat", "--format", "%a", "/run/secrets/proxy_url").stdout == b"444\n"


def test_a_config_is_an_input_as_a_mounted_file_is(behind, second_proxy):
    branch = behind.project.directory / "branch.crt"
    branch.write_bytes(second_proxy.authority.pem)
    behind.override["configs"] = {"branch": {"file": "./branch.crt"}}
    behind.worker["configs"] = [{"source": "branch", "target": "/branch.crt"}]
    behind.worker["environment"]["PSM_ENTRY_CERTS"] = f"{CERTS}:/branch.crt"
    box = behind.up()
    behind.project.said("repo_worker", MIRRORED)
    assert second_proxy.authority.der in certificates_of(box.read(BUNDLE))
    assert box.run("/psm-entry", "check").returncode == 0


@pytest.mark.parametrize("user", ["0:0", "1000:0", "1000:1000"])
def test_a_read_only_root_with_a_place_for_temporary_files_serves(behind, user):
    behind.secret.chmod(0o644)
    behind.worker.update({"read_only": True, "user": user, "tmpfs": ["/tmp", "/run:mode=1777"]})
    box = behind.up()
    behind.project.said("repo_worker", MIRRORED)
    told = box.run("/psm-entry", "check")
    assert told.returncode == 0, told.stdout


@pytest.fixture
def slow_tool(tmp_path):
    """An update-ca-trust that waits for the file /run/go, and signals this with /run/waits."""
    path = tmp_path / "update-ca-trust"
    real = (HERE / "image" / "update-ca-trust").read_text(encoding="utf-8").partition("\n")[2]
    path.write_text(f"#!/bin/sh\n: >/run/waits\nuntil [ -e /run/go ]; do sleep 0.02; done\n{real}", encoding="utf-8")
    path.chmod(0o755)
    return f"{path}:{TOOL}:ro"


def waits(box):
    wait_for("the start waits for the tool", 30, lambda: box.run("test", "-e", "/run/waits").returncode == 0)


@pytest.mark.parametrize("init", [False, True])
@pytest.mark.parametrize("restart", ["no", "unless-stopped"])
def test_a_stop_during_a_start_ends_it_at_once(single, docker, binary, certs, slow_tool, init, restart):
    options = ["--volume", slow_tool, "--restart", restart, *(["--init"] if init else [])]
    box = single(binary, certs, *options)
    waits(box)
    docker.succeed("stop", "--time", "30", box.name)
    # Not 137: docker did not have to kill it.
    assert box.exit_status() == 128 + 15
    assert "service: ready" not in box.log()
    assert box.state()["Running"] is False


def test_an_exec_while_it_starts_is_told_that_it_is_not_ready_and_waits_for_no_service(
    single, docker, binary, certs, slow_tool
):
    box = single(binary, certs, "--volume", slow_tool)
    waits(box)
    assert box.run("/psm-entry", "check").returncode == 1
    assert box.run("/psm-entry", "plan").returncode == 2
    assert box.run("/bin/true").returncode == 0
    assert "service: ready" not in box.log()
    docker.succeed("exec", box.name, "touch", "/run/go")
    assert box.service().pid == 1
    told = box.run("/psm-entry", "check")
    assert told.returncode == 0, told.stdout
    assert box.run("/psm-entry", "plan").returncode == 0


def test_a_strict_start_that_fails_is_tried_as_often_as_docker_is_told_and_works_once_it_is_mended(
    single, docker, binary, certs, proxy
):
    whole = (certs / "ca_cert.pem").read_bytes()
    (certs / "ca_cert.pem").write_bytes(whole[:300])
    box = single(binary, certs, "--restart", "on-failure:2", "--env", "PSM_ENTRY_STRICT=on")

    def gave_up():
        about = json.loads(docker.succeed("container", "inspect", box.name))[0]
        return about if about["RestartCount"] == 2 and about["State"]["Status"] == "exited" else None

    about = wait_for("docker has tried it three times", 60, gave_up)
    assert about["State"]["ExitCode"] == 78
    assert "service: ready" not in box.log()
    assert box.log().count(f"error: {CERTS}/ca_cert.pem: ") == 3

    (certs / "ca_cert.pem").write_bytes(whole)
    docker.succeed("start", box.name)
    assert box.service().pid == 1
    assert proxy.authority.der in certificates_of(box.read(BUNDLE))


@pytest.mark.parametrize("is_emptied", [True, False], ids=["the override as it ships", "upper case alone"])
def test_the_secret_wins_over_the_proxies_that_docker_injects_from_its_configuration(behind, docker, is_emptied):
    """`proxies` in ~/.docker/config.json are set in every new container, in both cases, under their exact names."""
    if not is_emptied:
        del behind.worker["environment"]["http_proxy"], behind.worker["environment"]["https_proxy"]
    path = Path(docker.environment["DOCKER_CONFIG"]) / "config.json"
    other = "http://wrong:wrong@192.0.2.1:3128"
    proxies = {"httpProxy": other, "httpsProxy": other, "noProxy": "injected.corp"}
    path.write_text(json.dumps({"proxies": {"default": proxies}}), encoding="utf-8")
    try:
        box = behind.up()
    finally:
        path.unlink()
    raw = box.run("env").stdout.decode().splitlines()
    assert ("https_proxy=" if is_emptied else f"https_proxy={other}") in raw and "no_proxy=injected.corp" in raw
    behind.project.said("repo_worker", MIRRORED)
    variables = box.service().variables()
    assert {variables[name] for name in ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy")} == {behind.proxy_url}
    assert {"injected.corp", "keycloak"} <= set(variables["NO_PROXY"].split(","))
    assert "wrong:" not in box.log()
