"""`nscr report RUNDIR`: the page of a run, or how it differs from others; no registry is asked."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import typer

from nscr_cli.commands.report_shelf import prune, write_index
from nscr_cli.engine.comparing import compared_runs
from nscr_cli.engine.recorded_verdict import recorded_report, renewed_report
from nscr_cli.errors import UsageError
from nscr_cli.reporting.comparison_text import comparison_document, markdown_comparison, plain_comparison
from nscr_cli.reporting.html.run_page import write_page
from nscr_cli.ui import progress_console

_KEPT = 10  # of each scenario, where nobody says how many


def report(
    folders: Annotated[
        list[Path] | None,
        typer.Argument(metavar="RUNDIR", help="The folder of a run; of --index and --prune, of all reports (reports)."),
    ] = None,
    compare: Annotated[
        list[Path] | None,
        typer.Option(metavar="OTHER", help="Say what differs from this run, instead; may be given several times."),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print where the page is and its figures, or the comparison, as JSON.")
    ] = False,
    as_markdown: Annotated[bool, typer.Option("--markdown", help="Print the comparison as Markdown.")] = False,
    index: Annotated[bool, typer.Option("--index", help="Write index.html: all runs of a reports folder.")] = False,
    prune_runs: Annotated[
        bool, typer.Option("--prune", help="Remove old runs of a reports folder; without --yes, say which.")
    ] = False,
    newest: Annotated[
        int | None,
        typer.Option("--keep", min=0, metavar="N", help=f"With --prune: the newest N of each scenario ({_KEPT}) stay."),
    ] = None,
    older_than: Annotated[
        str | None, typer.Option(metavar="DURATION", help="With --prune: what is younger stays, e.g. 30d.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="With --prune: remove them.")] = False,
) -> None:
    """Write RUNDIR/report.html: the verdict, its evidence and how the run went, in one file that opens offline.

    The verdict is that of RUNDIR/verdict.json. Where there is none of this plan
    and journal, the run is judged first.

    With --compare, promises and speeds of RUNDIR are compared with those of
    OTHER: exit code 1 if a promise is newly broken, 4 if it became slower,
    3 if nobody can tell.

    --prune keeps INVALID runs, unless their folders are named, and runs that
    are not over.
    """
    folders = folders or []
    asked = {"--compare": bool(compare), "--index": index, "--prune": prune_runs}
    _check_alone([option for option, is_asked in asked.items() if is_asked])
    if not prune_runs:
        _check_needed({"--keep": newest is not None, "--older-than": older_than is not None, "--yes": yes})
    if as_markdown and not compare:
        raise UsageError("--markdown is for a comparison", hint="add --compare OTHER; each run folder has a summary.md")
    if prune_runs:
        if as_json:
            raise UsageError("--prune prints no JSON", hint="leave out --json; nscr report --index --json counts runs")
        prune(folders, newest=newest if newest is not None else _KEPT, older_than=older_than, is_sure=yes)
        return
    if index:
        write_index(folders, as_json=as_json)
        return
    if not folders:
        raise UsageError("which run?", hint="name its folder, or add --index for all runs of a reports folder")
    if compare:
        _compare(folders, compare, as_json=as_json, as_markdown=as_markdown)
    for folder in folders:
        _page(folder, as_json=as_json)


def _check_alone(asked: Sequence[str]) -> None:
    if len(asked) > 1:
        raise UsageError(f"{asked[0]} and {asked[1]} are two things", hint="ask for one, and then for the other")


def _check_needed(given: Mapping[str, bool]) -> None:
    for option, is_given in given.items():
        if is_given:
            raise UsageError(f"{option} is for --prune", hint=f"add --prune, or leave out {option}")


def _page(folder: Path, *, as_json: bool) -> None:
    recorded = recorded_report(folder)
    if recorded is None:
        progress_console().print(
            f"no verdict of this journal in {folder}, or one that contradicts itself: it is judged first",
            markup=False,
            soft_wrap=True,
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


def _compare(new: Sequence[Path], old: Sequence[Path], *, as_json: bool, as_markdown: bool) -> None:
    others = {folder.resolve() for folder in old}
    for folder in new:
        if folder.resolve() in others:
            raise UsageError(f"{folder}: that is the same run", hint="name another one with --compare")
    comparison = compared_runs(new, old)
    if as_json:
        text = comparison_document(comparison)
    elif as_markdown:
        text = markdown_comparison(comparison)
    else:
        text = plain_comparison(comparison)
    typer.echo(text, nl=False)
    raise typer.Exit(comparison.exit_code)
