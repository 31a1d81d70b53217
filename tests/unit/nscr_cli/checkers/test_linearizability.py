"""The public search: what it answers beside the verdict, its limits, and models of other systems than tags."""

from collections.abc import Sequence

import msgspec

from nscr_cli.checkers.linearizability import Call, check, search
from nscr_cli.checkers.sequential_models import Read, RegisterModel, Write
from nscr_cli.checkers.verdict import Verdict


class Put(msgspec.Struct, frozen=True):
    """A key of a map is set."""

    key: str
    value: int


class Get(msgspec.Struct, frozen=True):
    """A key of a map is read."""

    key: str
    value: int | None


class Map:
    """Keys are independent of each other: a map is judged key by key."""

    def initial(self) -> int:
        return -1

    def step(self, state: int, action: Put | Get) -> int | None:
        if isinstance(action, Put):
            return action.value
        return state if state == (-1 if action.value is None else action.value) else None

    def partition(self, calls: Sequence[Call[Put | Get]]) -> list[list[int]]:
        keys = {call.action.key for call in calls}
        return [[number for number, call in enumerate(calls) if call.action.key == key] for key in sorted(keys)]

    def describe(self, action: Put | Get) -> str:
        return f"{type(action).__name__} {action.key}={action.value}"


def test_an_order_is_given_for_what_is_valid() -> None:
    calls = [Call(0, 5, Put("a", 1)), Call(1, 3, Get("a", None)), Call(2, 4, Get("a", 1))]
    found = check(Map(), calls)
    assert (found.verdict, found.prefix, found.misfits, found.explanation) == (Verdict.VALID, (1, 0, 2), (), "")


def test_what_does_not_fit_is_named_with_what_came_before() -> None:
    calls = [Call(0, 1, Put("a", 1)), Call(2, 3, Put("a", 2)), Call(4, 5, Get("a", 1))]
    found = check(Map(), calls)
    assert (found.verdict, found.prefix, found.misfits) == (Verdict.INVALID, (0, 1), (2,))
    assert found.explanation == (
        "2 calls can be put in order, the last of them: Put a=1; Put a=2. None of these can follow: Get a=1"
    )


def test_keys_are_judged_apart_and_named_by_their_place_among_all() -> None:
    calls = [Call(0, 1, Put("a", 1)), Call(2, 3, Put("b", 7)), Call(4, 5, Get("a", 1)), Call(6, 7, Get("b", 1))]
    found = check(Map(), calls)
    assert (found.verdict, found.prefix, found.misfits) == (Verdict.INVALID, (1,), (3,))


def test_equal_stamps_are_concurrent() -> None:
    assert check(Map(), [Call(0, 3, Put("a", 1)), Call(3, 4, Get("a", None))]).verdict is Verdict.VALID
    assert check(Map(), [Call(0, 3, Put("a", 1)), Call(4, 4, Get("a", None))]).verdict is Verdict.INVALID


def test_a_call_without_end_may_happen_late_or_never() -> None:
    write = Call(0, None, Put("a", 1))
    assert check(Map(), [write, Call(5, 6, Get("a", None)), Call(7, 8, Get("a", 1))]).verdict is Verdict.VALID
    assert check(Map(), [write, Call(5, 6, Get("a", None))]).verdict is Verdict.VALID
    assert check(Map(), [write, Call(5, 6, Get("a", 1)), Call(7, 8, Get("a", None))]).verdict is Verdict.INVALID


def test_the_step_limit_leaves_it_unknown_and_says_so() -> None:
    calls = [Call(0, 9, Put("a", number)) for number in range(8)] + [Call(10, 11, Get("a", 99))]
    found = check(Map(), calls, max_steps=20)
    assert (found.verdict, found.explanation) == (Verdict.UNKNOWN, "undecided after 20 steps")
    assert check(Map(), calls).verdict is Verdict.INVALID


def test_nothing_happened_in_an_order_that_is_allowed() -> None:
    assert check(Map(), []).verdict is Verdict.VALID


def test_a_long_history_needs_no_deep_stack() -> None:
    calls = [Call(2 * number, 2 * number + 1, Put("a", number)) for number in range(5000)]
    found = check(Map(), calls)
    assert (found.verdict, found.steps) == (Verdict.VALID, 5000)


class Bag:
    """Holds things in no order; its states are lists, which Python can neither hash nor tell to be the same."""

    def __init__(self) -> None:
        self.compared = 0

    def initial(self) -> list[int]:
        return []

    def step(self, state: list[int], action: Put | Get) -> list[int] | None:
        if isinstance(action, Put):
            return [*state, action.value]
        return state if action.value is None or action.value in state else None

    def partition(self, calls: Sequence[Call[Put | Get]]) -> list[range]:
        return [range(len(calls))]

    def equal(self, state: list[int], other: list[int]) -> bool:
        self.compared += 1
        return sorted(state) == sorted(other)

    def describe(self, action: Put | Get) -> str:
        return f"{type(action).__name__} {action.value}"


def test_a_model_may_say_which_states_are_the_same() -> None:
    bag = Bag()
    puts = [Call(0, 9, Put("a", number)) for number in range(7)]
    assert check(bag, [*puts, Call(10, 11, Get("a", 3))]).verdict is Verdict.VALID
    missing = check(bag, [*puts, Call(10, 11, Get("a", 99))])
    assert (missing.verdict, missing.misfits) == (Verdict.INVALID, (7,))
    # Seven puts have 5040 orders, and 128 subsets: each of these is gone through once.
    assert bag.compared > 0
    assert missing.steps <= 128 * 8


def test_a_register_with_unique_writes_takes_one_step_a_call_and_any_other_a_search() -> None:
    calls = [Call(3 * n, 3 * n + 50, Write(n)) for n in range(300)]
    calls += [Call(3 * n + 1, 3 * n + 50, Read(n)) for n in range(300)]
    assert check(RegisterModel(), calls).steps == 600
    stale = [*calls, Call(5000, 5001, Read(299)), Call(5002, 5003, Read(0))]
    found = check(RegisterModel(), stale)
    assert (found.verdict, found.misfits, found.steps) == (Verdict.INVALID, (601,), 602)
    assert len(found.prefix) == 601
    assert check(RegisterModel(), calls, max_steps=599).verdict is Verdict.UNKNOWN
    twice = [Call(0, 1, Write(1)), Call(2, 3, Write(1)), Call(4, 5, Read(1))]
    assert check(RegisterModel(), twice).verdict is Verdict.VALID


def test_search_is_there_for_who_does_not_believe_the_shortcut() -> None:
    calls = [Call(0, 1, Write(1)), Call(2, 3, Write(2)), Call(4, 5, Read(1))]
    assert search(RegisterModel(), calls).verdict is check(RegisterModel(), calls).verdict is Verdict.INVALID
