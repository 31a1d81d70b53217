"""The barrier: the members of a group begin each part of a round at the same instant, again and again.

A part begins once every member has ended the part before it. Whoever takes the place of a process that ended `info`
takes its place in the group, too: with so many workers, process p is followed by p + workers.
"""

from collections.abc import Callable
from typing import Protocol, cast

import msgspec

from nscr_cli.generators.base import DONE, Context, Generator, Next, Pending
from nscr_cli.history.ops import Op

_LOOK_NS = 2_000_000
_HEAD_START_NS = 3_000_000  # longer than a look: whoever waits has seen by then when the next part begins


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """Which part of which round, of which group, and whose; all counted from 0."""

    group: int
    round: int
    part: int
    member: int


class Errand(Protocol):
    """What a member does in a part: a generator that comes to its end, also when its process does."""

    @property
    def is_over(self) -> bool: ...
    def op(self, context: Context) -> Next: ...
    def update(self, event: Op) -> "Errand": ...


class Together(msgspec.Struct, frozen=True):
    """The first workers, in groups of neighbours; the others do nothing.

    Attributes:
        make: what a member does in a part.
        parts: of a round.
        workers: how many processes there are at once.
        groups, members: how many groups there are, and of how many processes each.
        progress: how far each has come; of one that has not begun there is nothing.
    """

    make: Callable[[Part], Errand]
    parts: int
    workers: int
    groups: int
    members: int
    progress: dict[int, "_Progress"] = {}

    def has_place_for(self, process: int) -> bool:
        """Whether this process belongs to a group."""
        return process % self.workers < self.groups * self.members

    def op(self, context: Context) -> Next:
        if not self.has_place_for(context.process):
            return DONE
        group, member = divmod(context.process % self.workers, self.members)
        progress = self._progress(group)
        if context.time_ns < progress.start_ns:
            return Pending(progress.start_ns)
        errand = progress.errands[member]
        if errand.is_over:
            return Pending(context.time_ns + _LOOK_NS)
        answer = errand.op(context)
        if not isinstance(answer, tuple):
            return answer
        invocation, following = answer
        return invocation, self._with(group, progress.after(member, cast(Errand, following)))

    def update(self, event: Op) -> Generator:
        if not self.has_place_for(event.process):
            return self
        group, member = divmod(event.process % self.workers, self.members)
        progress = self._progress(group)
        progress = progress.after(member, progress.errands[member].update(event))
        while all(errand.is_over for errand in progress.errands):
            progress = self._part(group, progress.number + 1, event.time_ns + _HEAD_START_NS)
        return self._with(group, progress)

    def _progress(self, group: int) -> "_Progress":
        return self.progress.get(group) or self._part(group, 0, 0)

    def _part(self, group: int, number: int, start_ns: int) -> "_Progress":
        counted, part = divmod(number, self.parts)
        errands = (
            self.make(Part(group=group, round=counted, part=part, member=member)) for member in range(self.members)
        )
        return _Progress(number, tuple(errands), start_ns)

    def _with(self, group: int, progress: "_Progress") -> "Together":
        return msgspec.structs.replace(self, progress={**self.progress, group: progress})


class Beside(msgspec.Struct, frozen=True):
    """Some processes act together, the others each for themselves."""

    together: Together
    others: Generator

    def op(self, context: Context) -> Next:
        is_together = self.together.has_place_for(context.process)
        answer = (self.together if is_together else self.others).op(context)
        if not isinstance(answer, tuple):
            return answer
        invocation, following = answer
        return invocation, self._with(following, is_together=is_together)

    def update(self, event: Op) -> Generator:
        is_together = self.together.has_place_for(event.process)
        following = (self.together if is_together else self.others).update(event)
        return self._with(following, is_together=is_together)

    def _with(self, following: Generator, *, is_together: bool) -> "Beside":
        if is_together:
            return Beside(cast(Together, following), self.others)
        return Beside(self.together, following)


class _Progress(msgspec.Struct, frozen=True):
    """A group at one of its parts: what each member still has to do, and when it begins."""

    number: int
    errands: tuple[Errand, ...]
    start_ns: int

    def after(self, member: int, errand: Errand) -> "_Progress":
        errands = (*self.errands[:member], errand, *self.errands[member + 1 :])
        return _Progress(self.number, errands, self.start_ns)
