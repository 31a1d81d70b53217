"""Acknowledge a tag write and lose it: the manifest goes in, the tag does not move. By count, so it repeats."""

from nscr.oci.digest import Digest
from nscr.oci.names import Reference, RepositoryName, Tag
from nscr.stores.base import ManifestIndex, StoredManifest

EVERY = 20


class LostTag:
    """A `ManifestIndex` that drops the tag of each twentieth write by tag."""

    def __init__(self, manifests: ManifestIndex) -> None:
        self._manifests = manifests
        self._tag_writes = 0

    async def put_manifest(
        self, repository: RepositoryName, manifest: StoredManifest, tag: Tag | None, now: int
    ) -> None:
        self._tag_writes += tag is not None
        is_lost = tag is not None and self._tag_writes % EVERY == 0
        await self._manifests.put_manifest(repository, manifest, None if is_lost else tag, now)

    async def manifest(self, repository: RepositoryName, reference: Reference) -> StoredManifest | None:
        return await self._manifests.manifest(repository, reference)

    async def delete_manifest(self, repository: RepositoryName, digest: Digest) -> bool:
        return await self._manifests.delete_manifest(repository, digest)

    async def delete_tag(self, repository: RepositoryName, tag: Tag) -> bool:
        return await self._manifests.delete_tag(repository, tag)

    async def tags(self, repository: RepositoryName, last: str, limit: int | None) -> list[str] | None:
        return await self._manifests.tags(repository, last, limit)

    async def repositories(self, last: str, limit: int | None) -> list[str]:
        return await self._manifests.repositories(last, limit)
