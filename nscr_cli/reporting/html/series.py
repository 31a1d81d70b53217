"""What the plots of a run show: its operations, faults and figures by steps of time, at most 160 of them. Pure.

Latencies are counted in bins 3 % wide, so that a percentile is at most 1.6 % off. Made by folding.py.
"""

from collections import Counter
from collections.abc import Iterable, Iterator

import msgspec

MOST_STEPS = 160
BIN_BITS = 12
FAIL, INFO = (1 << BIN_BITS) - 2, (1 << BIN_BITS) - 1
"""Bins of what has no latency."""


class Gauge(msgspec.Struct, frozen=True):
    """A figure of the monitoring API within one step."""

    least: int
    most: int
    last: int


class FaultCount(msgspec.Struct, frozen=True, kw_only=True):
    """What one planned fault did.

    Attributes:
        strikes: by step.
        most_in_flight: most operations that were in flight when it struck.
    """

    name: str
    strikes: dict[int, int]
    most_in_flight: int

    @property
    def total(self) -> int:
        """How often it struck."""
        return sum(self.strikes.values())


class Mark(msgspec.Struct, frozen=True):
    """Something that happened to the run at one instant."""

    name: str
    time_ns: int
    detail: str


class Series(msgspec.Struct, frozen=True, kw_only=True):
    """A run by steps of time.

    Attributes:
        step_ns: length of a step; the first begins with the run.
        steps: how many there are.
        end_ns: of the last thing that happened.
        cells: how many operations of a kind ended in a step, by `(kind, step)`, by bin of latency.
        unfinished: operations of each kind that have no end in the journal.
        gauges: figures of the monitoring API by name, by step.
        phases: name and begin of each phase, in order.
        environment: what the run wrote down of where it ran.
        registry_version: as the monitoring API tells it.
    """

    step_ns: int
    steps: int
    end_ns: int
    cells: dict[tuple[str, int], dict[int, int]]
    unfinished: dict[str, int]
    gauges: dict[str, dict[int, Gauge]]
    faults: tuple[FaultCount, ...]
    phases: tuple[tuple[str, int], ...]
    marks: tuple[Mark, ...]
    environment: dict[str, str] = {}
    registry_version: str | None = None

    @property
    def kinds(self) -> tuple[str, ...]:
        """Kinds of operations that ended, by name."""
        return tuple(sorted({kind for kind, _ in self.cells}))

    def ended(self, kind: str) -> list[int]:
        """How many operations of a kind ended in each step, however they did."""
        return [sum(self.cells.get((kind, step), {}).values()) for step in range(self.steps)]

    def troubled(self) -> tuple[list[int], list[int]]:
        """How many operations of all kinds ended `fail`, and `info`, in each step."""
        fail, info = [0] * self.steps, [0] * self.steps
        for (_, step), bins in self.cells.items():
            fail[step] += bins.get(FAIL, 0)
            info[step] += bins.get(INFO, 0)
        return fail, info

    def percentiles(self, kind: str, shares: Iterable[float]) -> list[list[float | None]]:
        """For each share, the latency in milliseconds that it did not exceed, in each step; None where none was ok."""
        bins = [_timed(self.cells.get((kind, step), {})) for step in range(self.steps)]
        return [[percentile(one, share) for one in bins] for share in shares]

    def latencies(self, kind: str) -> dict[int, int]:
        """How many operations of a kind that were ok lie in each bin of latency."""
        total: Counter[int] = Counter()
        for (name, _), bins in self.cells.items():
            if name == kind:
                total.update(_timed(bins))
        return dict(total)


def bands(steps: Iterable[int]) -> Iterator[tuple[int, int]]:
    """First and last step of each time without a gap of more than one step."""
    begin = end = None
    for step in sorted(set(steps)):
        if begin is not None and end is not None and step > end + 2:
            yield begin, end
            begin = None
        begin, end = step if begin is None else begin, step
    if begin is not None and end is not None:
        yield begin, end


def percentile(bins: dict[int, int], share: float) -> float | None:
    """By nearest rank, in milliseconds: the smallest latency that at least this share did not exceed."""
    wanted = share * sum(bins.values())
    seen = 0
    for place in sorted(bins):
        seen += bins[place]
        if seen >= wanted:
            return latency_of(place)
    return None


def latency_of(place: float) -> float:
    """The middle of a bin, in milliseconds."""
    shift, rest = divmod(place, 32)
    if shift < 2:
        return place / 1000
    return ((rest + 32) * 2 ** (shift - 1) + 2 ** (shift - 2)) / 1000


def bin_of(latency_ns: int) -> int:
    """The bin of a latency."""
    microseconds = latency_ns // 1000
    if microseconds < 64:
        return max(0, microseconds)
    shift = microseconds.bit_length() - 6
    return min(FAIL - 1, (shift << 5) + (microseconds >> shift))


def _timed(bins: dict[int, int]) -> dict[int, int]:
    return {place: count for place, count in bins.items() if place < FAIL}
