"""The six documented endpoints: every documented field, its type, and figures that agree with what was pushed."""

from typing import Any

import pytest

from nscr.errors import StoreFault
from nscr.oci.digest import digest_of

pytestmark = pytest.mark.anyio

SUMMARY = {
    "totalRepositories",
    "totalManifests",
    "totalBlobs",
    "unreferencedBlobs",
    "orphanedManifests",
    "estimatedSpaceToFree",
    "sparseManifests",
}


async def get(client: Any, path: str) -> Any:
    reply = await client("GET", path)
    assert reply.status == 200, reply
    assert reply.headers["content-type"] == "application/json"
    return reply.json


async def test_the_state_of_an_empty_registry(client: Any) -> None:
    state = await get(client, "/api/registry/state")
    assert state["timestamp"] == 1_000_000
    assert state["registryVersion"] == "2.0"
    assert state["summary"] == dict.fromkeys(SUMMARY, 0)
    assert (state["repositories"], state["activeSessions"]) == ([], {"count": 0, "sessions": []})
    assert state["health"] == {"status": "healthy", "uptime": 0, "logStreamClients": 0}


async def test_the_state_tells_one_story(client: Any) -> None:
    await client.push_image("old", "b", b"layer")
    client.now.milliseconds += 5
    await client.push_image("team/new", "b", b"layer")
    await client.push_image("team/new", "a", b"layer", b"other")
    await client.push_blob("loose", b"12345")
    # Whoever pushed it is given up for good.
    assert await client.registry.upkeep.expire_leases(client.now() + 1) == 1
    location = await client.start_upload("team/new")
    client.now.milliseconds += 7
    await client("PATCH", location, b"xyz")
    client.now.milliseconds += 1
    state = await get(client, "/api/registry/state")
    assert state["repositories"] == [
        {"name": "team/new", "tagCount": 2, "tags": ["a", "b"]},
        {"name": "old", "tagCount": 1, "tags": ["b"]},
    ]
    assert state["summary"] == {
        "totalRepositories": 2,
        "totalManifests": 3,
        "totalBlobs": 4,
        "unreferencedBlobs": 1,
        "orphanedManifests": 0,
        "estimatedSpaceToFree": 5,
        "sparseManifests": 0,
    }
    session = {"id": location.rpartition("/")[2], "startTime": 1_000_005, "lastActivity": 1_000_012, "blobCount": 1}
    assert state["activeSessions"] == {"count": 1, "sessions": [session]}
    assert state["storage"]["uniqueBytes"] == 2 + 5 + 5 + 5
    assert state["storage"]["totalBytes"] == 2 + 5 + 2 + 5 + 5 + 5
    statistics = await get(client, "/api/garbage-collect/stats")
    assert statistics == {name: state["summary"][name] for name in SUMMARY - {"totalRepositories", "sparseManifests"}}
    health = await get(client, "/api/registry/health")
    assert health["metrics"] == {
        "totalRepositories": 2,
        "totalManifests": 3,
        "totalBlobs": 4,
        "activeSessions": 1,
        "logStreamClients": 0,
    }
    sessions = await get(client, "/api/registry/sessions")
    assert sessions["activeSessions"] == [{**session, "duration": 8, "repository": "team/new", "bytesReceived": 3}]
    assert sessions["totalActiveSessions"] == 1


async def test_a_blob_deleted_from_its_last_repository_waits_unreferenced(client: Any) -> None:
    digest = await client.push_image("a", "t", b"layer")
    blob = digest_of(b"layer")
    await client("DELETE", f"/v2/a/blobs/{blob}")
    summary = (await get(client, "/api/registry/state"))["summary"]
    assert summary == {
        "totalRepositories": 1,
        "totalManifests": 1,
        "totalBlobs": 2,
        "unreferencedBlobs": 1,
        "orphanedManifests": 1,
        "estimatedSpaceToFree": 5,
        "sparseManifests": 0,
    }
    await client("DELETE", f"/v2/a/manifests/{digest}")
    summary = (await get(client, "/api/registry/state"))["summary"]
    assert (summary["totalRepositories"], summary["orphanedManifests"], summary["unreferencedBlobs"]) == (0, 0, 2)


@pytest.mark.parametrize("name", ["team/app"])
async def test_details_of_a_repository(client: Any, name: str) -> None:
    one = await client.push_image(name, "one", b"layer")
    two = await client.push_image(name, "two", b"layer", b"more")
    assert await get(client, f"/api/registry/repositories/{name}") == {
        "name": name,
        "tagCount": 2,
        "tags": [
            {"tag": "one", "hasManifest": True, "digest": one, "sizeBytes": 7},
            {"tag": "two", "hasManifest": True, "digest": two, "sizeBytes": 11},
        ],
        "timestamp": 1_000_000,
    }


async def test_an_unknown_repository(client: Any) -> None:
    reply = await client("GET", "/api/registry/repositories/absent")
    assert reply.status == 404
    assert set(reply.json) == {"error", "message"}


async def test_blobs_are_listed_whole_or_in_pages(client: Any) -> None:
    for data in (b"1", b"22", b"333"):
        await client.push_blob("a", data)
    listed = await get(client, "/api/registry/blobs")
    assert listed["totalBlobs"] == 3
    assert {(blob["digest"], blob["size"], blob["created"]) for blob in listed["blobs"]} == {
        (digest_of(data), len(data), 1_000_000) for data in (b"1", b"22", b"333")
    }
    first = await get(client, "/api/registry/blobs?limit=2")
    rest = await get(client, f"/api/registry/blobs?limit=2&after={first['blobs'][-1]['digest']}")
    assert first["blobs"] + rest["blobs"] == listed["blobs"]
    assert rest["totalBlobs"] == 3


async def test_the_generation_grows_with_changes_and_only_with_them(client: Any) -> None:
    async def generation() -> int:
        value: int = (await get(client, "/api/registry/state"))["generation"]
        return value

    seen = [await generation()]
    for change in (
        lambda: client.push_image("a", "t", b"layer"),
        lambda: client("DELETE", "/v2/a/manifests/t"),
        lambda: client("DELETE", f"/v2/a/blobs/{digest_of(b'layer')}"),
        lambda: client.start_upload("a"),
    ):
        await change()
        client.now.milliseconds += 2000
        await get(client, "/api/registry/health")
        seen.append(await generation())
        assert await generation() == seen[-1]
    assert seen == sorted(set(seen))


async def test_a_failed_check_is_a_500_of_the_same_shape(client: Any) -> None:
    async def fail(*_: object) -> None:
        raise StoreFault("the database failed: disk I/O error")

    client.stores.census.probe = fail
    reply = await client("GET", "/api/registry/health")
    assert reply.status == 500
    assert reply.json["status"] == "unhealthy"
    assert reply.json["checks"] == {
        "repositoryListing": True,
        "statisticsAccess": True,
        "databaseConnectivity": False,
    }
    assert "disk I/O error" in reply.json["message"]
    assert (await client("GET", "/api/registry/state")).json["health"]["status"] == "unhealthy"


async def test_a_failed_state_says_what_failed(client: Any) -> None:
    async def fail(*_: object) -> None:
        raise StoreFault("the database failed: disk I/O error")

    client.stores.census.read = fail
    reply = await client("GET", "/api/registry/state")
    assert reply.status == 500
    assert reply.json["message"] == "the database failed: disk I/O error"


async def test_all_callers_share_one_probe_a_second(client: Any) -> None:
    probes: list[str] = []

    async def probe(token: str) -> bool:
        probes.append(token)
        return True

    client.stores.census.probe = probe
    for expected, step in ((1, 0), (1, 999), (2, 1), (2, 999), (3, 1)):
        client.now.milliseconds += step
        await get(client, "/api/registry/health")
        await get(client, "/api/registry/state")
        assert len(probes) == expected
