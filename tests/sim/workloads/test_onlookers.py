"""Onlookers: each acknowledged write is read by others, at once and again, and nothing else is."""

import msgspec
import pytest

from nscr_cli.generators import invocations
from nscr_cli.generators.base import Context, Generator, Pending
from nscr_cli.generators.combinators import Queue
from nscr_cli.generators.documents import configuration, image
from nscr_cli.history.invocation import Invocation
from nscr_cli.history.keys import digest_of
from nscr_cli.history.ops import Answered, F, Kind, Op, Phase, PushStyle
from nscr_cli.workloads.onlookers import DELAYS_MS, Onlookers

from .test_actor import world

MS = 1_000_000
CONFIG = configuration("c")
MANIFEST = image(CONFIG, [], "n")
WRITER, ONLOOKER = 3, 0


def watched(*written: Invocation) -> Generator:
    return Onlookers(msgspec.structs.replace(world(), workers=4), Queue(written))


def ended(invocation: Invocation, process: int, now: int, kind: Kind = Kind.OK) -> Op:
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


def written(generator: Generator, now: int, kind: Kind = Kind.OK) -> Generator:
    answer = generator.op(Context(WRITER, now))
    assert isinstance(answer, tuple)
    return answer[1].update(ended(answer[0], WRITER, now, kind))


def looks(generator: Generator, until_ms: int) -> list[tuple[int, Invocation]]:
    """What an onlooker that always has time reads, and in which millisecond."""
    now, seen = 0, []
    while now < until_ms * MS:
        answer = generator.op(Context(ONLOOKER, now))
        if isinstance(answer, Pending):
            assert answer.until_ns > now
            now = answer.until_ns
            continue
        assert isinstance(answer, tuple)
        invocation, generator = answer
        seen.append((now // MS, invocation))
        generator = generator.update(ended(invocation, ONLOOKER, now))
    return seen


@pytest.mark.parametrize(
    ("write", "reads"),
    [
        (invocations.push_blob("r", CONFIG, PushStyle.POST_PUT), {F.GET_BLOB, F.HEAD_BLOB}),
        (invocations.delete_blob("r", CONFIG.digest), {F.GET_BLOB, F.HEAD_BLOB}),
        (invocations.put_manifest("r", "t", MANIFEST), {F.GET_MANIFEST, F.HEAD_MANIFEST, F.LIST_TAGS}),
        (invocations.delete_tag("r", "t"), {F.GET_MANIFEST, F.HEAD_MANIFEST, F.LIST_TAGS}),
        (invocations.delete_manifest("r", MANIFEST.digest), {F.GET_MANIFEST, F.HEAD_MANIFEST}),
    ],
)
def test_what_was_acknowledged_is_looked_at_once_for_each_delay(write: Invocation, reads: set[F]) -> None:
    seen = looks(written(watched(write), 0), 4000)
    assert [when for when, _ in seen] == list(DELAYS_MS)
    assert {one.f for _, one in seen} <= reads
    assert {digest_of(one.key) for _, one in seen} <= {None, digest_of(write.key) or write.asked.digest}


@pytest.mark.parametrize("kind", [Kind.FAIL, Kind.INFO])
def test_what_was_not_acknowledged_is_not_looked_at(kind: Kind) -> None:
    assert looks(written(watched(invocations.push_blob("r", CONFIG, PushStyle.POST_PUT)), 0, kind), 4000) == []


def test_reads_are_not_looked_at() -> None:
    assert looks(written(watched(invocations.get_tag("r", "t")), 0), 4000) == []


def test_a_look_that_nobody_came_to_in_time_is_left_out() -> None:
    generator = written(watched(invocations.push_blob("r", CONFIG, PushStyle.POST_PUT)), 0)
    answer = generator.op(Context(ONLOOKER, 90 * MS))
    assert isinstance(answer, Pending)
    answer = generator.op(Context(ONLOOKER, 110 * MS))
    assert isinstance(answer, tuple)
    assert isinstance(answer[1].op(Context(ONLOOKER, 110 * MS)), Pending)


def test_half_of_the_clients_look_on_and_so_do_those_who_take_their_places() -> None:
    generator = watched()
    assert isinstance(generator, Onlookers)
    assert [generator.is_onlooker(process) for process in range(8)] == [True, True, False, False] * 2
