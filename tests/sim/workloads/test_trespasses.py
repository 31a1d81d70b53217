"""Errands in vain: of all that must be refused, something is asked; and what is refused changes nothing."""

from collections import Counter

import msgspec
import pytest

from nscr_cli.generators.namespace import Namespace
from nscr_cli.history.invocation import Content, Invocation
from nscr_cli.history.ops import Answered, F, Kind, Op, Phase
from nscr_cli.workloads.actor import Turn
from nscr_cli.workloads.memory import Memory
from nscr_cli.workloads.perfect_registry import PerfectRegistry
from nscr_cli.workloads.steps import Step
from nscr_cli.workloads.trespasses import ask_in_vain
from nscr_cli.workloads.world import World

WORLD = World(
    seed=1,
    namespace=Namespace("ours"),
    repositories=("ours/a", "ours/b", "ours/c"),
    tags=("t",),
    blob_sizes=(0, 1000),
    weights={},
    config=Content.of_bytes(b"{}"),
    shared=(Content.seeded("shared", 100),),
)
MEMORY = Memory()
for one in WORLD.repositories:
    MEMORY = MEMORY.with_blob(one, WORLD.config).with_blob(one, WORLD.shared[0])


def errand(number: int, grants: F | None = None) -> list[tuple[Invocation, Op]]:
    """What one errand asks of a registry that does everything right, but grants a step of an upload anywhere."""
    registry = PerfectRegistry()
    asked: list[tuple[Invocation, Op]] = []
    step: Step | None = ask_in_vain(Turn(world=WORLD, process=0, number=number, memory=MEMORY))
    while step is not None:
        invocation = step.invocation
        reply = registry.perform(invocation)
        kind, answered = reply.kind, reply.answered
        if invocation.asked.source is not None and invocation.f is grants:
            kind, answered = Kind.OK, Answered(status=202, present=True)
        event = Op(
            index=0, process=0, kind=kind, f=invocation.f, key=invocation.key, phase=Phase.MAIN, intended_ns=0,
            time_ns=0, answered=answered,
        )  # fmt: skip
        asked.append((invocation, event))
        step = step.then(event)
    return asked


ERRANDS = [errand(number) for number in range(300)]


def is_through_another(invocation: Invocation) -> bool:
    return invocation.asked.upload is not None and invocation.asked.source is not None


def test_each_kind_is_asked_for() -> None:
    firsts = Counter(one[-2][0].f if len(one) > 1 else one[0][0].f for one in ERRANDS)
    assert set(firsts) == {F.PUSH_BLOB, F.PUT_MANIFEST, F.MOUNT_BLOB, F.GET_BLOB}
    assert all(count > 10 for count in firsts.values())


def test_no_bytes_that_are_pushed_wrongly_have_the_digest_that_is_claimed() -> None:
    wrong = [one for errand in ERRANDS for one, _ in errand if one.asked.wrong_bytes]
    assert all(one.content is not None and one.content.digest != one.asked.digest for one in wrong)
    same = [
        sum(a == b for a, b in zip(one.content.digest, one.asked.digest or "", strict=True))
        for one in wrong
        if one.content
    ]
    assert {70} < set(same)  # one of 71 places differs, the first or the last of the digits
    assert any(one.asked.size == 0 for one in wrong)
    pushed = {
        one.asked.digest
        for errand in ERRANDS
        for one, _ in errand
        if one.f is F.PUSH_BLOB and not one.asked.wrong_bytes
    }
    assert pushed & {one.asked.digest for one in wrong}  # lie elsewhere


def test_an_upload_that_was_refused_elsewhere_comes_to_its_end() -> None:
    through = [errand for errand in ERRANDS if any(is_through_another(one) for one, _ in errand)]
    assert len(through) > 10
    for one in through:
        steps = [invocation.f for invocation, _ in one if is_through_another(invocation)]
        assert set(steps) == {F.GET_UPLOAD, F.PATCH_UPLOAD, F.FINISH_UPLOAD, F.CANCEL_UPLOAD}
        *_, (finish, ended), (_, read), (look, seen) = one
        assert (finish.f, ended.kind) == (F.FINISH_UPLOAD, Kind.OK)
        assert read.answered is not None
        assert read.answered.present is not False
        assert look.key != finish.key
        assert seen.answered is not None
        assert seen.answered.present is False


@pytest.mark.parametrize("grants", [F.GET_UPLOAD, F.PATCH_UPLOAD, F.FINISH_UPLOAD, F.CANCEL_UPLOAD])
def test_an_upload_of_which_anything_was_granted_elsewhere_is_left_alone(grants: F) -> None:
    errands = [errand(number, grants) for number in range(150)]
    through = [one for one in errands if any(is_through_another(asked) for asked, _ in one)]
    assert through
    assert all(is_through_another(one[-1][0]) and one[-1][0].f is grants for one in through)


def test_an_upload_with_a_least_chunk_is_not_begun() -> None:
    number = next(number for number, one in enumerate(ERRANDS) if one[0][0].f is F.START_UPLOAD)
    step = ask_in_vain(Turn(world=WORLD, process=0, number=number, memory=MEMORY))
    event = errand(number)[0][1]
    assert step.then(msgspec.structs.replace(event, answered=Answered(status=202, least_chunk=4096))) is None
