"""The interpreter: the one impure loop. It asks the generator, journals, dispatches, journals, tells the generator.

Rules, as Jepsen has them: an invocation is journaled before it is dispatched; completions are taken in before new
operations are asked for (else two operations look concurrent that were not); an operation of which nobody knows how
it ended is `info`, its process never speaks again, and a new process with a fresh connection takes its place. Nothing
is ever retried.
"""

from collections.abc import Callable
from typing import Protocol

import trio

from nscr_cli.engine.arrivals import Arrivals
from nscr_cli.engine.clocks import RunClock
from nscr_cli.engine.collecting import seldom_collecting
from nscr_cli.engine.pacing import Pace
from nscr_cli.engine.recorder import Recorder
from nscr_cli.generators.base import Context, Generator, Pending
from nscr_cli.generators.combinators import Nothing
from nscr_cli.generators.namespace import Namespace
from nscr_cli.history.invocation import Invocation
from nscr_cli.history.ops import Answered, Kind, Phase


class Completion(Protocol):
    """How a client says that an operation ended."""

    @property
    def kind(self) -> Kind: ...
    @property
    def answered(self) -> Answered: ...
    @property
    def error(self) -> str | None: ...


class Client(Protocol):
    """One process's way to the registry: a connection of its own."""

    async def perform(self, invocation: Invocation, request_id: str) -> Completion:
        """Do one operation; never retry it."""
        ...

    async def aclose(self) -> None:
        """Close the connection."""
        ...


class _Slot:
    """A worker: the process that now speaks in it, and that process's client."""

    def __init__(self, process: int, client: Client, pace: Pace) -> None:
        self.process = process
        self.client = client
        self.pace = pace


class Interpreter:
    """Runs generators with a fixed number of workers; processes and connections live on from phase to phase.

    Args:
        pace: at which each worker starts; see `pacing`.
        first_process: number of the first one, where another interpreter runs beside.
        every: what the numbers of two neighbours differ by, where other interpreters have those between.
        generation: what the number of a process differs by from that of the one that takes its place: the workers
            of all interpreters that share such a range.
    """

    def __init__(
        self,
        *,
        run_id: str,
        namespace: Namespace,
        workers: int,
        recorder: Recorder,
        clock: RunClock,
        open_client: Callable[[int], Client],
        pace: Pace = Pace(),  # noqa: B008 - frozen
        first_process: int = 0,
        every: int = 1,
        generation: int | None = None,
    ) -> None:
        self._run_id = run_id
        self._namespace = namespace
        self._recorder = recorder
        self._clock = clock
        self._open_client = open_client
        self._generator: Generator = Nothing()
        self._arrivals: Arrivals | None = None
        self._scope = trio.CancelScope()
        self._generation = generation or workers
        processes = range(first_process, first_process + workers * every, every)
        self._slots = [_Slot(process, open_client(process), pace) for process in processes]

    async def run(
        self, generator: Generator, phase: Phase, *, workers: int | None = None, arrivals: Arrivals | None = None
    ) -> None:
        """Run a generator to its end, or until `stop`.

        Args:
            arrivals: when operations are meant to start; without, each worker asks again as soon as it is free.
        """
        self._generator = generator
        self._arrivals = arrivals
        self._scope = trio.CancelScope()
        try:
            with self._scope, seldom_collecting():
                async with trio.open_nursery() as nursery:
                    for slot in self._slots[:workers]:
                        nursery.start_soon(self._work, slot, phase)
        finally:
            self._recorder.flush()

    def stop(self, *, grace_s: float) -> None:
        """Begin nothing new; what is open may take `grace_s` to end, then it is cut off and `info`."""
        self._generator = Nothing()
        self._scope.deadline = min(self._scope.deadline, trio.current_time() + grace_s)

    async def aclose(self) -> None:
        """Close every connection."""
        for slot in self._slots:
            await slot.client.aclose()

    async def _work(self, slot: _Slot, phase: Phase) -> None:
        due_ns: int | None = None
        while self._recorder.failure is None:
            if self._arrivals is not None and due_ns is None:
                due_ns = await self._wait_arrival(self._arrivals)
                if due_ns is None:
                    return
            # Whoever else has an answer at this instant journals it before any new operation is asked for.
            await trio.lowlevel.checkpoint()
            now = self._clock.now_ns()
            answer = self._generator.op(Context(slot.process, now))
            if isinstance(answer, tuple):
                invocation, self._generator = answer
                await self._perform(slot, phase, invocation, now if due_ns is None else due_ns)
                due_ns = None
            elif isinstance(answer, Pending):
                self._recorder.flush()
                await self._clock.sleep_until(answer.until_ns)
            else:
                return

    async def _wait_arrival(self, arrivals: Arrivals) -> int | None:
        """Take the next place in the schedule and wait for its time; None where there is no further place."""
        taken = arrivals.next()
        if taken is None:
            return None
        due_ns, self._arrivals = taken
        self._recorder.flush()
        await self._clock.sleep_until(due_ns)
        return due_ns

    async def _perform(self, slot: _Slot, phase: Phase, invocation: Invocation, intended_ns: int) -> None:
        if not self._namespace.owns(invocation.key):
            raise RuntimeError(f"{invocation.f} of {invocation.key!r} lies outside of {self._namespace.path!r}")
        invoked = self._recorder.invoke(slot.process, phase, invocation, intended_ns)
        if self._recorder.failure is not None:
            return
        request_id = f"{self._run_id}-{invoked.index}"
        try:
            completion = await slot.client.perform(invocation, request_id)
        except BaseException as error:
            # Cancelled, or a bug of ours: either way nobody knows what the registry made of it.
            why = "cut off" if isinstance(error, trio.Cancelled) else f"nscr failed: {type(error).__name__}: {error}"
            self._recorder.complete(invoked, Kind.INFO, Answered(), why)
            with trio.CancelScope(shield=True):
                await self._replace(slot)
            raise
        event = self._recorder.complete(invoked, completion.kind, completion.answered, completion.error)
        self._generator = self._generator.update(event)
        if event.kind is Kind.INFO:
            await self._replace(slot)
        slot.pace, pause_s = slot.pace.after(completion.answered)
        if pause_s:
            self._recorder.flush()
            await trio.sleep(pause_s)

    async def _replace(self, slot: _Slot) -> None:
        await slot.client.aclose()
        slot.process += self._generation
        slot.client = self._open_client(slot.process)
