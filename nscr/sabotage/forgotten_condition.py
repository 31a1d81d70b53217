"""Forget the condition of a conditional tag write, and write: what is compared is not what is set. By count."""

from dataclasses import replace

from nscr.core.admission import PutTerms
from nscr.core.preconditions import UNCONDITIONAL, Preconditions
from nscr.core.referrers import ReferrersPage
from nscr.oci.digest import Digest
from nscr.oci.names import Reference, RepositoryName, Tag
from nscr.stores.base import ManifestIndex, StoredManifest

EVERY = 5


class ForgottenCondition:
    """A `ManifestIndex` that heeds no condition of each fifth conditional write."""

    def __init__(self, manifests: ManifestIndex) -> None:
        self._manifests = manifests
        self._conditional_writes = 0

    async def put_manifest(
        self, repository: RepositoryName, manifest: StoredManifest, terms: PutTerms, now: int
    ) -> None:
        self._conditional_writes += terms.preconditions != UNCONDITIONAL
        is_forgotten = terms.preconditions != UNCONDITIONAL and self._conditional_writes % EVERY == 0
        if is_forgotten:
            terms = replace(terms, preconditions=UNCONDITIONAL)
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
        return await self._manifests.tags(repository, last, limit)

    async def repositories(self, last: str, limit: int | None) -> list[str]:
        return await self._manifests.repositories(last, limit)
