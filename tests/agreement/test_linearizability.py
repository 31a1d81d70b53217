"""Three judges of the same small histories must agree: the sweep over a register, the search, and brute force.

Hypothesis prints the falsifying history and its seed.
"""

from collections.abc import Sequence
from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nscr_cli.checkers.linearizability import Call, LinearizabilityResult, check, search
from nscr_cli.checkers.register import judge_register
from nscr_cli.checkers.register_calls import RegisterCall, What
from nscr_cli.checkers.register_clash import prove
from nscr_cli.checkers.tag_model import TagModel
from nscr_cli.checkers.verdict import Verdict

_LONG = 4


@st.composite
def histories(draw: st.DrawFn, *, most: int = 6, horizon: int = 8) -> list[RegisterCall]:
    """Histories with unique writes, deletes of both kinds, calls without end, and many equal stamps."""
    calls = []
    written = 0
    for _ in range(draw(st.integers(1, most))):
        what = draw(st.sampled_from([What.WRITE, What.WRITE, What.READ, What.READ, What.DELETE, What.DELETE_IF]))
        start = draw(st.integers(0, horizon))
        end: int | None = start + draw(st.integers(0, _LONG))
        if what is not What.READ and draw(st.integers(0, 4)) == 0:
            end = None
        value: str | None = None
        if what is What.WRITE:
            written += 1
            value = f"v{written}"
        elif what is not What.DELETE:
            value = draw(st.sampled_from(["v1", "v2", "v3"] + ([None] * 2 if what is What.READ else [])))
        calls.append(RegisterCall(what, start, end, value))
    return _readable(calls)


def _readable(calls: Sequence[RegisterCall]) -> list[RegisterCall]:
    """Without reads of what nobody had started to write: the sweep refuses those."""
    starts = {call.value: call.start for call in calls if call.what is What.WRITE}
    return [
        call
        for call in calls
        if call.what is not What.READ
        or call.value is None
        or (call.value in starts and call.end is not None and starts[call.value] <= call.end)
    ]


def _as_calls(calls: Sequence[RegisterCall]) -> list[Call[RegisterCall]]:
    return [Call(call.start, call.end, call) for call in calls]


def _brute_force(calls: Sequence[RegisterCall]) -> bool:
    """Every subset of the endless calls, in every order."""
    model = TagModel()
    required = [call for call in calls if call.end is not None]
    endless = [call for call in calls if call.end is None]
    for chosen in range(2 ** len(endless)):
        part = required + [call for number, call in enumerate(endless) if chosen >> number & 1]
        if any(_is_order(order, model) for order in permutations(part)):
            return True
    return False


def _is_order(order: Sequence[RegisterCall], model: TagModel) -> bool:
    state = model.initial()
    for number, call in enumerate(order):
        if any(later.end is not None and later.end < call.start for later in order[number + 1 :]):
            return False
        following = model.step(state, call)
        if following is None:
            return False
        state = following
    return True


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(histories(most=5))
def test_the_search_agrees_with_brute_force(calls: list[RegisterCall]) -> None:
    found = search(TagModel(), _as_calls(calls))
    assert (found.verdict is Verdict.VALID) == _brute_force(calls)


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(histories(most=5))
def test_the_check_agrees_with_brute_force_with_deletes_and_calls_without_end(calls: list[RegisterCall]) -> None:
    found = check(TagModel(), _as_calls(calls))
    assert (found.verdict is Verdict.VALID) == _brute_force(calls)
    _assert_contract(calls, found)


@pytest.mark.slow
@settings(max_examples=600, deadline=None)
@given(histories(most=12, horizon=14))
def test_reads_and_writes_alone_are_put_in_order_without_a_search(calls: list[RegisterCall]) -> None:
    calls = [call for call in calls if call.what in (What.WRITE, What.READ)]
    found = check(TagModel(), _as_calls(calls))
    searched = search(TagModel(), _as_calls(calls))
    assert found.verdict is searched.verdict
    assert found.steps == sum(call.what is What.WRITE or call.end is not None for call in calls)
    _assert_contract(calls, found)
    state = TagModel().initial()
    for number in found.prefix:
        state = TagModel().step(state, calls[number]) or ""
    assert [number for number in found.misfits if TagModel().step(state, calls[number]) is not None] == []


def _assert_contract(calls: Sequence[RegisterCall], found: LinearizabilityResult) -> None:
    """The prefix is in an order that is allowed; all that ended are in it, or else some call does not fit behind it."""
    model = TagModel()
    assert len(set(found.prefix)) == len(found.prefix)
    assert _is_order([calls[number] for number in found.prefix], model)
    ended = {number for number, call in enumerate(calls) if call.end is not None}
    if found.verdict is Verdict.VALID:
        assert ended <= set(found.prefix)
        assert (found.misfits, found.explanation) == ((), "")
        return
    assert found.misfits
    assert not set(found.misfits) & set(found.prefix)
    assert found.explanation
    # What returned before the first misfit does is in the prefix: it is the prefix of a history, not a selection.
    fatal = min(calls[number].end for number in found.misfits if calls[number].end is not None)
    assert {number for number in ended if calls[number].end < fatal} <= set(found.prefix)


@pytest.mark.slow
@settings(max_examples=600, deadline=None)
@given(histories(most=11, horizon=12))
def test_the_sweep_agrees_with_the_search(calls: list[RegisterCall]) -> None:
    swept = judge_register(calls, max_steps=100_000)
    assert swept.is_decided
    assert (swept.stuck is None) == (search(TagModel(), _as_calls(calls)).verdict is Verdict.VALID)


@pytest.mark.slow
@settings(max_examples=600, deadline=None)
@given(histories(most=11, horizon=14))
def test_what_a_clash_names_is_proof_by_itself(calls: list[RegisterCall]) -> None:
    """The few calls that are named cannot be put in order either, so that nobody needs to look at the others."""
    stuck = judge_register(calls, max_steps=100_000).stuck
    if stuck is None:
        return
    clash = prove(stuck, calls)
    forced = calls[clash.forced]
    named = {clash.opening, clash.forced, clash.later, clash.companion, *clash.spent, *clash.beside}
    values = {clash.held, forced.value} if forced.what is What.READ else {clash.held}
    named |= {number for number, call in enumerate(calls) if call.what is What.WRITE and call.value in values}
    proof = [Call(calls[number].start, calls[number].end, calls[number]) for number in named if number is not None]
    assert search(TagModel(), proof).verdict is Verdict.INVALID
