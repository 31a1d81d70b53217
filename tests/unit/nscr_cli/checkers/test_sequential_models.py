"""The models for histories of other systems, call by call."""

import pytest

from nscr_cli.checkers.linearizability import Call, check
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


@pytest.mark.parametrize(
    ("held", "action", "then"),
    [
        (None, Write(1), Held(1)),
        (1, Read(1), Held(1)),
        (None, Read(None), Held(None)),
        (1, Read(2), None),
        (1, CompareAndSet(1, 2, True), Held(2)),
        (1, CompareAndSet(1, 2, False), None),
        (1, CompareAndSet(3, 2, True), None),
        (1, CompareAndSet(3, 2, False), Held(1)),
        (1, CompareAndSet(1, 2), Held(2)),
        (1, CompareAndSet(3, 2), Held(1)),
    ],
)
def test_a_step_of_a_register(held: int | None, action: RegisterAction, then: Held | None) -> None:
    assert RegisterModel().step(Held(held), action) == then


@pytest.mark.parametrize(
    ("held", "action", "then"),
    [
        (None, Put("k", "a"), Held("a")),
        (None, Append("k", "a"), Held("a")),
        ("a", Append("k", "b"), Held("ab")),
        ("a", Get("k", "a"), Held("a")),
        ("a", Get("k", None), None),
        ("", Get("k", None), None),
    ],
)
def test_a_step_of_a_map(held: str | None, action: MapAction, then: Held | None) -> None:
    assert MapModel().step(Held(held), action) == then


def test_only_one_of_two_that_expect_the_same_is_done() -> None:
    calls = [Call(0, 1, Write(1)), Call(2, 9, CompareAndSet(1, 2, True)), Call(3, 8, CompareAndSet(1, 3, True))]
    found = check(RegisterModel(), calls)
    assert found.verdict is Verdict.INVALID
    assert "compare 1 and set 3: done" in found.explanation
    refused = [*calls[:2], Call(3, 8, CompareAndSet(1, 3, False))]
    assert check(RegisterModel(), refused).verdict is Verdict.VALID


def test_an_unanswered_compare_and_set_may_explain_what_is_read() -> None:
    calls = [Call(0, 1, Write(1)), Call(2, None, CompareAndSet(1, 2)), Call(4, 5, Read(1)), Call(6, 7, Read(2))]
    assert check(RegisterModel(), calls).verdict is Verdict.VALID
    assert check(RegisterModel(), [*calls, Call(8, 9, Read(1))]).verdict is Verdict.INVALID


def test_a_lost_append_is_named_by_its_key() -> None:
    calls = [
        Call(0, 1, Append("k", "a")),
        Call(2, 3, Put("l", "z")),
        Call(4, 5, Append("k", "b")),
        Call(6, 7, Get("k", "a")),
    ]
    found = check(MapModel(), calls)
    assert (found.verdict, found.prefix, found.misfits) == (Verdict.INVALID, (0, 2), (3,))
    assert found.explanation.endswith("None of these can follow: get k 'a'")


@pytest.mark.parametrize(
    ("action", "words"),
    [
        (Write(1), "write 1"),
        (Read(None), "read None"),
        (CompareAndSet(1, 2, False), "compare 1 and set 2: refused"),
        (CompareAndSet(1, 2), "compare 1 and set 2: no answer"),
    ],
)
def test_actions_in_words(action: RegisterAction, words: str) -> None:
    assert RegisterModel().describe(action) == words
