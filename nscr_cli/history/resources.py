"""What a registry's process holds at one moment of a run: descriptors, threads, memory. Pure.

Noted as events `resources`. `baseline` is taken after the seed, before the load; `load` while it runs; `settled` once
all is quiet and every connection of the load is closed.
"""

from collections.abc import Iterable
from enum import StrEnum

import msgspec

from nscr_cli.history.ops import Event

EVENT = "resources"
_DESCRIPTORS_OF_A_RUNTIME = 32
_DESCRIPTORS_OF_A_REQUEST = 2
_THREADS_OF_A_RUNTIME = 64
_THREADS_OF_A_REQUEST = 2


class Moment(StrEnum):
    """When it was looked at."""

    BASELINE = "baseline"
    LOAD = "load"
    SETTLED = "settled"


class Resources(msgspec.Struct, frozen=True, kw_only=True):
    """What a process holds.

    Attributes:
        process: which one; another number is another life of the registry.
        descriptors: open files, `sockets` among them.
        memory_bytes: resident; `peak_memory_bytes`, the most it ever was.
    """

    process: int
    descriptors: int
    sockets: int
    threads: int
    memory_bytes: int
    peak_memory_bytes: int

    def detail(self) -> dict[str, str]:
        """As an event tells it."""
        return {name: str(getattr(self, name)) for name in self.__struct_fields__}


def resources_at(moment: Moment, events: Iterable[Event]) -> list[Resources]:
    """What was noted at this moment, in order."""
    return [
        msgspec.convert({**event.detail, "moment": None}, Resources, strict=False)
        for event in events
        if event.name == EVENT and event.detail.get("moment") == moment
    ]


def most_descriptors(baseline: Resources, workers: int) -> int:
    """As many as may be left open when all is quiet.

    A pool may keep what so many requests at once needed (a file and a connection to a database each), and a runtime
    opens a few when it first needs them. At the baseline the connections of our clients were open, and now are closed:
    they are to spare.
    """
    return baseline.descriptors + _DESCRIPTORS_OF_A_REQUEST * workers + _DESCRIPTORS_OF_A_RUNTIME


def most_threads(baseline: Resources, workers: int) -> int:
    """As many threads as may be left: pools keep what so many requests at once needed, and what a runtime adds."""
    return baseline.threads + _THREADS_OF_A_REQUEST * workers + _THREADS_OF_A_RUNTIME
