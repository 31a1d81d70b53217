"""What the monitoring figures mean, as values and as one recount that defines them.

A blob is committed once its bytes and its row are durable, and counts once however many repositories hold it. It
stays committed after the last repository let go of it: its bytes are still there, so it counts in `total_blobs`, as
unreferenced, until a collection frees them; what a push in progress counts on has a lease and does not count as such.
A blob is referenced where some manifest names it in a repository that holds it; deleting a blob from a repository
therefore ends the reference as well, and orphans the manifest. A repository exists while it has a manifest.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from nscr.core.admission import BYTE_KINDS, missing_references
from nscr.oci.manifests import Edge, EdgeKind


@dataclass(frozen=True, slots=True)
class Summary:
    total_repositories: int
    total_manifests: int
    total_blobs: int
    unreferenced_blobs: int
    orphaned_manifests: int
    estimated_space_to_free: int
    sparse_manifests: int = 0
    """Indexes that were allowed to come without children and still lack some."""


@dataclass(frozen=True, slots=True)
class Storage:
    """Bytes as repositories see them (`total`: a blob once for each that holds it) and as the disk does (`unique`)."""

    total_bytes: int
    unique_bytes: int
    unique_blobs: int
    references: int
    """How often manifests name a blob that their repository holds."""

    @property
    def space_savings(self) -> int:
        return self.total_bytes - self.unique_bytes

    @property
    def deduplication_ratio(self) -> float:
        return round(self.total_bytes / self.unique_bytes, 4) if self.unique_bytes else 1.0

    @property
    def space_savings_percent(self) -> float:
        return round(100 * self.space_savings / self.total_bytes, 2) if self.total_bytes else 0.0

    @property
    def average_references(self) -> float:
        return round(self.references / self.unique_blobs, 4) if self.unique_blobs else 0.0


@dataclass(frozen=True, slots=True)
class RepositoryFigures:
    name: str
    tags: tuple[str, ...]
    last_pushed: int


@dataclass(frozen=True, slots=True)
class SessionFigures:
    id: str
    repository: str
    started: int
    last_activity: int
    chunks: int


@dataclass(frozen=True, slots=True)
class TagFigures:
    """One tag of a repository; `size` sums the distinct blobs that it reaches, through indexes as well."""

    name: str
    digest: str
    size: int


@dataclass(frozen=True, slots=True)
class BlobFigures:
    digest: str
    size: int
    created: int


@dataclass(frozen=True, slots=True)
class BlobReferences:
    digest: str
    count: int
    size: int


@dataclass(frozen=True, slots=True)
class Figures:
    """The numbers of one moment; reading them costs the same however much the registry holds."""

    generation: int
    summary: Summary
    storage: Storage
    open_sessions: int


@dataclass(frozen=True, slots=True)
class Contents:
    """All that a registry holds, for a recount.

    Blob sizes, links (repository, digest), manifests and their edges, digests of what is leased.
    """

    blobs: Mapping[str, int] = field(default_factory=dict)
    links: frozenset[tuple[str, str]] = frozenset()
    manifests: Mapping[tuple[str, str], Sequence[Edge]] = field(default_factory=dict)
    leased: frozenset[str] = frozenset()


def recount(contents: Contents) -> Summary:
    """The figures by their definition; every store's own arithmetic must agree with it."""
    referenced = count_references(contents)
    orphaned = sum(is_orphaned(contents, repository, edges) for (repository, _), edges in contents.manifests.items())
    unreferenced = [digest for digest in contents.blobs if digest not in referenced and digest not in contents.leased]
    return Summary(
        total_repositories=len({repository for repository, _ in contents.manifests}),
        total_manifests=len(contents.manifests),
        total_blobs=len(contents.blobs),
        unreferenced_blobs=len(unreferenced),
        orphaned_manifests=orphaned,
        estimated_space_to_free=sum(contents.blobs[digest] for digest in unreferenced),
        sparse_manifests=sum(
            any(edge.kind is EdgeKind.SPARSE for edge in edges) for edges in contents.manifests.values()
        ),
    )


def is_orphaned(contents: Contents, repository: str, edges: Sequence[Edge]) -> bool:
    """Whether a stored manifest lacks, in its repository, what admission would ask for."""
    return bool(
        missing_references(
            edges,
            lambda digest: (repository, digest) in contents.links,
            lambda digest: (repository, digest) in contents.manifests,
        )
    )


def measure_storage(contents: Contents) -> Storage:
    """A blob that no repository holds any more still fills its bytes once."""
    holders: dict[str, int] = {}
    for _, digest in contents.links:
        holders[digest] = holders.get(digest, 0) + 1
    return Storage(
        total_bytes=sum(size * max(1, holders.get(digest, 0)) for digest, size in contents.blobs.items()),
        unique_bytes=sum(contents.blobs.values()),
        unique_blobs=len(contents.blobs),
        references=sum(count_references(contents).values()),
    )


def count_references(contents: Contents) -> Mapping[str, int]:
    """Of each blob that is referenced: how often, over all repositories."""
    return Counter(
        edge.digest
        for (repository, _), edges in contents.manifests.items()
        for edge in edges
        if edge.kind in BYTE_KINDS and (repository, edge.digest) in contents.links and edge.digest in contents.blobs
    )
