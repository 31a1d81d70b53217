"""A roster that is walked says at every instant what a look at all spans says."""

from hypothesis import given
from hypothesis import strategies as st

from nscr_cli.checkers.monitoring_known import Known
from nscr_cli.checkers.monitoring_roster import Roster
from nscr_cli.checkers.spans import union

SPANS = st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12)), max_size=4)
LISTS = st.sets(st.sampled_from("abcd"))


@given(
    st.dictionaries(st.sampled_from("abcd"), st.tuples(SPANS, SPANS)),
    st.lists(st.tuples(LISTS, st.lists(st.integers(0, 12), min_size=1, max_size=4)), max_size=4),
)
def test_what_is_missing_and_what_should_not_be_there(
    spans: dict[str, tuple[list[tuple[int, int]], list[tuple[int, int]]]], walk: list[tuple[set[str], list[int]]]
) -> None:
    known = {name: Known(union(there), union(absent)) for name, (there, absent) in spans.items()}
    roster = Roster(known)
    for listed, instants in walk:
        roster.show(listed, min(instants))
        for instant in sorted(instants):
            missing = {
                name
                for name, one in known.items()
                if name not in listed and any(start < instant < end for start, end in one.there)
            }
            ghosts = {name for name in listed & known.keys() if _holds(known[name], instant)}
            assert roster.step(instant) == (not missing and not ghosts)
            assert (roster.missing, roster.ghosts) == (missing, ghosts)


def _holds(one: Known, instant: int) -> bool:
    return any(start < instant < end for start, end in one.absent)


def test_only_what_is_wrong_all_the_while_is_named() -> None:
    roster = Roster({"a": Known([(0, 10)], []), "b": Known([(0, 5)], []), "c": Known([], [(0, 10)])})
    roster.show({"c"}, 2)
    assert roster.wrong_throughout(2, 4) == (["a", "b"], ["c"])
    assert roster.wrong_throughout(2, 8) == (["a"], ["c"])
