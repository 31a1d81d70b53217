"""Serve other bytes than those of the range: each read that does not begin at the start gives the bytes before it."""

from nscr.sabotage.opened_blobs import with_opened_blobs
from nscr.stores.base import BlobReader, Content

EVERY = 5


class _ShiftedReader:
    """A blob of which what is read from any place but its start is one byte off; whole reads are as they should be."""

    def __init__(self, reader: BlobReader) -> None:
        self._reader = reader
        self._is_partial: bool | None = None
        self.size = reader.size

    async def read(self, start: int, length: int) -> bytes:
        if self._is_partial is None:
            self._is_partial = start > 0
        return await self._reader.read(start - self._is_partial, length)

    async def aclose(self) -> None:
        await self._reader.aclose()


class _Shift:
    """Shifts every fifth opened blob."""

    def __init__(self) -> None:
        self._opened = 0

    def __call__(self, reader: BlobReader) -> BlobReader:
        self._opened += 1
        return _ShiftedReader(reader) if self._opened % EVERY == 0 else reader


def shifted_range(content: Content) -> Content:
    """The content, with every fifth opened blob off by one wherever it is read from its middle."""
    return with_opened_blobs(content, _Shift())
