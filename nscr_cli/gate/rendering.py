"""A gate report as Rich for a terminal, as plain text, Markdown or JSON, and as CSV rows. Pure.

Names and messages come from the registry: control characters are taken out, and nothing is read as markup.
"""

import json
from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text
from tabulate import tabulate

from nscr_cli import __version__
from nscr_cli.checkers.verdict import Finding, Result, Verdict
from nscr_cli.gate.report import GATE_FORMAT, GateReport
from nscr_cli.ui import printable

CSV_COLUMNS = ("format", "nscr", "registry_url", "check", "verdict", "rule", "key", "explanation", "clause")
FINDINGS_SHOWN = 50
_STYLES = {Verdict.VALID: "green", Verdict.UNKNOWN: "yellow", Verdict.INVALID: "red"}


def rendered(report: GateReport) -> RenderableType:
    """For a terminal."""
    style = _STYLES[report.verdict]
    checks = Table("check", "verdict", "looked at", box=None, pad_edge=False, header_style="bold")
    for result in report.results:
        checks.add_row(result.checker, Text(result.outcome, _STYLES[result.verdict]), Text(_evidence(result)))
    parts: list[RenderableType] = [Text(_headline(report), f"bold {style}"), Text(), checks]
    if report.findings:
        findings = Table("check", "rule", "key", "what", box=None, pad_edge=False, header_style="bold")
        for finding in report.findings[:FINDINGS_SHOWN]:
            findings.add_row(*(Text(cell, overflow="fold") for cell in _finding_cells(finding)))
        parts += [Text(), findings]
    parts += [Text(line) for line in _lines(report)]
    return Group(*parts)


def plain(report: GateReport) -> str:
    """For pipes and logs."""
    return _tabulated(report, "simple", _headline(report))


def markdown(report: GateReport) -> str:
    """For a pull request or a job summary."""
    verdict, _, rest = _headline(report).partition(":")
    return _tabulated(report, "github", f"**{verdict}**:{_escaped(rest)}")


def document(report: GateReport) -> str:
    """As JSON, in ASCII, so that no terminal can be steered by what a registry said."""
    content = {
        "format": GATE_FORMAT,
        "nscr": __version__,
        "registry_url": report.registry_url,
        "verdict": report.verdict.name,
        "exit_code": int(report.exit_code),
        "counts": report.counts,
        "checks": [
            {
                "check": result.checker,
                "verdict": result.outcome,
                "evidence": result.evidence,
                "reasons": result.reasons,
                "findings": [
                    {"rule": one.rule, "key": one.key, "explanation": one.explanation, "clause": one.clause}
                    for one in result.findings
                ],
            }
            for result in report.results
        ],
        "skipped": report.skipped,
        "notes": report.notes,
    }
    return json.dumps(content, indent=2, ensure_ascii=True) + "\n"


def csv_rows(report: GateReport) -> Iterator[tuple[str | int, ...]]:
    """One row a finding; one for each check without any."""
    for result in report.results:
        head = (GATE_FORMAT, __version__, report.registry_url, result.checker, result.outcome)
        for finding in result.findings:
            yield (*head, finding.rule, finding.key, finding.explanation, finding.clause)
        if not result.findings:
            yield (*head, "", "", "; ".join(result.reasons), "")
    for name, reason in report.skipped.items():
        yield GATE_FORMAT, __version__, report.registry_url, name, "SKIPPED", "", "", reason, ""


def _tabulated(report: GateReport, style: str, headline: str) -> str:
    clean = _escaped if style == "github" else str
    checks = [(result.checker, result.outcome, clean(_evidence(result))) for result in report.results]
    blocks = [headline, tabulate(checks, headers=("check", "verdict", "looked at"), tablefmt=style)]
    if report.findings:
        findings = [tuple(map(clean, _finding_cells(finding))) for finding in report.findings[:FINDINGS_SHOWN]]
        headers = ("check", "rule", "key", "what")
        blocks.append(tabulate(findings, headers=headers, tablefmt=style, disable_numparse=True))
    lines = [clean(line) for line in _lines(report)]
    if lines:
        blocks.append("\n".join(f"- {line}" for line in lines))
    return "\n\n".join(blocks) + "\n"


def _headline(report: GateReport) -> str:
    counts = ", ".join(f"{count:,} {name}" for name, count in report.counts.items())
    broken = f" · {len(report.findings):,} finding{'s' * (len(report.findings) != 1)}" if report.findings else ""
    return f"{report.verdict.name}: {printable(report.registry_url)} · {counts}{broken}"


def _evidence(result: Result) -> str:
    return " · ".join(f"{name} {count:,}" for name, count in result.evidence.items())


def _finding_cells(finding: Finding) -> tuple[str, str, str, str]:
    return finding.checker, finding.rule, printable(finding.key), printable(finding.explanation, limit=1000)


def _lines(report: GateReport) -> Iterator[str]:
    if len(report.findings) > FINDINGS_SHOWN:
        yield f"{len(report.findings) - FINDINGS_SHOWN:,} more findings: see --csv or --format json"
    for result in report.results:
        for reason in result.reasons[:FINDINGS_SHOWN]:
            yield f"{result.checker} not decided: {printable(reason, limit=400)}"
    for name, reason in report.skipped.items():
        yield f"{name} skipped: {printable(reason, limit=400)}"
    for note in report.notes:
        yield f"note: {printable(note, limit=400)}"


def _escaped(text: str) -> str:
    """Text that Markdown takes for text, in a table as well."""
    for char in "\\`*_[]<>|#&":
        text = text.replace(char, f"\\{char}" if char not in "<>&" else {"<": "&lt;", ">": "&gt;", "&": "&amp;"}[char])
    return text
