"""Quiet stretches, against what they mean: two intervals share one exactly when no change touches their hull."""

from hypothesis import given
from hypothesis import strategies as st

from nscr_cli.checkers.quiet import Changes
from nscr_cli.history.history import NEVER, Operation
from nscr_cli.history.ops import Answered, Asked, F, Kind, Phase

INTERVALS = st.tuples(st.integers(0, 60), st.integers(0, 12)).map(lambda one: (one[0], one[0] + one[1]))


def change(start: int, end: int) -> Operation:
    return Operation(
        index=0,
        process=0,
        f=F.PUT_MANIFEST,
        key="r:t",
        phase=Phase.MAIN,
        asked=Asked(),
        kind=Kind.OK,
        answered=Answered(),
        error=None,
        intended_ns=start,
        start_ns=start,
        end_ns=end,
    )


@given(
    changes=st.lists(st.one_of(INTERVALS, st.integers(40, 60).map(lambda start: (start, NEVER))), max_size=6),
    one=INTERVALS,
    other=INTERVALS,
    lag=st.integers(0, 5),
)
def test_two_reads_share_a_stretch_exactly_when_nothing_changes_around_them(
    changes: list[tuple[int, int]], one: tuple[int, int], other: tuple[int, int], lag: int
) -> None:
    def is_quiet(start: int, end: int) -> bool:
        return all(last + lag < start or first > end for first, last in changes)

    judged = Changes([change(*interval) for interval in changes], lag_ns=lag)
    places = judged.stretch_of(*one), judged.stretch_of(*other)
    assert [place is not None for place in places] == [is_quiet(*one), is_quiet(*other)]
    hull = min(one[0], other[0]), max(one[1], other[1])
    assert (None not in places and places[0] == places[1]) == is_quiet(*hull)
