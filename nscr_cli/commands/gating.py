"""What `nscr gate` does between its flags and its exit code: inspect, torture, print."""

import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from random import SystemRandom

import trio
from rich.console import Console
from rich.live import Live

from nscr_cli.checkers.verdict import Verdict
from nscr_cli.client.admission import check_access, greeting
from nscr_cli.client.monitoring import Monitoring
from nscr_cli.client.registry import RegistryClient
from nscr_cli.client.target import Credentials, Target
from nscr_cli.client.tokens import Tokens
from nscr_cli.client.transport import USER_AGENT
from nscr_cli.client.trust import dialer_for
from nscr_cli.commands.gate_options import Format
from nscr_cli.commands.torturing import Torturer
from nscr_cli.engine.plan import Flags, make_plan
from nscr_cli.errors import EnvironmentFailed, NscrError
from nscr_cli.exits import Exit
from nscr_cli.gate.annotations import annotations
from nscr_cli.gate.catalog import Choice, choose_repositories
from nscr_cli.gate.crew import Crew
from nscr_cli.gate.demands import Demands
from nscr_cli.gate.documents import document
from nscr_cli.gate.monitoring import Told, compare
from nscr_cli.gate.progress import progress_line, progress_of, render_progress
from nscr_cli.gate.rendering import markdown, plain, rendered
from nscr_cli.gate.report import GateReport, Tortured
from nscr_cli.gate.sampling import sampled
from nscr_cli.gate.survey import Survey
from nscr_cli.gate.walk import Walk, unread
from nscr_cli.history.plan import Scenario
from nscr_cli.reporting.github import annotation_line, few, is_github, without_commands
from nscr_cli.ui import can_show_live, progress_console, results_console

_SIGNAL_EXITS = {signal.SIGINT: Exit.INTERRUPTED, signal.SIGTERM: Exit.TERMINATED}
_REFRESH_S = 0.25
_LINE_S = 5.0


class Inspection:
    """One inspection of a registry, until it is done or interrupted.

    Attributes:
        survey, told, choice: what was found; `told` is None where it was interrupted.
        interrupted_by: the signal, if there was one.
    """

    def __init__(
        self,
        target: Target,
        credentials: Credentials | None,
        *,
        wanted: Sequence[str],
        workers: int,
        demands: Demands,
    ) -> None:
        self.survey = Survey()
        self.told: Told | None = None
        self.choice = Choice(repositories=())
        self.interrupted_by: signal.Signals | None = None
        self._target = target
        self._credentials = credentials
        self._wanted = wanted
        self._workers = workers
        self._demands = demands
        self._failure: NscrError | None = None
        self._doing = "asking for the catalog"
        self._began_s = time.monotonic()

    @property
    def interrupted_exit(self) -> Exit:
        """Where nothing worse is to be told."""
        return _SIGNAL_EXITS[self.interrupted_by or signal.SIGINT]

    async def run(self) -> None:
        """Look at everything, showing how far it is.

        Raises:
            NscrError: the registry does not answer, lets us not in, or has no catalog.
        """
        dialer = dialer_for(self._target)
        tokens = Tokens(self._target, self._credentials, user_agent=USER_AGENT)
        crew = Crew(
            [RegistryClient(dialer, self._target, self._credentials, tokens=tokens) for _ in range(self._workers)]
        )
        async with trio.open_nursery() as nursery:
            await nursery.start(self._heed_signals, nursery.cancel_scope)
            nursery.start_soon(self._show, crew)
            try:
                await self._inspect(crew, tokens)
            except NscrError as error:
                self._failure = error  # a nursery would wrap it
            nursery.cancel_scope.cancel()
        if self._failure is not None:
            raise self._failure

    async def _inspect(self, crew: Crew, tokens: Tokens) -> None:
        demands = self._demands
        try:
            check_access(self._target, self._credentials, await greeting(crew.clients[0]))
            self.choice = await choose_repositories(crew.clients[0], self._wanted)
            walk = Walk(crew, self.survey, reads_bytes=demands.is_deep)
            self._doing = "looking at what tags reach"
            await walk.repositories(self.choice.repositories)
            if demands.sample_percent is not None:
                self._doing = "reading a sample of the blobs"
                await walk.read(sampled(unread(self.survey), percent=demands.sample_percent, seed=demands.seed))
            self._doing = "comparing with the monitoring API"
            async with Monitoring(self._target, self._credentials, tokens=tokens) as monitoring:
                self.told = await compare(
                    monitoring,
                    crew,
                    self.survey,
                    is_whole=self.choice.is_whole and not self.survey.unlisted,
                    max_session_age_s=demands.max_session_age_s,
                )
        finally:
            with trio.CancelScope(shield=True):
                for client in crew.clients:
                    await client.aclose()

    async def _show(self, crew: Crew) -> None:
        console = progress_console()
        elapsed_s: Callable[[], float] = lambda: time.monotonic() - self._began_s  # noqa: E731
        if can_show_live(console):
            with Live(console=console, auto_refresh=False, transient=True) as live:
                while True:
                    now = progress_of(self._doing, crew, self.survey, elapsed_s=elapsed_s())
                    live.update(render_progress(now), refresh=True)
                    await trio.sleep(_REFRESH_S)
        while os.environ.get("CI"):
            await trio.sleep(_LINE_S)
            now = progress_of(self._doing, crew, self.survey, elapsed_s=elapsed_s())
            console.print(progress_line(now), markup=False, soft_wrap=True)

    async def _heed_signals(self, scope: trio.CancelScope, task_status: trio.TaskStatus[None]) -> None:
        with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
            task_status.started()
            async for number in signals:
                self.interrupted_by = signal.Signals(number)
                scope.cancel()


def tortured(scenarios: Sequence[tuple[str, Scenario]], flags: Flags, torturer: Torturer) -> tuple[Tortured, ...]:
    """Run scenarios against the registry, one after another, until one is interrupted."""
    runs: list[Tortured] = []
    for name, scenario in scenarios:
        plan = make_plan(name, scenario, flags, started=datetime.now(UTC), chance=SystemRandom())
        try:
            outcome = torturer.run(plan)
        except EnvironmentFailed as error:
            runs.append(
                Tortured(
                    scenario=name,
                    seed=plan.seed,
                    verdict=Verdict.UNKNOWN,
                    exit_code=Exit.ENVIRONMENT,
                    folder="",
                    reasons=(error.message,),
                )
            )
            continue
        report, failure = outcome.report, outcome.failure
        reasons = [f"{result.checker}: {reason}" for result in report.results for reason in result.reasons]
        runs.append(
            Tortured(
                scenario=name,
                seed=plan.seed,
                verdict=report.verdict,
                exit_code=report.exit_code if failure is None else Exit.ENVIRONMENT,
                folder=str(outcome.folder),
                findings=report.findings,
                reasons=(*reasons, *((failure.message,) if failure is not None else ())),
            )
        )
        if report.interrupted_by is not None:
            break
    return tuple(runs)


def show(report: GateReport, format_: Format) -> None:
    """Print the report."""
    console = results_console()
    if format_ is Format.AUTO:
        format_ = _usual(console)
    match format_:
        case Format.JSON:
            sys.stdout.write(document(report))
        case Format.MARKDOWN:
            sys.stdout.write(markdown(report))
        case Format.RICH:
            console.print(rendered(report))
        case Format.GITHUB:
            sys.stdout.write(without_commands(plain(report)))
            for annotation in few(annotations(report)):
                sys.stdout.write(f"{annotation_line(annotation)}\n")
        case _:
            sys.stdout.write(plain(report))


def _usual(console: Console) -> Format:
    if is_github(os.environ):
        return Format.GITHUB
    return Format.RICH if console.is_terminal else Format.PLAIN
