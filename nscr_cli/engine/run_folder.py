"""The folder of a run: reports/<scenario>/<utc>-<seed>/ with its plan and its journal."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from nscr_cli.engine.judging import write_plan
from nscr_cli.errors import ReportsUnwritable
from nscr_cli.history.journal import JOURNAL_FORMAT, JOURNAL_NAME, Header, JournalWriter
from nscr_cli.history.plan import RunPlan

_HINT = "free some space, or name another folder with --reports"


def make_run_folder(reports: Path, plan: RunPlan) -> Path:
    """A new folder with the plan in it.

    Raises:
        ReportsUnwritable: it cannot be made or written.
    """
    utc = plan.started_utc.translate({ord("-"): None, ord(":"): None})
    scenario = reports / Path(plan.scenario_name).stem
    try:
        scenario.mkdir(parents=True, exist_ok=True)
        folder = scenario / f"{utc}-{plan.seed}"
        number = 1
        while folder.exists():  # a second run of the same seed within a second
            number += 1
            folder = scenario / f"{utc}-{plan.seed}-{number}"
        folder.mkdir()
        write_plan(folder, plan)
    except OSError as error:
        raise ReportsUnwritable(f"{reports}: {error.strerror or error}", hint=_HINT) from error
    return folder


@contextlib.contextmanager
def open_journal(folder: Path, plan: RunPlan) -> Iterator[JournalWriter]:
    """The journal of a run, while the block runs.

    Raises:
        ReportsUnwritable: it cannot be begun. Later failures are the writer's to tell.
    """
    path = folder / JOURNAL_NAME
    try:
        file = path.open("xb")
    except OSError as error:
        raise ReportsUnwritable(f"{path}: {error.strerror or error}", hint=_HINT) from error
    try:
        try:
            journal = JournalWriter(file, Header(format=JOURNAL_FORMAT, nscr=plan.nscr, run_id=plan.run_id))
        except OSError as error:
            raise ReportsUnwritable(f"{path}: {error.strerror or error}", hint=_HINT) from error
        yield journal
    finally:
        # Whoever records flushes; what a full disk refused then, it may refuse again now.
        with contextlib.suppress(OSError):
            file.close()
