"""`Upkeep` in SQLite: intents, leases, damage, and the removal of rows that nothing needs.

What is removed is asked again, by the same condition that chose it, inside the transaction that removes it.
"""

import sqlite3
from collections.abc import Sequence

from nscr.core.collection import ManifestFacts
from nscr.core.figures import BlobFigures
from nscr.oci.digest import Digest
from nscr.oci.manifests import Edge, EdgeKind
from nscr.oci.names import RepositoryName
from nscr.stores import leases
from nscr.stores.database import Database
from nscr.stores.sqlite import has_blob, remove_manifest
from nscr.stores.upkeep import Held, Intent, IntentKind

_UNTAGGED = """
    SELECT 1 FROM manifests AS it WHERE repository = ?1 AND digest = ?2 AND pushed < ?3
        AND NOT EXISTS (SELECT 1 FROM tags WHERE repository = ?1 AND digest = ?2)
        AND NOT EXISTS (SELECT 1 FROM leases WHERE repository = ?1 AND digest = ?2)
        AND NOT EXISTS (SELECT 1 FROM edges WHERE repository = ?1 AND digest = ?2 AND kind = 'child')
        AND NOT EXISTS (
            SELECT 1 FROM edges JOIN manifests AS subject
                ON subject.repository = edges.repository AND subject.digest = edges.digest
            WHERE edges.repository = ?1 AND edges.manifest = ?2 AND edges.kind = 'subject')
"""


_HELD = {(False, False): Held.NOT, (True, False): Held.ALREADY, (True, True): Held.ANEW}
"""By whether the repository holds the blob, and whether nothing protects it yet."""


class SqliteUpkeep:
    """`Upkeep` over the tables of nscr.stores.schema."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def intend(self, intent: Intent) -> None:
        row = (intent.digest, intent.kind.value, intent.repository, intent.upload)
        await self._database.write(
            lambda connection: connection.execute("INSERT OR REPLACE INTO intents VALUES (?, ?, ?, ?)", row),
            counted=False,
        )

    async def intents(self) -> list[Intent]:
        def query(connection: sqlite3.Connection) -> list[Intent]:
            rows = connection.execute("SELECT digest, kind, repository, upload FROM intents ORDER BY digest")
            return [Intent(Digest(digest), IntentKind(kind), *rest) for digest, kind, *rest in rows]

        return await self._database.read(query)

    async def forget(self, digests: Sequence[Digest]) -> None:
        await self._database.write(
            lambda connection: connection.executemany(
                "DELETE FROM intents WHERE digest = ?", [(digest,) for digest in digests]
            ),
            counted=False,
        )

    async def committed_size(self, digest: Digest) -> int | None:
        def query(connection: sqlite3.Connection) -> int | None:
            row = connection.execute("SELECT size FROM blobs WHERE digest = ?", (digest,)).fetchone()
            return row[0] if row else None

        return await self._database.read(query)

    async def lease_blob(self, repository: RepositoryName, digest: Digest, now: int) -> Held:
        def query(connection: sqlite3.Connection) -> tuple[bool, bool]:
            is_held = has_blob(connection, repository, digest)
            return is_held, is_held and _is_unprotected(connection, digest)

        def change(connection: sqlite3.Connection) -> Held:
            is_held, is_unprotected = query(connection)
            if is_unprotected:
                leases.grant(connection, repository, digest, now)
            return _HELD[is_held, is_unprotected]

        # Most of what is asked for is referenced, and then nothing is written.
        is_held, is_unprotected = await self._database.read(query)
        return await self._database.write(change) if is_unprotected else _HELD[is_held, is_unprotected]

    async def expire_leases(self, before: int) -> int:
        def change(connection: sqlite3.Connection) -> int:
            return connection.execute(
                "DELETE FROM leases WHERE granted < ?1 AND NOT EXISTS ("
                " SELECT 1 FROM uploads WHERE uploads.repository = leases.repository AND last_activity >= ?1)",
                (before,),
            ).rowcount

        return await self._database.write(change)

    async def unreferenced(self, last: str, limit: int) -> list[BlobFigures]:
        def query(connection: sqlite3.Connection) -> list[BlobFigures]:
            rows = connection.execute(
                "SELECT digest, blobs.size, created FROM usage JOIN blobs USING (digest)"
                " WHERE referrers = 0 AND leases = 0 AND digest > ? ORDER BY digest LIMIT ?",
                (last, limit),
            )
            return [BlobFigures(*row) for row in rows]

        return await self._database.read(query)

    async def condemn(self, digests: Sequence[Digest]) -> list[BlobFigures]:
        def change(connection: sqlite3.Connection) -> list[BlobFigures]:
            condemned: list[BlobFigures] = []
            for digest in digests:
                row = connection.execute(
                    f"SELECT digest, size, created FROM blobs WHERE digest = ? AND {leases.UNPROTECTED}",  # noqa: S608
                    (digest,),
                ).fetchone()
                if row is None:
                    continue
                condemned.append(BlobFigures(*row))
                for table in ("blobs", "links", "damaged"):
                    connection.execute(f"DELETE FROM {table} WHERE digest = ?", (digest,))  # noqa: S608
                connection.execute(
                    "INSERT OR REPLACE INTO intents VALUES (?, ?, '', '')", (digest, IntentKind.COLLECT.value)
                )
            return condemned

        return await self._database.write(change)

    async def manifests(self, repository: RepositoryName) -> list[ManifestFacts]:
        def query(connection: sqlite3.Connection) -> list[ManifestFacts]:
            edges: dict[str, list[Edge]] = {}
            rows = connection.execute(
                "SELECT manifest, kind, digest, size FROM edges WHERE repository = ?", (repository,)
            )
            for manifest, kind, digest, size in rows:
                edges.setdefault(manifest, []).append(Edge(EdgeKind(kind), digest, size))
            held = connection.execute(
                "SELECT digest FROM tags WHERE repository = ?1 UNION SELECT digest FROM leases WHERE repository = ?1",
                (repository,),
            )
            is_held = {digest for (digest,) in held}
            return [
                ManifestFacts(digest, pushed, digest in is_held, tuple(edges.get(digest, ())))
                for digest, pushed in connection.execute(
                    "SELECT digest, pushed FROM manifests WHERE repository = ? ORDER BY digest", (repository,)
                )
            ]

        return await self._database.read(query)

    async def remove_untagged(self, repository: RepositoryName, digests: Sequence[Digest], before: int) -> int:
        def change(connection: sqlite3.Connection) -> int:
            removed = 0
            for digest in digests:
                if connection.execute(_UNTAGGED, (repository, digest, before)).fetchone() is not None:
                    removed += remove_manifest(connection, repository, digest)
            return removed

        return await self._database.write(change)

    async def note_damage(self, digest: Digest) -> None:
        await self._database.write(
            lambda connection: connection.execute("INSERT OR IGNORE INTO damaged VALUES (?)", (digest,)),
            counted=False,
        )

    async def damaged(self) -> list[Digest]:
        return await self._database.read(
            lambda connection: [digest for (digest,) in connection.execute("SELECT digest FROM damaged")]
        )


def _is_unprotected(connection: sqlite3.Connection, digest: str) -> bool:
    row = connection.execute(
        f"SELECT 1 FROM blobs WHERE digest = ? AND {leases.UNPROTECTED}",  # noqa: S608
        (digest,),
    ).fetchone()
    return row is not None
