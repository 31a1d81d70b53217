"""Quiet stretches: intervals in which nothing can have changed what is asked about, so that all reads of it must agree.

A change may take effect at any instant of its interval, one that was never acknowledged at any later time; where a
registry may answer from copies that lag, the interval is longer by that lag. Pure; O(log n) a question.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from operator import attrgetter

from nscr_cli.history.history import NEVER, Operation


class Changes:
    """When something may have been changing."""

    def __init__(self, operations: Iterable[Operation], *, lag_ns: int = 0) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []
        for one in sorted(operations, key=attrgetter("start_ns")):
            end = one.end_ns if one.end_ns == NEVER else one.end_ns + lag_ns
            if self._ends and one.start_ns <= self._ends[-1]:
                self._ends[-1] = max(self._ends[-1], end)
            else:
                self._starts.append(one.start_ns)
                self._ends.append(end)

    def stretch_of(self, start: int, end: int) -> int | None:
        """The number of the quiet stretch that [start, end] lies in whole; None where it touches a change."""
        over = bisect_left(self._ends, start)
        return over if bisect_right(self._starts, end) == over else None


NO_CHANGES = Changes(())
