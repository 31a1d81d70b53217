"""What monitoring costs: figures as dear in a large registry as in a small one, and no reading that outlasts itself."""

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nscr.stores.base import Reading
from nscr.stores.census import SqliteCensus, SqliteReading
from nscr.stores.database import Database
from nscr.stores.schema import MIGRATIONS

pytestmark = pytest.mark.anyio


async def inline(function: Callable[..., Any], /, *arguments: Any) -> Any:
    return function(*arguments)


FILLING = (
    "INSERT INTO blobs (digest, size, created) VALUES (:digest, 10, 0)",
    "INSERT INTO links (repository, digest) VALUES (:name, :digest)",
    "INSERT INTO manifests (repository, digest, media_type, content) VALUES (:name, 'm', 'x', '')",
    "INSERT INTO edges VALUES (:name, 'm', 'blob', :digest, 10)",
    "INSERT INTO tags VALUES (:name, 't', 'm')",
    "INSERT INTO repositories (name, last_pushed) VALUES (:name, 0)",
    "INSERT INTO uploads (id, repository, started, last_activity, chunks) VALUES (:name, :name, 0, 0, 0)",
)


def fill(connection: sqlite3.Connection, first: int, last: int) -> None:
    """So many repositories with a blob, a manifest, a tag and an upload each."""
    for number in range(first, last):
        for statement in FILLING:
            connection.execute(statement, {"name": f"r{number}", "digest": f"sha256:{number:064x}"})


def steps(connection: sqlite3.Connection, ask: Callable[[Reading], object]) -> int:
    """How many instructions of SQLite's machine a reading takes."""
    counted = 0

    def count() -> int:
        nonlocal counted
        counted += 1
        return 0

    connection.set_progress_handler(count, 1)
    try:
        ask(SqliteReading(connection))
    finally:
        connection.set_progress_handler(None, 0)
    return counted


async def test_figures_cost_the_same_however_much_there_is(tmp_path: Path) -> None:
    database = Database(tmp_path / "db", MIGRATIONS, inline)
    try:
        costs: dict[str, list[int]] = {"figures": [], "most": [], "page": []}
        for first, last in ((0, 50), (50, 2000)):
            await database.write(lambda connection, first=first, last=last: fill(connection, first, last))
            asked: dict[str, Callable[[Reading], object]] = {
                "figures": lambda reading: reading.figures(),
                "most": lambda reading: list(reading.most_referenced(20)),
                "page": lambda reading: list(reading.blobs(f"sha256:{20:064x}", 20)),
            }
            for name, ask in asked.items():
                # The first time SQLite reads the schema as well.
                await database.read(lambda connection, ask=ask: steps(connection, ask))
                costs[name].append(await database.read(lambda connection, ask=ask: steps(connection, ask)))
        census = SqliteCensus(database)
        figures = await census.read(lambda reading: reading.figures())
        assert (figures.summary.total_blobs, figures.open_sessions) == (2000, 2000)
        assert figures == await census.read(lambda reading: reading.recount())
    finally:
        await database.aclose()
    assert {name: small for name, (small, _) in costs.items()} == {name: large for name, (_, large) in costs.items()}


async def test_a_reading_that_is_broken_off_holds_nothing(tmp_path: Path) -> None:
    database = Database(tmp_path / "db", MIGRATIONS, inline)
    try:
        await database.write(lambda connection: fill(connection, 0, 100))
        census = SqliteCensus(database)

        def take_one_and_fail(reading: Reading) -> None:
            next(reading.blobs("", None))
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            await census.read(take_one_and_fail)
        await census.read(lambda reading: next(reading.blobs("", None)))
        await database.write(lambda connection: fill(connection, 100, 101))
        with sqlite3.connect(tmp_path / "db") as other:
            (busy, frames, moved) = other.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        other.close()
        assert (busy, frames, moved) == (0, 0, 0)
    finally:
        await database.aclose()
