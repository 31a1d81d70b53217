"""One lock for the manifests of all repositories, and now and then somebody keeps it. By count, so it repeats."""

from collections.abc import Awaitable, Callable

import anyio

from nscr.core.admission import PutTerms
from nscr.core.preconditions import UNCONDITIONAL, Preconditions
from nscr.core.referrers import ReferrersPage
from nscr.oci.digest import Digest
from nscr.oci.names import Reference, RepositoryName, Tag
from nscr.stores.base import ManifestIndex, StoredManifest

EVERY = 40
KEPT_SECONDS = 20.0


class OneLock:
    """A `ManifestIndex` of which one method runs at a time, and every fortieth write takes very long.

    Args:
        keep: what such a write waits for while it holds the lock.
    """

    def __init__(
        self, manifests: ManifestIndex, keep: Callable[[], Awaitable[None]] = lambda: anyio.sleep(KEPT_SECONDS)
    ) -> None:
        self._manifests = manifests
        self._keep = keep
        self._lock = anyio.Lock()
        self._writes = 0

    async def put_manifest(
        self, repository: RepositoryName, manifest: StoredManifest, terms: PutTerms, now: int
    ) -> None:
        async with self._lock:
            self._writes += 1
            if self._writes % EVERY == 0:
                await self._keep()
            await self._manifests.put_manifest(repository, manifest, terms, now)

    async def manifest(self, repository: RepositoryName, reference: Reference) -> StoredManifest | None:
        async with self._lock:
            return await self._manifests.manifest(repository, reference)

    async def referrers(
        self, repository: RepositoryName, subject: Digest, *, last: str, artifact_type: str | None, most_bytes: int
    ) -> ReferrersPage:
        async with self._lock:
            return await self._manifests.referrers(
                repository, subject, last=last, artifact_type=artifact_type, most_bytes=most_bytes
            )

    async def delete_manifest(
        self, repository: RepositoryName, digest: Digest, preconditions: Preconditions = UNCONDITIONAL
    ) -> bool:
        async with self._lock:
            return await self._manifests.delete_manifest(repository, digest, preconditions)

    async def delete_tag(
        self, repository: RepositoryName, tag: Tag, preconditions: Preconditions = UNCONDITIONAL
    ) -> bool:
        async with self._lock:
            return await self._manifests.delete_tag(repository, tag, preconditions)

    async def delete_repository(self, repository: RepositoryName) -> int | None:
        async with self._lock:
            return await self._manifests.delete_repository(repository)

    async def tags(self, repository: RepositoryName, last: str, limit: int | None) -> list[str] | None:
        async with self._lock:
            return await self._manifests.tags(repository, last, limit)

    async def repositories(self, last: str, limit: int | None) -> list[str]:
        async with self._lock:
            return await self._manifests.repositories(last, limit)
