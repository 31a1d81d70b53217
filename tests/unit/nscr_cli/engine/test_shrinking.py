"""The search for a smaller run: it finds what is needed and no more, asks for nothing more, and ends."""

from collections.abc import Callable
from itertools import chain
from pathlib import Path
from random import Random

import msgspec
import pytest

from nscr_cli.checkers.verdict import Finding
from nscr_cli.engine.shrinking import MOST_RUNS, Attempt, Shrinking, Smallest, chosen
from nscr_cli.engine.smaller_plans import REDUCTIONS, extent, fewer_operations, leaps
from nscr_cli.history.faults import DropReply, Fault, Step
from nscr_cli.history.plan import RunPlan, Scenario

FAULTS = tuple(
    Fault(name=name, steps=(Step.PUT_MANIFEST,), toxics=(DropReply(),), share=0.1) for name in ("one", "two", "three")
)
PLAN = RunPlan(
    run_id="run",
    scenario_name="mixed",
    scenario=Scenario(
        title="t",
        description="d",
        workload="mixed",
        repositories=5,
        tags=6,
        blob_sizes=(10, 10**6),
        weights={name: number for number, name in enumerate("abcdefghijkl")},
        rate=50.0,
        ramp_s=1.0,
        faults=FAULTS,
    ),
    seed=7,
    workers=32,
    duration_s=9.0,
    registry_url="http://127.0.0.1:5000",
    namespace="n/run",
    started_utc="2026-01-01T00:00:00Z",
    nscr="0.1.0",
    max_operations=5000,
    rate=50.0,
    ramp_s=1.0,
)
FINDING = Finding(checker="tags", rule="lost-write", key="n/run/r:t", operations=(1, 9), clause="", explanation="")


def weight(plan: RunPlan) -> tuple[int, ...]:
    scenario = plan.scenario
    return (
        plan.workers,
        plan.max_operations or 10**9,
        scenario.repositories,
        scenario.tags,
        len(scenario.weights),
        len(scenario.faults),
        scenario.blob_sizes[1],
    )


def search(
    fails: Callable[[RunPlan], bool], *, operations: int | None = None, most_runs: int = 10**6
) -> tuple[Smallest, list[RunPlan]]:
    """The outcome of a search where `fails` says what a run comes to, and the plans that were run."""
    ran: list[RunPlan] = []

    def run(plan: RunPlan) -> Attempt:
        ran.append(plan)
        return Attempt(plan=plan, folder=Path(), finding=FINDING if fails(plan) else None, operations=operations)

    begin = Attempt(plan=PLAN, folder=Path(), finding=FINDING)
    shrinking = Shrinking(begin, run=run, is_over=lambda: len(ran) >= most_runs, tell=lambda line: None)
    return shrinking.search(confirmations=5), ran


def needs(plan: RunPlan) -> bool:
    """A bug that needs two workers, two errands, a fault, two tags and thirty operations."""
    scenario = plan.scenario
    return (
        plan.workers >= 2
        and {"c", "h"} <= set(scenario.weights)
        and "two" in {fault.name for fault in scenario.faults}
        and scenario.tags >= 2
        and (plan.max_operations or 99) >= 30
    )


def test_what_is_needed_stays_and_the_rest_goes() -> None:
    smallest, ran = search(needs)
    assert needs(smallest.plan)
    assert weight(smallest.plan)[:1] == (2,)
    assert 30 <= (smallest.plan.max_operations or 0) <= 36
    assert weight(smallest.plan)[2:] == (1, 2, 2, 1, 1024)
    assert [fault.name for fault in smallest.plan.scenario.faults] == ["two"]
    assert smallest.plan.rate is None
    assert smallest.runs == len(ran) <= MOST_RUNS + 5
    assert len([one for one in smallest.attempts if one.finding]) == 6


def test_operations_end_where_the_proof_does() -> None:
    smallest, _ = search(lambda plan: (plan.max_operations or 0) >= 40, operations=40)
    assert smallest.plan.max_operations == 40


@pytest.mark.parametrize("seed", range(5))
def test_a_bug_that_shows_in_every_third_run_is_followed_all_the_same(seed: int) -> None:
    chance = Random(seed)
    smallest, _ = search(lambda plan: needs(plan) and chance.random() < 0.34)
    assert needs(smallest.plan)
    assert smallest.plan.workers < PLAN.workers, f"seed {seed}"


def test_a_bug_that_never_shows_again_leaves_the_run_as_it_was() -> None:
    smallest, ran = search(lambda plan: False)
    assert smallest.plan == PLAN
    assert smallest.attempts[-1].finding == FINDING
    assert len(ran) <= MOST_RUNS + 5


def test_it_ends_when_time_is_up() -> None:
    smallest, ran = search(needs, most_runs=4)
    assert len(ran) == 4 + 5
    assert needs(smallest.plan)


def test_it_ends_at_once_when_it_is_interrupted() -> None:
    def run(plan: RunPlan) -> Attempt:
        return Attempt(plan=plan, folder=Path(), is_interrupted=True)

    begin = Attempt(plan=PLAN, folder=Path(), finding=FINDING)
    shrinking = Shrinking(begin, run=run, is_over=lambda: False, tell=lambda line: None)
    assert shrinking.search(confirmations=5) == Smallest(attempts=(begin,), runs=1)


def test_no_candidate_asks_for_more_than_the_plan_or_of_anybody_else() -> None:
    candidates = list(chain.from_iterable(reduce(PLAN) for reduce in (*REDUCTIONS, leaps, fewer_operations)))
    assert len(candidates) > 40
    for candidate in candidates:
        assert all(now <= before for now, before in zip(weight(candidate), weight(PLAN), strict=True))
        assert weight(candidate) != weight(PLAN) or candidate.rate is None
        assert candidate.scenario.weights.items() <= PLAN.scenario.weights.items()
        assert (candidate.rate or candidate.max_rate) == PLAN.rate
        assert any(candidate.scenario.weights.values())
        same = ("registry_url", "namespace", "keep", "sabotages", "request_timeout_s", "duration_s")
        assert all(getattr(candidate, name) == getattr(PLAN, name) for name in same)
    single = msgspec.structs.replace(PLAN, workers=1, max_operations=1)
    assert list(fewer_operations(single)) == []


def test_the_extent_of_a_plan_in_words() -> None:
    assert extent(PLAN) == "32 workers, 5000 operations, 5 repositories, 6 tags, 11 errands, 3 faults"
    scenario = msgspec.structs.replace(PLAN.scenario, weights={"a": 1}, repositories=1, tags=1, faults=())
    small = msgspec.structs.replace(PLAN, workers=1, max_operations=None, scenario=scenario)
    assert extent(small) == "1 worker, any number of operations, 1 repository, 1 tag, 1 errand (a)"


def test_the_finding_that_is_proven_first_is_looked_for() -> None:
    later = msgspec.structs.replace(FINDING, operations=(2, 99))
    figure = msgspec.structs.replace(FINDING, rule="untrue-figure", operations=())
    other = msgspec.structs.replace(FINDING, rule="stale-read", operations=(0, 3))
    assert chosen([figure, later, FINDING, other]) == FINDING
    assert chosen([later, other], "stale-read") == other
    assert chosen([figure]) is None
