"""Docker's engine and skopeo with real images: pushed, forgotten, pulled, run, and compared file by file.

The images are built without a network, from Debian's static busybox and from a root file system made by debootstrap.
Only images that the tests made are removed from the engine, so that they may run on anybody's machine; that a pull
fetched every layer is asserted from what the engine reports.
"""

import hashlib
import io
import json
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

import docker
import docker.errors
import httpx
import pytest
from docker.models.images import Image

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.slow,
    pytest.mark.needs("root", "docker-engine", "skopeo"),
    # The SDK leaves the engine's socket to the garbage collector.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

CREDENTIALS = {"username": "tester", "password": "a:b c"}
# The engine mounts its own over these, in every container.
ENGINE_FILES = {"etc/hosts", "etc/hostname", "etc/resolv.conf", ".dockerenv"}


@pytest.fixture
def registry(serve):
    return serve("--username", CREDENTIALS["username"], "--password", CREDENTIALS["password"])


@pytest.fixture
def engine() -> Iterator[docker.DockerClient]:
    client = docker.from_env(timeout=300)
    yield client
    client.close()


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _checked(progress: Iterator[dict[str, str]]) -> list[dict[str, str]]:
    """What the engine reported, which it does with status 200 even where it failed."""
    lines = list(progress)
    assert not [line["error"] for line in lines if "error" in line]
    return lines


def _push_forget_pull(engine: docker.DockerClient, repository: str, tag: str) -> Image:
    layers = len(engine.images.get(f"{repository}:{tag}").attrs["RootFS"]["Layers"])
    _checked(engine.api.push(repository, tag, auth_config=CREDENTIALS, stream=True, decode=True))
    engine.images.remove(f"{repository}:{tag}", force=True)
    with pytest.raises(docker.errors.ImageNotFound):
        engine.images.get(f"{repository}:{tag}")
    pulled = _checked(engine.api.pull(repository, tag, auth_config=CREDENTIALS, stream=True, decode=True))
    assert len({line["id"] for line in pulled if line.get("status") == "Pull complete"}) == layers
    return engine.images.get(f"{repository}:{tag}")


def _skopeo(*arguments: str) -> str:
    return subprocess.run(["skopeo", *arguments], check=True, capture_output=True, text=True).stdout.strip()


def _assert_skopeo_keeps_the_digest(host_port: str, repository: str, folder: Path) -> None:
    """Registry to folder and back: in Docker's format, and converted to OCI as a layout."""
    credentials = f"{CREDENTIALS['username']}:{CREDENTIALS['password']}"
    docker_image, oci_image = f"{host_port}/{repository}-dir:1", f"{host_port}/{repository}-oci:1"

    def pull(image: str, local: str) -> None:
        _skopeo("copy", "--preserve-digests", "--src-tls-verify=false", "--src-creds", credentials, image, local)

    def push(local: str, image: str) -> None:
        _skopeo("copy", "--preserve-digests", "--dest-tls-verify=false", "--dest-creds", credentials, local, image)

    def digest(image: str) -> str:
        return _skopeo("inspect", "--tls-verify=false", "--creds", credentials, "--format={{.Digest}}", image)

    def layout_digest(name: str) -> str:
        return str(json.loads((folder / name / "index.json").read_text())["manifests"][0]["digest"])

    pull(f"docker://{host_port}/{repository}:1", f"dir:{folder}/dir")
    push(f"dir:{folder}/dir", f"docker://{docker_image}")
    assert digest(f"docker://{docker_image}") == digest(f"docker://{host_port}/{repository}:1")

    _skopeo("copy", "--format=oci", f"dir:{folder}/dir", f"oci:{folder}/out")
    push(f"oci:{folder}/out", f"docker://{oci_image}")
    pull(f"docker://{oci_image}", f"oci:{folder}/back")
    assert digest(f"docker://{oci_image}") == layout_digest("out") == layout_digest("back")


def _assert_gate_and_monitoring(registry, program: str, repositories: set[str]) -> None:
    gate = subprocess.run(
        [program, "gate", "--registry-url", registry.url, "--username", CREDENTIALS["username"],
         "--password", CREDENTIALS["password"]],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert gate.returncode == 0, gate.stdout + gate.stderr
    assert "VALID" in gate.stdout
    blobs: set[str] = set()
    with httpx.Client(base_url=registry.url, auth=(CREDENTIALS["username"], CREDENTIALS["password"])) as client:
        for repository in repositories:
            manifest = client.get(f"/v2/{repository}/manifests/1", headers={"Accept": "*/*"}).raise_for_status().json()
            blobs |= {manifest["config"]["digest"], *(layer["digest"] for layer in manifest["layers"])}
        state = client.get("/api/registry/state").raise_for_status().json()
        listed = client.get("/api/registry/blobs").raise_for_status().json()
    assert {repository["name"]: repository["tags"] for repository in state["repositories"]} == {
        name: ["1"] for name in repositories
    }
    assert state["summary"] == {
        **state["summary"],
        "totalRepositories": len(repositories),
        "totalManifests": len(repositories),
        "totalBlobs": len(blobs),
        "unreferencedBlobs": 0,
        "orphanedManifests": 0,
        "estimatedSpaceToFree": 0,
    }
    assert {blob["digest"] for blob in listed["blobs"]} == blobs
    assert state["activeSessions"]["count"] == 0
    assert state["health"]["status"] == "healthy"


@pytest.mark.needs("busybox")
def test_busybox(registry, engine, tmp_path, nscr_program):
    context = tmp_path / "context"
    context.mkdir()
    busybox = Path(shutil.which("busybox") or "")
    shutil.copy(busybox, context / "busybox")
    (context / "greeting").write_text("read from an image that came back\n")
    (context / "Dockerfile").write_text(
        "FROM scratch\nCOPY busybox /bin/busybox\nCOPY greeting /etc/greeting\n"
        'RUN ["/bin/busybox", "sh", "-c", "/bin/busybox --install -s /bin"]\n'
    )
    repository = f"{registry.host_port}/real/busybox"
    engine.images.build(path=str(context), tag=f"{repository}:1", network_mode="none", forcerm=True, nocache=True)
    _push_forget_pull(engine, repository, "1")
    try:
        printed = engine.containers.run(
            f"{repository}:1", ["sh", "-c", "cat /etc/greeting; sha256sum /bin/busybox"],
            network_mode="none", remove=True,
        )  # fmt: skip
    finally:
        engine.images.remove(f"{repository}:1", force=True)
    assert printed.decode().split("\n")[:2] == [
        "read from an image that came back",
        f"{_sha256(busybox)}  /bin/busybox",
    ]
    _assert_skopeo_keeps_the_digest(registry.host_port, "real/busybox", tmp_path)
    _assert_gate_and_monitoring(registry, nscr_program, {"real/busybox", "real/busybox-dir", "real/busybox-oci"})


def _hashes_of_all_files(engine: docker.DockerClient, image: str) -> bytes:
    """`sha256sum --zero` of every file, through a file: what a container prints may be cut in the engine's log."""
    command = "find / -xdev -type f ! -name nscr-hashes -print0 | xargs -0 sha256sum --zero > /nscr-hashes"
    container = engine.containers.create(image, ["sh", "-c", command], network_mode="none")
    try:
        container.start()
        assert container.wait()["StatusCode"] == 0
        stream, _ = container.get_archive("/nscr-hashes")
        with tarfile.open(fileobj=io.BytesIO(b"".join(stream))) as archive:
            file = archive.extractfile("nscr-hashes")
            assert file is not None
            return file.read()
    finally:
        container.remove(force=True)


@pytest.mark.timeout(900)
@pytest.mark.needs("debootstrap")
def test_debian(registry, engine, debian_root, tmp_path, nscr_program):
    context = tmp_path / "context"
    context.mkdir()
    top = sorted(path.name for path in debian_root.iterdir())
    layers = {
        "system": ["usr"],
        "state": ["var", "etc"],
        "rest": [name for name in top if name not in {"usr", "var", "etc"}],
    }
    for name, folders in layers.items():
        with tarfile.open(context / f"{name}.tar", "w") as archive:
            for folder in folders:
                archive.add(debian_root / folder, arcname=folder)
    (context / "Dockerfile").write_text("FROM scratch\n" + "".join(f"ADD {name}.tar /\n" for name in layers))
    repository = f"{registry.host_port}/real/debian"
    engine.images.build(path=str(context), tag=f"{repository}:1", network_mode="none", forcerm=True, nocache=True)
    _push_forget_pull(engine, repository, "1")
    try:
        printed = _hashes_of_all_files(engine, f"{repository}:1")
    finally:
        engine.images.remove(f"{repository}:1", force=True)
    pulled = {
        line[66:].decode(errors="surrogateescape").lstrip("/"): line[:64].decode()
        for line in printed.split(b"\0")
        if line
    }
    source = {
        str(path.relative_to(debian_root)): _sha256(path)
        for path in debian_root.rglob("*")
        if path.is_file() and not path.is_symlink()
    }
    assert len(source) > 1000
    assert {name: digest for name, digest in pulled.items() if name not in ENGINE_FILES} == {
        name: digest for name, digest in source.items() if name not in ENGINE_FILES
    }
    print(
        json.dumps(
            {"files compared": len(source), "bytes": sum((debian_root / name).stat().st_size for name in source)}
        )
    )
    _assert_skopeo_keeps_the_digest(registry.host_port, "real/debian", tmp_path)
    _assert_gate_and_monitoring(registry, nscr_program, {"real/debian", "real/debian-dir", "real/debian-oci"})
