"""The page of a run: report and series in, HTML out. Pure: the same plan and journal give the same bytes.

Nothing here marks a string as HTML but what svg.py builds from numbers, names of ours and escaped text: all else goes
through jinja2's autoescape, and what a registry said through `printable` before that.
"""

from collections.abc import Mapping, Sequence

import msgspec

from nscr_cli.checkers.verdict import Finding
from nscr_cli.history.history import Operation
from nscr_cli.reporting.came_back import came_back
from nscr_cli.reporting.clauses import place_of
from nscr_cli.reporting.groundwork import Groundwork
from nscr_cli.reporting.html import tables
from nscr_cli.reporting.html.environment import template
from nscr_cli.reporting.html.gauges import gauge
from nscr_cli.reporting.html.headline import headline
from nscr_cli.reporting.html.latency_plots import distribution, over_time
from nscr_cli.reporting.html.plots import Canvas, Plot, Shown, faults, rate, trouble
from nscr_cli.reporting.html.series import Series
from nscr_cli.reporting.html.swimlanes import Lanes, lanes
from nscr_cli.reporting.known_bugs import Bug, Catalogue
from nscr_cli.reporting.plain_rules import in_plain_words
from nscr_cli.reporting.run_report import RunReport, few_of_each_rule
from nscr_cli.reporting.transcript import transcript
from nscr_cli.ui import printable

MOST_OPERATIONS = 40
_LONGEST = 4000
_PATTERNS = (
    ("p-f2", "M-1 1L1 -1M0 8L8 0M7 9L9 7"),
    ("p-f4", "M-1 7L1 9M0 0L8 8M7 -1L9 1"),
    ("p-f5", "M0 2H8M0 6H8"),
    ("p-f6", "M2 0V8M6 0V8"),
    ("p-fail", "M-1 1L1 -1M0 8L8 0M7 9L9 7M-1 7L1 9M0 0L8 8M7 -1L9 1"),
)


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """What the journal says beside the verdict.

    Attributes:
        operations: of the findings that are told in full, by index.
        ends: when each operation of any finding ended, or began if nobody knows when it ended; by index.
        writes: of what these operations refer to.
    """

    series: Series
    operations: Mapping[int, Operation]
    ends: Mapping[int, int]
    writes: Sequence[Operation]


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """A finding as the page tells it."""

    number: int
    words: str
    seen: str
    key: str
    rule: str
    checker: str
    clause: str
    link: str | None
    explanation: str
    lanes: Lanes | None
    is_struck: bool
    unshown: int
    came_back: str
    transcript: str
    known: tuple[Bug, ...]
    alike: int


def page(report: RunReport, evidence: Evidence, catalogue: Catalogue) -> str:
    """The whole page."""
    plan, series = report.plan, evidence.series
    seen = {place: when for place, one in enumerate(report.findings) if (when := _seen_ns(one, evidence)) is not None}
    findings = _findings(report, evidence, catalogue)
    canvas = Canvas(series, _pins(report, seen))
    plots, later, absent = _plots(canvas, report)
    rendered = template("report.html.jinja").render(
        report=report,
        plan=plan,
        target=plan.registry_url or "reference registry",
        headline=headline(report, seen),
        tiles=tables.tiles(report),
        patterns=_PATTERNS,
        findings=findings,
        reasons=tables.reasons(report),
        plots=plots,
        latencies=over_time(Canvas(series)),
        later_plots=later,
        absent_plots=absent,
        has_pins=bool(canvas.shown),
        prose=[" ".join(one.split()) for one in plan.scenario.description.split("\n\n")],
        operations_head=tables.OPERATIONS_HEAD,
        operations_rows=tables.operations(report),
        faults=tables.faults(plan, series),
        thresholds=tables.thresholds(report),
        checkers=tables.checkers(report),
        environment=tables.environment(report, series),
        plan_text=_lines(tables.plan_text(plan)),
        rerun=report.rerun_command("RUNDIR"),
        files=tables.files(report),
    )
    return _lines(rendered) + "\n"  # whatever it came from: no control character, nothing that turns text around


def _plots(canvas: Canvas, report: RunReport) -> tuple[list[Plot], list[Plot], list[str]]:
    first = [faults(canvas), rate(canvas), trouble(canvas)] if canvas.series.kinds else []
    later = [
        distribution(canvas.series, report.operations),
        gauge(
            canvas,
            "uploads",
            "Open uploads",
            "as the registry's monitoring API tells it; shaded from the least to the most within a step",
            (("f1", "sessions", "open uploads"),),
        ),
        gauge(
            canvas,
            "things",
            "Blobs and manifests",
            "in the whole registry, as its monitoring API tells it",
            (
                ("f1", "blobs", "blobs"),
                ("f2", "unreferenced_blobs", "unreferenced blobs"),
                ("f3", "manifests", "manifests"),
            ),
        ),
        gauge(
            canvas,
            "space",
            "Space that a collection would free",
            "as the registry's monitoring API tells it",
            (("f1", "space_to_free", "space to free"),),
            is_bytes=True,
        ),
    ]  # fmt: skip
    absent = [] if canvas.series.kinds else ["No operation ended, so there is nothing to plot."]
    if not canvas.series.gauges:
        absent.append(
            "Open uploads, blobs and space are not plotted: the registry has no monitoring API, or it told nothing."
        )
    return [one for one in first if one], [one for one in later if one], absent


def _findings(report: RunReport, evidence: Evidence, catalogue: Catalogue) -> list[Told]:
    ground = Groundwork(evidence.writes, is_whole=report.plan.only_checker is None)
    return [
        _told(number, finding, alike, report, evidence, catalogue, ground)
        for number, (finding, alike) in enumerate(few_of_each_rule(report.findings), start=1)
    ]


def _told(
    number: int,
    finding: Finding,
    alike: int,
    report: RunReport,
    evidence: Evidence,
    catalogue: Catalogue,
    ground: Groundwork,
) -> Told:
    named = finding.operations[:MOST_OPERATIONS]
    operations = [evidence.operations[index] for index in named if index in evidence.operations]
    seen_ns = _seen_ns(finding, evidence)
    below = f"{report.plan.namespace}/"
    words = in_plain_words(finding.checker, finding.rule)
    return Told(
        number=number,
        words=f"{words[0].upper()}{words[1:]}",
        seen=f"{seen_ns / 1e9:.3f} s" if seen_ns is not None else "",
        key=printable(finding.key, limit=_LONGEST),
        rule=printable(finding.rule),
        checker=printable(finding.checker),
        clause=printable(finding.clause, limit=_LONGEST),
        link=place_of(finding.clause),
        explanation=printable(finding.explanation.replace(below, ""), limit=_LONGEST),
        lanes=lanes(f"lanes-{number}", operations, below=below) if operations else None,
        is_struck=any(one.faults for one in operations),
        unshown=len(finding.operations) if len(finding.operations) > MOST_OPERATIONS else 0,
        came_back=_lines(came_back(operations)),
        transcript=_lines(transcript(report.plan.registry_url, operations, ground.of(operations))),
        known=tuple(bug for bugs in catalogue.of_rule(finding.rule).values() for bug in bugs),
        alike=alike,
    )


def _seen_ns(finding: Finding, evidence: Evidence) -> int | None:
    """When the last operation that proves it was over: from then on it could be seen."""
    return max((evidence.ends[index] for index in finding.operations if index in evidence.ends), default=None)


def _pins(report: RunReport, seen: Mapping[int, int]) -> tuple[Shown, ...]:
    """The first of each rule, and the very first of all, by the number that it has on the page."""
    numbers = {id(one): number for number, (one, _) in enumerate(few_of_each_rule(report.findings), start=1)}
    pins = [
        Shown(when, numbers[id(finding)], in_plain_words(finding.checker, finding.rule))
        for place, when in sorted(seen.items())
        if id(finding := report.findings[place]) in numbers
    ]
    return tuple(pins)


def _lines(text: str) -> str:
    """Text of several lines without control characters in any of them."""
    return "\n".join(printable(line, limit=1 << 24) for line in text.split("\n"))
