"""When a thing must have been there, and when it cannot have been: sound rules over closed intervals.

A write takes effect at some instant of its interval, a removal at some instant of its own; neither knows which. So a
removal may come after a write unless it ended before the write began, and a thing is certainly there only when a proof
of it ended, and no removal that may follow that proof can have begun. Pure; O(log n) a question.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
from operator import attrgetter

from nscr_cli.checkers.spans import BEFORE_ALL, Span, union
from nscr_cli.history.history import NEVER, Operation

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

    def may_be_removed(self, start: int, end: int) -> bool:
        """Whether any removal may have taken effect within [start, end]."""
        latest = (part.latest_end(end) for part in self._removals)
        return any(removal is not None and removal.end_ns >= start for removal in latest)

    def held(self) -> list[Span]:
        """All instants at which it certainly was there: [s, e] lies in one of these spans if `must_hold(s, e)`.

        After a proof ended, until the first removal begins that may follow the proof.
        """
        return union(_after(self._proofs, self._removals)) if self._proofs else []

    def gone(self) -> list[Span]:
        """All instants at which it certainly was not there, though it may have been before."""
        return union(_after(self._absences, [self._writes])) if self._absences else []

    def unwritten(self) -> Span:
        """All instants before the first write that may have put it there began."""
        return (BEFORE_ALL, self._writes.first_start)


class Ended:
    """Answers: of the operations that ended before t, which began last?"""

    __slots__ = ("_best", "_ends")

    def __init__(self, operations: Iterable[Operation]) -> None:
        ordered = sorted(operations, key=_END)
        self._ends = [operation.end_ns for operation in ordered]
        self._best = list(accumulate(ordered, _later_start))

    def __bool__(self) -> bool:
        return bool(self._ends)

    def latest_start(self, before: int) -> Operation | None:
        count = bisect_left(self._ends, before)
        return self._best[count - 1] if count else None

    def latest_starts(self) -> Iterator[Operation]:
        """Every answer to that question, as time passes."""
        last = None
        for one in self._best:
            if one is not last:
                yield one
            last = one


class Begun:
    """Answers: of the operations that began by t, which ended last?"""

    __slots__ = ("_best", "_starts")

    def __init__(self, operations: Iterable[Operation]) -> None:
        ordered = sorted(operations, key=_START)
        self._starts = [operation.start_ns for operation in ordered]
        self._best = list(accumulate(ordered, _later_end))

    @property
    def first_start(self) -> int:
        """When the first of all began; NEVER where there is none."""
        return self._starts[0] if self._starts else NEVER

    def latest_end(self, until: int) -> Operation | None:
        count = bisect_right(self._starts, until)
        return self._best[count - 1] if count else None

    def first_to_outlast(self, stamp: int) -> tuple[int, int]:
        """When the first of those began that ended at this stamp or later, and when it ended; NEVER where there is
        none."""
        best = self._best
        if not best or best[-1].end_ns < stamp:
            return NEVER, NEVER
        place = 0 if best[0].end_ns >= stamp else bisect_left(best, stamp, key=_END)
        return self._starts[place], best[place].end_ns


def _after(proofs: Ended, changes: Sequence[Begun]) -> Iterable[Span]:
    """From the end of each proof to the first change that may follow it; of those with one end, the longest.

    A proof that began before another one did that ended first says no more than that one does.
    """
    if not changes:
        first = next(proofs.latest_starts(), None)
        return [(first.end_ns, NEVER)] if first is not None else ()
    longest: dict[int, int] = {}
    outlasted = -1
    for proof in proofs.latest_starts():
        if proof.start_ns <= outlasted:
            continue  # what limits the one before limits this one
        limit = NEVER
        for part in changes:
            begun, ended = part.first_to_outlast(proof.start_ns)
            if begun < limit:
                limit, outlasted = begun, ended
        # In order of their ends: the first with this limit is the longest.
        longest.setdefault(limit, proof.end_ns)
        if limit == NEVER:
            break  # nor does anything follow those that began later
    return [(start, limit) for limit, start in longest.items()]


def _later_start(best: Operation, one: Operation) -> Operation:
    return one if one.start_ns > best.start_ns else best


def _later_end(best: Operation, one: Operation) -> Operation:
    return one if one.end_ns > best.end_ns else best
