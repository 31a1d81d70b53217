"""How long a deep gate takes, beside fetching and hashing the same bytes with curl and sha256sum, as many at a time.

The same bytes are every manifest and every blob, once. curl is measured in two ways: a pipeline for each of them, as
one writes it in a shell; and one pipeline for each of the connections, kept alive, whose bytes are hashed in one
stream: the least that is possible, because then nobody knows any more which blob was wrong. The kinds take turns, each
counts by its best round, and what the server has to read comes from memory for all of them.
"""

import os
import resource
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest
import trio

from nscr_cli.client.operations import perform
from nscr_cli.client.registry import RegistryClient
from nscr_cli.client.target import parse_target
from nscr_cli.generators.documents import configuration, image
from nscr_cli.history.invocation import Content, Invocation
from nscr_cli.history.keys import digest_key, tag_key
from nscr_cli.history.ops import Asked, F, Kind, PushStyle
from nscr_cli.wire.dialing import TcpDialer

NSCR = str(Path(sys.executable).with_name("nscr"))
TAGS = int(os.environ.get("NSCR_BENCHMARK_GATE_TAGS", "2000"))
LAYER = 2_500_000
REPOSITORIES = 20
WORKERS = 8
ROUNDS = 2
MOST = 1.5


class Filled(NamedTuple):
    url: str
    paths: list[str]
    size: int


async def fill(url: str) -> tuple[list[str], int]:
    """Push so many images of one layer; the path of every manifest and blob, and their bytes together."""
    target, _ = parse_target(url)
    numbers = iter(range(TAGS))
    paths: list[str] = []
    size = 0

    async def push() -> None:
        nonlocal size
        registry = RegistryClient(TcpDialer(), target)
        for number in numbers:
            repository = f"bench/r{number % REPOSITORIES}"
            layer = Content.seeded(f"layer {number}", LAYER)
            config = configuration(str(number))
            for blob in (config, layer):
                asked = Asked(digest=blob.digest, size=blob.size, style=PushStyle.SINGLE_POST)
                key = digest_key(repository, blob.digest)
                done = await perform(registry, Invocation(f=F.PUSH_BLOB, key=key, asked=asked, content=blob))
                assert done.kind is Kind.OK, done
                paths.append(f"/v2/{repository}/blobs/{blob.digest}")
                size += blob.size
            manifest = image(config, [layer], str(number))
            asked = Asked(digest=manifest.digest, media_type=manifest.media_type)
            key = tag_key(repository, f"v{number}")
            put = Invocation(f=F.PUT_MANIFEST, key=key, asked=asked, content=manifest.content)
            done = await perform(registry, put)
            assert done.kind is Kind.OK, done
            paths.append(f"/v2/{repository}/manifests/{manifest.digest}")
            size += manifest.content.size
        await registry.aclose()

    async with trio.open_nursery() as nursery:
        for _ in range(WORKERS):
            nursery.start_soon(push)
    return paths, size


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Filled]:
    data = tmp_path_factory.mktemp("gate")
    process = subprocess.Popen(
        [NSCR, "serve", "--port", "0", "--data", str(data / "registry")],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    url = process.stdout.readline().split("listening on ")[1].split("/ ")[0].split()[0].rstrip("/")
    paths, size = trio.run(fill, url)
    yield Filled(url, paths, size)
    process.terminate()
    process.wait(timeout=20)
    process.stdout.close()


def timed(command: Sequence[str], **more: object) -> tuple[float, float, str]:
    """Seconds, CPU seconds of the children, and what it printed."""
    start, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, capture_output=True, text=True, check=False, **more)  # type: ignore[call-overload]
    seconds, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    assert done.returncode == 0, done.stdout + done.stderr
    return seconds, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, done.stdout


def shared_out(filled: Filled, folder: Path) -> list[str]:
    """A curl configuration for each connection, with every eighth of the URLs."""
    names = []
    for number in range(WORKERS):
        path = folder / f"urls{number}"
        path.write_text("".join(f'url = "{filled.url}{one}"\n' for one in filled.paths[number::WORKERS]))
        names.append(str(path))
    return names


@pytest.mark.needs("curl")
@pytest.mark.timeout(1800)
def test_a_deep_gate_beside_curl(filled: Filled, tmp_path: Path) -> None:
    urls = "\n".join(f"{filled.url}{path}" for path in filled.paths)
    each = ["xargs", "-P", str(WORKERS), "-I", "{}", "sh", "-c", "curl -sf {} | sha256sum >/dev/null"]
    kept = "; ".join(f"curl -sf -K {shlex.quote(name)} | sha256sum & " for name in shared_out(filled, tmp_path))
    kept = kept.replace("& ;", "&") + " wait"
    gate = [NSCR, "gate", "--registry-url", filled.url, "--deep", "--workers", str(WORKERS)]
    rounds = [(timed(["sh", "-c", kept]), timed(gate), timed(each, input=urls)) for _ in range(ROUNDS)]
    least, ours, single = (min(kind[:2] for kind in kinds) for kinds in zip(*rounds, strict=True))
    printed = rounds[0][1][2]
    assert f"{TAGS:,} tags" in printed, printed
    print(f"\n{TAGS:,} tags, {len(filled.paths):,} bodies, {filled.size / 1e9:.2f} GB, {WORKERS} at a time")
    for name, (seconds, cpu_s) in (
        ("nscr gate --deep", ours), ("curl | sha256sum, one for each body", single),
        ("curl | sha256sum, one for each connection", least),
    ):  # fmt: skip
        print(f"{name}: {seconds:.1f} s, {cpu_s:.1f} s of CPU, {filled.size / seconds / 1e6:,.0f} MB/s")
    print(f"CPU, of one for each connection: {ours[1] / least[1]:.2f}; without that of the server")
    print(f"ratio to one for each body {ours[0] / single[0]:.2f}, to one for each connection {ours[0] / least[0]:.2f}")
    assert ours[0] <= MOST * single[0]
