"""The registry as it is shipped: `nscr serve` in a process of its own, each test in a repository of its own."""

import hashlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

READY = re.compile(r"nscr: listening on (http://\S+) ")

OCTETS = "application/octet-stream"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--spec", help="a spec.md that tests/conformance/clauses.toml is compared with")


class Registry:
    """What the tests say to a registry; every answer comes back as it is, failures too."""

    manifest_type, index_type = OCI_MANIFEST, OCI_INDEX
    docker_manifest_type, docker_list_type = DOCKER_MANIFEST, DOCKER_LIST

    def __init__(self, client: httpx.Client) -> None:
        self.client = client

    def __call__(self, method: str, target: str, content: Any = None, **headers: str) -> httpx.Response:
        """One exchange; header names are given with underscores."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.request(method, target, content=content, headers=named)

    @staticmethod
    def digest(data: bytes, algorithm: str = "sha256") -> str:
        return f"{algorithm}:{hashlib.new(algorithm, data).hexdigest()}"

    def push_blob(self, repository: str, data: bytes, algorithm: str = "sha256") -> str:
        digest = self.digest(data, algorithm)
        reply = self("POST", f"/v2/{repository}/blobs/uploads/?digest={digest}", data, content_type=OCTETS)
        assert reply.status_code == 201, reply.text
        return digest

    def start_upload(self, repository: str, query: str = "") -> str:
        """The place of a new upload."""
        reply = self("POST", f"/v2/{repository}/blobs/uploads/{query}")
        assert reply.status_code == 202, reply.text
        return reply.headers["location"]

    def descriptor(self, content: bytes, media_type: str = OCTETS, **more: object) -> dict[str, object]:
        return {"mediaType": media_type, "digest": self.digest(content), "size": len(content), **more}

    def image(self, repository: str, *layers: bytes, **more: object) -> bytes:
        """An image manifest whose config and layers are pushed already; `more` are fields of it."""
        config = b"{}"
        for data in (config, *layers):
            self.push_blob(repository, data)
        document = {
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "config": self.descriptor(config, "application/vnd.oci.image.config.v1+json"),
            "layers": [self.descriptor(layer, "application/vnd.oci.image.layer.v1.tar") for layer in layers],
            **more,
        }
        return json.dumps(document).encode()

    def index(self, *children: bytes, **more: object) -> bytes:
        manifests = [self.descriptor(child, OCI_MANIFEST) for child in children]
        document = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": manifests, **more}
        return json.dumps(document).encode()

    def put(
        self, repository: str, reference: str, content: bytes, media_type: str | None = None, **headers: str
    ) -> httpx.Response:
        """Push a manifest, with the media type that it states where none is given."""
        content_type = media_type or json.loads(content)["mediaType"]
        return self("PUT", f"/v2/{repository}/manifests/{reference}", content, content_type=content_type, **headers)

    def push(self, repository: str, tag: str, *layers: bytes, **more: object) -> str:
        """Push an image and return its digest."""
        content = self.image(repository, *layers, **more)
        assert self.put(repository, tag, content).status_code == 201
        return self.digest(content)


@contextmanager
def _served(folder: Path, *flags: str) -> Iterator[Registry]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("NSCR_")}
    program = Path(sys.executable).with_name("nscr")
    process = subprocess.Popen(
        [program, "serve", "--port", "0", "--data", folder, *flags], stdout=subprocess.PIPE, text=True, env=environment
    )
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        ready = READY.match(line)
        assert ready is not None, line
        with httpx.Client(base_url=ready[1], timeout=30, trust_env=False) as client:
            yield Registry(client)
    finally:
        process.terminate()
        process.wait(timeout=20)
        process.stdout.close()


@pytest.fixture(scope="session")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    with _served(tmp_path_factory.mktemp("conformance") / "data") as served:
        yield served


@pytest.fixture
def serve_registry(tmp_path: Path) -> Callable[..., Any]:
    """Serves one more, with flags and settings, for as long as the `with` lasts."""

    def serve(*flags: str, **settings: object) -> AbstractContextManager[Registry]:
        configuration = tmp_path / "nscr.toml"
        configuration.write_text("".join(f"{name} = {json.dumps(value)}\n" for name, value in settings.items()))
        return _served(tmp_path / "data", "--config", str(configuration), *flags)

    return serve


@pytest.fixture
def repository(request: pytest.FixtureRequest) -> str:
    """A repository that no other test uses."""
    words = re.sub(r"[^a-z0-9]+", "-", request.node.name.lower()).strip("-")[:100].strip("-")
    return f"conformance/{words}-{hashlib.sha256(request.node.nodeid.encode()).hexdigest()[:8]}"
