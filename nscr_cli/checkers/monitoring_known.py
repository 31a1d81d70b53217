"""What is certain of a thing at each instant, and the range of a figure that follows from it.

At an instant a figure is at least the number of things that certainly are there, and at most the number of those that
are not certainly absent.
"""

from collections.abc import Iterable
from itertools import repeat

import msgspec

from nscr_cli.checkers.spans import Coverage, Span, intersection


class Known(msgspec.Struct, frozen=True, gc=False):
    """What is certain of one thing.

    Attributes:
        there: instants at which it certainly is there.
        absent: instants at which it certainly is not.
    """

    there: list[Span]
    absent: list[Span]

    @classmethod
    def consistent(cls, there: list[Span], absent: list[Span]) -> "Known":
        """A history that contradicts itself about a thing is for other checkers to judge: here nothing is certain."""
        return cls([], []) if intersection(there, absent) else cls(there, absent)


class Figure:
    """The range of one figure at each instant; each thing counts with its weight, once unless told otherwise."""

    def __init__(self, things: Iterable[Known] = (), weights: Iterable[int] | None = None) -> None:
        self._there = Coverage()
        self._absent = Coverage()
        self._all = 0
        for one, weight in zip(things, repeat(1) if weights is None else weights, strict=False):
            self.add(one, weight)

    def add(self, one: Known, weight: int = 1) -> None:
        """One more thing; before anything is asked."""
        self._there.add(one.there, weight)
        self._absent.add(one.absent, weight)
        self._all += weight

    def least(self, instant: int) -> int:
        return self._there.at(instant)

    def most(self, instant: int) -> int:
        return self._all - self._absent.at(instant)

    def changes(self, start: int, end: int) -> Iterable[tuple[int, int, int]]:
        """Within an interval: place of each change (twice the stamp, and one more where something begins), how the
        least changes there, and how the most."""
        for place, weight in self._there.changes(start, end):
            yield place, weight, 0
        for place, weight in self._absent.changes(start, end):
            yield place, 0, -weight
