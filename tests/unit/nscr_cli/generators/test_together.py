"""The barrier: everybody begins at the same instant, nobody before all have ended what came before."""

import msgspec
import pytest

from nscr_cli.generators.base import DONE, Context, Generator, Next, Pending
from nscr_cli.generators.combinators import Nothing
from nscr_cli.generators.invocations import list_tags
from nscr_cli.generators.together import Beside, Part, Together
from nscr_cli.history.ops import F, Kind, Op, Phase

SECOND = 1_000_000_000


class Asks(msgspec.Struct, frozen=True):
    """So many operations on a repository."""

    name: str
    remaining: int

    @property
    def is_over(self) -> bool:
        return self.remaining == 0

    def op(self, context: Context) -> Next:
        return list_tags(self.name), self

    def update(self, event: Op) -> "Asks":
        return Asks(self.name, 0 if event.kind is Kind.INFO else self.remaining - 1)


def errand(part: Part) -> Asks:
    """In the first part of a round member 1 does nothing; in the second, each asks as often as its place in line."""
    count = 1 - part.member if part.part == 0 else part.member + 1
    return Asks(f"g{part.group}/r{part.round}/p{part.part}/m{part.member}", count)


def together(workers: int = 2, groups: int = 1) -> Together:
    return Together(errand, parts=2, workers=workers, groups=groups, members=2)


def ended(process: int, now: int, kind: Kind = Kind.OK) -> Op:
    return Op(index=1, process=process, kind=kind, f=F.LIST_TAGS, key="a", phase=Phase.MAIN, intended_ns=0, time_ns=now)


def asked(generator: Generator, process: int, now: int) -> tuple[str, Generator]:
    answer = generator.op(Context(process, now))
    assert isinstance(answer, tuple), answer
    return answer[0].key, answer[1]


def wait(generator: Generator, process: int, now: int) -> int:
    answer = generator.op(Context(process, now))
    assert isinstance(answer, Pending), answer
    return answer.until_ns


def test_nobody_begins_before_all_have_ended_and_then_all_begin_at_once() -> None:
    generator: Generator = together()
    key, generator = asked(generator, 0, 0)
    assert key == "g0/r0/p0/m0"
    assert 0 < wait(generator, 1, 0) < SECOND, "member 1 has nothing to do, and did not wait"
    generator = generator.update(ended(0, 100))
    starts = {wait(generator, process, 101) for process in (0, 1)}
    assert len(starts) == 1
    (start,) = starts
    assert start > 100
    assert [asked(generator, process, start)[0] for process in (0, 1)] == ["g0/r0/p1/m0", "g0/r0/p1/m1"]


def test_whoever_waits_looks_again_before_the_next_part_begins() -> None:
    generator: Generator = together()
    _, generator = asked(generator, 0, 0)
    looks_at = wait(generator, 1, 99)
    start = wait(generator.update(ended(0, 100)), 1, looks_at)
    assert looks_at < start


def test_rounds_follow_each_other() -> None:
    generator: Generator = together()
    keys, now = [], 0
    for _ in range(40):
        for process in (0, 1):
            answer = generator.op(Context(process, now))
            if isinstance(answer, tuple):
                keys.append(answer[0].key)
                generator = answer[1].update(ended(process, now))
        now += SECOND
    assert keys[:5] == ["g0/r0/p0/m0", "g0/r0/p1/m0", "g0/r0/p1/m1", "g0/r0/p1/m1", "g0/r1/p0/m0"]
    assert len({key.partition("/p")[0] for key in keys}) > 5


def test_whoever_takes_a_place_takes_it_in_the_group_too() -> None:
    generator: Generator = together()
    _, generator = asked(generator, 0, 0)
    generator = generator.update(ended(0, 100, Kind.INFO))
    start = wait(generator, 2, 101)
    assert asked(generator, 2, start)[0] == "g0/r0/p1/m0"


def test_groups_do_not_wait_for_each_other_and_whoever_is_left_over_does_nothing() -> None:
    generator: Generator = together(workers=5, groups=2)
    _, generator = asked(generator, 0, 0)
    assert asked(generator, 2, 0)[0] == "g1/r0/p0/m0"
    assert generator.op(Context(4, 0)) is DONE
    assert generator.update(ended(4, 5)) == generator


def test_a_value_asked_twice_answers_twice_the_same() -> None:
    generator = together()
    assert asked(generator, 0, 7)[0] == asked(generator, 0, 7)[0]
    assert generator.progress == {}


@pytest.mark.parametrize(("process", "is_together"), [(0, True), (1, True), (2, False), (3, False), (4, True)])
def test_some_act_together_beside_others(process: int, is_together: bool) -> None:
    beside = Beside(together(workers=4), Nothing())
    assert isinstance(beside.op(Context(process, SECOND)), Pending | tuple) == is_together
    heard = beside.update(ended(2, 5))
    assert isinstance(heard, Beside)
    assert heard.together.progress == {}
