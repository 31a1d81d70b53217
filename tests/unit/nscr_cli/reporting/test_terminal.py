"""The report for a person: verdict first, folder last, everything in between, nothing steered by a registry."""

import io
import re
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from rich.console import Console

from nscr_cli.checkers.verdict import Finding, Result, Verdict
from nscr_cli.history.history import History
from nscr_cli.history.ops import Event, Op
from nscr_cli.history.plan import RunPlan
from nscr_cli.reporting.known_bugs import read_catalogue
from nscr_cli.reporting.run_report import RunReport, run_report
from nscr_cli.reporting.terminal import FINDINGS_SHOWN, plain, show

FOLDER = Path("reports/mixed/20261123T130000Z-42")


def shown(report: RunReport, *, width: int = 80, is_terminal: bool = True) -> str:
    file = io.StringIO()
    console = Console(file=file, width=width, force_terminal=is_terminal, color_system=None, legacy_windows=False)
    show(console, report, FOLDER)
    return file.getvalue()


@pytest.mark.parametrize("is_terminal", [True, False])
@pytest.mark.parametrize("width", [80, 200])
def test_everything_a_person_needs(report: RunReport, width: int, is_terminal: bool) -> None:
    text = shown(report, width=width, is_terminal=is_terminal)
    lines = text.splitlines()
    assert "INVALID" in "".join(lines[:2])
    if is_terminal:  # its first line is no longer on the screen
        assert lines.pop() == "INVALID: 1 broken promise: lost-write"
    assert lines[-2:] == [f"in a browser: {FOLDER}/report.html", f"report: {FOLDER}"]
    for words in (
        "1 broken promise: lost-write",
        "mixed · seed 42 · 8 workers · reference registry",
        "keys lie below nscr-torture/r1",
        "1. lost-write  app:t1",
        "push-blob  |--|........  200",
        "push-blob  ......|--|..  200",
        "operations: 0, 2",
        "known bugs like it: B1 zot#4337, B2 harbor#23118, B3 ",
        f"each finding in full, with curl: {FOLDER}/findings.md",
        "promise: spec.md#pushing-manifests",
        "push-blob single-post",
        "acknowledged 3 · read 2",
        "blobs: only 1 read",
        "delete-tag: 405",
        "kept in the registry, as evidence",
        f"clean up: nscr torture --clean {FOLDER} --registry-url URL",
        "run it again: nscr torture mixed --seed 42 --workers 8 --duration 20s",
        f"how often: nscr torture --replay {FOLDER} --repeat 5",
    ):
        assert words in text
    assert "\x1b" not in text
    assert "\u202e" not in text
    if is_terminal:
        assert "\n".join(lines[-2:]).count("\n") == 1
        # A command that is to be copied is not broken.
        assert all(len(line) <= width or line.startswith("clean up: nscr ") for line in lines)
    else:
        assert text == plain(report, FOLDER, read_catalogue())


@pytest.mark.parametrize(
    ("verdict", "words"),
    [
        (Verdict.VALID, "VALID: everything that was checked held"),
        (Verdict.UNKNOWN, "UNKNOWN: not enough evidence for a verdict"),
    ],
)
def test_the_other_verdicts(plan: Callable[..., RunPlan], verdict: Verdict, words: str) -> None:
    history = History([Event(name="finished", time_ns=1)])
    report = run_report(plan(), history, [Result(checker="tags", verdict=verdict)])
    assert plain(report, FOLDER).startswith(words)


def test_partial_is_said_with_its_reason(plan: Callable[..., RunPlan]) -> None:
    interrupted = [Event(name="interrupted", time_ns=1, detail={"signal": "SIGINT"})]
    result = Result(checker="tags", verdict=Verdict.VALID)
    assert plain(run_report(plan(), History(interrupted), [result]), FOLDER).startswith("VALID (partial: SIGINT): ")
    assert plain(run_report(plan(), History([]), [result]), FOLDER).startswith("VALID (partial: the run did not reach")


def test_each_rule_is_shown_before_a_second_finding_of_one(report: RunReport, finding: Finding) -> None:
    many = [msgspec.structs.replace(finding, key=f"app:t{number}") for number in range(1000)]
    rare = msgspec.structs.replace(finding, rule="undead-tag", key="app:rare")
    result = Result(checker="tags", verdict=Verdict.INVALID, findings=(*many, rare))
    text = plain(msgspec.structs.replace(report, results=(result,)), FOLDER)
    assert "2 broken promises: 1000 x lost-write, undead-tag" in text
    assert "1. lost-write  app:t0" in text
    assert "2. undead-tag  app:rare" in text
    assert "… and 999 more findings: see violations.csv" in text


def test_a_reason_names_its_checker_once(report: RunReport) -> None:
    named = Result(checker="tags", verdict=Verdict.UNKNOWN, reasons=("tags: reads is 1", "app:t1: undecided"))
    lines = plain(msgspec.structs.replace(report, results=(named,)), FOLDER).splitlines()
    assert {"  tags: reads is 1", "  tags: app:t1: undecided"} <= set(lines)


def test_of_very_many_operations_the_first_are_drawn(
    operation: Callable[..., list[Op]], plan: Callable[..., RunPlan], finding: Finding
) -> None:
    entries = [entry for number in range(20) for entry in operation(2 * number, start_ms=2 * number, took_ms=1)]
    many = msgspec.structs.replace(finding, operations=tuple(range(0, 40, 2)))
    result = Result(checker="tags", verdict=Verdict.INVALID, findings=(many,))
    lines = plain(run_report(plan(), History(entries), [result]), FOLDER).splitlines()
    drawn = [line for line in lines if line.startswith("    #")]
    assert len(drawn) == 8
    assert "    … and 12 more" in lines
    assert all(len(line) <= 80 for line in drawn)


def test_a_scenario_of_the_users_own_is_run_again_from_the_folder(report: RunReport) -> None:
    text = plain(msgspec.structs.replace(report, is_shipped=False), FOLDER)
    assert f"\nrun it again: nscr torture --replay {FOLDER} --repeat 5\n" in text
    assert "how often" not in text


def test_very_many_rules_are_cut(report: RunReport, finding: Finding) -> None:
    findings = tuple(msgspec.structs.replace(finding, rule=f"rule-{number}") for number in range(20))
    result = Result(checker="tags", verdict=Verdict.INVALID, findings=findings)
    text = plain(msgspec.structs.replace(report, results=(result,)), FOLDER)
    assert f"{FINDINGS_SHOWN}. rule-" in text
    assert f"{FINDINGS_SHOWN + 1}. rule-" not in text
    assert "… and 15 more findings" in text


def test_the_registry_and_the_password_variable_are_named_but_no_value(report: RunReport) -> None:
    plan = msgspec.structs.replace(report.plan, registry_url="http://127.0.0.1:5000")
    text = plain(msgspec.structs.replace(report, plan=plan), FOLDER)
    assert "--registry-url http://127.0.0.1:5000" in text
    assert "NSCR_PASSWORD" in text


def test_evidence_stands_beside_its_floor(report: RunReport) -> None:
    evidence = {"deletes": 3, "reads": 1234, "floor of reads": 10}
    result = Result(checker="tags", verdict=Verdict.VALID, evidence=evidence)
    assert "deletes 3 · reads 1,234 (needs 10)\n" in plain(msgspec.structs.replace(report, results=(result,)), FOLDER)


def test_much_evidence_is_broken_between_its_pieces(report: RunReport) -> None:
    evidence = {f"thing-{number}": 1234 for number in range(20)} | {"floor of thing-9": 5}
    result = Result(checker="reads", verdict=Verdict.VALID, evidence=evidence)
    table = plain(msgspec.structs.replace(report, results=(result,)), FOLDER).partition("evidence\n")[2]
    lines = table.partition("\n\n")[0].splitlines()
    assert len(lines) > 3
    assert max(map(len, lines)) < 120
    assert " · ".join(lines).count("thing-9 1,234 (needs 5)") == 1
    assert all(re.search(r"[\d)]$", line.rstrip()) for line in lines[1:])
