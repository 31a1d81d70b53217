"""How fast a run was, in the form in which runs are compared: latencies by operation and by stretch of time. Pure.

Of the load alone: what was ok, what no fault of ours struck, and not the bystander's. Latencies count from the
intended start, as everywhere.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from operator import itemgetter

import msgspec

from nscr_cli.history.bystander import is_bystanders
from nscr_cli.history.history import Operation, Recorded
from nscr_cli.history.ops import Kind, Phase
from nscr_cli.history.plan import RunPlan
from nscr_cli.history.processor import ran_between, waited_share
from nscr_cli.reporting.latency import nearest_rank
from nscr_cli.reporting.statistics import STRETCHES, Estimate

MEDIAN = "p50"
QUANTILES = {MEDIAN: 0.5, "p90": 0.9, "p99": 0.99}
_NEEDED = {MEDIAN: 20, "p90": 100, "p99": 1000}  # at least ten operations lie beyond the quantile
ALL = "all"


class Measures(msgspec.Struct, frozen=True, kw_only=True):
    """The speed of one run.

    Attributes:
        latencies: ascending milliseconds, by operation and push style, in each stretch of the load.
        ended: operations of the load in each stretch, whatever became of them.
        seconds: length of the load.
        waited: how long the load waited for a processor for each second that it ran; None where nobody noted it.
        ran: seconds that the load itself ran in each stretch, on whichever processors; None likewise.
    """

    latencies: Mapping[str, Sequence[Sequence[float]]]
    ended: Sequence[int]
    seconds: float
    waited: float | None
    ran: Sequence[float] | None = None

    @property
    def timed(self) -> int:
        """How many operations were timed."""
        return sum(len(stretch) for stretches in self.latencies.values() for stretch in stretches)


def measures(plan: RunPlan, history: Recorded) -> Measures:
    """How fast a run was."""
    load = [one for one in history.operations if one.phase is Phase.MAIN and not is_bystanders(one, plan)]
    begin = min((one.intended_ns for one in load), default=0)
    end = max((one.intended_ns for one in load), default=0) + 1
    latencies: dict[str, list[list[float]]] = {}
    ended = [0] * STRETCHES
    for one in load:
        stretch = (one.intended_ns - begin) * STRETCHES // (end - begin)
        ended[stretch] += 1
        if one.kind is Kind.OK and not one.faults:
            by_stretch = latencies.setdefault(_name(one), [[] for _ in range(STRETCHES)])
            by_stretch[stretch].append((one.end_ns - one.intended_ns) / 1e6)
    for by_stretch in latencies.values():
        for each in by_stretch:
            each.sort()
    bounds = [begin + (end - begin) * number // STRETCHES for number in range(STRETCHES + 1)]
    ran = ran_between(history.events, bounds)
    return Measures(
        latencies=latencies,
        ended=ended,
        seconds=(end - begin) / 1e9,
        waited=waited_share(history.events, begin, end),
        ran=[ns / 1e9 for ns in ran] if ran is not None else None,
    )


def comparable(runs: Iterable[Measures], quantile: str) -> list[str]:
    """The operations of which every run has enough for this quantile."""
    kept = list(runs)
    return [
        name
        for name in sorted(kept[0].latencies)
        if all(sum(map(len, run.latencies.get(name, ()))) >= _NEEDED[quantile] for run in kept)
    ]


def latency_estimate(
    runs: Sequence[Measures], quantile: str, weights: Mapping[str, float], *, by_pace: bool = False
) -> Estimate:
    """The mean of some operations' quantiles, each with its weight, as the runs of one side tell it.

    The mean of logarithms: it moves by as much as all operations move, whatever each takes and however they are mixed.

    Args:
        by_pace: in terms of what the load itself ran for each operation, instead of milliseconds: that is the same work
            in every run of a plan, and takes longer where the machine is slower.
    """
    share, total = QUANTILES[quantile], sum(weights.values())
    whole, without = [], []
    for run in runs:
        parts = [
            sum(weight * _without(run.latencies[name], left, share) for name, weight in weights.items()) / total
            - (_pace(run, left) if by_pace else 0.0)
            for left in (None, *range(STRETCHES))
        ]
        whole.append(parts[0])
        without.append(tuple(parts[1:]))
    return Estimate(of_whole=tuple(whole), without=tuple(without))


def rate_estimate(runs: Sequence[Measures], *, by_pace: bool = False) -> Estimate:
    """Operations a second; or in each second that the machine needs for what the load runs for an operation."""
    whole, without = [], []
    for run in runs:
        rates = [
            math.log(sum(run.ended) - (run.ended[left] if left is not None else 0))
            - math.log(run.seconds * (1.0 if left is None else (STRETCHES - 1) / STRETCHES))
            + (_pace(run, left) if by_pace else 0.0)
            for left in (None, *range(STRETCHES))
        ]
        whole.append(rates[0])
        without.append(tuple(rates[1:]))
    return Estimate(of_whole=tuple(whole), without=tuple(without))


def pace_ms(runs: Sequence[Measures]) -> float | None:
    """What the load ran for each of its operations; None where that was not noted."""
    ran = [sum(run.ran) for run in runs if run.ran is not None]
    count = sum(sum(run.ended) for run in runs)
    return 1000 * sum(ran) / count if len(ran) == len(runs) and count else None


def shares(runs: Sequence[Measures]) -> dict[str, float]:
    """The mix of what was timed, as shares of all."""
    counts: dict[str, int] = {}
    for run in runs:
        for name, by_stretch in run.latencies.items():
            counts[name] = counts.get(name, 0) + sum(map(len, by_stretch))
    total = sum(counts.values())
    return {name: count / total for name, count in sorted(counts.items(), key=itemgetter(0))}


def quantile_ms(runs: Sequence[Measures], name: str, quantile: str) -> float:
    """Of all runs of one side together."""
    return nearest_rank(sorted(ms for run in runs for each in run.latencies[name] for ms in each), QUANTILES[quantile])


def _pace(run: Measures, left: int | None) -> float:
    kept = [place for place in range(STRETCHES) if place != left]
    ran = sum(run.ran[place] for place in kept) if run.ran is not None else 0.0
    return math.log(max(ran, 1e-9) / max(1, sum(run.ended[place] for place in kept)))


def _without(by_stretch: Sequence[Sequence[float]], left: int | None, share: float) -> float:
    kept = sorted(ms for place, each in enumerate(by_stretch) if place != left for ms in each)
    if not kept:  # all of them lie in one stretch
        kept = sorted(ms for each in by_stretch for ms in each)
    return math.log(max(nearest_rank(kept, share), 1e-6))


def _name(operation: Operation) -> str:
    style = operation.asked.style
    return f"{operation.f.value} {style.value}" if style is not None else operation.f.value
