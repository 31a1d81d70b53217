"""If-Match and If-None-Match by the letter of RFC 9110."""

import pytest

from nscr.core.preconditions import UNCONDITIONAL, parse_entity_tags, parse_preconditions
from nscr.oci.errors import InvalidInput


@pytest.mark.parametrize(
    ("text", "strong", "weak"),
    [
        ('"a"', {"a"}, set()),
        ('W/"a"', set(), {"a"}),
        (' "a" ,W/"b",, "c"', {"a", "c"}, {"b"}),
        ('"a,b"', {"a,b"}, set()),
        ('""', {""}, set()),
    ],
)
def test_lists(text: str, strong: set[str], weak: set[str]) -> None:
    tags = parse_entity_tags("If-Match", text)
    assert (tags.is_any, tags.strong, tags.weak) == (False, strong, weak)


def test_any() -> None:
    assert parse_entity_tags("If-Match", " * ").is_any


@pytest.mark.parametrize("text", ["", "a", '"a', '"a" "b"', 'w/"a"', '"a", *', '"a b"'])
def test_what_is_no_list(text: str) -> None:
    with pytest.raises(InvalidInput):
        parse_entity_tags("If-Match", text)


@pytest.mark.parametrize(
    ("if_match", "if_none_match", "current", "admitted"),
    [
        (None, None, None, True),
        (None, None, "a", True),
        ("*", None, None, False),
        ("*", None, "a", True),
        ('"a", "b"', None, "b", True),
        ('"a"', None, "b", False),
        ('"a"', None, None, False),
        ('W/"a"', None, "a", False),
        (None, "*", None, True),
        (None, "*", "a", False),
        (None, '"a"', "a", False),
        (None, 'W/"a"', "a", False),
        (None, '"a"', "b", True),
        (None, '"a"', None, True),
        ('"a"', '"a"', "a", False),
        ('"a"', '"b"', "a", True),
    ],
)
def test_conditions(if_match: str | None, if_none_match: str | None, current: str | None, admitted: bool) -> None:
    assert parse_preconditions(if_match, if_none_match).admit(current) is admitted


def test_no_headers_are_no_conditions() -> None:
    assert parse_preconditions(None, None) == UNCONDITIONAL
