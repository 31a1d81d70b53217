"""What monitoring reads from SQLite: the counters that triggers keep, and listings that follow an index.

All that one reading says is of one read transaction. `recount` asks the same of the tables that the counters sum up,
by the definitions of nscr.core.figures.
"""

import sqlite3
from collections.abc import Callable, Iterator
from typing import TypeVar

from nscr.core.figures import (
    BlobFigures,
    BlobReferences,
    Figures,
    RepositoryFigures,
    SessionFigures,
    Storage,
    Summary,
    TagFigures,
)
from nscr.oci.names import RepositoryName
from nscr.stores.base import Reading
from nscr.stores.database import Database

Result = TypeVar("Result")

_KEPT = """
    SELECT open_uploads, repositories, manifests, blobs, unreferenced_blobs, orphaned_manifests, unreferenced_bytes,
           sparse_manifests, total_bytes, unique_bytes, blobs, blob_references
    FROM counters
"""

_RECOUNTED = """
    WITH held AS (
        SELECT size, (SELECT count(*) FROM links WHERE links.digest = blobs.digest) AS holders,
               (SELECT count(*) FROM links JOIN edges USING (repository, digest)
                WHERE links.digest = blobs.digest AND edges.kind IN ('blob', 'foreign')) AS referrers,
               (SELECT count(*) FROM leases WHERE leases.digest = blobs.digest) AS leases
        FROM blobs),
    orphaned AS (
        SELECT DISTINCT repository, manifest FROM edges
        WHERE kind = 'blob' AND NOT EXISTS (
                SELECT 1 FROM links WHERE links.repository = edges.repository AND links.digest = edges.digest)
           OR kind = 'child' AND NOT EXISTS (
                SELECT 1 FROM manifests
                WHERE manifests.repository = edges.repository AND manifests.digest = edges.digest))
    SELECT (SELECT count(*) FROM uploads), (SELECT count(*) FROM (SELECT DISTINCT repository FROM manifests)),
           (SELECT count(*) FROM manifests),
           count(*), coalesce(sum(referrers + leases = 0), 0), (SELECT count(*) FROM orphaned),
           coalesce(sum(size * (referrers + leases = 0)), 0),
           (SELECT count(*) FROM (SELECT DISTINCT repository, manifest FROM edges WHERE kind = 'sparse')),
           coalesce(sum(size * max(1, holders)), 0), coalesce(sum(size), 0), count(*), coalesce(sum(referrers), 0)
    FROM held
"""

_TAG_SIZES = """
    WITH RECURSIVE reached (tag, manifest) AS (
        SELECT name, digest FROM tags WHERE repository = ?1
        UNION
        SELECT tag, edges.digest FROM reached
            JOIN edges ON edges.repository = ?1 AND edges.manifest = reached.manifest AND edges.kind = 'child'),
    used (tag, digest) AS (
        SELECT DISTINCT tag, edges.digest FROM reached
            JOIN edges ON edges.repository = ?1 AND edges.manifest = reached.manifest
                AND edges.kind IN ('blob', 'foreign')
            JOIN links ON links.repository = ?1 AND links.digest = edges.digest),
    sizes (tag, size) AS (SELECT tag, sum(size) FROM used JOIN blobs USING (digest) GROUP BY tag)
    SELECT tags.name, tags.digest, coalesce(sizes.size, 0)
    FROM tags LEFT JOIN sizes ON sizes.tag = tags.name WHERE repository = ?1 ORDER BY tags.name
"""


class SqliteCensus:
    """`Census` over the tables of nscr.stores.schema."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @property
    def generation(self) -> int:
        return self._database.generation

    async def read(self, consume: Callable[[Reading], Result]) -> Result:
        return await self._database.read(lambda connection: consume(SqliteReading(connection)))

    async def probe(self, token: str) -> bool:
        await self._database.write(
            lambda connection: connection.execute("UPDATE probe SET token = ?", (token,)), counted=False
        )
        stored = await self._database.read(lambda connection: _single(connection, "SELECT token FROM probe"))
        return stored == token


class SqliteReading:
    """`Reading` inside an open read transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def figures(self) -> Figures:
        return _figures(self._connection, _KEPT)

    def recount(self) -> Figures:
        return _figures(self._connection, _RECOUNTED)

    def repositories(self) -> Iterator[RepositoryFigures]:
        for name, pushed in self._connection.execute(
            "SELECT name, last_pushed FROM repositories ORDER BY last_pushed DESC, name"
        ):
            tags = self._connection.execute("SELECT name FROM tags WHERE repository = ? ORDER BY name", (name,))
            yield RepositoryFigures(name, tuple(tag for (tag,) in tags), pushed)

    def has_repository(self, repository: RepositoryName) -> bool:
        return (
            self._connection.execute("SELECT 1 FROM repositories WHERE name = ?", (repository,)).fetchone() is not None
        )

    def repository_tags(self, repository: RepositoryName) -> Iterator[TagFigures]:
        return (TagFigures(*row) for row in self._connection.execute(_TAG_SIZES, (repository,)))

    def blobs(self, after: str, limit: int | None) -> Iterator[BlobFigures]:
        rows = self._connection.execute(
            "SELECT digest, size, created FROM blobs WHERE digest > ? ORDER BY digest LIMIT ?",
            (after, -1 if limit is None else limit),
        )
        return (BlobFigures(*row) for row in rows)

    def most_referenced(self, limit: int) -> Iterator[BlobReferences]:
        rows = self._connection.execute(
            "SELECT digest, referrers, size FROM usage WHERE referrers > 0 ORDER BY referrers DESC, digest LIMIT ?",
            (limit,),
        )
        return (BlobReferences(*row) for row in rows)

    def sessions(self) -> Iterator[SessionFigures]:
        rows = self._connection.execute(
            "SELECT id, repository, started, last_activity, chunks FROM uploads ORDER BY started, id"
        )
        return (SessionFigures(*row) for row in rows)


def _single(connection: sqlite3.Connection, query: str) -> object:
    return connection.execute(query).fetchone()[0]


def _figures(connection: sqlite3.Connection, query: str) -> Figures:
    (generation,) = connection.execute("SELECT value FROM generation").fetchone()
    sessions, *row = connection.execute(query).fetchone()
    return Figures(generation, Summary(*row[:7]), Storage(*row[7:]), sessions)
