"""Acknowledge a tag write and lose it: the manifest goes in, the tag does not move. By count, so it repeats."""

from dataclasses import replace

from nscr.core.admission import PutTerms
from nscr.oci.names import RepositoryName
from nscr.stores.base import ManifestIndex, StoredManifest

EVERY = 20


class LostTag:
    """In front of a `ManifestIndex`: drops the tag of each twentieth write by tag."""

    def __init__(self, manifests: ManifestIndex) -> None:
        self._manifests = manifests
        self._tag_writes = 0

    async def put_manifest(
        self, repository: RepositoryName, manifest: StoredManifest, terms: PutTerms, now: int
    ) -> None:
        self._tag_writes += bool(terms.tags)
        is_lost = terms.tags and self._tag_writes % EVERY == 0
        await self._manifests.put_manifest(repository, manifest, replace(terms, tags=()) if is_lost else terms, now)
