"""Axes: few round ticks that cover what is drawn."""

import pytest

from nscr_cli.reporting.html.axes import TimeAxis, amount, clock, linear, logarithmic, milliseconds, runs, size


@pytest.mark.parametrize("most", [0, 0.3, 1, 3, 7, 12, 99, 120, 850, 4700, 23456, 1.5e6, 3.3e9])
@pytest.mark.parametrize("options", [{}, {"is_bytes": True}, {"is_whole": True}])
def test_amounts_have_room_below_few_ticks(most: float, options: dict[str, bool]) -> None:
    axis = linear(most, **options)
    assert axis.top >= most * 0.999
    assert most == 0 or axis.top <= max(2.5 * most, 1)
    assert 1 <= len(axis.ticks()) <= 5
    assert axis.ticks()[-1].place == 1
    assert len({tick.label for tick in axis.ticks()}) == len(axis.ticks())


def test_counts_have_no_fractions() -> None:
    assert [tick.label for tick in linear(2, is_whole=True).ticks()] == ["1", "2"]


@pytest.mark.parametrize("end_s", [0.0004, 0.05, 1, 3.3, 22.5, 75, 400, 3000, 90000, 3e7])
def test_times_are_round_and_few(end_s: float) -> None:
    axis = TimeAxis(round(end_s * 1e9))
    ticks = axis.ticks()
    assert 1 <= len(ticks) <= 8
    assert ticks[0].label == "0"
    assert all(0 <= tick.place <= 1 for tick in ticks)


def test_latencies_lie_between_powers_of_ten() -> None:
    axis = logarithmic(0.3, 720)
    assert [tick.label for tick in axis.ticks()] == ["100 µs", "1 ms", "10 ms", "100 ms", "1 s"]
    assert axis.share(0.1) == axis.share(0.01) == 0
    assert axis.share(1000) == axis.share(5000) == 1
    assert axis.share(10) == pytest.approx(0.5)
    assert logarithmic(5, 5).least < logarithmic(5, 5).most


def test_values_as_people_write_them() -> None:
    assert [clock(value) for value in (0, 0.256, 5, 75, 120, 5400)] == [
        "0",
        "256 ms",
        "5 s",
        "1 min 15",
        "2 min",
        "1 h 30",
    ]
    assert [milliseconds(value) for value in (0.02, 1.5, 184.4, 12345)] == ["20 µs", "1.5 ms", "184 ms", "12.35 s"]
    assert [amount(value) for value in (0.5, 3, 850, 9999, 12000, 2.5e6)] == ["0.5", "3", "850", "9,999", "12k", "2.5M"]
    assert [size(value) for value in (0, 512, 2048, 1e9)] == ["0 B", "512 B", "2 KiB", "954 MiB"]


def test_stretches_without_a_gap() -> None:
    assert list(runs([None, 1.0, 2.0, None, 3.0])) == [(1, [1.0, 2.0]), (4, [3.0])]
    assert list(runs([])) == []
