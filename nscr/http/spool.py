"""A long answer on its way: written whole while the registry is read, then sent as fast as its client reads.

The reading must end before the first byte is sent, for a slow client would otherwise hold its transaction open and
with it the database's log. So the answer is laid aside: a small one in memory, a longer one in a file without a name.
"""

from collections.abc import AsyncIterator, Iterable
from itertools import islice
from tempfile import SpooledTemporaryFile

import anyio.to_thread
import msgspec

from nscr.errors import StoreFull
from nscr.http.documents import Document

HELD_BYTES = 256 * 1024
PIECE_BYTES = 128 * 1024
BATCH = 200


class Spool:
    """Bytes that are written once and then streamed once."""

    def __init__(self) -> None:
        self._file = SpooledTemporaryFile(max_size=HELD_BYTES)  # noqa: SIM115 - closed by aclose
        self._sent = 0
        self.length = 0

    @classmethod
    async def of(cls, content: bytes) -> "Spool":
        """A spool of these bytes."""
        spool = cls()
        try:
            await anyio.to_thread.run_sync(spool.write, content)
        except BaseException:
            await spool.aclose()
            raise
        return spool

    def write(self, data: bytes) -> None:
        """Append; may block, so it belongs into the reading."""
        try:
            self._file.write(data)
        except OSError as error:
            raise StoreFull(f"could not lay an answer aside: {error.strerror}") from error
        self.length += len(data)

    def write_document(self, head: Document, items: Iterable[Document]) -> None:
        """Append a document whose last field is an empty list in `head` and really holds `items`."""
        encoded = msgspec.json.encode(head)
        self.write(encoded.removesuffix(b"]}"))
        waiting = iter(items)
        separator = b""
        while batch := list(islice(waiting, BATCH)):
            self.write(separator + msgspec.json.encode(batch)[1:-1])
            separator = b","
        self.write(b"]}")

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        if self._sent == self.length:
            raise StopAsyncIteration
        if self.length <= HELD_BYTES:
            data = self._read()
        else:
            data = await anyio.to_thread.run_sync(self._read)
        self._sent += len(data)
        return data

    def _read(self) -> bytes:
        if not self._sent:
            self._file.seek(0)
        return self._file.read(PIECE_BYTES)

    async def aclose(self) -> None:
        self._file.close()
