"""`Upkeep` in memory, and the leases that it shares with the other views of a shelf (see nscr.stores.memory)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from nscr.core.admission import BYTE_KINDS
from nscr.core.collection import ManifestFacts
from nscr.core.figures import BlobFigures
from nscr.oci.digest import Digest
from nscr.oci.manifests import EdgeKind
from nscr.oci.names import RepositoryName
from nscr.stores.base import StoredManifest
from nscr.stores.upkeep import Held, Intent, IntentKind

if TYPE_CHECKING:
    from nscr.stores.memory import Shelf


@dataclass
class Leases:
    """When the lease of (repository, digest) was granted last, and how many claim it."""

    granted: dict[tuple[str, str], int] = field(default_factory=dict)
    claims: dict[tuple[str, str], int] = field(default_factory=dict)

    def grant(self, repository: str, digest: str, now: int) -> None:
        self.granted[repository, digest] = now
        self.claims[repository, digest] = self.claims.get((repository, digest), 0) + 1

    def end(self, repository: str, digest: str) -> None:
        self.granted.pop((repository, digest), None)
        self.claims.pop((repository, digest), None)

    def settle(
        self, repository: str, manifest: StoredManifest, *, is_new: bool, spared: frozenset[Digest] = frozenset()
    ) -> None:
        """Use up one claim on each of what a manifest that was just put references, but none on what is spared."""
        blobs = {edge.digest for edge in manifest.edges if edge.kind in BYTE_KINDS}
        if is_new or all((repository, digest) in self.granted for digest in blobs):
            for digest in (blobs - spared) & {held for holder, held in self.granted if holder == repository}:
                self.claims[repository, digest] -= 1
                if not self.claims[repository, digest]:
                    self.end(repository, digest)
        for edge in manifest.edges:
            if edge.kind is EdgeKind.CHILD:
                self.end(repository, edge.digest)


class MemoryUpkeep:
    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf

    async def intend(self, intent: Intent) -> None:
        self._shelf.intents[intent.digest] = intent

    async def intents(self) -> list[Intent]:
        return [intent for _, intent in sorted(self._shelf.intents.items())]

    async def forget(self, digests: Sequence[Digest]) -> None:
        for digest in digests:
            self._shelf.intents.pop(digest, None)

    async def committed_size(self, digest: Digest) -> int | None:
        return self._shelf.blobs[digest].size if digest in self._shelf.blobs else None

    async def lease_blob(self, repository: RepositoryName, digest: Digest, now: int) -> Held:
        if (repository, digest) not in self._shelf.links:
            return Held.NOT
        if not self._is_unprotected(digest):
            return Held.ALREADY
        self._shelf.leases.grant(repository, digest, now)
        self._shelf.generation += 1
        return Held.ANEW

    async def expire_leases(self, before: int) -> int:
        active = {session.repository for session in self._shelf.sessions.values() if session.last_activity >= before}
        expired = [
            key for key, granted in self._shelf.leases.granted.items() if granted < before and key[0] not in active
        ]
        for key in expired:
            self._shelf.leases.end(*key)
        self._shelf.generation += bool(expired)
        return len(expired)

    async def unreferenced(self, last: str, limit: int) -> list[BlobFigures]:
        return [
            blob for digest, blob in sorted(self._shelf.blobs.items()) if digest > last and self._is_unprotected(digest)
        ][:limit]

    def _is_unprotected(self, digest: str) -> bool:
        if digest not in self._shelf.blobs or any(held == digest for _, held in self._shelf.leases.granted):
            return False
        return not any(
            edge.kind in BYTE_KINDS and edge.digest == digest and (repository, digest) in self._shelf.links
            for (repository, _), manifest in self._shelf.manifests.items()
            for edge in manifest.edges
        )

    async def condemn(self, digests: Sequence[Digest]) -> list[BlobFigures]:
        condemned = [self._shelf.blobs[digest] for digest in digests if self._is_unprotected(digest)]
        for blob in condemned:
            digest = Digest(blob.digest)
            del self._shelf.blobs[digest]
            self._shelf.links = {link for link in self._shelf.links if link[1] != digest}
            self._shelf.damaged.discard(digest)
            self._shelf.intents[digest] = Intent(digest, IntentKind.COLLECT)
        self._shelf.generation += bool(condemned)
        return condemned

    async def manifests(self, repository: RepositoryName) -> list[ManifestFacts]:
        tagged = set(self._shelf.tags_of(repository).values())
        return [
            ManifestFacts(
                Digest(digest),
                self._shelf.put_at[holder, digest],
                digest in tagged or (holder, digest) in self._shelf.leases.granted,
                manifest.edges,
            )
            for (holder, digest), manifest in sorted(self._shelf.manifests.items())
            if holder == repository
        ]

    async def remove_untagged(self, repository: RepositoryName, digests: Sequence[Digest], before: int) -> int:
        removed = 0
        for digest in digests:
            if await self._is_waste(repository, digest, before):
                removed += self._shelf.remove_manifest(repository, digest)
        self._shelf.generation += removed > 0
        return removed

    async def _is_waste(self, repository: RepositoryName, digest: Digest, before: int) -> bool:
        facts = {each.digest: each for each in await self.manifests(repository)}
        it = facts.get(digest)
        if it is None or it.is_held or it.pushed >= before:
            return False
        is_child = any(
            edge.kind is EdgeKind.CHILD and edge.digest == digest for each in facts.values() for edge in each.edges
        )
        return not is_child and not any(edge.kind is EdgeKind.SUBJECT and edge.digest in facts for edge in it.edges)

    async def note_damage(self, digest: Digest) -> None:
        self._shelf.damaged.add(digest)

    async def damaged(self) -> list[Digest]:
        return sorted(self._shelf.damaged)
