"""verdict.json read back: a report as it was written down, so that who tells of a run need not judge it again. Pure."""

import msgspec

from nscr_cli.checkers.verdict import Result, Verdict, merged
from nscr_cli.history.plan import RunPlan
from nscr_cli.reporting.run_report import REPORT_FORMAT, RunReport
from nscr_cli.reporting.thresholds import Threshold
from nscr_cli.reporting.verdict_types import CheckerDocument, ThresholdDocument, VerdictDocument

_SKIPPED = "SKIPPED"


def report_from(document: bytes, plan: RunPlan) -> RunReport | None:
    """The report of the run with this plan; None where the document is another one's, damaged, or of another format.

    None also where it contradicts itself: what was edited by hand is no verdict.

    Without the operations of its findings, which only the journal has.
    """
    try:
        written = msgspec.json.decode(document, type=VerdictDocument)
        verdict = Verdict[written.verdict]
        results = tuple(_result(checker) for checker in written.checkers)
    except (msgspec.MsgspecError, UnicodeDecodeError, KeyError):
        return None
    if written.format != REPORT_FORMAT or written.run_id != plan.run_id or written.judged is None:
        return None
    report = RunReport(
        plan=plan,
        verdict=verdict,
        partial=written.partial,
        interrupted_by=written.interrupted_by,
        results=results,
        operations=written.operations,
        latency=written.latency,
        main_s=written.main_s,
        main_operations=written.main_operations,
        samples=written.samples,
        skipped=written.skipped,
        leftovers=written.leftovers,
        thresholds=tuple(_threshold(one) for one in written.thresholds),
        judged=written.judged,
    )
    return report if _is_consistent(report) and report.exit_code == written.exit_code else None


def _is_consistent(report: RunReport) -> bool:
    """Findings make a checker INVALID and nothing else does; the worst of the checkers is the verdict."""
    return report.verdict is merged(report.results) and all(
        (result.verdict is Verdict.INVALID) == bool(result.findings) for result in report.results
    )


def _result(checker: CheckerDocument) -> Result:
    is_skipped = checker.verdict == _SKIPPED
    return Result(
        checker=checker.checker,
        # What was skipped is no evidence: if it were ever merged after all, it must not count as a pass.
        verdict=Verdict.UNKNOWN if is_skipped else Verdict[checker.verdict],
        findings=checker.findings,
        evidence=checker.evidence,
        reasons=checker.reasons,
        skipped=checker.skipped,
        is_skipped=is_skipped,
    )


def _threshold(written: ThresholdDocument) -> Threshold:
    return Threshold(
        name=written.name,
        limit=written.limit,
        limit_ms=written.limit_ms,
        measured_ms=written.measured_ms,
        operations=written.operations,
    )
