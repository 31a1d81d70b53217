"""The rows of the page's tables. Pure."""

from collections.abc import Iterator

import msgspec

from nscr_cli.checkers.verdict import Result
from nscr_cli.durations import show_duration, show_milliseconds
from nscr_cli.history.faults import Fault
from nscr_cli.history.plan import RunPlan
from nscr_cli.reporting.html.axes import milliseconds
from nscr_cli.reporting.html.series import Series
from nscr_cli.reporting.run_report import RunReport

_FLOOR = "floor of "
OPERATIONS_HEAD = ("operation", "asked", "ok", "fail", "info", "p50", "p95", "p99", "slowest")
_FILES = (
    ("plan.json", "everything resolved: replays the run"),
    ("journal.jsonl", "everything that was asked and answered, in order: the evidence"),
    ("verdict.json", "the verdict with its findings, for machines"),
    ("summary.md", "the run in short, for a pull request or the summary of a job"),
    ("junit.xml", "the verdict for continuous integration"),
    ("junit.xml", "the verdict for continuous integration: a case a checker"),
    ("summary.md", "the run in short, for a pull request"),
    ("summary.csv", "the run in figures"),
    ("operations.csv", "one row an operation"),
    ("latency.csv", "one row a kind of operation"),
    ("samples.csv", "one row a poll of the monitoring API"),
    ("violations.csv", "one row a finding"),
)


class CheckerRow(msgspec.Struct, frozen=True):
    """What one checker says, and on what."""

    name: str
    outcome: str
    evidence: str


def tiles(report: RunReport) -> list[tuple[str, str, str]]:
    """The run in a few figures: name, value, and what else there is to say."""
    latency, asked = report.latency, report.ok + report.fail + report.info
    return [
        ("Broken promises", f"{len(report.findings):,}", ""),
        ("Operations", f"{asked:,}", f"{report.fail:,} refused, {report.info:,} unanswered"),
        ("Under load", show_duration(report.main_s), f"{report.plan.workers:,} clients"),
        ("A second", f"{report.rate:,.0f}", "operations under load"),
        ("Median", milliseconds(latency.p50_ms) if latency is not None else "–", ""),
        ("99 % within", milliseconds(latency.p99_ms) if latency is not None else "–", ""),
    ]


def reasons(report: RunReport) -> list[str]:
    """Why something is UNKNOWN."""
    return [
        reason if reason.startswith(f"{result.checker}: ") else f"{result.checker}: {reason}"
        for result in report.results
        for reason in result.reasons
    ]


def operations(report: RunReport) -> list[tuple[str, ...]]:
    """What was asked, by kind, and what came of it."""
    rows = []
    for summary in report.operations:
        latency = summary.latency
        timed = (latency.p50_ms, latency.p95_ms, latency.p99_ms, latency.max_ms) if latency is not None else ()
        rows.append(
            (
                f"{summary.f} {summary.style}".strip(),
                *(f"{count:,}" for count in (summary.count, summary.ok, summary.fail, summary.info)),
                *((milliseconds(value) for value in timed) if timed else ("–",) * 4),
            )
        )
    return rows


def faults(plan: RunPlan, series: Series) -> list[tuple[str, ...]]:
    """Each planned fault: where, what, how often."""
    counted = {fault.name: fault for fault in series.faults}
    rows: list[tuple[str, ...]] = []
    for fault in plan.scenario.faults:
        count = counted.get(fault.name)
        struck = f"{count.total:,}" if count is not None else "never"
        in_flight = f"{count.most_in_flight:,}" if count is not None else "–"
        rows.append((fault.name, ", ".join(fault.steps), ", ".join(_toxics(fault)), struck, in_flight))
    return rows


def thresholds(report: RunReport) -> list[tuple[str, ...]]:
    """Each speed threshold, and whether it held."""
    return [
        (one.name, one.limit, show_milliseconds(one.measured_ms), f"{one.operations:,}", one.speed.value)
        for one in report.thresholds
    ]


def checkers(report: RunReport) -> list[CheckerRow]:
    """Who judged, and on how much."""
    return [CheckerRow(result.checker, result.outcome, _evidence(result)) for result in report.results]


def environment(report: RunReport, series: Series) -> list[tuple[str, str]]:
    """What was run where, as far as plan and journal know."""
    plan, known = report.plan, series.environment
    where = plan.registry_url if plan.registry_url is not None else "the reference registry, started for this run"
    rows = [
        ("Registry", where),
        ("Its version", series.registry_version or "not told by it"),
        ("Sabotaged by", ", ".join(plan.sabotages)),
        ("nscr", plan.nscr),
        ("Python", known.get("python", "not recorded")),
        ("Platform", known.get("platform", "not recorded")),
        ("Processors", known.get("processors", "not recorded")),
        ("Started", plan.started_utc),
        ("Run", plan.run_id),
        ("Scenario", f"{plan.scenario_name}, workload {plan.scenario.workload}"),
        ("Seed", str(plan.seed)),
        ("Clients", f"{plan.workers:,}" + (f" in {plan.processes} processes" if plan.processes > 1 else "")),
        ("Tags are", plan.scenario.tag_model),
        ("Namespace", plan.namespace),
    ]
    return [(name, value) for name, value in rows if value]


def plan_text(plan: RunPlan) -> str:
    """plan.json, readable."""
    return msgspec.json.format(msgspec.json.encode(plan)).decode()


def files(report: RunReport) -> Iterator[tuple[str, str]]:
    """What a run leaves beside this page."""
    yield from _FILES
    if report.findings:
        yield "findings.md", "each finding in full: operations, timeline, curl transcript"
    if report.plan.registry_url is None:
        yield "registry.log", "what the registry said"
    if report.leftovers:
        yield "leftovers.txt", "keys that are still in the registry"


def _toxics(fault: Fault) -> Iterator[str]:
    for toxic in fault.toxics:
        kind = str(type(toxic).__struct_config__.tag)
        yield kind if toxic.direction.value in kind else f"{kind} of the {toxic.direction.value}"


def _evidence(result: Result) -> str:
    floors = {name: count for name, count in result.evidence.items() if name.startswith(_FLOOR)}
    parts = []
    for name, count in sorted(result.evidence.items()):  # as verdict.json has them
        if name not in floors:
            floor = floors.get(_FLOOR + name)
            parts.append(f"{name} {count:,}" + (f" (needs {floor:,})" if floor is not None else ""))
    return " · ".join(parts) or "none"
