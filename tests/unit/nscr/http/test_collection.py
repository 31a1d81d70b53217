"""Collection on demand: what goes, what stays, what the figures say before and after."""

import json
from typing import Any

import pytest

from nscr.oci.digest import Digest, digest_of
from nscr.oci.manifests import OCI_INDEX, OCI_MANIFEST

pytestmark = pytest.mark.anyio

COLLECT = "/api/garbage-collect"


async def figures(client: Any) -> tuple[int, int]:
    found = (await client("GET", f"{COLLECT}/stats")).json
    return found["unreferencedBlobs"], found["estimatedSpaceToFree"]


async def collect(client: Any, query: str = "") -> tuple[int, int, int]:
    reply = await client("POST", COLLECT + query)
    assert reply.status == 200, reply
    assert reply.json["failures"] == []
    return reply.json["blobsRemoved"], reply.json["spaceFreed"], reply.json["manifestsRemoved"]


async def has(client: Any, repository: str, digest: str) -> bool:
    return (await client("HEAD", f"/v2/{repository}/blobs/{digest}")).status == 200


async def test_what_a_deleted_image_held_comes_back_as_was_estimated(client: Any) -> None:
    digest = await client.push_image("a", "t", b"layer")
    assert await figures(client) == (0, 0)
    assert await collect(client) == (0, 0, 0)
    await client("DELETE", f"/v2/a/manifests/{digest}")
    assert await figures(client) == (2, 7)
    assert await collect(client, "?dryRun=true") == (2, 7, 0)
    assert await figures(client) == (2, 7)
    assert await collect(client) == (2, 7, 0)
    assert await figures(client) == (0, 0)
    assert not await has(client, "a", digest_of(b"layer"))
    await client.push_image("a", "t", b"layer")
    assert await has(client, "a", digest_of(b"layer"))


async def test_a_shared_blob_stays_while_any_repository_needs_it(client: Any) -> None:
    first = await client.push_image("a", "t", b"layer")
    await client("POST", f"/v2/b/blobs/uploads/?mount={digest_of(b'layer')}&from=a")
    second = await client.push_image("b", "t", b"layer", b"more")
    await client("DELETE", f"/v2/a/manifests/{first}")
    assert await collect(client) == (0, 0, 0)
    await client("DELETE", f"/v2/b/manifests/{second}")
    # It was pushed besides the mount: that push may be another one, and still count on it.
    assert await collect(client) == (2, 6, 0)
    await client.registry.upkeep.expire_leases(client.now() + 1)
    assert await collect(client) == (1, 5, 0)


async def test_what_a_push_counts_on_is_neither_counted_nor_collected(client: Any) -> None:
    digest = await client.push_blob("a", b"slow")
    assert await figures(client) == (0, 0)
    assert await collect(client) == (0, 0, 0)
    assert await has(client, "a", digest)
    await client.registry.upkeep.expire_leases(client.now() + 1)
    assert await figures(client) == (1, 4)
    # Who is told now that it is there will not push it again.
    assert await has(client, "a", digest)
    assert await figures(client) == (0, 0)
    assert await collect(client) == (0, 0, 0)


async def test_two_pushes_of_one_blob_hold_it_each_for_themselves(client: Any) -> None:
    await client.push_blob("a", b"layer")
    first = await client.push_image("a", "one", b"layer")
    await client("DELETE", f"/v2/a/manifests/{first}")
    assert await collect(client) == (1, 2, 0)
    assert await has(client, "a", digest_of(b"layer"))


async def test_a_tag_put_on_what_is_there_uses_up_no_lease_of_a_push(client: Any) -> None:
    first = await client.push_image("a", "one", b"layer")
    await client.push_blob("a", b"layer")
    content = (await client("GET", "/v2/a/manifests/one")).body
    assert (await client("PUT", "/v2/a/manifests/two", content, {"content-type": OCI_MANIFEST})).status == 201
    await client("DELETE", f"/v2/a/manifests/{first}")
    assert await collect(client) == (1, 2, 0)


async def put_index(client: Any, reference: str, *children: Digest, subject: Digest | None = None) -> Digest:
    def descriptor(digest: Digest) -> str:
        return f'{{"mediaType":"{OCI_MANIFEST}","digest":"{digest}","size":1}}'

    more = f',"subject":{descriptor(subject)}' if subject else ""
    content = f'{{"schemaVersion":2,"manifests":[{",".join(map(descriptor, children))}]{more}}}'.encode()
    digest = digest_of(content)
    target = f"/v2/a/manifests/{reference or digest}"
    assert (await client("PUT", target, content, {"content-type": OCI_INDEX})).status == 201
    return digest


async def test_untagged_manifests_go_but_no_child_referrer_young_or_leased_one(client: Any) -> None:
    old = await client.push_image("a", "t", b"1")
    kept = await client.push_image("a", "t", b"2")
    index = await put_index(client, "i", kept)
    inner = await put_index(client, "", index)
    await put_index(client, "nested", inner)
    referrer = await put_index(client, "", subject=kept)
    dangling = await put_index(client, "", subject=digest_of(b"absent"))
    pushed = await put_index(client, "", kept, kept)
    await client("DELETE", "/v2/a/manifests/i")
    await client("DELETE", "/v2/a/manifests/t")
    client.now.milliseconds += 1000
    assert (await collect(client, "?untagged=true&olderThan=5000"))[2] == 0
    assert (await collect(client, "?untagged=true&dryRun=true"))[2] == 1
    assert await collect(client, "?untagged=true") == (1, 1, 1)
    assert (await client("GET", f"/v2/a/manifests/{old}")).status == 404
    await client.registry.upkeep.expire_leases(client.now() + 1)
    assert (await collect(client, "?untagged=true"))[2] == 2
    for digest, status in ((kept, 200), (index, 200), (inner, 200), (referrer, 200), (dangling, 404), (pushed, 404)):
        assert (await client("GET", f"/v2/a/manifests/{digest}")).status == status
    await client("DELETE", "/v2/a/manifests/nested")
    # Owners go first, and all that they alone kept with them.
    assert (await collect(client, "?untagged=true"))[2] == 5
    assert (await client("GET", "/api/registry/state")).json["summary"]["totalRepositories"] == 0


@pytest.mark.parametrize("query", ["?dryRun=maybe", "?untagged=true&olderThan=-1", "?olderThan=1d"])
async def test_what_is_not_understood_collects_nothing(client: Any, query: str) -> None:
    assert (await client("POST", COLLECT + query)).status == 400


async def test_a_manifest_uses_up_no_claim_of_a_push_that_is_still_running(client: Any) -> None:
    # One has pushed the layer and pauses; another is told that it is there, and is done and gone before the first.
    await client.push_blob("a", b"layer")
    assert await has(client, "a", digest_of(b"layer"))
    config = await client.push_blob("a", b"other")
    described = [{"digest": digest, "size": 5} for digest in (config, digest_of(b"layer"))]
    content = json.dumps({"schemaVersion": 2, "config": described[0], "layers": described[1:]}).encode()
    assert (await client("PUT", "/v2/a/manifests/t", content, {"content-type": OCI_MANIFEST})).status == 201
    await client("DELETE", f"/v2/a/manifests/{digest_of(content)}")
    assert await collect(client) == (1, 5, 0)
    assert await has(client, "a", digest_of(b"layer"))
    await client.push_image("a", "first", b"layer")
