"""/api/throughput of `nscr serve` under known bytes: nothing is lost, and no rate is more than went by."""

import json
import time
from collections.abc import Iterator
from hashlib import sha256
from itertools import takewhile
from typing import Any

import httpx
import pytest

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

BLOB = bytes(range(256)) * 12_288  # 3 MiB
PULLS = 4
MANIFEST = b'{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}'
INDEX_TYPE = "application/vnd.oci.image.index.v1+json"


def told_seconds(answer: httpx.Response) -> Iterator[dict[str, Any]]:
    """What the stream tells after `connected`."""
    lines = answer.iter_lines()
    assert next(lines) == "event: connected"
    for line in lines:
        if line == "event: throughput":
            yield json.loads(next(lines).removeprefix("data: "))


def test_pushes_and_pulls_of_known_bytes(serve: Any) -> None:
    served = serve()
    with httpx.Client(base_url=served.url, trust_env=False, timeout=30) as client:

        def read(what: str) -> Any:
            reply = client.get(f"/api/throughput/{what}")
            assert reply.status_code == 200, reply
            return reply.json()

        with client.stream("GET", "/api/throughput/stream") as stream:
            assert stream.headers["content-type"] == "text/event-stream"
            digest = f"sha256:{sha256(BLOB).hexdigest()}"
            assert client.post("/v2/a/blobs/uploads/", params={"digest": digest}, content=BLOB).status_code == 201
            put = client.put("/v2/a/manifests/t", content=MANIFEST, headers={"content-type": INDEX_TYPE})
            assert put.status_code == 201
            for _ in range(PULLS):
                assert client.get(f"/v2/a/blobs/{digest}").content == BLOB
                assert client.get("/v2/a/manifests/t").content == MANIFEST
            # Only seconds that are over are told.
            until = (time.time() + 1.1) * 1000
            events = list(takewhile(lambda event: event["timestamp"] < until, told_seconds(stream)))
        most = {
            ("blob", "uploadBytesPerSecond"): len(BLOB),
            ("blob", "downloadBytesPerSecond"): PULLS * len(BLOB),
            ("manifest", "uploadBytesPerSecond"): len(MANIFEST),
            ("manifest", "downloadBytesPerSecond"): PULLS * len(MANIFEST),
        }
        peak, points = read("peak"), read("history/minutes")["points"]
        for (content, direction), bytes_ in most.items():
            told = sum(point[content][direction] * point["duration"] / 1000 for point in points)
            assert told == pytest.approx(bytes_, abs=len(points)), (content, direction)
            assert 0 < peak[content][direction] <= bytes_
            # A beat that is more than a second late leaves a second out; none is told twice.
            assert 0 < sum(event[content][direction] for event in events) <= bytes_
        assert 0 < peak["readBytesPerSecond"] <= PULLS * (len(BLOB) + len(MANIFEST))
        assert peak["since"] <= peak["writeAt"] + 1000 <= peak["timestamp"]
        ends = time.monotonic() + 20
        while (current := read("current"))["readBytesPerSecond"] or current["writeBytesPerSecond"]:
            assert time.monotonic() < ends, current
            time.sleep(0.1)
        for unit in ("hours", "days"):
            assert sum(point["duration"] for point in read(f"history/{unit}")["points"]) >= 1000
