"""When a thing must have been there, and when it cannot have been: sound rules over closed intervals.

A write takes effect at some instant of its interval, a removal at some instant of its own; neither knows which. So a
removal may come after a write unless it ended before the write began, and a thing is certainly there only when a proof
of it ended, and no removal that may follow that proof can have begun. Pure; O(log n) a question.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from itertools import accumulate
from operator import attrgetter

from nscr_cli.history.history import Operation

_START = attrgetter("start_ns")
_END = attrgetter("end_ns")


class Presence:
    """Judges the presence of one thing.

    Args:
        proofs: each shows that it was there at some instant of its interval: acknowledged writes, reads that saw it.
        writes: each may have put it there: acknowledged or unanswered.
        removals: each may have taken it away: acknowledged or unanswered; in parts, so that things can share them.
        absences: each shows that it was not there at some instant: acknowledged removals, reads that found nothing.
    """

    __slots__ = ("_absences", "_proofs", "_removals", "_writes")

    def __init__(self, *, proofs: "Ended", writes: "Begun", removals: "Sequence[Begun]", absences: "Ended") -> None:
        self._proofs = proofs
        self._writes = writes
        self._removals = removals
        self._absences = absences

    def must_hold(self, start: int, end: int) -> Operation | None:
        """The proof that the thing was there throughout [start, end], if there is one."""
        proof = self._proofs.latest_start(start)
        if proof is None:
            return None
        for part in self._removals:
            removal = part.latest_end(end)
            if removal is not None and removal.end_ns >= proof.start_ns:
                return None
        return proof

    def must_lack(self, start: int, end: int) -> Operation | None:
        """The operation that shows that the thing was not there at any instant of [start, end], if there is one."""
        absence = self._absences.latest_start(start)
        if absence is None:
            return None
        write = self._writes.latest_end(end)
        return absence if write is None or write.end_ns < absence.start_ns else None

    def may_hold(self, end: int) -> bool:
        """Whether any write may have taken effect by then."""
        return self._writes.latest_end(end) is not None


class Ended:
    """Answers: of the operations that ended before t, which began last?"""

    __slots__ = ("_best", "_ends")

    def __init__(self, operations: Iterable[Operation]) -> None:
        ordered = sorted(operations, key=_END)
        self._ends = [operation.end_ns for operation in ordered]
        self._best = list(accumulate(ordered, _later_start))

    def latest_start(self, before: int) -> Operation | None:
        count = bisect_left(self._ends, before)
        return self._best[count - 1] if count else None


class Begun:
    """Answers: of the operations that began by t, which ended last?"""

    __slots__ = ("_best", "_starts")

    def __init__(self, operations: Iterable[Operation]) -> None:
        ordered = sorted(operations, key=_START)
        self._starts = [operation.start_ns for operation in ordered]
        self._best = list(accumulate(ordered, _later_end))

    def latest_end(self, until: int) -> Operation | None:
        count = bisect_right(self._starts, until)
        return self._best[count - 1] if count else None


def _later_start(best: Operation, one: Operation) -> Operation:
    return one if one.start_ns > best.start_ns else best


def _later_end(best: Operation, one: Operation) -> Operation:
    return one if one.end_ns > best.end_ns else best
