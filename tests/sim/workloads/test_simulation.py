"""Simulated loads: a seed gives the same operations, another seed others, and errands see what they wrote."""

from datetime import UTC, datetime
from random import Random

import pytest

from nscr_cli.engine.plan import Flags, make_plan
from nscr_cli.engine.scenario_file import load_scenario, scenario_names
from nscr_cli.generators import invocations
from nscr_cli.generators.documents import configuration, image
from nscr_cli.history.ops import F, Kind, Op, PushStyle
from nscr_cli.workloads import exchanges
from nscr_cli.workloads.perfect_registry import PerfectRegistry
from nscr_cli.workloads.simulation import simulate

STARTED = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def operations(scenario: str, seed: int, most: int = 400) -> list[Op]:
    flags = Flags(seed=seed, workers=4)
    plan = make_plan(scenario, load_scenario(scenario), flags, started=STARTED, chance=Random(1))
    return list(simulate(plan, most))


@pytest.mark.parametrize("scenario", scenario_names())
def test_a_seed_gives_the_same_operations(scenario: str) -> None:
    first = operations(scenario, 7)
    assert first == operations(scenario, 7)
    assert [op.key for op in first] != [op.key for op in operations(scenario, 8)]


def test_it_ends_after_so_many_and_every_client_has_a_turn() -> None:
    ops = operations("mixed", 3)
    assert [op.index for op in ops] == list(range(400))
    assert {op.process for op in ops} == {0, 1, 2, 3}
    assert [op.time_ns for op in ops] == sorted(op.time_ns for op in ops)
    assert {F.PUSH_BLOB, F.PUT_MANIFEST, F.GET_MANIFEST, F.DELETE_TAG} <= {op.f for op in ops}


def test_the_registry_keeps_what_it_acknowledged_and_nothing_that_was_deleted() -> None:
    registry = PerfectRegistry()
    config = configuration("c")
    manifest = image(config, [], "n")
    put = invocations.put_manifest("r", "t", manifest)
    read = invocations.get_tag("r", "t")
    assert registry.perform(put).kind is Kind.FAIL
    assert registry.perform(invocations.push_blob("r", config, PushStyle.POST_PUT)).kind is Kind.OK
    assert registry.perform(put).kind is Kind.OK
    assert registry.perform(read).answered.digest == manifest.digest
    assert registry.perform(invocations.list_tags("r")).answered.tags == ("t",)
    assert registry.perform(invocations.delete_manifest("r", manifest.digest)).kind is Kind.OK
    assert registry.perform(read).answered.present is False
    assert registry.perform(invocations.delete_tag("r", "t")).kind is Kind.FAIL


def test_a_condition_is_heeded() -> None:
    registry = PerfectRegistry()
    config = configuration("c")
    first, second = image(config, [], "1"), image(config, [], "2")
    registry.perform(invocations.push_blob("r", config, PushStyle.POST_PUT))
    into_nothing = invocations.exchange_manifest("r", "t", None, first)
    assert registry.perform(invocations.exchange_manifest("r", "t", first.digest, second)).answered.status == 412
    assert [registry.perform(into_nothing).answered.status for _ in range(2)] == [201, 412]
    assert registry.perform(invocations.exchange_manifest("r", "t", first.digest, second)).answered.status == 201
    assert registry.perform(invocations.get_tag("r", "t")).answered.digest == second.digest


def test_entries_are_entered_into_what_was_read_and_taken_out_of_it() -> None:
    indexes: dict[str, list[Op]] = {}
    for op in operations("compare-and-set", 5, 3000):
        if op.f is F.PUT_MANIFEST and ":sha256-" in op.key and op.asked:
            assert op.asked.if_match or op.asked.if_none_match
            indexes.setdefault(op.key, []).append(op)
    assert indexes
    for puts in indexes.values():
        held = {f'"{put.asked.digest}"': set(put.asked.references) for put in puts if put.asked}
        for put in puts:
            assert put.asked
            before = held.get(put.asked.if_match or "", set())
            assert len(before ^ set(put.asked.references)) <= 2
            assert len(put.asked.references) <= exchanges.MOST_ENTRIES
    assert max(len(puts) for puts in indexes.values()) > exchanges.MOST_ENTRIES
