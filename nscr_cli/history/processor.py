"""How long the load waited for a processor while it was ready to run, as a run noted it. Pure.

Noted as events `processor`, each with what the kernel counted since the process began. Where others keep a machine
busy, requests take longer, and it is not the registry's doing: who compares two runs must know.
"""

from collections.abc import Iterable

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
