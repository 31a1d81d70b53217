"""Every client that people push with, with authentication on: pulls, pushes, mounts, and finds nothing once deleted.

One image goes by each client from one registry to another repository of it, where a mount must spare the upload, and
to a second registry, where every blob must be uploaded; there it is forgotten, pulled back, deleted and missed. Only
images that the test made are touched, in storage of its own where the client allows.
"""

import gzip
import hashlib
import io
import json
import subprocess
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol

import httpx
import pytest

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.needs("root", "skopeo")]

USER, PASSWORD = "tester", "a:b c"
CREDENTIALS = f"{USER}:{PASSWORD}"


class Client(Protocol):
    """Images are host:port/repository:tag; each verb raises where the program fails."""

    def pull(self, image: str) -> None: ...

    def push(self, image: str, target: str) -> None:
        """Push an image that was pulled under another name, and keep no such name here."""

    def forget(self, *images: str) -> None: ...


def run(*arguments: str | Path) -> str:
    done = subprocess.run(arguments, capture_output=True, text=True, check=False, timeout=120)
    if done.returncode:
        error = subprocess.CalledProcessError(done.returncode, arguments, done.stdout, done.stderr)
        error.add_note(done.stderr)
        raise error
    return done.stdout.strip()


class Skopeo:
    """Holds images in folders of its own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def _layout(self, image: str) -> str:
        return f"dir:{self._folder}/{hashlib.sha256(image.encode()).hexdigest()}"

    def pull(self, image: str) -> None:
        run("skopeo", "copy", "--src-tls-verify=false", "--src-creds", CREDENTIALS, f"docker://{image}",
            self._layout(image))  # fmt: skip

    def push(self, image: str, target: str) -> None:
        run("skopeo", "copy", "--src-tls-verify=false", "--dest-tls-verify=false", "--src-creds", CREDENTIALS,
            "--dest-creds", CREDENTIALS, f"docker://{image}", f"docker://{target}")  # fmt: skip

    def forget(self, *images: str) -> None:
        for image in images:
            run("rm", "-r", self._layout(image).removeprefix("dir:"))


class ContainersTool:
    """podman and buildah, which take the same words."""

    def __init__(self, program: str, folder: Path, run_folder: Path) -> None:
        self._command = (program, "--root", folder, "--runroot", run_folder, "--storage-driver", "vfs")

    def pull(self, image: str) -> None:
        run(*self._command, "pull", "--quiet", "--creds", CREDENTIALS, "--tls-verify=false", image)

    def push(self, image: str, target: str) -> None:
        run(*self._command, "push", "--creds", CREDENTIALS, "--tls-verify=false", image, f"docker://{target}")

    def forget(self, *images: str) -> None:
        run(*self._command, "rmi", "--force", *images)


class Ctr:
    """containerd's own client, with a daemon of its own."""

    def __init__(self, address: Path) -> None:
        self._command = ("ctr", "--address", address, "images")

    def pull(self, image: str) -> None:
        run(*self._command, "pull", "--plain-http", "--user", CREDENTIALS, "--snapshotter", "native", image)

    def push(self, image: str, target: str) -> None:
        run(*self._command, "tag", "--force", image, target)
        run(*self._command, "push", "--plain-http", "--user", CREDENTIALS, target)
        self.forget(target)

    def forget(self, *images: str) -> None:
        run(*self._command, "rm", "--sync", *images)


class Docker:
    """The engine of this machine, by its command."""

    def __init__(self, folder: Path, *registries: str) -> None:
        self._command = ("docker", "--config", folder)
        for registry in registries:
            run(*self._command, "login", "--username", USER, "--password", PASSWORD, registry)

    def pull(self, image: str) -> None:
        run(*self._command, "pull", "--quiet", image)

    def push(self, image: str, target: str) -> None:
        run(*self._command, "tag", image, target)
        run(*self._command, "push", "--quiet", target)
        self.forget(target)

    def forget(self, *images: str) -> None:
        run(*self._command, "rmi", "--force", *images)


@pytest.fixture
def registries(serve: Any) -> tuple[Any, Any]:
    flags = ("--username", USER, "--password", PASSWORD, "--log-level", "debug")
    return serve(*flags), serve(*flags)


@pytest.fixture
def containerd(tmp_path: Path) -> Iterator[Path]:
    """The socket of a daemon that keeps everything below a folder of the test."""
    socket, configuration = tmp_path / "containerd.sock", tmp_path / "containerd.toml"
    configuration.write_text(
        f'version = 2\nroot = "{tmp_path}/root"\nstate = "{tmp_path}/state"\n'
        'disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.snapshotter.v1.devmapper"]\n'
        f'[grpc]\naddress = "{socket}"\n[ttrpc]\naddress = "{socket}.ttrpc"\n'
    )
    with (tmp_path / "containerd.log").open("w+") as log:
        daemon = subprocess.Popen(["containerd", "--config", configuration], stdout=log, stderr=subprocess.STDOUT)
        try:
            # `ctr version` waits for the daemon to answer, up to its time-out.
            run("ctr", "--address", socket, "--connect-timeout", "30s", "--timeout", "30s", "version")
            yield socket
        finally:
            daemon.terminate()
            daemon.wait(timeout=30)


Make = Callable[[], Client]


@pytest.fixture
def short_folder() -> Iterator[Path]:
    """podman takes no run folder whose path is longer than 50 characters."""
    with TemporaryDirectory(prefix="nscr-") as folder:
        yield Path(folder)


@pytest.fixture
def clients(
    request: pytest.FixtureRequest, tmp_path: Path, short_folder: Path, registries: tuple[Any, Any]
) -> dict[str, Make]:
    """How to make each client; a daemon is started only for the one that needs it."""
    return {
        "skopeo": lambda: Skopeo(tmp_path),
        "podman": lambda: ContainersTool("podman", tmp_path / "podman", short_folder),
        "buildah": lambda: ContainersTool("buildah", tmp_path / "buildah", short_folder),
        "ctr": lambda: Ctr(request.getfixturevalue("containerd")),
        "docker": lambda: Docker(tmp_path / "docker", *(registry.host_port for registry in registries)),
    }


def _make_layout(folder: Path, content: str) -> str:
    """An OCI layout of one image with one file, and its config's digest."""
    blobs = folder / "blobs" / "sha256"
    blobs.mkdir(parents=True)

    def store(data: bytes, media_type: str) -> dict[str, object]:
        name = hashlib.sha256(data).hexdigest()
        (blobs / name).write_bytes(data)
        return {"mediaType": f"application/vnd.oci.image.{media_type}", "digest": f"sha256:{name}", "size": len(data)}

    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as archive:
        member = tarfile.TarInfo("greeting")
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content.encode()))
    layer = store(gzip.compress(raw.getvalue(), mtime=0), "layer.v1.tar+gzip")
    unpacked = f"sha256:{hashlib.sha256(raw.getvalue()).hexdigest()}"
    config = {"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": [unpacked]}}
    described = store(json.dumps(config).encode(), "config.v1+json")
    manifest = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": described,
        "layers": [layer],
    }
    entry = store(json.dumps(manifest).encode(), "manifest.v1+json")
    (folder / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [entry]}))
    (folder / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')
    return str(described["digest"])


def _config_of(registry: Any, repository: str) -> str:
    """The config's digest, which names the image whatever a client makes of the manifest."""
    accept = {"Accept": "*/*"}
    reply = httpx.get(
        f"{registry.url}/v2/{repository}/manifests/1", headers=accept, auth=(USER, PASSWORD), trust_env=False
    )
    return str(reply.raise_for_status().json()["config"]["digest"])


@pytest.mark.parametrize(
    "name",
    [
        "skopeo",
        pytest.param("podman", marks=pytest.mark.needs("podman")),
        pytest.param("buildah", marks=pytest.mark.needs("buildah")),
        pytest.param("ctr", marks=pytest.mark.needs("ctr", "containerd")),
        pytest.param("docker", marks=pytest.mark.needs("docker-engine")),
    ],
)
def test_a_client(name: str, clients: dict[str, Make], registries: tuple[Any, Any], tmp_path: Path) -> None:
    first, second = registries
    config = _make_layout(tmp_path / "layout", f"from {name}, {tmp_path}\n")
    source, copy, moved = (
        f"{first.host_port}/{name}/source:1",
        f"{first.host_port}/{name}/copy:1",
        f"{second.host_port}/{name}/moved:1",
    )
    run("skopeo", "copy", "--dest-tls-verify=false", "--dest-creds", CREDENTIALS, f"oci:{tmp_path}/layout",
        f"docker://{source}")  # fmt: skip
    client = clients[name]()

    client.pull(source)
    client.push(source, copy)
    assert _config_of(first, f"{name}/copy") == config
    assert f"POST /v2/{name}/copy/blobs/uploads/: 201" in first.log.read_text(), "nothing was mounted"

    client.push(source, moved)
    assert _config_of(second, f"{name}/moved") == config
    assert f"POST /v2/{name}/moved/blobs/uploads/: 202" in second.log.read_text(), "nothing was uploaded"

    client.forget(source)
    client.pull(moved)
    client.forget(moved)
    run("skopeo", "delete", "--tls-verify=false", "--creds", CREDENTIALS, f"docker://{moved}")
    with pytest.raises(subprocess.CalledProcessError):
        client.pull(moved)
    client.pull(copy)
    client.forget(copy)
    for registry in registries:
        log = registry.log.read_text()
        assert PASSWORD not in log
        assert ": 500" not in log
