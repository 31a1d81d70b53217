"""The speed of a run: of the load alone, without what faults struck and without the bystander; the machine's pace."""

import math
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from nscr_cli.history.history import History
from nscr_cli.history.ops import Entry, Event, F, Kind, Op, Phase, PushStyle
from nscr_cli.history.plan import RunPlan
from nscr_cli.reporting.measures import Measures, comparable, latency_estimate, measures, pace_ms, rate_estimate
from nscr_cli.reporting.statistics import STRETCHES

EVEN = Measures(
    latencies={"get-blob": [[1.0, 2.0, 4.0]] * STRETCHES, "list-tags": [[8.0]] * STRETCHES},
    ended=[4] * STRETCHES,
    seconds=20.0,
    waited=0.0,
    ran=[0.5] * STRETCHES,
)


def test_the_load_alone_is_measured(plan: Callable[..., RunPlan], operation: Callable[..., list[Op]]) -> None:
    entries: list[Entry] = []
    for number in range(100):
        entries += operation(len(entries), start_ms=10 * number, intended_ms=10 * number, took_ms=5)
    refused = operation(200, start_ms=995, kind=Kind.FAIL)
    seed = operation(202, start_ms=0, phase=Phase.SEED)
    bystander = operation(204, start_ms=500, key="nscr-torture/r1/bystander:t")
    pushed = operation(206, start_ms=500, took_ms=7, f=F.PUSH_BLOB, style=PushStyle.POST_PUT)
    struck = Event(name="fault", time_ns=0, detail={"request": "r1-0.1", "fault": "x", "toxic": "latency"})
    found = measures(plan(), History([*entries, *refused, *seed, *bystander, *pushed, struck]))
    assert {name: sum(map(len, each)) for name, each in found.latencies.items()} == {
        "get-manifest": 99, "push-blob post-put": 1,
    }  # fmt: skip
    assert sum(found.ended) == 102
    assert found.seconds == pytest.approx(0.995, abs=0.001)
    assert (found.waited, found.ran) == (None, None)


def test_an_empty_run_has_no_speed(plan: Callable[..., RunPlan]) -> None:
    found = measures(plan(), History([]))
    assert (found.timed, list(found.ended)) == (0, [0] * STRETCHES)
    assert comparable([found], "p50") == []


def test_the_mean_of_logarithms_follows_the_weights() -> None:
    estimate = latency_estimate([EVEN], "p50", {"get-blob": 0.75, "list-tags": 0.25})
    assert estimate.of_whole[0] == pytest.approx(0.75 * math.log(2) + 0.25 * math.log(8))
    assert estimate.without == ((pytest.approx(estimate.of_whole[0]),) * STRETCHES,)


def test_a_machine_of_half_the_pace_changes_no_ratio_that_is_told_by_pace() -> None:
    slow = msgspec.structs.replace(
        EVEN,
        latencies={name: [[2 * ms for ms in each] for each in of] for name, of in EVEN.latencies.items()},
        ran=[1.0] * STRETCHES,
        seconds=40.0,
    )
    for by_pace, times in ((True, 1.0), (False, 2.0)):
        weights: dict[str, Any] = {"get-blob": 1.0}
        of_slow, of_even = (latency_estimate([one], "p50", weights, by_pace=by_pace) for one in (slow, EVEN))
        assert math.exp(of_slow.of_whole[0] - of_even.of_whole[0]) == pytest.approx(times)
        of_slow, of_even = (rate_estimate([one], by_pace=by_pace) for one in (slow, EVEN))
        assert math.exp(of_even.of_whole[0] - of_slow.of_whole[0]) == pytest.approx(times)
    assert (pace_ms([slow]), pace_ms([EVEN, EVEN])) == (250.0, 125.0)
    assert pace_ms([EVEN, msgspec.structs.replace(EVEN, ran=None)]) is None


def test_what_was_asked_too_seldom_is_not_compared() -> None:
    assert comparable([EVEN], "p50") == ["get-blob"]
    assert comparable([EVEN], "p90") == []
    assert comparable([EVEN, msgspec.structs.replace(EVEN, latencies={})], "p50") == []
