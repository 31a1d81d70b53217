"""The registry over stores in memory, asked through ASGI messages: no socket, no clock, ids that count."""

import itertools
import json
import os
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from nscr.assembly import build_application
from nscr.config import ServerConfig
from nscr.http.app import Application
from nscr.http.services import Services
from nscr.oci.digest import Algorithm, Digest, digest_of
from nscr.oci.manifests import OCI_MANIFEST
from nscr.registry import Registry
from nscr.stores.base import Stores
from nscr.stores.memory import Shelf, memory_stores


@pytest.fixture(scope="module", params=["asyncio", "trio"] if os.environ.get("NSCR_TEST_THOROUGH") else ["asyncio"])
def anyio_backend(request: pytest.FixtureRequest) -> Any:
    """The event loop that the registry is served on; that its rooms depend on none is for `make test` to see."""
    return request.param


@dataclass
class Reply:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        """The specification's error code."""
        (error,) = self.json["errors"]
        code: str = error["code"]
        return code


@dataclass
class Client:
    """Sends requests to an application in this process."""

    application: Application
    now: "Clock"
    stores: Stores
    registry: Registry
    services: Services
    read_messages: int = field(default=0)

    async def __call__(
        self, method: str, target: str, body: bytes = b"", headers: dict[str, str] | None = None
    ) -> Reply:
        """One whole request, and its reply."""
        lengths = {} if headers and "transfer-encoding" in headers else {"content-length": str(len(body))}
        reply = await self._exchange(method, target, [body], lengths | (headers or {}), is_whole=True)
        assert reply is not None
        if method != "HEAD" and reply.status not in {204, 304}:
            assert int(reply.headers["content-length"]) == len(reply.body)
        return reply

    async def break_off(self, method: str, target: str, *pieces: bytes) -> Reply | None:
        """A request whose client hangs up after some pieces of the body."""
        return await self._exchange(method, target, pieces, {"transfer-encoding": "chunked"}, is_whole=False)

    async def _exchange(
        self, method: str, target: str, pieces: Sequence[bytes], headers: Mapping[str, str], *, is_whole: bool
    ) -> Reply | None:
        path, _, query = target.partition("?")
        incoming = [{"type": "http.request", "body": piece, "more_body": True} for piece in pieces]
        if is_whole:
            incoming[-1]["more_body"] = False
        outgoing: list[MutableMapping[str, Any]] = []

        async def receive() -> MutableMapping[str, Any]:
            self.read_messages += 1
            return incoming.pop(0) if incoming else {"type": "http.disconnect"}

        async def send(message: MutableMapping[str, Any]) -> None:
            outgoing.append(message)

        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "query_string": query.encode(),
            "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        }
        await self.application(scope, receive, send)
        if not outgoing:
            return None
        start, *parts = outgoing
        held = {name.decode(): value.decode() for name, value in start["headers"]}
        return Reply(start["status"], held, b"".join(part["body"] for part in parts))

    async def push_blob(self, repository: str, data: bytes, algorithm: Algorithm = Algorithm.SHA256) -> Digest:
        digest = digest_of(data, algorithm)
        reply = await self("POST", f"/v2/{repository}/blobs/uploads/?digest={digest}", data)
        assert reply.status == 201, reply
        return digest

    async def push_image(self, repository: str, tag: str, *layers: bytes) -> Digest:
        blobs = [(await self.push_blob(repository, data), len(data)) for data in (b"{}", *layers)]
        content = image_manifest(*blobs)
        reply = await self("PUT", f"/v2/{repository}/manifests/{tag}", content, {"content-type": OCI_MANIFEST})
        assert reply.status == 201, reply
        return Digest(reply.headers["docker-content-digest"])

    async def start_upload(self, repository: str) -> str:
        reply = await self("POST", f"/v2/{repository}/blobs/uploads/")
        assert reply.status == 202, reply
        return reply.headers["location"]


@dataclass
class Clock:
    """Time that stands until it is moved."""

    milliseconds: int = 1_000_000

    def __call__(self) -> int:
        return self.milliseconds


def image_manifest(config: tuple[str, int], *layers: tuple[str, int]) -> bytes:
    def descriptor(blob: tuple[str, int]) -> dict[str, object]:
        return {"mediaType": "application/octet-stream", "digest": blob[0], "size": blob[1]}

    return json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "config": descriptor(config),
            "layers": [descriptor(layer) for layer in layers],
        }
    ).encode()


def _make_client(
    config: ServerConfig | None = None,
    shelf: Shelf | None = None,
    *,
    request_shutdown: Callable[[], None] | None = None,
) -> Client:
    clock, ids = Clock(), itertools.count(1)
    stores = memory_stores(shelf)
    application, registry, services = build_application(
        stores,
        config or ServerConfig(),
        now=clock,
        monotonic=lambda: clock() / 1000,
        new_id=lambda: f"upload-{next(ids)}",
        request_shutdown=request_shutdown,
    )
    return Client(application, clock, stores, registry, services)


@pytest.fixture
def make_client() -> Callable[..., Client]:
    """Makes clients of registries of their own."""
    return _make_client


@pytest.fixture
def client() -> Client:
    return _make_client()
