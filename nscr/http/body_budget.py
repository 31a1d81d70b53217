"""How much of clients' bodies is held in memory at once, over all requests.

Uploads are read in batches, large while there are few of them, for each batch costs a hop to a thread, and small once
there are many. Documents must be held whole: beyond so many large ones the next is refused until one is done.
"""

from nscr.errors import TooManyDocuments

BATCHES_BYTES = 24 * 1024 * 1024
LARGEST_BATCH = 1024 * 1024
SMALLEST_BATCH = 32 * 1024
LARGE_DOCUMENT = 256 * 1024
LARGE_DOCUMENTS = 8


class BodyBudget:
    """Counts the requests whose bodies are being read or held."""

    def __init__(self) -> None:
        self.uploads = 0
        self.documents = 0

    @property
    def batch_bytes(self) -> int:
        return max(SMALLEST_BATCH, min(LARGEST_BATCH, BATCHES_BYTES // max(1, self.uploads)))

    def take_document(self) -> None:
        """Count one more large document.

        Raises:
            TooManyDocuments: as many as may be are held.
        """
        if self.documents >= LARGE_DOCUMENTS:
            raise TooManyDocuments(LARGE_DOCUMENTS)
        self.documents += 1
