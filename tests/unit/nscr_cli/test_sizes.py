"""Sizes: what is read, and what is refused."""

import pytest

from nscr_cli.errors import UsageError
from nscr_cli.exits import Exit
from nscr_cli.sizes import parse_size


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("1", 1),
        ("500MB", 500_000_000),
        ("64kB", 64_000),
        (" 1.5 GiB ", 3 * 2**29),
        ("2tib", 2**41),
        ("10b", 10),
        ("9007199254740993", 9007199254740993),
        ("0.0015kB", 1),
    ],
)
def test_reads(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "MB", "-1", "1e3", "5 bytes", "1ib", "0", "0.5", "0.0001kB", "٣MB", "2000000TiB"])
def test_refuses(text: str) -> None:
    with pytest.raises(UsageError) as refused:
        parse_size(text)
    assert refused.value.exit_code is Exit.USAGE
    assert repr(text) in refused.value.message
