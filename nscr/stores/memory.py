"""All stores in memory: a fake that the suite of the real ones verifies.

One `Shelf` holds the state; the views over it, here and in nscr.stores.memory_upkeep, are the protocols. Nothing awaits
anything, so every verb is atomic by itself. Figures come from the recount of nscr.core.figures, which makes this the
reference for SQL arithmetic.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from nscr.core.admission import BYTE_KINDS, PutTerms, admit_manifest
from nscr.core.figures import (
    BlobFigures,
    BlobReferences,
    Contents,
    Figures,
    RepositoryFigures,
    SessionFigures,
    TagFigures,
    count_references,
    measure_storage,
    recount,
)
from nscr.core.preconditions import UNCONDITIONAL, Preconditions
from nscr.core.referrers import ReferrersPage, collect_page, describe_referrer
from nscr.errors import ContentDamaged, DigestMismatch, PreconditionFailed
from nscr.oci.digest import Algorithm, Digest, algorithm_of, digest_of
from nscr.oci.manifests import Edge, EdgeKind
from nscr.oci.names import Reference, RepositoryName, Tag, is_digest_reference
from nscr.stores.base import BlobReader, Reading, StoredManifest, Stores
from nscr.stores.memory_upkeep import Leases, MemoryUpkeep
from nscr.stores.upkeep import Intent

Result = TypeVar("Result")


@dataclass
class Shelf:
    """Everything that a registry holds."""

    content: dict[str, bytes] = field(default_factory=dict)
    pending: dict[str, bytes] = field(default_factory=dict)
    blobs: dict[str, BlobFigures] = field(default_factory=dict)
    links: set[tuple[str, str]] = field(default_factory=set)
    manifests: dict[tuple[str, str], StoredManifest] = field(default_factory=dict)
    tags: dict[tuple[str, str], Digest] = field(default_factory=dict)
    pushed: dict[str, int] = field(default_factory=dict)
    put_at: dict[tuple[str, str], int] = field(default_factory=dict)
    leases: Leases = field(default_factory=Leases)
    intents: dict[str, Intent] = field(default_factory=dict)
    damaged: set[Digest] = field(default_factory=set)
    sessions: dict[str, SessionFigures] = field(default_factory=dict)
    generation: int = 0

    def contents(self) -> Contents:
        return Contents(
            blobs={digest: blob.size for digest, blob in self.blobs.items()},
            links=frozenset(self.links),
            manifests={key: manifest.edges for key, manifest in self.manifests.items()},
            leased=frozenset(digest for _, digest in self.leases.granted),
        )

    def tags_of(self, repository: str) -> Mapping[str, Digest]:
        return {name: digest for (holder, name), digest in sorted(self.tags.items()) if holder == repository}

    def remove_manifest(self, repository: RepositoryName, digest: Digest) -> bool:
        """Remove a manifest, its tags, and a repository that has no other; False if there is none."""
        if self.manifests.pop((repository, digest), None) is None:
            return False
        del self.put_at[repository, digest]
        self.leases.end(repository, digest)
        for name in [name for name, held in self.tags_of(repository).items() if held == digest]:
            del self.tags[repository, name]
        if not any(holder == repository for holder, _ in self.manifests):
            del self.pushed[repository]
        return True


def memory_stores(shelf: Shelf | None = None) -> Stores:
    """Stores over one shelf; the same shelf again is what a restart finds."""
    held = shelf or Shelf()
    return Stores(
        MemoryContent(held),
        MemoryBlobs(held),
        MemoryManifests(held),
        MemoryUploads(held),
        MemoryCensus(held),
        MemoryUpkeep(held),
    )


class MemoryReader:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self.size = len(data)

    async def read(self, start: int, length: int) -> bytes:
        return self._data[start : start + length]

    async def aclose(self) -> None:
        """Nothing is held open."""


class MemoryContent:
    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf

    def start(self, upload: str, algorithm: Algorithm = Algorithm.SHA256) -> None:
        """An upload that holds nothing leaves no trace."""

    async def offset(self, upload: str) -> int:
        return len(self._shelf.pending.get(upload, b""))

    async def append(self, upload: str, data: bytes, at: int) -> None:
        self._shelf.pending[upload] = self._shelf.pending.get(upload, b"")[:at] + data

    async def sync(self, upload: str) -> None:
        self._shelf.pending.setdefault(upload, b"")

    async def truncate(self, upload: str, offset: int) -> None:
        if upload in self._shelf.pending:
            self._shelf.pending[upload] = self._shelf.pending[upload][:offset]

    async def seal(self, upload: str, digest: Digest) -> int:
        data = self._shelf.pending.setdefault(upload, b"")
        actual = digest_of(data, algorithm_of(digest))
        if actual != digest:
            raise DigestMismatch(digest, actual)
        return len(data)

    async def publish(self, upload: str, digest: Digest) -> None:
        self._shelf.content[digest] = self._shelf.pending.pop(upload)

    async def withdraw(self, digest: Digest, upload: str) -> None:
        self._shelf.pending[upload] = self._shelf.content.pop(digest)

    async def adopt(self, digest: Digest) -> int | None:
        return len(self._shelf.content[digest]) if digest in self._shelf.content else None

    async def remove(self, digest: Digest) -> int:
        return len(self._shelf.content.pop(digest, b""))

    async def quarantine(self, digest: Digest) -> None:
        self._shelf.content.pop(digest, None)

    async def discard(self, upload: str) -> None:
        self._shelf.pending.pop(upload, None)

    async def uploads(self) -> Sequence[str]:
        return sorted(self._shelf.pending)

    async def check(self, digest: Digest, size: int) -> None:
        if digest not in self._shelf.content:
            raise ContentDamaged(digest, "its file is missing")
        data = self._shelf.content[digest]
        if len(data) != size:
            raise ContentDamaged(digest, f"its file holds {len(data)} bytes, not {size}")
        if (actual := digest_of(data, algorithm_of(digest))) != digest:
            raise ContentDamaged(digest, f"its bytes hash to {actual}")

    async def scrub(self, digest: Digest, size: int) -> None:
        await self.check(digest, size)

    async def open(self, digest: Digest, size: int) -> BlobReader:
        await self.check(digest, size)
        return MemoryReader(self._shelf.content[digest])

    async def free_bytes(self) -> int:
        return 1 << 40


class MemoryBlobs:
    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf

    async def add_blob(
        self, repository: RepositoryName, digest: Digest, size: int, now: int, *, closes: str | None
    ) -> None:
        self._shelf.blobs.setdefault(digest, BlobFigures(digest, size, now))
        self._shelf.links.add((repository, digest))
        self._shelf.leases.grant(repository, digest, now)
        if closes is not None:
            self._shelf.sessions.pop(closes, None)
        self._shelf.intents.pop(digest, None)
        self._shelf.damaged.discard(digest)
        self._shelf.generation += 1

    async def mount_blob(
        self, digest: Digest, *, source: RepositoryName | None, target: RepositoryName, now: int
    ) -> bool:
        if not any(held == digest and source in {None, holder} for holder, held in self._shelf.links):
            return False
        self._shelf.links.add((target, digest))
        self._shelf.leases.grant(target, digest, now)
        self._shelf.generation += 1
        return True

    async def blob_size(self, repository: RepositoryName, digest: Digest) -> int | None:
        return self._shelf.blobs[digest].size if (repository, digest) in self._shelf.links else None

    async def remove_blob(self, repository: RepositoryName, digest: Digest) -> bool:
        is_held = (repository, digest) in self._shelf.links
        self._shelf.links.discard((repository, digest))
        self._shelf.leases.end(repository, digest)
        self._shelf.generation += is_held
        return is_held


@dataclass(frozen=True, slots=True)
class _View:
    """One repository, as a decision sees it."""

    shelf: Shelf
    repository: RepositoryName

    def has_blob(self, digest: Digest) -> bool:
        return (self.repository, digest) in self.shelf.links

    def has_manifest(self, digest: Digest) -> bool:
        return (self.repository, digest) in self.shelf.manifests

    def tagged(self, tag: Tag) -> Digest | None:
        return self.shelf.tags.get((self.repository, tag))


class MemoryManifests:
    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf

    async def put_manifest(
        self, repository: RepositoryName, manifest: StoredManifest, terms: PutTerms, now: int
    ) -> None:
        view = _View(self._shelf, repository)
        edges = admit_manifest(repository, manifest.digest, manifest.edges, terms, view)
        is_new = (repository, manifest.digest) not in self._shelf.manifests
        self._shelf.manifests[repository, manifest.digest] = replace(manifest, edges=edges)
        self._shelf.put_at[repository, manifest.digest] = now
        self._fill_sparse(repository, manifest.digest)
        self._shelf.leases.settle(repository, manifest, is_new=is_new, spared=terms.spared)
        if not terms.tags:
            self._shelf.leases.grant(repository, manifest.digest, now)
        for tag in terms.tags:
            self._shelf.tags[repository, tag] = manifest.digest
            self._shelf.leases.end(repository, manifest.digest)
        self._shelf.pushed[repository] = now
        self._shelf.generation += 1

    def _fill_sparse(self, repository: RepositoryName, child: Digest) -> None:
        filled = {EdgeKind.SPARSE: EdgeKind.CHILD}
        for key, manifest in self._shelf.manifests.items():
            if key[0] == repository and any(edge.digest == child for edge in manifest.edges):
                edges = (
                    replace(edge, kind=filled.get(edge.kind, edge.kind)) if edge.digest == child else edge
                    for edge in manifest.edges
                )
                self._shelf.manifests[key] = replace(manifest, edges=tuple(edges))

    async def manifest(self, repository: RepositoryName, reference: Reference) -> StoredManifest | None:
        digest = reference if is_digest_reference(reference) else self._shelf.tags.get((repository, reference))
        return None if digest is None else self._shelf.manifests.get((repository, digest))

    async def referrers(
        self, repository: RepositoryName, subject: Digest, *, last: str, artifact_type: str | None, most_bytes: int
    ) -> ReferrersPage:
        found = (
            describe_referrer(manifest.digest, manifest.media_type, manifest.content)
            for (holder, digest), manifest in sorted(self._shelf.manifests.items(), key=lambda entry: entry[0])
            if holder == repository and digest > last and any(_refers(edge, subject) for edge in manifest.edges)
        )
        return collect_page(found, artifact_type, most_bytes)

    async def delete_manifest(
        self, repository: RepositoryName, digest: Digest, preconditions: Preconditions = UNCONDITIONAL
    ) -> bool:
        if (repository, digest) not in self._shelf.manifests:
            return False
        if not preconditions.admit(digest):
            raise PreconditionFailed(repository, digest)
        self._shelf.generation += 1
        return self._shelf.remove_manifest(repository, digest)

    async def delete_tag(
        self, repository: RepositoryName, tag: Tag, preconditions: Preconditions = UNCONDITIONAL
    ) -> bool:
        held = self._shelf.tags.get((repository, tag))
        if held is None:
            return False
        if not preconditions.admit(held):
            raise PreconditionFailed(repository, tag)
        del self._shelf.tags[repository, tag]
        self._shelf.generation += 1
        return True

    async def delete_repository(self, repository: RepositoryName) -> int | None:
        if repository not in self._shelf.pushed:
            return None
        held = [key for key in self._shelf.manifests if key[0] == repository]
        for key in held:
            del self._shelf.manifests[key], self._shelf.put_at[key]
        for key in [key for key in self._shelf.leases.granted if key[0] == repository]:
            self._shelf.leases.end(*key)
        self._shelf.tags = {key: digest for key, digest in self._shelf.tags.items() if key[0] != repository}
        self._shelf.links = {key for key in self._shelf.links if key[0] != repository}
        del self._shelf.pushed[repository]
        self._shelf.generation += 1
        return len(held)

    async def tags(self, repository: RepositoryName, last: str, limit: int | None) -> list[str] | None:
        if repository not in self._shelf.pushed:
            return None
        return [name for name in self._shelf.tags_of(repository) if name > last][:limit]

    async def repositories(self, last: str, limit: int | None) -> list[str]:
        return [name for name in sorted(self._shelf.pushed) if name > last][:limit]


def _refers(edge: Edge, subject: Digest) -> bool:
    return edge.kind is EdgeKind.SUBJECT and edge.digest == subject


class MemoryUploads:
    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf

    async def open_upload(self, session: SessionFigures) -> None:
        self._shelf.sessions[session.id] = session
        self._shelf.generation += 1

    async def touch_upload(self, upload: str, now: int) -> None:
        if (session := self._shelf.sessions.get(upload)) is not None:
            self._shelf.sessions[upload] = replace(session, last_activity=now, chunks=session.chunks + 1)
            self._shelf.generation += 1

    async def keep_upload(self, upload: str, now: int) -> None:
        if (session := self._shelf.sessions.get(upload)) is not None:
            self._shelf.sessions[upload] = replace(session, last_activity=now)
            self._shelf.generation += 1

    async def close_upload(self, upload: str) -> None:
        self._shelf.generation += self._shelf.sessions.pop(upload, None) is not None


class MemoryCensus:
    """`Census` that counts anew each time: the reference for what other stores keep."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf

    @property
    def generation(self) -> int:
        return self._shelf.generation

    async def read(self, consume: Callable[[Reading], Result]) -> Result:
        return consume(MemoryReading(self._shelf))

    async def probe(self, token: str) -> bool:
        return True


class MemoryReading:
    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf

    def figures(self) -> Figures:
        contents = self._shelf.contents()
        return Figures(
            self._shelf.generation,
            recount(contents),
            measure_storage(contents),
            open_sessions=len(self._shelf.sessions),
        )

    def recount(self) -> Figures:
        return self.figures()

    def repositories(self) -> Iterator[RepositoryFigures]:
        for name, pushed in sorted(self._shelf.pushed.items(), key=lambda entry: (-entry[1], entry[0])):
            yield RepositoryFigures(name, tuple(self._shelf.tags_of(name)), pushed)

    def has_repository(self, repository: RepositoryName) -> bool:
        return repository in self._shelf.pushed

    def repository_tags(self, repository: RepositoryName) -> Iterator[TagFigures]:
        for name, digest in self._shelf.tags_of(repository).items():
            reached = self._reached(repository, digest)
            yield TagFigures(name, digest, sum(self._shelf.blobs[blob].size for blob in reached))

    def _reached(self, repository: str, digest: Digest) -> set[Digest]:
        """Blobs under a manifest; each child once, for indexes may share children many times over."""
        reached: set[Digest] = set()
        seen = {digest}
        waiting = [digest]
        while waiting:
            manifest = self._shelf.manifests.get((repository, waiting.pop()))
            for edge in manifest.edges if manifest else ():
                if edge.kind in BYTE_KINDS and (repository, edge.digest) in self._shelf.links:
                    reached.add(edge.digest)
                elif edge.kind is EdgeKind.CHILD and edge.digest not in seen:
                    seen.add(edge.digest)
                    waiting.append(edge.digest)
        return reached

    def blobs(self, after: str, limit: int | None) -> Iterator[BlobFigures]:
        yield from [blob for digest, blob in sorted(self._shelf.blobs.items()) if digest > after][:limit]

    def most_referenced(self, limit: int) -> Iterator[BlobReferences]:
        counted = count_references(self._shelf.contents())
        for digest, count in sorted(counted.items(), key=lambda entry: (-entry[1], entry[0]))[:limit]:
            yield BlobReferences(digest, count, self._shelf.blobs[digest].size)

    def sessions(self) -> Iterator[SessionFigures]:
        yield from sorted(self._shelf.sessions.values(), key=lambda session: (session.started, session.id))
