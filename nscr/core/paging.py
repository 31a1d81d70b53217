"""Pages of a sorted listing: `n`, `last` and the `Link` to the next page (spec.md "Listing Tags").

Order is by code point, which is the "lexical" order of the specification and the order of SQLite's BINARY collation.
A page starts strictly after `last`, whether or not that entry still exists, so that a listing under churn shows every
entry that was there throughout exactly once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from nscr.oci.errors import ErrorCode, InvalidInput

LARGEST_LIMIT = 10**18 - 1


@dataclass(frozen=True, slots=True)
class PageRequest:
    """At most `limit` entries (None: all) after `last`."""

    limit: int | None
    last: str

    @property
    def fetch(self) -> int | None:
        """How many to read: one more than shown tells whether a next page exists."""
        return None if self.limit is None else self.limit + 1


def parse_page(n: str | None, last: str | None) -> PageRequest:
    """Read the query parameters.

    Raises:
        InvalidInput: `n` is not a whole number that is zero or more.
    """
    if n is None:
        return PageRequest(None, last or "")
    if not (n.isascii() and n.isdigit() and len(n) < 19):
        raise InvalidInput(ErrorCode.UNSUPPORTED, f"{n[:40]!r} is not a whole number up to {LARGEST_LIMIT}")
    return PageRequest(int(n), last or "")


def cut(entries: Sequence[str], page: PageRequest) -> tuple[list[str], str | None]:
    """Split what was fetched into the page and the `last` of the next one, if there is one."""
    if page.limit is None or len(entries) <= page.limit:
        return list(entries), None
    shown = list(entries[: page.limit])
    return shown, (shown[-1] if shown else None)


def link_header(path: str, page: PageRequest, last: str) -> str:
    """RFC 5988 link to the page that follows `last`."""
    return f'<{path}?{urlencode({"n": page.limit, "last": last})}>; rel="next"'
