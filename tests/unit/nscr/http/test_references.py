"""What goes beyond one manifest under one tag: several tags, conditions, referrers, sparse indexes, algorithms."""

import json
from typing import Any

import pytest

from nscr.config import ServerConfig
from nscr.http.distribution import MAX_TAGS
from nscr.oci.digest import Algorithm, digest_of
from nscr.oci.manifests import MAX_MANIFEST_BYTES, OCI_INDEX, OCI_MANIFEST

pytestmark = pytest.mark.anyio

SUBJECT = digest_of(b"subject")


def index_of(*digests: str, **more: object) -> bytes:
    children = [{"mediaType": OCI_MANIFEST, "digest": digest, "size": 1} for digest in digests]
    return json.dumps({"schemaVersion": 2, "manifests": children, **more}).encode()


def referrer(subject: str = SUBJECT, **more: object) -> bytes:
    return index_of(subject={"mediaType": OCI_MANIFEST, "digest": subject, "size": 7}, **more)


async def put(client: Any, reference: str, content: bytes, **headers: str) -> Any:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return await client("PUT", f"/v2/a/manifests/{reference}", content, {"content-type": OCI_INDEX, **names})


async def test_tags_with_a_push_by_digest(client: Any) -> None:
    content = index_of()
    digest = digest_of(content, Algorithm.SHA512)
    tags = [f"tag{number}" for number in range(MAX_TAGS)]
    reply = await put(client, f"{digest}?{'&'.join(f'tag={tag}' for tag in tags)}&tag=tag0", content)
    assert (reply.status, reply.headers["oci-tag"]) == (201, ", ".join(tags))
    assert (await client("GET", "/v2/a/tags/list")).json["tags"] == sorted(tags)
    for tag in tags:
        assert (await client("HEAD", f"/v2/a/manifests/{tag}")).headers["docker-content-digest"] == digest


@pytest.mark.parametrize(
    ("reference", "tags", "status", "code"),
    [
        (digest_of(index_of()), ["good", ".bad"], 400, "MANIFEST_INVALID"),
        (digest_of(index_of()), [""], 400, "MANIFEST_INVALID"),
        (digest_of(index_of()), [f"tag{number}" for number in range(MAX_TAGS + 1)], 414, "SIZE_INVALID"),
        ("latest", ["good"], 400, "UNSUPPORTED"),
    ],
)
async def test_tags_all_or_nothing(client: Any, reference: str, tags: list[str], status: int, code: str) -> None:
    reply = await put(client, f"{reference}?{'&'.join(f'tag={tag}' for tag in tags)}", index_of())
    assert (reply.status, reply.code) == (status, code)
    assert (await client("GET", "/v2/_catalog")).json == {"repositories": []}


async def test_a_push_of_missing_references_moves_none_of_its_tags(client: Any) -> None:
    await put(client, "one", index_of())
    content = index_of(SUBJECT)
    assert (await put(client, f"{digest_of(content)}?tag=one&tag=two", content)).status == 404
    assert (await client("GET", "/v2/a/manifests/one")).body == index_of()
    assert (await client("HEAD", "/v2/a/manifests/two")).status == 404


async def test_compare_and_set_of_a_tag(client: Any) -> None:
    first, second = index_of(), index_of(annotations={"a": "b"})
    etag = f'"{digest_of(first)}"'
    assert (await put(client, "t", second, if_match=etag)).status == 412
    assert (await put(client, "t", first, if_none_match="*")).headers["etag"] == etag
    refused = await put(client, "t", second, if_none_match="*")
    assert (refused.status, refused.code) == (412, "DENIED")
    assert (await put(client, "t", second, if_match='"other"')).status == 412
    assert (await put(client, "t", second, if_match="unquoted")).status == 400
    assert (await client("GET", "/v2/a/manifests/t")).body == first
    assert (await put(client, "t", second, if_match=etag)).status == 201
    assert (await put(client, "t", first, if_match=etag)).status == 412
    assert (await client("GET", "/v2/a/manifests/t")).body == second


async def test_compare_and_set_of_several_tags_is_of_all_or_none(client: Any) -> None:
    first, second = index_of(), index_of(annotations={"a": "b"})
    await put(client, "one", first)
    target = f"{digest_of(second)}?tag=one&tag=two"
    assert (await put(client, target, second, if_match=f'"{digest_of(first)}"')).status == 412
    assert (await client("GET", "/v2/a/tags/list")).json["tags"] == ["one"]
    assert (await client("HEAD", f"/v2/a/manifests/{digest_of(second)}")).status == 404
    await put(client, "two", first)
    assert (await put(client, target, second, if_match=f'"{digest_of(first)}"')).status == 201
    for tag in ("one", "two"):
        assert (await client("GET", f"/v2/a/manifests/{tag}")).body == second


async def test_deletes_on_a_condition(client: Any) -> None:
    digest = digest_of(index_of())
    await put(client, "t", index_of())
    for reference in ("t", digest):
        stale = await client("DELETE", f"/v2/a/manifests/{reference}", headers={"if-match": '"stale"'})
        assert stale.status == 412
        assert (await client("HEAD", "/v2/a/manifests/t")).status == 200
    for reference in ("t", digest):
        assert (
            await client("DELETE", f"/v2/a/manifests/{reference}", headers={"if-match": f'"{digest}"'})
        ).status == 202


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_conditional_reads(client: Any, method: str) -> None:
    await put(client, "t", index_of())
    etag = f'"{digest_of(index_of())}"'
    for reference in ("t", digest_of(index_of())):
        unmodified = await client(method, f"/v2/a/manifests/{reference}", headers={"if-none-match": etag})
        assert (unmodified.status, unmodified.body, unmodified.headers["etag"]) == (304, b"", etag)
        assert (await client(method, f"/v2/a/manifests/{reference}", headers={"if-match": '"other"'})).status == 412
        assert (await client(method, f"/v2/a/manifests/{reference}", headers={"if-none-match": '"x"'})).status == 200
    assert (await client(method, "/v2/a/manifests/absent", headers={"if-match": "*"})).status == 404


async def test_referrers_of_what_does_not_exist_yet(client: Any) -> None:
    empty = await client("GET", f"/v2/nowhere/referrers/{SUBJECT}")
    assert (empty.status, empty.headers["content-type"], empty.json["manifests"]) == (200, OCI_INDEX, [])
    content = referrer(artifactType="application/x-sbom", annotations={"a": "b"})
    reply = await put(client, "t", content)
    assert (reply.status, reply.headers["oci-subject"]) == (201, SUBJECT)
    assert "oci-subject" not in (await put(client, "plain", index_of())).headers
    listed = await client("GET", f"/v2/a/referrers/{SUBJECT}")
    assert listed.json["manifests"] == [
        {
            "mediaType": OCI_INDEX,
            "digest": digest_of(content),
            "size": len(content),
            "artifactType": "application/x-sbom",
            "annotations": {"a": "b"},
        }
    ]
    assert "oci-filters-applied" not in listed.headers
    assert (await client("HEAD", f"/v2/a/referrers/{SUBJECT}")).headers == listed.headers
    assert (await client("GET", f"/v2/b/referrers/{SUBJECT}")).json["manifests"] == []
    await client("DELETE", f"/v2/a/manifests/{digest_of(content)}")
    assert (await client("GET", f"/v2/a/referrers/{SUBJECT}")).json["manifests"] == []


async def test_referrers_of_a_type(client: Any) -> None:
    wanted = referrer(artifactType="application/x+a")
    for content in (wanted, referrer(artifactType="application/x-b"), referrer()):
        await put(client, digest_of(content), content)
    reply = await client("GET", f"/v2/a/referrers/{SUBJECT}?artifactType=application/x%2Ba")
    assert reply.headers["oci-filters-applied"] == "artifactType"
    assert [entry["digest"] for entry in reply.json["manifests"]] == [digest_of(wanted)]
    assert len((await client("GET", f"/v2/a/referrers/{SUBJECT}?artifactType=")).json["manifests"]) == 3


@pytest.mark.parametrize("query", ["", "?artifactType=application/x%2Ba"])
async def test_many_referrers_come_in_pages(client: Any, query: str) -> None:
    contents = [
        referrer(artifactType="application/x+a", annotations={"n": str(number) * (MAX_MANIFEST_BYTES // 3)})
        for number in range(5)
    ]
    for content in contents:
        assert (await put(client, digest_of(content), content)).status == 201
    found: list[str] = []
    target, pages = f"/v2/a/referrers/{SUBJECT}{query}", 0
    while target:
        reply = await client("GET", target)
        assert len(reply.body) <= MAX_MANIFEST_BYTES
        found += [entry["digest"] for entry in reply.json["manifests"]]
        link = reply.headers.get("link", "")
        assert not link or link.endswith('>; rel="next"')
        target, pages = link.partition(">")[0].removeprefix("<"), pages + 1
    assert (found, pages) == (sorted(digest_of(content) for content in contents), 3)


async def test_a_malformed_subject_is_refused(client: Any) -> None:
    reply = await client("GET", "/v2/a/referrers/sha256:abc")
    assert (reply.status, reply.code) == (400, "DIGEST_INVALID")


async def test_sparse_indexes_where_they_are_allowed(client: Any, make_client: Any) -> None:
    child = index_of()
    sparse = index_of(digest_of(child))
    assert (await put(client, "t", sparse)).code == "MANIFEST_BLOB_UNKNOWN"
    lenient = make_client(ServerConfig(allow_sparse=True))

    async def orphaned() -> int:
        count: int = (await lenient("GET", "/api/garbage-collect/stats")).json["orphanedManifests"]
        return count

    assert (await put(lenient, "t", sparse)).status == 201
    assert await orphaned() == 0
    # Once it came it is a child like any other: deleting it orphans the index.
    assert (await put(lenient, digest_of(child), child)).status == 201
    await lenient("DELETE", f"/v2/a/manifests/{digest_of(child)}")
    assert await orphaned() == 1


async def test_an_upload_for_sha512(client: Any) -> None:
    digest = digest_of(b"data", Algorithm.SHA512)
    started = await client("POST", "/v2/a/blobs/uploads/?digest-algorithm=sha512")
    assert started.status == 202
    reply = await client("PUT", f"{started.headers['location']}?digest={digest}", b"data")
    assert (reply.status, reply.headers["docker-content-digest"]) == (201, digest)
    other = await client("POST", "/v2/a/blobs/uploads/?digest-algorithm=md5")
    assert (other.status, other.code) == (400, "DIGEST_INVALID")


async def test_an_upload_for_sha512_may_close_with_sha256(client: Any) -> None:
    started = await client("POST", "/v2/a/blobs/uploads/?digest-algorithm=sha512")
    assert (await client("PUT", f"{started.headers['location']}?digest={digest_of(b'd')}", b"d")).status == 201


async def test_what_is_no_json_is_no_image_index(client: Any) -> None:
    assert (await put(client, "t", index_of(annotations={"a": float("nan")}))).code == "MANIFEST_INVALID"
