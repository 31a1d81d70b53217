"""Spans are sets of instants: compared with sets of small numbers, of halves as well, since they are open."""

import itertools
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nscr_cli.checkers.inventory import Inventory
from nscr_cli.checkers.listing import TagPresence
from nscr_cli.checkers.spans import Coverage, Span, covers, intersection, union
from nscr_cli.history.history import History

SPANS = st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12)), max_size=6)
HALVES = [half / 2 for half in range(-2, 28)]


def instants(spans: list[Span]) -> set[float]:
    return {instant for instant in HALVES for start, end in spans if start < instant < end}


@given(SPANS, SPANS)
def test_sets_are_joined_and_cut(ones: list[Span], others: list[Span]) -> None:
    joined, cut = union(ones, others), intersection(union(ones), union(others))
    assert instants(joined) == instants(ones) | instants(others)
    assert instants(cut) == instants(ones) & instants(others)
    for made in (joined, cut):
        assert all(first[1] <= second[0] for first, second in itertools.pairwise(made))


@given(st.lists(SPANS, max_size=4), st.integers(0, 12))
def test_what_holds_an_instant_is_counted_with_its_weight(things: list[list[Span]], instant: int) -> None:
    things = [union(spans) for spans in things]
    coverage = Coverage((spans, 10**number) for number, spans in enumerate(things))
    assert coverage.at(instant) == sum(10**n for n, spans in enumerate(things) if instant in instants(spans))


@given(SPANS, st.integers(0, 12), st.integers(0, 12))
def test_an_interval_is_covered_by_one_span(spans: list[Span], start: int, end: int) -> None:
    whole = {half for half in HALVES if start <= half <= end}
    assert covers(union(spans), start, end) == (start <= end and whole <= instants(spans)) or start > end


@pytest.mark.parametrize("seed", range(8))
def test_spans_say_of_every_interval_what_the_questions_say(seed: int, simulate: Callable[..., History]) -> None:
    history = simulate(seed, count=80, clients=5, endless=0.05)
    inventory, tags = Inventory(history), TagPresence(history)
    last = max(one.start_ns for one in history.operations) + 20
    things = [
        *(inventory.thing(key, is_manifest=True) for key in inventory.manifest_operations),
        *(inventory.thing(key, is_manifest=False) for key in inventory.blob_operations),
        *(tags.of(key) for name in ("r/one", "r/two") for key in tags.keys_of(name)),
    ]
    asked = 0
    for thing in things:
        held, gone = thing.held(), thing.gone()
        for start in range(0, last, 3):
            for length in (0, 1, 7):
                asked += 1
                # Of a manifest, what holds it may change amid the interval: then only the spans know.
                assert covers(held, start, start + length) >= (thing.must_hold(start, start + length) is not None)
                assert covers(gone, start, start + length) == (thing.must_lack(start, start + length) is not None)
            assert covers(held, start, start) == (thing.must_hold(start, start) is not None)
            assert covers([thing.unwritten()], start, start) == (not thing.may_hold(start))
    assert asked > 1000
