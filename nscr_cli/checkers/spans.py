"""Sets of instants, as open intervals in order that do not overlap, and counts of how many of them hold an instant.

What is certain of a thing is certain at every instant of such a span: strictly after a proof ended, strictly before
anything that may change it can have begun. Open, because two events with one stamp have no order that we could prove.
Pure; all is linear, or n log n where it has to be sorted.
"""

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

    def __init__(self, weighted: Iterable[tuple[Sequence[Span], int]]) -> None:
        flat = [(start, end, weight) for spans, weight in weighted for start, end in spans]
        self._starts, self._begun = _summed((start, weight) for start, _, weight in flat)
        self._ends, self._over = _summed((end, weight) for _, end, weight in flat)

    def at(self, instant: int) -> int:
        return self._begun[bisect_left(self._starts, instant)] - self._over[bisect_right(self._ends, instant)]


def _summed(weighted: Iterable[tuple[int, int]]) -> tuple[list[int], list[int]]:
    ordered = sorted(weighted)
    return [stamp for stamp, _ in ordered], [0, *accumulate(weight for _, weight in ordered)]
