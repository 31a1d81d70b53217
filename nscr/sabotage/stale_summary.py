"""Tell old totals while the registry is busy: as long as an upload is open, those of the last time that none was.

Once all is quiet they are right, so that only who looks under load sees it.
"""

from collections.abc import Callable
from typing import TypeVar

from nscr.core.figures import Figures
from nscr.sabotage.in_front import in_front_of
from nscr.stores.base import Census, Reading

Result = TypeVar("Result")


class _Kept:
    """The totals of the last time that nothing was going on."""

    def __init__(self) -> None:
        self._figures: Figures | None = None

    def instead_of(self, figures: Figures) -> Figures:
        if self._figures is None or not figures.open_sessions:
            self._figures = figures
        return Figures(figures.generation, self._figures.summary, self._figures.storage, figures.open_sessions)


class _StaleReading:
    """In front of a `Reading`: its totals are kept ones; its lists are of now."""

    def __init__(self, reading: Reading, kept: _Kept) -> None:
        self._reading = reading
        self._kept = kept

    def figures(self) -> Figures:
        return self._kept.instead_of(self._reading.figures())


class StaleSummary:
    """In front of a `Census`: its totals lag behind while uploads are open."""

    def __init__(self, census: Census) -> None:
        self._census = census
        self._kept = _Kept()

    async def read(self, consume: Callable[[Reading], Result]) -> Result:
        return await self._census.read(
            lambda reading: consume(in_front_of(reading, _StaleReading(reading, self._kept)))
        )
