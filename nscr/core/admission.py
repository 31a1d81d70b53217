"""Whether a manifest may enter a repository: all it references must be there first (spec.md "Pushing Manifests").

A missing subject is legal, for referrers may be pushed before what they refer to; so is a missing non-distributable
layer. The same rule, asked later, says whether a stored manifest is orphaned.
"""

from collections.abc import Callable, Iterable

from nscr.oci.digest import Digest
from nscr.oci.manifests import Edge, EdgeKind

REQUIRED_KINDS = (EdgeKind.BLOB, EdgeKind.CHILD)
"""The kinds whose target must be present in the manifest's repository."""

BYTE_KINDS = (EdgeKind.BLOB, EdgeKind.FOREIGN)
"""The kinds that keep a blob of the manifest's repository referenced."""


def missing_references(
    edges: Iterable[Edge], has_blob: Callable[[Digest], bool], has_manifest: Callable[[Digest], bool]
) -> list[Digest]:
    """Digests that the repository lacks, in the manifest's order."""
    lookup = {EdgeKind.BLOB: has_blob, EdgeKind.CHILD: has_manifest}
    return [edge.digest for edge in edges if edge.kind in lookup and not lookup[edge.kind](edge.digest)]
