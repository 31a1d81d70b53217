"""Manifests, tags and listings over HTTP."""

import json
from typing import Any

import pytest

from nscr.oci.digest import Algorithm, digest_of
from nscr.oci.manifests import DOCKER_MANIFEST, MAX_MANIFEST_BYTES, OCI_INDEX, OCI_MANIFEST

pytestmark = pytest.mark.anyio


def index_of(*digests: str, **more: object) -> bytes:
    children = [{"mediaType": OCI_MANIFEST, "digest": digest, "size": 1} for digest in digests]
    return json.dumps({"schemaVersion": 2, "manifests": children, **more}).encode()


async def put(client: Any, repository: str, reference: str, content: bytes, media_type: str | None = None) -> Any:
    headers = {"content-type": media_type} if media_type else {}
    return await client("PUT", f"/v2/{repository}/manifests/{reference}", content, headers)


async def test_an_image_is_read_back_by_tag_and_digest(client: Any) -> None:
    digest = await client.push_image("a/b", "latest", b"layer")
    for reference in ("latest", digest):
        get, head = [await client(method, f"/v2/a/b/manifests/{reference}") for method in ("GET", "HEAD")]
        assert (get.status, digest_of(get.body)) == (200, digest)
        assert get.headers["content-type"] == OCI_MANIFEST
        assert get.headers["docker-content-digest"] == digest
        assert (head.status, head.headers, head.body) == (200, get.headers, b"")


@pytest.mark.parametrize("algorithm", Algorithm)
async def test_a_manifest_pushed_by_digest(client: Any, algorithm: Algorithm) -> None:
    content = index_of()
    digest = digest_of(content, algorithm)
    reply = await put(client, "a", digest, content, OCI_INDEX)
    assert (reply.status, reply.headers["location"]) == (201, f"/v2/a/manifests/{digest}")
    assert reply.headers["docker-content-digest"] == digest
    assert (await client("GET", f"/v2/a/manifests/{digest}")).body == content
    assert (await client("GET", "/v2/a/tags/list")).json == {"name": "a", "tags": []}


async def test_a_manifest_pushed_by_the_digest_of_something_else(client: Any) -> None:
    reply = await put(client, "a", digest_of(b"else"), index_of(), OCI_INDEX)
    assert (reply.status, reply.code) == (400, "DIGEST_INVALID")
    assert (await client("GET", "/v2/a/tags/list")).code == "NAME_UNKNOWN"


async def test_a_manifest_whose_references_are_missing_is_refused_whole(client: Any) -> None:
    missing = digest_of(b"missing")
    reply = await put(client, "a", "latest", index_of(missing), OCI_INDEX)
    assert (reply.status, reply.code) == (404, "MANIFEST_BLOB_UNKNOWN")
    assert reply.json["errors"][0]["detail"] == [{"digest": missing}]
    assert (await client("HEAD", "/v2/a/manifests/latest")).status == 404
    assert (await client("GET", "/v2/_catalog")).json == {"repositories": []}


async def test_what_another_repository_holds_is_missing_here(client: Any) -> None:
    digest = await client.push_image("a", "latest")
    content = (await client("GET", f"/v2/a/manifests/{digest}")).body
    assert (await put(client, "b", "latest", content, OCI_MANIFEST)).status == 404
    assert (await put(client, "b", "latest", index_of(digest), OCI_INDEX)).status == 404


async def test_a_missing_subject_is_legal(client: Any) -> None:
    subject = {"mediaType": OCI_MANIFEST, "digest": digest_of(b"later"), "size": 1}
    assert (await put(client, "a", "latest", index_of(subject=subject), OCI_INDEX)).status == 201


async def test_nested_indexes(client: Any) -> None:
    image = await client.push_image("a", "image")
    inner = index_of(image)
    assert (await put(client, "a", digest_of(inner), inner, OCI_INDEX)).status == 201
    assert (await put(client, "a", "outer", index_of(digest_of(inner)), OCI_INDEX)).status == 201
    assert (await client("GET", "/api/garbage-collect/stats")).json["orphanedManifests"] == 0


async def test_types_are_kept(client: Any) -> None:
    config = await client.push_blob("a", b"{}")
    descriptor = {"mediaType": "application/octet-stream", "digest": config, "size": 2}
    docker = json.dumps({"schemaVersion": 2, "config": descriptor, "layers": []}).encode()
    for tag, content, media_type in (("d", docker, DOCKER_MANIFEST), ("x", b"\x00odd", "application/x-odd")):
        assert (await put(client, "a", tag, content, media_type)).status == 201
        reply = await client("GET", f"/v2/a/manifests/{tag}", headers={"accept": OCI_INDEX})
        assert (reply.body, reply.headers["content-type"]) == (content, media_type)


async def test_the_largest_manifest(client: Any) -> None:
    assert (await put(client, "a", "t", b"x" * MAX_MANIFEST_BYTES, "application/x-odd")).status == 201
    reply = await put(client, "a", "t", b"x" * (MAX_MANIFEST_BYTES + 1), "application/x-odd")
    assert (reply.status, reply.code) == (413, "SIZE_INVALID")


@pytest.mark.parametrize(
    ("method", "reference", "status", "code"),
    [
        ("GET", "absent", 404, "MANIFEST_UNKNOWN"),
        ("GET", ".not-a-tag", 404, "MANIFEST_UNKNOWN"),
        ("GET", digest_of(b""), 404, "MANIFEST_UNKNOWN"),
        ("GET", "sha256:abc", 400, "DIGEST_INVALID"),
        ("DELETE", "absent", 404, "MANIFEST_UNKNOWN"),
        ("DELETE", digest_of(b""), 404, "MANIFEST_UNKNOWN"),
        ("PUT", ".not-a-tag", 400, "MANIFEST_INVALID"),
        ("PUT", "latest", 400, "MANIFEST_INVALID"),
    ],
)
async def test_failures(client: Any, method: str, reference: str, status: int, code: str) -> None:
    reply = await client(method, f"/v2/a/manifests/{reference}", b"junk", {"content-type": OCI_MANIFEST})
    assert (reply.status, reply.code) == (status, code)


async def test_a_body_that_breaks_off_stores_no_manifest(client: Any) -> None:
    assert (await client.break_off("PUT", "/v2/a/manifests/t", index_of())).status == 400
    assert (await client("HEAD", "/v2/a/manifests/t")).status == 404


async def test_deleting_a_tag_leaves_the_manifest_and_its_other_tags(client: Any) -> None:
    digest = await client.push_image("a", "one")
    await client.push_image("a", "two")
    assert (await client("DELETE", "/v2/a/manifests/one")).status == 202
    assert (await client("DELETE", "/v2/a/manifests/one")).status == 404
    assert (await client("HEAD", "/v2/a/manifests/one")).status == 404
    for reference in ("two", digest):
        assert (await client("HEAD", f"/v2/a/manifests/{reference}")).status == 200
    assert (await client("GET", "/v2/a/tags/list")).json["tags"] == ["two"]


async def test_deleting_by_digest_takes_every_tag_of_it_and_the_last_the_repository(client: Any) -> None:
    digest = await client.push_image("a", "one")
    await client.push_image("a", "two")
    await client.push_image("b", "one")
    other = await client.push_image("a", "three", b"layer")
    assert (await client("DELETE", f"/v2/a/manifests/{digest}")).status == 202
    assert (await client("GET", "/v2/a/tags/list")).json["tags"] == ["three"]
    assert (await client("HEAD", "/v2/b/manifests/one")).status == 200
    await client("DELETE", f"/v2/a/manifests/{other}")
    assert (await client("GET", "/v2/_catalog")).json == {"repositories": ["b"]}
    reply = await client("GET", "/v2/a/tags/list")
    assert (reply.status, reply.code) == (404, "NAME_UNKNOWN")


async def test_tags_are_paged_in_order(client: Any) -> None:
    for tag in ("b", "B", "10", "9", "a"):
        await client.push_image("a/b", tag)
    shown: list[str] = []
    target = "/v2/a/b/tags/list?n=2"
    while target:
        reply = await client("GET", target)
        shown += reply.json["tags"]
        target = reply.headers.get("link", "").partition(">")[0].removeprefix("<")
    assert shown == ["10", "9", "B", "a", "b"]
    assert (await client("GET", "/v2/a/b/tags/list?n=0")).json["tags"] == []
    assert (await client("GET", "/v2/a/b/tags/list?last=9")).json["tags"] == ["B", "a", "b"]
    assert (await client("GET", "/v2/a/b/tags/list?n=x")).status == 400


async def test_the_catalog_is_paged(client: Any) -> None:
    for name in ("c", "a/x", "b"):
        await client.push_image(name, "t")
    first = await client("GET", "/v2/_catalog?n=2")
    assert first.json == {"repositories": ["a/x", "b"]}
    target = first.headers["link"].partition(">")[0].removeprefix("<")
    second = await client("GET", target)
    assert (second.json, second.headers.get("link")) == ({"repositories": ["c"]}, None)
