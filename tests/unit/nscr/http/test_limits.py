"""What a client may ask of the server: sizes, numbers, and time."""

import json
from collections.abc import MutableMapping
from typing import Any

import anyio
import pytest

from nscr.config import ServerConfig
from nscr.descriptors import connections_within
from nscr.errors import EnvironmentFault, TooManyDocuments
from nscr.http import body_budget, messages
from nscr.http.app import HEAD_LIMIT
from nscr.http.body_budget import LARGE_DOCUMENT, LARGE_DOCUMENTS, LARGEST_BATCH, SMALLEST_BATCH, BodyBudget
from nscr.oci.manifests import OCI_INDEX, OCI_MANIFEST

pytestmark = pytest.mark.anyio

INDEX = {"content-type": OCI_INDEX}


class Wire:
    """A client that sends its body in pieces, each when told to, and takes the reply likewise."""

    def __init__(self, *pieces: bytes) -> None:
        self.pieces = list(pieces)
        self.sent: list[MutableMapping[str, Any]] = []
        self.takes_reply = True

    async def receive(self) -> MutableMapping[str, Any]:
        if not self.pieces:
            await anyio.sleep_forever()
        return {"type": "http.request", "body": self.pieces.pop(0), "more_body": True}

    async def send(self, message: MutableMapping[str, Any]) -> None:
        if not self.takes_reply:
            await anyio.sleep_forever()
        self.sent.append(message)

    async def __call__(self, application: Any, method: str, path: str, *headers: tuple[bytes, bytes]) -> None:
        scope = {"type": "http", "method": method, "path": path, "query_string": b"", "headers": list(headers)}
        await application(scope, self.receive, self.send)


@pytest.fixture
def impatient(make_client: Any) -> Any:
    client = make_client(ServerConfig(client_timeout_seconds=1))
    client.application._patience = 0.05
    return client


async def test_a_body_that_stalls_is_not_waited_for_and_what_came_is_kept(impatient: Any) -> None:
    location = await impatient.start_upload("a")
    wire = Wire(b"abc")
    await wire(impatient.application, "PATCH", location, (b"content-length", b"100"))
    start = wire.sent[0]
    assert start["status"] == 408
    assert (b"connection", b"close") in start["headers"]
    assert (await impatient("GET", location)).headers["range"] == "0-2"
    assert (await impatient("PATCH", location, b"def")).headers["range"] == "0-5"


async def test_a_body_that_trickles_is_not_waited_for_either(impatient: Any) -> None:
    location = await impatient.start_upload("a")
    wire = Wire()

    async def trickle() -> MutableMapping[str, Any]:
        await anyio.sleep(0.01)
        return {"type": "http.request", "body": b"x", "more_body": True}

    wire.receive = trickle  # type: ignore[method-assign]
    with anyio.fail_after(5):
        await wire(impatient.application, "PATCH", location, (b"content-length", b"1000000"))
    assert wire.sent[0]["status"] == 408


async def test_a_reply_that_is_not_taken_is_given_up(impatient: Any) -> None:
    digest = await impatient.push_blob("a", b"data")
    wire = Wire()
    wire.takes_reply = False
    with anyio.fail_after(5), pytest.raises(TimeoutError):
        await wire(impatient.application, "GET", f"/v2/a/blobs/{digest}")
    assert impatient.application.abandon() == 0


@pytest.mark.parametrize("path", ["/v2/", "/api/registry/state"])
async def test_a_head_beyond_the_limit(client: Any, path: str) -> None:
    assert (await client("GET", path, headers={"x": "y" * (HEAD_LIMIT - 100)})).status == 200
    for reply in (
        await client("GET", path, headers={"x": "y" * HEAD_LIMIT}),
        await client("GET", f"{path}?x={'y' * HEAD_LIMIT}"),
    ):
        assert reply.status == 431
        assert len(reply.body) < 300


@pytest.mark.parametrize("opening", ["[", '{"a":', '{"manifests":['])
@pytest.mark.parametrize("depth", [1_000, 100_000])
async def test_nesting_beyond_reason_is_a_bad_manifest(client: Any, opening: str, depth: int) -> None:
    content = (opening * depth).encode()
    reply = await client("PUT", "/v2/a/manifests/t", content, {"content-type": OCI_MANIFEST})
    assert (reply.status, reply.code) == (400, "MANIFEST_INVALID")


@pytest.mark.slow
async def test_an_index_of_very_many_descriptors(make_client: Any) -> None:
    client = make_client(ServerConfig(allow_sparse=True))
    children = [{"digest": f"sha256:{number:064x}", "size": 1} for number in range(30_000)]
    content = json.dumps({"schemaVersion": 2, "manifests": children}, separators=(",", ":")).encode()
    assert (await client("PUT", "/v2/a/manifests/t", content, INDEX)).status == 201
    assert (await client("GET", "/api/registry/state")).json["summary"]["sparseManifests"] == 1


async def test_only_so_many_uploads_are_open_at_once(make_client: Any) -> None:
    client = make_client(ServerConfig(max_upload_sessions=2))
    first = await client.start_upload("a")
    await client.start_upload("b")
    reply = await client("POST", "/v2/c/blobs/uploads/")
    assert (reply.status, reply.code, reply.headers["retry-after"]) == (429, "TOOMANYREQUESTS", "1")
    assert (await client("GET", "/api/registry/sessions")).json["totalActiveSessions"] == 2
    await client.push_blob("c", b"a push in one request needs no session")
    assert (await client("DELETE", first)).status == 204
    await client.start_upload("c")


@pytest.mark.slow
async def test_only_so_many_large_manifests_are_held_at_once(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(body_budget, "LARGEST_WAIT_SECONDS", 0.01)
    monkeypatch.setattr(messages, "SKIPPED_SECONDS", 0.01)  # of a refused body that does not come
    large = str(LARGE_DOCUMENT + 1).encode()
    wires = [Wire() for _ in range(LARGE_DOCUMENTS)]
    put = ("PUT", "/v2/a/manifests/t", (b"content-length", large))
    async with anyio.create_task_group() as tasks:
        for wire in wires:
            tasks.start_soon(wire, client.application, *put)
        await anyio.wait_all_tasks_blocked()
        refused = Wire()
        await refused(client.application, *put)
        assert refused.sent[0]["status"] == 429
        assert (b"retry-after", b"1") in refused.sent[0]["headers"]
        small = await client("PUT", "/v2/a/manifests/t", b"{}", INDEX)
        assert small.code == "MANIFEST_INVALID"
        tasks.cancel_scope.cancel()
    again = await client("PUT", "/v2/a/manifests/t", b"[" * (LARGE_DOCUMENT + 1), INDEX)
    assert again.code == "MANIFEST_INVALID"


async def test_a_large_document_waits_for_room_and_not_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    budget = BodyBudget()
    for _ in range(LARGE_DOCUMENTS):
        await budget.take_document()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(budget.take_document)
        await anyio.wait_all_tasks_blocked()
        budget.give_document()
    monkeypatch.setattr(body_budget, "LARGEST_WAIT_SECONDS", 0.01)
    with pytest.raises(TooManyDocuments):
        await budget.take_document()
    budget.give_document()
    await budget.take_document()


def test_the_more_uploads_the_smaller_their_batches() -> None:
    budget = BodyBudget()
    sizes = []
    for budget.uploads in (0, 1, 24, 100, 10_000):
        sizes.append(budget.batch_bytes)
    assert sizes == sorted(sizes, reverse=True)
    assert (sizes[0], sizes[-1]) == (LARGEST_BATCH, SMALLEST_BATCH)


@pytest.mark.parametrize(("limit", "connections"), [(192, 16), (1024, 432), (1_000_000, 2048)])
def test_connections_leave_descriptors_for_files(limit: int, connections: int) -> None:
    assert connections_within(limit) == connections


def test_too_few_descriptors_to_serve_anybody() -> None:
    with pytest.raises(EnvironmentFault, match="191 files"):
        connections_within(191)
