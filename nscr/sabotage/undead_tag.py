"""Bring deleted tags back: what a deletion removed is put in again some calls later, unless it was written anew.

"Later" is counted in calls of this seam, so that it repeats and needs no clock.
"""

from collections import deque
from dataclasses import dataclass

from nscr.core.admission import PutTerms
from nscr.core.preconditions import UNCONDITIONAL, Preconditions
from nscr.errors import ClientFault
from nscr.oci.digest import Digest
from nscr.oci.names import Reference, RepositoryName, Tag
from nscr.stores.base import ManifestIndex, StoredManifest

AFTER_CALLS = 8


@dataclass(frozen=True, slots=True)
class _Grave:
    due: int
    repository: RepositoryName
    tag: Tag
    manifest: StoredManifest


class UndeadTag:
    """In front of a `ManifestIndex`: deleted tags rise again."""

    def __init__(self, manifests: ManifestIndex) -> None:
        self._manifests = manifests
        self._calls = 0
        self._graves: deque[_Grave] = deque()

    async def _count_call(self) -> None:
        self._calls += 1
        while self._graves and self._graves[0].due <= self._calls:
            grave = self._graves.popleft()
            if await self._manifests.manifest(grave.repository, grave.tag) is None:
                try:
                    await self._manifests.put_manifest(grave.repository, grave.manifest, PutTerms((grave.tag,)), 0)
                except ClientFault:
                    # Its blobs are gone as well: this one stays buried.
                    continue

    async def _bury(self, repository: RepositoryName, tag: Tag, manifest: StoredManifest) -> None:
        self._graves.append(_Grave(self._calls + AFTER_CALLS, repository, tag, manifest))

    async def delete_tag(
        self, repository: RepositoryName, tag: Tag, preconditions: Preconditions = UNCONDITIONAL
    ) -> bool:
        await self._count_call()
        manifest = await self._manifests.manifest(repository, tag)
        is_deleted = await self._manifests.delete_tag(repository, tag, preconditions)
        if is_deleted and manifest is not None:
            await self._bury(repository, tag, manifest)
        return is_deleted

    async def delete_manifest(
        self, repository: RepositoryName, digest: Digest, preconditions: Preconditions = UNCONDITIONAL
    ) -> bool:
        await self._count_call()
        manifest = await self._manifests.manifest(repository, digest)
        tags = await self._manifests.tags(repository, "", None) or []
        held = [Tag(tag) for tag in tags if await self._holds(repository, Tag(tag), digest)]
        is_deleted = await self._manifests.delete_manifest(repository, digest, preconditions)
        if is_deleted and manifest is not None:
            for tag in held:
                await self._bury(repository, tag, manifest)
        return is_deleted

    async def _holds(self, repository: RepositoryName, tag: Tag, digest: Digest) -> bool:
        manifest = await self._manifests.manifest(repository, tag)
        return manifest is not None and manifest.digest == digest

    async def put_manifest(
        self, repository: RepositoryName, manifest: StoredManifest, terms: PutTerms, now: int
    ) -> None:
        await self._count_call()
        await self._manifests.put_manifest(repository, manifest, terms, now)

    async def manifest(self, repository: RepositoryName, reference: Reference) -> StoredManifest | None:
        await self._count_call()
        return await self._manifests.manifest(repository, reference)

    async def tags(self, repository: RepositoryName, last: str, limit: int | None) -> list[str] | None:
        await self._count_call()
        return await self._manifests.tags(repository, last, limit)

    async def repositories(self, last: str, limit: int | None) -> list[str]:
        await self._count_call()
        return await self._manifests.repositories(last, limit)
