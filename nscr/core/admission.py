"""Whether a manifest may enter a repository, and on what terms (spec.md "Pushing Manifests").

All it references must be there first. A missing subject is legal, for referrers may be pushed before what they refer
to; so is a missing non-distributable layer. Where sparse indexes are allowed, a missing child is kept as an edge of
its own kind, which it stays only until the child comes. The same rule, asked later, says whether a stored manifest is
orphaned.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from nscr.core.preconditions import UNCONDITIONAL, Preconditions
from nscr.errors import ManifestReferencesUnknown, PreconditionFailed
from nscr.oci.digest import Digest
from nscr.oci.manifests import Edge, EdgeKind
from nscr.oci.names import RepositoryName, Tag

REQUIRED_KINDS = (EdgeKind.BLOB, EdgeKind.CHILD)
"""The kinds whose target must be present in the manifest's repository."""

BYTE_KINDS = (EdgeKind.BLOB, EdgeKind.FOREIGN)
"""The kinds that keep a blob of the manifest's repository referenced."""


@dataclass(frozen=True, slots=True)
class PutTerms:
    """How a manifest is to be put.

    Attributes:
        tags: to be pointed at it, all of them in the same step.
        preconditions: on every one of `tags`; on the manifest itself where there is none.
        allow_sparse: whether an index may come without its children.
        spared: of what it references, the blobs whose leases are of other pushes (see nscr.core.claims).
    """

    tags: tuple[Tag, ...] = ()
    preconditions: Preconditions = UNCONDITIONAL
    allow_sparse: bool = False
    spared: frozenset[Digest] = frozenset()


class RepositoryView(Protocol):
    """What a repository holds at the moment of the decision."""

    def has_blob(self, digest: Digest) -> bool: ...

    def has_manifest(self, digest: Digest) -> bool: ...

    def tagged(self, tag: Tag) -> Digest | None: ...


def admit_manifest(
    repository: RepositoryName, digest: Digest, edges: Sequence[Edge], terms: PutTerms, view: RepositoryView
) -> tuple[Edge, ...]:
    """Decide on a push.

    Returns:
        The edges to keep.

    Raises:
        PreconditionFailed: a tag, or the manifest, is not what the client expects it to be.
        ManifestReferencesUnknown: the repository lacks what it references.
    """
    for tag in terms.tags:
        if not terms.preconditions.admit(view.tagged(tag)):
            raise PreconditionFailed(repository, tag)
    if not terms.tags and not terms.preconditions.admit(digest if view.has_manifest(digest) else None):
        raise PreconditionFailed(repository, digest)
    missing = set(missing_references(edges, view.has_blob, view.has_manifest))
    kept = tuple(
        replace(edge, kind=EdgeKind.SPARSE)
        if terms.allow_sparse and edge.kind is EdgeKind.CHILD and edge.digest in missing
        else edge
        for edge in edges
    )
    if lacking := missing_references(kept, view.has_blob, view.has_manifest):
        raise ManifestReferencesUnknown(repository, lacking)
    return kept


def missing_references(
    edges: Iterable[Edge], has_blob: Callable[[Digest], bool], has_manifest: Callable[[Digest], bool]
) -> list[Digest]:
    """Digests that the repository lacks, in the manifest's order."""
    lookup = {EdgeKind.BLOB: has_blob, EdgeKind.CHILD: has_manifest}
    return [edge.digest for edge in edges if edge.kind in lookup and not lookup[edge.kind](edge.digest)]
