"""A registry of two tags, with the monitoring API, whose answers a test can change one by one."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.e2e.images import INDEX, MANIFEST, descriptor, digest_of

REPOSITORY = "team/app"

Answer = tuple[int, dict[str, str], bytes]

CONFIG = b'{"architecture":"amd64","os":"linux"}'
LAYER = b"layer " * 500
IMAGE = json.dumps(
    {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": descriptor(CONFIG, "application/vnd.oci.image.config.v1+json"),
        "layers": [
            descriptor(LAYER, "application/vnd.oci.image.layer.v1.tar"),
            # May not be distributed, and is not there: no fault of the registry.
            descriptor(b"foreign", "application/vnd.oci.image.layer.nondistributable.v1.tar"),
        ],
        # A subject may be missing.
        "subject": descriptor(b"subject", MANIFEST),
    }
).encode()
LIST = json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": [descriptor(IMAGE, MANIFEST)]}).encode()


class FakeRegistry:
    """A registry of one index over one image, whose answers can be changed one by one."""

    def __init__(self) -> None:
        self.manifests = {digest_of(IMAGE): (MANIFEST, IMAGE), digest_of(LIST): (INDEX, LIST)}
        self.blobs = {digest_of(CONFIG): CONFIG, digest_of(LAYER): LAYER}
        self.tags = {"latest": digest_of(LIST), "v1": digest_of(IMAGE)}
        self.documents: dict[str, Any] = self._documents()
        self.lies: dict[tuple[str, str], Answer | None] = {}

    def _documents(self) -> dict[str, Any]:
        totals = {"totalManifests": 2, "totalBlobs": 2, "unreferencedBlobs": 0, "orphanedManifests": 0}
        return {
            "/api/registry/state": {
                "timestamp": 1000, "registryVersion": "2.0", "generation": 7,
                "summary": {"totalRepositories": 1, **totals, "estimatedSpaceToFree": 0},
                "repositories": [{"name": REPOSITORY, "tagCount": 2, "tags": ["latest", "v1"]}],
                "activeSessions": {"count": 0, "sessions": []},
                "health": {"status": "healthy", "uptime": 1, "logStreamClients": 0},
            },
            f"/api/registry/repositories/{REPOSITORY}": {
                "name": REPOSITORY, "tagCount": 2, "timestamp": 1000,
                "tags": [{"tag": t, "hasManifest": True, "digest": d} for t, d in sorted(self.tags.items())],
            },
            "/api/registry/blobs": {
                "totalBlobs": 2, "timestamp": 1000,
                "blobs": [{"digest": d, "size": len(b), "created": 1} for d, b in self.blobs.items()],
            },
            "/api/registry/sessions": {"activeSessions": [], "totalActiveSessions": 0, "timestamp": 10_000_000},
            "/api/registry/health": {
                "status": "healthy", "timestamp": 1000, "uptime": 1, "checks": {"databaseConnectivity": True},
                "metrics": {
                    "totalRepositories": 1, "totalManifests": 2, "totalBlobs": 2, "activeSessions": 0,
                    "logStreamClients": 0,
                },
                "warnings": [],
            },
            "/api/garbage-collect/stats": {**totals, "estimatedSpaceToFree": 0},
        }  # fmt: skip

    def lie(self, method: str, path: str, status: int, body: bytes = b"", **headers: str) -> None:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.lies[method, path] = (status, named, body)

    def answer(self, method: str, path: str) -> Answer:
        lie = self.lies.get((method, path))
        if lie is not None:
            return lie
        if path == "/v2/":
            return 200, {}, b"{}"
        if path == "/v2/_catalog":
            return 200, {}, json.dumps({"repositories": [REPOSITORY]}).encode()
        if path == f"/v2/{REPOSITORY}/tags/list":
            return 200, {}, json.dumps({"name": REPOSITORY, "tags": sorted(self.tags)}).encode()
        if path in self.documents:
            return 200, {"Content-Type": "application/json"}, json.dumps(self.documents[path]).encode()
        reference = path.rpartition("/")[2]
        if path.startswith(f"/v2/{REPOSITORY}/manifests/"):
            digest = self.tags.get(reference, reference)
            if digest in self.manifests:
                media_type, body = self.manifests[digest]
                return 200, {"Content-Type": media_type, "Docker-Content-Digest": digest}, body
        if path.startswith(f"/v2/{REPOSITORY}/blobs/") and reference in self.blobs:
            return 200, {"Docker-Content-Digest": reference}, self.blobs[reference]
        return 404, {}, b'{"errors":[{"code":"NOT_FOUND"}]}'


@contextmanager
def served(fake: FakeRegistry) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            status, headers, body = fake.answer(self.command, self.path)
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)
                self.close_connection = int(headers.get("Content-Length", len(body))) > len(body)

        do_HEAD = do_GET  # noqa: N815 - the name that the base class looks for

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
