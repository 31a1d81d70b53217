"""The blobs of a registry, read page by page and compared with those of the round before. Pure.

Digests are kept sorted, so that a page is compared with what was known between its ends, and nothing is held twice for
longer than a page. What is there throughout lies between the ends of one page; what is seen now and was not seen before
came since, whatever else changed while pages were read.

A registry that knows no pages answers with everything at once: a page that is longer than asked for, or not sorted, is
taken for all there is.
"""

from bisect import bisect_right
from collections.abc import Sequence
from itertools import pairwise
from urllib.parse import quote

import msgspec

from nscr_cli.client.monitoring.documents import Blob, Blobs
from nscr_cli.foreign_json import Unreadable, read_json
from nscr_cli.monitors.rules import Answer

BLOBS = "/api/registry/blobs"
PAGE = 5000
MOST_BLOBS = 1_000_000


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """What one page changed."""

    created: tuple[Blob, ...] = ()
    deleted: tuple[str, ...] = ()


class BlobListing:
    """Reads the list again and again.

    Attributes:
        known: digests as of the last reading, sorted.
        total: blobs that the registry counts, by the last page; None before the first.
        is_complete: the reading came to its end.
        is_counted_only: there are too many to be told apart.
        is_contradicted: one answer listed more blobs than it counted.
    """

    def __init__(self, *, page: int = PAGE, most: int = MOST_BLOBS) -> None:
        self._page = page
        self._most = most
        self._has_known = False
        self._is_paged = True
        self.known: list[str] = []
        self.total: int | None = None
        self.is_counted_only = False
        self.begin()

    def begin(self) -> None:
        """Begin a reading."""
        self._seen: list[str] = []
        self._after = ""
        self._passed = 0
        self._is_over = False
        self.is_complete = False
        self.is_contradicted = False

    def wanted(self) -> str | None:
        """The page to ask for next; None once the reading is over."""
        if self._is_over:
            return None
        if not self._is_paged:
            return BLOBS
        after = f"&after={quote(self._after, safe='')}" if self._after else ""
        limit = 1 if self.is_counted_only else self._page
        return f"{BLOBS}?limit={limit}{after}"

    def take(self, answer: Answer) -> Page:
        """What the answer to it changes; of the first reading, nothing."""
        document = _document(answer)
        if document is None:
            self._is_over = True
            return Page()
        self.total = document.total_blobs
        self.is_contradicted |= not self._after and len(document.blobs) > document.total_blobs
        if max(document.total_blobs, len(self._seen) + len(document.blobs)) > self._most:
            self.known, self._seen = [], []
            self._has_known, self._is_over, self.is_counted_only = False, True, True
            return Page()
        if self.is_counted_only:
            self.is_counted_only = False  # there are fewer again: read them from the start
            return Page()
        digests = [blob.digest for blob in document.blobs]
        if self._is_paged and self._is_page(digests):
            is_last = not digests or (len(digests) < self._page and self._count(digests) >= document.total_blobs)
            return self._compared(document.blobs, digests, is_last=is_last)
        if self._is_paged and (self._after or len(digests) < document.total_blobs):
            self._is_paged = False  # neither a page nor everything: from now on it is asked for everything
            self.begin()
            return Page()
        return self._compared(document.blobs, sorted(digests), is_last=True)

    def finish(self) -> None:
        """The reading is over; of one that broke off, the rest is as it was known before."""
        if self.is_complete:
            self.known, self._has_known = self._seen, True
        elif self._has_known:
            self.known = self._seen + self.known[self._passed :]

    def _count(self, digests: Sequence[str]) -> int:
        return len(self._seen) + len(digests)

    def _is_page(self, digests: Sequence[str]) -> bool:
        if len(digests) > self._page or (digests and digests[0] <= self._after):
            return False
        return all(earlier < later for earlier, later in pairwise(digests))

    def _compared(self, blobs: Sequence[Blob], digests: list[str], *, is_last: bool) -> Page:
        """The page against what was known from where the one before ended up to where this one does."""
        end = len(self.known) if is_last else bisect_right(self.known, digests[-1], self._passed)
        known = self.known[self._passed : end]
        self._passed = end
        self._seen += digests
        if is_last:
            self._is_over = self.is_complete = True
        else:
            self._after = digests[-1]
        if not self._has_known or known == digests:
            return Page()
        before, now = set(known), set(digests)
        return Page(
            created=tuple(blob for blob in blobs if blob.digest not in before),
            deleted=tuple(digest for digest in known if digest not in now),
        )


def _document(answer: Answer) -> Blobs | None:
    if answer.status != 200:
        return None
    try:
        return read_json(answer.body, Blobs)
    except Unreadable:
        return None
