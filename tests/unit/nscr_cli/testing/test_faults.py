"""Misbehaviours as tests write them, and those that make no sense."""

from collections.abc import Callable

import pytest

from nscr_cli.errors import UsageError
from nscr_cli.history.faults import Direction, Latency, Step
from nscr_cli.testing.faults import (
    Misbehaviour,
    answer,
    cut,
    damaged_body,
    lose_reply,
    lose_request,
    moved_range,
    named,
    short_body,
    slow,
)


def test_all_are_struck_unless_some_are_named() -> None:
    assert (lose_reply("put-manifest").fault.share, lose_reply("put-manifest").fault.nth) == (1.0, ())
    assert (answer(503, "get-blob", nth=[2]).fault.share, answer(503, "get-blob", nth=[2]).fault.nth) == (0.0, (2,))
    assert cut("get-blob", share=0.5).fault.share == 0.5
    assert moved_range("patch-upload", ordinal=2).fault.ordinal == 2


def test_an_answer_has_the_headers_given() -> None:
    reply = answer(429, "get-blob", "get-manifest", retry_after_s=2, headers={"X-A": "b"})
    assert reply.fault.steps == (Step.GET_BLOB, Step.GET_MANIFEST)
    assert reply.reply is not None
    assert dict(reply.reply.headers) == {"Retry-After": "2", "X-A": "b"}  # type: ignore[union-attr]


def test_slow_is_the_reply() -> None:
    assert slow("get-blob", delay_s=0.5).fault.toxics == (Latency(delay_s=0.5, direction=Direction.REPLY),)
    assert len(slow("get-blob", delay_s=0.5, bytes_per_s=100).fault.toxics) == 2


def test_names_are_told_apart() -> None:
    names = [one.fault.name for one in named((cut("get-blob"), cut("get-blob"), short_body("get-blob")))]
    assert names == ["cut#1", "cut#2", "short-body#3"]


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: answer(429), "no step"),
        (lambda: answer(429, "get-blobs"), "get-blobs"),
        (lambda: answer(99, "get-blob"), "status 99"),
        (lambda: slow("get-blob"), "slow by nothing"),
        (lambda: slow("get-blob", delay_s=-1), "delay_s is -1"),
        (lambda: lose_request("get-blob", hold_s=99), "hold_s is 99"),
        (lambda: damaged_body("get-blob", share=1.5), r"share is 1\.5"),
        (lambda: lose_reply("get-blob", nth=[0]), r"nth is \(0,\)"),
        (lambda: cut("get-blob", after_bytes=-1), "after_bytes"),
        (lambda: cut("get-blob", ending="bang"), "bang"),
    ],
)
def test_what_makes_no_sense_is_told(make: Callable[[], Misbehaviour], said: str) -> None:
    with pytest.raises((UsageError, ValueError), match=said):
        make()
