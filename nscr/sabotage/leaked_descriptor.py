"""Forget to close a blob that was served: one descriptor fewer each time, until there are none. By count."""

from nscr.sabotage.opened_blobs import with_opened_blobs
from nscr.stores.base import BlobReader, Content

EVERY = 4


class _OpenForEver:
    """A blob that nobody closes."""

    def __init__(self, reader: BlobReader) -> None:
        self._reader = reader
        self.size = reader.size

    async def read(self, start: int, length: int) -> bytes:
        return await self._reader.read(start, length)

    async def aclose(self) -> None:
        """Forgets to."""


class _Forgetfulness:
    """Forgets every fourth opened blob."""

    def __init__(self) -> None:
        self._opened = 0

    def __call__(self, reader: BlobReader) -> BlobReader:
        self._opened += 1
        return _OpenForEver(reader) if self._opened % EVERY == 0 else reader


def leaked_descriptor(content: Content) -> Content:
    """The content, with every fourth opened blob left open."""
    return with_opened_blobs(content, _Forgetfulness())
