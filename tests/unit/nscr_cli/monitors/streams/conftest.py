"""Follows a view through rounds of answers that a test writes down."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from nscr_cli.monitors.rules import Answer
from nscr_cli.monitors.streams.report import Follower, Report

Answers = Mapping[str, Any]


def _answer(path: str, said: Any) -> Answer:
    if isinstance(said, Answer):
        return said
    if said is None:
        return Answer(endpoint=path, latency_ms=1, error="connection refused")
    if isinstance(said, int):
        return Answer(endpoint=path, latency_ms=1, status=said, body=b"{}")
    return Answer(endpoint=path, latency_ms=1, status=200, body=json.dumps(said).encode())


def _followed(follower: Follower, rounds: list[Callable[[str], Any]]) -> tuple[list[Report], list[list[str]]]:
    reports, all_asked = [], []
    for number, answers in enumerate(rounds):
        asked: list[str] = []
        while wanted := follower.wanted():
            asked += wanted
            assert len(asked) < 1000, "a round that does not end"
            for path in wanted:
                follower.take(_answer(path, answers(path)))
        reports.append(follower.finish(10.0 * number))
        all_asked.append(asked)
    return reports, all_asked


@pytest.fixture
def followed() -> Callable[..., tuple[list[Report], list[list[str]]]]:
    """Reports of rounds, each told as what a path is answered with: a document, a status, an Answer, or nothing."""
    return _followed
