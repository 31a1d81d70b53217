"""How long a load waited for a processor, from what a run noted of each process that loads."""

import pytest

from nscr_cli.history.ops import Event
from nscr_cli.history.processor import Counted, ran_between, waited_share


def _noted(second: int, ran_ms: int, waited_ms: int, process: int = 1) -> Event:
    counted = Counted(process=process, ran_ns=ran_ms * 10**6, waited_ns=waited_ms * 10**6)
    return Event(name="processor", time_ns=second * 10**9, detail=counted.detail())


@pytest.mark.parametrize(
    ("events", "share"),
    [
        ([], None),
        ([_noted(1, 50, 900)], None),
        ([_noted(1, 50, 900), _noted(2, 150, 925)], 0.25),
        ([_noted(1, 0, 0), _noted(9, 100, 700), Event(name="late", time_ns=0)], 7.0),
        ([_noted(1, 0, 0), _noted(1, 500, 0, 2), _noted(2, 100, 50), _noted(2, 600, 50, 2)], 0.5),
    ],
)
def test_waited_for_each_second_that_it_ran(events: list[Event], share: float | None) -> None:
    assert waited_share(events) == share


def test_only_within_the_times_that_are_asked_for() -> None:
    events = [_noted(0, 0, 0), _noted(1, 100, 900), _noted(2, 200, 910), _noted(3, 300, 1910)]
    assert waited_share(events, 10**9, 2 * 10**9) == 0.1


def test_what_ran_between_two_times_is_even_between_two_notes_and_goes_on_beyond_them() -> None:
    events = [_noted(1, 100, 0), _noted(2, 200, 0), _noted(3, 400, 0), _noted(1, 0, 0, 2), _noted(3, 200, 0, 2)]
    seconds = [0, 1, 1.5, 2, 3, 4]
    ran = ran_between(events, [round(second * 1e9) for second in seconds])
    assert ran is not None
    assert [round(ns / 1e6) for ns in ran] == [200, 100, 100, 300, 300]
    assert ran_between(events[:1], [0, 1]) is None
