"""The six documented endpoints: every documented field, its type, and figures that agree with what was pushed."""

from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from nscr.config import ServerConfig
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


async def test_repositories_newest_first(client: Any) -> None:
    await client.push_image("old", "t")
    client.now.milliseconds += 1
    await client.push_image("new", "t")
    assert (await get(client, "/api/registry/repositories"))["repositories"] == [
        {"name": "new", "lastUploaded": 1_000_001},
        {"name": "old", "lastUploaded": 1_000_000},
    ]


async def test_storage_and_what_is_referenced_most(client: Any) -> None:
    empty = await get(client, "/api/registry/storage")
    assert empty["storage"] == {
        "totalBytes": 0,
        "uniqueBytes": 0,
        "spaceSavings": 0,
        "spaceSavingsPercent": 0.0,
        "deduplicationRatio": 1.0,
    }
    await client.push_image("a", "t", b"layer")
    await client.push_image("b", "t", b"layer", b"other-one")
    await client.push_blob("b", b"loose")
    found = await get(client, "/api/registry/storage")
    assert found["storage"] == {
        "totalBytes": 28,
        "uniqueBytes": 21,
        "spaceSavings": 7,
        "spaceSavingsPercent": 25.0,
        "deduplicationRatio": 1.3333,
    }
    assert found["blobs"] == {"totalBlobs": 4, "uniqueBlobs": 4, "averageReferencesPerBlob": 1.25}
    counts = [(each["referenceCount"], each["size"]) for each in found["mostReferencedBlobs"]]
    assert sorted(counts[:2]) == [(2, 2), (2, 5)]
    assert counts[2:] == [(1, 9)]
    assert found["timestamp"] == 1_000_000


async def test_digests_one_a_line(client: Any) -> None:
    digests = sorted([await client.push_blob("a", data) for data in (b"1", b"2")])
    reply = await client("GET", "/api/blobs")
    assert reply.headers["content-type"].startswith("text/plain")
    assert reply.body.decode() == "".join(f"{digest}\n" for digest in digests)


async def test_web_status(client: Any) -> None:
    await client.push_image("a", "t", b"layer")
    client.now.milliseconds += 7
    status = await get(client, "/api/web/status")
    assert isinstance(status.pop("version"), str)
    assert status == {
        "repositories": 1,
        "totalBlobs": 2,
        "totalManifests": 1,
        "unreferencedBlobs": 0,
        "estimatedSpaceToFree": 0,
        "lastGcRun": None,
        "logStreamClients": 0,
        "uptime": 7,
    }


TAGGED = [
    "/api/registry/state",
    "/api/registry/repositories",
    "/api/registry/repositories/a",
    "/api/registry/blobs",
    "/api/registry/sessions",
    "/api/registry/health",
    "/api/registry/storage",
    "/api/garbage-collect/stats",
    "/api/blobs",
    "/api/web/status",
]


@pytest.mark.parametrize("path", TAGGED)
async def test_who_has_seen_it_all_is_told_so_until_there_is_news(client: Any, path: str) -> None:
    await client.push_image("a", "t", b"layer")
    location = await client.start_upload("a")

    async def ask(tag: str) -> Any:
        return await client("GET", path, headers={"if-none-match": tag})

    tag = (await client("GET", path)).headers["etag"]
    assert tag.startswith('W/"')
    for offered in (tag, tag[2:], f'"other", {tag}', "*"):
        client.now.milliseconds += 2000
        reply = await ask(offered)
        assert (reply.status, reply.body, reply.headers["etag"]) == (304, b"", tag)
    assert (await ask('W/"other"')).status == 200
    for news in (
        lambda: client.push_image("a", "u", b"layer"),
        lambda: client("DELETE", "/v2/a/manifests/u"),
        lambda: client("PATCH", location, b"abc"),
        lambda: client("DELETE", location),
    ):
        await news()
        reply = await ask(tag)
        assert reply.status == 200
        assert reply.headers["etag"] != tag
        tag = reply.headers["etag"]
        assert (await ask(tag)).status == 304


async def test_a_collection_that_removes_nothing_is_news(client: Any) -> None:
    seen = await client("GET", "/api/web/status")
    assert seen.json["lastGcRun"] is None
    client.now.milliseconds += 1
    assert (await client("POST", "/api/garbage-collect")).json["blobsRemoved"] == 0
    reply = await client("GET", "/api/web/status", headers={"if-none-match": seen.headers["etag"]})
    assert (reply.status, reply.json["lastGcRun"]) == (200, 1_000_001)


async def test_another_start_has_other_tags(make_client: Any) -> None:
    tags = {(await make_client()("GET", "/api/web/status")).headers["etag"] for _ in range(2)}
    assert len(tags) == 2


async def test_an_unchanged_registry_is_told_of_without_asking_it(client: Any) -> None:
    tag = (await client("GET", "/api/registry/state")).headers["etag"]

    async def fail(*_: object) -> None:
        raise AssertionError

    client.stores.census.read = fail
    assert (await client("GET", "/api/registry/state", headers={"if-none-match": tag})).status == 304


async def test_an_unhealthy_answer_is_never_taken_for_seen(client: Any) -> None:
    tag = (await client("GET", "/api/registry/health")).headers["etag"]

    async def fail(*_: object) -> None:
        raise StoreFault("broken")

    client.stores.census.probe = fail
    client.now.milliseconds += 1000
    reply = await client("GET", "/api/registry/health", headers={"if-none-match": tag})
    assert (reply.status, "etag" in reply.headers) == (500, False)


async def test_a_deleted_repository_is_gone_and_its_blobs_wait(client: Any) -> None:
    await client.push_image("team/app", "t", b"layer")
    await client.push_image("team/app", "u", b"other")
    await client.push_image("team", "t", b"layer")
    location = await client.start_upload("team/app")
    reply = await client("DELETE", "/v2/team/app")
    assert reply.status == 202
    assert reply.json == {"message": "Repository deleted", "manifestsDeleted": 2}
    state = await get(client, "/api/registry/state")
    assert [repository["name"] for repository in state["repositories"]] == ["team"]
    summary = state["summary"]
    assert (summary["totalManifests"], summary["totalBlobs"]) == (1, 3)
    assert (summary["unreferencedBlobs"], summary["estimatedSpaceToFree"]) == (1, 5)
    for path in ("manifests/t", "tags/list", f"blobs/{digest_of(b'layer')}"):
        assert (await client("GET", f"/v2/team/app/{path}")).status == 404
    assert (await client("GET", location)).status == 204
    again = await client("DELETE", "/v2/team/app")
    assert (again.status, again.code) == (404, "NAME_UNKNOWN")


@pytest.mark.parametrize(
    ("path", "statuses"),
    [
        ("/v2/a/manifests/t", {202}),
        ("/v2/a/tags/list", {405}),
        ("/v2/a/manifests/", {400}),
        ("/v2/a/manifests", {404}),
        ("/v2/a/blobs/uploads/", {405}),
        ("/v2/a/blobs/uploads/none", {404}),
        ("/v2/_catalog", {405}),
        ("/v2/", {405}),
        ("/v2/A", {400}),
        ("/v2/../a", {400}),
    ],
)
async def test_deleting_a_repository_never_shadows_another_path(client: Any, path: str, statuses: set[int]) -> None:
    await client.push_image("a", "t", b"layer")
    assert (await client("DELETE", path)).status in statuses
    assert (await get(client, "/api/registry/repositories/a"))["name"] == "a"


async def test_a_repository_whose_name_reads_as_a_manifest_keeps_it(client: Any) -> None:
    await client.push_image("a/manifests/b", "t", b"layer")
    assert (await client("DELETE", "/v2/a/manifests/b")).code == "MANIFEST_UNKNOWN"
    assert (await get(client, "/api/web/status"))["repositories"] == 1


async def test_shutdown_where_it_is_configured_and_nowhere_else(make_client: Any) -> None:
    stopped: list[str] = []

    def stop() -> None:
        stopped.append("now")

    reply = await make_client(ServerConfig(), request_shutdown=stop)("POST", "/api/shutdown")
    assert (reply.status, set(reply.json), stopped) == (404, {"error", "message"}, [])
    client = make_client(ServerConfig(shutdown_endpoint_enabled=True), request_shutdown=stop)
    assert (await client("GET", "/api/shutdown")).status == 405
    reply = await client("POST", "/api/shutdown")
    assert (reply.status, reply.json) == (200, {"message": "Shutting down", "timestamp": 1_000_000})
    assert stopped == ["now"]


async def test_metrics(client: Any) -> None:
    await client.push_image("a", "t", b"layer")
    await client("GET", "/v2/a/tags/list")
    await client("GET", "/nowhere/at/all")
    await client("BREW", "/v2/")
    reply = await client("GET", "/metrics")
    assert reply.headers["content-type"].startswith("text/plain; version=0.0.4")
    parsed = {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(reply.body.decode())
        for sample in family.samples
    }
    assert parsed[("nscr_blobs",)] == 2
    assert parsed[("nscr_blob_bytes",)] == 7
    assert parsed[("nscr_healthy",)] == 1
    for stream in ("log", "repositories", "throughput"):
        assert parsed["nscr_stream_clients", ("stream", stream)] == 0

    def requests(method: str, route: str, status: str) -> float:
        return parsed["nscr_http_requests_total", ("method", method), ("route", route), ("status", status)]

    assert requests("PUT", "/v2/{name}/manifests/{reference}", "201") == 1
    assert requests("GET", "/v2/{name}/tags/list", "200") == 1
    assert requests("GET", "none", "404") == 1
    assert requests("other", "/v2/", "405") == 1
    assert parsed["nscr_http_request_seconds_count", ("method", "GET"), ("route", "/v2/{name}/tags/list")] == 1
