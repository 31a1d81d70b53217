"""Judges a run folder: plan and journal in, results out; no registry, no clock, so the same folder judges the same.

The checkers do not learn which bugs were switched on in the registry: a judge who knows what to find is no judge.
"""

import contextlib
import gc
from collections.abc import Iterator
from pathlib import Path

import msgspec

from nscr_cli.checkers.eventual import bound_ns
from nscr_cli.checkers.faults import FaultsChecker
from nscr_cli.checkers.progress import ProgressChecker
from nscr_cli.checkers.verdict import Checker, Result, check_all
from nscr_cli.checkers.visibility import VisibilityChecker
from nscr_cli.engine.long_journals import judged_in_parts
from nscr_cli.errors import RunFolderError
from nscr_cli.history.history import History, Recorded
from nscr_cli.history.journal import JOURNAL_NAME, read_whole_journal
from nscr_cli.history.plan import PLAN_FORMAT, RunPlan, Scenario
from nscr_cli.history.segments import segments_beside
from nscr_cli.history.sharing import Sharing
from nscr_cli.workloads.catalogue import WORKLOADS

PLAN_NAME = "plan.json"
LONGEST = 1 << 30
_FOLDER_HINT = "name a run folder, as the last line of `nscr torture` prints it"


class _Versions(msgspec.Struct):
    format: int
    nscr: str


def judge_run(folder: Path, *, longest: int = LONGEST) -> tuple[RunPlan, Recorded, list[Result]]:
    """What the checkers of the run's workload say about its history.

    Args:
        longest: bytes of a journal that is judged in memory; a longer one is judged in parts, by way of the disk.

    Raises:
        RunFolderError: not a run folder, damaged, or written by a newer nscr; or the disk has no room for the parts.
    """
    with _without_collections():
        plan = read_plan(folder)
        journal = folder / JOURNAL_NAME
        is_whole = not segments_beside(journal)  # of a run that was killed, some of it lies elsewhere
        if is_whole and journal.exists() and journal.stat().st_size > longest:
            return plan, *judged_in_parts(_checkers(plan, folder), _blindfolded(plan), journal)
        _, history = read_run(folder)
        return plan, history, judged(plan, history, folder)


def judged(plan: RunPlan, history: History, folder: Path) -> list[Result]:
    """What the checkers of the plan's workload say about a history; `folder` is for errors.

    Raises:
        RunFolderError: a workload or checker that this nscr does not know.
    """
    return check_all(_checkers(plan, folder), _blindfolded(plan), history)


def _blindfolded(plan: RunPlan) -> RunPlan:
    return msgspec.structs.replace(plan, sabotages=())


def read_run(folder: Path) -> tuple[RunPlan, History]:
    """The plan and the history of a run.

    Raises:
        RunFolderError: not a run folder, damaged, or written by a newer nscr.
    """
    plan = read_plan(folder)
    try:
        return plan, History(read_whole_journal(folder), sharing=Sharing())
    except ValueError as error:
        raise RunFolderError(f"{folder / JOURNAL_NAME}: not a history: {error}", hint=_FOLDER_HINT) from error


@contextlib.contextmanager
def _without_collections() -> Iterator[None]:
    """Without the cyclic garbage collector, which goes through millions of objects again and again to find no cycle."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def write_plan(folder: Path, plan: RunPlan) -> None:
    """Keep the plan beside its journal.

    Raises:
        OSError: the disk is full or the folder is not writable.
    """
    (folder / PLAN_NAME).write_bytes(msgspec.json.format(msgspec.json.encode(plan)) + b"\n")


def read_plan(folder: Path) -> RunPlan:
    """The plan of a run.

    Raises:
        RunFolderError: not a run folder, damaged, or written by a newer nscr.
    """
    path = folder / PLAN_NAME
    try:
        document = path.read_bytes()
        versions = msgspec.json.decode(document, type=_Versions)
        if versions.format > PLAN_FORMAT:
            raise RunFolderError(
                f"{path}: plan format {versions.format} of nscr {versions.nscr}; this nscr reads up to {PLAN_FORMAT}",
                hint=f"judge it with nscr {versions.nscr} or newer",
            )
        return msgspec.json.decode(document, type=RunPlan)
    except OSError as error:
        raise RunFolderError(f"{path}: {error.strerror or error}", hint=_FOLDER_HINT) from error
    except msgspec.MsgspecError as error:
        raise RunFolderError(f"{path}: not the plan of a run: {error}", hint=_FOLDER_HINT) from error


def checkers_of(scenario: Scenario) -> tuple[Checker, ...]:
    """Who judges a run of this scenario.

    Raises:
        KeyError: there is no such workload.
    """
    checkers = WORKLOADS[scenario.workload].checkers
    if bound_ns(scenario.tag_model) is not None and not any(isinstance(one, VisibilityChecker) for one in checkers):
        checkers = (*checkers, VisibilityChecker())
    if scenario.stall_s is not None or scenario.bystander_rate:
        checkers = (*checkers, ProgressChecker())
    return (*checkers, FaultsChecker()) if scenario.faults else checkers


def _checkers(plan: RunPlan, folder: Path) -> tuple[Checker, ...]:
    try:
        checkers = checkers_of(plan.scenario)
    except KeyError:
        raise RunFolderError(
            f"{folder / PLAN_NAME}: unknown workload {plan.scenario.workload!r}",
            hint=f"judge it with nscr {plan.nscr} or newer",
        ) from None
    if plan.only_checker is None:
        return checkers
    chosen = tuple(checker for checker in checkers if checker.name == plan.only_checker)
    if not chosen:
        raise RunFolderError(
            f"{folder / PLAN_NAME}: unknown checker {plan.only_checker!r}",
            hint=f"judge it with nscr {plan.nscr} or newer",
        )
    return chosen
