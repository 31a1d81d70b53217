"""Durations: what is read, what is refused, and that what we show can be typed back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nscr_cli.durations import parse_duration, show_duration
from nscr_cli.errors import UsageError
from nscr_cli.exits import Exit


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("60s", 60),
        ("5m", 300),
        ("1h30m", 5400),
        ("2d03h", 183600),
        ("1m05s", 65),
        ("500ms", 0.5),
        ("1s500ms", 1.5),
        ("1.5m", 90),
        (".5s", 0.5),
        ("20", 20),
        ("0.25", 0.25),
        (" 2S ", 2),
    ],
)
def test_reads(text: str, seconds: float) -> None:
    assert parse_duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "s",
        "abc",
        "10x",
        "-5s",
        "1m1h",
        "5s5s",
        "1h 30m",
        "0",
        "0s",
        "0h0m",
        "1e3",
        "inf",
        "nan",
        "٣s",
        "400d",
        "1" * 400,
    ],
)
def test_refuses_with_the_offending_value(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_duration(text)
    assert repr(text) in caught.value.message
    assert caught.value.exit_code is Exit.USAGE


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0ms"),
        (0.85, "850ms"),
        (0.9999, "1s"),
        (1.0, "1s"),
        (1.84, "1.8s"),
        (9.96, "10s"),
        (20, "20s"),
        (59.6, "1m00s"),
        (65, "1m05s"),
        (5400, "1h30m"),
        (183600, "2d03h"),
    ],
)
def test_shows(seconds: float, text: str) -> None:
    assert show_duration(seconds) == text


@given(st.floats(min_value=0.001, max_value=300 * 86400))
def test_what_is_shown_reads_back_within_its_precision(seconds: float) -> None:
    read = parse_duration(show_duration(seconds))
    precision = (
        0.0005 if seconds < 1 else 0.05 if seconds < 9.9 else 0.5 if seconds < 3600 else 60 if seconds < 86400 else 3600
    )
    assert abs(read - seconds) <= precision + 1e-9


def test_the_hint_names_days() -> None:
    with pytest.raises(UsageError) as refused:
        parse_duration("banana")
    assert "30d" in refused.value.hint
