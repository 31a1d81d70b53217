"""Runs one fixed sequence of verbs over real files and SQLite, and kills it at every crash point.

`python crash_run.py FOLDER` prints one JSON object: what each point led to. Each run is a forked child, so that a kill
costs no start of an interpreter. What a store holds is all rows of all tables and all files by content; what is open
when the kill comes must leave the state before or the state after, and nothing else.
"""

import asyncio
import hashlib
import itertools
import json
import logging
import os
import sqlite3
import sys
import traceback
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from nscr import crashpoints
from nscr.errors import RegistryError, StoreFull
from nscr.oci.digest import Digest, digest_of
from nscr.oci.names import RepositoryName, Tag
from nscr.registry import BodyHeaders, Registry
from nscr.stores.base import BlobIndex, Stores
from nscr.stores.census import SqliteCensus
from nscr.stores.collection import SqliteUpkeep
from nscr.stores.database import Database
from nscr.stores.files import FileContent
from nscr.stores.schema import MIGRATIONS
from nscr.stores.sqlite import SqliteBlobs, SqliteManifests, SqliteUploads

Result = TypeVar("Result")
State = dict[str, Any]
Step = Callable[[Registry, Path], Awaitable[object]]

A, B = RepositoryName("a"), RepositoryName("team/b")
ONE, TWO, THREE, BIG = b"one", b"two", b"three", b"big" * 50_000
NOT_COMPARED = {"generation", "probe", "intents"}


async def inline(function: Callable[..., Result], /, *arguments: Any) -> Result:
    return function(*arguments)


class FullOnce:
    """A `BlobIndex` that has no room for a blob of one size."""

    def __init__(self, blobs: BlobIndex) -> None:
        self._blobs = blobs

    def __getattr__(self, name: str) -> Any:
        return getattr(self._blobs, name)

    async def add_blob(self, repository: RepositoryName, digest: Digest, size: int, now: int, *, closes: Any) -> None:
        if size == len(b"no room"):
            raise StoreFull("no room")
        await self._blobs.add_blob(repository, digest, size, now, closes=closes)


async def body(*pieces: bytes) -> AsyncGenerator[bytes, None]:
    for piece in pieces:
        yield piece


def push(repository: RepositoryName, data: bytes) -> Step:
    return lambda registry, _: registry.push_blob(repository, digest_of(data), BodyHeaders(len(data)), body(data))


def refused(step: Step) -> Step:
    async def run(registry: Registry, folder: Path) -> None:
        with suppress(RegistryError):
            await step(registry, folder)
            raise AssertionError("not refused")

    return run


def manifest(*blobs: bytes) -> bytes:
    config, *layers = [{"digest": digest_of(blob), "size": len(blob)} for blob in blobs]
    return json.dumps({"schemaVersion": 2, "config": config, "layers": layers}).encode()


def put(tag: str, *blobs: bytes) -> Step:
    return lambda registry, _: registry.put_manifest(A, Tag(tag), manifest(*blobs), None)


def append(upload: str, content_range: str | None, *pieces: bytes) -> Step:
    return lambda registry, _: registry.append_chunk(A, upload, BodyHeaders(None, content_range), body(*pieces))


def close(upload: str, data: bytes, *rest: bytes) -> Step:
    return lambda registry, _: registry.close_upload(A, upload, digest_of(data), BodyHeaders(None), body(*rest))


async def rot(_: Registry, folder: Path) -> None:
    """Flip a bit where nobody sees it."""
    name = digest_of(THREE).removeprefix("sha256:")
    (folder / "blobs" / "sha256" / name[:2] / name).write_bytes(b"thrEe")


def scrub(registry: Registry, _: Path) -> Awaitable[object]:
    return registry.scrub_blob(digest_of(THREE), len(THREE))


STEPS: dict[str, Step] = {
    "a blob in one request": push(A, ONE),
    "a blob that is there already": push(B, ONE),
    "a blob": push(A, TWO),
    "a manifest and its tag": put("t", ONE, TWO),
    "the tag moves": put("t", TWO, ONE),
    "a session": lambda registry, _: registry.open_upload(A),
    "a chunk": append("id-4", None, BIG[:100_000]),
    "a chunk that says too little": refused(append("id-4", "100000-100000", b"x" * 80_000, b"x" * 80_000)),
    "a session is closed": close("id-4", BIG, BIG[100_000:]),
    "a second session": lambda registry, _: registry.open_upload(A),
    "its bytes": append("id-5", None, b"no room"),
    "closed with no room": refused(close("id-5", b"no room")),
    "closed with the wrong digest": refused(close("id-5", b"other")),
    "a third session": lambda registry, _: registry.open_upload(A),
    "is cancelled": lambda registry, _: registry.cancel_upload(A, "id-6"),
    "a mount": lambda registry, _: registry.mount_blob(digest_of(TWO), source=A, target=B),
    "a blob for nobody": push(B, THREE),
    "bits rot": rot,
    "which is found": scrub,
    "which a push heals": push(B, THREE),
    "bits rot again": rot,
    "which is found again": scrub,
    "leases end": lambda registry, _: registry.upkeep.expire_leases(2),
    "a collection": lambda registry, _: registry.collect_blobs([digest_of(THREE), digest_of(BIG), digest_of(ONE)]),
    "a blob that was collected comes again": push(A, THREE),
    "a tag goes": lambda registry, _: registry.delete_manifest(A, Tag("t")),
    "untagged manifests go": lambda registry, _: registry.collect_manifests(
        A, [digest_of(manifest(ONE, TWO)), digest_of(manifest(TWO, ONE))][:1], 2
    ),
    "a manifest goes": lambda registry, _: registry.delete_manifest(A, digest_of(manifest(TWO, ONE))),
    "a blob is let go": lambda registry, _: registry.delete_blob(A, digest_of(ONE)),
    "an image again": put("t", TWO),
    "a repository goes": lambda registry, _: registry.delete_repository(A),
}


MOST_PASSAGES = 4
"""Kills at one point of the files; at the commits each passage is another kind of write."""

UNDECIDED = "closed with no room"
"""Refused only because there is no room: with room again, recovery ends it, which nobody was told about."""


async def opened(folder: Path, *, has_room: bool) -> tuple[Registry, Database]:
    database = Database(folder / "registry.sqlite3", MIGRATIONS, inline)
    stores = Stores(
        FileContent(folder, inline),
        SqliteBlobs(database),
        SqliteManifests(database),
        SqliteUploads(database),
        SqliteCensus(database),
        SqliteUpkeep(database),
    )
    ids = itertools.count(1)
    if not has_room:
        stores = replace(stores, blobs=FullOnce(stores.blobs))
    registry = Registry(
        stores,
        now=lambda: 1,
        new_id=lambda: f"id-{next(ids)}",
        upload_limit=1 << 20,
        session_limit=100,
        on_change=lambda *_: None,
    )
    await registry.recover()
    return registry, database


def held(folder: Path) -> State:
    """All that the stores hold; the database is closed."""
    database = sqlite3.connect(f"file:{folder}/registry.sqlite3?mode=ro", uri=True)
    names = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    rows = {
        name: sorted(map(repr, database.execute(f"SELECT * FROM {name}")))  # noqa: S608
        for name in sorted(set(names) - NOT_COMPARED)
    }
    database.close()
    files = {
        room: {
            str(path.relative_to(folder / room)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted((folder / room).rglob("*"))
            if path.is_file()
        }
        for room in ("blobs", "quarantine", "uploads")
    }
    return {"rows": rows, **files}


def broken_laws(state: State, folder: Path) -> list[str]:
    """What must hold whatever happened."""
    database = sqlite3.connect(f"file:{folder}/registry.sqlite3?mode=ro", uri=True)
    damaged = {digest for (digest,) in database.execute("SELECT digest FROM damaged")}
    blobs = {digest for (digest,) in database.execute("SELECT digest FROM blobs")} - damaged
    sessions = {upload for (upload,) in database.execute("SELECT id FROM uploads")}
    intents = database.execute("SELECT * FROM intents").fetchall()
    (integrity,) = database.execute("PRAGMA integrity_check").fetchone()
    database.close()
    files = {f"sha256:{name.rpartition('/')[2]}": digest for name, digest in state["blobs"].items()}
    laws = {
        "a row for each file and a file for each row": set(files) == blobs,
        "each file holds what it is named for": all(name == f"sha256:{digest}" for name, digest in files.items()),
        "uploads belong to sessions": set(state["uploads"]) <= sessions,
        "no intent is left": not intents,
        "the database is sound": integrity == "ok",
    }
    return [law for law, holds in laws.items() if not holds]


def in_child(work: Callable[[], None]) -> int:
    """Run it in a forked child, and say how that ended."""
    if (pid := os.fork()) == 0:
        code = 1
        try:
            work()
            code = 0
        except BaseException:
            traceback.print_exc()
            raise
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def run_steps(folder: Path, log: Path, *, keep: bool) -> None:
    """All steps; `log` gets a line a step, with the state where that is to be kept."""

    async def run() -> None:
        registry, database = await opened(folder, has_room=False)
        with log.open("w") as lines:
            for number, step in enumerate([None, *STEPS.values()]):
                if step is not None:
                    await step(registry, folder)
                state = held(folder) if keep else {"number": number}
                if keep:
                    state["laws"] = broken_laws(state, folder)
                lines.write(json.dumps(state) + "\n")
                lines.flush()
        await database.aclose()

    asyncio.run(run())


def reopen(folder: Path, result: Path) -> None:
    async def run() -> State:
        _, database = await opened(folder, has_room=True)
        await database.aclose()
        state = held(folder)
        laws = broken_laws(state, folder)
        # It works as ever: the same again, from here.
        registry, database = await opened(folder, has_room=True)
        await push(A, b"afterwards")(registry, folder)
        await registry.put_manifest(A, Tag("afterwards"), manifest(b"afterwards"), None)
        await database.aclose()
        return {"state": state, "laws": laws}

    result.write_text(json.dumps(asyncio.run(run())))


def is_between(state: State, old: State, new: State) -> bool:
    """The old state or the new one; bytes of an upload that nobody acknowledged may be there already."""
    files_may_be = {(name, digest) for each in (old, new) for name, digest in each["uploads"].items()}
    files_may_be.add(("id-4", digest_of(BIG).removeprefix("sha256:")))
    return any(
        all(state[part] == each[part] for part in ("rows", "blobs", "quarantine")) for each in (old, new)
    ) and all(upload in files_may_be for upload in state["uploads"].items())


def main(folder: Path) -> dict[str, Any]:
    passages: Counter[str] = Counter()
    log = folder / "steps"

    def observed() -> None:
        crashpoints.observe(lambda point: passages.update([point]))
        run_steps(folder / "whole", log, keep=True)
        (folder / "passages").write_text(json.dumps(passages))

    (folder / "whole").mkdir()
    assert in_child(observed) == 0
    states = [json.loads(line) for line in log.read_text().splitlines()]
    passages.update(json.loads((folder / "passages").read_text()))
    kills, wrong = 0, []
    for point, count in sorted(passages.items()):
        for nth in range(1, 1 + (count if point.startswith("metadata.") else min(count, MOST_PASSAGES))):
            data = folder / f"{point}-{nth}"
            data.mkdir()
            log = data / "steps"

            def armed(data: Path = data, log: Path = log, spec: str = f"{point}:{nth}") -> None:
                crashpoints.arm(spec)
                run_steps(data, log, keep=False)

            killed = in_child(armed)
            done = len(log.read_text().splitlines()) if log.exists() else 0
            result = data / "result"
            kills += killed == -9
            if killed != -9 or in_child(lambda data=data, result=result: reopen(data, result)) != 0:  # type: ignore[misc]
                wrong.append(f"{point}:{nth} after step {done}: exit {killed}, or it cannot be opened again")
                continue
            found = json.loads(result.read_text())
            old, new = states[max(0, done - 1)], states[min(done, len(states) - 1)]
            at = ["start", *STEPS][min(done, len(STEPS))]
            laws = set(found["laws"]) - set(old["laws"])
            wrong += [f"{point}:{nth} during {at!r}: {law} - broken" for law in sorted(laws)]
            if at != UNDECIDED and not is_between(found["state"], old, new):
                difference = {
                    part: [found["state"][part], old[part], new[part]] for part in ("blobs", "quarantine", "uploads")
                } | {
                    f"rows of {table}": [rows, old["rows"][table], new["rows"][table]]
                    for table, rows in found["state"]["rows"].items()
                }
                told = {name: values for name, values in difference.items() if values[0] not in values[1:]}
                wrong.append(f"{point}:{nth} during {at!r}: neither old nor new: {told or 'a mixture'}")
    return {"passages": passages, "kills": kills, "wrong": wrong}


if __name__ == "__main__":
    logging.disable(logging.ERROR)
    print(json.dumps(main(Path(sys.argv[1]))))
