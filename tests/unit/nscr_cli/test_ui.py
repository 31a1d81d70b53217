"""Strings that come from elsewhere cannot steer a terminal; consoles know what they write to."""

import io
import os
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from nscr_cli.ui import can_show_live, is_ci_log, printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("latest", "latest"),
        ("größe 日本 🐳", "größe 日本 🐳"),
        ("\x1b[2J\x1b]0;title\x07", "�[2J�]0;title�"),
        ("\x9b31mred", "�31mred"),
        ("two\nlines\r", "two�lines�"),
        ("\u202eevil\u2066", "�evil�"),
        ("zero\u200bwidth\ufeff", "zero�width�"),
        ("\ud800", "�"),
        ("", ""),
    ],
)
def test_control_sequences_are_taken_out(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_length_is_bounded() -> None:
    assert printable("x" * 200) == "x" * 200
    assert printable("x" * 201) == "x" * 199 + "…"
    assert printable("abcdef", limit=4) == "abc…"


@given(st.text(max_size=400), st.integers(min_value=1, max_value=300))
def test_nothing_unprintable_is_left(text: str, limit: int) -> None:
    shown = printable(text, limit=limit)
    assert len(shown) <= limit
    assert all(unicodedata.category(char)[0] != "C" for char in shown)
    shown.encode("utf-8")


def test_live_displays_are_for_real_terminals_whatever_the_environment_forces() -> None:
    assert not can_show_live(Console(file=io.StringIO(), force_terminal=True))
    outer, inner = os.openpty()
    with os.fdopen(outer, "rb"), os.fdopen(inner, "w") as terminal:
        assert can_show_live(Console(file=terminal, _environ={"TERM": "xterm"}))
        assert not can_show_live(Console(file=terminal, _environ={"TERM": "dumb"}))


@pytest.mark.parametrize(
    ("environment", "is_ci"),
    [
        ({}, False),
        ({"CI": "true"}, True),
        ({"CI": "1"}, True),
        ({"GITHUB_ACTIONS": "true"}, True),
        ({"GITLAB_CI": "true"}, True),
        ({"CI": "false"}, False),
        ({"CI": "0"}, False),
        ({"CI": ""}, False),
    ],
)
def test_a_ci_job_says_that_it_is_one(environment: dict[str, str], is_ci: bool) -> None:
    assert is_ci_log(environment) == is_ci
