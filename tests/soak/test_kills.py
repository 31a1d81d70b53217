"""kill -9 under load, again and again: nothing that was acknowledged is lost, what was in flight is old or new.

Each cycle acknowledges at least `ACKNOWLEDGED` writes and kills while at least one is in flight; a collection runs
every half second meanwhile. NSCR_SOAK_CYCLES says how many cycles (in the normal tests: 2), NSCR_SOAK_FOLDER where:
a named folder goes on where it was interrupted.
"""

import http.client
import itertools
import os
import random
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from .conftest import Client, Refused, Server, digest_of, image
from .ledger import Ledger

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(0)]

CYCLES = int(os.environ.get("NSCR_SOAK_CYCLES", "2"))
ACKNOWLEDGED = 50
WORKERS = 4
SAMPLE = 150
"""Of the keys that no kill of this cycle can have touched, how many are read again; all are at the end."""

GONE = (OSError, http.client.HTTPException)


class Worker(threading.Thread):
    """Pushes, moves and deletes tags of its own, and feeds an upload, until the registry is gone."""

    def __init__(self, number: int, host_port: str, ledger: Ledger, chance: random.Random) -> None:
        super().__init__()
        self.failure: Exception | None = None
        self._number = number
        self._client = Client(host_port)
        self._ledger = ledger
        self._chance = chance

    def run(self) -> None:
        try:
            for step in itertools.count():
                self._write(step)
        except GONE:
            pass
        except Exception as failure:  # noqa: BLE001 - told to the main thread
            self.failure = failure
        finally:
            self._client.close()

    def _write(self, step: int) -> None:
        choice = self._chance.random()
        if choice < 0.15:
            self._feed_upload()
        elif choice < 0.35:
            self._remove(f"w{self._number}-{self._chance.randrange(20)}")
        else:
            self._push(f"w{self._number}-{self._chance.randrange(20)}", step)

    def _push(self, tag: str, step: int) -> None:
        blobs = [self._chance.randbytes(self._chance.choice((10, 500, 70_000))) for _ in range(2)]
        for blob in blobs:
            key = f"blob {digest_of(blob)}"
            self._ledger.note("begin", key, True)
            self._client.push_blob("soak", blob)
            self._ledger.note("ack", key, True)
        content = image(*blobs, name=f"{tag} {step}")
        self._ledger.note("begin", f"tag {tag}", digest_of(content))
        self._client.put_image("soak", tag, content)
        self._ledger.note("ack", f"tag {tag}", digest_of(content))

    def _remove(self, tag: str) -> None:
        if self._ledger.known.get(f"tag {tag}") is None:
            return
        self._ledger.note("begin", f"tag {tag}", None)
        self._client.get("DELETE", f"/v2/soak/manifests/{tag}", expect=202)
        self._ledger.note("ack", f"tag {tag}", None)

    def _feed_upload(self) -> None:
        headers, _ = self._client.get("POST", "/v2/soak/blobs/uploads/", expect=202)
        location = headers["Location"]
        offset = 0
        for _ in range(3):
            data = self._chance.randbytes(self._chance.choice((100, 90_000)))
            self._ledger.note("begin", f"upload {location}", offset + len(data))
            self._client.get("PATCH", location, data, expect=202)
            offset += len(data)
            self._ledger.note("ack", f"upload {location}", offset)


class Collecting(threading.Thread):
    """A collection every half second, until the registry is gone."""

    def __init__(self, host_port: str) -> None:
        super().__init__()
        self._host_port = host_port

    def run(self) -> None:
        client = Client(self._host_port)
        try:
            while True:
                client.get("POST", "/api/garbage-collect?untagged=true&olderThan=2000", expect=200)
                time.sleep(0.5)
        except GONE:
            client.close()


def settle(client: Client, ledger: Ledger, key: str) -> None:
    """Read a key, hold it against the ledger, and note what it is from now on."""
    kind, _, name = key.partition(" ")
    allowed = ledger.allowed(key)
    if kind == "tag":
        status, headers, _ = client.ask("HEAD", f"/v2/soak/manifests/{name}")
        found = headers["Docker-Content-Digest"] if status == 200 else None
        if found not in allowed:
            raise Refused(f"tag {name} holds {found}, not one of {allowed}")
        if found is not None:
            client.check_image("soak", name, found)
        ledger.note("seen", key, found)
    elif kind == "upload":
        status, headers, _ = client.ask("GET", name)
        held = int(headers["Range"].partition("-")[2]) + 1 if status == 204 and headers["Range"] else 0
        if status != 204 or held < (allowed[0] or 0):
            raise Refused(f"{name}: status {status}, {held} bytes, and {allowed[0]} were acknowledged")
        client.get("DELETE", name, expect=204)
        ledger.known.pop(key, None)
        ledger.note("seen", f"ended {name}", True)


def verify(client: Client, ledger: Ledger, chance: random.Random, *, whole: bool) -> None:
    touched = set(ledger.pending)
    ended = {key.partition(" ")[2] for key in ledger.known if key.startswith("ended ")}
    keys = [key for key in ledger.known.keys() | touched if key.startswith(("tag ", "upload "))]
    keys = sorted(key for key in keys if key.partition(" ")[2] not in ended)
    if not whole:
        quiet = [key for key in keys if key not in touched]
        keys = sorted(touched & set(keys)) + chance.sample(quiet, min(SAMPLE, len(quiet)))
    for key in keys:
        settle(client, ledger, key)
    ledger.pending.clear()


def test_kills_under_load_lose_nothing_acknowledged(soak_folder: Path, chance: random.Random) -> None:
    ledger = Ledger(soak_folder / "ledger.jsonl")
    done = sum(key.startswith("cycle ") for key in ledger.known)
    in_flight: list[int] = []
    started = time.monotonic()
    server = Server(soak_folder / "data", soak_folder / "serve.log")
    try:
        for cycle in range(done, CYCLES):
            client = Client(server.host_port)
            verify(client, ledger, chance, whole=False)
            client.close()
            workers = [
                Worker(number, server.host_port, ledger, random.Random(chance.random())) for number in range(WORKERS)
            ]
            collecting = Collecting(server.host_port)
            goal = ledger.acknowledged + ACKNOWLEDGED + chance.randrange(50)
            for thread in (*workers, collecting):
                thread.start()
            while ledger.acknowledged < goal or not ledger.pending:
                assert server.process.poll() is None, "it died by itself"
                assert all(worker.is_alive() for worker in workers), [worker.failure for worker in workers]
                time.sleep(0.001)
            server.kill()
            for thread in (*workers, collecting):
                thread.join()
            assert [worker.failure for worker in workers if worker.failure] == []
            in_flight.append(len(ledger.pending))
            server.end()
            server = Server(soak_folder / "data", soak_folder / "serve.log")
            ledger.note("seen", f"cycle {cycle}", True)
        client = Client(server.host_port)
        verify(client, ledger, chance, whole=True)
        figures: Any = client.get("GET", "/api/registry/state", expect=200)
        client.close()
    finally:
        server.end()
        ledger.close()
    print(
        f"{len(in_flight)} kills ({CYCLES} in all), {ledger.acknowledged} writes acknowledged, none lost;"
        f" in flight at a kill {min(in_flight, default=0)} to {max(in_flight, default=0)};"
        f" {time.monotonic() - started:.0f} s; {figures[1][:300].decode()}"
    )
    assert all(count >= 1 for count in in_flight)
