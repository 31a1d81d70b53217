"""The seam of generators, as Jepsen draws it: a generator is an immutable value that knows what to ask next.

`op(context)` says what one free process does: an invocation with the generator that follows it, `Pending` (nothing
yet) or `DONE` (nothing more for this process, ever). `update(event)` takes a completion in. Both are pure: the same
value asked twice answers twice the same, which is what makes a seed replay. Time is in the context, chance in streams.
"""

from typing import Final, Protocol

import msgspec

from nscr_cli.history.invocation import Invocation
from nscr_cli.history.ops import Op


class Context(msgspec.Struct, frozen=True):
    """Who is free, and when."""

    process: int
    time_ns: int


class Pending(msgspec.Struct, frozen=True):
    """Nothing to do before this instant; ask again then."""

    until_ns: int


class Done(msgspec.Struct, frozen=True):
    """Nothing more to do for the process that asked."""


DONE: Final = Done()


class Generator(Protocol):
    """What is asked next."""

    def op(self, context: Context) -> "Next":
        """The next operation of `context.process`, which has none open."""
        ...

    def update(self, event: Op) -> "Generator":
        """The generator after an operation has ended."""
        ...


Next = tuple[Invocation, Generator] | Pending | Done
