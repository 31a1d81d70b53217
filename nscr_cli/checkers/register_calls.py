"""Calls on a register as the sweep sees them: on one timeline of unique positions, and by value as epochs."""

from collections.abc import Sequence
from enum import StrEnum

import msgspec

FOREVER = 2**63


class What(StrEnum):
    """What a call does to the register."""

    WRITE = "write"
    READ = "read"
    DELETE = "delete"
    DELETE_IF = "delete-if"


class RegisterCall(msgspec.Struct, frozen=True, gc=False):
    """A call on the register.

    Attributes:
        end: None where it never returned; reads always did.
        value: written, read or conditionally deleted; None for a delete, and for a read that found nothing.
    """

    what: What
    start: int
    end: int | None
    value: str | None = None


class Epoch:
    """What is known about one value: all stamps are positions on the timeline.

    Attributes:
        written: start of its write.
        last_start: of its write and reads: before that its epoch cannot be over.
        first_end: of its write and reads: by then its epoch must have begun.
        conditional: (start, end) of its conditional deletes.
        last_conditional_end: of those.
    """

    __slots__ = ("conditional", "first_end", "last_conditional_end", "last_start", "written")

    def __init__(self) -> None:
        self.written = FOREVER
        self.last_start = -1
        self.first_end = FOREVER
        self.conditional: list[tuple[int, int]] = []
        self.last_conditional_end = -1

    def has_conditional_at(self, now: int) -> bool:
        """Whether one of its conditional deletes was pending at that instant."""
        return any(start <= now < end for start, end in self.conditional)


class Timeline:
    """Starts and ends in order, each at a position of its own; starts come before ends of the same instant.

    So there are no ties left, and "ended before it began" is the same as with closed intervals.

    Attributes:
        starts, ends: position of each call; FOREVER where it never ended.
        order: (is an end, call) by position.
    """

    def __init__(self, calls: Sequence[RegisterCall]) -> None:
        events = [(call.start, False, number) for number, call in enumerate(calls)]
        events += [(call.end, True, number) for number, call in enumerate(calls) if call.end is not None]
        events.sort()
        self.starts = [0] * len(calls)
        self.ends = [FOREVER] * len(calls)
        for now, (_, is_end, number) in enumerate(events):
            (self.ends if is_end else self.starts)[number] = now
        self.order = [(is_end, number) for _, is_end, number in events]


class Epochs:
    """The epochs of all values that are written or read; `numbers` gives each value its place in `all`.

    Attributes:
        of_call: the number of the value that a call writes or reads; -1 for all other calls.

    Raises:
        ValueError: a value is written twice, or read though nobody had started to write it.
    """

    def __init__(self, calls: Sequence[RegisterCall], timeline: Timeline) -> None:
        self.numbers: dict[str, int] = {}
        self.all: list[Epoch] = []
        self.of_call = [-1] * len(calls)
        numbers, starts, ends = self.numbers, timeline.starts, timeline.ends
        write, read = What.WRITE, What.READ
        for position, call in enumerate(calls):
            what, value = call.what, call.value
            if value is None or (what is not read and what is not write):
                continue
            number = numbers.get(value)
            if number is None:
                number = numbers[value] = len(self.all)
                self.all.append(Epoch())
            self.of_call[position] = number
            epoch = self.all[number]
            start, end = starts[position], ends[position]
            if what is write:
                if epoch.written != FOREVER:
                    raise ValueError(f"{value} is written twice")
                epoch.written = start
            if start > epoch.last_start:
                epoch.last_start = start
            if end < epoch.first_end:
                epoch.first_end = end
        self._add_conditional_deletes(calls, timeline)
        for epoch in self.all:
            if epoch.written > epoch.first_end:
                raise ValueError("a value is read that nobody had started to write")

    def _add_conditional_deletes(self, calls: Sequence[RegisterCall], timeline: Timeline) -> None:
        """A conditional delete of a value that is never written changes nothing at any time."""
        delete_if = What.DELETE_IF
        for position, call in enumerate(calls):
            number = self.numbers.get(call.value or "") if call.what is delete_if else None
            if number is not None:
                epoch = self.all[number]
                epoch.conditional.append((timeline.starts[position], timeline.ends[position]))
                epoch.last_conditional_end = max(epoch.last_conditional_end, timeline.ends[position])
