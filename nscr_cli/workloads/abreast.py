"""Clients that go abreast: nobody begins its n-th errand before all others have ended theirs before it.

So what an errand derives from its number is done by all clients at the same instant, for as long as a run lasts, where
clients that count for themselves drift apart. Nobody waits for ever: who is slower than `_PATIENCE_NS` is left behind.
"""

from collections.abc import Callable

import msgspec

from nscr_cli.generators.base import Context, Generator, Next, Pending
from nscr_cli.history.ops import Kind, Op
from nscr_cli.workloads.actor import Actor

_PATIENCE_NS = 500_000_000
_LOOK_AGAIN_NS = 1_000_000


class Abreast(msgspec.Struct, frozen=True):
    """An actor for every process, made when the process first asks.

    Attributes:
        ended: most errands that any process has ended, and `since_ns` when the first had ended so many.
    """

    make: Callable[[int], Actor]
    running: dict[int, Actor] = {}
    ended: int = 0
    since_ns: int = 0

    def op(self, context: Context) -> Next:
        # Who takes the place of a client that fell silent goes on with the others.
        own = self.running.get(context.process) or self._late(context.process)
        if own.following is None and self._is_to_wait(own, context):
            return Pending(context.time_ns + _LOOK_AGAIN_NS)
        answer = own.op(context)
        if not isinstance(answer, tuple):
            return answer
        invocation, following = answer
        return invocation, self._with(context.process, following)

    def update(self, event: Op) -> Generator:
        own = self.running.get(event.process)
        if own is None:
            return self
        if event.kind is Kind.INFO:
            left = {process: actor for process, actor in self.running.items() if process != event.process}
            return msgspec.structs.replace(self, running=left)
        following = own.update(event)
        abreast = self._with(event.process, following)
        if _ended(following) <= self.ended:
            return abreast
        return msgspec.structs.replace(abreast, ended=_ended(following), since_ns=event.time_ns)

    def _late(self, process: int) -> Actor:
        return msgspec.structs.replace(self.make(process), number=self.ended)

    def _is_to_wait(self, own: Actor, context: Context) -> bool:
        if own.number < self.ended or context.time_ns >= self.since_ns + _PATIENCE_NS:
            return False
        return any(_ended(other) < own.number for other in self.running.values())

    def _with(self, process: int, actor: Actor) -> "Abreast":
        return msgspec.structs.replace(self, running={**self.running, process: actor})


def _ended(actor: Actor) -> int:
    """Errands that it has ended."""
    is_busy = actor.following is not None or actor.running is not None
    return actor.number - 1 if is_busy else actor.number
