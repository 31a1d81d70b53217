"""`nscr judge RUNDIR`: the verdict of a run again, from its plan and journal alone; findings in full."""

from pathlib import Path
from typing import Annotated

import typer

from nscr_cli.checkers.verdict import Finding
from nscr_cli.engine.bodies import write_transcripts
from nscr_cli.engine.cut_folder import chosen_finding, cut_run, write_cut
from nscr_cli.engine.recorded_verdict import judged_report
from nscr_cli.errors import ReportsUnwritable
from nscr_cli.history.plan import RunPlan
from nscr_cli.reporting.csv_files import write_verdict
from nscr_cli.reporting.documents import verdict_document
from nscr_cli.reporting.html.run_page import write_page
from nscr_cli.reporting.terminal import show
from nscr_cli.ui import progress_console, results_console


def judge(
    folder: Annotated[Path, typer.Argument(metavar="RUNDIR", help="The folder of a run.")],
    cut: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Write a run folder with only what proves one finding; it is judged alike."),
    ] = None,
    finding: Annotated[
        int, typer.Option(min=1, metavar="N", help="Which finding --cut keeps, by its number in findings.md.")
    ] = 1,
    bodies: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Write each finding's curl transcript, and the bodies that it sends."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Judge a recorded run again: same plan, same journal, same verdict; no registry is asked.

    verdict.json, findings.md and report.html in RUNDIR are written anew.
    """
    report, history = judged_report(folder)
    plan = report.plan
    try:
        write_verdict(folder, report, history)
        write_page(folder, report)
    except ReportsUnwritable as error:  # a verdict needs no disk: a run may lie where nobody can write
        progress_console().print(f"not everything was written: {error}", markup=False)
    if bodies is not None:
        written, missing = write_transcripts(bodies, folder, plan, history, report.shown)
        why = "plan and journal do not lead to them: cut without its bodies, or made by another version of nscr?"
        _tell(f"{bodies}: {written} bodies" + (f"; not to be had: {' '.join(missing)} ({why})" if missing else ""))
    if cut is not None:
        _cut(folder, cut, plan, chosen_finding(report.shown, finding))
    if as_json:
        typer.echo(verdict_document(report), nl=False)
    else:
        show(results_console(), report, folder)
    raise typer.Exit(report.exit_code)


def _cut(folder: Path, target: Path, plan: RunPlan, finding: Finding) -> None:
    cut_down = cut_run(folder, plan, finding)
    write_cut(target, cut_down)
    processes, operations = cut_down.size
    _tell(f"{target}: {finding.rule} ({finding.checker}), {operations} operations of {processes} processes")


def _tell(line: str) -> None:
    progress_console().print(line, markup=False, soft_wrap=True)
