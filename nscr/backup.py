"""A consistent copy of a data folder, taken while a server runs over it; `nscr serve --data COPY` is how to restore.

Blobs never change once they are committed, so they are copied first, each hashed on its way; then the metadata as of
one moment, by SQLite's own backup; then the blobs that this moment names and the first round had not. Only one that
was collected in between can be missing then, and the moment is taken anew. Open uploads are not part of a copy.
"""

import hashlib
import os
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from nscr.errors import ConfigurationError, EnvironmentFault
from nscr.folder_reading import DATABASE_NAME, blob_path, committed, known_damaged, reading
from nscr.oci.digest import Digest, algorithm_of

_ROUNDS = 5
_READ_SIZE = 1024 * 1024


@dataclass
class BackupReport:
    """Attributes: damaged, blobs that could not be copied whole; the copy says that they must be pushed again."""

    blobs: int = 0
    size: int = 0
    damaged: list[Digest] = field(default_factory=list)


def back_up(source: Path, target: Path) -> BackupReport:
    """Copy a folder into a new one.

    Raises:
        ConfigurationError: the target is not empty.
        EnvironmentFault: nothing to copy, no room, or no rest: collections were faster in every round.
    """
    try:
        return _back_up(source, target)
    except OSError as error:
        raise EnvironmentFault(
            f"cannot write {target}: {error.strerror}",
            hint="check rights and free space, and begin with an empty folder",
        ) from error


def _back_up(source: Path, target: Path) -> BackupReport:
    target.mkdir(parents=True, exist_ok=True)
    if any(target.iterdir()):
        raise ConfigurationError(f"{target} is not empty", hint="name a new folder")
    copied = _Copied(source, target)
    copied.add(committed(source))
    for _ in range(_ROUNDS):
        _copy_metadata(source, target)
        wanted = committed(target)
        copied.add(wanted)
        if copied.holds(wanted):
            break
    else:
        raise EnvironmentFault(
            f"{source} changes too fast to be copied", hint="try again when fewer blobs are collected"
        )
    copied.drop_all_but(wanted)
    damaged = sorted(copied.damaged & wanted.keys() | known_damaged(target))
    _finish(target, damaged)
    return BackupReport(len(wanted), sum(wanted.values()), damaged)


class _Copied:
    """Blobs in the target: whole, or known to be damaged in the source."""

    def __init__(self, source: Path, target: Path) -> None:
        self._source = source
        self._target = target
        self._whole: set[Digest] = set()
        self.damaged: set[Digest] = set()

    def add(self, blobs: Iterable[Digest]) -> None:
        damaged = known_damaged(self._source)
        for digest in blobs:
            if digest in damaged:
                self.damaged.add(digest)
            elif digest not in self._whole:
                self._copy(digest)

    def _copy(self, digest: Digest) -> None:
        path = blob_path(self._target, digest)
        path.parent.mkdir(parents=True, exist_ok=True)
        state = hashlib.new(algorithm_of(digest).value)
        try:
            with blob_path(self._source, digest).open("rb") as source, path.open("wb") as target:
                while data := source.read(_READ_SIZE):
                    state.update(data)
                    target.write(data)
                target.flush()
                os.fsync(target.fileno())
        except FileNotFoundError:
            return
        if f"{algorithm_of(digest).value}:{state.hexdigest()}" == digest:
            self._whole.add(digest)
            self.damaged.discard(digest)
        else:
            path.unlink()
            self.damaged.add(digest)

    def holds(self, wanted: Iterable[Digest]) -> bool:
        return set(wanted) <= self._whole | self.damaged

    def drop_all_but(self, wanted: Iterable[Digest]) -> None:
        for digest in self._whole - set(wanted):
            blob_path(self._target, digest).unlink()


def _copy_metadata(source: Path, target: Path) -> None:
    with reading(source) as live, closing(sqlite3.connect(target / DATABASE_NAME)) as copy:
        live.execute("END")
        live.backup(copy)


def _finish(target: Path, damaged: list[Digest]) -> None:
    """Take out what belongs to the running server, and make all of it durable."""
    with closing(sqlite3.connect(target / DATABASE_NAME, isolation_level=None)) as copy:
        copy.execute("PRAGMA synchronous=FULL")
        copy.execute("PRAGMA recursive_triggers=1")
        copy.execute("BEGIN IMMEDIATE")
        copy.execute("DELETE FROM uploads")
        copy.execute("DELETE FROM intents")
        copy.executemany("INSERT OR IGNORE INTO damaged VALUES (?)", [(digest,) for digest in damaged])
        copy.execute("COMMIT")
        copy.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    for folder in (target, *(path for path in target.rglob("*") if path.is_dir())):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
