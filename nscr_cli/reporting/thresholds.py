"""Thresholds: how fast a scenario wants a registry to be. Pure.

A threshold is written `"<percentile>.<operation>" = "<duration>"`. It judges speed and nothing else: it neither excuses
a finding nor makes one, and counts (exit code 4) only where the verdict is VALID. One that had nothing to measure has
not held: where nobody asked, nobody knows.
"""

from collections.abc import Iterable, Iterator
from enum import StrEnum

import msgspec

from nscr_cli.durations import parse_duration
from nscr_cli.errors import UsageError
from nscr_cli.history.history import Operation
from nscr_cli.history.ops import F, Kind, Phase
from nscr_cli.history.plan import RunPlan
from nscr_cli.reporting.latency import nearest_rank

ALL = "all"
PERCENTILES = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "p99.9": 0.999, "max": 1.0}
SUBJECTS = (*F, ALL)


class Speed(StrEnum):
    """What became of a threshold."""

    HELD = "held"
    BREACHED = "breached"
    NOT_MEASURED = "not measured"


class Threshold(msgspec.Struct, frozen=True, kw_only=True):
    """A threshold and what was measured.

    Attributes:
        name, limit: as the scenario writes them.
        measured_ms: None where there was no such operation.
        operations: how many were measured.
    """

    name: str
    limit: str
    limit_ms: float
    measured_ms: float | None
    operations: int

    @property
    def speed(self) -> Speed:
        """Whether it held."""
        if self.measured_ms is None:
            return Speed.NOT_MEASURED
        return Speed.HELD if self.measured_ms <= self.limit_ms else Speed.BREACHED


def limit_ms(limit: str) -> float | None:
    """The milliseconds of a limit as it is written; None where it is no duration."""
    try:
        return parse_duration(limit) * 1000
    except UsageError:
        return None


def measured(plan: RunPlan, operations: Iterable[Operation]) -> tuple[Threshold, ...]:
    """Every threshold of the scenario, against the operations of the main phase.

    Measured are those that were ok, from their intended start to their end, but for those that a fault of ours struck:
    how long these took is our doing.
    """
    if not plan.scenario.thresholds:
        return ()
    latencies = _latencies(operations)
    return tuple(_measured(name, limit, latencies) for name, limit in plan.scenario.thresholds.items())


def _latencies(operations: Iterable[Operation]) -> dict[str, list[float]]:
    """Ascending, by subject."""
    latencies: dict[str, list[float]] = {}
    for one in operations:
        if one.phase is Phase.MAIN and one.kind is Kind.OK and not one.faults:
            for subject in _subjects(one):
                latencies.setdefault(subject, []).append((one.end_ns - one.intended_ns) / 1e6)
    for each in latencies.values():
        each.sort()
    return latencies


def _subjects(operation: Operation) -> Iterator[str]:
    yield operation.f.value
    yield ALL


def _measured(name: str, limit: str, latencies: dict[str, list[float]]) -> Threshold:
    percentile, _, subject = name.rpartition(".")
    found = latencies.get(subject, [])
    return Threshold(
        name=name,
        limit=limit,
        limit_ms=limit_ms(limit) or 0.0,
        measured_ms=nearest_rank(found, PERCENTILES[percentile]) if found else None,
        operations=len(found),
    )
