"""Show tag writes late: the first readers of a tag after a write of it are told what it held before. By count, so it
repeats and needs no clock."""

from dataclasses import dataclass

from nscr.core.admission import PutTerms
from nscr.core.preconditions import UNCONDITIONAL, Preconditions
from nscr.oci.names import Reference, RepositoryName, Tag
from nscr.stores.base import ManifestIndex, StoredManifest

EVERY = 5
LATE_READS = 2


@dataclass(slots=True)
class _Late:
    held: StoredManifest | None
    reads_left: int = LATE_READS


class LateTag:
    """In front of a `ManifestIndex`: each fifth write by tag is not seen by the next two reads of that tag."""

    def __init__(self, manifests: ManifestIndex) -> None:
        self._manifests = manifests
        self._tag_writes = 0
        self._late: dict[tuple[RepositoryName, Reference], _Late] = {}

    async def put_manifest(
        self, repository: RepositoryName, manifest: StoredManifest, terms: PutTerms, now: int
    ) -> None:
        self._tag_writes += bool(terms.tags)
        is_late = self._tag_writes % EVERY == 0
        held = {tag: await self._manifests.manifest(repository, tag) for tag in terms.tags if is_late}
        await self._manifests.put_manifest(repository, manifest, terms, now)
        for tag in terms.tags:
            self._late.pop((repository, tag), None)
        self._late.update({(repository, tag): _Late(before) for tag, before in held.items()})

    async def manifest(self, repository: RepositoryName, reference: Reference) -> StoredManifest | None:
        late = self._late.get((repository, reference))
        if late is None or not late.reads_left:
            return await self._manifests.manifest(repository, reference)
        late.reads_left -= 1
        return late.held

    async def delete_tag(
        self, repository: RepositoryName, tag: Tag, preconditions: Preconditions = UNCONDITIONAL
    ) -> bool:
        self._late.pop((repository, tag), None)
        return await self._manifests.delete_tag(repository, tag, preconditions)
