"""Sparklines: levels, gaps, and how much of a long line is kept."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nscr_cli.monitors.sparkline import bar_width, chart, sparkline, widened


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


def test_a_chart_stands_on_its_bottom_row_and_tells_what_is_missing_there() -> None:
    assert chart((1, None, 2, 4), 80, 2) == ["   █", "▄·██"]
    assert chart((0, 0), 80, 3) == ["  ", "  ", "▁▁"]
    assert chart((), 80, 2) == ["", ""]
    assert chart((9, 1, 2), 2, 1) == ["▄█"]


@given(st.lists(st.none() | st.floats(min_value=0, max_value=1e12)), st.integers(0, 50), st.integers(1, 9))
def test_a_chart_is_as_large_as_it_is_to_be(values: list[float | None], width: int, height: int) -> None:
    rows = chart(values, width, height)
    assert [len(row) for row in rows] == [min(len(values), width)] * height


def test_bars_of_a_short_run_are_wide_and_apart() -> None:
    assert bar_width(2, 80, expected=20) == 4
    assert widened("▁█", 4) == "▁▁▁ ███ "
    assert widened("▁█", 2) == "▁▁██"
    assert widened("▁█", 1) == "▁█"
    assert bar_width(500, 80, expected=20) == 1
    assert bar_width(0, 10**6) == bar_width(1, 1000) == 12
