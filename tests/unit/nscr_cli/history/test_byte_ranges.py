"""What a `Range` means for so many bytes, and what a `Content-Range` says."""

import pytest

from nscr_cli.history.byte_ranges import Described, Meaning, described, meant


@pytest.mark.parametrize(
    ("text", "size", "parts"),
    [
        ("bytes=0-0", 10, ((0, 0),)),
        ("bytes=3-", 10, ((3, 9),)),
        ("bytes=3-99", 10, ((3, 9),)),
        ("bytes=-4", 10, ((6, 9),)),
        ("bytes=-99", 10, ((0, 9),)),
        ("bytes=0-1, 4-5", 10, ((0, 1), (4, 5))),
        ("bytes=0-1,10-12", 10, ((0, 1),)),
        ("bytes=10-", 10, Meaning.UNSATISFIABLE),
        ("bytes=-0", 10, Meaning.UNSATISFIABLE),
        ("bytes=0-0", 0, Meaning.UNSATISFIABLE),
        ("bytes=-5", 0, Meaning.UNSATISFIABLE),
        ("bytes=5-2", 10, Meaning.MALFORMED),
        ("bytes=0-1,5-2", 10, Meaning.MALFORMED),
        ("bytes=-", 10, Meaning.MALFORMED),
        ("bytes=", 10, Meaning.MALFORMED),
        ("bytes=,1-2, ,", 10, ((1, 2),)),
        ("bytes=,", 10, Meaning.MALFORMED),
        ("bytes=1-2,x", 10, Meaning.MALFORMED),
        ("items=0-5", 10, Meaning.MALFORMED),
        ("bytes=٣-٤", 10, Meaning.MALFORMED),
    ],
)
def test_meant(text: str, size: int, parts: tuple[tuple[int, int], ...] | Meaning) -> None:
    assert meant(text, size) == parts


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("bytes 0-4/10", Described(0, 4, 10)),
        ("bytes 0-4/*", Described(0, 4, None)),
        ("bytes */10", Described(None, None, 10)),
        ("bytes 0-4", None),
        ("0-4/10", None),
        ("", None),
        (None, None),
    ],
)
def test_described(text: str | None, said: Described | None) -> None:
    assert described(text) == said
