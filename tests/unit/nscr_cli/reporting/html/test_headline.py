"""The sentence on top: is it fine, what broke, since when, at which key."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from nscr_cli.checkers.verdict import Finding, Verdict
from nscr_cli.history.plan import RunPlan
from nscr_cli.reporting.html.headline import headline
from nscr_cli.reporting.run_report import RunReport
from nscr_cli.reporting.thresholds import Threshold


def changed(report: RunReport, **facts: Any) -> RunReport:
    return msgspec.structs.replace(report, **facts)


def with_findings(report: RunReport, *findings: Finding) -> RunReport:
    result = msgspec.structs.replace(report.results[0], findings=findings)
    return changed(report, results=(result,))


def test_what_broke_first_is_told_with_its_key_and_since_when(report: RunReport, finding: Finding) -> None:
    late = finding
    early = msgspec.structs.replace(finding, checker="blobs", rule="lost-blob", key="nscr-torture/r1/app@sha256:b")
    top = headline(with_findings(report, late, early), {0: 9_000_000_000, 1: 1_540_000_000})
    assert (top.word, top.tone) == ("This registry is not fine", "invalid")
    assert top.sentence == (
        "Pushed content was acknowledged, and is gone, first seen 1.5 s into the run. "
        "2 broken promises of 2 kinds in all."
    )
    assert (top.key, top.number) == ("nscr-torture/r1/app@sha256:b", 2)


def test_lost_content_is_told_before_manners_that_showed_earlier(report: RunReport, finding: Finding) -> None:
    manners = msgspec.structs.replace(finding, checker="uploads", rule="out-of-order-accepted")
    top = headline(with_findings(report, manners, finding), {0: 1_000_000_000, 1: 9_000_000_000})
    assert top.sentence.startswith(
        "A tag was written, the registry confirmed it, and the write is gone, first seen 9.0 s"
    )
    assert top.number == 2
    top = headline(with_findings(report, manners, manners), {0: 1_000_000_000})
    assert "first seen 1.0 s" in top.sentence


def test_one_finding_that_no_operation_dates(report: RunReport, finding: Finding) -> None:
    alone = msgspec.structs.replace(finding, rule="untrue-figure", checker="monitoring", operations=())
    top = headline(with_findings(report, alone), {})
    assert top.sentence.endswith("cannot have been true, seen by what it says of itself.")
    assert top.number == 1


def test_a_run_that_found_nothing_and_proved_little(report: RunReport) -> None:
    top = headline(changed(report, verdict=Verdict.UNKNOWN, results=(report.results[1],), partial=False), {})
    assert (top.word, top.tone) == ("Nobody can say", "unknown")
    assert top.sentence.endswith("too little evidence to call it fine: only 1 read.")
    assert top.more == ()


def test_a_valid_run(report: RunReport) -> None:
    top = headline(changed(report, verdict=Verdict.VALID, results=()), {})
    assert (top.word, top.tone) == ("This registry is fine", "valid")
    assert top.sentence.endswith("and every promise that was checked held.")
    assert top.sentence.startswith("8 clients asked it for 4 things in 30ms")


def test_a_valid_run_that_was_slow(report: RunReport) -> None:
    slow = Threshold(name="p99.get-manifest", limit="5ms", limit_ms=5, measured_ms=812, operations=9)
    top = headline(changed(report, verdict=Verdict.VALID, results=(), thresholds=(slow,)), {})
    assert (top.word, top.tone) == ("Right, but too slow", "unknown")
    assert "1 speed threshold did not: p99.get-manifest was 812 ms where 5ms is allowed." in top.sentence


@pytest.mark.parametrize(
    ("signal", "words"), [("SIGINT", "it was interrupted by SIGINT"), (None, "it did not reach its end")]
)
def test_what_else_has_to_be_said_at_once(
    report: RunReport, plan: Callable[..., RunPlan], signal: str | None, words: str
) -> None:
    sabotaged = plan(sabotages=("lost-tag",))
    top = headline(changed(report, partial=True, interrupted_by=signal, plan=sabotaged), {})
    assert top.more == (
        f"This run is partial: {words}. It was judged on what it has.",
        "The registry was sabotaged on purpose: lost-tag.",
    )
