"""Skip a tag between two pages: some that begin after a tag lack the first that follows. By count, so it repeats."""

from nscr.core.admission import PutTerms
from nscr.core.preconditions import UNCONDITIONAL, Preconditions
from nscr.core.referrers import ReferrersPage
from nscr.oci.digest import Digest
from nscr.oci.names import Reference, RepositoryName, Tag
from nscr.stores.base import ManifestIndex, StoredManifest

EVERY = 10


class SkippedTag:
    """A `ManifestIndex` that leaves the first tag out of each tenth page that begins after one."""

    def __init__(self, manifests: ManifestIndex) -> None:
        self._manifests = manifests
        self._pages = 0

    async def put_manifest(
        self, repository: RepositoryName, manifest: StoredManifest, terms: PutTerms, now: int
    ) -> None:
        await self._manifests.put_manifest(repository, manifest, terms, now)

    async def manifest(self, repository: RepositoryName, reference: Reference) -> StoredManifest | None:
        return await self._manifests.manifest(repository, reference)

    async def referrers(
        self, repository: RepositoryName, subject: Digest, *, last: str, artifact_type: str | None, most_bytes: int
    ) -> ReferrersPage:
        return await self._manifests.referrers(
            repository, subject, last=last, artifact_type=artifact_type, most_bytes=most_bytes
        )

    async def delete_manifest(
        self, repository: RepositoryName, digest: Digest, preconditions: Preconditions = UNCONDITIONAL
    ) -> bool:
        return await self._manifests.delete_manifest(repository, digest, preconditions)

    async def delete_tag(
        self, repository: RepositoryName, tag: Tag, preconditions: Preconditions = UNCONDITIONAL
    ) -> bool:
        return await self._manifests.delete_tag(repository, tag, preconditions)

    async def delete_repository(self, repository: RepositoryName) -> int | None:
        return await self._manifests.delete_repository(repository)

    async def tags(self, repository: RepositoryName, last: str, limit: int | None) -> list[str] | None:
        self._pages += bool(last)
        if not last or self._pages % EVERY:
            return await self._manifests.tags(repository, last, limit)
        tags = await self._manifests.tags(repository, last, limit + 1 if limit is not None else None)
        return tags[1:] if tags is not None else None

    async def repositories(self, last: str, limit: int | None) -> list[str]:
        return await self._manifests.repositories(last, limit)
