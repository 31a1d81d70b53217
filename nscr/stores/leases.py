"""Leases in SQLite: what a push in progress counts on (see nscr.stores.upkeep). Functions inside a change.

One that a manifest uses up is gone at once; with two pushes of the same blob at the same time, each has its claim.
A manifest that the repository holds already uses up claims only where all of its blobs are claimed: else it is not
the end of a push but a tag put on what was there, and the claims are of another push.
"""

import sqlite3
from collections.abc import Iterable

from nscr.core.admission import BYTE_KINDS
from nscr.oci.digest import Digest
from nscr.oci.manifests import EdgeKind
from nscr.stores.base import StoredManifest

UNPROTECTED = """
    NOT EXISTS (
        SELECT 1 FROM edges JOIN links USING (repository, digest)
        WHERE edges.digest = blobs.digest AND edges.kind IN ('blob', 'foreign'))
    AND NOT EXISTS (SELECT 1 FROM leases WHERE leases.digest = blobs.digest)
"""
"""Of rows of `blobs`: what no manifest references and no lease protects."""


def grant(connection: sqlite3.Connection, repository: str, digest: str, now: int) -> None:
    """Claim a digest; its lease lasts from the last grant."""
    connection.execute(
        "INSERT INTO leases VALUES (?1, ?2, ?3, 1)"
        " ON CONFLICT DO UPDATE SET granted = excluded.granted, claims = claims + 1",
        (repository, digest, now),
    )


def end(connection: sqlite3.Connection, repository: str, digest: str) -> None:
    """End all claims on a digest."""
    connection.execute("DELETE FROM leases WHERE repository = ? AND digest = ?", (repository, digest))


def settle(
    connection: sqlite3.Connection,
    repository: str,
    manifest: StoredManifest,
    *,
    is_new: bool,
    spared: frozenset[Digest] = frozenset(),
) -> None:
    """Use up one claim on each of what a manifest that was just put references, but none on what is spared."""
    blobs = list(dict.fromkeys(edge.digest for edge in manifest.edges if edge.kind in BYTE_KINDS))
    if is_new or all(_is_leased(connection, repository, digest) for digest in blobs):
        _use_up(connection, repository, (digest for digest in blobs if digest not in spared))
    for edge in manifest.edges:
        if edge.kind is EdgeKind.CHILD:
            end(connection, repository, edge.digest)


def _is_leased(connection: sqlite3.Connection, repository: str, digest: str) -> bool:
    row = connection.execute("SELECT 1 FROM leases WHERE repository = ? AND digest = ?", (repository, digest))
    return row.fetchone() is not None


def _use_up(connection: sqlite3.Connection, repository: str, digests: Iterable[str]) -> None:
    for digest in digests:
        key = (repository, digest)
        connection.execute("DELETE FROM leases WHERE repository = ? AND digest = ? AND claims = 1", key)
        connection.execute("UPDATE leases SET claims = claims - 1 WHERE repository = ? AND digest = ?", key)
