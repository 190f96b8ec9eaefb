"""examples/compose.override.yml on a compose file like the product's: up, restart, recreate, another CA, down."""

import shutil
import subprocess

import pytest
import yaml

import product
from certificates import certificates_of
from conftest import REPOSITORY
from containers import BUNDLE, PODMAN, Container, person
from docker_engine import load

MIRRORED = "mirror: https://origin.test/: 200 200"


@pytest.fixture(params=["docker", "podman"])
def engine(request):
    return request.getfixturevalue("docker") if request.param == "docker" else PODMAN


@pytest.fixture
def project(tmp_path, image, lan_proxy, origin, engine):
    product.build_images(image, engine)
    made = product.make_project(tmp_path, product.url_from_containers(lan_proxy, engine), origin.url, engine)
    (made.certs / "ca_cert.pem").write_bytes(lan_proxy.authority.pem)
    yield made
    made.compose("down", "--timeout", "0")
    engine.run("network", "rm", "--force", f"{made.directory.name}_default")


def add_override(project, binary, secret):
    """The steps of docs/compose.md while the product runs."""
    shutil.copy(binary, project.directory)
    (project.directory / "proxy_url").write_text(secret + "\n", encoding="utf-8")
    override = project.run(str(REPOSITORY / "examples/compose-override"), project.engine.program)
    (project.directory / "docker-compose.override.yml").write_text(override, encoding="utf-8")


def test_the_override_lives_through_restarts_another_ca_and_new_containers_and_leaves_no_trace(
    project, binary, lan_proxy, second_proxy
):
    project.compose("up", "--detach")
    assert "CERTIFICATE_VERIFY_FAILED" in project.said("repo_worker", "mirror: ")

    add_override(project, binary, product.url_from_containers(lan_proxy, project.engine))
    project.compose("up", "--detach", "--timeout", "2")
    project.said("repo_worker", MIRRORED)
    worker = project.container("repo_worker").service()
    assert worker.pid == 1
    assert worker.arguments == ["/usr/local/bin/service", "worker"]
    assert project.container("repo_api").service().arguments[1:] == ["api"]
    variables = worker.variables()
    assert variables["HTTPS_PROXY"] == variables["https_proxy"] == product.url_from_containers(lan_proxy, project.engine)
    assert {"repo_api", "postgres", "keycloak"} <= set(variables["NO_PROXY"].split(","))
    assert lan_proxy.password not in project.run(project.engine.program, "inspect", project.container("repo_worker").name)

    stamp = ("stat", "--format", "%i %y %z", BUNDLE)
    before = project.container("repo_worker").run(*stamp).stdout
    project.compose("restart", "repo_worker")
    project.said("repo_worker", MIRRORED, times=2)
    assert project.container("repo_worker").run(*stamp).stdout == before

    bundle = project.container("repo_worker").read(BUNDLE)
    project.compose("up", "--detach", "--force-recreate", "--timeout", "2")
    project.said("repo_worker", MIRRORED)
    assert project.container("repo_worker").read(BUNDLE) == bundle

    (project.certs / "ca_cert.pem").write_bytes(second_proxy.authority.pem)
    project.compose("restart", "repo_worker")
    assert "CERTIFICATE_VERIFY_FAILED" in project.said("repo_worker", "mirror: ", times=2)
    held = certificates_of(project.container("repo_worker").read(BUNDLE))
    assert second_proxy.authority.der in held
    assert lan_proxy.authority.der not in held

    (project.directory / "docker-compose.override.yml").unlink()
    project.compose("up", "--detach", "--timeout", "2")
    box = project.container("repo_worker")
    assert box.service().arguments == ["/usr/local/bin/service", "worker"]
    assert second_proxy.authority.der not in certificates_of(box.read(BUNDLE))
    assert "psm-entry" not in box.log()


def test_the_services_reach_each_other_without_the_proxy(project, binary, lan_proxy):
    project.compose("up", "--detach", "repo_worker")
    add_override(project, binary, product.url_from_containers(lan_proxy, project.engine))
    project.compose("up", "--detach", "--timeout", "2", "repo_worker")
    project.said("repo_worker", MIRRORED)
    api, worker = project.container("repo_api"), project.container("repo_worker")
    project.engine.run("exec", "--detach", api.name, "/conda/bin/python", "-m", "http.server", "--directory", "/conda/ssl", "8080")
    fetch = ["curl", "--silent", "--retry-connrefused", "--retry", "20", "--max-time", "30", "--output", "/dev/null"]
    fetch += ["--write-out", "%{http_code} %{remote_port}", "http://repo_api:8080/cacert.pem"]
    before = len(lan_proxy.requests())
    result = worker.run("/psm-entry", "--log", "quiet", "--", *fetch)
    assert result.stdout == b"200 8080", result.stderr
    assert len(lan_proxy.requests()) == before


SCRIPT = REPOSITORY / "examples/compose-override"


def asked(directory, programs, *arguments, **variables):
    """Runs the script with only these programs in PATH, in addition to the shell's own."""
    for name in ("sh", "sed", "awk", "head", "dirname", "sort", "tr"):
        (directory / name).symlink_to(shutil.which(name))
    for name, text in programs.items():
        (directory / name).write_text(f"#!/bin/sh\n{text}\n")
        (directory / name).chmod(0o755)
    return subprocess.run(
        [SCRIPT, *arguments], env={"PATH": str(directory), **variables}, capture_output=True, timeout=60, check=False
    )


def test_services_of_other_names_are_named_by_variables(tmp_path):
    for name in ("wrong", "right"):
        (tmp_path / name).mkdir()
    has_workers_only_by_label = HAS_CONTAINERS.replace("ps) echo", "ps) case $* in *=web*|*=jobs_repo_api*) ;; *) exit 0 ;; esac; echo")
    told = asked(tmp_path / "wrong", {"docker": has_workers_only_by_label})
    assert told.returncode == 1
    assert "if its services have other names, set API_SERVICE and WORKER_SERVICE" in told.stderr.decode()
    # One new name contains an old one.
    names = {"API_SERVICE": "web", "WORKER_SERVICE": "jobs_repo_api"}
    told = asked(tmp_path / "right", {"docker": has_workers_only_by_label}, **names)
    assert told.returncode == 0, told.stderr
    override = yaml.safe_load(told.stdout)
    assert set(override["services"]) == {"web", "jobs_repo_api"}
    assert override["services"]["web"]["command"] == ["/bin/service", "it"]
    no_proxy = override["services"]["web"]["environment"]["PSM_ENTRY_NO_PROXY"].split(",")
    assert {"web", "jobs_repo_api"} <= set(no_proxy) and "repo_worker" not in no_proxy


HAS_CONTAINERS = """case $1 in
ps) echo 0123456789ab ;;
*) case $3 in *Path*) echo '["/bin/service", "it"]' ;; *) echo /srv/ca_certs ;; esac ;;
esac"""
NO_DAEMON = "echo 'Cannot connect to the Docker daemon' >&2; exit 1"


@pytest.mark.parametrize(
    ("programs", "variables"),
    [
        ({"docker": HAS_CONTAINERS, "podman": "exit 0"}, {}),
        ({"docker": NO_DAEMON, "podman": HAS_CONTAINERS}, {}),
        ({"docker": "exit 0", "podman": HAS_CONTAINERS}, {}),
        ({"docker": NO_DAEMON, "podman": HAS_CONTAINERS}, {"ENGINE": "podman"}),
    ],
    ids=["docker", "docker's client without its daemon", "a docker without the containers", "named"],
)
def test_the_engine_that_has_the_containers_is_asked(tmp_path, programs, variables):
    told = asked(tmp_path, programs, **variables)
    assert told.returncode == 0, told.stderr
    services = yaml.safe_load(told.stdout)["services"]
    assert services["repo_worker"]["command"] == ["/bin/service", "it"]
    assert "/srv/ca_certs" in told.stdout.decode()


TWO_PROJECTS = """case "$*" in
ps*project=staging*) echo 1 ;;
ps*) echo 1; echo 2 ;;
*.project*) echo staging; echo prod ;;
*Path*) echo '["/bin/service", "it"]' ;;
*) echo /srv/ca_certs ;;
esac"""


@pytest.mark.parametrize(("programs", "is_one"), [(TWO_PROJECTS, False), (TWO_PROJECTS.replace("echo prod", "echo staging"), True)])
def test_the_services_of_two_projects_are_not_mixed_up(tmp_path, programs, is_one):
    for name in ("any", "named"):
        (tmp_path / name).mkdir()
    told = asked(tmp_path / "any", {"docker": programs})
    assert (told.returncode == 0) == is_one
    expected = "several projects have a service repo_api: prod staging; set COMPOSE_PROJECT_NAME to one of them"
    assert (expected in told.stderr.decode()) == (not is_one)
    assert asked(tmp_path / "named", {"docker": programs}, COMPOSE_PROJECT_NAME="staging").returncode == 0


@pytest.mark.parametrize(
    ("programs", "arguments", "words"),
    [
        ({}, [], "neither docker nor podman is in PATH"),
        ({"docker": NO_DAEMON, "podman": "exit 0"}, [], "no container of repo_worker (asked: docker podman)"),
        ({"docker": NO_DAEMON}, ["docker"], "docker cannot be asked"),
        ({"docker": HAS_CONTAINERS}, ["--nosuch"], "unknown option --nosuch"),
        ({"docker": HAS_CONTAINERS}, ["/root/psm-entry-0.1.0/examples/compose-override"], "not an engine: /root/"),
    ],
    ids=["no engine", "no container", "no daemon", "no such option", "two releases in one directory"],
)
def test_a_failure_is_loud_and_keeps_compose_from_nothing(tmp_path, programs, arguments, words):
    told = asked(tmp_path, programs, *arguments)
    assert told.returncode == 1
    assert told.stderr.decode().splitlines()[-1].startswith("compose-override: error: ")
    assert words in told.stderr.decode()
    assert yaml.safe_load(told.stdout) == {"services": {}}


def test_behind_transparent_inspection_no_secret_and_no_variable_is_asked_for(tmp_path):
    with_proxy, without = tmp_path / "with", tmp_path / "without"
    with_proxy.mkdir()
    without.mkdir()
    full = yaml.safe_load(asked(with_proxy, {"docker": HAS_CONTAINERS}).stdout)
    told = asked(without, {"docker": HAS_CONTAINERS}, "--no-proxy")
    bare = yaml.safe_load(told.stdout)
    for service in full["services"].values():
        assert service.pop("environment") and service.pop("secrets")
    assert full.pop("secrets")
    for block in ("environment", "secrets"):
        assert full["x-psm-entry"].pop(block)
    assert bare == full
    assert "proxy_url" not in told.stdout.decode().split("services:")[1]


@pytest.mark.parametrize("init", [[], ["--init"]])
def test_the_script_restates_any_command_also_where_the_override_is_in_force(tmp_path, image, binary, engine, init):
    """Compose's own $ is doubled, and characters that JSON escapes stay escaped."""
    command = ["/bin/sh", "-c", "exec sleep 1h", "$HOME", 'a "quoted" & back\\slash', "--"]
    if engine is not PODMAN:
        load(engine, image)
    started = []
    for service, front in (("repo_api", []), ("repo_worker", ["/psm-entry", "--"])):
        label = f"com.docker.compose.service={service}"
        options = [*init, "--network", "none", "--label", label, "--volume", f"{binary}:/psm-entry:ro"]
        started.append(engine.succeed("run", "--detach", *options, image, *front, *command).decode().strip())
    try:
        override = product.Project(tmp_path, {}, engine).run(str(SCRIPT), engine.program)
    finally:
        for name in started:
            Container(name, engine=engine).remove()
    services = yaml.safe_load(override)["services"]
    wanted = [word.replace("$", "$$") for word in command]
    assert [services[name]["command"] for name in ("repo_api", "repo_worker")] == [wanted, wanted]
    assert services["repo_api"]["entrypoint"] == ["/psm-entry", "--"]


def test_the_script_keeps_compose_working_where_nothing_was_started(directory):
    """Its output goes to the override file, which must not be empty."""
    empty = directory / "docker"
    empty.write_text("#!/bin/sh\nexec podman --root $0-root --runroot $0-run \"$@\"\n")
    empty.chmod(0o755)
    shell = person(directory, CONTAINERS_CONF=PODMAN.environment["CONTAINERS_CONF"])
    told = subprocess.run([SCRIPT, "docker"], env=shell, capture_output=True, timeout=60, check=False)
    assert told.returncode == 1
    assert yaml.safe_load(told.stdout) == {"services": {}}
    assert b"no container of repo_api in docker; start the product first" in told.stderr


def test_the_override_works_behind_composes_own_init(project, binary, lan_proxy):
    project.compose("up", "--detach", "repo_worker")
    add_override(project, binary, product.url_from_containers(lan_proxy, project.engine))
    path = project.directory / "docker-compose.override.yml"
    override = yaml.safe_load(path.read_text(encoding="utf-8"))
    override["services"]["repo_worker"]["init"] = True
    path.write_text(yaml.safe_dump(override), encoding="utf-8")
    project.compose("up", "--detach", "--timeout", "2", "repo_worker")
    project.said("repo_worker", MIRRORED)
    box = project.container("repo_worker")
    worker = box.service()
    assert worker.pid != 1
    assert worker.arguments == ["/usr/local/bin/service", "worker"]
    assert box.run("cat", "/proc/1/task/1/children").stdout.split() == [str(worker.pid).encode()]
