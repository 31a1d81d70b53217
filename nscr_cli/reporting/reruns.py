"""In how many of its re-runs a finding showed again. Pure.

Seed and plan fix what each client asks, not how their requests meet in a registry: a race shows again now and then, a
bug that needs no race each time. A finding shows again where the same checker finds the same rule broken, of any key.
"""

import json
from collections.abc import Iterable, Sequence

import msgspec

from nscr_cli.checkers.verdict import Finding
from nscr_cli.exits import Exit
from nscr_cli.reporting.run_report import REPORT_FORMAT, RunReport
from nscr_cli.ui import printable


class Promise(msgspec.Struct, frozen=True, order=True):
    """What a finding says was broken, whatever the run."""

    checker: str
    rule: str

    def __str__(self) -> str:
        return f"{self.rule} ({self.checker})"


def promises(findings: Iterable[Finding]) -> tuple[Promise, ...]:
    """What is broken, once each, in order."""
    return tuple(dict.fromkeys(Promise(finding.checker, finding.rule) for finding in findings))


class Rerun(msgspec.Struct, frozen=True, kw_only=True):
    """One run of the same plan."""

    folder: str
    verdict: str
    exit_code: Exit
    broken: tuple[Promise, ...]


def rerun_of(report: RunReport, folder: str) -> Rerun:
    """What a report says to the question."""
    return Rerun(
        folder=folder, verdict=report.verdict.name, exit_code=report.exit_code, broken=promises(report.findings)
    )


def rerun_line(rerun: Rerun, number: int, of: int) -> str:
    """One run in a line."""
    broken = ", ".join(map(str, rerun.broken))
    return printable(f"{number} of {of}: {rerun.verdict}{f': {broken}' if broken else ''}; {rerun.folder}", limit=1000)


def again_lines(wanted: Sequence[Promise], reruns: Sequence[Rerun]) -> list[str]:
    """For each promise that was broken at first, how often it was broken again."""
    of = f"{len(reruns)} re-run{'s' if len(reruns) != 1 else ''}"
    if not wanted:
        invalid = sum(rerun.exit_code is Exit.INVALID for rerun in reruns)
        return [f"nothing was found at first; INVALID in {invalid} of {of}"]
    return [f"{one} showed again in {_shown(one, reruns)} of {of}" for one in wanted]


def reruns_document(wanted: Sequence[Promise], reruns: Sequence[Rerun]) -> str:
    """The same as JSON in ASCII."""
    document = {
        "format": REPORT_FORMAT,
        "runs": [
            {"folder": one.folder, "verdict": one.verdict, "exit_code": int(one.exit_code), "broken": one.broken}
            for one in reruns
        ],
        "again": [
            {"checker": one.checker, "rule": one.rule, "shown": _shown(one, reruns), "of": len(reruns)}
            for one in wanted
        ],
    }
    return json.dumps(msgspec.to_builtins(document), indent=2, ensure_ascii=True) + "\n"


def _shown(wanted: Promise, reruns: Sequence[Rerun]) -> int:
    return sum(wanted in rerun.broken for rerun in reruns)
