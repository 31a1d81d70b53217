"""findings.md: everything that proves a finding, and nothing that a registry says leaves its block."""

from pathlib import Path

import msgspec

from nscr_cli.checkers.verdict import Finding
from nscr_cli.engine.judging import judge_run
from nscr_cli.history.history import History
from nscr_cli.history.ops import Entry
from nscr_cli.reporting.findings import FINDINGS_NAME, findings_document, write_findings
from nscr_cli.reporting.known_bugs import read_catalogue
from nscr_cli.reporting.run_report import RunReport, run_report

GOLDEN = Path(__file__).parents[3] / "golden" / "findings" / "out-of-order-chunk"


def test_a_real_finding_has_its_proof_its_requests_and_its_replay() -> None:
    plan, history, results = judge_run(GOLDEN)
    text = findings_document(run_report(plan, history, results), history, read_catalogue())
    for words in (
        "## 1. out-of-order-accepted (uploads)",
        "nscr torture",
        "promise: ",
        "#73   process 6  push-blob",
        "Content-Range: 8453-",
        "Known bugs of the same class (Upload session state machine)",
    ):
        assert words in text


def test_what_a_registry_said_stays_in_its_block(report: RunReport, entries: list[Entry], finding: Finding) -> None:
    hostile = msgspec.structs.replace(finding, explanation="``````\n# owned \x1b[2J")
    results = [msgspec.structs.replace(report.results[0], findings=(hostile,))]
    history = History(entries)
    text = findings_document(run_report(report.plan, history, results), history, read_catalogue())
    assert "```````text" in text
    assert "\n# owned" not in text
    assert "\x1b" not in text


def test_a_few_of_each_rule_are_told_and_the_rest_is_counted(
    report: RunReport, entries: list[Entry], finding: Finding
) -> None:
    many = [msgspec.structs.replace(finding, key=f"app:t{number}") for number in range(146)]
    namesake = msgspec.structs.replace(finding, checker="listing", key="app:namesake")
    results = [msgspec.structs.replace(report.results[0], findings=(*many, namesake))]
    history = History(entries)
    again = run_report(report.plan, history, results)
    text = findings_document(again, history, read_catalogue())
    assert "# INVALID: 147 found" in text
    assert [line for line in text.splitlines() if line.startswith("## ")] == [
        *(f"## {number}. lost-write (tags)" for number in range(1, 6)),
        "## 6. lost-write (listing)",
    ]
    assert text.count("And 141 more of lost-write (tags): see violations.csv.") == 1
    assert " more of " not in text.partition("## 6.")[2]
    assert [shown.key for shown in again.shown] == [*(f"app:t{number}" for number in range(5)), "app:namesake"]


def test_a_run_without_findings_has_no_such_file(report: RunReport, entries: list[Entry], tmp_path: Path) -> None:
    write_findings(tmp_path, msgspec.structs.replace(report, results=()), History(entries))
    assert list(tmp_path.iterdir()) == []
    write_findings(tmp_path, report, History(entries))
    assert [path.name for path in tmp_path.iterdir()] == [FINDINGS_NAME]
