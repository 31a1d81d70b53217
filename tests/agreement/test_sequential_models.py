"""The search agrees with brute force on the models for other systems. Hypothesis prints what falsifies."""

from collections.abc import Sequence
from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nscr_cli.checkers.linearizability import Call, Model, check
from nscr_cli.checkers.sequential_models import (
    Append,
    CompareAndSet,
    Get,
    Held,
    MapAction,
    MapModel,
    Put,
    Read,
    RegisterAction,
    RegisterModel,
    Write,
)
from nscr_cli.checkers.verdict import Verdict

_VALUES = st.integers(1, 3)
_SEEN = st.none() | _VALUES
_CHANGES = st.builds(Write, _VALUES) | st.builds(CompareAndSet, _SEEN, _VALUES, st.booleans())
_UNANSWERED = st.builds(Write, _VALUES) | st.builds(CompareAndSet, _SEEN, _VALUES)
_KEYS = st.sampled_from("kl")
_TEXTS = st.sampled_from("ab")
_MAP_CHANGES = st.builds(Put, _KEYS, _TEXTS) | st.builds(Append, _KEYS, _TEXTS)
_GETS = st.builds(Get, _KEYS, st.sampled_from([None, "a", "b", "ab", "ba", "aa"]))


@st.composite
def _answered(draw: st.DrawFn, actions: st.SearchStrategy[RegisterAction | MapAction]) -> Call[object]:
    start = draw(st.integers(0, 8))
    return Call(start, start + draw(st.integers(0, 4)), draw(actions))


def _histories(
    answered: st.SearchStrategy[RegisterAction | MapAction], unanswered: st.SearchStrategy[RegisterAction | MapAction]
) -> st.SearchStrategy[list[Call[object]]]:
    endless = st.builds(Call, st.integers(0, 8), st.none(), unanswered)
    return st.lists(st.one_of(_answered(answered), _answered(answered), _answered(answered), endless), max_size=5)


def _brute_force(model: Model[Held, object], calls: Sequence[Call[object]]) -> bool:
    """Every subset of the endless calls, in every order, keys not taken apart."""
    required = [call for call in calls if call.end is not None]
    endless = [call for call in calls if call.end is None]
    for chosen in range(2 ** len(endless)):
        part = required + [call for number, call in enumerate(endless) if chosen >> number & 1]
        if any(_is_in_time(order) and _is_allowed(model, order) for order in permutations(part)):
            return True
    return False


def _is_in_time(order: Sequence[Call[object]]) -> bool:
    return not any(
        later.end is not None and later.end < call.start
        for number, call in enumerate(order)
        for later in order[number + 1 :]
    )


def _is_allowed(model: Model[Held, object], order: Sequence[Call[object]]) -> bool:
    state = model.initial()
    for call in order:
        following = model.step(state, call.action)
        if following is None:
            return False
        state = following
    return True


class _WholeMap:
    """A map as one state, so that brute force does not lean on the partition by key."""

    def initial(self) -> Held:
        return Held(())

    def step(self, state: Held, action: MapAction) -> Held | None:
        texts = dict(state.value)
        match action:
            case Put(key, value):
                texts[key] = value
            case Append(key, value):
                texts[key] = texts.get(key, "") + value
            case Get(key, value):
                return state if texts.get(key) == value else None
        return Held(tuple(sorted(texts.items())))


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(_histories(st.builds(Read, _SEEN) | _CHANGES, _UNANSWERED))
def test_registers_with_compare_and_set(calls: list[Call[object]]) -> None:
    assert (check(RegisterModel(), calls).verdict is Verdict.VALID) == _brute_force(RegisterModel(), calls)


@pytest.mark.slow
@settings(max_examples=400, deadline=None)
@given(_histories(st.builds(Read, _SEEN) | st.builds(Write, _VALUES), st.builds(Write, _VALUES)))
def test_registers_that_are_written_uniquely(calls: list[Call[object]]) -> None:
    written: set[object] = set()
    unique = []
    for call in calls:
        if isinstance(call.action, Write):
            if call.action.value in written:
                continue
            written.add(call.action.value)
        unique.append(call)
    found = check(RegisterModel(), unique)
    assert (found.verdict is Verdict.VALID) == _brute_force(RegisterModel(), unique)
    assert _is_in_time([unique[number] for number in found.prefix])
    assert _is_allowed(RegisterModel(), [unique[number] for number in found.prefix])
    assert found.steps <= len(unique)


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(_histories(_GETS | _MAP_CHANGES, _MAP_CHANGES))
def test_maps_with_append(calls: list[Call[object]]) -> None:
    assert (check(MapModel(), calls).verdict is Verdict.VALID) == _brute_force(_WholeMap(), calls)
