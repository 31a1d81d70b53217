"""Tell old totals while the registry is busy: as long as an upload is open, those of the last time that none was.

Once all is quiet they are right, so that only who looks under load sees it.
"""

from collections.abc import Callable, Iterator
from typing import TypeVar

from nscr.core.figures import BlobFigures, BlobReferences, Figures, RepositoryFigures, SessionFigures, TagFigures
from nscr.oci.names import RepositoryName
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
    """A `Reading` whose totals are kept ones; its lists are of now."""

    def __init__(self, reading: Reading, kept: _Kept) -> None:
        self._reading = reading
        self._kept = kept

    def figures(self) -> Figures:
        return self._kept.instead_of(self._reading.figures())

    def recount(self) -> Figures:
        return self._reading.recount()

    def repositories(self) -> Iterator[RepositoryFigures]:
        return self._reading.repositories()

    def has_repository(self, repository: RepositoryName) -> bool:
        return self._reading.has_repository(repository)

    def repository_tags(self, repository: RepositoryName) -> Iterator[TagFigures]:
        return self._reading.repository_tags(repository)

    def blobs(self, after: str, limit: int | None) -> Iterator[BlobFigures]:
        return self._reading.blobs(after, limit)

    def most_referenced(self, limit: int) -> Iterator[BlobReferences]:
        return self._reading.most_referenced(limit)

    def sessions(self) -> Iterator[SessionFigures]:
        return self._reading.sessions()


class StaleSummary:
    """A `Census` whose totals lag behind while uploads are open."""

    def __init__(self, census: Census) -> None:
        self._census = census
        self._kept = _Kept()

    @property
    def generation(self) -> int:
        return self._census.generation

    async def read(self, consume: Callable[[Reading], Result]) -> Result:
        return await self._census.read(lambda reading: consume(_StaleReading(reading, self._kept)))

    async def probe(self, token: str) -> bool:
        return await self._census.probe(token)
