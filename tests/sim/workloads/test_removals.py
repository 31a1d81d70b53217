"""Errands that delete: nothing is said against a registry that does right, and each bug that they hunt is found."""

import re
from collections.abc import Callable
from random import Random

import pytest
from msgspec.structs import replace

from nscr_cli.checkers.blobs import BlobsChecker
from nscr_cli.checkers.closure import ClosureChecker
from nscr_cli.checkers.listing import ListingChecker
from nscr_cli.checkers.tags import TagsChecker
from nscr_cli.checkers.verdict import Result, check_all
from nscr_cli.generators.base import Context, Generator
from nscr_cli.history.history import History
from nscr_cli.history.invocation import Invocation
from nscr_cli.history.keys import digest_key, digest_of, repository_of, tag_key, tag_of
from nscr_cli.history.ops import Answered, Entry, F, Kind, Op, Phase
from nscr_cli.history.plan import RunPlan, Scenario
from nscr_cli.workloads.catalogue import WORKLOADS
from nscr_cli.workloads.perfect_registry import PerfectRegistry, Reply
from nscr_cli.workloads.seeding import seeded_memory, seeds
from nscr_cli.workloads.world import world_of

Perform = Callable[[Invocation], Reply]
CHECKERS = (TagsChecker(), BlobsChecker(), ClosureChecker(), ListingChecker())
ERRANDS = (
    "delete-some-tags",
    "delete-beside-others",
    "delete-and-push-again",
    "delete-from-one",
    "delete-beside-index",
    "empty-repository",
    "touch-look-alikes",
)


def plan_of(errand: str, seed: int) -> RunPlan:
    weights = {errand: 1, "move-tag": 1, "look-every-way": 1}
    return RunPlan(
        run_id="run",
        scenario_name="deletes",
        scenario=Scenario(title="t", description="d", workload="deletes", weights=weights, blob_sizes=(16, 64)),
        seed=seed,
        workers=3,
        duration_s=1.0,
        registry_url=None,
        namespace="nscr-torture/run",
        started_utc="2026-01-01T00:00:00Z",
        nscr="0",
    )


def judged(errand: str, perform: Perform, seed: int, count: int = 600) -> list[Result]:
    """What checkers say of three clients whose operations come one after another, in an order of the seed."""
    plan = plan_of(errand, seed)
    world = world_of(plan)
    entries: list[Entry] = []

    def done(phase: Phase, process: int, invocation: Invocation) -> Op:
        index = len(entries)
        stamp = {"process": process, "f": invocation.f, "key": invocation.key, "phase": phase, "intended_ns": index}
        entries.append(Op(index=index, kind=Kind.INVOKE, time_ns=index, asked=invocation.asked, **stamp))
        reply = perform(invocation)
        asked = invocation.asked
        length = asked.size if invocation.f is F.GET_BLOB and reply.answered.present else None
        answered = Answered(
            status=reply.answered.status,
            present=reply.answered.present,
            digest=reply.answered.digest,
            header_digest=reply.answered.header_digest,
            length=length,
            references=reply.answered.references,
            tags=reply.answered.tags,
        )
        ended = Op(index=index + 1, kind=reply.kind, time_ns=index + 1, answered=answered, **stamp)
        entries.append(ended)
        return ended

    for invocation in seeds(world):
        done(Phase.SEED, 0, invocation)
    memory = seeded_memory(world, History(entries).operations)
    generator: Generator = WORKLOADS["deletes"].main(world, memory)
    chance = Random(seed)
    for _ in range(count):
        process = chance.randrange(3)
        following = generator.op(Context(process, len(entries)))
        assert isinstance(following, tuple)
        invocation, generator = following
        generator = generator.update(done(Phase.MAIN, process, invocation))
    return check_all(CHECKERS, plan, History(entries))


def rules(results: list[Result]) -> set[str]:
    assert not any("crashed" in reason for result in results for reason in result.reasons), results
    return {finding.rule for result in results for finding in result.findings}


@pytest.mark.parametrize("errand", ERRANDS)
def test_a_registry_that_does_right_is_not_accused_and_what_was_deleted_is_read(errand: str) -> None:
    results = judged(errand, PerfectRegistry().perform, seed=5)
    assert rules(results) == set()
    tags, blobs = results[0].evidence["deleted-and-read"], results[1].evidence["deleted-and-read"]
    assert (blobs if errand == "delete-from-one" else tags) > 3


def takes_siblings(registry: PerfectRegistry, invocation: Invocation) -> Reply:
    """H1: a delete of a tag deletes the manifest that it names."""
    if invocation.f is F.DELETE_TAG:
        named = registry.perform(
            Invocation(f=F.HEAD_MANIFEST, key=invocation.key, asked=invocation.asked)
        ).answered.header_digest
        key = digest_key(repository_of(invocation.key), named or "")
        return registry.perform(Invocation(f=F.DELETE_MANIFEST, key=key, asked=invocation.asked))
    return registry.perform(invocation)


def takes_look_alikes(alike: Callable[[str, str], bool]) -> Callable[[PerfectRegistry, Invocation], Reply]:
    """Whoever deletes a tag deletes those whose keys are alike."""
    put: set[str] = set()

    def perform(registry: PerfectRegistry, invocation: Invocation) -> Reply:
        if invocation.f is F.PUT_MANIFEST and tag_of(invocation.key):
            put.add(invocation.key)
        if invocation.f is F.DELETE_TAG:
            for key in sorted(key for key in put if key != invocation.key and alike(invocation.key, key)):
                registry.perform(Invocation(f=F.DELETE_TAG, key=key, asked=invocation.asked))
        return registry.perform(invocation)

    return perform


def is_matched_as_pattern(deleted: str, key: str) -> bool:
    """As SQL's LIKE has it: `_` stands for any character."""
    return re.fullmatch(re.escape(deleted).replace("_", "."), key) is not None


def cuts_names_off(registry: PerfectRegistry, invocation: Invocation) -> Reply:
    """Of a tag, as many characters are kept as fit into a column."""
    tag = tag_of(invocation.key)
    if tag is None:
        return registry.perform(invocation)
    return registry.perform(replace(invocation, key=tag_key(repository_of(invocation.key), tag[:90])))


def never_lists_less(listed: set[str]) -> Callable[[PerfectRegistry, Invocation], Reply]:
    """H2: a tag stays in the list for ever."""

    def perform(registry: PerfectRegistry, invocation: Invocation) -> Reply:
        reply = registry.perform(invocation)
        if invocation.f is F.PUT_MANIFEST and tag_of(invocation.key):
            listed.add(invocation.key)
        if invocation.f is F.LIST_TAGS:
            names = sorted(tag_of(key) or "" for key in listed if repository_of(key) == invocation.key)
            return Reply(Kind.OK, Answered(status=200, present=True, tags=tuple(names)))
        return reply

    return perform


def serves_what_others_hold(held: set[str]) -> Callable[[PerfectRegistry, Invocation], Reply]:
    """H5: a blob is served from every repository while any holds it."""

    def perform(registry: PerfectRegistry, invocation: Invocation) -> Reply:
        if invocation.f in (F.PUSH_BLOB, F.MOUNT_BLOB):
            held.add(digest_of(invocation.key) or "")
        if invocation.f in (F.GET_BLOB, F.HEAD_BLOB) and digest_of(invocation.key) in held:
            return Reply(Kind.OK, Answered(status=200, present=True, digest=invocation.asked.digest))
        return registry.perform(invocation)

    return perform


def says_exists(gone: set[str]) -> Callable[[PerfectRegistry, Invocation], Reply]:
    """H6: HEAD goes on to find a blob that was deleted, so that it is not pushed again."""

    def perform(registry: PerfectRegistry, invocation: Invocation) -> Reply:
        if invocation.f is F.DELETE_BLOB:
            gone.add(invocation.key)
        if invocation.f is F.HEAD_BLOB and invocation.key in gone:
            return Reply(Kind.OK, Answered(status=200, present=True, header_digest=invocation.asked.digest))
        return registry.perform(invocation)

    return perform


@pytest.mark.parametrize(
    ("errand", "bug", "rule"),
    [
        ("delete-some-tags", takes_siblings, "lost-write"),
        ("delete-beside-others", takes_siblings, "lost-write"),
        ("delete-beside-index", takes_siblings, "broken-image"),
        ("delete-some-tags", never_lists_less(set()), "ghost-tag"),
        ("empty-repository", never_lists_less(set()), "ghost-tag"),
        ("delete-from-one", serves_what_others_hold(set()), "undead-blob"),
        ("delete-and-push-again", says_exists(set()), "undead-blob"),
        ("touch-look-alikes", takes_look_alikes(is_matched_as_pattern), "lost-write"),
        ("touch-look-alikes", takes_look_alikes(lambda deleted, key: deleted.lower() == key.lower()), "lost-write"),
        ("touch-look-alikes", takes_look_alikes(lambda deleted, key: key.startswith(deleted)), "lost-write"),
        ("touch-look-alikes", cuts_names_off, "phantom-value"),
    ],
)
def test_a_planted_bug_is_found(errand: str, bug: Callable[[PerfectRegistry, Invocation], Reply], rule: str) -> None:
    registry = PerfectRegistry()
    assert rule in rules(judged(errand, lambda invocation: bug(registry, invocation), seed=5))
