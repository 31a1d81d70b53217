"""Thresholds: how fast a scenario wants a registry to be. Pure.

A threshold is written `"<percentile>.<operation>" = "<duration>"`; of the bystander also as so many times what it was
before the load, `"p99.bystander" = "20x"`. It judges speed and nothing else: it neither excuses
a finding nor makes one, and counts (exit code 4) only where the verdict is VALID. One that had nothing to measure has
not held: where nobody asked, nobody knows.
"""

import re
from collections.abc import Iterable, Iterator
from enum import StrEnum

import msgspec

from nscr_cli.durations import parse_duration
from nscr_cli.errors import UsageError
from nscr_cli.history.bystander import is_before, is_bystanders
from nscr_cli.history.history import Operation
from nscr_cli.history.ops import F, Kind, Phase
from nscr_cli.history.plan import RunPlan
from nscr_cli.reporting.latency import nearest_rank

ALL = "all"
PERCENTILES = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99, "p99.9": 0.999, "max": 1.0}
BYSTANDER = "bystander"
SUBJECTS = (*F, ALL, BYSTANDER)
_BEFORE = "bystander before the load"
_FACTOR = re.compile(r"(\d+(?:\.\d+)?)x", re.ASCII)


class Speed(StrEnum):
    """What became of a threshold."""

    HELD = "held"
    BREACHED = "breached"
    NOT_MEASURED = "not measured"


class Threshold(msgspec.Struct, frozen=True, kw_only=True):
    """A threshold and what was measured.

    Attributes:
        name, limit: as the scenario writes them.
        limit_ms: None where it is relative, and there is nothing to relate it to.
        measured_ms: None where there was no such operation.
        operations: how many were measured.
    """

    name: str
    limit: str
    limit_ms: float | None
    measured_ms: float | None
    operations: int

    @property
    def speed(self) -> Speed:
        """Whether it held."""
        if self.measured_ms is None or self.limit_ms is None:
            return Speed.NOT_MEASURED
        return Speed.HELD if self.measured_ms <= self.limit_ms else Speed.BREACHED


def limit_ms(limit: str) -> float | None:
    """The milliseconds of a limit as it is written; None where it is no duration."""
    try:
        return parse_duration(limit) * 1000
    except UsageError:
        return None


def factor(limit: str) -> float | None:
    """So many times what it was before; None where that is not how it is written."""
    match = _FACTOR.fullmatch(limit.strip())
    return float(match[1]) if match is not None and float(match[1]) > 0 else None


def measured(plan: RunPlan, operations: Iterable[Operation]) -> tuple[Threshold, ...]:
    """Every threshold of the scenario, against the operations of the main phase.

    Measured are those that were ok, from their intended start to their end, but for those that a fault of ours struck:
    how long these took is our doing.
    """
    if not plan.scenario.thresholds:
        return ()
    latencies = _latencies(plan, operations)
    return tuple(_measured(name, limit, latencies) for name, limit in plan.scenario.thresholds.items())


def _latencies(plan: RunPlan, operations: Iterable[Operation]) -> dict[str, list[float]]:
    """Ascending, by subject."""
    latencies: dict[str, list[float]] = {}
    for one in operations:
        if one.kind is Kind.OK and not one.faults:
            for subject in _subjects(plan, one):
                latencies.setdefault(subject, []).append((one.end_ns - one.intended_ns) / 1e6)
    for each in latencies.values():
        each.sort()
    return latencies


def _subjects(plan: RunPlan, operation: Operation) -> Iterator[str]:
    if is_bystanders(operation, plan):
        if operation.phase is not Phase.FINAL:
            yield _BEFORE if is_before(operation) else BYSTANDER
    elif operation.phase is Phase.MAIN:
        yield operation.f.value
        yield ALL


def _measured(name: str, limit: str, latencies: dict[str, list[float]]) -> Threshold:
    percentile, _, subject = name.rpartition(".")
    found, before, times = latencies.get(subject, []), latencies.get(_BEFORE, []), factor(limit)
    related = nearest_rank(before, PERCENTILES[percentile]) if before else None
    return Threshold(
        name=name,
        limit=limit,
        limit_ms=limit_ms(limit) if times is None else related and times * related,
        measured_ms=nearest_rank(found, PERCENTILES[percentile]) if found else None,
        operations=len(found),
    )
