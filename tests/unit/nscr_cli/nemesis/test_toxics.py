"""Toxics: bytes in, bytes out, on a clock that is an argument."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nscr_cli.history.faults import Bandwidth, BlackHole, Cut, DropReply, Ending, Latency, Slice, Toxic
from nscr_cli.nemesis.toxics import Link, Parcel, link, through

DATA = st.lists(st.binary(min_size=1, max_size=50), max_size=8)
LOSSLESS: st.SearchStrategy[Toxic] = st.one_of(
    st.builds(Latency, delay_s=st.floats(0, 2), jitter_s=st.floats(0, 2)),
    st.builds(Bandwidth, bytes_per_s=st.floats(1, 1e6)),
    st.builds(Slice, size=st.integers(1, 60), pause_s=st.floats(0, 1), most=st.integers(1, 5)),
)
CUTS: st.SearchStrategy[Toxic] = st.one_of(
    st.builds(Cut, after_bytes=st.integers(0, 120).map(lambda n: (n, n + 10)), ending=st.sampled_from(Ending)),
    st.builds(BlackHole, hold_s=st.floats(0, 2)),
    st.just(DropReply()),
)


def sent_through(toxics: list[Toxic], pieces: list[bytes], seed: int = 0) -> tuple[tuple[Link, ...], list[Parcel]]:
    """Everything that comes out when a piece goes in each second."""
    chance = Random(seed)
    links: tuple[Link, ...] = tuple(link(toxic, chance) for toxic in toxics)
    out: list[Parcel] = []
    for second, piece in enumerate(pieces):
        links, parcels = through(links, Parcel(float(second), piece), chance)
        out.extend(parcels)
    return links, out


def bytes_of(parcels: list[Parcel]) -> bytes:
    return b"".join(parcel.what for parcel in parcels if isinstance(parcel.what, bytes))


@given(DATA)
def test_no_toxics_change_nothing(pieces: list[bytes]) -> None:
    assert sent_through([], pieces)[1] == [Parcel(float(at), piece) for at, piece in enumerate(pieces)]


@given(st.lists(LOSSLESS, max_size=3), DATA, st.integers(0, 99))
def test_slow_lines_alter_no_byte_and_no_order(toxics: list[Toxic], pieces: list[bytes], seed: int) -> None:
    _, out = sent_through(toxics, pieces, seed)
    assert bytes_of(out) == b"".join(pieces)
    assert [parcel.due_s for parcel in out] == sorted(parcel.due_s for parcel in out)
    assert sent_through(toxics, pieces, seed)[1] == out


@given(st.lists(LOSSLESS, max_size=2), CUTS, DATA, st.integers(0, 99))
def test_a_cut_leaves_a_beginning_and_one_ending_at_the_end(
    toxics: list[Toxic], cut: Toxic, pieces: list[bytes], seed: int
) -> None:
    links, out = sent_through([*toxics, cut], pieces, seed)
    assert b"".join(pieces).startswith(bytes_of(out))
    endings = [parcel for parcel in out if isinstance(parcel.what, Ending)]
    assert endings == out[-1:] if links[-1].is_over else endings == []


def test_a_cut_counts_from_the_body() -> None:
    chance = Random(1)
    links = (link(Cut(after_bytes=(3, 3)), chance, uncounted=4),)
    links, head = through(links, Parcel(0.0, b"headbo"), chance)
    links, rest = through(links, Parcel(1.0, b"dy!"), chance)
    assert head == (Parcel(0.0, b"headbo"),)
    assert rest == (Parcel(1.0, b"d"), Parcel(1.0, Ending.RESET))
    assert links[0].has_struck


def test_a_body_that_is_too_short_is_not_cut() -> None:
    links, out = sent_through([Cut(after_bytes=(9, 9))], [b"short"])
    assert out == [Parcel(0.0, b"short")]
    assert not links[0].has_struck


def test_cut_points_are_drawn_from_the_interval() -> None:
    chance = Random(3)
    assert {link(Cut(after_bytes=(2, 4)), chance).cut_at for _ in range(50)} == {2, 3, 4}


def test_slices_follow_each_other_after_a_pause_until_there_were_enough() -> None:
    _, out = sent_through([Slice(size=2, pause_s=0.5, most=2)], [b"abcdefg"])
    assert out == [Parcel(0.0, b"ab"), Parcel(0.5, b"cd"), Parcel(1.0, b"efg")]


def test_a_thin_line_takes_its_time() -> None:
    _, out = sent_through([Bandwidth(bytes_per_s=2)], [b"abcd", b"ef"])
    assert [parcel.due_s for parcel in out] == [2.0, 3.0]


@pytest.mark.parametrize(
    ("toxic", "end"),
    [
        (BlackHole(hold_s=2), Parcel(2.0, Ending.RESET)),
        (DropReply(), Parcel(0.0, Ending.RESET)),
        (DropReply(ending=Ending.CLOSE), Parcel(0.0, Ending.CLOSE)),
    ],
)
def test_what_is_swallowed_ends_once(toxic: Toxic, end: Parcel) -> None:
    assert sent_through([toxic], [b"a", b"b"])[1] == [end]


def test_an_ending_from_outside_waits_for_the_bytes_before_it() -> None:
    chance = Random(1)
    links, _ = through((link(Latency(delay_s=2), chance),), Parcel(0.0, b"a"), chance)
    assert through(links, Parcel(1.0, Ending.CLOSE), chance)[1] == (Parcel(2.0, Ending.CLOSE),)
