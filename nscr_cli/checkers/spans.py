"""Sets of instants, as open intervals in order that do not overlap, and counts of how many of them hold an instant.

What is certain of a thing is certain at every instant of such a span: strictly after a proof ended, strictly before
anything that may change it can have begun. Open, because two events with one stamp have no order that we could prove.
Pure; all is linear, or n log n where it has to be sorted.
"""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from itertools import accumulate

Span = tuple[int, int]
BEFORE_ALL = -1


def union(*sets: Iterable[Span]) -> list[Span]:
    """The instants that lie in any of the spans, which may overlap and come in any order."""
    spans = [span for one in sets for span in one if span[0] < span[1]]
    if len(spans) < 2:
        return spans
    merged: list[Span] = []
    for start, end in sorted(spans):
        if merged and start < merged[-1][1]:
            if end > merged[-1][1]:
                merged[-1] = (merged[-1][0], end)
        else:
            merged.append((start, end))
    return merged


def intersection(ones: Sequence[Span], others: Sequence[Span]) -> list[Span]:
    """The instants that lie in both sets."""
    common: list[Span] = []
    place = other_place = 0
    while place < len(ones) and other_place < len(others):
        start = max(ones[place][0], others[other_place][0])
        end = min(ones[place][1], others[other_place][1])
        if start < end:
            common.append((start, end))
        if ones[place][1] <= others[other_place][1]:
            place += 1
        else:
            other_place += 1
    return common


def covers(spans: Sequence[Span], start: int, end: int) -> bool:
    """Whether every instant of the closed interval lies in the set."""
    place = bisect_left(spans, (start,)) - 1
    return place >= 0 and spans[place][0] < start and end < spans[place][1]


class Coverage:
    """Answers: the spans of how many things hold this instant? A thing counts with its weight."""

    def __init__(self, weighted: Iterable[tuple[Sequence[Span], int]] = ()) -> None:
        self._begins = _Stamps()
        self._ends = _Stamps()
        for spans, weight in weighted:
            self.add(spans, weight)

    def add(self, spans: Sequence[Span], weight: int) -> None:
        """One more thing; before anything is asked."""
        for start, end in spans:
            self._begins.add(start, weight)
            self._ends.add(end, weight)

    def at(self, instant: int) -> int:
        return self._begins.before(instant) - self._ends.until(instant)

    def changes(self, start: int, end: int) -> Iterable[tuple[int, int]]:
        """What changes after the first instant of an interval, and until its last: at which place (twice the stamp, and
        one more where a span begins, which does not hold its first instant), and by how much."""
        for stamp, weight in self._begins.within(start, end - 1):
            yield 2 * stamp + 1, weight
        for stamp, weight in self._ends.within(start + 1, end):
            yield 2 * stamp, -weight


class _Stamps:
    """Weighted stamps, sorted once all are there; millions of them, so in arrays, and weights only if there are any."""

    def __init__(self) -> None:
        self._stamps = array("q")
        self._weights = array("q")
        self._sums: array[int] | None = None
        self._is_sorted = False
        self._is_plain = True

    def add(self, stamp: int, weight: int) -> None:
        self._stamps.append(stamp)
        if weight != 1 and self._is_plain:
            self._weights = array("q", [1]) * (len(self._stamps) - 1)
            self._is_plain = False
        if not self._is_plain:
            self._weights.append(weight)

    def before(self, stamp: int) -> int:
        """The weight of those before a stamp."""
        return self._sum(bisect_left(self._sorted(), stamp))

    def until(self, stamp: int) -> int:
        """The weight of those up to a stamp."""
        return self._sum(bisect_right(self._sorted(), stamp))

    def within(self, first: int, last: int) -> Iterable[tuple[int, int]]:
        """Those from one stamp to another, each with its weight."""
        stamps = self._sorted()
        for place in range(bisect_left(stamps, first), bisect_right(stamps, last)):
            yield stamps[place], self._sum(place + 1) - self._sum(place)

    def _sum(self, count: int) -> int:
        return count if self._sums is None else self._sums[count]

    def _sorted(self) -> "array[int]":
        if not self._is_sorted:
            self._is_sorted = True
            if self._is_plain:
                self._stamps = array("q", sorted(self._stamps))
            else:
                ordered = sorted(zip(self._stamps, self._weights, strict=True))
                self._stamps = array("q", (stamp for stamp, _ in ordered))
                self._sums = array("q", [0, *accumulate(weight for _, weight in ordered)])
                self._weights = array("q")
        return self._stamps
