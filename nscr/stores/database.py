"""The SQLite file: connections, schema version, and group commit.

One writing connection, used by one commit at a time; readers have their own and never checkpoint. All writes that
wait while a commit runs go into the next one together, so one sync serves many. Each stands in a savepoint: one that
is refused takes nothing of the others back. WAL with synchronous=FULL: a commit that returned is on the disk, and one
whose sync failed trips the fence.
Knows no table but the generation, which grows with every committed change.
"""

import sqlite3
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Generic, TypeVar

import anyio

from nscr.crashpoints import crash_around
from nscr.errors import EnvironmentFault, RegistryError, StoreFault, StoreFull
from nscr.stores.base import Offload
from nscr.stores.fence import Fence

Result = TypeVar("Result")
Change = Callable[[sqlite3.Connection], Result]

_FULL = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_SHMSIZE}
"""The second: no room for the index of the write-ahead log."""

_UNSYNCED = {sqlite3.SQLITE_IOERR_FSYNC, sqlite3.SQLITE_IOERR_DIR_FSYNC}


def _code(error: sqlite3.Error) -> int | None:
    return getattr(error, "sqlite_errorcode", None)


def _fault(error: sqlite3.Error) -> StoreFault:
    kind = StoreFull if _code(error) in _FULL else StoreFault
    return kind(f"the database failed: {error}")


def _statements(script: str) -> Iterator[str]:
    """Split at the semicolons that end a statement, which those inside a trigger don't."""
    statement = ""
    for piece in script.split(";"):
        statement += f"{piece};"
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


class _Ticket(Generic[Result]):
    """One write on its way: what to do, and what came of it."""

    def __init__(self, change: Change[Result], *, counted: bool) -> None:
        self.change = change
        self.counted = counted
        self.turn = anyio.Event()
        self.outcome: list[Result] = []
        self.error: RegistryError | None = None
        self.is_done = False

    def result(self) -> Result:
        if self.error is not None:
            raise self.error
        return self.outcome[0]


class Database:
    """Opens, migrates, reads and writes one SQLite file."""

    def __init__(self, path: Path, migrations: Sequence[str], offload: Offload, *, fence: Fence | None = None) -> None:
        """Open the file and bring its schema up to date.

        Raises:
            EnvironmentFault: not readable, or written by a newer version.
        """
        self._path = path
        self._offload = offload
        self._fence = fence or Fence()
        self._waiting: list[_Ticket[object]] = []
        self._is_committing = False
        self._idle_readers: deque[sqlite3.Connection] = deque()
        self.generation: int
        try:
            self._writer = self._connect()
            try:
                self._writer.execute("PRAGMA journal_mode=WAL")
                self._writer.execute("PRAGMA synchronous=FULL")
                # A row that REPLACE takes away is then seen by triggers on deletion as well.
                self._writer.execute("PRAGMA recursive_triggers=1")
                self._migrate(migrations)
                (self.generation,) = self._writer.execute("SELECT value FROM generation").fetchone()
            except BaseException:
                self._writer.close()
                raise
        except sqlite3.Error as error:
            raise EnvironmentFault(
                f"cannot open {path}: {error}",
                hint="check the folder's rights and free space, or choose another --data",
            ) from error

    def _connect(self) -> sqlite3.Connection:
        # Connections travel between worker threads, but never into two at once.
        connection = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False, cached_statements=256)
        connection.execute("PRAGMA mmap_size=0")
        connection.execute("PRAGMA busy_timeout=5000")
        return connection

    def _migrate(self, migrations: Sequence[str]) -> None:
        (version,) = self._writer.execute("PRAGMA user_version").fetchone()
        if version > len(migrations):
            raise EnvironmentFault(
                f"{self._path} has schema {version}, this nscr knows up to {len(migrations)}",
                hint="serve this folder with the newer nscr that wrote it",
            )
        for step in range(version, len(migrations)):
            # executescript would commit on its own; the version must move with the tables.
            self._writer.execute("BEGIN IMMEDIATE")
            for statement in _statements(migrations[step]):
                self._writer.execute(statement)
            self._writer.execute(f"PRAGMA user_version={step + 1}")
            with crash_around("schema.commit"):
                self._writer.execute("COMMIT")

    async def read(self, query: Callable[[sqlite3.Connection], Result]) -> Result:
        """Run a query in one read transaction: all that it selects is of one moment."""
        return await self._offload(self._read, query)

    def _read(self, query: Callable[[sqlite3.Connection], Result]) -> Result:
        try:
            try:
                connection = self._idle_readers.pop()
            except IndexError:
                connection = self._connect()
                connection.execute("PRAGMA query_only=1")
                connection.execute("PRAGMA wal_autocheckpoint=0")
            connection.execute("BEGIN")
            try:
                return query(connection)
            finally:
                connection.execute("END")
                self._idle_readers.append(connection)
        except sqlite3.Error as error:
            raise _fault(error) from error

    async def write(self, change: Change[Result], *, counted: bool = True) -> Result:
        """Run a change in the next commit and return once that is on the disk.

        Not cancellable: a write that was queued is carried out, and its caller may be the one who leads the commit of
        others. With `counted` a change that altered any row moves the generation.
        """
        ticket = _Ticket(change, counted=counted)
        with anyio.CancelScope(shield=True):
            self._waiting.append(ticket)  # type: ignore[arg-type]
            if self._is_committing:
                await ticket.turn.wait()
            if not ticket.is_done:
                await self._lead()
        return ticket.result()

    async def _lead(self) -> None:
        """Commit for all who wait, then wake them and name the next leader among those who came meanwhile."""
        self._is_committing = True
        batch, self._waiting = self._waiting, []
        try:
            await self._offload(self._commit, batch)
        finally:
            self._is_committing = bool(self._waiting)
            for ticket in batch:
                if not ticket.is_done:
                    ticket.error, ticket.is_done = StoreFault("the commit was abandoned"), True
                ticket.turn.set()
            if self._waiting:
                self._waiting[0].turn.set()

    def _commit(self, batch: Sequence[_Ticket[object]]) -> None:
        writer = self._writer
        try:
            self._fence.check()
            writer.execute("BEGIN IMMEDIATE")
            changed = sum(self._apply(ticket) for ticket in batch)
            if changed:
                writer.execute("UPDATE generation SET value = value + ?", (changed,))
            with crash_around("metadata.commit"):
                writer.execute("COMMIT")
            self.generation += changed
        except StoreFault as refusal:
            for ticket in batch:
                ticket.error = ticket.error or refusal
        except sqlite3.Error as error:
            if _code(error) in _UNSYNCED:
                self._fence.trip(f"the database could not be synced: {error}")
            for ticket in batch:
                ticket.error = ticket.error or _fault(error)
        finally:
            if writer.in_transaction:
                writer.execute("ROLLBACK")
        for ticket in batch:
            ticket.is_done = True

    def _apply(self, ticket: _Ticket[object]) -> bool:
        before = self._writer.total_changes
        self._writer.execute("SAVEPOINT change")
        try:
            ticket.outcome.append(ticket.change(self._writer))
        except RegistryError as error:
            ticket.error = error
            self._writer.execute("ROLLBACK TO change")
        self._writer.execute("RELEASE change")
        return ticket.counted and ticket.error is None and self._writer.total_changes > before

    async def aclose(self) -> None:
        """Checkpoint and close; nothing may be under way."""
        await self._offload(self._close)

    def _close(self) -> None:
        while self._idle_readers:
            self._idle_readers.pop().close()
        self._writer.close()
