"""The report of a run as JSON: what verdict.json holds and `--json` prints. Pure; versioned.

The same plan and journal give the same bytes: nothing here knows when, where or by whom the run was judged.
"""

import json

import msgspec

from nscr_cli.checkers.verdict import Result
from nscr_cli.reporting.run_report import REPORT_FORMAT, RunReport
from nscr_cli.reporting.thresholds import Threshold

VERDICT_NAME = "verdict.json"


def verdict_document(report: RunReport) -> str:
    """The report as indented JSON in ASCII, so that no terminal can be steered by what a registry said."""
    plan = report.plan
    document = {
        "format": REPORT_FORMAT,
        "nscr": plan.nscr,
        "run_id": plan.run_id,
        "scenario": plan.scenario_name,
        "seed": plan.seed,
        "started_utc": plan.started_utc,
        "registry_url": plan.registry_url,
        "judged": report.judged,
        "verdict": report.verdict.name,
        "partial": report.partial,
        "interrupted_by": report.interrupted_by,
        "exit_code": int(report.exit_code),
        "checkers": [_checker(result) for result in report.results],
        "main_s": report.main_s,
        "main_operations": report.main_operations,
        "operations": report.operations,
        "latency": report.latency,
        "thresholds": [_threshold(one) for one in report.thresholds],
        "samples": report.samples,
        "skipped": report.skipped,
        "leftovers": report.leftovers,
        "replay": report.replay_command,
    }
    return json.dumps(msgspec.to_builtins(document), indent=2, ensure_ascii=True) + "\n"


def _threshold(threshold: Threshold) -> dict[str, object]:
    return {**msgspec.structs.asdict(threshold), "outcome": threshold.speed.value}


def _checker(result: Result) -> dict[str, object]:
    return {
        "checker": result.checker,
        "verdict": result.outcome,
        "evidence": dict(sorted(result.evidence.items())),
        "reasons": result.reasons,
        "skipped": result.skipped,
        "findings": result.findings,
    }
