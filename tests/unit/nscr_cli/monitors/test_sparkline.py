"""Sparklines: levels, gaps, and how much of a long line is kept."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nscr_cli.monitors.sparkline import sparkline


@pytest.mark.parametrize(
    ("values", "line"),
    [
        ((), ""),
        ((0, 0), "▁▁"),
        ((5, 5, 5), "███"),
        ((0, 1, 2, 3, 4, 5, 6, 7, 8), "▁▂▃▄▅▆▇██"),
        ((1, None, 2), "▅·█"),
        ((None,), "·"),
        ((-1, 2), "▁█"),
    ],
)
def test_levels(values: tuple[float | None, ...], line: str) -> None:
    assert sparkline(values, 80) == line


def test_from_another_bottom_than_zero() -> None:
    assert sparkline((1000, 1001, 1002), 80, bottom=1000) == "▁▅█"
    assert sparkline((7, 7), 80, bottom=7) == "▁▁"


def test_keeps_the_newest() -> None:
    assert sparkline((8, 8, 8, 0, 8), 2) == "▁█"
    assert sparkline((1, 2), 0) == ""


@given(st.lists(st.none() | st.floats(min_value=0, max_value=1e12)), st.integers(0, 50))
def test_one_character_a_value(values: list[float | None], width: int) -> None:
    assert len(sparkline(values, width)) == min(len(values), width)
