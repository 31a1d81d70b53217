"""Cuts a journal to the entries that prove one finding, so that it can be kept, sent and judged again. Pure.

An operation may be left out only if the judge then still finds the very same: the same rule, of the same key, proven by
the same operations, and nothing that it did not find in the whole journal. That the operations are the same matters: a
journal without the delete that explains an absence would prove a loss that never was. Entries are left out in halves,
quarters and so on down to one at a time (Zeller and Hildebrandt's delta debugging, complements only).
"""

from collections.abc import Callable, Collection, Iterator, Sequence

from nscr_cli.checkers.verdict import Finding
from nscr_cli.history.faults import operation_of
from nscr_cli.history.history import History
from nscr_cli.history.keys import repository_of
from nscr_cli.history.ops import Entry, Event, Kind, Op, Sample

Judge = Callable[[History], Sequence[Finding]]

_MOST_JUDGED = 2_000_000  # entries, all judgements together
_UNUSED_EVENTS = frozenset({"unread"})  # the keys of what was not read back: long, and nobody judges them


def is_same(one: Finding, other: Finding) -> bool:
    """Whether both say the same of the same operations; where no operation proves it, in the same words."""
    if (one.checker, one.rule, one.key, one.operations) != (other.checker, other.rule, other.key, other.operations):
        return False
    return bool(one.operations) or one.explanation == other.explanation


def cut(entries: Sequence[Entry], finding: Finding, judge: Judge) -> list[Entry]:
    """The entries that are left; their times, indexes and order are as they were.

    Args:
        entries: a whole journal, in which the judge finds `finding`.
    """
    return _Cutting(entries, finding, judge).cut()


class _Cutting:
    """One journal, cut once. An item is an operation or a sample, by the position of its first entry."""

    def __init__(self, entries: Sequence[Entry], finding: Finding, judge: Judge) -> None:
        self._entries = entries
        self._finding = finding
        self._judge = judge
        self._whole = judge(History(entries))
        self._items = _positions(entries)
        self._named = [
            item for item in self._items if isinstance(op := entries[item], Op) and op.index in finding.operations
        ]
        self._budget = _MOST_JUDGED

    def cut(self) -> list[Entry]:
        for start in self._starts():
            if self._proves(start):
                return self._kept(self._smallest([item for item in start if item not in self._named]))
        return list(self._entries)

    def _starts(self) -> Iterator[list[int]]:
        """Ever more of the journal, because a smaller start is judged faster and mostly does."""
        operations = {item: op for item in self._items if isinstance(op := self._entries[item], Op)}
        keys = {self._finding.key, *(operations[item].key for item in self._named)}
        repositories = {repository_of(key) for key in keys}
        yield self._named
        yield [item for item, op in operations.items() if op.key in keys]
        yield [item for item, op in operations.items() if repository_of(op.key) in repositories]
        yield list(operations)
        yield list(self._items)

    def _smallest(self, rest: list[int]) -> Collection[int]:
        """Of the items that the finding does not name, those that it cannot do without; with those that it names."""
        size = len(rest)
        while size and self._budget > 0:
            size = -(-size // 2)
            before = len(rest)
            position = 0
            while position < len(rest) and self._budget > 0:
                fewer = rest[:position] + rest[position + size :]
                if self._proves([*self._named, *fewer]):
                    rest = fewer
                else:
                    position += size
            if size == 1 and len(rest) == before:
                break
        return [*self._named, *rest]

    def _proves(self, items: Collection[int]) -> bool:
        kept = self._kept(items)
        self._budget -= len(kept)
        found = self._judge(History(kept))
        is_there = any(is_same(one, self._finding) for one in found)
        return is_there and all(any(is_same(one, known) for known in self._whole) for one in found)

    def _kept(self, items: Collection[int]) -> list[Entry]:
        positions = {position for item in items for position in self._items[item]}
        indexes = {op.index for position in positions if isinstance(op := self._entries[position], Op)}
        return [
            entry
            for position, entry in enumerate(self._entries)
            if position in positions or (isinstance(entry, Event) and _concerns(entry, indexes))
        ]


def _positions(entries: Sequence[Entry]) -> dict[int, tuple[int, ...]]:
    """The entries of each item."""
    items: dict[int, tuple[int, ...]] = {}
    open_by_process: dict[int, int] = {}
    for position, entry in enumerate(entries):
        match entry:
            case Sample():
                items[position] = (position,)
            case Op(kind=Kind.INVOKE):
                items[position] = (position,)
                open_by_process[entry.process] = position
            case Op():
                invoked = open_by_process.pop(entry.process)
                items[invoked] = (invoked, position)
    return items


def _concerns(event: Event, indexes: Collection[int]) -> bool:
    """Whether an event belongs beside these operations: what befell the run does, a fault of another request not."""
    if event.name == "fault":
        return operation_of(event.detail.get("request", "")) in indexes
    return event.name not in _UNUSED_EVENTS
