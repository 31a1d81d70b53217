"""Health checks that are really made.

The checks are those of the monitoring API: repositories can be listed, the counters can be read, and a synced write to
the database reads back. The last costs a sync, so all callers share one a second. While no change is committed they
share the checks as well: figures and warnings are always of now.
Degraded is a registry that serves and needs a person; unhealthy is one whose check failed.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum

import anyio

from nscr.background import Collector
from nscr.core.figures import Figures
from nscr.errors import StoreFault
from nscr.registry import Registry

PROBE_INTERVAL = 1.0
LOW_DISK_BYTES = 256 * 1024 * 1024


class Status(StrEnum):
    HEALTHY = "healthy"
    DEGRADED = "degraded"
    UNHEALTHY = "unhealthy"


@dataclass(frozen=True, slots=True)
class Health:
    """One round of checks.

    Attributes:
        failures: why each failed check failed.
        figures: what the registry holds, where it could be read.
    """

    checks: dict[str, bool]
    warnings: tuple[str, ...]
    failures: tuple[str, ...]
    figures: Figures | None

    @property
    def status(self) -> Status:
        if self.failures:
            return Status.UNHEALTHY
        return Status.DEGRADED if self.warnings else Status.HEALTHY


class HealthChecks:
    """Makes the checks on request; safe for any number of concurrent callers."""

    def __init__(self, registry: Registry, collector: Collector, *, monotonic: Callable[[], float]) -> None:
        self._registry = registry
        self._collector = collector
        self._monotonic = monotonic
        self._checking = anyio.Lock()
        self._last: tuple[int, float, Health] | None = None
        self._probed: tuple[float, str | None] | None = None

    async def check(self) -> Health:
        async with self._checking:
            generation, now = self._registry.census.generation, self._monotonic()
            if self._last is None or self._last[0] != generation or now - self._last[1] >= PROBE_INTERVAL:
                self._last = (generation, now, await self._check())
            return replace(self._last[2], warnings=tuple(await self._warnings()))

    async def _check(self) -> Health:
        figures: Figures | None = None
        failures: dict[str, str] = {}
        try:
            await self._registry.repositories("", 1)
        except StoreFault as fault:
            failures["repositoryListing"] = str(fault)
        try:
            figures = await self._registry.census.read(lambda reading: reading.figures())
        except StoreFault as fault:
            failures["statisticsAccess"] = str(fault)
        if (reason := await self._shared_probe()) is not None:
            failures["databaseConnectivity"] = reason
        return Health(
            checks={
                name: name not in failures for name in ("repositoryListing", "statisticsAccess", "databaseConnectivity")
            },
            warnings=(),
            failures=tuple(f"{name}: {reason}" for name, reason in failures.items()),
            figures=figures,
        )

    async def _shared_probe(self) -> str | None:
        """Why the last probe failed, None where it did not; makes a new one when the last is a second old."""
        if self._probed is None or self._monotonic() - self._probed[0] >= PROBE_INTERVAL:
            self._probed = (self._monotonic(), await self._probe())
        return self._probed[1]

    async def _probe(self) -> str | None:
        try:
            reads_back = await self._registry.census.probe(os.urandom(8).hex())
        except StoreFault as fault:
            return str(fault)
        return None if reads_back else "what was written does not read back"

    async def _warnings(self) -> list[str]:
        found: list[str] = []
        if self._registry.damaged:
            found.append(f"damaged content: {len(self._registry.damaged)} blobs must be pushed again")
        if not self._registry.are_figures_right:
            found.append("the figures that are kept are not those that the last scrub counted")
        if (error := self._collector.statistics().last_error) is not None:
            found.append(f"the last collection failed: {error}")
        try:
            free = await self._registry.content.free_bytes()
        except StoreFault as fault:
            return [*found, f"the disk cannot be measured: {fault}"]
        if free < LOW_DISK_BYTES:
            found.append(f"disk nearly full: {free} bytes left")
        return found
