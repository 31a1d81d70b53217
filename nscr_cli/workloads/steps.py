"""Steps: an operation, and what follows from how it ended. An errand (push an image, pull it) is a chain of them.

Immutable continuations instead of coroutines, because a generator must be a value: a coroutine cannot be asked twice.
"""

from collections.abc import Callable, Sequence

import msgspec

from nscr_cli.history.invocation import Invocation
from nscr_cli.history.ops import Op
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
        learned: what the client remembers once it has ended ok.
    """

    invocation: Invocation
    then: Callable[[Op], "Step | None"] = nothing
    learned: Callable[[Memory], Memory] = unchanged


def in_order(invocations: Sequence[Invocation], finish: Callable[[], Step | None] = lambda: None) -> Step:
    """One after another, at least one, however each of them ends; then what `finish` says."""
    first, rest = invocations[0], invocations[1:]
    return Step(first, lambda _event: in_order(rest, finish) if rest else finish())
