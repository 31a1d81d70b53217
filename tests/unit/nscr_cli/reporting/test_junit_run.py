"""A judged run as JUnit XML: red exactly where the exit code is not 0, UNKNOWN as an error, the reasons told."""

from collections.abc import Callable, Iterable
from pathlib import Path

import msgspec
import pytest
from junitparser import Error, Failure, JUnitXml, Skipped, TestCase

from nscr_cli.checkers.verdict import Finding, Result, Verdict, merged
from nscr_cli.exits import Exit
from nscr_cli.history.plan import RunPlan
from nscr_cli.reporting.junit_run import Suites, runs_document, suite_of, suite_of_failed
from nscr_cli.reporting.run_report import RunReport
from nscr_cli.reporting.thresholds import Threshold

VALID = Result(checker="blobs", verdict=Verdict.VALID, evidence={"read-back": 12})
UNKNOWN = Result(checker="tags", verdict=Verdict.UNKNOWN, reasons=("only 1 read",), evidence={"reads": 1})
SKIPPED = Result(checker="referrers", verdict=Verdict.UNKNOWN, is_skipped=True, skipped=("referrers: 404",))
SLOW = Threshold(name="p99.get-blob", limit="5ms", limit_ms=5.0, measured_ms=9.0, operations=20)
UNMEASURED = Threshold(name="p99.get-blob", limit="5ms", limit_ms=5.0, measured_ms=None, operations=0)


@pytest.fixture
def judged(report: RunReport) -> Callable[..., RunReport]:
    """The report as if these had been its results."""

    def make(*results: Result, partial: bool = False, **changed: object) -> RunReport:
        return msgspec.structs.replace(
            report, results=results, verdict=merged(results), partial=partial, **{"thresholds": (), **changed}
        )

    return make


def _cases(*reports: RunReport) -> dict[str, TestCase]:
    parsed = JUnitXml.fromstring(runs_document([suite_of(one) for one in reports]).encode())
    return {str(case.name): case for suite in parsed for case in suite}


def _is_green(cases: Iterable[TestCase]) -> bool:
    return not any(isinstance(result, Error | Failure) for case in cases for result in case.result)


@pytest.mark.parametrize(
    ("results", "changed", "code"),
    [
        ((VALID,), {}, Exit.VALID),
        ((VALID, SKIPPED), {}, Exit.VALID),
        ((VALID, UNKNOWN), {}, Exit.UNKNOWN),
        ((SKIPPED,), {}, Exit.UNKNOWN),
        ((), {}, Exit.UNKNOWN),
        ((VALID,), {"partial": True, "interrupted_by": "SIGTERM"}, Exit.TERMINATED),
        ((VALID,), {"partial": True, "interrupted_by": "SIGINT"}, Exit.INTERRUPTED),
        ((VALID,), {"thresholds": (SLOW,)}, Exit.THRESHOLD),
        ((VALID,), {"thresholds": (UNMEASURED,)}, Exit.UNKNOWN),
    ],
)
def test_green_is_exit_code_0_and_nothing_else(
    judged: Callable[..., RunReport], results: tuple[Result, ...], changed: dict[str, object], code: Exit
) -> None:
    report = judged(*results, **changed)
    assert report.exit_code is code
    assert _is_green(_cases(report).values()) == (code is Exit.VALID)


def test_a_finding_is_a_failure_that_tells_it(report: RunReport, finding: Finding) -> None:
    (failure,) = _cases(report)["tags"].result
    assert isinstance(failure, Failure)
    assert failure.type == "lost-write"
    assert "written, the registry confirmed it" in str(failure.message)
    assert f"lost-write at {finding.key}\n" in failure.text
    assert "operations: #0 #2" in failure.text
    assert "\x1b" not in failure.text


def test_unknown_is_an_error_with_its_reason_and_skip_a_skip_with_its_own(judged: Callable[..., RunReport]) -> None:
    cases = _cases(judged(VALID, UNKNOWN, SKIPPED))
    (error,), (skipped,) = cases["tags"].result, cases["referrers"].result
    assert (type(error), error.message) == (Error, "only 1 read")
    assert "reads 1" in error.text
    assert (type(skipped), skipped.message) == (Skipped, "referrers: 404")
    assert cases["blobs"].result == []


def test_a_thousand_findings_of_a_rule_are_five_and_a_number(
    judged: Callable[..., RunReport], finding: Finding
) -> None:
    many = Result(checker="tags", verdict=Verdict.INVALID, findings=(finding,) * 1000)
    (failure,) = _cases(judged(many))["tags"].result
    assert failure.text.count("lost-write at") == 5
    assert "and 995 more of lost-write" in failure.text


def test_the_file_grows_run_by_run_and_tells_of_those_that_could_not_be(
    tmp_path: Path, report: RunReport, plan: Callable[..., RunPlan]
) -> None:
    suites = Suites(tmp_path / "junit.xml")
    suites.add(suite_of(report))
    assert len(JUnitXml.fromfile(str(tmp_path / "junit.xml"))) == 1
    suites.add(suite_of_failed(plan(scenario_name="tags"), "http://127.0.0.1:1 never answered"))
    _, failed = JUnitXml.fromfile(str(tmp_path / "junit.xml"))
    (case,) = failed
    assert (failed.name, failed.errors, case.result[0].message) == ("tags", 1, "http://127.0.0.1:1 never answered")


def test_a_start_that_nobody_can_read_costs_no_document(report: RunReport) -> None:
    broken = msgspec.structs.replace(report, plan=msgspec.structs.replace(report.plan, started_utc="yesterday"))
    assert JUnitXml.fromstring(runs_document([suite_of(broken)]).encode())
