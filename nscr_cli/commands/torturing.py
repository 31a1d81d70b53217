"""What `nscr torture` runs its plans with, whichever plans they are; and a plan run again, counted."""

import io
import shlex
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from random import SystemRandom

import msgspec
import typer
from rich.console import Console

from nscr_cli.checkers.verdict import Finding, Verdict
from nscr_cli.client.target import Credentials, Target
from nscr_cli.engine.network import Network
from nscr_cli.engine.plan import Flags, replanned
from nscr_cli.engine.shrink_run import TRIES_NAME, shrink
from nscr_cli.engine.torture import Outcome, Setting
from nscr_cli.engine.torture import torture as run_torture
from nscr_cli.errors import EnvironmentFailed, ReportsUnwritable
from nscr_cli.exits import Exit, worst
from nscr_cli.generators.namespace import namespace_of
from nscr_cli.history.history import Recorded
from nscr_cli.history.plan import RunPlan
from nscr_cli.reporting.documents import verdict_document
from nscr_cli.reporting.junit_run import Suites, suite_of, suite_of_failed
from nscr_cli.reporting.reruns import Promise, Rerun, again_lines, rerun_line, rerun_of, reruns_document
from nscr_cli.reporting.run_report import RERUNS
from nscr_cli.reporting.terminal import show
from nscr_cli.targets.external import ExternalTarget
from nscr_cli.targets.reference import ReferenceTarget
from nscr_cli.ui import printable, progress_console, results_console
from nscr_cli.workloads.capabilities import PROBE_REPOSITORY


class Search(msgspec.Struct, frozen=True, kw_only=True):
    """How a smaller run is searched for.

    Attributes:
        rule: that is to fail again; None for the first in the report.
    """

    longest_s: float
    rule: str | None


class Torturer(msgspec.Struct, frozen=True, kw_only=True):
    """Runs plans against one registry, or against reference registries of their own where there is no address."""

    address: Target | None
    credentials: Credentials | None
    reports: Path
    suites: Suites | None = None

    def run(self, plan: RunPlan) -> Outcome:
        """See nscr_cli.engine.torture."""
        try:
            outcome = run_torture(plan, self.setting(plan))
        except EnvironmentFailed as error:
            if self.suites is not None:
                self.suites.add(suite_of_failed(plan, error.message))
            raise
        if self.suites is None:
            return outcome
        try:
            self.suites.add(suite_of(outcome.report))
        except ReportsUnwritable as error:  # the verdict is told all the same
            failure = ReportsUnwritable(error.message, hint="free some space, or name another file with --junit")
            return msgspec.structs.replace(outcome, failure=outcome.failure or failure)
        return outcome

    def attempt(self, plan: RunPlan) -> Outcome:
        """Run a plan in passing: nothing is shown, and what was pushed is deleted whatever the verdict."""
        quiet = Console(quiet=True, file=io.StringIO())
        return run_torture(plan, msgspec.structs.replace(self.setting(plan), console=quiet, keeps_evidence=False))

    def setting(self, plan: RunPlan) -> Setting:
        """What this plan is run with."""
        return Setting(
            target=ReferenceTarget(plan.sabotages) if self.address is None else self._external(plan, self.address),
            wiring=Network(plan.request_timeout_s),
            reports=self.reports,
            console=progress_console(),
            secrets=self._secrets,
        )

    def _external(self, plan: RunPlan, address: Target) -> ExternalTarget:
        return ExternalTarget(address, self.credentials, push_to=namespace_of(plan).repository(PROBE_REPOSITORY))

    @property
    def _secrets(self) -> tuple[str, ...]:
        """What must not enter the run folder."""
        of_proxy = self.address.proxy.user_info if self.address is not None and self.address.proxy is not None else None
        return tuple(filter(None, (self.credentials.password if self.credentials is not None else None, of_proxy)))


def show_outcome(outcome: Outcome, *, as_json: bool) -> Exit:
    """Print the report of a run; its exit code.

    Raises:
        EnvironmentFailed: as the run met it, where it is the worst that there is to tell.
    """
    if as_json:
        typer.echo(verdict_document(outcome.report), nl=False)
        progress_console().print(f"report: {outcome.folder}", markup=False, soft_wrap=True)
    else:
        show(results_console(), outcome.report, outcome.folder)
    if outcome.failure is None:
        return outcome.report.exit_code
    if outcome.report.verdict is not Verdict.INVALID:
        raise outcome.failure
    progress_console().print(f"nscr: {printable(outcome.failure.message, limit=2000)}", markup=False)
    return Exit.INVALID


def run_again(
    plan: RunPlan, flags: Flags, wanted: Sequence[Promise], *, times: int, torturer: Torturer, as_json: bool
) -> Exit:
    """Run a plan so many times, and say in how many of them it broke the same promises.

    Args:
        wanted: what it broke at first.
    """
    reruns: list[Rerun] = []
    exits: list[Exit] = []
    failure: EnvironmentFailed | None = None
    for number in range(1, times + 1):
        outcome = torturer.run(replanned(plan, flags, started=datetime.now(UTC), chance=SystemRandom()))
        reruns.append(rerun_of(outcome.report, str(outcome.folder)))
        if times == 1:
            exits.append(show_outcome(outcome, as_json=as_json))
        else:
            failure = outcome.failure
            exits.append(outcome.report.exit_code)
            _tell(rerun_line(reruns[-1], number, times))
        if outcome.report.interrupted_by is not None or failure is not None:
            break
    if times == 1:
        _tell(*again_lines(wanted, reruns))
    elif as_json:
        typer.echo(reruns_document(wanted, reruns), nl=False)
    else:
        for line in again_lines(wanted, reruns):
            results_console().print(line, markup=False, soft_wrap=True)
    if failure is not None and worst(exits) is not Exit.INVALID:
        raise failure
    return worst(exits)


def shrink_run(
    folder: Path, plan: RunPlan, history: Recorded, findings: Sequence[Finding], torturer: Torturer, search: Search
) -> list[str]:
    """Search for a smaller run that fails alike; what came of it, in lines.

    Raises:
        ReportsUnwritable: the result cannot be written.
    """
    trying = msgspec.structs.replace(torturer, reports=folder / TRIES_NAME)
    end = time.monotonic() + search.longest_s
    shrunk = shrink(
        folder,
        plan,
        history,
        list(findings),
        run=lambda smaller: trying.attempt(
            replanned(smaller, Flags(), started=datetime.now(UTC), chance=SystemRandom())
        ),
        is_over=lambda: time.monotonic() > end,
        tell=_tell,
        rule=search.rule,
    )
    if shrunk is None:
        return [f"nothing to shrink: no operation proves {search.rule or 'a broken promise'}"]
    rerun = shlex.join(["nscr", "torture", "--replay", str(shrunk.folder), "--repeat", str(RERUNS)])
    return [*shrunk.lines(), f"run it again: {rerun}", f"report: {shrunk.folder}"]


def _tell(*lines: str) -> None:
    for line in lines:
        progress_console().print(line, markup=False, soft_wrap=True)
