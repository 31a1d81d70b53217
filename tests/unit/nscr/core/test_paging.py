from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nscr.core.paging import cut, link_header, parse_page
from nscr.oci.errors import InvalidInput


def test_without_parameters_everything_is_one_page() -> None:
    page = parse_page(None, None)
    assert page.fetch is None
    assert cut(["a", "b"], page) == (["a", "b"], None)


def test_nothing_was_asked_for() -> None:
    assert cut(["a"], parse_page("0", None)) == ([], None)


@pytest.mark.parametrize("n", ["", "-1", "1.5", "x", "١", "9" * 30])
def test_what_is_no_number_of_entries(n: str) -> None:
    with pytest.raises(InvalidInput):
        parse_page(n, None)


@given(st.sets(st.text("abz09._-", min_size=1), max_size=12), st.integers(1, 5))
def test_following_the_links_shows_each_entry_once(entries: set[str], n: int) -> None:
    shown: list[str] = []
    last: str | None = None
    while True:
        page = parse_page(str(n), last)
        left = sorted(entry for entry in entries if entry > page.last)
        part, following = cut(left[: page.fetch], page)
        shown += part
        assert len(part) <= n
        if following is None:
            break
        target = urlsplit(link_header("/v2/x/tags/list", page, following).split(">")[0][1:])
        last = parse_qs(target.query)["last"][0]
    assert shown == sorted(entries)
