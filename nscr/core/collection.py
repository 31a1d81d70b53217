"""Which manifests a collection of untagged ones may take: mark what is needed, take the rest.

Needed is what has a tag, a lease, or is young; every child of what is needed; and every referrer of what is needed.
Marking visits each manifest once, so cycles and shared children end. An index that is taken frees its children and a
subject its referrers in the same collection; these stand after it in the plan, for the store checks each again, in
this order, when it removes it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from nscr.oci.digest import Digest
from nscr.oci.manifests import Edge, EdgeKind


@dataclass(frozen=True, slots=True)
class ManifestFacts:
    """What the planner knows of a manifest.

    Attributes:
        pushed: when it was last put, in milliseconds since the epoch.
        is_held: by a tag or a lease.
    """

    digest: Digest
    pushed: int
    is_held: bool
    edges: tuple[Edge, ...]


def plan_untagged(manifests: Sequence[ManifestFacts], *, before: int) -> list[Digest]:
    """Manifests of one repository that nothing needs and that were put earlier than `before`."""
    known: dict[str, ManifestFacts] = {manifest.digest: manifest for manifest in manifests}
    referrers: dict[str, list[str]] = {}
    for manifest in manifests:
        for edge in manifest.edges:
            if edge.kind is EdgeKind.SUBJECT:
                referrers.setdefault(edge.digest, []).append(manifest.digest)

    def wanted_by(digest: str) -> list[str]:
        children = [edge.digest for edge in known[digest].edges if edge.kind is EdgeKind.CHILD]
        return [other for other in (*children, *referrers.get(digest, ())) if other in known]

    roots = [manifest.digest for manifest in manifests if manifest.is_held or manifest.pushed >= before]
    marked = set(_owners_first(roots, wanted_by))
    return [Digest(digest) for digest in _owners_first(sorted(known), wanted_by) if digest not in marked]


def _owners_first(roots: Sequence[str], wanted_by: Callable[[str], Sequence[str]]) -> list[str]:
    """All that can be reached, each once, and before what it reaches (a depth-first post-order, reversed)."""
    visited: set[str] = set()
    left: list[str] = []
    waiting = [(root, False) for root in roots]
    while waiting:
        digest, is_done = waiting.pop()
        if is_done:
            left.append(digest)
        elif digest not in visited:
            visited.add(digest)
            waiting.append((digest, True))
            waiting.extend((other, False) for other in wanted_by(digest))
    return left[::-1]
