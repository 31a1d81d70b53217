"""Actors: what a client asks follows from the seed and from what it was told, and keeps the rules of errands."""

from collections.abc import Callable, Iterator
from functools import cache
from random import Random

import msgspec
import pytest

from nscr_cli.generators.base import DONE, Context, Generator
from nscr_cli.history.invocation import Invocation
from nscr_cli.history.keys import digest_key, repository_of, tag_of
from nscr_cli.history.ops import Answered, F, Kind, Op, Phase, PushStyle, Reference, Referrer
from nscr_cli.history.plan import RunPlan, Scenario
from nscr_cli.workloads import attachments
from nscr_cli.workloads.actor import Actor, Turn
from nscr_cli.workloads.catalogue import WORKLOADS
from nscr_cli.workloads.memory import Memory
from nscr_cli.workloads.steps import Step
from nscr_cli.workloads.world import World, world_of

EACH_FOR_ITSELF = sorted(set(WORKLOADS) - {"stampede"})  # there, all write the same: see test_stampede.py

Answer = Callable[[Invocation], Answered]


def world(workload: str = "mixed", seed: int = 7, unsupported: frozenset[str] = frozenset()) -> World:
    scenario = Scenario(
        title="t", description="d", workload=workload, weights=dict.fromkeys(WORKLOADS[workload].actions, 1)
    )
    plan = RunPlan(
        run_id="run",
        scenario_name=workload,
        scenario=scenario,
        seed=seed,
        workers=1,  # so that each process does what it does by itself
        duration_s=1.0,
        registry_url=None,
        namespace="nscr-torture/run",
        started_utc="2026-01-01T00:00:00Z",
        nscr="0",
    )
    return msgspec.structs.replace(world_of(plan), unsupported=unsupported)


def seeded(stage: World) -> Memory:
    memory = Memory()
    for repository in stage.repositories:
        for content in (stage.config, *stage.shared):
            memory = memory.with_blob(repository, content)
    return memory


class Tags:
    """Answers as a registry that holds whatever was put last."""

    def __init__(self, kind: Kind = Kind.OK) -> None:
        self.kind = kind
        self.tags: dict[str, Invocation] = {}

    def __call__(self, asked: Invocation) -> Answered:
        if asked.f is F.PUT_MANIFEST and tag_of(asked.key):
            self.tags[asked.key] = asked
        put = self.tags.get(asked.key)
        if asked.f is F.GET_MANIFEST and put is not None:
            return Answered(status=200, present=True, digest=put.asked.digest, references=put.asked.references)
        return Answered(status=200, present=asked.f is not F.GET_MANIFEST)


def lived(
    stage: World, workload: str, process: int, count: int, answer: Answer, fails: float = 0.0
) -> Iterator[tuple[Invocation, Kind]]:
    """The first operations of one process, each answered as `answer` says, some of them failing."""
    chance = Random(f"{stage.seed}/{process}/answers")
    generator: Generator = WORKLOADS[workload].main(stage, seeded(stage))
    for number in range(count):
        following = generator.op(Context(process, number))
        assert isinstance(following, tuple)
        invocation, generator = following
        kind = Kind.FAIL if chance.random() < fails else Kind.OK
        answered = answer(invocation) if kind is Kind.OK else Answered(status=404)
        yield invocation, kind
        generator = generator.update(
            Op(
                index=2 * number + 1,
                process=process,
                kind=kind,
                f=invocation.f,
                key=invocation.key,
                phase=Phase.MAIN,
                intended_ns=number,
                time_ns=number,
                answered=answered,
            )
        )


def asked(stage: World, workload: str, process: int = 0, count: int = 400, fails: float = 0.0) -> list[Invocation]:
    return [invocation for invocation, _ in lived(stage, workload, process, count, Tags(), fails)]


@cache
def life(workload: str, seed: int, process: int) -> list[Invocation]:
    """The first thousand operations of a process in a stage with everything: to be looked at in more than one way."""
    return asked(world(workload, seed), workload, process, 1000)


def words(invocations: list[Invocation]) -> list[tuple[object, ...]]:
    return [(one.f, one.key, one.asked, one.content.digest if one.content else None) for one in invocations]


@pytest.mark.parametrize("workload", EACH_FOR_ITSELF)
def test_a_seed_replays_what_a_process_asks(workload: str) -> None:
    again = asked(world(workload), workload)
    assert words(again) == words(life(workload, 7, 0)[: len(again)])


@pytest.mark.parametrize("workload", EACH_FOR_ITSELF)
def test_seeds_and_processes_differ(workload: str) -> None:
    streams = [words(life(workload, 7, process)[:400]) for process in (0, 1)]
    streams += [words(asked(world(workload, 1), workload, process)) for process in (0, 1)]
    assert all(one != other for number, one in enumerate(streams) for other in streams[:number])


@pytest.mark.parametrize("workload", sorted(set(EACH_FOR_ITSELF) - {"retries"}))  # who insists writes the same again
def test_no_digest_is_written_twice_to_a_contended_tag_by_anybody(workload: str) -> None:
    """Such tags are swept. One that a single client deletes and writes again has few calls, and is searched."""
    written = [
        (one.key, one.asked.digest)
        for process in range(4)
        for one in life(workload, 7, process)
        if one.f is F.PUT_MANIFEST and tag_of(one.key) and not tag_of(one.key).startswith("again")
    ]
    assert len(written) > 100
    assert len(set(written)) == len(written)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("fails", [0.0, 0.3])
def test_a_manifest_is_put_only_on_what_was_acknowledged(seed: int, fails: float) -> None:
    stage = world(seed=seed)
    in_earnest = {name: weight for name, weight in stage.weights.items() if name != "ask-in-vain"}
    stage = msgspec.structs.replace(stage, weights=in_earnest)
    acknowledged = {digest_key(held.repository, held.content.digest) for held in seeded(stage).blobs}
    for invocation, kind in lived(stage, "mixed", 0, 600, Tags(), fails):
        if invocation.f is F.PUT_MANIFEST:
            needed = {digest_key(repository_of(invocation.key), one.digest) for one in invocation.asked.references}
            assert needed <= acknowledged
        if kind is Kind.OK and invocation.f in (F.PUSH_BLOB, F.MOUNT_BLOB, F.PUT_MANIFEST):
            acknowledged.add(digest_key(repository_of(invocation.key), invocation.asked.digest or ""))


def test_nothing_that_a_manifest_refers_to_is_ever_deleted() -> None:
    referred, deleted = set[str](), set[str]()
    for process in range(4):
        for one in asked(world(), "mixed", process, 600):
            referred |= {digest_key(repository_of(one.key), reference.digest) for reference in one.asked.references}
            if one.f in (F.DELETE_BLOB, F.DELETE_MANIFEST):
                deleted.add(one.key)
    assert deleted
    assert referred.isdisjoint(deleted)


def test_artifacts_are_attached_listed_by_type_and_deleted_by_their_writer_only() -> None:
    by_process = [asked(world("referrers"), "referrers", process, 300) for process in range(3)]
    attached = [{one.asked.digest for one in own if one.f is F.PUT_MANIFEST} for own in by_process]
    deleted = [{one.asked.digest for one in own if one.f is F.DELETE_MANIFEST} for own in by_process]
    assert all(gone and gone <= put for gone, put in zip(deleted, attached, strict=True))
    lists = [one for own in by_process for one in own if one.f is F.LIST_REFERRERS]
    assert len({one.asked.artifact_type for one in lists}) == 3
    assert {one.asked.subject for own in by_process for one in own if one.asked.subject} == {
        one.asked.digest for one in lists
    }


def test_a_walk_along_referrers_ends_though_they_lead_round_in_a_circle() -> None:
    turn = Turn(world=world("referrers"), process=0, number=0, memory=Memory())
    digests = [f"sha256:{number:064x}" for number in range(2)]
    step: Step | None = attachments.walk_referrers(turn)
    asked_for: list[str | None] = []
    while step is not None:
        asked_for.append(step.invocation.asked.digest)
        circle = tuple(Referrer(digest) for digest in (asked_for[0] or "", *digests, "sha256:not-a-digest"))
        step = step.then(
            Op(
                index=1,
                process=0,
                kind=Kind.OK,
                f=F.LIST_REFERRERS,
                key=step.invocation.key,
                phase=Phase.MAIN,
                intended_ns=0,
                time_ns=1,
                answered=Answered(status=200, referrers=circle),
            )
        )
    assert asked_for == [asked_for[0], *digests]


def test_every_style_range_and_kind_of_manifest_is_used() -> None:
    invocations = [one for process in range(4) for one in asked(world(), "mixed", process, 600)]
    assert {one.asked.style for one in invocations if one.f is F.PUSH_BLOB} == set(PushStyle)
    # An upload is looked at after refusals that nobody gives here.
    elsewhere = {F.LIST_REFERRERS, F.LIST_PAGE, F.LIST_CATALOG, F.GET_UPLOAD}
    assert {one.f for one in invocations} - {F.GET_UPLOAD} == set(F) - elsewhere
    assert any(one.asked.range for one in invocations)
    assert any(one.asked.size == 0 for one in invocations if one.f is F.PUSH_BLOB)
    assert len({one.asked.media_type for one in invocations if one.f is F.PUT_MANIFEST}) == 3
    by_process = [
        {one.key for one in asked(world(), "mixed", process, 600) if one.f is F.PUSH_BLOB} for process in (0, 1)
    ]
    assert by_process[0] & by_process[1], "no digest is pushed by two processes"


def test_what_is_not_supported_is_not_asked() -> None:
    missing = frozenset(
        {"delete-tag", "delete-blob", "mount-blob", "blob-ranges", "indexes", "docker-manifests", "single-post"}
    )
    invocations = asked(world(unsupported=missing), "mixed", count=800)
    assert {one.f for one in invocations}.isdisjoint({F.DELETE_TAG, F.DELETE_BLOB, F.MOUNT_BLOB})
    assert not any(one.asked.range for one in invocations if one.f is F.GET_BLOB)
    assert {one.asked.style for one in invocations if one.asked.style} == set(PushStyle) - {PushStyle.SINGLE_POST}
    assert {one.asked.media_type for one in invocations if one.asked.media_type} == {
        "application/vnd.oci.image.manifest.v1+json"
    }


def test_a_client_that_can_do_nothing_is_done() -> None:
    stage = msgspec.structs.replace(
        world(), weights={"delete-tag": 1, "move-tag": 0}, unsupported=frozenset({"delete-tag"})
    )
    idle = Actor(world=stage, process=0, actions=WORKLOADS["mixed"].actions, memory=Memory())
    assert idle.op(Context(0, 0)) is DONE


def test_a_completion_that_nobody_waits_for_changes_nothing() -> None:
    idle = Actor(world=world(), process=0, actions=WORKLOADS["mixed"].actions, memory=Memory())
    ended = Op(index=1, process=0, kind=Kind.OK, f=F.LIST_TAGS, key="a", phase=Phase.MAIN, intended_ns=0, time_ns=0)
    assert idle.update(ended) is idle


def test_a_hostile_manifest_leads_a_pull_nowhere() -> None:
    evil = tuple(Reference(digest, True, 10**18) for digest in ("../../other", "sha256:zz", "", "sha256:" + "a" * 64))
    stage = world()

    def answer(_asked: Invocation) -> Answered:
        return Answered(status=200, present=True, digest="sha256:" + "b" * 64, references=evil * 3)

    for invocation, _ in lived(stage, "mixed", 0, 2000, answer):
        assert stage.namespace.owns(invocation.key)
        assert "other" not in invocation.key
        assert "zz" not in invocation.key
