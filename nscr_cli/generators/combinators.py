"""Generators made of generators: limits of time, number, bytes and rate; one generator a process; a queue for all."""

from collections.abc import Callable

import msgspec

from nscr_cli.generators.base import DONE, Context, Generator, Next, Pending
from nscr_cli.history.invocation import Invocation
from nscr_cli.history.ops import Kind, Op

_GROUPS = 64  # about the square root of the most workers

Heir = Callable[[int], Generator]


def _nobody(_generator: Generator, _event: Op) -> None:
    """Nobody goes on."""


class Nothing(msgspec.Struct, frozen=True):
    """No operation at all."""

    def op(self, context: Context) -> Next:
        return DONE

    def update(self, event: Op) -> Generator:
        return self


class Queue(msgspec.Struct, frozen=True):
    """Each invocation once, in order, to whichever process is free."""

    invocations: tuple[Invocation, ...]
    position: int = 0

    def op(self, context: Context) -> Next:
        if self.position >= len(self.invocations):
            return DONE
        return self.invocations[self.position], Queue(self.invocations, self.position + 1)

    def update(self, event: Op) -> Generator:
        return self


class EachProcess(msgspec.Struct, frozen=True):
    """A generator of its own for every process, made when the process first asks.

    Attributes:
        running: the generators by process, in groups: an operation copies its own group and the list of the groups,
            not what thousands of other processes do.
        heir: of a generator whose process ended `info`: who goes on with what it left, under a new process.
        heirs: those who wait for a new process, first come, first served.
    """

    make: Callable[[int], Generator]
    running: dict[int, dict[int, Generator]] = {}
    heir: Callable[[Generator, Op], Heir | None] = _nobody
    heirs: tuple[Heir, ...] = ()

    def op(self, context: Context) -> Next:
        own = self._group(context.process).get(context.process)
        heirs = self.heirs
        if own is None and heirs:
            own, heirs = heirs[0](context.process), heirs[1:]
        answer = (own or self.make(context.process)).op(context)
        if not isinstance(answer, tuple):
            return answer
        invocation, following = answer
        return invocation, self._with(context.process, following, heirs)

    def update(self, event: Op) -> Generator:
        own = self._group(event.process).get(event.process)
        if own is None:
            return self
        if event.kind is not Kind.INFO:
            return self._with(event.process, own.update(event), self.heirs)
        # A process that ended `info` never speaks again: what it would have done next, another one does or nobody.
        heir = self.heir(own, event)
        return self._with(event.process, None, self.heirs if heir is None else (*self.heirs, heir))

    def _group(self, process: int) -> dict[int, Generator]:
        return self.running.get(process % _GROUPS, {})

    def _with(self, process: int, generator: Generator | None, heirs: tuple[Heir, ...]) -> "EachProcess":
        group = {**self._group(process)}
        if generator is None:
            del group[process]
        else:
            group[process] = generator
        return EachProcess(self.make, {**self.running, process % _GROUPS: group}, self.heir, heirs)


class UntilTime(msgspec.Struct, frozen=True):
    """What `generator` does before an instant."""

    generator: Generator
    end_ns: int

    def op(self, context: Context) -> Next:
        if context.time_ns >= self.end_ns:
            return DONE
        match self.generator.op(context):
            case (invocation, following):
                return invocation, UntilTime(following, self.end_ns)
            case Pending(until_ns):
                return Pending(min(until_ns, self.end_ns))
            case done:
                return done

    def update(self, event: Op) -> Generator:
        return UntilTime(self.generator.update(event), self.end_ns)


class Limit(msgspec.Struct, frozen=True):
    """The first `remaining` operations of `generator`."""

    generator: Generator
    remaining: int

    def op(self, context: Context) -> Next:
        if self.remaining <= 0:
            return DONE
        answer = self.generator.op(context)
        if not isinstance(answer, tuple):
            return answer
        invocation, following = answer
        return invocation, Limit(following, self.remaining - 1)

    def update(self, event: Op) -> Generator:
        return Limit(self.generator.update(event), self.remaining)


class LimitBytes(msgspec.Struct, frozen=True):
    """What `generator` does before more than `remaining` bytes of bodies would have been sent.

    A process ends at the first body that does not fit any more; all of them end once another one like the largest so
    far would not.

    Attributes:
        largest: most bytes that one operation has sent.
    """

    generator: Generator
    remaining: int
    largest: int = 0

    def op(self, context: Context) -> Next:
        if self.remaining < max(1, self.largest):
            return DONE
        answer = self.generator.op(context)
        if not isinstance(answer, tuple):
            return answer
        invocation, following = answer
        size = body_bytes(invocation)
        if size > self.remaining:
            return DONE
        return invocation, LimitBytes(following, self.remaining - size, max(self.largest, size))

    def update(self, event: Op) -> Generator:
        return LimitBytes(self.generator.update(event), self.remaining, self.largest)


def body_bytes(invocation: Invocation) -> int:
    """Most bytes of bodies that an operation sends."""
    if invocation.content is None:
        return 0
    # The chunk out of order comes on top of those in order.
    return invocation.content.size * (2 if invocation.asked.out_of_order else 1)


class Paced(msgspec.Struct, frozen=True):
    """What `generator` does, one operation an interval at most; time that was not used is not made up for."""

    generator: Generator
    interval_ns: int
    next_ns: int = 0

    def op(self, context: Context) -> Next:
        if context.time_ns < self.next_ns:
            return Pending(self.next_ns)
        answer = self.generator.op(context)
        if not isinstance(answer, tuple):
            return answer
        invocation, following = answer
        return invocation, Paced(following, self.interval_ns, max(self.next_ns, context.time_ns) + self.interval_ns)

    def update(self, event: Op) -> Generator:
        return Paced(self.generator.update(event), self.interval_ns, self.next_ns)
