"""Blobs' links, manifests, tags and upload sessions in SQLite: the verbs that a push or pull uses.

Each write verb is one change of a group commit, and what it must know to be allowed (are the referenced blobs there?)
it reads inside that same change. Time comes in as an argument.
"""

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass

from nscr.core.admission import PutTerms, admit_manifest
from nscr.core.figures import SessionFigures
from nscr.core.preconditions import UNCONDITIONAL, Preconditions
from nscr.core.referrers import ReferrersPage, collect_page, describe_referrer
from nscr.errors import PreconditionFailed
from nscr.oci.digest import Digest
from nscr.oci.manifests import Edge, EdgeKind
from nscr.oci.names import Reference, RepositoryName, Tag, is_digest_reference
from nscr.stores import leases
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
            leases.grant(connection, repository, digest, now)
            if closes is not None:
                connection.execute("DELETE FROM uploads WHERE id = ?", (closes,))
            connection.execute("DELETE FROM intents WHERE digest = ?", (digest,))
            connection.execute("DELETE FROM damaged WHERE digest = ?", (digest,))

        await self._database.write(change)

    async def mount_blob(
        self, digest: Digest, *, source: RepositoryName | None, target: RepositoryName, now: int
    ) -> bool:
        def change(connection: sqlite3.Connection) -> bool:
            held = is_linked(connection, digest) if source is None else has_blob(connection, source, digest)
            if held:
                connection.execute("INSERT OR IGNORE INTO links VALUES (?, ?)", (target, digest))
                leases.grant(connection, target, digest, now)
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
            leases.end(connection, repository, digest)
            return removed.rowcount > 0

        return await self._database.write(change)


class SqliteManifests:
    """`ManifestIndex` in the tables manifests, edges, tags and repositories."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def put_manifest(
        self, repository: RepositoryName, manifest: StoredManifest, terms: PutTerms, now: int
    ) -> None:
        def change(connection: sqlite3.Connection) -> None:
            view = _View(connection, repository)
            edges = admit_manifest(repository, manifest.digest, manifest.edges, terms, view)
            is_new = not has_manifest(connection, repository, manifest.digest)
            _store_manifest(connection, repository, manifest, edges, now)
            leases.settle(connection, repository, manifest, is_new=is_new, spared=terms.spared)
            if terms.tags:
                leases.end(connection, repository, manifest.digest)
            else:
                leases.grant(connection, repository, manifest.digest, now)
            connection.executemany(
                "INSERT OR REPLACE INTO tags VALUES (?, ?, ?)",
                [(repository, tag, manifest.digest) for tag in terms.tags],
            )
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

    async def referrers(
        self, repository: RepositoryName, subject: Digest, *, last: str, artifact_type: str | None, most_bytes: int
    ) -> ReferrersPage:
        def query(connection: sqlite3.Connection) -> ReferrersPage:
            rows = connection.execute(
                "SELECT manifests.digest, media_type, content FROM edges"
                " JOIN manifests ON manifests.repository = edges.repository AND manifests.digest = edges.manifest"
                " WHERE edges.repository = ? AND edges.digest = ? AND kind = 'subject' AND manifest > ?"
                " ORDER BY manifest",
                (repository, subject, last),
            )
            return collect_page((describe_referrer(*row) for row in rows), artifact_type, most_bytes)

        return await self._database.read(query)

    async def delete_manifest(
        self, repository: RepositoryName, digest: Digest, preconditions: Preconditions = UNCONDITIONAL
    ) -> bool:
        def change(connection: sqlite3.Connection) -> bool:
            if not has_manifest(connection, repository, digest):
                return False
            if not preconditions.admit(digest):
                raise PreconditionFailed(repository, digest)
            return remove_manifest(connection, repository, digest)

        return await self._database.write(change)

    async def delete_tag(
        self, repository: RepositoryName, tag: Tag, preconditions: Preconditions = UNCONDITIONAL
    ) -> bool:
        def change(connection: sqlite3.Connection) -> bool:
            held = tagged(connection, repository, tag)
            if held is None:
                return False
            if not preconditions.admit(held):
                raise PreconditionFailed(repository, tag)
            connection.execute("DELETE FROM tags WHERE repository = ? AND name = ?", (repository, tag))
            return True

        return await self._database.write(change)

    async def delete_repository(self, repository: RepositoryName) -> int | None:
        def change(connection: sqlite3.Connection) -> int | None:
            if connection.execute("DELETE FROM repositories WHERE name = ?", (repository,)).rowcount == 0:
                return None
            removed = connection.execute("DELETE FROM manifests WHERE repository = ?", (repository,)).rowcount
            connection.execute("DELETE FROM edges WHERE repository = ?", (repository,))
            connection.execute("DELETE FROM tags WHERE repository = ?", (repository,))
            connection.execute("DELETE FROM links WHERE repository = ?", (repository,))
            connection.execute("DELETE FROM leases WHERE repository = ?", (repository,))
            return removed

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

    async def keep_upload(self, upload: str, now: int) -> None:
        await self._database.write(
            lambda connection: connection.execute("UPDATE uploads SET last_activity = ? WHERE id = ?", (now, upload))
        )

    async def close_upload(self, upload: str) -> None:
        await self._database.write(lambda connection: connection.execute("DELETE FROM uploads WHERE id = ?", (upload,)))


@dataclass(frozen=True, slots=True)
class _View:
    """One repository, as a decision within a change sees it."""

    connection: sqlite3.Connection
    repository: RepositoryName

    def has_blob(self, digest: Digest) -> bool:
        return has_blob(self.connection, self.repository, digest)

    def has_manifest(self, digest: Digest) -> bool:
        return has_manifest(self.connection, self.repository, digest)

    def tagged(self, tag: Tag) -> Digest | None:
        return tagged(self.connection, self.repository, tag)


def is_linked(connection: sqlite3.Connection, digest: str) -> bool:
    """Whether any repository holds a blob."""
    return connection.execute("SELECT 1 FROM links WHERE digest = ? LIMIT 1", (digest,)).fetchone() is not None


def tagged(connection: sqlite3.Connection, repository: str, tag: str) -> Digest | None:
    row = connection.execute("SELECT digest FROM tags WHERE repository = ? AND name = ?", (repository, tag)).fetchone()
    return row[0] if row else None


def has_blob(connection: sqlite3.Connection, repository: str, digest: str) -> bool:
    row = connection.execute("SELECT 1 FROM links WHERE repository = ? AND digest = ?", (repository, digest)).fetchone()
    return row is not None


def has_manifest(connection: sqlite3.Connection, repository: str, digest: str) -> bool:
    row = connection.execute(
        "SELECT 1 FROM manifests WHERE repository = ? AND digest = ?", (repository, digest)
    ).fetchone()
    return row is not None


def remove_manifest(connection: sqlite3.Connection, repository: str, digest: str) -> bool:
    """Remove a manifest, its tags, and a repository that has no other; False if there is none."""
    key = (repository, digest)
    removed = connection.execute("DELETE FROM manifests WHERE repository = ? AND digest = ?", key)
    if removed.rowcount == 0:
        return False
    connection.execute("DELETE FROM edges WHERE repository = ? AND manifest = ?", key)
    connection.execute("DELETE FROM tags WHERE repository = ? AND digest = ?", key)
    leases.end(connection, repository, digest)
    connection.execute(
        "DELETE FROM repositories WHERE name = ?1 AND NOT EXISTS (SELECT 1 FROM manifests WHERE repository = ?1)",
        (repository,),
    )
    return True


def _store_manifest(
    connection: sqlite3.Connection, repository: str, manifest: StoredManifest, edges: Iterable[Edge], now: int
) -> None:
    key = (repository, manifest.digest)
    connection.execute(
        "INSERT OR REPLACE INTO manifests VALUES (?, ?, ?, ?, ?)", (*key, manifest.media_type, manifest.content, now)
    )
    # Pushed again under another media type, the same bytes may reference other things.
    connection.execute("DELETE FROM edges WHERE repository = ? AND manifest = ?", key)
    connection.executemany(
        "INSERT INTO edges VALUES (?, ?, ?, ?, ?)",
        [(*key, edge.kind.value, edge.digest, edge.size) for edge in edges],
    )
    connection.execute("UPDATE edges SET kind = 'child' WHERE repository = ? AND digest = ? AND kind = 'sparse'", key)
