"""`nscr report RUNDIR`: the page of a run, from what its folder holds; no registry is asked."""

import json
from pathlib import Path
from typing import Annotated

import typer

from nscr_cli.engine.recorded_verdict import recorded_report, renewed_report
from nscr_cli.reporting.html.run_page import write_page
from nscr_cli.ui import progress_console


def report(
    folder: Annotated[Path, typer.Argument(metavar="RUNDIR", help="The folder of a run.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print where the page is, and its figures, as JSON.")] = False,
) -> None:
    """Write RUNDIR/report.html: the verdict, its evidence and how the run went, in one file that opens offline.

    The verdict is that of RUNDIR/verdict.json. Where there is none of this plan
    and journal, the run is judged first.
    """
    recorded = recorded_report(folder)
    if recorded is None:
        progress_console().print(
            f"no verdict of this journal in {folder}: it is judged first", markup=False, soft_wrap=True
        )
    told = recorded if recorded is not None else renewed_report(folder)
    path = write_page(folder, told)
    if as_json:
        figures = {
            "report": str(path),
            "bytes": path.stat().st_size,
            "judged": recorded is None,
            "run_id": told.plan.run_id,
            "verdict": told.verdict.name,
            "findings": len(told.findings),
            "operations": told.ok + told.fail + told.info,
        }
        typer.echo(json.dumps(figures, indent=2))
    else:
        typer.echo(str(path))
