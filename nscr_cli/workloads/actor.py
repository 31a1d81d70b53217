"""One logical client: takes up one errand after another by the scenario's weights, and remembers what it was told.

The n-th errand of a process follows from (seed, process, n) and what the process remembers; nothing else of the run.
"""

from collections.abc import Callable, Mapping
from random import Random

import msgspec

from nscr_cli.generators.base import DONE, Context, Done, Generator
from nscr_cli.generators.streams import stream
from nscr_cli.history.invocation import Invocation
from nscr_cli.history.ops import Kind, Op
from nscr_cli.workloads.memory import Memory
from nscr_cli.workloads.steps import Step
from nscr_cli.workloads.world import World


class Turn(msgspec.Struct, frozen=True, kw_only=True):
    """What an errand starts from.

    Attributes:
        number: how many errands this process took up before.
    """

    world: World
    process: int
    number: int
    memory: Memory

    @property
    def nonce(self) -> str:
        """Unique to this errand within the run; in the bytes of what it writes."""
        return f"{self.world.seed}/{self.process}/{self.number}"

    def chance(self, *purpose: int | str) -> Random:
        """A stream of this errand's own."""
        return stream(self.world.seed, self.process, self.number, *purpose)


class Action(msgspec.Struct, frozen=True, kw_only=True):
    """A kind of errand.

    Attributes:
        summary: what it does, for documentation.
        begin: its first step.
        needs: capabilities without which it is left out.
    """

    summary: str
    begin: Callable[[Turn], Step]
    needs: tuple[str, ...] = ()


class Actor(msgspec.Struct, frozen=True, kw_only=True):
    """The generator of one process.

    Attributes:
        following: the step that continues the errand at hand.
        running: the step whose operation is open.
    """

    world: World
    process: int
    actions: Mapping[str, Action]
    memory: Memory
    number: int = 0
    following: Step | None = None
    running: Step | None = None

    def op(self, context: Context) -> "tuple[Invocation, Actor] | Done":
        step, number = self.following, self.number
        if step is None:
            turn = Turn(world=self.world.at_errand(number), process=self.process, number=number, memory=self.memory)
            action = self._choose(turn)
            if action is None:
                return DONE
            step, number = action.begin(turn), number + 1
        return step.invocation, msgspec.structs.replace(self, number=number, following=None, running=step)

    def update(self, event: Op) -> "Actor":
        step = self.running
        if step is None:
            return self
        memory = step.learned(self.memory) if event.kind is Kind.OK else self.memory
        return msgspec.structs.replace(self, memory=memory, following=step.then(event), running=None)

    def heir(self, event: Op) -> Callable[[int], Generator] | None:
        """Who goes on, under another process, with the errand that this client leaves behind; None where nobody does.

        Args:
            event: the end `info` of its operation.
        """
        step = self.running.resumed(event) if self.running is not None else None
        if step is None:
            return None
        return lambda process: Actor(
            world=self.world, process=process, actions=self.actions, memory=self.memory, following=step
        )

    def _choose(self, turn: Turn) -> Action | None:
        possible = {
            name: weight
            for name, weight in self.world.weights.items()
            if weight > 0 and all(self.world.supports(need) for need in self.actions[name].needs)
        }
        if not possible:
            return None
        (name,) = turn.chance("action").choices(list(possible), list(possible.values()))
        return self.actions[name]
