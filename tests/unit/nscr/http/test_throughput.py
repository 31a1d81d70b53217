"""/api/throughput: which bytes count, what its documents say, and its stream."""

from typing import Any

import anyio
import pytest

from nscr.core.throughput import Traffic
from nscr.http import throughput
from nscr.http.broadcast import Event
from nscr.oci.manifests import OCI_MANIFEST
from tests.unit.nscr.conftest import image_manifest

pytestmark = pytest.mark.anyio


def counted(client: Any) -> Traffic:
    """All bytes so far, and none of them twice."""
    counts = client.services.throughput.counts
    return Traffic(
        counts.blob_upload.bytes,
        counts.blob_download.bytes,
        counts.manifest_upload.bytes,
        counts.manifest_download.bytes,
    )


async def test_every_way_to_push_a_blob_counts_its_bytes_once(client: Any) -> None:
    await client.push_blob("a", b"x" * 10)
    location = await client.start_upload("a")
    await client("PATCH", location, b"y" * 20)
    await client("PUT", f"{location}?digest=sha256:{'0' * 64}", b"z" * 5)
    assert counted(client) == Traffic(blob_upload=35)


async def test_of_an_upload_that_breaks_off_counts_what_came(client: Any) -> None:
    location = await client.start_upload("a")
    await client.break_off("PATCH", location, b"one", b"three")
    assert counted(client) == Traffic(blob_upload=8)


async def test_reads_count_what_is_sent(client: Any) -> None:
    digest = await client.push_blob("a", b"x" * 100)
    pushed = Traffic(blob_upload=100)
    path = f"/v2/a/blobs/{digest}"
    await client("HEAD", path)
    await client("GET", path, headers={"if-none-match": f'"{digest}"'})
    await client("GET", path, headers={"range": "bytes=200-"})
    await client("GET", "/v2/a/blobs/sha256:" + "0" * 64)
    assert counted(client) == pushed
    await client("GET", path, headers={"range": "bytes=10-19"})
    assert counted(client) == pushed._replace(blob_download=10)
    await client("GET", path)
    assert counted(client) == pushed._replace(blob_download=110)


@pytest.mark.parametrize("padding", [0, 300_000])
async def test_manifests_count_as_such_however_they_are_sent(client: Any, padding: int) -> None:
    blob = await client.push_blob("a", b"{}")
    content = image_manifest((blob, 2)) + b" " * padding
    reply = await client("PUT", "/v2/a/manifests/t", content, {"content-type": OCI_MANIFEST})
    assert reply.status == 201
    size = len(content)
    await client("HEAD", "/v2/a/manifests/t")
    await client("GET", "/v2/a/manifests/none")
    await client("GET", "/v2/a/tags/list")
    await client("GET", f"/v2/a/referrers/{blob}")
    assert counted(client) == Traffic(blob_upload=2, manifest_upload=size)
    await client("GET", "/v2/a/manifests/t")
    assert counted(client) == Traffic(blob_upload=2, manifest_upload=size, manifest_download=size)


async def test_what_is_dropped_unread_is_no_upload(client: Any) -> None:
    assert (await client("PATCH", "/v2/a/blobs/uploads/none", b"x" * 50)).status == 404
    assert (await client("POST", "/api/garbage-collect", b"x" * 50)).status == 200
    assert counted(client) == Traffic()


async def test_a_download_that_its_client_leaves_counts_what_it_took(client: Any) -> None:
    size = 1_000_000
    digest = await client.push_blob("a", b"x" * size)
    taken = 0

    async def receive() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        nonlocal taken
        if taken:
            raise BrokenPipeError
        taken += len(message.get("body", b""))

    scope = {"type": "http", "method": "GET", "path": f"/v2/a/blobs/{digest}", "query_string": b"", "headers": []}
    with pytest.raises(BrokenPipeError):
        await client.application(scope, receive, send)
    assert 0 < taken < size
    assert counted(client) == Traffic(blob_upload=size, blob_download=taken)


async def test_the_documents(client: Any) -> None:
    digest = await client.push_blob("a", b"x" * 90)
    client.now.milliseconds += 1000
    await client("GET", "/api/throughput/current")
    await client("GET", f"/v2/a/blobs/{digest}")
    client.now.milliseconds += 1000
    none = {"uploadBytesPerSecond": 0, "downloadBytesPerSecond": 0}
    current = (await client("GET", "/api/throughput/current")).json
    assert current == {
        "timestamp": 1_002_000,
        "readBytesPerSecond": 90,
        "writeBytesPerSecond": 0,
        "blob": {"uploadBytesPerSecond": 0, "downloadBytesPerSecond": 90},
        "manifest": none,
    }
    client.now.milliseconds += 1000
    for unit, start in (("minutes", 960_000), ("hours", 0), ("days", 0)):
        history = (await client("GET", f"/api/throughput/history/{unit}")).json
        assert history == {
            "timestamp": 1_003_000,
            "unit": unit,
            "points": [
                {
                    "timestamp": start,
                    "duration": 3000,
                    "readBytesPerSecond": 30,
                    "writeBytesPerSecond": 30,
                    "blob": {"uploadBytesPerSecond": 30, "downloadBytesPerSecond": 30},
                    "manifest": none,
                }
            ],
        }
    assert (await client("GET", "/api/throughput/peak")).json == {
        "timestamp": 1_003_000,
        "since": 1_000_000,
        "readBytesPerSecond": 90,
        "writeBytesPerSecond": 90,
        "readAt": 1_001_000,
        "writeAt": 1_000_000,
        "blob": {
            "uploadBytesPerSecond": 90,
            "downloadBytesPerSecond": 90,
            "uploadAt": 1_000_000,
            "downloadAt": 1_001_000,
        },
        "manifest": {**none, "uploadAt": None, "downloadAt": None},
    }


async def test_a_manifest_a_day_is_not_nothing(client: Any) -> None:
    await client.push_blob("a", b"x" * 500)
    client.now.milliseconds += 3_600_000
    (day,) = (await client("GET", "/api/throughput/history/days")).json["points"]
    assert (day["duration"], day["writeBytesPerSecond"]) == (3_600_000, 0.139)


async def test_there_is_no_history_of_other_units(client: Any) -> None:
    assert (await client("GET", "/api/throughput/history/seconds")).status == 404


async def test_the_second_is_told_to_all_who_listen(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    slept = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        client.now.milliseconds += round(seconds * 1000)

    monkeypatch.setattr(throughput.anyio, "sleep", sleep)
    client.now.milliseconds += 250
    await throughput.tell_second(client.services)
    listener = client.services.throughput_events.subscribe()
    await client.push_blob("a", b"x" * 1000)
    await throughput.tell_second(client.services)
    assert slept == [0.751, 1.0]
    with anyio.fail_after(1):
        event = await listener.wait_next()
    assert event == Event("throughput", (await client("GET", "/api/throughput/current")).body)
    assert b'"writeBytesPerSecond":1000,' in event.data
