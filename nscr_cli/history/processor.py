"""How long the load waited for a processor while it was ready to run, as a run noted it. Pure.

Noted as events `processor`, each with what the kernel counted since the process began. Where others keep a machine
busy, requests take longer, and it is not the registry's doing: who compares two runs must know.
"""

import itertools
from bisect import bisect_right
from collections.abc import Iterable, Sequence

import msgspec

from nscr_cli.history.ops import Event

EVENT = "processor"


class Counted(msgspec.Struct, frozen=True, kw_only=True):
    """What the kernel counted of one process that loads.

    Attributes:
        process: its number.
        ran_ns: how long it ran; `waited_ns`, how long it could have run and did not.
    """

    process: int
    ran_ns: int
    waited_ns: int

    def detail(self) -> dict[str, str]:
        """As an event tells it."""
        return {name: str(getattr(self, name)) for name in self.__struct_fields__}


def waited_share(events: Iterable[Event], begin_ns: int = 0, end_ns: int = 2**63 - 1) -> float | None:
    """How long the load waited for each second that it ran, within these times; None where that was not noted."""
    first: dict[int, Counted] = {}
    last: dict[int, Counted] = {}
    for event in events:
        if event.name == EVENT and begin_ns <= event.time_ns <= end_ns:
            counted = msgspec.convert(event.detail, Counted, strict=False)
            first.setdefault(counted.process, counted)
            last[counted.process] = counted
    ran = sum(last[process].ran_ns - first[process].ran_ns for process in last)
    waited = sum(last[process].waited_ns - first[process].waited_ns for process in last)
    return waited / ran if ran > 0 else None


def ran_between(events: Iterable[Event], bounds_ns: Sequence[int]) -> list[float] | None:
    """How many nanoseconds all that loads ran from each of these times to the next; None where that was not noted.

    In between two notes it is taken to have run evenly, and before the first and after the last as beside them.
    """
    notes: dict[str, list[tuple[int, int]]] = {}
    for event in events:
        if event.name == EVENT:
            notes.setdefault(event.detail["process"], []).append((event.time_ns, int(event.detail["ran_ns"])))
    lines = [line for line in notes.values() if len(line) > 1]
    if not lines:
        return None
    totals = [sum(_ran_until(line, bound) for line in lines) for bound in bounds_ns]
    return [end - begin for begin, end in itertools.pairwise(totals)]


def _ran_until(line: Sequence[tuple[int, int]], time_ns: int) -> float:
    place = min(max(bisect_right(line, (time_ns, 0)), 1), len(line) - 1)
    (begin_ns, before), (end_ns, after) = line[place - 1 : place + 1]
    return before + (after - before) * (time_ns - begin_ns) / max(1, end_ns - begin_ns)
