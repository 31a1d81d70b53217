"""One upload that was done step by step: what it must hold, what it can hold, and whether it can still be there.

A registry need not be atomic about a chunk: bytes may show while they come, and those of a body that broke off may stay
or be dropped. So nothing is ordered; an upload's offset is bounded. Below: a chunk that was acknowledged stays. Above:
nothing lies beyond the end of what anybody had begun to send. Both hold whatever else is going on. An offset of 1 may
mean 0, because `Range` is inclusive (distribution/distribution#2363). Follows spec.md#pushing-a-blob-in-chunks.
"""

from collections import Counter
from collections.abc import Sequence

from nscr_cli.checkers.inventory import may_have_happened
from nscr_cli.history.history import Operation
from nscr_cli.history.ops import FAIL, INFO, OK, F

UNREADABLE = -1
_OUT_OF_ORDER = 416
_ENACTED = (200, 204)
_ENDS = (F.FINISH_UPLOAD, F.CANCEL_UPLOAD)


class UploadSteps:
    """The operations of one upload, in order of invocation.

    Args:
        is_ours: the run started the registry itself.
    """

    def __init__(self, operations: Sequence[Operation], *, is_ours: bool = False) -> None:
        self.is_ours = is_ours
        self.operations = operations
        self._writers = [one for one in operations if sent(one)]

    @property
    def size(self) -> int:
        """Of the blob that it is to become."""
        return next((one.asked.size or 0 for one in self.operations if one.f is not F.PATCH_UPLOAD), 0)

    @property
    def least_chunk(self) -> int:
        """As the registry said when it was begun."""
        return max((one.answered.least_chunk or 0 for one in self.operations), default=0)

    def least(self, one: Operation) -> tuple[int, Operation | None]:
        """Bytes that it certainly held throughout an operation if it was there, and what shows it.

        None where it may have been closed or cancelled: what a registry makes of an upload that could not be closed is
        its own affair.
        """
        if self._may_be_over(one):
            return 0, None
        proofs = (
            (held, other) for other in self.operations if other.end_ns < one.start_ns and (held := self._shown(other))
        )
        return max(proofs, key=lambda proof: proof[0], default=(0, None))

    def most(self, end: int, *, without: Operation | None = None) -> int:
        """Bytes that it can have held by `end`, not counting what one operation sent."""
        return max((reach(one) for one in self.may_write(end) if one is not without), default=0)

    def may_write(self, end: int) -> list[Operation]:
        """Operations that had begun by `end` and may have stored something."""
        return [one for one in self._writers if one.start_ns <= end and may_have_stored(one)]

    def is_there(self, one: Operation) -> bool:
        """Whether it was certainly begun before an operation, and nothing else can have ended it before that ended."""
        is_begun = any(
            other.f is F.START_UPLOAD and other.kind is OK and other.end_ns < one.start_ns for other in self.operations
        )
        return is_begun and not self._may_be_over(one)

    def is_whole(self, end: Operation) -> bool:
        """Whether, with what a closing PUT sends itself, all bytes were certainly there, and were the blob's."""
        least, _ = self.least(end)
        if end.asked.range is None:
            has_all = least >= self.size
        else:
            has_all = end.asked.range[0] == least == self.most(end.end_ns, without=end)
        writers = self.may_write(end.end_ns)
        are_right = all(is_as_said(one) and not one.asked.wrong_bytes for one in writers)
        return has_all and are_right and self.is_there(end)

    def cancel(self, one: Operation) -> Operation | None:
        """The cancel that was acknowledged as done before an operation began, if there is one."""
        return next(
            (
                other
                for other in self.operations
                if other.f is F.CANCEL_UPLOAD and other.answered.status in _ENACTED and other.end_ns < one.start_ns
            ),
            None,
        )

    def is_alone(self, one: Operation) -> bool:
        """Whether nothing else of this upload was under way during an operation, an unanswered one included."""
        return not any(
            other is not one and other.start_ns <= one.end_ns and other.end_ns >= one.start_ns
            for other in self.operations
        )

    def is_calm(self) -> bool:
        """Whether all of its operations came one after another, and were answered, undisturbed by faults of ours."""
        return all(self.is_alone(one) and not one.faults for one in self.operations)

    def count(self, evidence: Counter[str]) -> None:
        """Count what became of it."""
        evidence["uploads"] += 1
        is_finished = any(
            one.f is F.FINISH_UPLOAD and one.kind is OK and not one.asked.wrong_bytes for one in self.operations
        )
        is_broken = any(one.kind is not OK and (one.kind is INFO or one.faults) for one in self.operations)
        evidence["resumed"] += is_finished and is_broken
        evidence["contended"] += any(
            other.process != one.process
            and INFO not in (one.kind, other.kind)
            and other.start_ns <= one.end_ns
            and other.end_ns >= one.start_ns
            for place, one in enumerate(self._writers)
            for other in self._writers[place + 1 :]
            if may_have_stored(one) or may_have_stored(other)
        )

    def _may_be_over(self, one: Operation) -> bool:
        """Whether another operation than this one can have ended it before this one ended."""
        return any(
            other.f in _ENDS and other is not one and other.start_ns <= one.end_ns and _may_have_ended_it(other)
            for other in self.operations
        )

    def _shown(self, one: Operation) -> int:
        """Bytes that it held, for good, at the end of an operation, as far as that shows it."""
        if one.kind is not OK:
            return 0
        if one.f is F.PATCH_UPLOAD:
            return reach(one) if is_as_said(one) and not self._is_beyond(one) else 0
        told = stored(one)
        is_settled = all(other.end_ns < one.start_ns for other in self.may_write(one.end_ns))
        return told if one.f is F.GET_UPLOAD and told > 1 and is_settled else 0

    def _is_beyond(self, one: Operation) -> bool:
        return one.asked.range is not None and one.asked.range[0] > self.most(one.end_ns, without=one)


def sent(one: Operation) -> int:
    """Bytes of a chunk that an operation sends."""
    if one.f is F.PATCH_UPLOAD:
        return one.asked.size or 0
    if one.f is F.FINISH_UPLOAD and one.asked.range is not None:
        return one.asked.range[1] + 1 - one.asked.range[0]
    return 0


def reach(one: Operation) -> int:
    """Where the bytes that an operation sends can end: as it says, or as many as they are."""
    first, last = one.asked.range or (0, -1)
    return max(last + 1, first + sent(one))


def is_as_said(one: Operation) -> bool:
    """Whether the chunk is as long as its Content-Range says."""
    return one.asked.range is not None and one.asked.range[1] + 1 - one.asked.range[0] == sent(one)


def stored(one: Operation) -> int:
    """Bytes that the registry said it holds, after an operation."""
    return one.answered.stored_offsets[-1] if one.answered.stored_offsets else UNREADABLE


def may_have_stored(one: Operation) -> bool:
    """A chunk that was refused as out of order left nothing; of one refused otherwise, or cut, a part may remain."""
    if one.kind is not FAIL:
        return True
    status = one.answered.status
    return status is not None and (status != _OUT_OF_ORDER or bool(one.faults))


def _may_have_ended_it(one: Operation) -> bool:
    if one.f is F.CANCEL_UPLOAD:
        return may_have_happened(one)
    # A registry may drop an upload that was closed with a wrong digest (spec.md says nothing of it).
    return may_have_stored(one)
