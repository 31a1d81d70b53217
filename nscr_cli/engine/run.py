"""The lifecycle of a run, from a target that is made ready to a journal that can be judged.

prepare -> probe and seed -> main phase with its faults -> heal -> quiesce -> final reads of every key ever written ->
quiet samples, a last look at what the process holds, and the target taken down always. The first SIGINT or SIGTERM
ends the phase at hand and still reads back what there is; the second, and the death of the target, end everything at
once. What happened stands in the journal; nothing is returned.
"""

import signal
from collections.abc import Iterable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Protocol

import msgspec
import trio

from nscr_cli.engine.bystander import FIRST_PROCESS, Bystander
from nscr_cli.engine.clocks import RunClock
from nscr_cli.engine.company import Company
from nscr_cli.engine.crew.crew import Crew
from nscr_cli.engine.environment import environment
from nscr_cli.engine.faulting import Nemesis, faulting
from nscr_cli.engine.interpreter import Client, Interpreter
from nscr_cli.engine.load_shape import after_seeding, arrivals_of, bounded_load, bystander_rate
from nscr_cli.engine.long_journals import RecordedOperations
from nscr_cli.engine.observing import Observer
from nscr_cli.engine.pacing import Pace
from nscr_cli.engine.recorder import Recorder
from nscr_cli.errors import TargetRefused
from nscr_cli.generators.combinators import Queue, UntilTime
from nscr_cli.generators.streams import stream
from nscr_cli.history.history import History, Operation
from nscr_cli.history.journal import JOURNAL_NAME, read_journal
from nscr_cli.history.keys import repository_of
from nscr_cli.history.ops import F, Kind, Phase
from nscr_cli.history.plan import RetryAfter, RunPlan
from nscr_cli.history.sharing import Sharing
from nscr_cli.monitors.polling import Poller
from nscr_cli.monitors.sampler import Sampler
from nscr_cli.targets.base import Running, TortureTarget
from nscr_cli.workloads.capabilities import probe, style_probe, unsupported
from nscr_cli.workloads.catalogue import Workload
from nscr_cli.workloads.final_reads import cancels, final_reads
from nscr_cli.workloads.memory import Memory
from nscr_cli.workloads.seeding import seeded_memory, seeds
from nscr_cli.workloads.world import World, world_of

GRACE_S = 5.0
DRAIN_S = 5.0
FINAL_S = 120.0
INTERRUPTED_FINAL_S = 10.0
MOST_FINAL_BLOBS = 20_000

_UPLOADS = frozenset({F.PUSH_BLOB, F.MOUNT_BLOB, F.START_UPLOAD, F.PATCH_UPLOAD, F.FINISH_UPLOAD, F.CANCEL_UPLOAD})


class Wiring(Protocol):
    """How a run reaches its registry: over the network, or in memory."""

    def open_client(self, running: Running, process: int) -> Client:
        """A client with a connection of its own; dials when it is first used."""
        ...

    def open_poller(self, running: Running) -> AbstractAsyncContextManager[Poller]:
        """What polls the monitoring API."""
        ...


class Run:
    """One run, once.

    Attributes:
        main_began_ns: when the load began; None before.
        expected: operations that the phase at hand will have; None where nobody knows.
    """

    def __init__(
        self,
        plan: RunPlan,
        *,
        workload: Workload,
        target: TortureTarget,
        wiring: Wiring,
        recorder: Recorder,
        clock: RunClock,
        folder: Path,
        crew: Crew | None = None,
    ) -> None:
        self.main_began_ns: int | None = None
        self.expected: int | None = None
        self._plan = plan
        self._workload = workload
        self._target = target
        self._wiring = wiring
        self._recorder = recorder
        self._clock = clock
        self._folder = folder
        self._crew = crew
        self._everything = trio.CancelScope()
        self._interpreter: Interpreter | None = None
        self._company: Company | None = None
        self._is_interrupted = False
        self._nemesis = Nemesis(None, recorder)

    def abandon(self) -> None:
        """Take everything down at once."""
        self._everything.cancel()

    async def conduct(self) -> None:
        """Run it.

        Raises:
            TargetUnreachable, TargetRefused: before the load began.
        """
        with self._everything:
            async with trio.open_nursery() as nursery:
                await nursery.start(self._heed_signals)
                self._enter("prepare")
                async with (
                    self._target.running(self._folder) as running,
                    faulting(self._plan, running, self._recorder) as (reached, self._nemesis),
                ):
                    await self._load(running, reached)
                nursery.cancel_scope.cancel()

    async def _heed_signals(self, task_status: trio.TaskStatus[None]) -> None:
        with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
            task_status.started()
            async for number in signals:
                self._recorder.event("interrupted", signal=signal.Signals(number).name)
                if self._is_interrupted or self._interpreter is None:
                    self.abandon()
                self._is_interrupted = True
                if self._interpreter is not None:
                    self._interpreter.stop(grace_s=GRACE_S)
                if self._company is not None:
                    self._company.stop()
                if self._crew is not None:
                    self._crew.stop()

    async def _heed_death(self, running: Running) -> None:
        detail = await running.wait_death()
        self._recorder.event("target-died", detail=detail)
        self.abandon()

    async def _load(self, running: Running, reached: Running) -> None:
        world = world_of(self._plan)
        own = 0
        if self._crew is not None:
            self._crew.reach(reached)
            own = 2 * FIRST_PROCESS  # those that load have the low numbers
        self._interpreter = self._interpreter_of(world, reached, workers=self._plan.workers, first_process=own)
        beside = self._interpreter_of(world, running, workers=1, first_process=FIRST_PROCESS)
        async with self._wiring.open_poller(running) as poller, trio.open_nursery() as nursery:
            nursery.start_soon(self._heed_death, running)
            self._company = Company(
                self._plan,
                self._recorder,
                sampler=Sampler(poller, self._clock, self._recorder.sample, secrets=self._recorder.secrets),
                observer=Observer(running.observed, self._recorder, workers=self._plan.workers),
                bystander=Bystander(beside, self._clock, rate=bystander_rate(self._plan)),
            )
            try:
                await self._phases(self._interpreter, running, world, self._company)
            finally:
                with trio.CancelScope(shield=True):
                    await self._interpreter.aclose()
                await self._company.aclose()
            nursery.cancel_scope.cancel()

    def _interpreter_of(self, world: World, running: Running, *, workers: int, first_process: int) -> Interpreter:
        return Interpreter(
            run_id=self._plan.run_id,
            namespace=world.namespace,
            workers=workers,
            recorder=self._recorder,
            clock=self._clock,
            open_client=lambda process: self._wiring.open_client(running, process),
            pace=Pace(is_obedient=self._plan.scenario.retry_after is RetryAfter.HONOUR),
            first_process=first_process,
        )

    async def _phases(self, interpreter: Interpreter, running: Running, world: World, company: Company) -> None:
        sampler = company.sampler
        is_monitored = await sampler.is_offered()
        self._recorder.event("environment", **environment())
        self._recorder.event(
            "target",
            url=running.address.url,
            fresh="yes" if running.is_fresh else "no",
            monitoring="yes" if is_monitored else "no",
        )
        self._enter("seed")
        world = await self._probe(interpreter, world)
        memory = await self._seed(interpreter, world)
        if not self._is_interrupted:
            await company.before_load(world)
        if not self._is_interrupted:
            self._enter("main")
            await self._main(interpreter, world, memory, company.beside_load(world, is_monitored=is_monitored))
        self._enter("quiesce")
        operations = RecordedOperations(self._journal)
        repositories = sorted({repository_of(operation.key) for operation in operations})
        await interpreter.run(Queue(cancels(operations)), Phase.FINAL)
        is_drained = not is_monitored or await sampler.wait_drained(world.namespace.prefix, timeout_s=DRAIN_S)
        self._enter("final")
        await self._read_back(interpreter, operations, repositories)
        # Only of our own registry the number of open uploads is judged.
        if is_monitored and (is_drained or not running.is_fresh or self._all_pushes_ended()):
            await sampler.sample_quiet(repositories)
        await interpreter.aclose()
        await company.settle()
        self._enter("done")
        self._recorder.event("finished")

    async def _probe(self, interpreter: Interpreter, world: World) -> World:
        await interpreter.run(Queue(style_probe(world)), Phase.SEED, workers=1)
        if self._is_interrupted:
            return world
        missing = unsupported(world, RecordedOperations(self._journal))
        world = msgspec.structs.replace(world, unsupported=frozenset(missing))
        if not world.push_styles:
            raise TargetRefused(
                f"the registry takes no blob in any style: {'; '.join(f'{k}: {v}' for k, v in missing.items())}",
                hint=f"may this user push below {self._plan.namespace}? see --namespace, --username",
            )
        await interpreter.run(Queue(probe(world)), Phase.SEED, workers=1)
        missing = unsupported(world, RecordedOperations(self._journal))
        if F.PUT_MANIFEST in missing:
            raise TargetRefused(
                f"the registry takes no OCI image manifest: {missing[F.PUT_MANIFEST]}",
                hint=f"may this user push below {self._plan.namespace}? see --namespace, --username",
            )
        for name, reason in sorted(missing.items()):
            self._recorder.event("capability", name=name, supported="no", reason=reason)
        return msgspec.structs.replace(world, unsupported=frozenset(missing))

    async def _seed(self, interpreter: Interpreter, world: World) -> Memory:
        if not self._is_interrupted:
            await interpreter.run(Queue(seeds(world)), Phase.SEED)
        if not self._is_interrupted:
            await interpreter.run(Queue(self._workload.stock(world)), Phase.SEED)
        return seeded_memory(world, RecordedOperations(self._journal))

    async def _main(
        self, interpreter: Interpreter, world: World, memory: Memory, company: AbstractAsyncContextManager[None]
    ) -> None:
        if self._crew is not None:
            await self._main_by(self._crew, company)
            return
        self.main_began_ns = self._clock.now_ns()
        plan = after_seeding(self._plan, world)
        load = bounded_load(self._workload.main(world, memory), plan, self.main_began_ns)
        self._nemesis.arm()
        async with company:
            await interpreter.run(load, Phase.MAIN, arrivals=arrivals_of(self._plan, self.main_began_ns))
        self._nemesis.heal()

    async def _main_by(self, crew: Crew, company: AbstractAsyncContextManager[None]) -> None:
        async with crew.mustered():
            self.main_began_ns = self._clock.now_ns()
            self._nemesis.arm()
            async with company:
                await crew.load(self.main_began_ns)
            self._nemesis.heal()

    async def _read_back(
        self, interpreter: Interpreter, operations: Iterable[Operation], repositories: list[str]
    ) -> None:
        chance = stream(self._plan.seed, "final")
        chosen = final_reads(operations, repositories, chance, MOST_FINAL_BLOBS)
        if chosen.unread:
            self._recorder.event("unread", count=str(len(chosen.unread)), keys=" ".join(chosen.unread))
        self.expected = len(chosen.invocations)
        most_s = INTERRUPTED_FINAL_S if self._is_interrupted else max(FINAL_S, self._plan.duration_s)
        end_ns = self._clock.now_ns() + round(most_s * 1e9)
        await interpreter.run(UntilTime(Queue(chosen.invocations), end_ns), Phase.FINAL)

    def _enter(self, phase: str) -> None:
        self.expected = self._plan.max_operations if phase == "main" else None
        self._recorder.event("phase", phase=phase)

    @property
    def _journal(self) -> Path:
        return self._folder / JOURNAL_NAME

    def _all_pushes_ended(self) -> bool:
        """Nothing of any upload of ours can still be under way, whatever the registry says."""
        history = History(read_journal(self._journal), sharing=Sharing())  # with the faults that struck them
        return all(_has_ended(operation) for operation in history.operations)


def _has_ended(operation: Operation) -> bool:
    is_upload = operation.f in _UPLOADS
    # A fault of ours that struck it ended its connection long ago: an upload may lie open, and nobody is at it.
    is_whole = operation.f in (F.PUSH_BLOB, F.MOUNT_BLOB)  # one that failed may have left an upload open
    has_ended = operation.kind is Kind.OK or (operation.kind is Kind.FAIL and not is_whole)
    return not is_upload or has_ended or bool(operation.faults)
