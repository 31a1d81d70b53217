"""How fast one process drives a registry: journaled reads against nginx, beside httpx, and pushes of large layers.

Each figure is the best of some rounds, because what else the machine does only ever makes a round slower.
"""

import os
import resource
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import httpx
import msgspec
import pytest
import trio

from nscr_cli.client.operations import perform
from nscr_cli.client.registry import RegistryClient
from nscr_cli.client.target import parse_target
from nscr_cli.client.uploads import Locations
from nscr_cli.engine.clocks import RunClock
from nscr_cli.engine.interpreter import Interpreter
from nscr_cli.engine.network import NetworkClient
from nscr_cli.engine.recorder import Recorder
from nscr_cli.generators.base import Context, Generator, Next
from nscr_cli.generators.combinators import Limit
from nscr_cli.generators.namespace import Namespace
from nscr_cli.history.history import History
from nscr_cli.history.invocation import Content, Invocation
from nscr_cli.history.journal import JOURNAL_FORMAT, Header, JournalWriter, read_journal
from nscr_cli.history.ops import Asked, F, Kind, Op, Phase, PushStyle
from nscr_cli.wire.dialing import TcpDialer

ROUNDS = 3
PATH = "v2/bench/r/manifests/t"
MANIFEST = (
    b'{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","layers":[],"config":{'
    b'"mediaType":"application/vnd.oci.image.config.v1+json","digest":"sha256:%b","size":2}}' % (b"0" * 64)
)
NGINX = """
daemon off; user root; pid {folder}/pid; error_log {folder}/error.log; worker_rlimit_nofile 8192;
events {{ worker_connections 4096; }}
http {{
    access_log off; keepalive_requests 1000000000; open_file_cache max=10;
    default_type application/vnd.oci.image.manifest.v1+json;
    server {{ listen 127.0.0.1:{port}; root {folder}/www; }}
}}
"""
DISCARDING = """
import socket, threading
def serve(connection):
    buffer, stream = bytearray(1 << 20), connection.makefile("rb")
    while line := stream.readline():
        left, method = 0, line.split()[0]
        while (field := stream.readline()) != b"\\r\\n":
            if field.lower().startswith(b"content-length:"):
                left = int(field.split(b":")[1])
        while left:
            left -= stream.readinto1(memoryview(buffer)[:left])
        status = b"202 Accepted" if method == b"POST" else b"201 Created"
        connection.sendall(b"HTTP/1.1 %b\\r\\nLocation: /upload\\r\\nContent-Length: 0\\r\\n\\r\\n" % status)
listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
"""


class Always(msgspec.Struct, frozen=True):
    """The same operation for ever."""

    invocation: Invocation

    def op(self, context: Context) -> Next:
        return self.invocation, self

    def update(self, event: Op) -> Generator:
        return self


@pytest.fixture(scope="module")
def nginx(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of an nginx that serves MANIFEST, on a socket that it inherits: its port is never free in between."""
    folder = tmp_path_factory.mktemp("nginx")
    manifest = folder / "www" / PATH
    manifest.parent.mkdir(parents=True)
    manifest.write_bytes(MANIFEST)
    with socket.create_server(("127.0.0.1", 0), backlog=4096) as listener:
        port = listener.getsockname()[1]
        (folder / "nginx.conf").write_text(NGINX.format(folder=folder, port=port))
        process = subprocess.Popen(
            ["nginx", "-p", folder, "-c", folder / "nginx.conf", "-e", folder / "error.log"],
            pass_fds=[listener.fileno()],
            env={**os.environ, "NGINX": f"{listener.fileno()};"},
        )
    yield f"http://127.0.0.1:{port}"
    process.terminate()
    process.wait(timeout=20)


@pytest.fixture(scope="module")
def discarding() -> Iterator[str]:
    """The URL of a server that accepts every upload and keeps none."""
    process = subprocess.Popen([sys.executable, "-c", DISCARDING], stdout=subprocess.PIPE)
    assert process.stdout is not None
    yield f"http://127.0.0.1:{int(process.stdout.readline())}"
    process.kill()
    process.wait()
    process.stdout.close()


@pytest.fixture(autouse=True, scope="module")
def _many_sockets() -> None:
    """As many open files as the machine allows."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 65536), hard))


def resident_kib() -> int:
    """Memory of this process."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() // 1024


class Driven(NamedTuple):
    """What a round of the driver took."""

    rate: float
    cpu_us: float
    kib_a_worker: float


async def drive(url: str, journal: Path, *, workers: int, operations: int) -> Driven:
    """Operations a second, each journaled and verified, what each takes of a core, and the memory of a worker."""
    target, _ = parse_target(url)
    read = Invocation(f=F.GET_MANIFEST, key="bench/r:t", asked=Asked())
    before = resident_kib()
    with journal.open("wb") as file:
        clock = RunClock()
        writer = JournalWriter(file, Header(format=JOURNAL_FORMAT, nscr="0", run_id="bench"))
        interpreter = Interpreter(
            run_id="bench",
            namespace=Namespace("bench"),
            workers=workers,
            recorder=Recorder(writer, clock, observe=lambda _: None, on_failure=lambda: None),
            clock=clock,
            open_client=lambda _: NetworkClient(RegistryClient(TcpDialer(), target), Locations()),
        )
        await interpreter.run(Limit(Always(read), workers), Phase.SEED)  # every worker connects
        start, began_cpu = time.perf_counter(), time.process_time()
        await interpreter.run(Limit(Always(read), operations), Phase.MAIN)
        seconds, cpu_s = time.perf_counter() - start, time.process_time() - began_cpu
        a_worker = (resident_kib() - before) / workers
        await interpreter.aclose()
    ended = History(read_journal(journal)).operations
    expected = Content.of_bytes(MANIFEST).digest
    assert len(ended) == operations + workers
    assert {(one.kind, one.error, one.answered and one.answered.digest) for one in ended} == {(Kind.OK, None, expected)}
    return Driven(operations / seconds, cpu_s / operations * 1e6, a_worker)


async def bare(url: str, *, workers: int, operations: int) -> tuple[float, float]:
    """GETs a second of httpx, with nothing written and nothing verified, and what each takes of a core."""
    left = operations

    async def work(client: httpx.AsyncClient) -> None:
        nonlocal left
        while left > 0:
            left -= 1
            (await client.get(f"{url}/{PATH}")).raise_for_status()

    limits = httpx.Limits(max_connections=workers, max_keepalive_connections=workers)
    async with httpx.AsyncClient(limits=limits, trust_env=False) as client:
        start, began_cpu = time.perf_counter(), time.process_time()
        async with trio.open_nursery() as nursery:
            for _ in range(workers):
                nursery.start_soon(work, client)
        cpu_s = time.process_time() - began_cpu
        return operations / (time.perf_counter() - start), cpu_s / operations * 1e6


def best(measure: Callable[[], float]) -> float:
    """The best of some rounds."""
    return max(measure() for _ in range(ROUNDS))


@pytest.mark.needs("nginx")
def test_reads_of_a_manifest(nginx: str, tmp_path: Path) -> None:
    def driver(workers: int) -> Driven:
        async def measure() -> Driven:
            return await drive(nginx, tmp_path / "journal.jsonl", workers=workers, operations=20_000)

        return trio.run(measure)

    async def httpx_alone() -> tuple[float, float]:
        return await bare(nginx, workers=64, operations=2000)

    # Many first: what an allocator keeps from one round makes the next look small. The kinds take turns, because what
    # else the machine does must slow all of them alike.
    rounds = [(driver(2000), driver(64), trio.run(httpx_alone)) for _ in range(ROUNDS)]
    many, few, plain = (max(kind[0] for kind in kinds) for kinds in zip(*rounds, strict=True))
    many_us, few_us, plain_us = (min(kind[1] for kind in kinds) for kinds in zip(*rounds, strict=True))
    memory = [crowd.kib_a_worker for crowd, _, _ in rounds]
    print(f"\nGET manifest: 64 workers {few:,.0f}/s, httpx {plain:,.0f}/s ({few / plain:.1f} x)")
    print(f"CPU an operation: {few_us:.0f} us, httpx {plain_us:.0f} us ({plain_us / few_us:.1f} x)")
    print(f"2,000 workers: {many:,.0f}/s ({many / few:.0%}), {many_us:.0f} us, {max(memory):.0f} KiB a worker")
    assert few >= 8000
    assert few >= 8 * plain
    assert many >= 0.7 * few
    assert max(memory) <= 100


def test_pushes_of_large_layers(discarding: str) -> None:
    layer = Content.seeded("layer", 64 * 1024 * 1024)
    pushes = 16
    invocation = Invocation(
        f=F.PUSH_BLOB,
        key=f"bench/r@{layer.digest}",
        asked=Asked(digest=layer.digest, size=layer.size, style=PushStyle.POST_PUT),
        content=layer,
    )

    async def push() -> float:
        registry = RegistryClient(TcpDialer(), parse_target(discarding)[0])
        start = time.perf_counter()
        for _ in range(pushes):
            assert (await perform(registry, invocation)).kind is Kind.OK
        rate = pushes * layer.size / (time.perf_counter() - start)
        await registry.aclose()
        return rate

    trio.run(push)
    before = resident_kib()
    rate = best(lambda: trio.run(push))
    grown = resident_kib() - before
    print(f"\npush of 64 MiB layers: {rate / 1e9:.2f} GB/s, memory grew by {grown:,} KiB")
    assert rate >= 1e9
    assert grown <= 8 * 1024
