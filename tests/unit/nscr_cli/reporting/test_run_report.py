"""The report as a value: verdict, exit code, what is skipped, the replay command."""

from collections.abc import Callable

import msgspec
import pytest

from nscr_cli.checkers.verdict import Finding, Result, Verdict
from nscr_cli.exits import Exit
from nscr_cli.history.history import History
from nscr_cli.history.ops import Entry, Event
from nscr_cli.history.plan import RunPlan
from nscr_cli.reporting.run_report import RunReport, run_report

Plans = Callable[..., RunPlan]


def result(verdict: Verdict, finding: Finding | None = None) -> Result:
    return Result(checker="c", verdict=verdict, findings=(finding,) if finding is not None else ())


def test_what_a_report_says(report: RunReport, finding: Finding) -> None:
    assert report.verdict is Verdict.INVALID
    assert report.findings == (finding,)
    assert (report.ok, report.fail, report.info) == (3, 1, 1)
    assert (report.main_operations, report.main_s) == (4, 0.03)  # of 10 to 40 ms: an info has no end
    assert report.rate == pytest.approx(4 / 0.03)
    assert report.samples == 2
    assert report.skipped == ("mount: 405", "delete-tag: 405")
    assert not report.partial


def test_no_results_and_no_operations_are_unknown_not_valid(plan: Plans) -> None:
    report = run_report(plan(), History([]), [])
    assert report.verdict is Verdict.UNKNOWN
    assert report.exit_code is Exit.UNKNOWN
    assert report.partial
    assert (report.main_s, report.rate, report.latency) == (0, 0, None)


@pytest.mark.parametrize(
    ("verdict", "signal", "code"),
    [
        (Verdict.VALID, None, Exit.VALID),
        (Verdict.UNKNOWN, None, Exit.UNKNOWN),
        (Verdict.INVALID, None, Exit.INVALID),
        (Verdict.VALID, "SIGINT", Exit.INTERRUPTED),
        (Verdict.UNKNOWN, "SIGTERM", Exit.TERMINATED),
        (Verdict.INVALID, "SIGINT", Exit.INVALID),
    ],
)
def test_exit_codes(plan: Plans, verdict: Verdict, signal: str | None, code: Exit) -> None:
    events: list[Entry] = [Event(name="finished", time_ns=1)]
    if signal is not None:
        events.append(Event(name="interrupted", time_ns=1, detail={"signal": signal}))
    report = run_report(plan(), History(events), [result(verdict)])
    assert report.exit_code is code
    assert report.partial == (signal is not None)


@pytest.mark.parametrize(
    ("changed", "command"),
    [
        ({}, "nscr torture mixed --seed 42 --workers 8 --duration 20s"),
        ({"duration_s": 0.5}, "nscr torture mixed --seed 42 --workers 8 --duration 0.5s"),
        (
            {"sabotages": ("lost-tag", "undead-tag")},
            "nscr torture mixed --seed 42 --workers 8 --duration 20s --sabotage lost-tag --sabotage undead-tag",
        ),
        (
            {"registry_url": "http://[::1]:5000/a"},
            "nscr torture mixed --seed 42 --workers 8 --duration 20s --registry-url 'http://[::1]:5000/a'",
        ),
        (
            {
                "registry_url": "http://localhost:1",
                "max_operations": 9,
                "max_bytes": 500_000_000,
                "max_rate": 2.5,
                "namespace": "me/x/r1",
                "keep": True,
            },
            (
                "nscr torture mixed --seed 42 --workers 8 --duration 20s --ops 9 --max-bytes 500000000 --max-rate 2.5 "
                "--registry-url http://localhost:1 --namespace me/x --keep"
            ),
        ),
        (
            {"rate": 50.0, "ramp_s": 2.5},
            "nscr torture mixed --seed 42 --workers 8 --duration 20s --rate 50 --ramp 2.5s",
        ),
        (
            {"registry_url": "https://reg.example", "scenario_name": "my scenario.toml"},
            (
                "nscr torture 'my scenario.toml' --seed 42 --workers 8 --duration 20s "
                "--registry-url https://reg.example --i-may-torture reg.example"
            ),
        ),
    ],
)
def test_replay_command(plan: Plans, changed: dict[str, object], command: str) -> None:
    assert run_report(plan(**changed), History([]), [], is_shipped=True).replay_command == command


def test_a_scenario_that_is_not_shipped_is_replayed_from_the_folder(report: RunReport, plan: Plans) -> None:
    assert run_report(plan(), History([]), []).replay_command == "nscr torture --replay RUNDIR"
    assert report.rerun_command("a b") == "nscr torture --replay 'a b' --repeat 5"
    elsewhere = msgspec.structs.replace(report, plan=plan(registry_url="https://reg.example"))
    assert elsewhere.rerun_command("x") == "nscr torture --replay x --repeat 5 --i-may-torture reg.example"


def test_the_same_facts_give_the_same_report(report: RunReport, entries: list[Entry]) -> None:
    again = run_report(report.plan, History(entries), report.results, leftovers=report.leftovers, is_shipped=True)
    assert msgspec.json.encode(again) == msgspec.json.encode(report)
