import pytest
from hypothesis import given
from hypothesis import strategies as st

from nscr.oci.errors import InvalidInput
from nscr.oci.ranges import Slice, Unsatisfiable, parse_chunk_range, select_bytes


@pytest.mark.parametrize(
    ("header", "start", "end"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=2-5", 2, 6),
        ("bytes=2-", 2, 10),
        ("bytes=2-99", 2, 10),
        ("bytes=-3", 7, 10),
        ("bytes=-99", 0, 10),
        ("Bytes = 1-2", 1, 3),
    ],
)
def test_satisfiable_ranges(header: str, start: int, end: int) -> None:
    assert select_bytes(header, 10) == Slice(start, end)


@pytest.mark.parametrize("header", [None, "", "bytes", "bytes=", "bytes=-", "bytes=a-b", "bytes=0-1,3-4", "items=0-1"])
def test_ranges_that_a_server_ignores(header: str | None) -> None:
    assert select_bytes(header, 10) is None


@pytest.mark.parametrize(
    ("header", "size"), [("bytes=10-", 10), ("bytes=10-12", 10), ("bytes=5-2", 10), ("bytes=-0", 10), ("bytes=0-", 0)]
)
def test_unsatisfiable_ranges(header: str, size: int) -> None:
    with pytest.raises(Unsatisfiable):
        select_bytes(header, size)


@given(st.text(), st.integers(0, 100))
def test_any_text_selects_bytes_of_the_content_or_the_whole_or_nothing(header: str, size: int) -> None:
    try:
        part = select_bytes(header, size)
    except Unsatisfiable:
        return
    assert part is None or 0 <= part.start < part.end <= size


@pytest.mark.parametrize("header", ["3-7", "bytes 3-7/*", "bytes 3-7/20", "bytes=3-7", " 3-7 "])
def test_chunk_ranges(header: str) -> None:
    assert parse_chunk_range(header) == Slice(3, 8)
    assert parse_chunk_range(header).length == 5


@pytest.mark.parametrize("header", ["", "-", "3-", "-7", "7-3", "a-b", "3-7-9", "3 - 7", "+3-7"])
def test_malformed_chunk_ranges(header: str) -> None:
    with pytest.raises(InvalidInput):
        parse_chunk_range(header)
