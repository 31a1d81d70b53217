"""Broken HTTP, byte by byte: well-formed requests, mutated, against `nscr serve`.

Seeded and bounded. Whatever comes, no answer is a 5xx, every connection ends, the log tells of no unforeseen error, and
afterwards nothing is left: no descriptor, no session that was not asked for, and not much memory.
"""

import os
import random
import re
import select
import socket
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

REQUESTS = int(os.environ.get("NSCR_FUZZ_REQUESTS", "1500"))
HANG_SECONDS = 20
ANSWER_SECONDS = 0.05
MEMORY_LIMIT_KIB = 150 * 1024

STATUS = re.compile(rb"HTTP/1\.[01] (\d{3})")

EMPTY = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
INDEX = b'{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}'
INDEX_TYPE = "application/vnd.oci.image.index.v1+json"

Mutation = Callable[[random.Random, bytes], bytes]


def _request(method: str, target: str, body: bytes = b"", **headers: str) -> bytes:
    lines = [f"{method} {target} HTTP/1.1", "Host: registry.example.org"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    if body or method in {"PUT", "POST", "PATCH"}:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body


def _corpus(upload: str) -> list[bytes]:
    """One request of every kind that the registry knows, on a blob and a tag that exist."""
    chunked = b"4\r\n0123\r\n2;extension=1\r\n45\r\n0\r\nTrailer: x\r\n\r\n"
    return [
        _request("GET", "/v2/"),
        _request("GET", "/v2/_catalog?n=2&last=a"),
        _request("GET", "/v2/fuzz/tags/list?n=10&last=%61"),
        _request("GET", f"/v2/fuzz/blobs/{EMPTY}", Range="bytes=0-4,7-", If_Range='"x"'),
        _request("HEAD", f"/v2/fuzz/blobs/{EMPTY}", If_None_Match='W/"x", "y"'),
        _request("POST", f"/v2/fuzz/blobs/uploads/?digest={EMPTY}"),
        _request("POST", f"/v2/fuzz/blobs/uploads/?mount={EMPTY}&from=other"),
        _request("POST", "/v2/fuzz/blobs/uploads/?digest-algorithm=sha512"),
        _request("PATCH", upload, b"0123456789", Content_Range="0-9"),
        _request("PATCH", upload, Transfer_Encoding="chunked").replace(b"Content-Length: 0\r\n", b"") + chunked,
        _request("PUT", f"{upload}?digest={EMPTY}", b"x", Expect="100-continue"),
        _request("GET", upload),
        _request("DELETE", "/v2/fuzz/blobs/uploads/00000000-0000-0000-0000-000000000000"),
        _request("PUT", "/v2/fuzz/manifests/t", INDEX, Content_Type=INDEX_TYPE, If_Match='"x"'),
        _request("PUT", f"/v2/fuzz/manifests/{EMPTY}?tag=a&tag=b", INDEX, Content_Type=INDEX_TYPE),
        _request("GET", "/v2/fuzz/manifests/t", Accept="*/*"),
        _request("DELETE", "/v2/fuzz/manifests/t", If_Match="*"),
        _request("GET", f"/v2/fuzz/referrers/{EMPTY}?artifactType=a%2Bb&last=x"),
        _request("GET", "/api/registry/state", Authorization="Basic eDp5"),
        _request("GET", "/api/registry/repositories/team%2Fapp"),
        _request("GET", "/api/registry/blobs?limit=2&after=sha256:0"),
        _request("GET", "/api/registry/health", X_Request_Id="a" * 100),
        _request("GET", "/metrics"),
    ]


TOKENS = [
    b"\x00", b"\r\n", b"\r\n\r\n", b"\n", b"%00", b"%", b"%2F..%2F..", b"\xff\xfe", b"\xc0\x80", b"9" * 40, b"-1",
    b"Content-Length: 5\r\n", b"Content-Length: 99999999999999999999\r\n", b"Content-Length: -1\r\n",
    b"Transfer-Encoding: chunked\r\n", b"Transfer-Encoding: gzip, chunked\r\n", b"Expect: 100-continue\r\n",
    b"Content-Range: 5-4\r\n", b"Range: bytes=-\r\n", b"If-Match: \"\r\n", b"Host: a\r\n", b"Connection: close\r\n",
    b"Upgrade: h2c\r\nConnection: upgrade\r\n", b"X: " + b"a" * 9000 + b"\r\n", b"ffffffffffffffff\r\n", b"HTTP/9.9",
    b"sha512:", b"?digest=sha256:", b"&tag=" * 50, b"\"", b"\xe2\x98\x83",
]  # fmt: skip


def _flip(chance: random.Random, data: bytes) -> bytes:
    at = chance.randrange(len(data))
    return data[:at] + bytes([chance.randrange(256)]) + data[at + 1 :]


def _insert(chance: random.Random, data: bytes) -> bytes:
    at = chance.randrange(len(data) + 1)
    return data[:at] + chance.choice(TOKENS) + data[at:]


def _insert_header(chance: random.Random, data: bytes) -> bytes:
    head, separator, rest = data.partition(b"\r\n")
    return head + separator + chance.choice(TOKENS).rstrip(b"\r\n") + b"\r\n" + rest


def _delete(chance: random.Random, data: bytes) -> bytes:
    start = chance.randrange(len(data))
    return data[:start] + data[start + chance.randint(1, 20) :]


def _repeat(chance: random.Random, data: bytes) -> bytes:
    start = chance.randrange(len(data))
    end = start + chance.randint(1, 40)
    return data[:end] + data[start:end] * chance.choice([1, 2, 100]) + data[end:]


def _truncate(chance: random.Random, data: bytes) -> bytes:
    return data[: chance.randrange(1, len(data) + 1)]


MUTATIONS: list[Mutation] = [_flip, _insert, _insert_header, _delete, _repeat, _truncate]


def _mutated(chance: random.Random, corpus: list[bytes]) -> bytes:
    data = chance.choice(corpus)
    if chance.random() < 0.2:
        data += chance.choice(corpus)
    for _ in range(chance.randint(1, 4)):
        data = chance.choice(MUTATIONS)(chance, data or b"\r\n")
    return data


def _exchange(address: tuple[str, int], data: bytes, *, hangs_up: bool) -> bytes:
    """Send bytes, wait a moment for an answer, send the end, and read until the registry ends the connection."""
    received = b""
    with socket.create_connection(address, timeout=HANG_SECONDS) as connection:
        try:
            connection.sendall(data)
            if hangs_up:
                return received
            # What is no whole request is never answered, and an end that comes too early takes an answer back.
            if select.select([connection], [], [], ANSWER_SECONDS)[0]:
                received += connection.recv(65536)
            connection.shutdown(socket.SHUT_WR)
            while piece := connection.recv(65536):
                received += piece
        except TimeoutError:
            raise
        except OSError:
            # Refusing what is broken by ending the connection is an answer too.
            return received
    return received


def _descriptors(process: int) -> int:
    """How many sockets and files are open, but for the database, whose readers are kept for the next."""
    held = 0
    for entry in Path(f"/proc/{process}/fd").iterdir():
        with suppress(FileNotFoundError):
            held += "registry.sqlite3" not in str(entry.readlink())
    return held


def _peak_memory_kib(process: int) -> int:
    (peak,) = re.findall(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{process}/status").read_text())
    return int(peak)


def test_broken_requests(serve: Any) -> None:
    seed = int(os.environ.get("NSCR_FUZZ_SEED", random.SystemRandom().randrange(2**32)))
    print(f"NSCR_FUZZ_SEED={seed}")
    chance = random.Random(seed)
    served = serve()
    host, _, port = served.host_port.rpartition(":")
    process = served.process.pid
    with httpx.Client(base_url=served.url, trust_env=False) as client:
        started = client.post(f"/v2/fuzz/blobs/uploads/?digest={EMPTY}")
        assert started.status_code == 201
        location = client.post("/v2/fuzz/blobs/uploads/").headers["location"]
        assert client.put("/v2/fuzz/manifests/t", content=INDEX, headers={"content-type": INDEX_TYPE}).is_success
        corpus = _corpus(location)
        before = _descriptors(process)
        answered: dict[int, int] = {}
        for number in range(REQUESTS):
            data = _mutated(chance, corpus)
            try:
                received = _exchange((host, int(port)), data, hangs_up=chance.random() < 0.1)
            except TimeoutError:
                pytest.fail(f"request {number} of seed {seed} hangs: {data!r}")
            for status in map(int, STATUS.findall(received)):
                assert status < 500, f"request {number} of seed {seed}: {status} for {data!r}"
                answered[status] = answered.get(status, 0) + 1
        print(f"{REQUESTS} requests, answers {dict(sorted(answered.items()))}, peak {_peak_memory_kib(process)} KiB")
        assert {200, 400, 404} <= set(answered)

        assert client.get("/api/registry/health").json()["status"] == "healthy"
        for _ in range(200):
            # Each answer gives the server a turn to close what was left.
            if _descriptors(process) <= before:
                break
            assert client.get("/v2/").status_code == 200
        assert _descriptors(process) <= before
    assert _peak_memory_kib(process) < MEMORY_LIMIT_KIB
    assert "Traceback" not in served.log.read_text()
    assert served.stop() == 0
