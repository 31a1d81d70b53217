"""Steps: an operation, and what follows from how it ended. An errand (push an image, pull it) is a chain of them.

Immutable continuations instead of coroutines, because a generator must be a value: a coroutine cannot be asked twice.
"""

from collections.abc import Callable, Sequence

import msgspec

from nscr_cli.generators.base import DONE, Context, Next
from nscr_cli.history.invocation import Invocation
from nscr_cli.history.ops import Kind, Op
from nscr_cli.workloads.memory import Memory


def nothing(_event: Op) -> None:
    """Nothing follows."""


def unchanged(memory: Memory) -> Memory:
    """Nothing is learned."""
    return memory


class Step(msgspec.Struct, frozen=True):
    """One operation of an errand.

    Attributes:
        then: the step after it, if any, once it has ended ok or fail (after `info` the client is gone).
        resumed: the step with which another client goes on, if any, once it has ended `info`.
        learned: what the client remembers once it has ended ok.
    """

    invocation: Invocation
    then: Callable[[Op], "Step | None"] = nothing
    learned: Callable[[Memory], Memory] = unchanged
    resumed: Callable[[Op], "Step | None"] = nothing


def in_order(invocations: Sequence[Invocation], finish: Callable[[], Step | None] = lambda: None) -> Step:
    """One after another, at least one, however each of them ends; then what `finish` says."""
    first, rest = invocations[0], invocations[1:]
    return Step(first, lambda _event: in_order(rest, finish) if rest else finish())


class Chain(msgspec.Struct, frozen=True):
    """A step and all that follows from it, as a generator that comes to its end, whichever process asks it.

    Attributes:
        following: the step that comes next.
        running: the step whose operation is open.
    """

    following: Step | None = None
    running: Step | None = None

    @property
    def is_over(self) -> bool:
        """Nothing is open, and nothing comes."""
        return self.following is None and self.running is None

    def op(self, context: Context) -> Next:
        if self.following is None:
            return DONE
        return self.following.invocation, Chain(None, self.following)

    def update(self, event: Op) -> "Chain":
        if self.running is None:
            return self
        return Chain(self.running.resumed(event) if event.kind is Kind.INFO else self.running.then(event))
