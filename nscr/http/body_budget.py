"""How much of requests' and replies' bodies is held in memory at once, over all requests.

Uploads are read in batches, large while there are few of them, for each batch costs a hop to a thread, and small once
there are many. Documents must be held whole: beyond so many large ones the next waits until one is done, and is
refused when that takes too long.
"""

import anyio

from nscr.errors import TooManyDocuments

BATCHES_BYTES = 8 * 1024 * 1024
LARGEST_BATCH = 1024 * 1024
SMALLEST_BATCH = 16 * 1024
LARGE_DOCUMENT = 256 * 1024
LARGE_DOCUMENTS = 2
LARGEST_WAIT_SECONDS = 10.0
DOCUMENTS_FETCHED = 2


class BodyBudget:
    """Counts the requests whose bodies are being read or held.

    Attributes:
        fetching: held while a document of unknown size is in memory, from the store to where it is laid aside.
    """

    def __init__(self) -> None:
        self.uploads = 0
        self.fetching = anyio.Semaphore(DOCUMENTS_FETCHED)
        self._room = anyio.Semaphore(LARGE_DOCUMENTS)

    @property
    def batch_bytes(self) -> int:
        return max(SMALLEST_BATCH, min(LARGEST_BATCH, BATCHES_BYTES // max(1, self.uploads)))

    async def take_document(self) -> None:
        """Wait until one more large document may be held, and count it.

        Raises:
            TooManyDocuments: none of those that are held was done in time.
        """
        with anyio.move_on_after(LARGEST_WAIT_SECONDS):
            await self._room.acquire()
            return
        raise TooManyDocuments(LARGE_DOCUMENTS)

    def give_document(self) -> None:
        """One that was taken is held no more."""
        self._room.release()
