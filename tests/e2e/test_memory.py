"""The memory of `nscr serve` under many clients at once: uploads, streams, large manifests pushed and read slowly."""

import asyncio
import hashlib
import json
import os
import re
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

MEBIBYTE = 1024 * 1024
LIMIT_MIB = 150
SECONDS = 4
PATIENCE_S = 60
CONFIG = b"{}"
UPLOADS, STREAMS, MANIFESTS, SLOW_READERS = 100, 25, 4, 16
IMAGE = "application/vnd.oci.image.manifest.v1+json"
DONE = {("upload", 201), ("push", 201), ("read", 200)}


def digest_of(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


class Crowd:
    """Clients of one server for a few seconds, and until each kind of work was done once: on a busy machine that takes
    longer. Each request has a connection of its own."""

    def __init__(self, host_port: str) -> None:
        self.host, self.port = host_port.rsplit(":", 1)
        self.ends = 0.0
        self.statuses: Counter[tuple[str, int]] = Counter()

    @property
    def is_on(self) -> bool:
        now = time.monotonic()
        return now < self.ends or (not self.statuses.keys() >= DONE and now < self.ends + PATIENCE_S)

    async def ask(self, method: str, path: str, body: bytes = b"", *, pause: float = 0) -> int:
        reader, writer = await asyncio.open_connection(self.host, int(self.port))
        try:
            head = f"{method} {path} HTTP/1.1\r\nHost: registry\r\nContent-Length: {len(body)}\r\n"
            writer.write(f"{head}Content-Type: {IMAGE}\r\nConnection: close\r\n\r\n".encode())
            for start in range(0, len(body), 65536):
                writer.write(body[start : start + 65536])
                await writer.drain()
            status = int((await reader.readline()).split()[1])
            left = True
            while left:
                left = bool(await reader.read(65536))
                await asyncio.sleep(pause)
            return status
        finally:
            writer.close()

    async def upload(self) -> None:
        while self.is_on:
            data = os.urandom(64) + bytes(2 * MEBIBYTE)
            status = await self.ask("POST", f"/v2/a/blobs/uploads/?digest={digest_of(data)}", data)
            self.statuses["upload", status] += 1

    async def push(self, number: int) -> None:
        descriptor = {"digest": digest_of(CONFIG), "size": len(CONFIG)}
        small = json.dumps({"schemaVersion": 2, "mediaType": IMAGE, "config": descriptor, "layers": []}).encode()
        large = small[:-1] + b" " * (4 * MEBIBYTE - len(small)) + b"}"
        self.statuses["push", await self.ask("PUT", f"/v2/a/manifests/t{number}", large)] += 1

    async def push_on(self, number: int) -> None:
        while self.is_on:
            await self.push(number)

    async def read_slowly(self, number: int) -> None:
        while self.is_on:
            status = await self.ask("GET", f"/v2/a/manifests/t{number % MANIFESTS}", pause=0.02)
            self.statuses["read", status] += 1
            await asyncio.sleep(0.05)

    async def listen(self) -> None:
        _, writer = await asyncio.open_connection(self.host, int(self.port))
        writer.write(b"GET /api/repositories/stream HTTP/1.1\r\nHost: registry\r\n\r\n")
        await asyncio.sleep(self.ends - time.monotonic())
        writer.close()

    async def gather(self) -> None:
        assert await self.ask("POST", f"/v2/a/blobs/uploads/?digest={digest_of(CONFIG)}", CONFIG) == 201
        for number in range(MANIFESTS):  # there is something to read from the first moment on
            await self.push(number)
        self.ends = time.monotonic() + SECONDS
        await asyncio.gather(
            *(self.upload() for _ in range(UPLOADS)),
            *(self.listen() for _ in range(STREAMS)),
            *(self.push_on(number) for number in range(MANIFESTS)),
            *(self.read_slowly(number) for number in range(SLOW_READERS)),
        )


def test_memory_stays_bounded_whatever_clients_do_together(serve: Any) -> None:
    served = serve()
    crowd = Crowd(served.host_port)
    asyncio.run(crowd.gather())
    status = Path(f"/proc/{served.process.pid}/status").read_text()
    peak = int(re.findall(r"VmHWM:\s+(\d+) kB", status)[0]) // 1024
    print(f"peak {peak} MiB, answers {dict(sorted(crowd.statuses.items()))}")
    assert Path(f"/proc/{served.process.pid}/task/{served.process.pid}/children").read_text() == ""
    assert crowd.statuses.keys() >= DONE
    assert {status for _, status in crowd.statuses} <= {200, 201, 404, 429}
    assert peak < LIMIT_MIB
