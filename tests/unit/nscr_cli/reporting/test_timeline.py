"""The timeline: bars that overlap where operations did, and nothing that a registry says steers a terminal."""

from collections.abc import Callable

from nscr_cli.history.history import History
from nscr_cli.history.ops import Kind, Op
from nscr_cli.reporting.timeline import narrow_timeline, timeline


def test_concurrent_operations_overlap_and_an_unknown_end_stays_open(operation: Callable[..., list[Op]]) -> None:
    entries = [
        *operation(0, start_ms=0, took_ms=10),
        *operation(2, start_ms=5, took_ms=5000),
        *operation(4, start_ms=20, kind=Kind.INFO, error="cut \x1b[m"),
    ]
    assert timeline(History(entries).operations).splitlines() == [
        "op    who        asked         order of events, not to scale    from s    to s      came back",
        "#0    process 0  get-manifest  |-----|........                  0.000000  0.010000  200",
        "#2    process 2  get-manifest  ...|--------|..                  0.005000  5.005000  200",
        "#4    process 4  get-manifest  .........|---->                  0.020000  ?         200 info (cut \ufffd[m)",
    ]


def test_the_narrow_one_fits_a_terminal_whatever_came_back(operation: Callable[..., list[Op]]) -> None:
    entries = [
        entry
        for number in range(8)
        for entry in operation(1002 * number, start_ms=9 * number, took_ms=1, kind=Kind.INFO, error="cut \x1b[m" * 20)
    ]
    head, *lines = narrow_timeline(History(entries).operations)
    assert head.split() == ["op", "by", "asked", "in", "order", "came", "back"]
    assert len(lines) == 8
    assert all(len(line) <= 77 and "\x1b" not in line for line in (head, *lines))


def test_intervals_that_touch_share_a_column(operation: Callable[..., list[Op]]) -> None:
    entries = [*operation(0, start_ms=0, took_ms=1), *operation(2, start_ms=1, took_ms=1)]
    first, second = timeline(History(entries).operations).splitlines()[1:]
    assert "|--|....." in first
    assert "...|--|.." in second
