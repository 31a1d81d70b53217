"""The findings of a run in full, for whoever has to believe them: findings.md in the run folder. Pure but for the file.

What a registry said is hostile: it stands in fenced blocks only, without control characters, behind a fence longer
than any run of backticks in it.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from nscr_cli.checkers.verdict import Finding
from nscr_cli.checkers.wording import told
from nscr_cli.history.history import Operation, Recorded
from nscr_cli.reporting.came_back import came_back
from nscr_cli.reporting.groundwork import Groundwork
from nscr_cli.reporting.known_bugs import Catalogue, read_catalogue
from nscr_cli.reporting.run_report import RunReport, few_of_each_rule
from nscr_cli.reporting.timeline import timeline
from nscr_cli.reporting.transcript import transcript
from nscr_cli.reporting.whole_files import whole_file
from nscr_cli.ui import printable

FINDINGS_NAME = "findings.md"
_AGAIN = "To run it again, and count in how many runs it shows again (`RUNDIR` is the folder of this file):"
_SCRIPT = "`nscr judge RUNDIR --bodies DIR` writes `DIR/{number}.sh`, beside the bodies that it sends:"
_MOST_OPERATIONS = 40
_LONGEST = 4000


def write_findings(folder: Path, report: RunReport, history: Recorded) -> None:
    """Write findings.md, if there are findings.

    Raises:
        ReportsUnwritable: see `whole_file`.
    """
    if not report.findings:
        return
    with whole_file(folder / FINDINGS_NAME) as file:
        file.write(findings_document(report, history, read_catalogue()))


def findings_document(report: RunReport, history: Recorded, catalogue: Catalogue) -> str:
    """Findings with their operations, their timeline, their requests, known bugs of their class, and the replay."""
    parts = [
        f"# {report.verdict.name}: {len(report.findings)} found",
        f"Times are seconds since the run's start. {_AGAIN}\n\n{_fenced(report.rerun_command('RUNDIR'), 'sh')}",
    ]
    if report.is_shipped:
        parts.append(f"Once, and without that folder:\n\n{_fenced(report.replay_command, 'sh')}")
    ground = Groundwork(history.operations, is_whole=report.plan.only_checker is None)
    for number, (finding, left_out) in enumerate(few_of_each_rule(report.findings), start=1):
        parts += _finding(number, finding, report, history, ground)
        parts += _known(finding, catalogue)
        if left_out:
            parts.append(f"And {left_out} more of {finding.rule} ({finding.checker}): see violations.csv.")
    return "\n\n".join(parts) + "\n"


def _finding(number: int, finding: Finding, report: RunReport, history: Recorded, ground: Groundwork) -> Iterator[str]:
    yield f"## {number}. {finding.rule} ({finding.checker})"
    facts = (f"key: {finding.key}", f"promise: {finding.clause}", "", finding.explanation)
    yield _fenced("\n".join(printable(fact, limit=_LONGEST) for fact in facts))
    operations = shown_operations(finding, history)
    if not operations:
        yield "No operation proves it, but what the registry said of itself, or what became of it."
        return
    if len(finding.operations) > _MOST_OPERATIONS:
        yield f"The first {_MOST_OPERATIONS} of its {len(finding.operations)} operations:"
    yield _fenced("\n".join(printable(told(one), limit=_LONGEST) for one in operations))
    yield _fenced(timeline(operations))
    yield "What came back; of headers, those that the journal keeps:"
    yield _fenced(came_back(operations))
    yield f"The same requests, one after another; {_SCRIPT.format(number=number)}"
    yield _fenced(transcript(report.plan.registry_url, operations, ground.of(operations)), "sh")


def shown_operations(finding: Finding, history: Recorded) -> list[Operation]:
    """The operations of a finding that are shown, of very many the first."""
    return [history.by_index[index] for index in finding.operations[:_MOST_OPERATIONS] if index in history.by_index]


def _known(finding: Finding, catalogue: Catalogue) -> Iterator[str]:
    for invariant, bugs in catalogue.of_rule(finding.rule).items():
        lines = "\n".join(f"- {bug.id}: {bug.reported}" for bug in bugs)
        yield f"Known bugs of the same class ({invariant}):\n\n{lines}"


def _fenced(text: str, language: str = "text") -> str:
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text}\n{fence}"
