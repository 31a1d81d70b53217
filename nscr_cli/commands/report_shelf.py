"""`nscr report --index` and `--prune`: all runs of a reports folder on one page, and old ones deleted."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import typer

from nscr_cli.durations import parse_duration
from nscr_cli.errors import UsageError
from nscr_cli.reporting.html.index_page import write_index_page
from nscr_cli.reporting.pruning import Choice, Wish, chosen, remove, unfinished_because
from nscr_cli.reporting.shelf import is_run_folder, read_shelf, run_folders
from nscr_cli.ui import printable, progress_console, results_console

USUAL_REPORTS = Path("reports")


def write_index(folders: Sequence[Path], *, as_json: bool) -> None:
    """Write index.html of a reports folder, and say where it is."""
    if len(folders) > 1:
        raise UsageError("--index is of one reports folder", hint=f"leave out {folders[1]}")
    reports = folders[0] if folders else USUAL_REPORTS
    shelf = read_shelf(reports)
    path = write_index_page(reports, shelf)
    gone, unlisted = (
        sum(run.folder is None for run in shelf.runs),
        sum(not run.is_listed for run in shelf.runs),
    )
    if as_json:
        facts = {"index": str(path), "runs": len(shelf.runs), "folders_gone": gone, "not_in_index": unlisted}
        typer.echo(json.dumps(facts, indent=2))
        return
    typer.echo(str(path))
    if gone or unlisted:
        _tell(f"{gone} folders are gone, {unlisted} are not in index.csv")


def prune(folders: Sequence[Path], *, newest: int, older_than: str | None, is_sure: bool) -> None:
    """Delete old runs of reports folders, and run folders that are named; or say what would be deleted."""
    wish = Wish(newest=newest, older_than_s=parse_duration(older_than) if older_than is not None else None)
    for folder in folders or [USUAL_REPORTS]:
        reports, choice = _choice(folder, wish)
        if reports == folder and not any(run_folders(reports)):
            _tell(f"{reports}: no runs here")
        for run, why in choice.kept:
            _tell(f"kept {reports / (run.folder or '')}: {why}")
        for run in choice.going:
            if is_sure:
                remove(reports, run)
            results_console().print(
                printable(f"{'removed' if is_sure else 'would remove'} {reports / (run.folder or '')}", limit=2000),
                markup=False,
                soft_wrap=True,
            )
        if choice.going and not is_sure:
            _tell(f"{len(choice.going)} runs would go: add --yes")


def _choice(folder: Path, wish: Wish) -> tuple[Path, Choice]:
    """What is to go of a reports folder; of a run folder, itself, whatever its verdict."""
    if not is_run_folder(folder):
        return folder, chosen(read_shelf(folder).runs, wish, datetime.now(UTC))
    folder = folder.absolute()
    reports, name = folder.parent.parent, f"{folder.parent.name}/{folder.name}"
    run = next(one for one in read_shelf(reports).runs if one.folder == name)
    why = unfinished_because(run)
    return reports, Choice(going=() if why else (run,), kept=((run, why),) if why else ())


def _tell(line: str) -> None:
    progress_console().print(printable(line, limit=2000), markup=False, soft_wrap=True)
