"""What is certain of a thing at each instant, and the range of a figure that follows from it.

At an instant a figure is at least the number of things that certainly are there, and at most the number of those that
are not certainly absent.
"""

from collections.abc import Iterable

import msgspec

from nscr_cli.checkers.spans import Coverage, Span, intersection


class Known(msgspec.Struct, frozen=True):
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

    def __init__(self, things: Iterable[Known], weights: Iterable[int] | None = None) -> None:
        things = list(things)
        weights = [1] * len(things) if weights is None else list(weights)
        self._there = Coverage(zip((one.there for one in things), weights, strict=True))
        self._absent = Coverage(zip((one.absent for one in things), weights, strict=True))
        self._all = sum(weights)

    def least(self, instant: int) -> int:
        return self._there.at(instant)

    def most(self, instant: int) -> int:
        return self._all - self._absent.at(instant)
