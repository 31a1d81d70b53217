"""Combinators: what is asked, in which order, until when."""

import msgspec

from nscr_cli.generators.base import DONE, Context, Generator, Next, Pending
from nscr_cli.generators.combinators import EachProcess, Limit, LimitBytes, Nothing, Paced, Queue, UntilTime, body_bytes
from nscr_cli.generators.invocations import list_tags, push_blob, push_out_of_order
from nscr_cli.history.invocation import Content, Invocation
from nscr_cli.history.ops import F, Kind, Op, Phase, PushStyle

SECOND = 1_000_000_000


def asked(generator: Generator, *contexts: Context) -> list[str]:
    """The keys that a generator asks for in these contexts, one after another, and where it asks for none, why."""
    keys = []
    for context in contexts:
        answer = generator.op(context)
        if isinstance(answer, tuple):
            invocation, generator = answer
            keys.append(invocation.key)
        else:
            keys.append(type(answer).__name__.lower())
    return keys


def queue(*repositories: str) -> Queue:
    return Queue(tuple(list_tags(repository) for repository in repositories))


def ended(process: int, kind: Kind) -> Op:
    return Op(index=1, process=process, kind=kind, f=F.LIST_TAGS, key="a", phase=Phase.MAIN, intended_ns=0, time_ns=0)


def at(seconds: float, process: int = 0) -> Context:
    return Context(process, round(seconds * SECOND))


def test_a_queue_gives_each_once_to_whoever_asks() -> None:
    assert asked(queue("a", "b"), at(0, 0), at(0, 1), at(0, 0)) == ["a", "b", "done"]


def test_nothing_is_nothing() -> None:
    assert Nothing().op(at(0)) is DONE


def pushes(size: int) -> tuple[Invocation, ...]:
    return (push_blob("r", Content.seeded("p", size), PushStyle.POST_PUT),)


def test_a_generator_is_a_value() -> None:
    for generator in (
        queue("a"),
        Limit(queue("a"), 1),
        LimitBytes(queue("a"), 1),
        UntilTime(queue("a"), SECOND),
        Paced(queue("a"), SECOND),
    ):
        assert generator.op(at(0)) == generator.op(at(0))


def test_until_time_ends_at_its_instant() -> None:
    assert asked(UntilTime(queue("a", "b", "c"), SECOND), at(0), at(0.999), at(1)) == ["a", "b", "done"]


def test_until_time_does_not_wait_beyond_its_end() -> None:
    generator = UntilTime(Paced(queue("a"), 10 * SECOND, next_ns=5 * SECOND), SECOND)
    assert generator.op(at(0)) == Pending(SECOND)


def test_limit_counts_operations() -> None:
    assert asked(Limit(queue("a", "b", "c"), 2), at(0), at(0), at(0)) == ["a", "b", "done"]


def test_limit_of_bytes_counts_bodies_before_they_are_sent() -> None:
    small, large = pushes(40), pushes(90)
    assert asked(LimitBytes(Queue((*small * 2, *large, *small)), 200), *[at(0)] * 5) == [
        *(f"r@{small[0].asked.digest}",) * 2,
        f"r@{large[0].asked.digest}",
        "done",
        "done",
    ]
    assert asked(LimitBytes(Queue(small), 39), at(0)) == ["done"]
    assert asked(LimitBytes(Queue(small), 40), at(0), at(0)) == [f"r@{small[0].asked.digest}", "done"]
    assert asked(LimitBytes(queue("a", "b"), 1), at(0), at(0), at(0)) == ["a", "b", "done"]


def test_a_body_that_does_not_fit_ends_its_process_only() -> None:
    each = EachProcess(lambda process: Queue(pushes(400) if process else (*pushes(10), *pushes(20))))
    assert asked(LimitBytes(each, 100), at(0, 1), at(0, 0), at(0, 1), at(0, 0)) == [
        "done",
        f"r@{pushes(10)[0].asked.digest}",
        "done",
        f"r@{pushes(20)[0].asked.digest}",
    ]


def test_a_chunk_out_of_order_is_a_body_too() -> None:
    content = Content.seeded("c", 40)
    assert body_bytes(push_out_of_order("r", content)) == 80
    assert body_bytes(list_tags("r")) == 0


def test_paced_keeps_its_interval_and_makes_up_for_nothing() -> None:
    generator = Paced(queue("a", "b", "c", "d"), SECOND)
    assert asked(generator, at(0), at(0.5), at(1), at(5), at(5.5)) == ["a", "pending", "b", "c", "pending"]
    _, following = generator.op(at(0))
    assert following.op(at(0.5)) == Pending(SECOND)


def test_each_process_has_a_generator_of_its_own() -> None:
    generator = EachProcess(lambda process: queue(f"p{process}", "again"))
    assert asked(generator, at(0, 0), at(0, 7), at(0, 0), at(0, 0)) == ["p0", "p7", "again", "done"]


class Echo(msgspec.Struct, frozen=True):
    """Asks for what it heard last."""

    heard: str = "nothing"

    def op(self, context: Context) -> Next:
        return list_tags(self.heard), self

    def update(self, event: Op) -> Generator:
        return Echo(event.kind)


def test_each_process_hears_of_its_own_completions_only() -> None:
    generator: Generator = EachProcess(lambda _process: Echo())
    _, generator = step(generator, at(0, 0))
    _, generator = step(generator, at(0, 1))
    generator = generator.update(ended(1, Kind.OK))
    assert asked(generator, at(0, 0), at(0, 1)) == ["nothing", "ok"]


def test_what_an_info_process_would_have_done_is_forgotten() -> None:
    made = []

    def make(process: int) -> Generator:
        made.append(process)
        return queue("first", "second")

    _, generator = step(EachProcess(make), at(0, 0))
    assert asked(generator.update(ended(0, Kind.INFO)), at(0, 8)) == ["first"]
    assert made == [0, 8]


def test_an_heir_goes_on_under_the_next_new_process_and_only_once() -> None:
    generator = EachProcess(
        lambda process: queue(f"p{process}"),
        heir=lambda _own, event: lambda process: queue(f"{event.process}>{process}"),
    )
    _, running = step(generator, at(0, 0))
    _, running = step(running, at(0, 1))
    left = running.update(ended(0, Kind.INFO))
    assert asked(left, at(0, 1), at(0, 8), at(0, 9)) == ["done", "0>8", "p9"]
    assert asked(running.update(ended(0, Kind.FAIL)), at(0, 8)) == ["p8"]


def step(generator: Generator, context: Context) -> tuple[Invocation, Generator]:
    answer = generator.op(context)
    assert isinstance(answer, tuple)
    return answer


def test_limits_hand_completions_on_and_end_with_what_they_limit() -> None:
    for limited in (Limit(Echo(), 9), LimitBytes(Echo(), 9), UntilTime(Echo(), SECOND), Paced(Echo(), 1)):
        assert asked(limited.update(ended(0, Kind.FAIL)), at(0)) == ["fail"]
    for limited in (Limit(Nothing(), 9), LimitBytes(Nothing(), 9), UntilTime(Nothing(), SECOND), Paced(Nothing(), 1)):
        assert limited.op(at(0)) is DONE
    for deaf in (Nothing(), queue("a"), EachProcess(lambda _process: Echo())):
        assert deaf.update(ended(0, Kind.OK)) == deaf
