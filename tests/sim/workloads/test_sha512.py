"""Content by sha512: all of it is named so, everything is done to it, and nothing where it is not taken."""

import hashlib

import msgspec

from nscr_cli.generators import invocations
from nscr_cli.generators.namespace import Namespace
from nscr_cli.history.invocation import Content, Invocation
from nscr_cli.history.ops import F, Kind, Op, Phase, PushStyle
from nscr_cli.workloads.actor import Turn
from nscr_cli.workloads.memory import Memory
from nscr_cli.workloads.perfect_registry import PerfectRegistry
from nscr_cli.workloads.sha512 import ACTIONS, is_used, push_by_sha512
from nscr_cli.workloads.steps import Step
from nscr_cli.workloads.trespasses import ask_in_vain
from nscr_cli.workloads.world import World

WORLD = World(
    seed=1,
    namespace=Namespace("ours"),
    repositories=("ours/a", "ours/b"),
    tags=("t",),
    blob_sizes=(0, 1000),
    weights={"push-by-sha512": 1},
    config=Content.of_bytes(b"{}"),
    shared=(Content.seeded("shared", 100),),
)
MEMORY = Memory().with_blob("ours/a", WORLD.config).with_blob("ours/b", WORLD.config)


def errand(number: int, stage: World = WORLD, begin: str = "push-by-sha512") -> list[tuple[Invocation, Kind]]:
    registry = PerfectRegistry()
    for repository in stage.repositories:
        registry.perform(invocations.push_blob(repository, stage.config, PushStyle.POST_PUT))
    done: list[tuple[Invocation, Kind]] = []
    turn = Turn(world=stage, process=0, number=number, memory=MEMORY)
    step: Step | None = push_by_sha512(turn) if begin in ACTIONS else ask_in_vain(turn)
    while step is not None:
        invocation = step.invocation
        reply = registry.perform(invocation)
        done.append((invocation, reply.kind))
        step = step.then(
            Op(
                index=0, process=0, kind=reply.kind, f=invocation.f, key=invocation.key, phase=Phase.MAIN,
                intended_ns=0, time_ns=0, answered=reply.answered,
            )
        )  # fmt: skip
    return done


ERRANDS = [one for number in range(60) for one in errand(number)]


def test_everything_is_done_to_what_is_named_so() -> None:
    named = [one for one, _ in ERRANDS if (one.asked.digest or "").startswith("sha512:")]
    assert {one.f for one in named} == {
        F.PUSH_BLOB, F.GET_BLOB, F.HEAD_BLOB, F.DELETE_BLOB, F.MOUNT_BLOB,
        F.PUT_MANIFEST, F.GET_MANIFEST, F.HEAD_MANIFEST,
    }  # fmt: skip
    assert any(one.asked.references[1:] and one.asked.references[1].digest.startswith("sha512:") for one, _ in ERRANDS)


def test_what_is_written_hashes_to_its_name() -> None:
    written = [one for one, _ in ERRANDS if one.content is not None]
    for one in written:
        algorithm, _, encoded = (one.asked.digest or "").partition(":")
        assert one.content is not None
        assert hashlib.new(algorithm, b"".join(one.content.chunks())).hexdigest() == encoded
    assert len(written) > 60


def test_the_bytes_of_a_range_are_known_by_the_same_algorithm() -> None:
    ranges = [one.asked for one, _ in ERRANDS if one.asked.range is not None]
    assert ranges
    assert all((one.range_digest or "").startswith("sha512:") for one in ranges)


def test_a_manifest_is_put_only_on_what_is_there() -> None:
    assert all(kind is Kind.OK for one, kind in ERRANDS if one.f is F.PUT_MANIFEST)


def test_other_bytes_are_pushed_under_such_digests_only_where_they_are_taken() -> None:
    for stage, is_asked in (
        (WORLD, True),
        (msgspec.structs.replace(WORLD, unsupported=frozenset({"sha512"})), False),
        (msgspec.structs.replace(WORLD, weights={}), False),
    ):
        assert is_used(stage) is is_asked
        vain = [one for number in range(200) for one, _ in errand(number, stage, "ask-in-vain")]
        digests = {one.asked.digest or "" for one in vain if one.asked.wrong_bytes}
        assert any(digest.startswith("sha512:") for digest in digests) is is_asked
