"""Onlookers: half of the clients write, the others read what was acknowledged, at once and then ever later.

Each acknowledged write or delete is looked at on other connections than its writer's, as soon as one of them is free
and again after growing delays, so that a registry that answers from a copy or a cache shows how far it lags (bugs G1,
G2, G4 of docs/bugs.toml). What is read follows from the seed and the key; when, from the time of the acknowledgement.
"""

from random import Random

import msgspec

from nscr_cli.generators import invocations
from nscr_cli.generators.base import Context, Generator, Next, Pending
from nscr_cli.generators.streams import stream
from nscr_cli.history.invocation import Invocation
from nscr_cli.history.keys import digest_of, repository_of, tag_of
from nscr_cli.history.ops import F, Kind, Op
from nscr_cli.workloads.world import World

DELAYS_MS = (0, 0, 1, 3, 10, 30, 100, 300, 1000, 3000)
_LATE_NS = 3_000_000
_LOOK_AGAIN_NS = 500_000
_BLOBS = frozenset({F.PUSH_BLOB, F.MOUNT_BLOB, F.DELETE_BLOB})
_CHANGES = _BLOBS | {F.PUT_MANIFEST, F.DELETE_TAG, F.DELETE_MANIFEST}


class Look(msgspec.Struct, frozen=True):
    """A read, and when it may begin."""

    due_ns: int
    invocation: Invocation


class Onlookers(msgspec.Struct, frozen=True):
    """Writers, each with its errands, and onlookers.

    Attributes:
        asked: what each writer has open.
        waiting: looks that are still to come, for each of the delays in the order of their time.
    """

    world: World
    writers: Generator
    asked: dict[int, Invocation] = {}
    waiting: tuple[tuple[Look, ...], ...] = ((),) * len(DELAYS_MS)

    def op(self, context: Context) -> Next:
        if self.is_onlooker(context.process):
            return self._look(context)
        answer = self.writers.op(context)
        if not isinstance(answer, tuple):
            return answer
        invocation, following = answer
        asked = {**self.asked, context.process: invocation}
        return invocation, msgspec.structs.replace(self, writers=following, asked=asked)

    def update(self, event: Op) -> Generator:
        if self.is_onlooker(event.process):
            return self
        written = self.asked.get(event.process)
        asked = {process: one for process, one in self.asked.items() if process != event.process}
        waiting = self.waiting
        if event.kind is Kind.OK and written is not None and written.f in _CHANGES:
            waiting = tuple(self._with_look(queue, written, event, number) for number, queue in enumerate(self.waiting))
        return Onlookers(self.world, self.writers.update(event), asked, waiting)

    def is_onlooker(self, process: int) -> bool:
        """Whoever takes the place of a process does what that one did."""
        return process % self.world.workers < self.world.workers // 2

    def _look(self, context: Context) -> Next:
        """The look with the shortest delay that is due: it is the one that cannot wait."""
        now = context.time_ns
        waiting = tuple(self._in_time(queue, number, now) for number, queue in enumerate(self.waiting))
        for number, queue in enumerate(waiting):
            if queue and queue[0].due_ns <= now:
                left = (*waiting[:number], queue[1:], *waiting[number + 1 :])
                return queue[0].invocation, msgspec.structs.replace(self, waiting=left)
        first = min((queue[0].due_ns for queue in waiting if queue), default=now + _LOOK_AGAIN_NS)
        return Pending(min(first, now + _LOOK_AGAIN_NS))

    def _in_time(self, queue: tuple[Look, ...], number: int, now: int) -> tuple[Look, ...]:
        """Without those that nobody came to in time: a look long after its delay is no look of that delay any more."""
        latest = now - max(DELAYS_MS[number] * 1_000_000, _LATE_NS)
        late = next((place for place, look in enumerate(queue) if look.due_ns >= latest), len(queue))
        return queue[late:] if late else queue

    def _with_look(self, queue: tuple[Look, ...], written: Invocation, event: Op, number: int) -> tuple[Look, ...]:
        chance = stream(self.world.seed, "look", event.process, written.key, number)
        look = _read_of(written, chance, lists=self.world.supports(F.LIST_TAGS))
        return (*queue, Look(event.time_ns + DELAYS_MS[number] * 1_000_000, look))


def _read_of(written: Invocation, chance: Random, *, lists: bool) -> Invocation:
    """A read that shows whether the write, or the delete, has been seen."""
    repository, tag = repository_of(written.key), tag_of(written.key)
    digest = digest_of(written.key) or written.asked.digest or ""
    if written.f in _BLOBS:
        return chance.choice([invocations.get_blob, invocations.head_blob])(repository, digest, written.asked.size)
    if tag is not None and lists and chance.random() < 0.3:
        return invocations.list_tags(repository)
    if tag is not None and (not digest or chance.random() < 0.6):
        return chance.choice([invocations.get_tag, invocations.head_tag])(repository, tag)
    return chance.choice([invocations.get_manifest, invocations.head_manifest])(repository, digest)
