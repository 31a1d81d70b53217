"""What the registry does by itself: collection, clean-up of stale uploads, end of leases, scrubbing.

Each is one loop that can be cancelled at any moment, and a `statistics()` that says what was done. A round that fails
is noted and the next one comes all the same. Order and safety of what is removed are the registry's matter.
"""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import anyio

from nscr.core.collection import plan_untagged
from nscr.errors import StoreFault
from nscr.oci.digest import Digest
from nscr.oci.names import RepositoryName
from nscr.registry import Collected, Registry

BATCH = 100
"""Blobs a transaction: pushes wait for one at most."""

LEASE_CHECK_SECONDS = 30.0

logger = logging.getLogger("nscr.background")


@dataclass(frozen=True, slots=True)
class CollectionStatistics:
    """Attributes:
    last_run: milliseconds since the epoch, None before the first.
    last_error: why the last run did not do all of its work, None if it did.
    """

    runs: int = 0
    last_run: int | None = None
    last_error: str | None = None
    blobs_removed: int = 0
    space_freed: int = 0
    manifests_removed: int = 0


class Collector:
    """Collects on demand; one run at a time, others wait for their turn."""

    def __init__(self, registry: Registry, *, now: Callable[[], int]) -> None:
        self._registry = registry
        self._now = now
        self._turn = anyio.Lock()
        self._statistics = CollectionStatistics()

    def statistics(self) -> CollectionStatistics:
        """What was done since the start."""
        return self._statistics

    async def collect(self, *, dry_run: bool = False, untagged_before: int | None = None) -> Collected:
        """Remove what nothing needs.

        Args:
            dry_run: only say what would be removed.
            untagged_before: remove manifests without a tag as well, if they were put before this time.

        Raises:
            StoreFault: the run was broken off; what it had removed stays removed.
        """
        async with self._turn:
            done = Collected()
            try:
                if untagged_before is not None:
                    await self._collect_manifests(done, untagged_before, dry_run=dry_run)
                await self._collect_blobs(done, dry_run=dry_run)
            except StoreFault as fault:
                self._note(done, str(fault))
                raise
            if not dry_run:
                self._note(done, "; ".join(done.failures) or None)
            return done

    async def _collect_blobs(self, done: Collected, *, dry_run: bool) -> None:
        last = ""
        while batch := await self._registry.upkeep.unreferenced(last, BATCH):
            last = batch[-1].digest
            if dry_run:
                done.blobs_removed += len(batch)
                done.space_freed += sum(blob.size for blob in batch)
                continue
            part = await self._registry.collect_blobs([Digest(blob.digest) for blob in batch])
            done.blobs_removed += part.blobs_removed
            done.space_freed += part.space_freed
            done.failures += part.failures

    async def _collect_manifests(self, done: Collected, before: int, *, dry_run: bool) -> None:
        for name in await self._registry.repositories("", None):
            repository = RepositoryName(name)
            planned = plan_untagged(await self._registry.upkeep.manifests(repository), before=before)
            for start in range(0, len(planned), BATCH):
                batch = planned[start : start + BATCH]
                if dry_run:
                    done.manifests_removed += len(batch)
                else:
                    done.manifests_removed += await self._registry.collect_manifests(repository, batch, before)

    def _note(self, done: Collected, error: str | None) -> None:
        before = self._statistics
        if error is not None:
            logger.error("collection: %s", error)
        self._statistics = CollectionStatistics(
            runs=before.runs + 1,
            last_run=self._now(),
            last_error=error,
            blobs_removed=before.blobs_removed + done.blobs_removed,
            space_freed=before.space_freed + done.space_freed,
            manifests_removed=before.manifests_removed + done.manifests_removed,
        )


@dataclass(frozen=True, slots=True)
class UpkeepStatistics:
    uploads_removed: int = 0
    leases_ended: int = 0
    blobs_scrubbed: int = 0
    blobs_damaged: int = 0


class Housekeeper:
    """The rounds of clean-up, leases and scrubbing."""

    def __init__(
        self, registry: Registry, *, now: Callable[[], int], lease_milliseconds: int, stale_milliseconds: int
    ) -> None:
        self._registry = registry
        self._now = now
        self._lease = lease_milliseconds
        self._stale = stale_milliseconds
        self._statistics = UpkeepStatistics()

    def statistics(self) -> UpkeepStatistics:
        """What was done since the start."""
        return self._statistics

    def _count(self, *, uploads: int = 0, leases: int = 0, scrubbed: int = 0, damaged: int = 0) -> None:
        before = self._statistics
        self._statistics = UpkeepStatistics(
            before.uploads_removed + uploads,
            before.leases_ended + leases,
            before.blobs_scrubbed + scrubbed,
            before.blobs_damaged + damaged,
        )

    async def reap_uploads(self) -> None:
        """Remove uploads that were idle too long."""
        self._count(uploads=await self._registry.reap_uploads(self._now() - self._stale))

    async def end_leases(self) -> None:
        """End the leases of pushes that never came to their manifest."""
        await self._registry.keep_sessions()
        self._count(leases=await self._registry.upkeep.expire_leases(self._now() - self._lease))

    async def scrub(self) -> None:
        """Count the figures anew, and read every committed blob once; a damaged one is taken out of service."""
        await self._registry.check_figures()
        last = ""
        while batch := await self._registry.committed_blobs(last, BATCH):
            last = batch[-1].digest
            for blob in batch:
                is_whole = await self._registry.scrub_blob(Digest(blob.digest), blob.size)
                self._count(scrubbed=1, damaged=not is_whole)


async def repeat(name: str, seconds: float, work: Callable[[], Awaitable[object]]) -> None:
    """Do something again and again, `seconds` after it ended, until cancelled."""
    while True:
        await anyio.sleep(seconds)
        try:
            await work()
        except StoreFault as fault:
            logger.error("%s: %s", name, fault)
