"""Pushing, mounting, pulling and deleting blobs, clause by clause, on asyncio and on trio."""

from typing import Any

import pytest

from nscr.oci.digest import Algorithm, digest_of

pytestmark = pytest.mark.anyio

DATA = b"0123456789"
DIGEST = digest_of(DATA)


async def push(client: Any, style: str, data: bytes) -> Any:
    digest = digest_of(data)
    if style == "single POST":
        return await client("POST", f"/v2/a/b/blobs/uploads/?digest={digest}", data)
    location = await client.start_upload("a/b")
    if style == "POST, PUT":
        return await client("PUT", f"{location}?digest={digest}", data)
    if style == "chunks":
        middle = len(data) // 2
        for start, chunk in ((0, data[:middle]), (middle, data[middle:])):
            end = max(start, start + len(chunk) - 1)
            reply = await client("PATCH", location, chunk, {"content-range": f"{start}-{end}"})
            assert reply.status == 202
    else:
        assert (await client("PATCH", location, data, {"transfer-encoding": "chunked"})).status == 202
    return await client("PUT", f"{location}?digest={digest}")


@pytest.mark.parametrize("style", ["single POST", "POST, PUT", "chunks", "stream"])
@pytest.mark.parametrize("data", [DATA, b"1", b""])
async def test_a_blob_pushed_by_any_style_is_pulled_as_it_was(client: Any, style: str, data: bytes) -> None:
    reply = await push(client, style, data)
    assert reply.status == 201
    assert reply.headers["docker-content-digest"] == digest_of(data)
    pulled = await client("GET", reply.headers["location"])
    assert (pulled.status, pulled.body) == (200, data)
    assert (await client("GET", "/api/registry/sessions")).json["totalActiveSessions"] == 0
    assert await client.stores.content.uploads() == []


async def test_sha512_is_kept_under_the_name_that_the_client_used(client: Any) -> None:
    digest = await client.push_blob("a", DATA, Algorithm.SHA512)
    pulled = await client("GET", f"/v2/a/blobs/{digest}")
    assert pulled.headers["docker-content-digest"] == digest
    assert pulled.body == DATA


async def test_head_has_every_header_of_get(client: Any) -> None:
    await client.push_blob("a", DATA)
    head, get = [await client(method, f"/v2/a/blobs/{DIGEST}") for method in ("HEAD", "GET")]
    assert (head.status, head.headers, head.body) == (200, get.headers, b"")
    assert head.headers["content-length"] == "10"


@pytest.mark.parametrize(
    ("range_", "status", "body", "content_range"),
    [
        ("bytes=2-4", 206, b"234", "bytes 2-4/10"),
        ("bytes=7-", 206, b"789", "bytes 7-9/10"),
        ("bytes=-2", 206, b"89", "bytes 8-9/10"),
        ("bytes=8-99", 206, b"89", "bytes 8-9/10"),
        ("junk", 200, DATA, None),
        ("bytes=0-1,3-4", 200, DATA, None),
    ],
)
async def test_ranges(client: Any, range_: str, status: int, body: bytes, content_range: str | None) -> None:
    await client.push_blob("a", DATA)
    reply = await client("GET", f"/v2/a/blobs/{DIGEST}", headers={"range": range_})
    assert (reply.status, reply.body, reply.headers.get("content-range")) == (status, body, content_range)


@pytest.mark.parametrize("range_", ["bytes=10-", "bytes=-0", "bytes=99-100", "bytes=4-2"])
async def test_a_range_of_nothing(client: Any, range_: str) -> None:
    await client.push_blob("a", DATA)
    reply = await client("GET", f"/v2/a/blobs/{DIGEST}", headers={"range": range_})
    assert (reply.status, reply.headers["content-range"], reply.code) == (416, "bytes */10", "SIZE_INVALID")


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_conditional_reads(client: Any, method: str) -> None:
    await client.push_blob("a", DATA)
    for headers, status in (
        ({"if-none-match": f'"{DIGEST}"'}, 304),
        ({"if-none-match": f'"other", W/"{DIGEST}"'}, 304),
        ({"if-none-match": "*"}, 304),
        ({"if-none-match": '"other"'}, 200),
        ({"if-match": f'"{DIGEST}"'}, 200),
        ({"if-match": f'W/"{DIGEST}"'}, 412),
        ({"if-match": '"other"'}, 412),
        ({"if-none-match": "unquoted"}, 400),
    ):
        reply = await client(method, f"/v2/a/blobs/{DIGEST}", headers=headers)
        assert reply.status == status, headers
        if status == 304:
            assert (reply.body, reply.headers["etag"]) == (b"", f'"{DIGEST}"')
            assert "content-length" not in reply.headers


@pytest.mark.parametrize(("if_range", "status"), [(f'"{DIGEST}"', 206), ('"other"', 200), (f'W/"{DIGEST}"', 200)])
async def test_a_range_of_what_the_client_has_a_part_of(client: Any, if_range: str, status: int) -> None:
    await client.push_blob("a", DATA)
    reply = await client("GET", f"/v2/a/blobs/{DIGEST}", headers={"range": "bytes=0-1", "if-range": if_range})
    assert reply.status == status


async def test_a_mount_without_a_source_finds_any(client: Any) -> None:
    await client.push_blob("a", DATA)
    assert (await client("POST", f"/v2/b/blobs/uploads/?mount={DIGEST}")).status == 201
    assert (await client("GET", f"/v2/b/blobs/{DIGEST}")).body == DATA
    elsewhere = digest_of(b"elsewhere")
    assert (await client("POST", f"/v2/b/blobs/uploads/?mount={elsewhere}")).status == 202


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE"])
async def test_a_blob_of_another_repository_is_unknown(client: Any, method: str) -> None:
    await client.push_blob("a", DATA)
    reply = await client(method, f"/v2/b/blobs/{DIGEST}")
    assert reply.status == 404
    assert method == "HEAD" or reply.code == "BLOB_UNKNOWN"


async def test_what_is_no_digest(client: Any) -> None:
    reply = await client("GET", "/v2/a/blobs/sha256:abc")
    assert (reply.status, reply.code) == (400, "DIGEST_INVALID")


async def test_deleting_a_blob_takes_it_from_one_repository(client: Any) -> None:
    for name in ("a", "b"):
        await client.push_blob(name, DATA)
    assert (await client("DELETE", f"/v2/a/blobs/{DIGEST}")).status == 202
    assert (await client("DELETE", f"/v2/a/blobs/{DIGEST}")).status == 404
    assert (await client("HEAD", f"/v2/a/blobs/{DIGEST}")).status == 404
    assert (await client("GET", f"/v2/b/blobs/{DIGEST}")).body == DATA


async def test_mount(client: Any) -> None:
    await client.push_blob("a", DATA)
    reply = await client("POST", f"/v2/b/blobs/uploads/?mount={DIGEST}&from=a")
    assert (reply.status, reply.headers["location"]) == (201, f"/v2/b/blobs/{DIGEST}")
    assert (await client("GET", f"/v2/b/blobs/{DIGEST}")).body == DATA
    await client("DELETE", f"/v2/a/blobs/{DIGEST}")
    assert (await client("HEAD", f"/v2/b/blobs/{DIGEST}")).status == 200


@pytest.mark.parametrize("query", [f"mount={DIGEST}&from=elsewhere", f"mount={digest_of(b'absent')}"])
async def test_a_mount_that_cannot_be_falls_back_to_an_upload(client: Any, query: str) -> None:
    reply = await client("POST", f"/v2/b/blobs/uploads/?{query}")
    assert reply.status == 202
    assert (await client("PUT", f"{reply.headers['location']}?digest={DIGEST}", DATA)).status == 201


@pytest.mark.parametrize("data", [DATA, b""])
async def test_a_single_post_with_another_digest_keeps_nothing(client: Any, data: bytes) -> None:
    other = digest_of(b"other")
    reply = await client("POST", f"/v2/a/blobs/uploads/?digest={other}", data)
    assert (reply.status, reply.code) == (400, "DIGEST_INVALID")
    assert await client.stores.content.uploads() == []
    assert (await client("GET", "/api/registry/blobs")).json["totalBlobs"] == 0


async def test_damaged_content_is_never_served_and_healed_by_a_push(client: Any) -> None:
    await client.push_blob("a", DATA)
    shelf = client.stores.content._shelf
    shelf.content[DIGEST] = b""
    for method in ("HEAD", "GET"):
        assert (await client(method, f"/v2/a/blobs/{DIGEST}")).status == 404
    health = (await client("GET", "/api/registry/health")).json
    assert (health["status"], len(health["warnings"])) == ("degraded", 1)
    await client.push_blob("a", DATA)
    assert (await client("GET", f"/v2/a/blobs/{DIGEST}")).body == DATA
    assert (await client("GET", "/api/registry/health")).json["status"] == "healthy"
