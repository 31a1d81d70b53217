"""Runs the bystander: heard before the load and then beside it, past the fault proxy and outside of any schedule."""

import trio

from nscr_cli.engine.clocks import RunClock
from nscr_cli.engine.interpreter import Interpreter
from nscr_cli.generators.combinators import Paced, Queue, UntilTime
from nscr_cli.history.ops import Phase
from nscr_cli.workloads.bystander import BystanderReads, bystander_seeds
from nscr_cli.workloads.world import World

BEFORE_S = 1.0
FIRST_PROCESS = 1_000_000_000  # no process of the load comes to that
_GRACE_S = 5.0


class Bystander:
    """The bystander of one run.

    Args:
        interpreter: of one worker.
        rate: reads a second; 0 where the run has no bystander.
    """

    def __init__(self, interpreter: Interpreter, clock: RunClock, *, rate: float) -> None:
        self._interpreter = interpreter
        self._clock = clock
        self._rate = rate

    async def begin(self, world: World) -> None:
        """Push what it will read, and read while nobody else does anything."""
        if self._rate:
            await self._interpreter.run(Queue(bystander_seeds(world)), Phase.SEED)
            await self._read(world, Phase.SEED, BEFORE_S)

    async def stay(self, world: World, most_s: float) -> None:
        """Read beside the load."""
        if self._rate:
            await self._read(world, Phase.MAIN, most_s)

    def stop(self) -> None:
        """The load is over, or the user has had enough."""
        self._interpreter.stop(grace_s=_GRACE_S)

    async def aclose(self) -> None:
        """Close its connection."""
        with trio.CancelScope(shield=True):
            await self._interpreter.aclose()

    async def _read(self, world: World, phase: Phase, most_s: float) -> None:
        end_ns = self._clock.now_ns() + round(most_s * 1e9)
        reads = Paced(BystanderReads(world), round(1e9 / self._rate))
        await self._interpreter.run(UntilTime(reads, end_ns), phase)
