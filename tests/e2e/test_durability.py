"""Bit rot, a full disk, collection and clean-up by schedule, and a drain, on `nscr serve` with real files."""

import contextlib
import hashlib
import http.client
import json
import os
import sqlite3
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

MEBIBYTE = 1024 * 1024
MANIFEST = "application/vnd.oci.image.manifest.v1+json"


def digest_of(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


class Connection:
    def __init__(self, served: Any) -> None:
        self.http = http.client.HTTPConnection(served.host_port, timeout=60)

    def __call__(self, method: str, path: str, body: Any = b"", **headers: str) -> tuple[int, Any, bytes]:
        self.http.request(method, path, body=body, headers={k.replace("_", "-"): v for k, v in headers.items()})
        reply = self.http.getresponse()
        content = reply.read()
        if reply.status == 507:
            # The rest of the body is nobody's any more: what comes next has a connection of its own.
            self.http.close()
        return reply.status, reply.headers, content

    def push(self, data: bytes) -> str:
        assert self("POST", f"/v2/a/blobs/uploads/?digest={digest_of(data)}", data)[0] == 201
        return digest_of(data)

    def json(self, path: str) -> Any:
        return json.loads(self("GET", path)[2])


Connect = Callable[[Any], Connection]


@pytest.fixture
def connect() -> Iterator[Connect]:
    opened: list[Connection] = []

    def open_connection(served: Any) -> Connection:
        opened.append(Connection(served))
        return opened[-1]

    yield open_connection
    for connection in opened:
        connection.http.close()


def wait_until(holds: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def stored(served: Any, digest: str) -> Path:
    name = digest.removeprefix("sha256:")
    return Path(served.data) / "blobs" / "sha256" / name[:2] / name


def rot(path: Path, *, same_times: bool) -> None:
    """Turn one bit over in the middle."""
    status = path.stat()
    with path.open("r+b") as file:
        file.seek(status.st_size // 2)
        byte = file.read(1)
        file.seek(status.st_size // 2)
        file.write(bytes([byte[0] ^ 1]))
    if same_times:
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


@pytest.mark.parametrize("restarts", [True, False])
def test_rotten_bytes_are_never_served_and_a_push_heals(serve: Any, connect: Connect, *, restarts: bool) -> None:
    served = serve()
    connection = connect(served)
    data = os.urandom(300_000)
    digest = connection.push(data)
    if restarts:
        assert served.stop() == 0
    # While it runs, the change of the file shows in its ctime, which nobody can put back.
    rot(stored(served, digest), same_times=True)
    if restarts:
        served = serve(data=served.data)
        connection = connect(served)
    path = f"/v2/a/blobs/{digest}"
    assert connection("GET", path, Range="bytes=0-9")[0] == 404
    assert connection("HEAD", path)[0] == 404
    assert connection("POST", f"/v2/b/blobs/uploads/?mount={digest}&from=a")[0] == 202
    assert not stored(served, digest).exists()
    assert [entry.name for entry in (served.data / "quarantine").iterdir()] == [digest.removeprefix("sha256:")]
    assert connection.json("/api/registry/health")["status"] == "degraded"
    assert served.stop() == 0
    served = serve(data=served.data)
    connection = connect(served)
    health = connection.json("/api/registry/health")
    assert (health["status"], "damaged content" in health["warnings"][0]) == ("degraded", True)
    connection.push(data)
    assert connection("GET", path)[2] == data
    assert connection.json("/api/registry/health")["warnings"] == []
    assert list((served.data / "quarantine").iterdir()) == []


def test_the_scrub_finds_what_nobody_reads(serve: Any, connect: Connect) -> None:
    served = serve(environment={"NSCR_SCRUB_INTERVAL_HOURS": "0.0001"})
    connection = connect(served)
    digest = connection.push(os.urandom(1000))
    whole = connection.push(b"whole")
    rot(stored(served, digest), same_times=True)
    wait_until(lambda: connection.json("/api/registry/health")["status"] == "degraded")
    assert connection("HEAD", f"/v2/a/blobs/{digest}")[0] == 404
    assert connection("GET", f"/v2/a/blobs/{whole}")[2] == b"whole"


def test_the_scrub_finds_a_counter_that_is_wrong_until_it_is_right_again(serve: Any, connect: Connect) -> None:
    served = serve(environment={"NSCR_SCRUB_INTERVAL_HOURS": "0.0001"})
    connection = connect(served)
    connection.push(b"blob")

    def count(change: int) -> None:
        with contextlib.closing(sqlite3.connect(served.data / "registry.sqlite3", timeout=30)) as database, database:
            database.execute("UPDATE counters SET blobs = blobs + ?", (change,))

    assert connection.json("/api/registry/health")["status"] == "healthy"
    count(+1)
    wait_until(lambda: connection.json("/api/registry/health")["status"] == "degraded")
    assert "figures" in connection.json("/api/registry/health")["warnings"][0]
    count(-1)
    wait_until(lambda: connection.json("/api/registry/health")["status"] == "healthy")


@pytest.mark.parametrize(
    ("flags", "environment"),
    [((), {"NSCR_VERIFY_READS": "always"}), (("--verify-reads", "always"), {})],
    ids=["environment", "flags"],
)
def test_verifying_every_read_cuts_an_answer_that_went_bad_on_its_way(
    serve: Any, connect: Connect, flags: tuple[str, ...], environment: dict[str, str]
) -> None:
    served = serve(*flags, environment=environment)
    connection = connect(served)
    size = 64 * MEBIBYTE
    data = os.urandom(MEBIBYTE) * 64
    digest = connection.push(data)
    path = f"/v2/a/blobs/{digest}"
    assert connection("GET", path)[2] == data
    reading = connect(served).http
    reading.request("GET", path)
    reply = reading.getresponse()
    first = reply.read(1000)
    with stored(served, digest).open("r+b") as file:
        file.seek(size - 10)
        file.write(b"0123456789")
    with pytest.raises((http.client.IncompleteRead, ConnectionError)):
        assert first + reply.read() == data
    wait_until(lambda: connection("HEAD", path)[0] == 404)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 24 MiB of its own."""
    folder = tmp_path / "disk"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(folder)], check=True)
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.mark.needs("root", "mount")
def test_a_full_disk_harms_nothing_and_is_over_when_there_is_room(
    serve: Any, connect: Connect, small_disk: Path
) -> None:
    served = serve(data=small_disk / "data")
    connection = connect(served)
    kept = [os.urandom(100_000) for _ in range(20)]
    for data in kept:
        connection.push(data)
    config = {"digest": digest_of(kept[0]), "size": len(kept[0])}
    manifest = json.dumps({"schemaVersion": 2, "config": config, "layers": []}).encode()
    assert connection("PUT", "/v2/a/manifests/t", manifest, Content_Type=MANIFEST)[0] == 201
    upload = connection("POST", "/v2/a/blobs/uploads/")[1]["Location"]
    ballast = small_disk / "ballast"
    seen: set[int] = set()
    # Leave less and less room, so that each kind of write meets the end of it somewhere.
    for room in (3_000_000, 300_000, 60_000, 8_000, 0):
        free = os.statvfs(small_disk).f_bavail * os.statvfs(small_disk).f_frsize
        with ballast.open("ab") as file:
            file.write(b"\0" * max(0, free - room))
        for size in (5_000_000, 200_000, 70_000, 10):
            data = os.urandom(size)
            status, _, body = connection("POST", f"/v2/a/blobs/uploads/?digest={digest_of(data)}", data)
            seen.add(status)
            assert status in {201, 507}, body
            if status == 201:
                kept.append(data)
            else:
                assert connection("HEAD", f"/v2/a/blobs/{digest_of(data)}")[0] == 404
        for tag in range(20):
            status, _, body = connection(
                "PUT", f"/v2/a/manifests/room{room}-{tag}", manifest + b" " * 2000 * tag, Content_Type=MANIFEST
            )
            seen.add(status)
            assert status in {201, 507}, body
        status, _, body = connection("PATCH", upload, os.urandom(70_000))
        assert status in {202, 507}, body
        seen.add(status)
    assert 507 in seen
    assert connection.json("/api/registry/health")["status"] in {"degraded", "unhealthy"}
    for data in kept:
        assert connection("GET", f"/v2/a/blobs/{digest_of(data)}")[2] == data
    assert connection("GET", "/v2/a/manifests/t")[2] == manifest
    ballast.unlink()
    connection.push(b"room again")
    assert connection("PUT", "/v2/a/manifests/again", manifest, Content_Type=MANIFEST)[0] == 201
    held = connection("GET", upload)[1]["Range"]
    assert connection("DELETE", upload)[0] == 204, held
    wait_until(lambda: connection.json("/api/registry/health")["checks"]["databaseConnectivity"])
    assert served.stop() == 0
    again = connect(serve(data=served.data))
    for data in (*kept, b"room again"):
        assert again("GET", f"/v2/a/blobs/{digest_of(data)}")[2] == data


@pytest.mark.parametrize(
    ("flags", "environment"),
    [
        (
            (),
            {
                "NSCR_GC_ENABLED": "true",
                "NSCR_GC_INTERVAL_HOURS": "0.0001",
                "NSCR_LEASE_MINUTES": "0.002",
            },
        ),
        (("--gc", "--gc-interval-hours", "0.0002", "--lease-minutes", "0.002"), {}),
    ],
    ids=["environment", "flags"],
)
def test_collection_by_schedule(
    serve: Any, connect: Connect, flags: tuple[str, ...], environment: dict[str, str]
) -> None:
    served = serve(*flags, environment=environment)
    connection = connect(served)
    digest = connection.push(b"for nobody")
    wait_until(lambda: not stored(served, digest).exists())
    assert connection("HEAD", f"/v2/a/blobs/{digest}")[0] == 404
    assert connection.json("/api/web/status")["lastGcRun"] > 0


def test_without_it_nothing_is_collected_and_on_demand_it_passes_a_broken_entry(serve: Any, connect: Connect) -> None:
    served = serve(environment={"NSCR_LEASE_MINUTES": "0.002"})
    connection = connect(served)
    broken, sound = connection.push(b"broken"), connection.push(b"sound")
    wait_until(lambda: connection.json("/api/garbage-collect/stats")["unreferencedBlobs"] == 2)
    stored(served, broken).unlink()
    stored(served, broken).mkdir()
    report = json.loads(connection("POST", "/api/garbage-collect")[2])
    assert (report["blobsRemoved"], report["spaceFreed"]) == (1, len(b"sound"))
    assert broken in report["failures"][0]
    assert not stored(served, sound).exists()
    assert "last collection failed" in connection.json("/api/registry/health")["warnings"][0]
    assert json.loads(connection("POST", "/api/garbage-collect")[2])["failures"] == []
    assert connection.json("/api/registry/health")["warnings"] == []
    # What is broken is in nobody's way, not even at the next start.
    assert served.stop() == 0
    again = connect(serve(data=served.data))
    again.push(b"sound")
    assert again("GET", f"/v2/a/blobs/{sound}")[2] == b"sound"


@pytest.mark.parametrize(
    ("flags", "environment"),
    [
        ((), {"NSCR_CLEANUP_INTERVAL_MINUTES": "0.005", "NSCR_CLEANUP_MAX_AGE_HOURS": "0.0003"}),
        (("--cleanup-interval-minutes", "0.005", "--cleanup-max-age-hours", "0.0003"), {}),
    ],
    ids=["environment", "flags"],
)
def test_uploads_that_nobody_goes_on_with_are_cleaned_up_but_no_live_one(
    serve: Any, connect: Connect, flags: tuple[str, ...], environment: dict[str, str]
) -> None:
    served = serve(*flags, environment=environment)
    connection = connect(served)
    stale = connection("POST", "/v2/a/blobs/uploads/")[1]["Location"]
    assert connection("PATCH", stale, b"stale")[0] == 202
    live = connection("POST", "/v2/a/blobs/uploads/")[1]["Location"]
    slow = connect(served).http
    slow.putrequest("PATCH", live)
    slow.putheader("Content-Length", "4")
    slow.endheaders(b"li")
    wait_until(lambda: connection("GET", stale)[0] == 404)
    slow.send(b"ve")
    assert slow.getresponse().headers["Range"] == "0-3"
    assert connection("PUT", f"{live}?digest={digest_of(b'live')}")[0] == 201
    assert list((served.data / "uploads").iterdir()) == []


@pytest.mark.parametrize(("flags", "environment"), [(("--no-cleanup",), {}), ((), {"NSCR_CLEANUP_ENABLED": "false"})])
def test_without_the_clean_up_uploads_stay(
    serve: Any, connect: Connect, flags: tuple[str, ...], environment: dict[str, str]
) -> None:
    often = {"NSCR_CLEANUP_INTERVAL_MINUTES": "0.005", "NSCR_CLEANUP_MAX_AGE_HOURS": "0.0001"}
    kept = connect(serve(*flags, environment=often | environment))
    removed = connect(serve(environment=often))
    stays, goes = (each("POST", "/v2/a/blobs/uploads/")[1]["Location"] for each in (kept, removed))
    wait_until(lambda: removed("GET", goes)[0] == 404)
    time.sleep(0.6)  # twice as long as a clean-up is away
    assert kept("GET", stays)[0] == 204


def test_a_drain_loses_nothing_and_tells_who_must_try_again(serve: Any, connect: Connect) -> None:
    served = serve()
    outcomes: list[tuple[bytes, int]] = []

    def push(worker: int) -> None:
        connection = connect(served)
        try:
            for number in range(100_000):
                data = f"{worker} {number}".encode() * 1000
                outcomes.append((data, connection("POST", f"/v2/a/blobs/uploads/?digest={digest_of(data)}", data)[0]))
        except (OSError, http.client.HTTPException):
            return

    threads = [threading.Thread(target=push, args=(worker,)) for worker in range(4)]
    for thread in threads:
        thread.start()
    wait_until(lambda: len(outcomes) > 50)
    began = time.monotonic()
    assert served.stop() == 0
    assert time.monotonic() - began < 15
    for thread in threads:
        thread.join()
    assert {status for _, status in outcomes} <= {201, 503}
    again = connect(serve(data=served.data))
    for data, status in outcomes:
        if status == 201:
            assert again("HEAD", f"/v2/a/blobs/{digest_of(data)}")[0] == 200
