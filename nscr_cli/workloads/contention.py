"""Two clients at one upload, at the same instant: they send the same chunk, others, or one of them ends it.

In pairs: one begins the upload, both strike, then one of them asks how much is there, brings it to its end and reads
the blob. Of two chunks for one place a registry may refuse one or both; what it accepted it must hold, and the blob is
right in the end (bug E7 of docs/bugs.toml).
"""

from collections.abc import Callable, Mapping
from random import Random

from nscr_cli.generators import invocations
from nscr_cli.generators.streams import stream
from nscr_cli.generators.together import Part, Together
from nscr_cli.history.invocation import Content, Invocation
from nscr_cli.history.ops import Kind
from nscr_cli.workloads.actor import Turn
from nscr_cli.workloads.memory import Memory
from nscr_cli.workloads.steps import Chain, Step
from nscr_cli.workloads.upload_endings import LEAST
from nscr_cli.workloads.uploads import Upload
from nscr_cli.workloads.world import World

_BEGIN, _STRIKE, _END = range(3)


def in_pairs(world: World) -> Together:
    """About half of the world's workers, in pairs; each pair contends for uploads of its own."""
    return Together(
        lambda part: Chain(_step(world, part)), parts=3, workers=world.workers, groups=world.workers // 4, members=2
    )


def _step(world: World, part: Part) -> Step | None:
    contest = _Contest(world, part.group, part.round)
    if part.part == _STRIKE:
        return Step(contest.strikes()[part.member])
    if part.member:
        return Step(contest.ask()) if part.part == _END and contest.chance("asks").random() < 0.5 else None
    return contest.begin() if part.part == _BEGIN else contest.end()


class _Contest:
    """One round of one pair; follows from the world and its place."""

    def __init__(self, world: World, group: int, number: int) -> None:
        self._world, self._group, self._number = world, group, number
        chance = self.chance("contest")
        self._repository = chance.choice(world.repositories)
        size = max(world.blob_size(chance), LEAST)
        self._blob = Content.seeded(f"{world.seed}/pair/{group}/{number}", size)
        self._from = chance.choice([0, 1, chance.randrange(size)])
        self._kind = chance.choice(list(_STRIKES))
        turn = Turn(world=world, process=-1 - group, number=number, memory=Memory())
        self._upload = Upload(
            turn=turn, label=f"pair-{group}.{number}", repository=self._repository, blob=self._blob, is_calm=True
        )
        self._name = f"pair-{group}.{number}.1"

    def chance(self, *purpose: str) -> Random:
        return stream(self._world.seed, "pair", self._group, self._number, *purpose)

    def begin(self) -> Step:
        start = invocations.start_upload(self._repository, self._blob, self._name)
        first = Step(self.patch(0, self._from)) if self._from else None
        return Step(start, lambda event: first if event.kind is Kind.OK else None)

    def strikes(self) -> tuple[Invocation, Invocation]:
        return _STRIKES[self._kind](self)

    def end(self) -> Step:
        return self._upload.taken_up(tries=1)

    def ask(self) -> Invocation:
        return invocations.get_upload(self._repository, self._blob, self._name)

    def patch(self, first: int, end: int) -> Invocation:
        chunk = invocations.part_of(self._blob, first, end)
        return invocations.patch_upload(self._repository, self._blob, self._name, chunk, (first, end - 1))

    def rest(self) -> Invocation:
        return self.patch(self._from, self._blob.size)

    def part(self) -> Invocation:
        return self.patch(self._from, self._middle)

    def later(self) -> Invocation:
        return self.patch(min(self._middle, self._blob.size - 1), self._blob.size)

    def foreign(self) -> Invocation:
        """As long as the rest of the blob, and other than it wherever that is longer than a few bytes."""
        other = Content.seeded(f"{self._world.seed}/pair/{self._group}/{self._number}/foreign", self._blob.size)
        chunk = invocations.part_of(other, 0, self._blob.size - self._from)
        span = (self._from, self._blob.size - 1)
        is_other = chunk.digest != invocations.part_of(self._blob, self._from, self._blob.size).digest
        return invocations.patch_upload(self._repository, self._blob, self._name, chunk, span, wrong_bytes=is_other)

    def finish(self) -> Invocation:
        return invocations.finish_upload(self._repository, self._blob, self._name)

    def finish_with_rest(self) -> Invocation:
        return invocations.finish_upload(self._repository, self._blob, self._name, self._from)

    def cancel(self) -> Invocation:
        return invocations.cancel_upload(self._repository, self._blob, self._name)

    @property
    def _middle(self) -> int:
        return self._from + max(1, (self._blob.size - self._from) // 2)


_STRIKES: Mapping[str, Callable[[_Contest], tuple[Invocation, Invocation]]] = {
    "twins": lambda contest: (contest.rest(), contest.rest()),
    "twin-parts": lambda contest: (contest.part(), contest.part()),
    "part-and-whole": lambda contest: (contest.part(), contest.rest()),
    "one-after-the-other": lambda contest: (contest.part(), contest.later()),
    "other-bytes": lambda contest: (contest.rest(), contest.foreign()),
    "chunk-and-status": lambda contest: (contest.rest(), contest.ask()),
    "chunk-and-end": lambda contest: (contest.rest(), contest.finish()),
    "chunk-and-cancel": lambda contest: (contest.rest(), contest.cancel()),
    "twin-ends": lambda contest: (contest.finish_with_rest(), contest.finish_with_rest()),
    "end-and-cancel": lambda contest: (contest.finish_with_rest(), contest.cancel()),
}
