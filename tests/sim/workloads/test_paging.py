"""Errands that page: nothing is said against a registry that does right, and each bug that they hunt is found."""

from collections.abc import Callable

import msgspec
import pytest

from nscr_cli.checkers.catalog import CatalogChecker
from nscr_cli.checkers.listing import ListingChecker
from nscr_cli.checkers.verdict import check_all
from nscr_cli.generators.base import Context, Generator
from nscr_cli.history.history import History
from nscr_cli.history.invocation import Invocation
from nscr_cli.history.ops import Answered, Entry, Event, F, Kind, Op, Phase
from nscr_cli.history.plan import RunPlan, Scenario
from nscr_cli.workloads.catalogue import WORKLOADS
from nscr_cli.workloads.perfect_registry import PerfectRegistry, Reply
from nscr_cli.workloads.seeding import seeded_memory, seeds
from nscr_cli.workloads.world import world_of

Breaks = Callable[[Invocation, Answered], Answered]
PLAN = RunPlan(
    run_id="run",
    scenario_name="lists",
    scenario=Scenario(
        title="t",
        description="d",
        workload="lists",
        weights={"churn-tag": 6, "list-all": 1, "page-through": 6, "ask-oddly": 1, "list-catalog": 2, "read-tag": 1},
        blob_sizes=(16, 64),
        tags=40,
    ),
    seed=1,
    workers=3,
    duration_s=1.0,
    registry_url=None,
    namespace="nscr-torture/run",
    started_utc="2026-01-01T00:00:00Z",
    nscr="0",
)


def rules(breaks: Breaks, seed: int = 1, count: int = 700) -> set[str]:
    """What checkers find when three clients ask one after another, and answers are broken on their way back."""
    plan = msgspec.structs.replace(PLAN, seed=seed)
    world = world_of(plan)
    registry = PerfectRegistry()
    entries: list[Entry] = [Event(name="target", time_ns=0, detail={"fresh": "yes"})]

    def done(phase: Phase, process: int, invocation: Invocation) -> Op:
        index = len(entries)
        stamp = {"process": process, "f": invocation.f, "key": invocation.key, "phase": phase, "intended_ns": index}
        entries.append(Op(index=index, kind=Kind.INVOKE, time_ns=index, asked=invocation.asked, **stamp))
        reply: Reply = registry.perform(invocation)
        answered = breaks(invocation, reply.answered)
        entries.append(Op(index=index + 1, kind=reply.kind, time_ns=index + 1, answered=answered, **stamp))
        return entries[-1]

    workload = WORKLOADS["lists"]
    for invocation in (*seeds(world), *workload.stock(world)):
        done(Phase.SEED, 0, invocation)
    load: Generator = workload.main(world, seeded_memory(world, History(entries).operations))
    for number in range(count):
        answer = load.op(Context(number % 3, number))
        assert isinstance(answer, tuple)
        invocation, load = answer
        load = load.update(done(Phase.MAIN, number % 3, invocation))
    results = check_all([ListingChecker(), CatalogChecker()], plan, History(entries))
    assert [result.reasons for result in results] == [(), ()]
    return {finding.rule for result in results for finding in result.findings}


def test_the_stock_is_put_once_under_as_many_names_as_the_scenario_has_tags() -> None:
    stock = WORKLOADS["lists"].stock(world_of(PLAN))
    assert len({one.key for one in stock}) == len({one.asked.digest for one in stock}) == 40


@pytest.mark.parametrize("seed", range(5))
def test_a_registry_that_does_right_is_right(seed: int) -> None:
    assert rules(lambda _invocation, answered: answered, seed) == set()


def first_lost(_invocation: Invocation, answered: Answered) -> Answered:
    """The first name of each page is left out, and the page is as long as before."""
    return msgspec.structs.replace(answered, tags=answered.tags[1:]) if answered.tags else answered


def begins_with_last(invocation: Invocation, answered: Answered) -> Answered:
    last = invocation.asked.last
    if not answered.tags or last is None or not last[-1].isdigit() or invocation.asked.page_query is not None:
        return answered
    return msgspec.structs.replace(answered, tags=(last, *answered.tags[:-1]))


def backwards(_invocation: Invocation, answered: Answered) -> Answered:
    return msgspec.structs.replace(answered, tags=tuple(reversed(answered.tags or ())))


def keeps_what_is_gone(invocation: Invocation, answered: Answered) -> Answered:
    if invocation.f is not F.LIST_PAGE or "A00000x" in (answered.tags or ()) or invocation.asked.last is not None:
        return answered
    return msgspec.structs.replace(answered, tags=tuple(sorted((*(answered.tags or ()), "zz99"))))


def too_many(invocation: Invocation, answered: Answered) -> Answered:
    if invocation.asked.page_size is None:
        return answered
    return msgspec.structs.replace(answered, longest_page=invocation.asked.page_size + 1)


def link_after_nothing(invocation: Invocation, answered: Answered) -> Answered:
    return msgspec.structs.replace(answered, has_next=invocation.f is F.LIST_PAGE)


def catalog_without_the_first(invocation: Invocation, answered: Answered) -> Answered:
    first = f"{PLAN.namespace}/repository-0"
    names = tuple(name for name in answered.repositories or () if name != first)
    return msgspec.structs.replace(answered, repositories=names) if invocation.f is F.LIST_CATALOG else answered


def catalog_with_a_stranger(invocation: Invocation, answered: Answered) -> Answered:
    names = (*(answered.repositories or ()), f"{PLAN.namespace}/zzz")
    return msgspec.structs.replace(answered, repositories=names) if invocation.f is F.LIST_CATALOG else answered


@pytest.mark.parametrize(
    ("breaks", "rule"),
    [
        (first_lost, "missing-tag"),
        (begins_with_last, "page-begins-too-early"),
        (backwards, "unsorted-listing"),
        (keeps_what_is_gone, "phantom-tag"),
        (too_many, "long-page"),
        (link_after_nothing, "link-after-nothing"),
        (catalog_without_the_first, "missing-repository"),
        (catalog_with_a_stranger, "phantom-repository"),
    ],
)
def test_each_bug_is_found(breaks: Breaks, rule: str) -> None:
    assert rule in rules(breaks)
