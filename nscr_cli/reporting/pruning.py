"""Which runs may go, and their folders deleted. What is kept whatever was asked: evidence, and what is not over.

INVALID runs are evidence, and go only where they are named. A run without verdict may still be going on; one with keys
left in a registry is needed to delete them. Rows of index.csv stay: they are the history.
"""

import shutil
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import msgspec

from nscr_cli.errors import ReportsUnwritable, UsageError
from nscr_cli.reporting.shelf import NOT_JUDGED, Shelved, is_run_folder
from nscr_cli.reporting.whole_files import HINT

_KEPT_VERDICT = "INVALID"


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """What is to go.

    Attributes:
        newest: so many of each scenario stay.
        older_than_s: what is younger stays, too; None for whatever age.
    """

    newest: int
    older_than_s: float | None


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """Runs that go, and runs that would and are kept, each with the reason."""

    going: tuple[Shelved, ...]
    kept: tuple[tuple[Shelved, str], ...]


def chosen(runs: Sequence[Shelved], wish: Wish, now: datetime) -> Choice:
    """Of the runs whose folders are there, those that go. Pure."""
    by_scenario: dict[str, list[Shelved]] = {}
    for run in runs:
        if run.folder is not None:
            by_scenario.setdefault(run.folder.rpartition("/")[0], []).append(run)
    candidates = [run for of in by_scenario.values() for run in _beyond(of, wish, now)]
    kept = tuple((run, why) for run in candidates if (why := kept_because(run)) is not None)
    return Choice(going=tuple(run for run in candidates if kept_because(run) is None), kept=kept)


def kept_because(run: Shelved) -> str | None:
    """Why a run stays unless it is named; None where it may go."""
    if run.verdict == _KEPT_VERDICT:
        return "it is INVALID, and evidence: name its folder to remove it"
    return unfinished_because(run)


def unfinished_because(run: Shelved) -> str | None:
    """Why a run stays even if it is named."""
    if run.verdict == NOT_JUDGED:
        return "it has no verdict, and may be going on: nscr judge it first"
    if run.leftovers:
        return f"{run.leftovers} of its keys are still in the registry: nscr torture --clean it first"
    return None


def remove(reports: Path, run: Shelved) -> None:
    """Delete the folder of a run; links in it are deleted, and what they lead to is not.

    Raises:
        UsageError: it is no run folder of this reports folder any more.
        ReportsUnwritable: it cannot be deleted.
    """
    folder = reports / (run.folder or "")
    if run.folder is None or folder.parent.is_symlink() or not is_run_folder(folder):
        raise UsageError(f"{folder} is not a run folder", hint="nothing else is ever removed")
    try:
        shutil.rmtree(folder)
    except OSError as error:
        raise ReportsUnwritable(f"{folder}: {error.strerror or error}", hint=HINT) from error


def _beyond(runs: list[Shelved], wish: Wish, now: datetime) -> Iterator[Shelved]:
    newest_first = sorted(runs, key=lambda run: (run.started_utc, run.folder or ""), reverse=True)
    for run in newest_first[wish.newest :]:
        if wish.older_than_s is None or _began(run, now) < now - timedelta(seconds=wish.older_than_s):
            yield run


def _began(run: Shelved, now: datetime) -> datetime:
    try:
        began = datetime.fromisoformat(run.started_utc)
    except ValueError:
        return now  # nobody knows how old it is
    return began if began.tzinfo is not None else now
