"""The report of a run as JSON: what verdict.json holds and `--json` prints. Pure; versioned.

The same plan and journal give the same bytes: nothing here knows when, where or by whom the run was judged.
"""

import json
from typing import cast

import msgspec

from nscr_cli.checkers.verdict import Result
from nscr_cli.reporting.run_report import REPORT_FORMAT, RunReport
from nscr_cli.reporting.verdict_types import CheckerDocument, ThresholdDocument, VerdictDocument, VerdictName

VERDICT_NAME = "verdict.json"


def verdict_document(report: RunReport) -> str:
    """The report as indented JSON in ASCII, so that no terminal can be steered by what a registry said."""
    plan = report.plan
    document = VerdictDocument(
        format=REPORT_FORMAT,
        nscr=plan.nscr,
        run_id=plan.run_id,
        scenario=plan.scenario_name,
        seed=plan.seed,
        started_utc=plan.started_utc,
        registry_url=plan.registry_url,
        judged=report.judged,
        verdict=cast("VerdictName", report.verdict.name),
        partial=report.partial,
        interrupted_by=report.interrupted_by,
        exit_code=report.exit_code,
        checkers=tuple(_checker(result) for result in report.results),
        main_s=report.main_s,
        main_operations=report.main_operations,
        operations=report.operations,
        latency=report.latency,
        thresholds=tuple(
            ThresholdDocument(**msgspec.structs.asdict(one), outcome=one.speed) for one in report.thresholds
        ),
        samples=report.samples,
        skipped=report.skipped,
        leftovers=report.leftovers,
        replay=report.replay_command,
    )
    return json.dumps(msgspec.to_builtins(document), indent=2, ensure_ascii=True) + "\n"


def _checker(result: Result) -> CheckerDocument:
    return CheckerDocument(
        checker=result.checker,
        verdict="SKIPPED" if result.is_skipped else cast("VerdictName", result.verdict.name),
        evidence=dict(sorted(result.evidence.items())),
        reasons=result.reasons,
        skipped=result.skipped,
        findings=result.findings,
    )
