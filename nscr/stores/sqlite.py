"""Blobs' links, manifests, tags and upload sessions in SQLite: the verbs that a push or pull uses.

Each write verb is one change of a group commit, and what it must know to be allowed (are the referenced blobs there?)
it reads inside that same change. Time comes in as an argument.
"""

import sqlite3

from nscr.core.admission import missing_references
from nscr.core.figures import SessionFigures
from nscr.errors import ManifestReferencesUnknown
from nscr.oci.digest import Digest
from nscr.oci.manifests import Edge, EdgeKind
from nscr.oci.names import Reference, RepositoryName, Tag, is_digest_reference
from nscr.stores.base import StoredManifest
from nscr.stores.database import Database


class SqliteBlobs:
    """`BlobIndex` in the tables blobs and links."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add_blob(
        self, repository: RepositoryName, digest: Digest, size: int, now: int, *, closes: str | None
    ) -> None:
        def change(connection: sqlite3.Connection) -> None:
            connection.execute("INSERT OR IGNORE INTO blobs VALUES (?, ?, ?)", (digest, size, now))
            connection.execute("INSERT OR IGNORE INTO links VALUES (?, ?)", (repository, digest))
            if closes is not None:
                connection.execute("DELETE FROM uploads WHERE id = ?", (closes,))

        await self._database.write(change)

    async def mount_blob(self, digest: Digest, *, source: RepositoryName, target: RepositoryName) -> bool:
        def change(connection: sqlite3.Connection) -> bool:
            held = has_blob(connection, source, digest)
            if held:
                connection.execute("INSERT OR IGNORE INTO links VALUES (?, ?)", (target, digest))
            return held

        return await self._database.write(change)

    async def blob_size(self, repository: RepositoryName, digest: Digest) -> int | None:
        def query(connection: sqlite3.Connection) -> int | None:
            row = connection.execute(
                "SELECT size FROM links JOIN blobs USING (digest) WHERE repository = ? AND digest = ?",
                (repository, digest),
            ).fetchone()
            return row[0] if row else None

        return await self._database.read(query)

    async def remove_blob(self, repository: RepositoryName, digest: Digest) -> bool:
        def change(connection: sqlite3.Connection) -> bool:
            removed = connection.execute("DELETE FROM links WHERE repository = ? AND digest = ?", (repository, digest))
            return removed.rowcount > 0

        return await self._database.write(change)


class SqliteManifests:
    """`ManifestIndex` in the tables manifests, edges, tags and repositories."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def put_manifest(
        self, repository: RepositoryName, manifest: StoredManifest, tag: Tag | None, now: int
    ) -> None:
        def change(connection: sqlite3.Connection) -> None:
            missing = missing_references(
                manifest.edges,
                lambda digest: has_blob(connection, repository, digest),
                lambda digest: has_manifest(connection, repository, digest),
            )
            if missing:
                raise ManifestReferencesUnknown(repository, missing)
            _store_manifest(connection, repository, manifest)
            if tag is not None:
                connection.execute("INSERT OR REPLACE INTO tags VALUES (?, ?, ?)", (repository, tag, manifest.digest))
            connection.execute("INSERT OR REPLACE INTO repositories VALUES (?, ?)", (repository, now))

        await self._database.write(change)

    async def manifest(self, repository: RepositoryName, reference: Reference) -> StoredManifest | None:
        def query(connection: sqlite3.Connection) -> StoredManifest | None:
            wanted = (
                "?2"
                if is_digest_reference(reference)
                else "(SELECT digest FROM tags WHERE repository = ?1 AND name = ?2)"
            )
            row = connection.execute(
                f"SELECT digest, media_type, content FROM manifests WHERE repository = ?1 AND digest = {wanted}",  # noqa: S608
                (repository, reference),
            ).fetchone()
            if row is None:
                return None
            edges = connection.execute(
                "SELECT kind, digest, size FROM edges WHERE repository = ? AND manifest = ?", (repository, row[0])
            )
            digest, media_type, content = row
            return StoredManifest(
                digest, media_type, content, tuple(Edge(EdgeKind(kind), *rest) for kind, *rest in edges)
            )

        return await self._database.read(query)

    async def delete_manifest(self, repository: RepositoryName, digest: Digest) -> bool:
        def change(connection: sqlite3.Connection) -> bool:
            key = (repository, digest)
            removed = connection.execute("DELETE FROM manifests WHERE repository = ? AND digest = ?", key)
            if removed.rowcount == 0:
                return False
            connection.execute("DELETE FROM edges WHERE repository = ? AND manifest = ?", key)
            connection.execute("DELETE FROM tags WHERE repository = ? AND digest = ?", key)
            connection.execute(
                "DELETE FROM repositories WHERE name = ?1"
                " AND NOT EXISTS (SELECT 1 FROM manifests WHERE repository = ?1)",
                (repository,),
            )
            return True

        return await self._database.write(change)

    async def delete_tag(self, repository: RepositoryName, tag: Tag) -> bool:
        def change(connection: sqlite3.Connection) -> bool:
            removed = connection.execute("DELETE FROM tags WHERE repository = ? AND name = ?", (repository, tag))
            return removed.rowcount > 0

        return await self._database.write(change)

    async def tags(self, repository: RepositoryName, last: str, limit: int | None) -> list[str] | None:
        def query(connection: sqlite3.Connection) -> list[str] | None:
            if connection.execute("SELECT 1 FROM repositories WHERE name = ?", (repository,)).fetchone() is None:
                return None
            rows = connection.execute(
                "SELECT name FROM tags WHERE repository = ? AND name > ? ORDER BY name LIMIT ?",
                (repository, last, -1 if limit is None else limit),
            )
            return [name for (name,) in rows]

        return await self._database.read(query)

    async def repositories(self, last: str, limit: int | None) -> list[str]:
        def query(connection: sqlite3.Connection) -> list[str]:
            rows = connection.execute(
                "SELECT name FROM repositories WHERE name > ? ORDER BY name LIMIT ?",
                (last, -1 if limit is None else limit),
            )
            return [name for (name,) in rows]

        return await self._database.read(query)


class SqliteUploads:
    """`UploadIndex` in the table uploads."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def open_upload(self, session: SessionFigures) -> None:
        row = (session.id, session.repository, session.started, session.last_activity, session.chunks)
        await self._database.write(
            lambda connection: connection.execute("INSERT INTO uploads VALUES (?, ?, ?, ?, ?)", row)
        )

    async def touch_upload(self, upload: str, now: int) -> None:
        await self._database.write(
            lambda connection: connection.execute(
                "UPDATE uploads SET last_activity = ?, chunks = chunks + 1 WHERE id = ?", (now, upload)
            )
        )

    async def close_upload(self, upload: str) -> None:
        await self._database.write(lambda connection: connection.execute("DELETE FROM uploads WHERE id = ?", (upload,)))


def has_blob(connection: sqlite3.Connection, repository: str, digest: str) -> bool:
    row = connection.execute("SELECT 1 FROM links WHERE repository = ? AND digest = ?", (repository, digest)).fetchone()
    return row is not None


def has_manifest(connection: sqlite3.Connection, repository: str, digest: str) -> bool:
    row = connection.execute(
        "SELECT 1 FROM manifests WHERE repository = ? AND digest = ?", (repository, digest)
    ).fetchone()
    return row is not None


def _store_manifest(connection: sqlite3.Connection, repository: str, manifest: StoredManifest) -> None:
    key = (repository, manifest.digest)
    connection.execute(
        "INSERT OR REPLACE INTO manifests VALUES (?, ?, ?, ?)", (*key, manifest.media_type, manifest.content)
    )
    # Pushed again under another media type, the same bytes may reference other things.
    connection.execute("DELETE FROM edges WHERE repository = ? AND manifest = ?", key)
    connection.executemany(
        "INSERT INTO edges VALUES (?, ?, ?, ?, ?)",
        [(*key, edge.kind.value, edge.digest, edge.size) for edge in manifest.edges],
    )
