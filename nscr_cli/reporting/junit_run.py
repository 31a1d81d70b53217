"""A judged run as JUnit XML: a suite a scenario, a case a checker, one a threshold, and one for the run itself.

INVALID is a failure: the registry broke a promise. UNKNOWN is an error, red as well: too little was seen to say
anything, so that it must neither pass for a success nor be read as an accusation. What the registry does not support
is skipped, with the reason. A document without failure and error is one of runs that ended with exit code 0. Pure but
for `Suites`.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from nscr_cli.checkers.verdict import Finding, Result, Verdict
from nscr_cli.durations import show_milliseconds
from nscr_cli.exits import MEANINGS, Exit
from nscr_cli.history.plan import RunPlan
from nscr_cli.reporting.junit import Case, Outcome, Suite, junit_document
from nscr_cli.reporting.plain_rules import in_plain_words
from nscr_cli.reporting.run_report import RunReport, few_of_each_rule
from nscr_cli.reporting.thresholds import Speed, Threshold
from nscr_cli.reporting.whole_files import whole_file

JUNIT_NAME = "junit.xml"
_RUN = "run"
_SPEED = {Speed.HELD: Outcome.PASSED, Speed.BREACHED: Outcome.FAILED, Speed.NOT_MEASURED: Outcome.ERROR}


def runs_document(suites: Iterable[Suite]) -> str:
    """The XML of several runs in one."""
    return junit_document(suites)


class Suites:
    """The file of several runs, written anew with each of them: one that is interrupted leaves those before it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._suites: list[Suite] = []

    def add(self, suite: Suite) -> None:
        """Write one more.

        Raises:
            ReportsUnwritable: see `whole_file`.
        """
        self._suites.append(suite)
        with whole_file(self._path) as file:
            file.write(runs_document(self._suites))


def suite_of(report: RunReport) -> Suite:
    """One run."""
    name = report.plan.scenario_name
    cases = [_of_checker(result, name) for result in report.results]
    cases += [_of_threshold(threshold, name) for threshold in report.thresholds]
    is_red = any(case.outcome in (Outcome.FAILED, Outcome.ERROR) for case in cases)
    cases.append(_of_run(report, is_red=is_red))
    return _suite(report.plan, cases, seconds=report.main_s, output=_again(report))


def suite_of_failed(plan: RunPlan, message: str) -> Suite:
    """A run that had nothing to judge: the registry never answered, or this machine failed."""
    told = Case(name=_RUN, classname=_class(plan.scenario_name), outcome=Outcome.ERROR, message=message)
    return _suite(plan, [told])


def _suite(plan: RunPlan, cases: list[Case], *, seconds: float = 0.0, output: str = "") -> Suite:
    properties = {
        "nscr": plan.nscr,
        "run_id": plan.run_id,
        "seed": str(plan.seed),
        "workers": str(plan.workers),
        "registry": plan.registry_url or "reference registry",
        "namespace": plan.namespace,
    }
    if plan.sabotages:
        properties["sabotages"] = " ".join(plan.sabotages)
    return Suite(
        name=plan.scenario_name,
        cases=cases,
        started=_instant(plan.started_utc),
        seconds=seconds,
        properties=properties,
        output=output,
    )


def _of_checker(result: Result, scenario: str) -> Case:
    told = [f"{name} {count:,}" for name, count in result.evidence.items()]
    if result.is_skipped:
        reason = "; ".join((*result.skipped, *result.reasons)) or "the registry does not support it"
        return Case(name=result.checker, classname=_class(scenario), outcome=Outcome.SKIPPED, message=reason)
    match result.verdict:
        case Verdict.VALID:
            return Case(name=result.checker, classname=_class(scenario), outcome=Outcome.PASSED)
        case Verdict.UNKNOWN:
            return Case(
                name=result.checker,
                classname=_class(scenario),
                outcome=Outcome.ERROR,
                type="unknown",
                message="; ".join(result.reasons) or "not enough evidence for a verdict",
                text="\n".join([*result.reasons, "", *told]),
            )
    rules = list(dict.fromkeys(finding.rule for finding in result.findings))
    return Case(
        name=result.checker,
        classname=_class(scenario),
        outcome=Outcome.FAILED,
        type=" ".join(rules),
        message="; ".join(in_plain_words(result.checker, rule) for rule in rules),
        text="\n\n".join([_finding(finding, left) for finding, left in few_of_each_rule(result.findings)]),
    )


def _finding(finding: Finding, left: int) -> str:
    named = " ".join(f"#{index}" for index in finding.operations[:40])
    lines = [f"{finding.rule} at {finding.key}", finding.explanation, f"promise: {finding.clause}"]
    lines.append(f"operations: {named}" if named else "proved by samples, not by operations")
    if left:
        lines.append(f"and {left:,} more of {finding.rule}")
    return "\n".join(lines)


def _of_threshold(threshold: Threshold, scenario: str) -> Case:
    shown = show_milliseconds(threshold.measured_ms) if threshold.measured_ms is not None else "not measured"
    return Case(
        name=f"threshold {threshold.name}",
        classname=_class(scenario),
        outcome=_SPEED[threshold.speed],
        type="threshold",
        message=f"{shown}, limit {threshold.limit}, of {threshold.operations:,} operations",
    )


def _of_run(report: RunReport, *, is_red: bool) -> Case:
    """The run itself: so that one that did not reach its end, or judged nothing, is red whatever its checkers say."""
    reasons = []
    if report.partial:
        reasons.append(f"partial: {report.interrupted_by or 'the run did not reach its end'}")
    elif report.exit_code is not Exit.VALID and not is_red:
        reasons.append(MEANINGS[report.exit_code])
    return Case(
        name=_RUN,
        classname=_class(report.plan.scenario_name),
        outcome=Outcome.ERROR if reasons else Outcome.PASSED,
        message="; ".join(reasons),
    )


def _again(report: RunReport) -> str:
    return f"{report.verdict.name}\nrun it again: {report.replay_command}"


def _class(scenario: str) -> str:
    return f"nscr.{scenario}"


def _instant(started_utc: str) -> datetime:
    try:
        return datetime.fromisoformat(started_utc).astimezone(UTC)
    except ValueError:  # a folder that somebody else wrote
        return datetime.fromtimestamp(0, UTC)
