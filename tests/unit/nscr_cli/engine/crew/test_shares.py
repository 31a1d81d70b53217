"""Shares: all of them together are the whole, and a logical process is in exactly one, with all its successors."""

from datetime import UTC, datetime
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nscr_cli.engine.arrivals import Arrivals
from nscr_cli.engine.crew.shares import WHOLE, Share
from nscr_cli.engine.load_shape import arrivals_of
from nscr_cli.engine.plan import Flags, make_plan
from nscr_cli.history.plan import RunPlan, Scenario

SCENARIO = Scenario(title="t", description="d", workload="tags")


def plan(flags: Flags) -> RunPlan:
    return make_plan("tags", SCENARIO, flags, started=datetime(2026, 1, 2, tzinfo=UTC), chance=Random(1))


def shares(count: int) -> list[Share]:
    return [Share(number, count) for number in range(count)]


def due(arrivals: Arrivals | None) -> list[int]:
    times: list[int] = []
    while arrivals is not None and (taken := arrivals.next()) is not None:
        time_ns, arrivals = taken
        times.append(time_ns)
    return times


@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 1000), st.integers(10**7, 10**12), st.floats(0.1, 1e4))
def test_the_shares_are_the_whole(workers: int, count: int, operations: int, size: int, rate: float) -> None:
    processes = min(workers, count)  # more than that are refused
    whole = plan(Flags(workers=workers, processes=processes, max_operations=operations, max_bytes=size, max_rate=rate))
    assert whole.processes == processes
    split = shares(whole.processes)
    assert sorted(process for share in split for process in share.processes(whole)) == list(range(workers))
    bounds = [share.plan(whole) for share in split]
    assert sum(one.max_operations or 0 for one in bounds) == operations
    assert sum(one.max_bytes or 0 for one in bounds) == size
    assert sum(one.max_rate or 0 for one in bounds) == pytest.approx(rate)
    for share, bound in zip(split, bounds, strict=True):
        fair = operations * len(share.processes(whole)) / workers
        assert abs((bound.max_operations or 0) - fair) < 1


@given(st.integers(1, 12), st.sampled_from([0.0, 1.5]))
def test_the_arrivals_of_all_are_the_schedule(count: int, ramp_s: float) -> None:
    whole = plan(Flags(workers=12, processes=count, rate=30.0, ramp_s=ramp_s, duration_s=3.0))
    together = sorted(time for share in shares(count) for time in due(arrivals_of(whole, 7, share)))
    assert together == due(arrivals_of(whole, 7, WHOLE))


def test_one_process_has_it_all() -> None:
    whole = plan(Flags(workers=5, max_operations=7, max_rate=3.0))
    assert whole.processes == 1
    assert WHOLE.plan(whole) == whole
    assert list(WHOLE.processes(whole)) == [0, 1, 2, 3, 4]


def test_bounds_that_nobody_set_stay_so() -> None:
    bare = Share(1, 2).plan(plan(Flags(workers=4, processes=2)))
    assert (bare.max_operations, bare.max_bytes, bare.max_rate, bare.rate) == (None, None, None, None)
