"""The database file: group commit, refusals that take nothing back, schema versions, a reading of one moment."""

import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import anyio.to_thread
import pytest

from nscr.errors import ClientFault, EnvironmentFault, NameUnknown, StoreFault
from nscr.stores.database import Database
from nscr.stores.schema import MIGRATIONS

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def opened(path: Path, migrations: tuple[str, ...] = MIGRATIONS) -> AsyncIterator[Database]:
    database = Database(path / "db", migrations, anyio.to_thread.run_sync)
    try:
        yield database
    finally:
        await database.aclose()


def insert(name: str) -> Callable[[sqlite3.Connection], None]:
    def change(connection: sqlite3.Connection) -> None:
        connection.execute("INSERT INTO repositories VALUES (?, 0)", (name,))

    return change


def names(connection: sqlite3.Connection) -> list[str]:
    return [name for (name,) in connection.execute("SELECT name FROM repositories ORDER BY name")]


def generation(connection: sqlite3.Connection) -> int:
    value: int = connection.execute("SELECT value FROM generation").fetchone()[0]
    return value


async def test_writes_that_wait_share_a_commit_and_all_of_them_stay(tmp_path: Path) -> None:
    commits: list[int] = []

    async with opened(tmp_path) as database:
        inner = database._commit

        def counted(batch: list[object]) -> None:
            commits.append(len(batch))
            inner(batch)  # type: ignore[arg-type]

        database._commit = counted  # type: ignore[assignment,method-assign]
        async with anyio.create_task_group() as tasks:
            for number in range(50):
                tasks.start_soon(database.write, insert(f"r{number:02}"))
        assert await database.read(names) == [f"r{number:02}" for number in range(50)]
        assert await database.read(generation) == 50
    assert sum(commits) == 50
    assert len(commits) < 50
    async with opened(tmp_path) as database:
        assert len(await database.read(names)) == 50


async def test_a_refused_write_takes_nothing_of_the_others_back(tmp_path: Path) -> None:
    def refused(connection: sqlite3.Connection) -> None:
        insert("refused")(connection)
        raise NameUnknown("x")

    outcomes: list[str] = []

    async with opened(tmp_path) as database:

        async def attempt(change: Callable[[sqlite3.Connection], None]) -> None:
            try:
                await database.write(change)
            except (ClientFault, StoreFault) as error:
                outcomes.append(type(error).__name__)

        async with anyio.create_task_group() as tasks:
            for change in (insert("a"), refused, insert("b"), insert("c")):
                tasks.start_soon(attempt, change)
        assert await database.read(names) == ["a", "b", "c"]
        assert await database.read(generation) == 3
    assert outcomes == ["NameUnknown"]


async def test_a_write_that_breaks_a_constraint_is_a_fault_of_the_store(tmp_path: Path) -> None:
    async with opened(tmp_path) as database:
        await database.write(insert("a"))
        with pytest.raises(StoreFault, match="UNIQUE"):
            await database.write(insert("a"))
        await database.write(insert("b"))
        assert await database.read(names) == ["a", "b"]


async def test_a_bug_in_a_write_reaches_its_caller_and_leaves_the_database_usable(tmp_path: Path) -> None:
    def bug(connection: sqlite3.Connection) -> None:
        insert("bug")(connection)
        raise ZeroDivisionError

    async with opened(tmp_path) as database:
        with pytest.raises(ZeroDivisionError):
            await database.write(bug)
        await database.write(insert("a"))
        assert await database.read(names) == ["a"]


async def test_a_write_cannot_be_cancelled_half_way(tmp_path: Path) -> None:
    async with opened(tmp_path) as database:
        async with anyio.create_task_group() as tasks:
            for number in range(10):
                tasks.start_soon(database.write, insert(f"r{number}"))
            await anyio.lowlevel.checkpoint()
            tasks.cancel_scope.cancel()
        await database.write(insert("after"))
        held = await database.read(names)
        assert "after" in held
        assert await database.read(generation) == len(held)


async def test_a_reading_is_of_one_moment(tmp_path: Path) -> None:
    writer = anyio.from_thread

    async with opened(tmp_path) as database:

        def query(connection: sqlite3.Connection) -> tuple[int, int]:
            before = generation(connection)
            writer.run(database.write, insert("a"))
            return before, generation(connection)

        assert await database.read(query) == (0, 0)
        assert await database.read(generation) == 1


async def test_a_newer_schema_is_refused_by_number(tmp_path: Path) -> None:
    async with opened(tmp_path, (*MIGRATIONS, "CREATE TABLE later (x)")):
        pass
    with pytest.raises(EnvironmentFault, match=f"schema {len(MIGRATIONS) + 1}, this nscr knows up to"):
        async with opened(tmp_path):
            pytest.fail("opened")


async def test_an_older_schema_is_brought_forward(tmp_path: Path) -> None:
    async with opened(tmp_path) as database:
        await database.write(insert("a"))
    async with opened(tmp_path, (*MIGRATIONS, "CREATE TABLE later (x)")) as database:
        assert await database.read(names) == ["a"]
        assert await database.read(lambda connection: connection.execute("SELECT * FROM later").fetchall()) == []


async def test_what_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "db").write_bytes(b"not a database at all, whatever it is" * 50)
    with pytest.raises(EnvironmentFault, match="cannot open"):
        async with opened(tmp_path):
            pytest.fail("opened")


async def test_commits_are_full_and_readers_never_checkpoint(tmp_path: Path) -> None:
    def pragma(name: str) -> Callable[[sqlite3.Connection], object]:
        return lambda connection: connection.execute(f"PRAGMA {name}").fetchone()[0]

    async with opened(tmp_path) as database:
        assert database._writer.execute("PRAGMA synchronous").fetchone() == (2,)
        assert database._writer.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert await database.read(pragma("wal_autocheckpoint")) == 0
        with pytest.raises(StoreFault, match="readonly"):
            await database.read(insert("a"))
