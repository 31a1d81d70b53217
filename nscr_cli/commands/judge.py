"""`nscr judge RUNDIR`: the verdict of a run again, from its plan and journal alone; writes nothing."""

from pathlib import Path
from typing import Annotated

import typer

from nscr_cli.engine.cleanup import read_leftovers
from nscr_cli.engine.judging import judge_run
from nscr_cli.reporting.documents import verdict_document
from nscr_cli.reporting.run_report import run_report
from nscr_cli.reporting.terminal import show
from nscr_cli.ui import results_console


def judge(
    folder: Annotated[Path, typer.Argument(metavar="RUNDIR", help="The folder of a run.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Judge a recorded run again: same plan, same journal, same verdict; no registry is asked."""
    plan, history, results = judge_run(folder)
    report = run_report(plan, history, results, leftovers=read_leftovers(folder))
    if as_json:
        typer.echo(verdict_document(report), nl=False)
    else:
        show(results_console(), report, folder)
    raise typer.Exit(report.exit_code)
