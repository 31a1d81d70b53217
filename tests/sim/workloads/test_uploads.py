"""Uploads step by step, and clients that do not give up: against a perfect registry, over a line that breaks."""

from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from random import Random

import msgspec
import pytest

from nscr_cli.checkers.inventory import UPLOAD_STEPS
from nscr_cli.client.outcomes import READS
from nscr_cli.generators.base import Context
from nscr_cli.generators.invocations import delete_tag
from nscr_cli.history.invocation import Invocation
from nscr_cli.history.ops import Answered, F, Kind, Op, Phase
from nscr_cli.history.plan import RunPlan, Scenario
from nscr_cli.workloads.actor import Turn
from nscr_cli.workloads.contention import in_pairs
from nscr_cli.workloads.memory import Memory
from nscr_cli.workloads.perfect_registry import PerfectRegistry
from nscr_cli.workloads.retries import insist, insist_on_deletes, insist_on_image
from nscr_cli.workloads.steps import Chain, Step
from nscr_cli.workloads.uploads import disturb_upload
from nscr_cli.workloads.world import World, world_of

Asked = list[tuple[Invocation, Kind]]


def world(workers: int = 8) -> World:
    scenario = Scenario(title="t", description="d", workload="uploads", weights={}, blob_sizes=(0, 4096))
    plan = RunPlan(
        run_id="run", scenario_name="t", scenario=scenario, seed=5, workers=workers, duration_s=1.0, registry_url=None,
        namespace="nscr-torture/run", started_utc="2026-01-01T00:00:00Z", nscr="0",
    )  # fmt: skip
    return world_of(plan)


def turn(number: int) -> Turn:
    return Turn(world=world(), process=3, number=number, memory=Memory())


def ended(invocation: Invocation, kind: Kind, answered: Answered) -> Op:
    return Op(
        index=1, process=3, kind=kind, f=invocation.f, key=invocation.key, phase=Phase.MAIN, intended_ns=0, time_ns=0,
        answered=answered,
    )  # fmt: skip


def lived(step: Step | None, *, lost: float = 0.0, seed: int = 0) -> Asked:
    """An errand to its end; of a share of its operations nobody hears, whether or not they were done."""
    registry, chance = PerfectRegistry(), Random(seed)
    chain, asked = Chain(step), []
    while not chain.is_over:
        assert len(asked) < 500, "it does not come to its end"
        answer = chain.op(Context(3, 0))
        assert isinstance(answer, tuple)
        invocation, _ = answer
        is_lost = chance.random() < lost
        reply = registry.perform(invocation) if not is_lost or chance.random() < 0.5 else None
        unheard = Kind.FAIL if invocation.f in READS else Kind.INFO
        kind, answered = (unheard, Answered()) if is_lost or reply is None else (reply.kind, reply.answered)
        asked.append((invocation, kind))
        chain = Chain(None, chain.following).update(ended(invocation, kind, answered))
    return asked


def held(asked: Asked) -> bool:
    """The last word of the errand: it read a blob that is there."""
    return asked[-1][0].f is F.GET_BLOB and asked[-1][1] is Kind.OK


def test_uploads_are_disturbed_in_every_way_and_come_to_their_end() -> None:
    errands = [lived(disturb_upload(turn(number))) for number in range(300)]
    steps = [one for errand in errands for one, _ in errand if one.f in UPLOAD_STEPS]
    chunks = [one.asked for one in steps if one.f is F.PATCH_UPLOAD]
    assert {one.f for one in steps} == UPLOAD_STEPS
    assert {0, 1, 2} <= {chunk.size for chunk in chunks}
    assert any(chunk.range is None for chunk in chunks)
    lengths = [chunk.range[1] + 1 - chunk.range[0] - (chunk.size or 0) for chunk in chunks if chunk.range]
    assert {-1, 0, 1} <= set(lengths)
    assert any(chunk.wrong_bytes for chunk in chunks)
    assert any(one.asked.wrong_bytes for one in steps if one.f is F.FINISH_UPLOAD)
    assert any(one.asked.range for one in steps if one.f is F.FINISH_UPLOAD)
    refused = Counter(kind for errand in errands for one, kind in errand if one.f is F.PATCH_UPLOAD)
    assert refused[Kind.FAIL] > 100
    assert sum(map(held, errands)) > 200


def test_uploads_have_names_of_their_own() -> None:
    names = [
        {one.asked.upload for one, _ in lived(disturb_upload(turn(number))) if one.asked.upload} for number in range(50)
    ]
    assert all(names)
    assert len(set.union(*names)) == sum(map(len, names))


@pytest.mark.parametrize("begin", [disturb_upload, insist_on_image, insist_on_deletes])
@pytest.mark.parametrize("lost", [0.2, 0.9])
def test_errands_end_whatever_is_lost(begin: Callable[[Turn], Step], lost: float) -> None:
    for number in range(60):
        assert lived(begin(turn(number)), lost=lost, seed=number)


def test_what_was_lost_is_asked_again_until_the_image_is_there() -> None:
    errands = [lived(insist_on_image(turn(number)), lost=0.15, seed=number) for number in range(80)]
    done = [errand for errand in errands if held(errand)]
    assert len(done) > 45  # some lose the read at their end
    again = Counter[F]()
    for errand in errands:
        for (one, kind), (after, _) in pairwise(errand):
            again[one.f] += kind is Kind.INFO and (one.f, one.key) == (after.f, after.key)
    assert {F.PUSH_BLOB, F.PUT_MANIFEST, F.FINISH_UPLOAD, F.PATCH_UPLOAD} <= set(+again)


def test_deletes_are_done_once_nothing_is_there() -> None:
    delete = delete_tag("r", "t")
    over = Step(delete)
    step = insist(delete, lambda: over, tries=2)
    assert step.then(ended(delete, Kind.FAIL, Answered(status=404))) is over
    again = step.resumed(ended(delete, Kind.INFO, Answered()))
    assert again is not None
    assert again.invocation == delete
    assert again.resumed(ended(delete, Kind.INFO, Answered())) is None
    assert again.then(ended(delete, Kind.FAIL, Answered(status=500))) is None


def test_both_of_a_pair_strike_one_upload_in_every_way() -> None:
    generator = in_pairs(world())
    assert (generator.groups, generator.members) == (2, 2)
    strikes = set[tuple[tuple[F, object], ...]]()
    for number in range(3 * 200):
        part, at = number % 3, generator._part(0, number, 0)
        if part == 1:
            pair = [errand.op(Context(0, 0)) for errand in at.errands]
            asked = [one[0] for one in pair if isinstance(one, tuple)]
            assert len({one.asked.upload for one in asked}) == 1
            assert len(asked) == 2
            is_same = asked[0].asked.range == asked[1].asked.range
            strikes.add(tuple((one.f, is_same) for one in asked))
    kinds = {tuple(f for f, _ in strike) for strike in strikes}
    assert kinds >= {
        (F.PATCH_UPLOAD, F.PATCH_UPLOAD),
        (F.PATCH_UPLOAD, F.FINISH_UPLOAD),
        (F.PATCH_UPLOAD, F.CANCEL_UPLOAD),
        (F.PATCH_UPLOAD, F.GET_UPLOAD),
        (F.FINISH_UPLOAD, F.FINISH_UPLOAD),
        (F.FINISH_UPLOAD, F.CANCEL_UPLOAD),
    }
    assert {True, False} == {is_same for strike in strikes for f, is_same in strike if f is F.PATCH_UPLOAD}


def test_whoever_has_no_pair_goes_about_errands() -> None:
    assert [in_pairs(world(workers)).groups for workers in (1, 3, 4, 8)] == [0, 0, 1, 2]
    assert not in_pairs(world(3)).has_place_for(0)
    assert msgspec.structs.replace(in_pairs(world(4))).has_place_for(5)
