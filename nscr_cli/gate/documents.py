"""A gate report as JSON, CSV rows and JUnit suites, for programs. Pure. docs/gate.md describes the JSON."""

import json
from collections.abc import Iterator
from datetime import datetime

from nscr_cli import __version__
from nscr_cli.checkers.verdict import Finding, Result, Verdict
from nscr_cli.gate.demands import Demands
from nscr_cli.gate.rendering import headline
from nscr_cli.gate.report import GATE_FORMAT, GateReport
from nscr_cli.gate.subjects import GateFinding
from nscr_cli.reporting.junit import Case, Outcome, Suite

CSV_COLUMNS = ("format", "nscr", "registry_url", "check", "verdict", "rule", "key", "explanation", "clause", "tags")


def document(report: GateReport) -> str:
    """As JSON, in ASCII, so that no terminal can be steered by what a registry said."""
    content = {
        "format": GATE_FORMAT,
        "nscr": __version__,
        "registry_url": report.registry_url,
        "verdict": report.verdict.name,
        "exit_code": int(report.exit_code),
        "demands": _demands(report.demands),
        "counts": {name.replace(" ", "_"): count for name, count in report.counts.items()},
        "checks": [
            {
                "check": result.checker,
                "verdict": result.outcome,
                "evidence": {name.replace(" ", "_"): count for name, count in result.evidence.items()},
                "reasons": result.reasons,
                "findings": [
                    {
                        "rule": one.rule,
                        "key": one.key,
                        "tags": _tags(one),
                        "explanation": one.explanation,
                        "clause": one.clause,
                    }
                    for one in result.findings
                ],
            }
            for result in report.results
        ],
        "limits": [
            {"name": limit.name, "most": limit.most, "measured": limit.measured, "breached": limit.is_breached}
            for limit in report.limits
        ],
        "tortured": [
            {
                "scenario": run.scenario,
                "seed": run.seed,
                "verdict": run.verdict.name,
                "exit_code": int(run.exit_code),
                "folder": run.folder,
            }
            for run in report.tortured
        ],
        "skipped": report.skipped,
        "notes": report.notes,
    }
    return json.dumps(content, indent=2, ensure_ascii=True) + "\n"


def csv_rows(report: GateReport) -> Iterator[tuple[str | int, ...]]:
    """One row a finding; one for each check without any, each limit, and what was skipped."""
    common = (GATE_FORMAT, __version__, report.registry_url)
    for result in report.results:
        head = (*common, result.checker, result.outcome)
        for finding in result.findings:
            yield (*head, finding.rule, finding.key, finding.explanation, finding.clause, " ".join(_tags(finding)))
        if not result.findings:
            yield (*head, "", "", "; ".join(result.reasons), "", "")
    for limit in report.limits:
        said = "BREACHED" if limit.is_breached else "KEPT" if limit.measured is not None else "UNKNOWN"
        yield (*common, f"limit: {limit.name}", said, "", "", f"{limit.measured}, at most {limit.most}", "", "")
    for name, reason in report.skipped.items():
        yield (*common, name, "SKIPPED", "", "", reason, "", "")


def junit_suite(report: GateReport, *, started: datetime, seconds: float) -> Suite:
    """A case for each check, each limit, and what was skipped; its findings are the text of a failed one."""
    cases = [_case(result) for result in report.results]
    for limit in report.limits:
        outcome = (
            Outcome.FAILED if limit.is_breached else Outcome.PASSED if limit.measured is not None else Outcome.ERROR
        )
        message = f"{limit.measured} {limit.name}, at most {limit.most}"
        cases.append(Case(name=limit.name, classname="nscr.gate.limit", outcome=outcome, type="limit", message=message))
    cases += [
        Case(name=name, classname="nscr.gate", outcome=Outcome.SKIPPED, message=reason)
        for name, reason in report.skipped.items()
    ]
    properties = {"nscr": __version__, "registry_url": report.registry_url, "verdict": report.verdict.name}
    counts = {name: str(count) for name, count in report.counts.items()}
    return Suite(
        name="nscr gate",
        cases=cases,
        started=started,
        seconds=seconds,
        properties=properties | counts,
        output="\n".join((headline(report), *report.notes)),
    )


def _case(result: Result) -> Case:
    if result.findings:
        lines = [f"{one.rule}: {one.key}: {one.explanation}" for one in result.findings]
        more = f" and {len(lines) - 1} more" if len(lines) > 1 else ""
        return Case(
            name=result.checker,
            classname="nscr.gate",
            outcome=Outcome.FAILED,
            type=result.findings[0].rule,
            message=lines[0] + more,
            text="\n".join((*lines, *result.reasons)),
        )
    if result.verdict is Verdict.UNKNOWN:
        first = result.reasons[0] if result.reasons else "not enough evidence"
        text = "\n".join(result.reasons)
        return Case(
            name=result.checker, classname="nscr.gate", outcome=Outcome.ERROR, type="UNKNOWN", message=first, text=text
        )
    return Case(name=result.checker, classname="nscr.gate", outcome=Outcome.PASSED)


def _tags(finding: Finding) -> tuple[str, ...]:
    """That lead to what is broken; of what a torture found, nobody knows any."""
    return finding.tags if isinstance(finding, GateFinding) else ()


def _demands(demands: Demands) -> dict[str, object]:
    return {
        "deep": demands.is_deep,
        "sample_percent": demands.sample_percent,
        "seed": demands.seed if demands.sample_percent is not None else None,
        "max_orphaned": demands.max_orphaned or 0,
        "max_unreferenced": demands.max_unreferenced,
        "max_session_age_s": demands.max_session_age_s,
        "health": demands.health,
        "sparse_indexes": demands.are_sparse_allowed,
    }
