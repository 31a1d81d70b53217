"""Serve a blob short and say that this is all of it: the reader's size shrinks, so Content-Length agrees with it."""

from nscr.sabotage.opened_blobs import with_opened_blobs
from nscr.stores.base import BlobReader, Content

EVERY = 50


class _ShortReader:
    """The first half of a blob, as if it were the whole."""

    def __init__(self, reader: BlobReader) -> None:
        self._reader = reader
        self.size = reader.size // 2

    async def read(self, start: int, length: int) -> bytes:
        return await self._reader.read(start, length)

    async def aclose(self) -> None:
        await self._reader.aclose()


class _Scissors:
    """Cuts every fiftieth opened blob that holds anything in half."""

    def __init__(self) -> None:
        self._opened = 0

    def __call__(self, reader: BlobReader) -> BlobReader:
        self._opened += reader.size > 0
        return _ShortReader(reader) if reader.size and self._opened % EVERY == 0 else reader


def truncated_blob(content: Content) -> Content:
    """The content, with every fiftieth opened blob cut in half."""
    return with_opened_blobs(content, _Scissors())
