"""Each sabotage breaks its promise, as often as it says, and nothing else."""

import json
import os
import time
from pathlib import Path
from typing import Any

import anyio
import pytest

from nscr.__main__ import main
from nscr.config import ServerConfig
from nscr.core.admission import PutTerms
from nscr.oci.digest import digest_of
from nscr.oci.names import RepositoryName, Tag
from nscr.sabotage import (
    late_tag,
    leaked_descriptor,
    lost_tag,
    one_lock,
    shifted_range,
    skipped_tag,
    slow_answers,
    truncated_blob,
    undead_tag,
)
from nscr.sabotage.catalogue import CATALOGUE
from nscr.sabotage.in_front import in_front_of
from nscr.stores.base import StoredManifest
from nscr.stores.files import FileContent

pytestmark = pytest.mark.anyio


def open_below(folder: Path) -> list[int]:
    """Descriptors of this process that are of files below a folder."""
    return [int(link.name) for link in Path("/proc/self/fd").iterdir() if folder in link.resolve().parents]


async def test_one_tag_write_in_twenty_is_lost(make_client: Any) -> None:
    client = make_client(ServerConfig(sabotages=("lost-tag",)))
    lost = []
    for number in range(2 * lost_tag.EVERY):
        digest = await client.push_image("a", f"t{number}", str(number).encode())
        assert (await client("HEAD", f"/v2/a/manifests/{digest}")).status == 200
        if (await client("HEAD", f"/v2/a/manifests/t{number}")).status == 404:
            lost.append(number)
    assert lost == [19, 39]


async def test_one_tag_write_in_five_is_seen_late(make_client: Any) -> None:
    client = make_client(ServerConfig(sabotages=("late-tag",)))
    seen = []
    for number in range(2 * late_tag.EVERY):
        digest = await client.push_image("a", "t", str(number).encode())
        reads = [await client("HEAD", "/v2/a/manifests/t") for _ in range(late_tag.LATE_READS + 1)]
        seen.append([read.headers["docker-content-digest"] == digest for read in reads])
        assert (await client("HEAD", f"/v2/a/manifests/{digest}")).status == 200
    late = [False] * late_tag.LATE_READS + [True]
    assert [number for number, one in enumerate(seen) if one == late] == [4, 9]
    assert seen.count([True] * len(late)) == 8


async def test_one_download_in_fifty_is_short_and_says_nothing(make_client: Any) -> None:
    client = make_client(ServerConfig(sabotages=("truncated-blob",)))
    digest = await client.push_blob("a", b"0123456789")
    empty = await client.push_blob("a", b"")
    short = []
    for number in range(2 * truncated_blob.EVERY):
        assert (await client("GET", f"/v2/a/blobs/{empty}")).body == b""
        reply = await client("GET", f"/v2/a/blobs/{digest}")
        assert reply.status == 200
        if digest_of(reply.body) != digest:
            assert (reply.headers["content-length"], reply.body) == ("5", b"01234")
            short.append(number)
        assert (await client("HEAD", f"/v2/a/blobs/{digest}")).headers["content-length"] == "10"
    assert short == [49, 99]


async def test_one_range_in_five_is_one_byte_off(make_client: Any) -> None:
    client = make_client(ServerConfig(sabotages=("shifted-range",)))
    digest = await client.push_blob("a", b"0123456789")
    ranges = ("bytes=3-5", "bytes=0-2", "bytes=-3", None, "bytes=3-5")
    bodies = []
    for number in range(2 * shifted_range.EVERY):
        wanted = ranges[number % len(ranges)] if number < shifted_range.EVERY else None
        headers = {"range": wanted} if wanted is not None else {}
        bodies.append((await client("GET", f"/v2/a/blobs/{digest}", headers=headers)).body)
    assert bodies == [b"345", b"012", b"789", b"0123456789", b"234", *[b"0123456789"] * 5]


async def test_one_page_in_ten_lacks_the_tag_that_follows(make_client: Any) -> None:
    client = make_client(ServerConfig(sabotages=("skipped-tag",)))
    for tag in "abcd":
        await client.push_image("a", tag, tag.encode())
    pages = []
    for _ in range(skipped_tag.EVERY):
        assert json.loads((await client("GET", "/v2/a/tags/list?n=2")).body)["tags"] == ["a", "b"]
        pages.append(json.loads((await client("GET", "/v2/a/tags/list?n=2&last=a")).body)["tags"])
    assert pages == [*[["b", "c"]] * (skipped_tag.EVERY - 1), ["c", "d"]]


async def test_one_download_in_four_leaves_its_file_open(tmp_path: Path) -> None:
    async def at_once(fn: Any, *args: Any) -> Any:
        return fn(*args)

    honest = FileContent(tmp_path, at_once)
    digest = digest_of(b"0123456789")
    honest.start("upload")
    await honest.append("upload", b"0123456789", 0)
    await honest.seal("upload", digest)
    await honest.publish("upload", digest)
    content = leaked_descriptor.leaked_descriptor(honest)
    for _ in range(2 * leaked_descriptor.EVERY):
        reader = await content.open(digest, 10)
        assert (reader.size, await reader.read(2, 5)) == (10, b"23456")
        await reader.aclose()
    left = open_below(tmp_path)
    for descriptor in left:
        os.close(descriptor)
    assert len(left) == 2


async def test_whoever_keeps_the_lock_keeps_everybody_waiting(make_client: Any) -> None:
    is_kept, is_done = anyio.Event(), anyio.Event()
    order: list[str] = []

    async def keep() -> None:
        is_kept.set()
        await is_done.wait()
        order.append("kept")

    client = make_client(ServerConfig())
    index = one_lock.OneLock(client.stores.manifests, keep)
    tag, manifest = Tag("t"), StoredManifest(digest_of(b"{}"), "application/json", b"{}", ())

    async def read(repository: str) -> None:
        await is_kept.wait()
        await index.manifest(RepositoryName(repository), tag)
        order.append(f"read {repository}")

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(read, "other")
        for _ in range(one_lock.EVERY - 1):
            await index.put_manifest(RepositoryName("a"), manifest, PutTerms((tag,)), 0)
        assert not is_kept.is_set()
        tasks.start_soon(index.put_manifest, RepositoryName("a"), manifest, PutTerms((tag,)), 0)
        await anyio.wait_all_tasks_blocked()
        assert order == []
        is_done.set()
    assert order == ["kept", "read other"]


@pytest.mark.parametrize("by_digest", [False, True])
async def test_a_deleted_tag_comes_back(make_client: Any, by_digest: bool) -> None:
    client = make_client(ServerConfig(sabotages=("undead-tag",)))
    digest = await client.push_image("a", "t")
    await client.push_image("a", "other", b"layer")
    await client("DELETE", f"/v2/a/manifests/{digest if by_digest else 't'}")
    seen = [(await client("HEAD", "/v2/a/manifests/t")).status for _ in range(2 * undead_tag.AFTER_CALLS)]
    assert seen[0] == 404
    assert seen[-1] == 200
    assert (await client("GET", "/v2/a/manifests/t")).headers["docker-content-digest"] == digest


async def test_a_tag_that_was_written_again_is_left_alone(make_client: Any) -> None:
    client = make_client(ServerConfig(sabotages=("undead-tag",)))
    await client.push_image("a", "t")
    await client("DELETE", "/v2/a/manifests/t")
    digest = await client.push_image("a", "t", b"layer")
    for _ in range(2 * undead_tag.AFTER_CALLS):
        assert (await client("HEAD", "/v2/a/manifests/t")).headers["docker-content-digest"] == digest


async def test_one_condition_in_five_is_forgotten(make_client: Any) -> None:
    client = make_client(ServerConfig(sabotages=("forgotten-condition",)))
    digest = await client.push_image("a", "t")
    body = (await client("GET", f"/v2/a/manifests/{digest}")).body
    headers = {"Content-Type": "application/vnd.oci.image.manifest.v1+json", "If-None-Match": "*"}
    statuses = [(await client("PUT", "/v2/a/manifests/t", body=body, headers=headers)).status for _ in range(10)]
    assert statuses == [412, 412, 412, 412, 201] * 2


async def test_totals_lag_behind_while_an_upload_is_open(make_client: Any) -> None:
    client = make_client(ServerConfig(sabotages=("stale-summary",)))

    async def told() -> tuple[int, int, int]:
        state = json.loads((await client("GET", "/api/registry/state")).body)
        return state["summary"]["totalManifests"], len(state["repositories"]), state["activeSessions"]["count"]

    await client.push_image("a", "t")
    assert await told() == (1, 1, 0)
    upload = (await client("POST", "/v2/a/blobs/uploads/")).headers["location"]
    await client.push_image("b", "t")
    assert await told() == (1, 2, 1)
    await client("DELETE", upload)
    assert await told() == (2, 2, 0)


def test_the_catalogue_is_printed_as_data(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--list-sabotages", "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    names = [
        "forgotten-condition",
        "late-tag",
        "leaked-descriptor",
        "lost-tag",
        "one-lock",
        "shifted-range",
        "skipped-tag",
        "slow-answers",
        "stale-summary",
        "truncated-blob",
        "undead-tag",
    ]
    assert [entry["name"] for entry in printed] == names == list(CATALOGUE)
    for entry in printed:
        assert set(entry) == {"name", "description", "mimics", "breaks"}
        assert entry["mimics"]
        assert entry["breaks"]
    assert main(["--list-sabotages"]) == 0
    assert capsys.readouterr().out.startswith("forgotten-condition: ")


def test_a_sabotage_that_changes_what_there_is_not_would_never_be_called() -> None:
    class Misspelt:
        async def put_manifets(self) -> None: ...

    with pytest.raises(TypeError, match="Misspelt changes what object lacks: put_manifets"):
        in_front_of(object(), Misspelt())


async def test_slow_answers_hold_back_the_end_of_each_reply_and_nothing_else() -> None:
    sent: list[tuple[dict[str, Any], float]] = []

    async def answer(scope: Any, receive: Any, send: Any) -> None:
        await anyio.sleep(0.05)
        await send({"type": "http.response.start", "status": 200})
        await send({"type": "http.response.body", "body": b"a", "more_body": True})
        await send({"type": "http.response.body", "body": b"b"})

    async def send(message: dict[str, Any]) -> None:
        sent.append((message, time.monotonic()))

    began = time.monotonic()
    await slow_answers.slow_answers(answer)({"type": "http"}, None, send)  # type: ignore[arg-type]
    assert [message.get("body") for message, _ in sent] == [None, b"a", b"b"]
    (_, piece), (_, last) = sent[1:]
    assert last - began >= (piece - began) * (1 + slow_answers.SHARE)


async def test_slow_answers_are_right(make_client: Any) -> None:
    client = make_client(ServerConfig(sabotages=("slow-answers",)))
    digest = await client.push_image("a", "t", b"1")
    assert (await client("HEAD", "/v2/a/manifests/t")).headers["docker-content-digest"] == digest
