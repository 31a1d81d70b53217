"""The verdict of a run as it was written down, where it belongs to the plan and journal beside it; else judged anew.

Whether it belongs is a matter of bytes, not of dates: verdict.json names the digests of both, so that a folder may be
copied, and a journal that grew or was exchanged is never shown under the verdict of another one.
"""

import hashlib
from collections.abc import Iterable
from pathlib import Path

import msgspec

from nscr_cli.engine.cleanup import read_leftovers
from nscr_cli.engine.judging import PLAN_NAME, judge_run, read_plan
from nscr_cli.engine.scenario_file import is_shipped
from nscr_cli.errors import RunFolderError
from nscr_cli.history.history import Recorded
from nscr_cli.history.journal import JOURNAL_NAME
from nscr_cli.history.segments import segments_beside
from nscr_cli.reporting.csv_files import write_verdict
from nscr_cli.reporting.documents import VERDICT_NAME
from nscr_cli.reporting.run_report import Fingerprint, RunReport, run_report
from nscr_cli.reporting.verdict_file import report_from

_HINT = "name a run folder, as the last line of `nscr torture` prints it"


def fingerprint(folder: Path) -> Fingerprint:
    """The digests of a run's plan and of its journal, with what was not joined to that.

    Raises:
        RunFolderError: not a run folder.
    """
    journal = folder / JOURNAL_NAME
    try:
        return Fingerprint(plan=_digest([folder / PLAN_NAME]), journal=_digest([journal, *segments_beside(journal)]))
    except OSError as error:
        raise RunFolderError(f"{error.filename or folder}: {error.strerror or error}", hint=_HINT) from error


def recorded_report(folder: Path) -> RunReport | None:
    """The report that verdict.json holds; None where there is none, or it is of another plan, journal or format.

    None also where its verdict, exit code and findings contradict each other.

    Raises:
        RunFolderError: not a run folder.
    """
    plan = read_plan(folder)
    try:
        document = (folder / VERDICT_NAME).read_bytes()
    except OSError:
        return None
    report = report_from(document, plan)
    if report is None or report.judged != fingerprint(folder):
        return None
    return msgspec.structs.replace(
        report, leftovers=read_leftovers(folder), is_shipped=is_shipped(plan.scenario_name, plan.scenario)
    )


def judged_report(folder: Path) -> tuple[RunReport, Recorded]:
    """The report of a run that is judged now.

    Raises:
        RunFolderError: see `judge_run`.
    """
    plan, history, results = judge_run(folder)
    report = run_report(
        plan,
        history,
        results,
        leftovers=read_leftovers(folder),
        is_shipped=is_shipped(plan.scenario_name, plan.scenario),
        judged=fingerprint(folder),
    )
    return report, history


def renewed_report(folder: Path) -> RunReport:
    """The report of a run that is judged now, with its verdict and findings written down.

    Raises:
        RunFolderError: see `judge_run`.
        ReportsUnwritable: see `whole_file`.
    """
    report, history = judged_report(folder)
    write_verdict(folder, report, history)
    return report


def _digest(paths: Iterable[Path]) -> str:
    hashed = hashlib.sha256()
    for path in paths:
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                hashed.update(block)
    return f"sha256:{hashed.hexdigest()}"
