"""The exit code of several runs is that of the worst."""

import pytest

from nscr_cli.commands.torture import worst
from nscr_cli.exits import Exit


@pytest.mark.parametrize(
    ("exits", "code"),
    [
        ([Exit.VALID], Exit.VALID),
        ([Exit.VALID, Exit.UNKNOWN], Exit.UNKNOWN),
        ([Exit.INVALID, Exit.UNKNOWN, Exit.VALID], Exit.INVALID),
        ([Exit.INVALID, Exit.INTERRUPTED], Exit.INVALID),
        ([Exit.UNKNOWN, Exit.TERMINATED], Exit.TERMINATED),
        ([Exit.ENVIRONMENT, Exit.UNKNOWN], Exit.ENVIRONMENT),
    ],
)
def test_the_worst_counts(exits: list[Exit], code: Exit) -> None:
    assert worst(exits) is code
