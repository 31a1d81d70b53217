"""The Dockerfile and the compose file, built and run by the engine of this machine, on a base made without a network.

The engine may have neither a bridge nor a registry that it could ask: containers run in the network of the host, or in
one of their own with loopback only, and everything is installed from wheels that pip brought here.
"""

import http.client
import json
import shutil
import socket
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import docker
import pytest
from docker.models.containers import Container

from nscr_cli.client.monitoring import Monitor
from tests.e2e.conftest import clean_environment
from tests.e2e.ports import unclaimed_port

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.needs("root", "docker-engine", "debootstrap", "skopeo"),
    # The SDK leaves the engine's socket to the garbage collector.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

ROOT = Path(__file__).parents[2]
LEFT_OUT = {"var/cache/apt", "var/lib/apt", "usr/share/doc", "usr/share/locale", "usr/share/man"}
USER, SECRET = "ann", "a:b c"
HARDENED = {
    "read_only": True, "tmpfs": {"/tmp": ""},  # noqa: S108 - the container's
    "cap_drop": ["ALL"], "security_opt": ["no-new-privileges:true"],
}  # fmt: skip
SECOND_NS = 1_000_000_000

Run = Callable[..., Container]


def digest_of(image: str) -> str:
    inspect = ["skopeo", "inspect", "--tls-verify=false", f"--creds={USER}:{SECRET}", "--format={{.Digest}}", image]
    return subprocess.run(inspect, check=True, capture_output=True, text=True).stdout.strip()


def wait_until(fact: Callable[[], bool], *, seconds: float = 90) -> None:
    """Wait for what the engine does."""
    began = time.monotonic()
    while not fact():
        assert time.monotonic() - began < seconds, "it never came"
        time.sleep(0.05)


@pytest.fixture(scope="module")
def engine() -> Iterator[docker.DockerClient]:
    client = docker.from_env(timeout=300)
    yield client
    client.close()


@pytest.fixture(scope="module")
def base(engine: docker.DockerClient, debian_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A small Debian with Python as an image."""
    archive = tmp_path_factory.mktemp("base") / "base.tar"
    with tarfile.open(archive, "w") as file:
        file.add(debian_root, arcname=".", filter=lambda one: None if one.name[2:] in LEFT_OUT else one)
    name = f"nscr-test-base:{uuid4().hex}"
    engine.api.import_image(src=str(archive), repository=name)
    yield name
    engine.images.remove(name, force=True)


@pytest.fixture(scope="module")
def image(engine: docker.DockerClient, base: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The image of the Dockerfile; its context has what .dockerignore lets through, and wheels."""
    context = tmp_path_factory.mktemp("image") / "context"
    context.mkdir()
    for name in (ROOT / ".dockerignore").read_text().split():
        source = ROOT / name.removeprefix("!")
        if name.startswith("!") and source.exists():
            (context / name[1:]).parent.mkdir(exist_ok=True)
            if source.is_dir():
                shutil.copytree(source, context / name[1:], ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(source, context / name[1:])
    for name in ("Dockerfile", ".dockerignore"):
        shutil.copy(ROOT / name, context)
    # nscr's wheel is built from the context, as the Dockerfile does it with a network: so nothing is missing there.
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check", "--wheel-dir",
         str(context / "wheels"), str(context), "pip"],
        check=True, env=clean_environment(),
    )  # fmt: skip
    name, stage = f"nscr-test:{uuid4().hex}", f"nscr-test-stage:{uuid4().hex}"
    how = {"path": str(context), "buildargs": {"BASE": base}, "network_mode": "none", "forcerm": True}
    engine.images.build(tag=stage, target="build", **how)  # under a name, to be removed by it
    engine.images.build(tag=name, **how)
    yield name
    for each in (name, stage):
        engine.images.remove(each, force=True)


@pytest.fixture
def run(engine: docker.DockerClient, image: str) -> Iterator[Run]:
    """Runs a container of the image, hardened as in compose.yaml, in the network of the host."""
    containers: list[Container] = []
    volume = engine.volumes.create(f"nscr-test-{uuid4().hex}")

    def run_one(*command: str, **environment: str) -> Container:
        container = engine.containers.run(
            image, list(command) or None, detach=True, network_mode="host", environment=environment,
            volumes={volume.name: {"bind": "/var/lib/nscr"}}, healthcheck={"interval": SECOND_NS}, **HARDENED,
        )  # fmt: skip
        containers.append(container)
        return container

    yield run_one
    for container in containers:
        container.remove(force=True)
    volume.remove()


def serve(run: Run) -> tuple[Container, str]:
    """A healthy registry and its host and port."""
    port = unclaimed_port()
    container = run(NSCR_PORT=str(port), NSCR_AUTH_USERNAME=USER, NSCR_AUTH_PASSWORD=SECRET)
    wait_until(lambda: health(container) == "healthy")
    return container, f"127.0.0.1:{port}"


def health(container: Container) -> str:
    container.reload()
    assert container.status == "running", container.logs().decode()
    return str(container.attrs["State"]["Health"]["Status"])


def test_the_image(engine: docker.DockerClient, image: str, base: str) -> None:
    size, below = (engine.images.get(name).attrs["Size"] for name in (image, base))
    print(json.dumps({"MB": round(size / 1e6), "MB on its base": round((size - below) / 1e6)}))
    assert size - below < 100_000_000
    config = engine.images.get(image).attrs["Config"]
    assert (config["User"], list(config["ExposedPorts"]), list(config["Volumes"])) == (
        "65532:65532", ["7000/tcp"], ["/var/lib/nscr"],
    )  # fmt: skip
    assert config["Labels"]["org.opencontainers.image.title"] == "nscr"
    printed = engine.containers.run(
        image, ["-u"], entrypoint="id", network_mode="none", remove=True, tmpfs={"/var/lib/nscr": ""}
    )
    assert printed == b"65532\n"


def test_without_credentials_it_does_not_start_where_others_could_reach_it(run: Run) -> None:
    container = run(NSCR_PORT="0")
    assert container.wait()["StatusCode"] == 2
    assert b"authentication is off" in container.logs()


def test_it_is_healthy_takes_images_drains_and_keeps_them(run: Run, base: str, tmp_path: Path) -> None:
    container, host_port = serve(run)
    image = f"docker://{host_port}/team/base:1"
    subprocess.run(
        ["skopeo", "copy", "--quiet", "--dest-tls-verify=false", f"--dest-creds={USER}:{SECRET}",
         f"docker-daemon:{base}", image],
        check=True,
    )  # fmt: skip
    digest = digest_of(image)
    with Monitor(host_port, USER, SECRET) as monitor:
        assert monitor.get_registry_state().repositories[0].tags == ["1"]
        # Under way when SIGTERM comes: it is finished, and then the registry ends.
        location = start_upload(host_port)
        connection = http.client.HTTPConnection(host_port, timeout=60)
        connection.putrequest("PATCH", location)
        for name, value in (*AUTHORIZED.items(), ("Content-Length", "20")):
            connection.putheader(name, value)
        connection.endheaders(b"0123456789")
        wait_until(lambda: monitor.get_sessions().active_sessions[0].blob_count == 0)
        container.kill("SIGTERM")
        wait_until(lambda: is_closed(host_port))
        connection.send(b"0123456789")
        reply = connection.getresponse()
        assert (reply.status, reply.headers["Range"]) == (202, "0-19")
        connection.close()
        assert container.wait()["StatusCode"] == 0
        container.start()
        wait_until(lambda: health(container) == "healthy")
        assert digest_of(image) == digest
        assert monitor.get_sessions().active_sessions[0].bytes_received == 20
        subprocess.run(
            ["skopeo", "copy", "--quiet", "--src-tls-verify=false", f"--src-creds={USER}:{SECRET}", image,
             f"dir:{tmp_path}/pulled"],
            check=True,
        )  # fmt: skip


def test_the_health_check_fails_with_the_registry(run: Run) -> None:
    container, _ = serve(run)
    for environment, works in (
        ({}, True),
        ({"NSCR_AUTH_PASSWORD": "wrong"}, False),
        ({"NSCR_PORT": "1"}, False),
        ({"NSCR_AUTH_PASSWORD": ""}, True),  # as with an htpasswd file: it answers, more cannot be known
    ):
        done = container.exec_run(["python", "-m", "nscr.healthcheck"], environment=environment)
        assert (done.exit_code == 0) == works, done.output
        assert SECRET.encode() not in done.output


@pytest.mark.needs("docker-compose")
def test_compose(engine: docker.DockerClient, image: str, tmp_path: Path) -> None:
    (tmp_path / "override.yaml").write_text(
        f"""
services:
  registry:
    image: {image}
    network_mode: none # where the engine has no bridge: loopback only, and the other one joins it there
    healthcheck:
      interval: 1s
  watch:
    image: {image}
    network_mode: service:registry
    command: ["watch", "--registry-url", "http://127.0.0.1:7000", "--interval", "500ms"]
"""
    )
    project = f"nscr-test-{uuid4().hex}"

    def compose(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["docker-compose", "-p", project, "-f", str(ROOT / "compose.yaml"), "-f", str(tmp_path / "override.yaml"),
             *words],
            capture_output=True, text=True, check=False, timeout=180, env=clean_environment(environment),
        )  # fmt: skip

    refused = compose("up", "--no-build", "-d")
    assert refused.returncode != 0
    assert "set it in the environment or in .env" in refused.stdout + refused.stderr
    secret = {"NSCR_AUTH_PASSWORD": SECRET}
    try:
        up = compose("up", "--no-build", "-d", **secret)
        assert up.returncode == 0, up.stdout + up.stderr
        found = engine.containers.list(filters={"label": f"com.docker.compose.project={project}"})
        services = {one.labels["com.docker.compose.service"]: one for one in found}
        assert services.keys() == {"registry", "watch"}
        assert health(services["registry"]) == "healthy"  # the other one waited for that
        wait_until(lambda: services["watch"].logs().count(b" healthy ") >= 2)
        assert b"repositories" in services["watch"].logs()
        for one in services.values():
            one.stop(timeout=20)
        codes = {name: one.wait()["StatusCode"] for name, one in services.items()}
        assert codes["registry"] == 0
        assert codes["watch"] != 137  # it ended by itself
    finally:
        down = compose("down", "-v", "--timeout", "20", **secret)
    assert down.returncode == 0, down.stdout + down.stderr


AUTHORIZED = {"Authorization": "Basic YW5uOmE6YiBj"}


def start_upload(host_port: str) -> str:
    connection = http.client.HTTPConnection(host_port, timeout=30)
    connection.request("POST", "/v2/team/base/blobs/uploads/", headers=AUTHORIZED)
    location = connection.getresponse().headers["Location"]
    connection.close()
    return str(location)


def is_closed(host_port: str) -> bool:
    """Nobody is let in any more."""
    host, port = host_port.split(":")
    with socket.socket() as probe:
        return probe.connect_ex((host, int(port))) != 0
