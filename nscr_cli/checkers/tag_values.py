"""Which digest a tag may name in an interval, and which it must: a register of digests, as far as intervals decide it.

Of all that showed another value and was over before the interval began, the operation that began last says the most:
where every put of a digest had ended before it began, that digest was no longer named when the interval began, and
nothing can have brought it back. And what an operation showed that was over before, the tag still names unless a change
may have followed. Sound whatever else ran at the time.
"""

from bisect import bisect_right
from collections.abc import Iterable
from operator import attrgetter

import msgspec

from nscr_cli.checkers.inventory import MANIFEST_READS, found, found_nothing, may_have_happened, seen_digest
from nscr_cli.checkers.listing import TagPresence
from nscr_cli.checkers.presence import Begun, Ended
from nscr_cli.checkers.wording import short, told
from nscr_cli.history.history import History, Operation
from nscr_cli.history.keys import digest_key, repository_of
from nscr_cli.history.ops import F, Kind

_START = attrgetter("start_ns")


class Never(msgspec.Struct, frozen=True):
    """Why a tag cannot have named a digest; `witness` shows it, where an operation does."""

    why: str
    witness: Operation | None = None


class _Tag(msgspec.Struct, frozen=True):
    """One tag: who may have put which digest under it, what showed a value, and what may have changed it."""

    puts: dict[str | None, list[Operation]]
    shown: Ended
    changes: "_Changes"


class _Changes:
    """Answers: of the changes to another value than this one, of those that began by t, when did the last end?"""

    def __init__(self, operations: Iterable[Operation]) -> None:
        self._starts: list[int] = []
        # Of every prefix, by start, the change that ended last, and the last of those to another value than its.
        self._last: list[tuple[Operation, Operation | None]] = []
        first: Operation | None = None
        second: Operation | None = None
        for one in sorted(operations, key=_START):
            if first is None or _written(one) == _written(first):
                first = one if first is None or one.end_ns > first.end_ns else first
            elif one.end_ns > first.end_ns:
                first, second = one, first
            elif second is None or one.end_ns > second.end_ns:
                second = one
            self._starts.append(one.start_ns)
            self._last.append((first, second))

    def last_end(self, digest: str, until: int) -> int:
        count = bisect_right(self._starts, until)
        if not count:
            return -1
        first, second = self._last[count - 1]
        last = second if _written(first) == digest else first
        return -1 if last is None else last.end_ns


class TagValues:
    """What tags name. One for all checkers of a history: `history.shared(TagValues)`."""

    def __init__(self, history: History) -> None:
        self._tags = history.shared(TagPresence)
        self._known: dict[str, _Tag] = {}
        deletes: dict[str, list[Operation]] = {}
        for one in history.of(F.DELETE_MANIFEST):
            if may_have_happened(one):
                deletes.setdefault(one.key, []).append(one)
        self._begun_deletes = {key: Begun(operations) for key, operations in deletes.items()}
        self._deletes = {
            key: Ended(one for one in operations if one.kind is Kind.OK) for key, operations in deletes.items()
        }

    def never(self, key: str, digest: str, start: int, end: int) -> Never | None:
        """Why the tag cannot have named this digest at any instant of the interval; None where it may have."""
        tag = self._tag(key)
        puts = [one for one in tag.puts.get(digest, ()) if one.start_ns <= end]
        if not puts:
            return Never(f"nobody had begun to put {short(digest)} there")
        last_end = max(one.end_ns for one in puts)
        shown = tag.shown.latest_start(start)
        if shown is not None and _value(shown) != digest and last_end < shown.start_ns:
            return Never(f"this is newer: {told(shown)}", shown)
        deletes = self._deletes.get(digest_key(repository_of(key), digest))
        delete = deletes.latest_start(start) if deletes is not None else None
        if delete is not None and last_end < delete.start_ns:
            return Never(f"it was deleted: {told(delete)}", delete)
        return None

    def must_name(self, key: str, digest: str, start: int, end: int) -> Operation | None:
        """The operation that shows that the tag named this digest throughout the interval, if there is one."""
        tag = self._tag(key)
        shown = tag.shown.latest_start(start)
        if shown is None or _value(shown) != digest or tag.changes.last_end(digest, end) >= shown.start_ns:
            return None
        deletes = self._begun_deletes.get(digest_key(repository_of(key), digest))
        delete = deletes.latest_end(end) if deletes is not None else None
        return shown if delete is None or delete.end_ns < shown.start_ns else None

    def puts_of(self, key: str, digest: str) -> list[Operation]:
        """Puts that may have brought this digest under the tag."""
        return self._tag(key).puts.get(digest, [])

    def _tag(self, key: str) -> _Tag:
        if key not in self._known:
            operations = self._tags.operations_of(key)
            puts: dict[str | None, list[Operation]] = {}
            changes: list[Operation] = []
            for one in operations:
                if one.f not in MANIFEST_READS and may_have_happened(one):
                    changes.append(one)
                    if one.f is F.PUT_MANIFEST:
                        puts.setdefault(one.asked.digest, []).append(one)
            self._known[key] = _Tag(puts, Ended(_showing(operations)), _Changes(changes))
        return self._known[key]


def _showing(operations: Iterable[Operation]) -> Iterable[Operation]:
    for one in operations:
        if one.f in MANIFEST_READS:
            if found_nothing(one) or (found(one) and seen_digest(one) is not None):
                yield one
        elif one.f in (F.PUT_MANIFEST, F.DELETE_TAG) and one.kind is Kind.OK:
            yield one


def _written(change: Operation) -> str | None:
    """What a change leaves under the tag; None for nothing."""
    return change.asked.digest if change.f is F.PUT_MANIFEST else None


def _value(shown: Operation) -> str | None:
    """What the tag named at some instant of this operation."""
    if shown.f in MANIFEST_READS:
        return seen_digest(shown) if found(shown) else None
    return _written(shown)
