"""Thresholds judge speed and nothing else, and one that had nothing to measure has not held."""

import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from nscr_cli.checkers.verdict import Finding, Result, Verdict
from nscr_cli.exits import Exit
from nscr_cli.history.history import History
from nscr_cli.history.ops import Event, F, Kind, Op, Phase
from nscr_cli.history.plan import RunPlan
from nscr_cli.reporting.documents import verdict_document
from nscr_cli.reporting.run_report import RunReport, run_report
from nscr_cli.reporting.terminal import plain
from nscr_cli.reporting.thresholds import Speed

Operations = Callable[..., list[Op]]
Report = Callable[..., RunReport]


@pytest.fixture
def judged(plan: Callable[..., RunPlan], operation: Operations, finding: Finding) -> Report:
    """The report of a run whose reads took 1 to 100 ms, whose only put took 5 ms, under these thresholds."""

    def report(thresholds: dict[str, str], verdict: Verdict = Verdict.VALID, *more: Any) -> RunReport:
        scenario = msgspec.structs.replace(plan().scenario, thresholds=thresholds)
        entries = [one for number in range(100) for one in operation(2 * number, took_ms=number + 1)]
        entries += operation(200, f=F.PUT_MANIFEST, took_ms=5)
        findings = (finding,) if verdict is Verdict.INVALID else ()
        results = [Result(checker="c", verdict=verdict, findings=findings)]
        return run_report(
            plan(scenario=scenario), History([*entries, *more, Event(name="finished", time_ns=1)]), results
        )

    return report


@pytest.mark.parametrize(
    ("name", "limit", "speed", "measured_ms"),
    [
        ("p50.get-manifest", "50ms", Speed.HELD, 50),
        ("p99.get-manifest", "98ms", Speed.BREACHED, 99),
        ("p99.9.get-manifest", "1s", Speed.HELD, 100),
        ("max.put-manifest", "5ms", Speed.HELD, 5),
        ("max.all", "99ms", Speed.BREACHED, 100),
        ("p50.delete-tag", "1h", Speed.NOT_MEASURED, None),
    ],
)
def test_what_was_measured(judged: Report, name: str, limit: str, speed: Speed, measured_ms: float | None) -> None:
    (threshold,) = judged({name: limit}).thresholds
    assert (threshold.speed, threshold.measured_ms) == (speed, measured_ms)


def test_only_the_load_counts_and_what_we_did_not_slow_down_ourselves(judged: Report, operation: Operations) -> None:
    seed = operation(300, took_ms=900, phase=Phase.SEED)
    refused = operation(302, took_ms=900, kind=Kind.FAIL)
    slowed = operation(304, took_ms=900)
    strike = Event(name="fault", time_ns=0, detail={"fault": "f", "request": "run-304.1"})
    (threshold,) = judged({"max.all": "1s"}, Verdict.VALID, *seed, *refused, *slowed, strike).thresholds
    assert (threshold.measured_ms, threshold.operations) == (100, 101)
    waited = operation(306, start_ms=300, intended_ms=0, took_ms=1)
    (threshold,) = judged({"max.all": "1s"}, Verdict.VALID, *waited).thresholds
    assert threshold.measured_ms == 301


@pytest.mark.parametrize(
    ("thresholds", "verdict", "code"),
    [
        ({"max.all": "1s"}, Verdict.VALID, Exit.VALID),
        ({"max.all": "1ms", "p50.delete-tag": "1s"}, Verdict.VALID, Exit.THRESHOLD),
        ({"max.all": "1s", "p50.delete-tag": "1s"}, Verdict.VALID, Exit.UNKNOWN),
        ({"max.all": "1ms"}, Verdict.UNKNOWN, Exit.UNKNOWN),
        ({"max.all": "1ms"}, Verdict.INVALID, Exit.INVALID),
        ({"max.all": "1s"}, Verdict.INVALID, Exit.INVALID),
    ],
)
def test_they_count_only_where_all_else_is_well(
    judged: Report, thresholds: dict[str, str], verdict: Verdict, code: Exit
) -> None:
    report = judged(thresholds, verdict)
    assert (report.verdict, report.exit_code) == (verdict, code)
    assert json.loads(verdict_document(report))["exit_code"] == code


def test_the_bystander_is_compared_with_what_it_was_before(judged: Report, operation: Operations) -> None:
    key = "nscr-torture/r1/bystander:latest"
    before = [one for took in (1, 2, 4) for one in operation(300 + 2 * took, key=key, took_ms=took, phase=Phase.SEED)]
    beside = [one for took in (10, 20, 40) for one in operation(400 + 2 * took, key=key, took_ms=took)]
    after = operation(500, key=key, took_ms=900, phase=Phase.FINAL)
    limits = {"p50.bystander": "10x", "max.bystander": "9.9x", "p99.bystander": "40ms", "max.all": "100ms"}
    report = judged(limits, Verdict.VALID, *before, *beside, *after)
    assert [(one.measured_ms, one.limit_ms, one.speed) for one in report.thresholds] == [
        (20, 20, Speed.HELD),
        (40, pytest.approx(39.6), Speed.BREACHED),
        (40, 40, Speed.HELD),
        (100, 100, Speed.HELD),
    ]
    (threshold,) = judged({"p50.bystander": "10x"}, Verdict.VALID, *beside).thresholds
    assert threshold.speed is Speed.NOT_MEASURED


def test_they_are_told(judged: Report, tmp_path: Any) -> None:
    report = judged({"max.all": "1ms"})
    text = plain(report, tmp_path)
    assert "everything that was checked held, but not 1 speed threshold" in text
    assert "max.all      1ms      100 ms      101   breached" in text
    (told,) = json.loads(verdict_document(report))["thresholds"]
    assert (told["name"], told["outcome"], told["measured_ms"]) == ("max.all", "breached", 100)
