"""Collection every half second under pushes, re-pushes and deletes: no acknowledged image breaks, bytes come back.

NSCR_SOAK_MINUTES says for how long (in the normal tests: a few seconds).
"""

import json
import os
import random
import threading
import time
from pathlib import Path

import pytest

from .conftest import Client, Refused, Server, digest_of, image

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(0)]

MINUTES = float(os.environ.get("NSCR_SOAK_MINUTES", "0.1"))
WORKERS = 4
REPOSITORIES = ("soak/a", "soak/b")
SHARED = [random.Random(number).randbytes(20_000) for number in range(60)]
"""Layers that all pushes draw from, so that what one deletes another is just pushing again."""


class Pusher(threading.Thread):
    """Pushes images, reads them whole some time later, and deletes most of them."""

    def __init__(self, number: int, host_port: str, chance: random.Random, until: float) -> None:
        super().__init__()
        self.failure: Exception | None = None
        self.kept: dict[tuple[str, str], str] = {}
        self.pushed = self.checked = self.deleted = self.refused = 0
        self._number = number
        self._client = Client(host_port)
        self._chance = chance
        self._until = until

    def run(self) -> None:
        try:
            while time.monotonic() < self._until:
                self._push()
                if len(self.kept) > 3:
                    self._end(self._chance.choice(sorted(self.kept)))
        except Exception as failure:  # noqa: BLE001 - told to the main thread
            self.failure = failure
        finally:
            self._client.close()

    def _push(self) -> None:
        repository = self._chance.choice(REPOSITORIES)
        tag = f"w{self._number}-{self.pushed}"
        blobs = [f"config {self._number} {self.pushed}".encode(), *self._chance.sample(SHARED, 2)]
        content = image(*blobs, name=tag)
        asks_first = self._chance.random() < 0.3
        for blob in blobs:
            self._give(repository, blob, asks_first=asks_first)
            if self._chance.random() < 0.1:
                # The push pauses, and collections come in between.
                time.sleep(self._chance.uniform(0.1, 0.7))
        try:
            self._client.put_image(repository, tag, content)
        except Refused:
            # It was told that a blob is there, then its last image was deleted: safe, and a client pushes again.
            if not asks_first:
                raise
            self.refused += 1
            for blob in blobs:
                self._give(repository, blob, asks_first=False)
            self._client.put_image(repository, tag, content)
        self.pushed += 1
        self.kept[repository, tag] = digest_of(content)

    def _give(self, repository: str, blob: bytes, *, asks_first: bool) -> None:
        path = f"/v2/{repository}/blobs/{digest_of(blob)}"
        if asks_first and self._client.ask("HEAD", path)[0] == 200:
            return
        if self._chance.random() < 0.3:
            other = REPOSITORIES[repository == REPOSITORIES[0]]
            status, headers, _ = self._client.ask(
                "POST", f"/v2/{repository}/blobs/uploads/?mount={digest_of(blob)}&from={other}"
            )
            if status == 202:
                self._client.get("PUT", f"{headers['Location']}?digest={digest_of(blob)}", blob, expect=201)
            elif status != 201:
                raise Refused(f"mount: {status}")
        else:
            self._client.push_blob(repository, blob)

    def _end(self, key: tuple[str, str]) -> None:
        digest = self.kept.pop(key)
        self._client.check_image(*key, digest)
        self._client.get("DELETE", f"/v2/{key[0]}/manifests/{digest}", expect=202)
        self.checked += 1
        self.deleted += 1


def on_disk(data: Path) -> int:
    return sum(path.stat().st_size for path in (data / "blobs").rglob("*") if path.is_file())


def test_collections_break_no_image_and_free_what_they_estimate(tmp_path: Path, chance: random.Random) -> None:
    data = tmp_path / "data"
    server = Server(data, tmp_path / "serve.log")
    client = Client(server.host_port)
    runs = removed = freed = 0
    slowest = 0.0
    try:
        until = time.monotonic() + 60 * MINUTES
        pushers = [Pusher(number, server.host_port, random.Random(chance.random()), until) for number in range(WORKERS)]
        for pusher in pushers:
            pusher.start()
        while any(pusher.is_alive() for pusher in pushers):
            began = time.monotonic()
            document = client.get("POST", "/api/garbage-collect", expect=200)[1]
            slowest = max(slowest, time.monotonic() - began)
            done = json.loads(document)
            assert done["failures"] == []
            runs, removed, freed = runs + 1, removed + done["blobsRemoved"], freed + done["spaceFreed"]
            time.sleep(0.5)
        for pusher in pushers:
            pusher.join()
        assert [pusher.failure for pusher in pushers if pusher.failure] == []
        kept = {key: digest for pusher in pushers for key, digest in pusher.kept.items()}
        for key, digest in kept.items():
            client.check_image(*key, digest)
        # Half of them go, and then there is no traffic: what is estimated is what comes back.
        for (repository, _), digest in sorted(kept.items())[::2]:
            client.get("DELETE", f"/v2/{repository}/manifests/{digest}", expect=202)
        estimate = json.loads(client.get("GET", "/api/garbage-collect/stats", expect=200)[1])
        before = on_disk(data)
        last = json.loads(client.get("POST", "/api/garbage-collect", expect=200)[1])
        after = json.loads(client.get("GET", "/api/garbage-collect/stats", expect=200)[1])
        assert before - on_disk(data) == last["spaceFreed"] == estimate["estimatedSpaceToFree"]
        assert last["blobsRemoved"] == estimate["unreferencedBlobs"] > 0
        assert (after["unreferencedBlobs"], after["estimatedSpaceToFree"], after["orphanedManifests"]) == (0, 0, 0)
        for key, digest in sorted(kept.items())[1::2]:
            client.check_image(*key, digest)
    finally:
        client.close()
        server.end()
    print(
        f"{runs} collections removed {removed} blobs, {freed} bytes, the slowest in {slowest:.2f} s; images pushed"
        f" {sum(each.pushed for each in pushers)}, checked {sum(each.checked for each in pushers)}, manifests refused"
        f" once {sum(each.refused for each in pushers)}; estimate {estimate['estimatedSpaceToFree']} bytes, all freed"
    )
    assert runs > 3
    assert removed > 0
