"""What has to be in a registry before the requests of a few operations mean there what they meant in the run. Pure.

A manifest is taken only over its blobs and children, and only what is there can be read; those pushes prove nothing,
and so a finding does not name them. Laid is only what the history acknowledged before: the ground must not hide a bug
that consists in something not being there.
"""

from collections.abc import Iterable, Iterator, Sequence

import msgspec

from nscr_cli.history.history import Operation
from nscr_cli.history.keys import digest_of, repository_of, tag_key, tag_of
from nscr_cli.history.ops import Asked, F, Kind

_WRITES = (F.PUSH_BLOB, F.MOUNT_BLOB, F.PUT_MANIFEST)
_MOST_LISTED = 20


class Ground(msgspec.Struct, frozen=True):
    """A blob, or a manifest if `manifest` says what was asked when it was put, that has to be in a repository.

    Attributes:
        tag: under which the manifest is to be found; None for its digest alone.
    """

    repository: str
    digest: str
    manifest: Asked | None = None
    tag: str | None = None


class Groundwork:
    """Knows what a history acknowledged.

    Args:
        operations: of the history, in order; those that write what is to be laid are enough.
        is_whole: the journal was not cut; if it was, what an accepted manifest refers to is taken to have been there.
    """

    def __init__(self, operations: Iterable[Operation], *, is_whole: bool) -> None:
        self._is_whole = is_whole
        self._since: dict[tuple[str, str], int] = {}
        self._manifests: dict[str, Asked] = {}
        self._tags: dict[str, list[Operation]] = {}
        for one in operations:
            digest = one.asked.digest
            if one.f in _WRITES and one.kind is Kind.OK and digest is not None and not one.asked.wrong_bytes:
                self._since.setdefault((repository_of(one.key), digest), one.end_ns)
                if one.f is F.PUT_MANIFEST:
                    self._manifests.setdefault(digest, one.asked)
                    if tag_of(one.key) is not None:
                        self._tags.setdefault(one.key, []).append(one)

    def of(self, operations: Sequence[Operation]) -> tuple[Ground, ...]:
        """What these operations need, in an order in which it can be pushed."""
        ground: dict[Ground, None] = {}
        there: set[tuple[str, str]] = set()
        for one in operations:
            for need in self._needs(one):
                if (need.repository, need.tag or need.digest) not in there:
                    ground[need] = None
            if one.f in _WRITES and one.asked.digest is not None:
                there |= {(repository_of(one.key), name) for name in (one.asked.digest, tag_of(one.key)) if name}
        return tuple(ground)

    def _needs(self, one: Operation) -> Iterator[Ground]:
        repository, digest = repository_of(one.key), digest_of(one.key)
        if one.f is F.PUT_MANIFEST:
            yield from self._under(repository, one.asked, one)
        elif one.f in (F.LIST_TAGS, F.LIST_PAGE):
            yield from self._listed(one)
        elif one.f is F.MOUNT_BLOB and one.asked.source is not None and digest is not None:
            if self._was_there(one.asked.source, digest, one):
                yield Ground(one.asked.source, digest)
        elif one.f in (F.GET_BLOB, F.HEAD_BLOB) and digest is not None and self._was_there(repository, digest, one):
            yield Ground(repository, digest)
        elif one.f in (F.GET_MANIFEST, F.HEAD_MANIFEST) and digest is not None:
            manifest = self._manifests.get(digest)
            if manifest is not None and self._was_there(repository, digest, one):
                yield from self._under(repository, manifest, one)
                yield Ground(repository, digest, manifest)

    def _listed(self, listing: Operation) -> Iterator[Ground]:
        """The tags that a list named, each as it was put when the list began."""
        repository = repository_of(listing.key)
        for tag in (listing.answered.tags or ())[:_MOST_LISTED]:
            puts = [put for put in self._tags.get(tag_key(repository, tag), ()) if put.end_ns < listing.start_ns]
            if puts:
                yield from self._under(repository, puts[-1].asked, puts[-1])
                yield Ground(repository, puts[-1].asked.digest or "", puts[-1].asked, tag)

    def _under(self, repository: str, manifest: Asked, one: Operation) -> Iterator[Ground]:
        for reference in manifest.references:
            assumed = not self._is_whole and one.kind is Kind.OK
            if not assumed and not self._was_there(repository, reference.digest, one):
                continue
            if not reference.is_manifest:
                yield Ground(repository, reference.digest)
            elif reference.digest in self._manifests:
                child = self._manifests[reference.digest]
                yield from self._under(repository, child, one)
                yield Ground(repository, reference.digest, child)

    def _was_there(self, repository: str, digest: str, one: Operation) -> bool:
        since = self._since.get((repository, digest))
        return since is not None and since < one.start_ns
