"""Single pages of tags: what lies between `last` and the end of the page is on it, and nothing else is.

A page that came with a Link, or is as full as was asked for, ends at its last name; any other is the end of the list.
Only what lies so in either of the two orders is judged. Follows spec.md#listing-tags.
"""

from bisect import bisect_right
from collections.abc import Iterable
from typing import Protocol

from nscr_cli.checkers.name_order import is_after, is_not_after, is_unsorted
from nscr_cli.checkers.presence import Presence
from nscr_cli.history.history import Operation
from nscr_cli.history.keys import tag_of


class Tags(Protocol):
    """What is known of the tags of a repository."""

    def keys_of(self, repository: str) -> list[str]: ...

    def of(self, key: str) -> Presence: ...


class Pages:
    """Judges pages of one repository against the tags that were put in it."""

    def __init__(self, repository: str, tags: Tags) -> None:
        self._tags = tags
        self._keys = {tag_of(key) or "": key for key in tags.keys_of(repository)}
        self._names = sorted(self._keys)
        self._last_caseless = max(map(str.casefold, self._names), default="")

    def missing(self, page: Operation) -> Iterable[tuple[str, Operation]]:
        """Keys of tags that were there throughout and are not on the page where they belong, each with the proof."""
        names, asked = page.answered.tags or (), page.asked
        if (
            not _means_something(page)
            or not self.is_anchored(page)
            or ((asked.last is not None or is_cut(page)) and is_unsorted(names))
        ):
            return
        if is_cut(page) and not names:
            return
        end = names[-1] if is_cut(page) else None
        first = bisect_right(self._names, asked.last) if asked.last is not None else 0
        behind = bisect_right(self._names, end) if end is not None else len(self._names)
        listed = frozenset(names)
        for name in self._names[first:behind]:
            is_within = is_after(name, asked.last) and (end is None or is_after(end, name))
            if name not in listed and is_within:
                proof = self._tags.of(self._keys[name]).must_hold(page.start_ns, page.end_ns)
                if proof is not None:
                    yield self._keys[name], proof

    def is_anchored(self, page: Operation) -> bool:
        """What `last` names was there throughout; of what may be gone, nobody promises what comes after it (bug J4)."""
        key = self._keys.get(page.asked.last or "")
        return page.asked.last is None or (
            key is not None and self._tags.of(key).must_hold(page.start_ns, page.end_ns) is not None
        )

    def ghosts(self, page: Operation) -> Iterable[tuple[str, Operation]]:
        """Keys of tags that are listed though they were not there at any instant, each with what shows it."""
        for name in page.answered.tags or ():
            key = self._keys.get(name)
            absence = self._tags.of(key).must_lack(page.start_ns, page.end_ns) if key is not None else None
            if key is not None and absence is not None:
                yield key, absence

    def strangers(self, page: Operation) -> Iterable[str]:
        """Names that nobody put."""
        return (name for name in page.answered.tags or () if name not in self._keys)

    def too_early(self, page: Operation) -> str | None:
        """A name that does not come after `last`, where `last` is there."""
        last = page.asked.last
        if last is None or not self.is_anchored(page):
            return None
        return next((name for name in page.answered.tags or () if is_not_after(name, last)), None)

    def leads_to_nothing(self, page: Operation) -> bool:
        """It has a Link, and no tag that anybody put comes after it in any order."""
        names = page.answered.tags or ()
        if not (page.answered.has_next and names):
            return False
        return names[-1] >= self._names[-1:][0] and names[-1].casefold() >= self._last_caseless if self._names else True


def is_cut(page: Operation) -> bool:
    """More may follow."""
    size = page.asked.page_size
    return page.answered.has_next or (size is not None and len(page.answered.tags or ()) >= size)


def _means_something(page: Operation) -> bool:
    """What was asked for is known, or was the whole."""
    asked = page.asked
    return asked.page_query is None or asked.page_size is not None or asked.last is not None
