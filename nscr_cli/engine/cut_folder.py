"""The folder of a run, cut to one finding: a plan and a journal that `nscr judge` finds INVALID for the same reason.

Only the checker that found it judges a cut journal (`only_checker` of its plan): the evidence of the others is not in
it, and what they would miss they might take for a broken promise.
"""

from collections.abc import Sequence
from pathlib import Path

import msgspec

from nscr_cli.checkers.verdict import Finding
from nscr_cli.engine.bodies import BODIES_NAME, write_transcripts
from nscr_cli.engine.cutting import cut, is_same
from nscr_cli.engine.judging import judged, read_run, write_plan
from nscr_cli.engine.run_folder import open_journal
from nscr_cli.engine.scenario_file import is_shipped
from nscr_cli.errors import ReportsUnwritable, UsageError
from nscr_cli.history.history import History
from nscr_cli.history.journal import read_whole_journal
from nscr_cli.history.ops import Entry
from nscr_cli.history.plan import RunPlan
from nscr_cli.reporting.findings import write_findings
from nscr_cli.reporting.run_report import run_report

_LARGEST_BODY = 1024 * 1024


class Cut(msgspec.Struct, frozen=True, kw_only=True):
    """What is left of the run in `source` when only one finding is to be proven."""

    source: Path
    plan: RunPlan
    entries: Sequence[Entry]
    finding: Finding

    @property
    def history(self) -> History:
        """What is left of the history."""
        return History(self.entries)

    @property
    def size(self) -> tuple[int, int]:
        """How many processes and operations are left."""
        operations = self.history.operations
        return len({one.process for one in operations}), len(operations)


def chosen_finding(findings: Sequence[Finding], number: int) -> Finding:
    """A finding by its number in findings.md, from 1.

    Raises:
        UsageError: there is none of that number.
    """
    if not findings:
        raise UsageError("this run has no findings to cut it to", hint="name the folder of a run that is INVALID")
    if number > len(findings):
        raise UsageError(f"--finding {number}: there are {len(findings)}", hint=f"from 1 to {len(findings)}")
    return findings[number - 1]


def cut_run(folder: Path, plan: RunPlan, finding: Finding) -> Cut:
    """Cut the run in a folder to one of its findings, and judge what is left.

    Raises:
        RunFolderError: not a run folder, or damaged.
    """
    alone = msgspec.structs.replace(plan, only_checker=finding.checker)

    def judge(history: History) -> list[Finding]:
        return [found for result in judged(alone, history, folder) for found in result.findings]

    entries = cut(list(read_whole_journal(folder)), finding, judge)
    if not any(is_same(found, finding) for found in judge(History(entries))):
        raise RuntimeError(f"cut to what proves {finding.rule} of {finding.key}, the journal does not prove it")
    return Cut(source=folder, plan=alone, entries=entries, finding=finding)


def write_cut(target: Path, cut_down: Cut) -> None:
    """Write what is left as a run folder of its own, with its findings.md, its transcript and what that sends.

    Raises:
        UsageError: there is something there already.
        ReportsUnwritable: it cannot be written.
    """
    try:
        if target.exists() and (not target.is_dir() or any(target.iterdir())):
            raise UsageError(f"{target} is there already", hint="name a new folder")
        target.mkdir(parents=True, exist_ok=True)
        write_plan(target, cut_down.plan)
        with open_journal(target, cut_down.plan) as journal:
            for entry in cut_down.entries:
                journal.append(entry)
    except OSError as error:
        raise ReportsUnwritable(f"{target}: {error.strerror or error}", hint="name a folder elsewhere") from error
    history = cut_down.history
    plan, results = cut_down.plan, judged(cut_down.plan, history, target)
    report = run_report(plan, history, results, is_shipped=is_shipped(plan.scenario_name, plan.scenario))
    write_findings(target, report, history)
    original, whole = read_run(cut_down.source)
    bodies = target / BODIES_NAME
    write_transcripts(bodies, cut_down.source, original, whole, [cut_down.finding], largest=_LARGEST_BODY)
