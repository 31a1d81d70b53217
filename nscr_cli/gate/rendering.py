"""A gate report as Rich for a terminal, as plain text and as Markdown. Pure.

Names and messages come from the registry: control characters are taken out, and nothing is read as markup.
"""

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text
from tabulate import tabulate

from nscr_cli.checkers.verdict import Finding, Result, Verdict
from nscr_cli.exits import Exit
from nscr_cli.gate.report import GateReport, Limit
from nscr_cli.monitors.dashboards import show_bytes
from nscr_cli.reporting.github import markdown_text
from nscr_cli.ui import printable

FINDINGS_SHOWN = 50
_STYLES = {Verdict.VALID: "green", Verdict.UNKNOWN: "yellow", Verdict.INVALID: "red"}
_FINDING_HEADERS = ("check", "rule", "key", "what")


def rendered(report: GateReport) -> RenderableType:
    """For a terminal."""
    style = "yellow" if report.exit_code is Exit.THRESHOLD else _STYLES[report.verdict]
    checks = Table("check", "verdict", "looked at", box=None, pad_edge=False, header_style="bold")
    for result in report.results:
        outcome = Text(result.outcome, _STYLES[result.verdict])
        checks.add_row(Text(printable(result.checker)), outcome, Text(_evidence(result)))
    parts: list[RenderableType] = [Text(headline(report), f"bold {style}"), Text(), checks]
    if report.findings:
        findings = Table(*_FINDING_HEADERS, box=None, pad_edge=False, header_style="bold")
        for finding in report.findings[:FINDINGS_SHOWN]:
            findings.add_row(*(Text(cell, overflow="fold") for cell in _finding_cells(finding)))
        parts += [Text(), findings]
    lines = list(_lines(report))
    if lines:
        parts += [Text(), *(Text(line) for line in lines)]
    return Group(*parts)


def plain(report: GateReport) -> str:
    """For pipes and logs."""
    return _tabulated(report, "simple", headline(report))


def markdown(report: GateReport) -> str:
    """For a pull request or a job summary."""
    verdict, _, rest = headline(report).partition(":")
    return _tabulated(report, "github", f"**{verdict}**:{markdown_text(rest)}")


def headline(report: GateReport) -> str:
    """The verdict, and of what, in one line."""
    counts = report.counts
    what = ", ".join(_counted(counts[name], name) for name in ("repositories", "tags", "manifests", "blobs"))
    hashed = f"{counts['blobs read']:,} read, {show_bytes(counts['bytes hashed'])} hashed"
    broken = f" · {_counted(len(report.findings), 'findings')}" if report.findings else ""
    breached = [limit.name for limit in report.limits if limit.is_breached]
    limits = f" · too many {', '.join(breached)}" if breached else ""
    return f"{report.verdict.name}: {printable(report.registry_url)} · {what} ({hashed}){broken}{limits}"


def _tabulated(report: GateReport, style: str, first: str) -> str:
    clean = markdown_text if style == "github" else str
    checks = [(clean(printable(result.checker)), result.outcome, clean(_evidence(result))) for result in report.results]
    blocks = [first, tabulate(checks, headers=("check", "verdict", "looked at"), tablefmt=style)]
    if report.findings:
        findings = [tuple(map(clean, _finding_cells(finding))) for finding in report.findings[:FINDINGS_SHOWN]]
        blocks.append(tabulate(findings, headers=_FINDING_HEADERS, tablefmt=style, disable_numparse=True))
    lines = [clean(line) for line in _lines(report)]
    if lines:
        blocks.append("\n".join(f"- {line}" for line in lines))
    return "\n\n".join(blocks) + "\n"


def _evidence(result: Result) -> str:
    return " · ".join(
        f"{name} {show_bytes(count) if name == 'bytes hashed' else f'{count:,}'}"
        for name, count in result.evidence.items()
    )


def _finding_cells(finding: Finding) -> tuple[str, str, str, str]:
    what = printable(finding.explanation, limit=1000)
    return printable(finding.checker), finding.rule, printable(finding.key), what


def _lines(report: GateReport) -> Iterator[str]:
    if len(report.findings) > FINDINGS_SHOWN:
        yield f"{len(report.findings) - FINDINGS_SHOWN:,} more findings: see --csv or --format json"
    for limit in report.limits:
        yield _limit(limit)
    for result in report.results:
        for reason in result.reasons[:FINDINGS_SHOWN]:
            yield f"{printable(result.checker)} not decided: {printable(reason, limit=400)}"
    for run in report.tortured:
        yield f"tortured: {printable(run.scenario)}, {run.verdict.name}, seed {run.seed}: {printable(run.folder)}"
    for name, reason in report.skipped.items():
        yield f"{printable(name)} skipped: {printable(reason, limit=400)}"
    for note in report.notes:
        yield f"note: {printable(note, limit=400)}"


def _limit(limit: Limit) -> str:
    if limit.measured is None:
        return f"limit: {limit.name}, at most {limit.most:,}: not known"
    said = "breached" if limit.is_breached else "kept"
    return f"limit {said}: {limit.measured:,} {limit.name}, at most {limit.most:,}"


def _counted(count: int, plural: str) -> str:
    singular = {"repositories": "repository"}.get(plural, plural.removesuffix("s"))
    return f"{count:,} {singular if count == 1 else plural}"
