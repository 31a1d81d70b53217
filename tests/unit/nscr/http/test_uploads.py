"""Upload sessions over HTTP: order, one writer, limits, cancelling, resuming, and a restart in the middle."""

from typing import Any

import anyio
import pytest

from nscr.oci.digest import digest_of

pytestmark = pytest.mark.anyio

DATA = b"0123456789"
DIGEST = digest_of(DATA)


async def status(client: Any, location: str) -> tuple[int, str | None]:
    reply = await client("GET", location)
    return reply.status, reply.headers.get("range")


async def test_status_tells_what_the_upload_holds(client: Any) -> None:
    location = await client.start_upload("a")
    assert await status(client, location) == (204, "0-0")
    for chunk, held in ((b"0", "0-0"), (b"12", "0-2"), (b"", "0-2"), (b"3456789", "0-9")):
        reply = await client("PATCH", location, chunk)
        assert (reply.status, reply.headers["range"]) == (202, held)
        assert reply.headers["location"] == location
        assert await status(client, location) == (204, held)


@pytest.mark.parametrize("content_range", ["0-3", "5-8", "3-6", "junk", "7-5"])
@pytest.mark.parametrize("method", ["PATCH", "PUT"])
async def test_a_chunk_out_of_order_is_416_and_the_session_goes_on(
    client: Any, method: str, content_range: str
) -> None:
    location = await client.start_upload("a")
    await client("PATCH", location, DATA[:4], {"content-range": "0-3"})
    target = location if method == "PATCH" else f"{location}?digest={DIGEST}"
    reply = await client(method, target, b"xxxx", {"content-range": content_range})
    assert (reply.status, reply.code) == (416, "BLOB_UPLOAD_INVALID")
    assert (reply.headers["range"], reply.headers["location"]) == ("0-3", location)
    reply = await client("PUT", f"{location}?digest={DIGEST}", DATA[4:], {"content-range": "4-9"})
    assert reply.status == 201
    assert (await client("GET", f"/v2/a/blobs/{DIGEST}")).body == DATA


@pytest.mark.parametrize("sent", [b"012", b"01234"])
@pytest.mark.parametrize("is_streamed", [False, True])
async def test_a_length_that_belies_its_range_leaves_nothing(client: Any, sent: bytes, is_streamed: bool) -> None:
    location = await client.start_upload("a")
    headers = {"content-range": "0-3"} | ({"transfer-encoding": "chunked"} if is_streamed else {})
    reply = await client("PATCH", location, sent, headers)
    assert (reply.status, reply.code) == (400, "SIZE_INVALID")
    assert await status(client, location) == (204, "0-0")


async def test_another_digest_ends_the_session(client: Any) -> None:
    location = await client.start_upload("a")
    await client("PATCH", location, DATA)
    reply = await client("PUT", f"{location}?digest={digest_of(b'other')}")
    assert (reply.status, reply.code) == (400, "DIGEST_INVALID")
    assert (await client("GET", location)).code == "BLOB_UPLOAD_UNKNOWN"
    assert await client.stores.content.uploads() == []


@pytest.mark.parametrize("query", ["", "?digest=junk"])
async def test_a_closing_request_without_a_digest_changes_nothing(client: Any, query: str) -> None:
    location = await client.start_upload("a")
    reply = await client("PUT", location + query, DATA)
    assert (reply.status, reply.code) == (400, "DIGEST_INVALID")
    assert await status(client, location) == (204, "0-0")


async def test_cancel(client: Any) -> None:
    location = await client.start_upload("a")
    await client("PATCH", location, DATA)
    assert (await client("DELETE", location)).status == 204
    for method in ("GET", "PATCH", "DELETE"):
        reply = await client(method, location, b"")
        assert (reply.status, reply.code) == (404, "BLOB_UPLOAD_UNKNOWN")
    assert (await client("PUT", f"{location}?digest={DIGEST}")).status == 404


async def test_a_session_belongs_to_its_repository(client: Any) -> None:
    location = await client.start_upload("a")
    reply = await client("PATCH", location.replace("/v2/a/", "/v2/b/"), DATA)
    assert (reply.status, reply.code) == (404, "BLOB_UPLOAD_UNKNOWN")


async def test_a_body_that_breaks_off_leaves_what_came(client: Any) -> None:
    location = await client.start_upload("a")
    reply = await client.break_off("PATCH", location, DATA[:3], DATA[3:5])
    assert (reply.status, reply.code) == (400, "SIZE_INVALID")
    assert await status(client, location) == (204, "0-4")
    assert (await client("PUT", f"{location}?digest={DIGEST}", DATA[5:])).status == 201


async def test_only_one_request_writes_to_a_session(client: Any) -> None:
    location = await client.start_upload("a")
    begun, go_on = anyio.Event(), anyio.Event()
    append = client.stores.content.append

    async def slow_append(upload: str, data: bytes, at: int) -> None:
        begun.set()
        await go_on.wait()
        await append(upload, data, at)

    client.stores.content.append = slow_append
    replies: list[int] = []

    async def write() -> None:
        replies.append((await client("PATCH", location, DATA)).status)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(write)
        await begun.wait()
        for method, target in (("PATCH", location), ("PUT", f"{location}?digest={DIGEST}"), ("DELETE", location)):
            reply = await client(method, target, b"x")
            assert (reply.status, reply.code) == (409, "BLOB_UPLOAD_INVALID")
        go_on.set()
    assert replies == [202]
    assert (await client("PUT", f"{location}?digest={DIGEST}")).status == 201


async def test_sessions_outlive_a_restart_and_stray_bytes_do_not(client: Any, make_client: Any) -> None:
    location = await client.start_upload("a")
    await client("PATCH", location, DATA[:4])
    await client.stores.content.append("stray", b"x", 0)
    again = make_client(shelf=client.stores.content._shelf)
    await again.registry.recover()
    assert await again.stores.content.uploads() == [location.rpartition("/")[2]]
    (session,) = (await again("GET", "/api/registry/sessions")).json["activeSessions"]
    assert (session["blobCount"], session["bytesReceived"]) == (1, 4)
    assert (await again("PUT", f"{location}?digest={DIGEST}", DATA[4:])).status == 201
