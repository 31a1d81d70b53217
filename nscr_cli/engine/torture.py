"""A whole run, from a plan to a report in its folder: load, judge, clean up, write.

The verdict comes from the folder alone, as `nscr judge` would give it. A report disk that is full loses the files that
did not fit, never the verdict.
"""

from functools import partial
from pathlib import Path

import msgspec
import trio
from rich.console import Console

from nscr_cli.checkers.verdict import Verdict, merged
from nscr_cli.client.target import Target
from nscr_cli.engine.cleanup import clean_up, pushed_keys, write_leftovers
from nscr_cli.engine.clocks import RunClock, machine_ns
from nscr_cli.engine.crew.board import Board
from nscr_cli.engine.crew.crew import Crew
from nscr_cli.engine.judging import judge_run, read_run
from nscr_cli.engine.live import Display, display
from nscr_cli.engine.onlooker import Onlooker
from nscr_cli.engine.recorded_verdict import fingerprint
from nscr_cli.engine.recorder import Recorder
from nscr_cli.engine.run import Run, Wiring
from nscr_cli.engine.run_folder import make_run_folder, open_journal
from nscr_cli.engine.scenario_file import is_shipped
from nscr_cli.engine.ungrouping import ungrouped
from nscr_cli.errors import EnvironmentFailed, ReportsUnwritable, UsageError
from nscr_cli.history.history import Recorded
from nscr_cli.history.journal import JournalWriter
from nscr_cli.history.plan import RunPlan
from nscr_cli.reporting.csv_files import write_run
from nscr_cli.reporting.html.run_page import write_page
from nscr_cli.reporting.index import append_run
from nscr_cli.reporting.run_report import RunReport, run_report
from nscr_cli.targets.base import TortureTarget
from nscr_cli.workloads.catalogue import WORKLOADS


class Setting(msgspec.Struct, frozen=True, kw_only=True):
    """What a run is done to, and where it is written down.

    Attributes:
        console: for progress.
        secrets: values that must not enter the run folder.
        keeps_evidence: after INVALID, what was pushed is not deleted.
        clock: trio's clock for the run; None for real time.
    """

    target: TortureTarget
    wiring: Wiring
    reports: Path
    console: Console
    secrets: tuple[str, ...] = ()
    keeps_evidence: bool = True
    clock: trio.abc.Clock | None = None


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """How a run ended.

    Attributes:
        failure: what went wrong on this machine or while cleaning up, after there was something to judge.
    """

    report: RunReport
    folder: Path
    failure: EnvironmentFailed | None


def torture(plan: RunPlan, setting: Setting) -> Outcome:
    """Run a plan and judge it.

    Raises:
        TargetUnreachable, TargetRefused: there was nothing to torture.
        ReportsUnwritable: the run folder cannot be made.
    """
    folder = make_run_folder(setting.reports, plan)
    with display(setting.console) as shown:
        with open_journal(folder, plan) as journal, ungrouped():
            conducted = partial(_conduct, plan, setting, folder, journal, shown)
            failure: EnvironmentFailed | None = trio.run(conducted, clock=setting.clock)
        with shown.busy("judge"):
            _, history, results = judge_run(folder)
        is_evidence = merged(results) is Verdict.INVALID and setting.keeps_evidence
        left, trouble = _tidied(plan, history, setting, folder, shown, keep=plan.keep or is_evidence)
        failure = failure or trouble
        with shown.busy("report"):
            report = run_report(
                plan,
                history,
                results,
                leftovers=left,
                is_shipped=is_shipped(plan.scenario_name, plan.scenario),
                judged=fingerprint(folder),
            )
            try:
                write_run(folder, report, history)
                append_run(setting.reports, report)
                write_page(folder, report)
            except ReportsUnwritable as error:
                failure = failure or error
    return Outcome(report=report, folder=folder, failure=failure)


def finish_cleaning(folder: Path, address: Target, target: TortureTarget, wiring: Wiring) -> tuple[str, ...]:
    """Delete what a former run left behind; the keys of what still remains, which its folder then lists.

    Raises:
        UsageError: the run was not done to the registry at `address`.
        RunFolderError: not a run folder.
        EnvironmentFailed: the registry does not answer, or the list cannot be written.
    """
    plan, history = read_run(folder)
    if plan.registry_url != address.url:
        raise UsageError(
            f"the run in {folder} was done to {plan.registry_url or 'a registry of its own'}, not to {address.url}",
            hint="give the URL of that run with --registry-url",
        )
    with ungrouped():
        left = trio.run(partial(clean_up, plan, history, target=target, wiring=wiring, folder=folder))
    write_leftovers(folder, left)
    return left


def _tidied(
    plan: RunPlan, history: Recorded, setting: Setting, folder: Path, shown: Display, *, keep: bool
) -> tuple[tuple[str, ...], EnvironmentFailed | None]:
    """Delete what was pushed, unless it is kept; what remains, and what went wrong. Nothing of it loses the verdict."""
    if plan.registry_url is None:  # a registry of our own is gone with its folder
        return (), None
    left = pushed_keys(plan, history)
    failure: EnvironmentFailed | None = None
    if not keep:
        shown.say(f"deleting what was pushed: {len(left):,} keys")
        cleaning = partial(clean_up, plan, history, target=setting.target, wiring=setting.wiring, folder=folder)
        try:
            with ungrouped():
                left = trio.run(cleaning, clock=setting.clock)
        except EnvironmentFailed as error:
            failure = error
        except KeyboardInterrupt:
            shown.say(f"interrupted: nscr torture --clean {folder} finishes it")
    try:
        write_leftovers(folder, left)
    except ReportsUnwritable as error:
        failure = failure or error
    return left, failure


async def _conduct(
    plan: RunPlan, setting: Setting, folder: Path, journal: JournalWriter, shown: Display
) -> EnvironmentFailed | None:
    is_shared = plan.processes > 1
    origin_ns = machine_ns() if is_shared else None
    clock, onlooker = RunClock(origin_ns), Onlooker(plan)
    board = Board.made(plan.processes) if is_shared else None
    recorder = Recorder(
        journal,
        clock,
        observe=onlooker.note,
        on_failure=lambda: run.abandon(),
        secrets=setting.secrets,
        next_index=board.next_index if board is not None else None,
        open_elsewhere=board.open_operations if board is not None else lambda: 0,
    )
    crew: Crew | None = None
    if board is not None and origin_ns is not None:
        crew = Crew(plan.processes, folder, recorder, clock, board=board, meter=onlooker.meter, origin_ns=origin_ns)
    run = Run(
        plan,
        workload=WORKLOADS[plan.scenario.workload],
        target=setting.target,
        wiring=setting.wiring,
        recorder=recorder,
        clock=clock,
        folder=folder,
        crew=crew,
    )
    async with trio.open_nursery() as nursery:
        nursery.start_soon(shown.follow, onlooker.picture_of(run, clock))
        await run.conduct()
        nursery.cancel_scope.cancel()
    if board is not None:
        board.close()
    return recorder.failure or (crew.failure if crew is not None else None)
