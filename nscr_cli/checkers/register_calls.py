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


class RegisterCall(msgspec.Struct, frozen=True):
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

    Raises:
        ValueError: a value is written twice, or read though nobody had started to write it.
    """

    def __init__(self, calls: Sequence[RegisterCall], timeline: Timeline) -> None:
        self.numbers: dict[str, int] = {}
        self.all: list[Epoch] = []
        for position, call in enumerate(calls):
            if call.what in (What.WRITE, What.READ) and call.value is not None:
                self._widen(call.what, call.value, timeline.starts[position], timeline.ends[position])
        for position, call in enumerate(calls):
            number = self.numbers.get(call.value) if call.value is not None else None
            # A conditional delete of a value that is never written changes nothing at any time.
            if call.what is What.DELETE_IF and number is not None:
                epoch = self.all[number]
                epoch.conditional.append((timeline.starts[position], timeline.ends[position]))
                epoch.last_conditional_end = max(epoch.last_conditional_end, timeline.ends[position])
        for epoch in self.all:
            if epoch.written > epoch.first_end:
                raise ValueError("a value is read that nobody had started to write")

    def _widen(self, what: What, value: str, start: int, end: int) -> None:
        number = self.numbers.setdefault(value, len(self.all))
        if number == len(self.all):
            self.all.append(Epoch())
        epoch = self.all[number]
        if what is What.WRITE:
            if epoch.written != FOREVER:
                raise ValueError(f"{value} is written twice")
            epoch.written = start
        epoch.last_start = max(epoch.last_start, start)
        epoch.first_end = min(epoch.first_end, end)
