"""Two runs side by side: a build that is slower is told, noise is not, and what nobody can tell is said to be so.

The simulated runs are as real ones: a disturbance lasts for many operations, tails are long, the seed stands.
"""

import math
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

import msgspec
import pytest

from nscr_cli.checkers.verdict import Finding, Result, Verdict
from nscr_cli.exits import Exit
from nscr_cli.history.plan import RunPlan
from nscr_cli.reporting.comparability import Side
from nscr_cli.reporting.comparison import Change, Comparison, compare
from nscr_cli.reporting.measures import Measures
from nscr_cli.reporting.run_report import RunReport
from nscr_cli.reporting.statistics import STRETCHES

KINDS = {"get-manifest": (4.0, 0.4), "get-blob": (9.0, 0.3), "push-blob post-put": (30.0, 0.2), "list-tags": (3.0, 0.1)}
MINUTES = {1: "2026-11-23T13:01:00Z", 2: "2026-11-23T13:02:00Z", 3: "2026-11-23T13:03:00Z", 4: "2026-11-23T13:04:00Z"}

Make = Callable[..., Side]


def _measured(
    chance: Random, *, slower: float = 1.0, only: str | None = None, count: int = 500, seconds: float = 10.0,
    drift: float = 0.02, scatter: float = 0.06, waited: float | None = 0.01,
) -> Measures:  # fmt: skip
    """A run whose disturbances last a twentieth of it, and whose level differs a little from that of others."""
    level, disturbance = chance.gauss(0, drift), 0.0
    latencies: dict[str, list[list[float]]] = {kind: [[] for _ in range(STRETCHES)] for kind in KINDS}
    ended = [0] * STRETCHES
    kinds, weights = list(KINDS), [share for _, share in KINDS.values()]
    for number in range(count):
        disturbance = 0.95 * disturbance + chance.gauss(0, scatter * math.sqrt(1 - 0.95**2))
        kind = chance.choices(kinds, weights)[0]
        factor = slower if only in (None, kind) else 1.0
        tail = chance.paretovariate(3) if chance.random() < 0.05 else 1.0
        took = KINDS[kind][0] * factor * tail * math.exp(level + disturbance + chance.gauss(0, 0.25))
        stretch = number * STRETCHES // count
        latencies[kind][stretch].append(took)
        ended[stretch] += 1
    for each in (stretch for stretches in latencies.values() for stretch in stretches):
        each.sort()
    return Measures(latencies=latencies, ended=ended, seconds=seconds, waited=waited)


@pytest.fixture
def side(plan: Callable[..., RunPlan], report: RunReport) -> Make:
    """Makes a run of one side; by default a valid one of the open model."""

    def make(measures: Measures, *, results: Sequence[Result] = (), folder: str = "r", **changed: Any) -> Side:
        judged = list(results) or [Result(checker="tags", verdict=Verdict.VALID)]
        told = msgspec.structs.replace(
            report,
            plan=plan(**{"rate": 50.0, "seed": 1} | changed),
            results=tuple(judged),
            verdict=max(one.verdict for one in judged),
            partial=False,
        )
        return Side(folder=folder, report=told, measures=measures)

    return make


def _pair(side: Make, seed: int, **slower: Any) -> Comparison:
    return compare([side(_measured(Random(f"{seed} new"), **slower))], [side(_measured(Random(f"{seed} old")))])


def test_the_same_build_is_never_slower(side: Make) -> None:
    changes = {seed: _pair(side, seed).speed for seed in range(20)}
    assert set(changes.values()) == {Change.WITHIN_NOISE}, changes


def test_a_build_that_is_slower_by_three_tenths_always_is(side: Make) -> None:
    found = {seed: _pair(side, seed, slower=1.3) for seed in range(20)}
    assert {one.exit_code for one in found.values()} == {Exit.THRESHOLD}, {s: one.speeds[0] for s, one in found.items()}
    covered = [one.speeds[0].low <= 1.3 <= one.speeds[0].high for one in found.values()]
    assert all(covered), covered


def test_one_operation_that_is_slower_is_named(side: Make) -> None:
    told = _pair(side, 1, slower=2.0, only="get-blob", count=2000)
    slower = {one.what for one in told.speeds if one.change is Change.SLOWER and one.what != "all"}
    assert slower == {"get-blob"}
    assert told.exit_code is Exit.THRESHOLD


def test_a_build_that_is_faster_is_no_regression(side: Make) -> None:
    told = _pair(side, 2, slower=0.6)
    assert (told.speed, told.exit_code) == (Change.FASTER, Exit.VALID)


@pytest.mark.parametrize(
    ("changed", "because"),
    [
        ({"waited": 0.8}, "too busy with other work"),
        ({"waited": None}, "too busy with other work"),
        ({"count": 100}, "at least 200 in 4 s"),
        ({"seconds": 2.0}, "at least 200 in 4 s"),
        ({"scatter": 0.9}, "one of the runs was unsteady"),
    ],
)
def test_without_enough_evidence_nobody_can_tell(side: Make, changed: dict[str, Any], because: str) -> None:
    told = _pair(side, 3, slower=1.1, **changed)
    assert (told.speed, told.exit_code) == (Change.CANNOT_TELL, Exit.UNKNOWN)
    assert because in " ".join(told.unsure)


def test_a_machine_of_another_pace_is_taken_out_and_one_that_changed_is_told(side: Make) -> None:
    def at(measures: Measures, pace: float) -> Side:
        latencies = {name: [[pace * ms for ms in each] for each in of] for name, of in measures.latencies.items()}
        return side(msgspec.structs.replace(measures, latencies=latencies, ran=[0.1 * pace] * STRETCHES))

    new, old = _measured(Random(5)), _measured(Random(6))
    told = compare([at(new, 1.4)], [at(old, 1.0)])
    assert (told.speed, told.exit_code) == (Change.WITHIN_NOISE, Exit.VALID)
    assert "1.40 times the processor time" in " ".join(told.notes)
    told = compare([at(new, 1.6)], [at(old, 1.0)])
    assert (told.speed, told.exit_code) == (Change.CANNOT_TELL, Exit.UNKNOWN)
    assert "the machine changed" in " ".join(told.unsure)


@pytest.mark.parametrize("changed", [{"workers": 4}, {"rate": 20.0}, {"processes": 2}, {"scenario_name": "x"}])
def test_speeds_under_another_load_are_not_compared(side: Make, plan: Callable[..., RunPlan], changed: Any) -> None:
    if "scenario_name" in changed:
        changed = {"scenario": msgspec.structs.replace(plan().scenario, workload="tags"), **changed}
    told = compare([side(_measured(Random(1)), **changed)], [side(_measured(Random(2)))])
    assert (told.speed, told.speeds, told.exit_code) == (Change.CANNOT_TELL, (), Exit.UNKNOWN)
    assert len(told.unsure) == 1


def test_another_seed_length_or_target_is_told(side: Make) -> None:
    told = compare(
        [side(_measured(Random(1)), seed=2, duration_s=9.0, sabotages=("slow-answers",))], [side(_measured(Random(2)))]
    )
    assert told.speed is Change.WITHIN_NOISE
    assert {note.split(":")[0] for note in told.notes} >= {"seed", "duration_s", "sabotages"}


def test_one_pair_is_said_to_be_one(side: Make) -> None:
    assert "one pair of runs" in " ".join(_pair(side, 4).notes)


def _several(side: Make, slower: float, drift: float, minutes: tuple[Sequence[int], Sequence[int]]) -> Comparison:
    new, old = (
        [
            side(
                _measured(Random(f"{name} {minute}"), slower=factor, drift=drift, waited=0.9),
                started_utc=MINUTES[minute],
            )
            for minute in of
        ]
        for name, of, factor in (("new", minutes[0], slower), ("old", minutes[1], 1.0))
    )
    return compare(new, old)


def test_runs_that_take_turns_tell_their_own_noise_whatever_the_machine_did(side: Make) -> None:
    turns = ((1, 2, 3, 4), (1, 2, 3, 4))
    assert _several(side, 1.3, 0.02, turns).speed is Change.SLOWER
    wide = _several(side, 1.0, 0.4, turns)
    assert (wide.speed, wide.exit_code) == (Change.CANNOT_TELL, Exit.UNKNOWN)
    assert "could hide in the noise" in " ".join(wide.unsure)
    assert wide.speeds[0].high / wide.speeds[0].low > 2
    assert "runs that took turns" in " ".join(wide.notes)


def test_runs_that_did_not_take_turns_cannot_tell_a_machine_that_drifts(side: Make) -> None:
    told = _several(side, 1.3, 0.02, ((3, 4, 4), (1, 1, 2)))
    assert "before all of the other" in " ".join(told.notes)
    assert told.speed is Change.CANNOT_TELL  # each of them was disturbed


def test_a_closed_loop_is_compared_by_its_rate_too(side: Make) -> None:
    new, old = _measured(Random(1), seconds=20.0), _measured(Random(2), seconds=10.0)
    told = compare([side(new, rate=None)], [side(old, rate=None)])
    (rate,) = [one for one in told.speeds if one.what == "rate"]
    assert rate.change is Change.SLOWER
    assert (rate.new, rate.old) == (25.0, 50.0)
    assert 1.9 < rate.ratio < 2.1


def _invalid(finding: Finding, *rules: str) -> list[Result]:
    findings = tuple(msgspec.structs.replace(finding, rule=rule) for rule in rules)
    return [Result(checker="tags", verdict=Verdict.INVALID, findings=findings)]


def test_promises_are_new_gone_or_still_broken(side: Make, finding: Finding) -> None:
    measures = _measured(Random(1))
    told = compare(
        [side(measures, results=_invalid(finding, "lost-write", "ghost-tag")), side(measures)],
        [side(measures, results=_invalid(finding, "lost-write", "phantom-tag"))],
    )
    assert {one.promise.rule: (one.became, one.new, one.old) for one in told.broken} == {
        "lost-write": ("still", 1, 1), "ghost-tag": ("new", 1, 0), "phantom-tag": ("gone", 0, 1),
    }  # fmt: skip
    assert told.exit_code is Exit.INVALID
    assert told.verdicts == (("tags", "INVALID", "INVALID"),)


def test_a_verdict_that_is_unknown_now_is_no_success(side: Make) -> None:
    unknown = [Result(checker="tags", verdict=Verdict.UNKNOWN, reasons=("few",))]
    told = compare([side(_measured(Random(1)), results=unknown)], [side(_measured(Random(2)))])
    assert (told.speed, told.exit_code) == (Change.WITHIN_NOISE, Exit.UNKNOWN)


def test_the_same_runs_give_the_same_comparison(side: Make) -> None:
    assert _pair(side, 7) == _pair(side, 7)


def test_of_one_pair_tails_are_shown_and_not_judged(side: Make) -> None:
    """A disk that others kept busy for half a run makes one operation in eight slower, and no build did."""

    def heavy(measures: Measures) -> Measures:
        latencies = {
            name: [sorted(ms * (10 if place % 8 == 0 else 1) for place, ms in enumerate(each)) for each in stretches]
            for name, stretches in measures.latencies.items()
        }
        return msgspec.structs.replace(measures, latencies=latencies)

    pair = [_measured(Random(seed), count=2000) for seed in (1, 2)]
    told = compare([side(heavy(pair[0]))], [side(pair[1])])
    tails = [one for one in told.speeds if one.quantile == "p90"]
    assert all(one.ratio > 3 and one.low > 1 for one in tails)
    assert {one.change for one in tails} == {Change.CANNOT_TELL}
    assert told.exit_code is Exit.VALID
    runs = [[_measured(Random(f"{name} {minute}"), count=2000) for minute in MINUTES] for name in ("new", "old")]
    several = [
        [side(one, started_utc=utc) for one, utc in zip(of, MINUTES.values(), strict=True)]
        for of in ([heavy(one) for one in runs[0]], runs[1])
    ]
    assert compare(*several).exit_code is Exit.THRESHOLD
