"""What monitoring reads from SQLite: the definitions of nscr.core.figures as queries over indexes.

Everything that one verb returns is of one read transaction.
"""

import sqlite3

from nscr.core.figures import (
    BlobFigures,
    RepositoryFigures,
    SessionFigures,
    Snapshot,
    Storage,
    Summary,
    TagFigures,
)
from nscr.oci.names import RepositoryName
from nscr.stores.database import Database

_UNREFERENCED = """
    SELECT count(*), coalesce(sum(size), 0) FROM blobs WHERE NOT EXISTS (
        SELECT 1 FROM edges JOIN links USING (repository, digest)
        WHERE edges.digest = blobs.digest AND edges.kind IN ('blob', 'foreign'))
"""

_ORPHANED = """
    SELECT count(*) FROM (
        SELECT DISTINCT repository, manifest FROM edges
        WHERE kind = 'blob' AND NOT EXISTS (
                SELECT 1 FROM links WHERE links.repository = edges.repository AND links.digest = edges.digest)
           OR kind = 'child' AND NOT EXISTS (
                SELECT 1 FROM manifests
                WHERE manifests.repository = edges.repository AND manifests.digest = edges.digest))
"""

_STORAGE = """
    SELECT coalesce(sum(size * max(1, (SELECT count(*) FROM links WHERE links.digest = blobs.digest))), 0),
           coalesce(sum(size), 0), count(*)
    FROM blobs
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
            JOIN links ON links.repository = ?1 AND links.digest = edges.digest)
    SELECT tags.name, tags.digest,
           coalesce((SELECT sum(size) FROM used JOIN blobs USING (digest) WHERE used.tag = tags.name), 0)
    FROM tags WHERE repository = ?1 ORDER BY tags.name
"""


class SqliteCensus:
    """`Census` over the tables of nscr.stores.schema."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def snapshot(self) -> Snapshot:
        return await self._database.read(_snapshot)

    async def repository_tags(self, repository: RepositoryName) -> list[TagFigures] | None:
        def query(connection: sqlite3.Connection) -> list[TagFigures] | None:
            if connection.execute("SELECT 1 FROM repositories WHERE name = ?", (repository,)).fetchone() is None:
                return None
            return [TagFigures(*row) for row in connection.execute(_TAG_SIZES, (repository,))]

        return await self._database.read(query)

    async def blobs(self, last: str, limit: int | None) -> tuple[Storage, list[BlobFigures]]:
        def query(connection: sqlite3.Connection) -> tuple[Storage, list[BlobFigures]]:
            rows = connection.execute(
                "SELECT digest, size, created FROM blobs WHERE digest > ? ORDER BY digest LIMIT ?",
                (last, -1 if limit is None else limit),
            )
            return _storage(connection), [BlobFigures(*row) for row in rows]

        return await self._database.read(query)

    async def sessions(self) -> tuple[SessionFigures, ...]:
        return await self._database.read(_sessions)

    async def probe(self, token: str) -> bool:
        await self._database.write(
            lambda connection: connection.execute("UPDATE probe SET token = ?", (token,)), counted=False
        )
        stored = await self._database.read(lambda connection: _single(connection, "SELECT token FROM probe"))
        return stored == token


def _single(connection: sqlite3.Connection, query: str) -> object:
    return connection.execute(query).fetchone()[0]


def _snapshot(connection: sqlite3.Connection) -> Snapshot:
    (generation, repositories, manifests, blobs) = connection.execute(
        "SELECT (SELECT value FROM generation), (SELECT count(*) FROM repositories),"
        " (SELECT count(*) FROM manifests), (SELECT count(*) FROM blobs)"
    ).fetchone()
    unreferenced, space = connection.execute(_UNREFERENCED).fetchone()
    (orphaned,) = connection.execute(_ORPHANED).fetchone()
    return Snapshot(
        generation=generation,
        summary=Summary(repositories, manifests, blobs, unreferenced, orphaned, space),
        storage=_storage(connection),
        repositories=_repositories(connection),
        sessions=_sessions(connection),
    )


def _storage(connection: sqlite3.Connection) -> Storage:
    return Storage(*connection.execute(_STORAGE).fetchone())


def _repositories(connection: sqlite3.Connection) -> tuple[RepositoryFigures, ...]:
    tags: dict[str, list[str]] = {}
    for repository, name in connection.execute("SELECT repository, name FROM tags ORDER BY repository, name"):
        tags.setdefault(repository, []).append(name)
    rows = connection.execute("SELECT name, last_pushed FROM repositories ORDER BY last_pushed DESC, name")
    return tuple(RepositoryFigures(name, tuple(tags.get(name, ())), pushed) for name, pushed in rows)


def _sessions(connection: sqlite3.Connection) -> tuple[SessionFigures, ...]:
    rows = connection.execute("SELECT id, repository, started, last_activity, chunks FROM uploads ORDER BY started, id")
    return tuple(SessionFigures(*row) for row in rows)
