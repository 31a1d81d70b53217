"""The stampede: in every part of a round all write the same, and every kind of round comes."""

from collections import defaultdict

import msgspec

from nscr_cli.engine.scenario_file import load_scenario
from nscr_cli.generators.base import Context, Generator
from nscr_cli.generators.together import Together
from nscr_cli.history.keys import digest_of
from nscr_cli.history.ops import F, Kind, Op, Phase, PushStyle
from nscr_cli.history.plan import RunPlan
from nscr_cli.workloads.stampede import all_at_once, round_of
from nscr_cli.workloads.world import World, world_of

WORKERS = 6
MILLISECOND = 1_000_000


def world(seed: int = 3, workers: int = WORKERS) -> World:
    plan = RunPlan(
        run_id="run",
        scenario_name="same-digest-stampede",
        scenario=load_scenario("same-digest-stampede"),
        seed=seed,
        workers=workers,
        duration_s=1.0,
        registry_url=None,
        namespace="nscr-torture/run",
        started_utc="2026-01-01T00:00:00Z",
        nscr="0",
    )
    return world_of(plan)


def rounds(stage: World, count: int) -> list[list[Op]]:
    """What the group asks, by the instant at which it is asked; everything takes a millisecond and succeeds."""
    generator: Generator = all_at_once(stage)
    by_start: dict[int, list[Op]] = defaultdict(list)
    busy: dict[int, tuple[int, Op]] = {}
    for now in range(0, count * MILLISECOND, MILLISECOND // 4):
        for process in [process for process, (end, _) in busy.items() if end <= now]:
            _, op = busy.pop(process)
            generator = generator.update(msgspec.structs.replace(op, kind=Kind.OK, time_ns=now))
        for process in range(stage.workers):
            answer = generator.op(Context(process, now)) if process not in busy else None
            if isinstance(answer, tuple):
                invocation, generator = answer
                op = Op(
                    index=0, process=process, kind=Kind.INVOKE, f=invocation.f, key=invocation.key, phase=Phase.MAIN,
                    intended_ns=now, time_ns=now, asked=invocation.asked,
                )  # fmt: skip
                busy[process] = (now + MILLISECOND, op)
                by_start[now].append(op)
    return [by_start[start] for start in sorted(by_start)]


def test_all_push_the_same_digest_at_the_same_instant() -> None:
    together = [ops for ops in rounds(world(), 400) if {op.f for op in ops} == {F.PUSH_BLOB}]
    assert len(together) > 20
    assert {len(ops) for ops in together} == {WORKERS - 1}
    assert all(len({digest_of(op.key) for op in ops}) == 1 for ops in together)
    assert {len({op.key for op in ops}) for ops in together} == {1, 3}
    styles = [{op.asked.style for op in ops} for ops in together]
    assert any(len(some) == 1 for some in styles)
    assert set(PushStyle) in styles


def test_all_put_the_same_manifest_under_one_tag_a_tag_each_or_its_digest() -> None:
    asked = [ops for ops in rounds(world(), 1200) if len(ops) == WORKERS - 1]
    puts = [ops for ops in asked if {op.f for op in ops} == {F.PUT_MANIFEST}]
    assert all(len({op.asked.digest for op in ops}) == 1 for ops in puts)
    assert len({len({op.key for op in ops}) for ops in puts}) > 2
    assert any("@" in ops[0].key for ops in puts)


def test_an_image_names_its_layer_more_than_once() -> None:
    now = round_of(world(), 5)
    references = [one.digest for one in now.manifest.references]
    assert references.count(now.layer.digest) == 3


def test_nobody_deletes_what_an_image_refers_to() -> None:
    stage = world()
    some = [round_of(stage, number) for number in range(200)]
    deleted = {one.layer.digest for one in some if one.is_scratch}
    assert deleted
    assert deleted.isdisjoint({one.layer.digest for one in some if not one.is_scratch})
    without = msgspec.structs.replace(stage, unsupported=frozenset({F.DELETE_BLOB}))
    assert not any(round_of(without, number).is_scratch for number in range(200))


def test_one_worker_is_a_group_of_one_and_every_sixth_stands_beside() -> None:
    groups = {workers: all_at_once(world(workers=workers)) for workers in (1, 6, 12)}
    assert all(isinstance(group, Together) for group in groups.values())
    assert {workers: group.members for workers, group in groups.items()} == {1: 1, 6: 5, 12: 10}


def test_a_seed_replays_it_and_another_does_not() -> None:
    first, again, other = (rounds(world(seed), 60) for seed in (3, 3, 4))
    assert first == again
    assert first != other
