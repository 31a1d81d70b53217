"""Clients that go abreast: no errand begins before all have ended the one before, and nobody waits for ever."""

from collections.abc import Iterator

from nscr_cli.generators import invocations
from nscr_cli.generators.base import Context, Generator, Pending
from nscr_cli.history.invocation import Invocation
from nscr_cli.history.ops import Answered, Kind, Op, Phase
from nscr_cli.workloads.abreast import Abreast
from nscr_cli.workloads.actor import Action, Actor, Turn
from nscr_cli.workloads.memory import Memory
from nscr_cli.workloads.steps import Step, in_order
from nscr_cli.workloads.world import World

from .test_actor import world


def errand(turn: Turn) -> Step:
    """Of as many reads as the process has a number, and one more; each tells process and errand."""
    reads = [invocations.head_tag("r", f"p{turn.process}x{turn.number}")] * (turn.process + 1)
    return in_order(reads)


def clients(stage: World) -> Abreast:
    actions = {name: Action(summary="s", begin=errand) for name in stage.weights}
    return Abreast(lambda process: Actor(world=stage, process=process, actions=actions, memory=Memory()))


def done(process: int, invocation: Invocation, now: int, kind: Kind = Kind.OK) -> Op:
    return Op(
        index=now,
        process=process,
        kind=kind,
        f=invocation.f,
        key=invocation.key,
        phase=Phase.MAIN,
        intended_ns=now,
        time_ns=now,
        answered=Answered(),
    )


def lived(generator: Generator, processes: int, count: int) -> Iterator[tuple[int, int]]:
    """Process and number of each errand as it begins, all processes asking in turn."""
    now = 0
    begun: set[str] = set()
    while len(begun) < count:
        for process in range(processes):
            now += 1
            answer = generator.op(Context(process, now))
            if isinstance(answer, Pending):
                assert answer.until_ns > now
                continue
            assert isinstance(answer, tuple)
            invocation, generator = answer
            if invocation.key not in begun:
                begun.add(invocation.key)
                yield process, int(invocation.key.rpartition("x")[2])
            generator = generator.update(done(process, invocation, now))


def test_errands_begin_together_although_some_are_longer() -> None:
    numbers = [number for _, number in lived(clients(world("tags")), processes=4, count=40)]
    assert numbers == sorted(numbers)
    # Whoever comes once the first errand is over begins with the second.
    assert [numbers.count(number) for number in range(1, 9)] == [4] * 8


def test_who_is_slow_is_left_behind_and_who_is_lost_is_not_waited_for() -> None:
    generator: Generator = clients(world("tags"))
    slow = generator.op(Context(1, 0))
    assert isinstance(slow, tuple)
    quick = slow[1].op(Context(0, 0))
    assert isinstance(quick, tuple)
    generator = quick[1].update(done(0, quick[0], 10))
    assert isinstance(generator.op(Context(0, 20)), Pending)
    assert isinstance(generator.op(Context(0, 10**9)), tuple)
    assert isinstance(generator.update(done(1, slow[0], 20, Kind.INFO)).op(Context(0, 20)), tuple)


def test_who_takes_the_place_of_a_lost_client_goes_on_with_the_others() -> None:
    generator: Generator = clients(world("tags"))
    for now in range(5):
        answer = generator.op(Context(0, now))
        assert isinstance(answer, tuple)
        generator = answer[1].update(done(0, answer[0], now))
    late = generator.op(Context(7, 6))
    assert isinstance(late, tuple)
    assert late[0].key == "r:p7x5"
