"""The report of a run for a person: the verdict first, then why, then figures, then what to do next. Pure.

`render` is for a terminal (Rich), `plain` for pipes and logs (tabulate); both say the same. Findings quote a registry,
so every string goes through `printable`. The folder of the report is the last line.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from textwrap import fill

from rich import box
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.panel import Panel
from rich.table import Table
from rich.text import Text
from tabulate import tabulate

from nscr_cli.checkers.verdict import Result, Verdict
from nscr_cli.durations import show_duration, show_milliseconds, three_digits
from nscr_cli.reporting.findings import FINDINGS_NAME
from nscr_cli.reporting.html.run_page import PAGE_NAME
from nscr_cli.reporting.known_bugs import Catalogue, read_catalogue
from nscr_cli.reporting.latency import OperationSummary
from nscr_cli.reporting.run_report import RunReport, first_of_each_rule
from nscr_cli.reporting.terminal_finding import FindingBlock, finding_block
from nscr_cli.reporting.thresholds import Speed, Threshold
from nscr_cli.ui import printable

FINDINGS_SHOWN = 5
_LINES_SHOWN = 10
_PLAIN_WIDTH = 120
_BETWEEN = " · "
_EVIDENCE_WIDTH = 90
_FLOOR = "floor of "

_STYLES = {Verdict.VALID: "green", Verdict.UNKNOWN: "yellow", Verdict.INVALID: "red"}
_SPEED_STYLES = {Speed.HELD: "green", Speed.BREACHED: "red", Speed.NOT_MEASURED: "yellow"}
_THRESHOLD_COLUMNS = ("threshold", "limit", "measured", "of", "outcome")
_OPERATION_COLUMNS = ("operation", "ok", "fail", "info", "p50 ms", "p99 ms", "max ms")


def show(console: Console, report: RunReport, folder: Path) -> None:
    """Print the report as the console can show it."""
    catalogue = read_catalogue() if report.findings else None
    if console.is_terminal:
        console.print(render(report, catalogue))
        for line in _next_steps(report, folder):
            console.print(line, soft_wrap=True, markup=False)  # not broken: it is to be copied
        # Again, because the first line of a long report is no longer on the screen.
        verdict = f"{report.verdict.name}{_partial(report)}: {because(report)}"
        console.print(verdict, style=f"bold {_STYLES[report.verdict]}", markup=False)
    else:
        console.file.write(plain(report, folder, catalogue))


def render(report: RunReport, catalogue: Catalogue | None = None) -> RenderableType:
    """The report for a terminal of any width, but for the commands to copy."""
    style = _STYLES[report.verdict]
    headline = Text(f"{report.verdict.name}{_partial(report)}", style=f"bold {style}", justify="center")
    headline.append(f"\n{because(report)}", style=f"not bold {style}")
    parts: list[RenderableType] = [Panel(headline, border_style=style, box=box.HEAVY), Text(_subject(report))]
    for block in _blocks(report, catalogue):
        parts += [Text(), _rendered_finding(block)]
    parts += [Text(line, style="bold") for line in _findings_left(report)]
    parts += [Text(), _operations_table(report.operations), Text(), _checkers_table(report.results)]
    if report.thresholds:
        parts += [Text(), _thresholds_table(report.thresholds)]
    for title, lines in _notes(report):
        parts += [Text(), Text(title, style="bold")]
        parts += [Padding(Text(line), (0, 0, 0, 2)) for line in lines]
    return Group(*parts, Text())


def plain(report: RunReport, folder: Path, catalogue: Catalogue | None = None) -> str:
    """The report as text without colour, ending with the line that names its folder."""
    blocks = [f"{report.verdict.name}{_partial(report)}: {because(report)}\n{_subject(report)}"]
    for block in _blocks(report, catalogue):
        proof = "".join(f"    {line}\n" for line in block.proof)
        words = "\n".join(_wrapped(line) for line in (block.explanation, *block.notes))
        blocks.append(f"{block.title}\n{proof}{words}")
    blocks += _findings_left(report)
    if report.operations:
        rows = [_operation_cells(summary) for summary in report.operations]
        blocks.append(
            tabulate(rows, headers=_OPERATION_COLUMNS, colalign=("left", *["right"] * 6), disable_numparse=True)
        )
    rows = [
        (checker, verdict, _in_lines(evidence)) for checker, verdict, evidence in map(_checker_cells, report.results)
    ]
    blocks.append(tabulate(rows, headers=("checker", "verdict", "evidence"), disable_numparse=True))
    if report.thresholds:
        rows = [_threshold_cells(threshold) for threshold in report.thresholds]
        blocks.append(tabulate(rows, headers=_THRESHOLD_COLUMNS, disable_numparse=True))
    blocks += ["\n  ".join([title, *lines]) for title, lines in _notes(report)]
    return "\n\n".join(blocks) + "\n\n" + "\n".join(_next_steps(report, folder)) + "\n"


def _partial(report: RunReport) -> str:
    if not report.partial:
        return ""
    return f" (partial: {report.interrupted_by or 'the run did not reach its end'})"


def because(report: RunReport) -> str:
    """The verdict in half a sentence."""
    if report.verdict is Verdict.VALID:
        return f"everything that was checked held{_but_slow(report)}"
    if report.verdict is Verdict.UNKNOWN:
        return "not enough evidence for a verdict"
    rules = Counter(finding.rule for finding in report.findings)
    named = ", ".join(rule if count == 1 else f"{count} x {rule}" for rule, count in rules.items())
    return f"{_plural(len(rules), 'broken promise')}: {named}"


def _but_slow(report: RunReport) -> str:
    if report.breached:
        return f", but not {_plural(len(report.breached), 'speed threshold')}"
    return ", but a speed threshold had nothing to measure" if report.unmeasured else ""


def _subject(report: RunReport) -> str:
    plan = report.plan
    target = printable(plan.registry_url) if plan.registry_url is not None else "reference registry"
    if plan.sabotages:
        target += f" sabotaged by {', '.join(plan.sabotages)}"
    return (
        f"{printable(plan.scenario_name)} · seed {plan.seed} · {_plural(plan.workers, 'worker')} · {target}\n"
        f"{report.main_operations:,} operations under load in {show_duration(report.main_s)} ({report.rate:,.0f}/s) · "
        f"in all phases {report.ok:,} ok, {report.fail:,} fail, {report.info:,} info\n"
        f"keys lie below {plan.namespace}"
    )


def _plural(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def _wrapped(line: str) -> str:
    indent = " " * 4
    return fill(
        line,
        _PLAIN_WIDTH,
        initial_indent=indent,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _rendered_finding(block: FindingBlock) -> RenderableType:
    proof = [Text(line, no_wrap=True, overflow="ellipsis") for line in block.proof]
    notes = [Text(note, style="dim") for note in block.notes]
    details = Group(*proof, Text(block.explanation), *notes)
    return Group(Text(block.title, style="bold red"), Padding(details, (0, 0, 0, 3)))


def _blocks(report: RunReport, catalogue: Catalogue | None) -> list[FindingBlock]:
    chosen = first_of_each_rule(report.findings)[:FINDINGS_SHOWN]
    return [finding_block(number, finding, report, catalogue) for number, finding in enumerate(chosen, start=1)]


def _findings_left(report: RunReport) -> list[str]:
    left = len(report.findings) - len(first_of_each_rule(report.findings)[:FINDINGS_SHOWN])
    return [f"… and {_plural(left, 'more finding')}: see violations.csv"] if left > 0 else []


def _operation_cells(summary: OperationSummary) -> tuple[str, ...]:
    latency = summary.latency
    timed = None if latency is None else (latency.p50_ms, latency.p99_ms, latency.max_ms)
    return (
        f"{summary.f} {summary.style}".strip(),
        *(f"{count:,}" for count in (summary.ok, summary.fail, summary.info)),
        *(("–",) * 3 if timed is None else (three_digits(value) for value in timed)),
    )


def _operations_table(operations: Sequence[OperationSummary]) -> RenderableType:
    if not operations:
        return Text("no operations")
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for name in _OPERATION_COLUMNS:
        table.add_column(name, justify="left" if name == "operation" else "right", no_wrap=True)
    for summary in operations:
        table.add_row(*_operation_cells(summary))
    return table


def _checker_cells(result: Result) -> tuple[str, str, str]:
    floors = {name: count for name, count in result.evidence.items() if name.startswith(_FLOOR)}
    parts = []
    for name, count in result.evidence.items():
        if name not in floors:
            floor = floors.get(_FLOOR + name)
            parts.append(f"{name} {count:,}" + (f" (needs {floor:,})" if floor is not None else ""))
    return result.checker, result.outcome, printable(_BETWEEN.join(parts), limit=1000) or "none"


def _in_lines(evidence: str) -> str:
    """Broken between two pieces of evidence, never within one."""
    lines = [""]
    for part in evidence.split(_BETWEEN):
        joined = f"{lines[-1]}{_BETWEEN}{part}" if lines[-1] else part
        if len(joined) > _EVIDENCE_WIDTH and lines[-1]:
            lines.append(part)
        else:
            lines[-1] = joined
    return "\n".join(lines)


def _checkers_table(results: Sequence[Result]) -> RenderableType:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    table.add_column("checker", no_wrap=True)
    table.add_column("verdict", no_wrap=True)
    table.add_column("evidence")
    for result in results:
        checker, verdict, evidence = _checker_cells(result)
        table.add_row(checker, Text(verdict, style=_STYLES[result.verdict]), Text(evidence))
    return table


def _threshold_cells(threshold: Threshold) -> tuple[str, str, str, str, str]:
    shown = show_milliseconds(threshold.measured_ms)
    return threshold.name, threshold.limit, shown, f"{threshold.operations:,}", threshold.speed.value


def _thresholds_table(thresholds: Sequence[Threshold]) -> RenderableType:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for name in _THRESHOLD_COLUMNS:
        table.add_column(name, no_wrap=True)
    for threshold in thresholds:
        *cells, outcome = _threshold_cells(threshold)
        table.add_row(*cells, Text(outcome, style=_SPEED_STYLES[threshold.speed]))
    return table


def _notes(report: RunReport) -> Iterator[tuple[str, list[str]]]:
    reasons = [
        reason if reason.startswith(f"{result.checker}: ") else f"{result.checker}: {reason}"
        for result in report.results
        for reason in result.reasons
    ]
    is_evidence = report.verdict is Verdict.INVALID
    for title, lines in (
        ("not decided, because", reasons),
        ("skipped, because the registry does not support it", report.skipped),
        ("kept in the registry, as evidence" if is_evidence else "left in the registry", report.leftovers),
    ):
        if lines:
            yield title, list(_shortened(lines))


def _shortened(lines: Sequence[str]) -> Iterable[str]:
    yield from (printable(line, limit=400) for line in lines[:_LINES_SHOWN])
    if len(lines) > _LINES_SHOWN:
        yield f"… and {len(lines) - _LINES_SHOWN:,} more"


def _next_steps(report: RunReport, folder: Path) -> list[str]:
    again = report.rerun_command(str(folder))
    steps = [f"run it again: {report.replay_command if report.is_shipped else again}"]
    if report.findings and report.is_shipped:
        steps.append(f"how often: {again}")
    if report.findings:
        steps.append(f"each finding in full, with curl: {folder / FINDINGS_NAME}")
    if report.plan.registry_url is not None:
        steps.append("  (with NSCR_USERNAME and NSCR_PASSWORD set, if the registry asks for them)")
    if report.leftovers:
        url = printable(report.plan.registry_url or "URL")
        steps.append(f"clean up: nscr torture --clean {folder} --registry-url {url}")
    return [*steps, f"in a browser: {folder / PAGE_NAME}", f"report: {folder}"]
