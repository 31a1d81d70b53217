"""A blob's reader that reports damage found while it is read; the reading fails all the same."""

from collections.abc import Awaitable, Callable

from nscr.errors import ContentDamaged
from nscr.stores.base import BlobReader


class WatchedReader:
    """A `BlobReader` over another."""

    def __init__(self, reader: BlobReader, report: Callable[[ContentDamaged], Awaitable[None]]) -> None:
        self._reader = reader
        self._report = report
        self.size = reader.size

    async def read(self, start: int, length: int) -> bytes:
        try:
            return await self._reader.read(start, length)
        except ContentDamaged as damage:
            await self._report(damage)
            raise

    async def aclose(self) -> None:
        await self._reader.aclose()
