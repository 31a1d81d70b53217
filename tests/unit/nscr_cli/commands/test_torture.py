"""The exit code of several runs is that of the worst."""

import pytest

from nscr_cli.client.target import Target
from nscr_cli.commands.torture import check_address
from nscr_cli.commands.torturing import worst
from nscr_cli.errors import UsageError
from nscr_cli.exits import Exit
from nscr_cli.history.plan import RetryAfter, Scenario


@pytest.mark.parametrize(
    ("exits", "code"),
    [
        ([Exit.VALID], Exit.VALID),
        ([Exit.VALID, Exit.UNKNOWN], Exit.UNKNOWN),
        ([Exit.THRESHOLD, Exit.VALID], Exit.THRESHOLD),
        ([Exit.THRESHOLD, Exit.UNKNOWN], Exit.UNKNOWN),
        ([Exit.INVALID, Exit.THRESHOLD], Exit.INVALID),
        ([Exit.INVALID, Exit.UNKNOWN, Exit.VALID], Exit.INVALID),
        ([Exit.INVALID, Exit.INTERRUPTED], Exit.INVALID),
        ([Exit.UNKNOWN, Exit.TERMINATED], Exit.TERMINATED),
        ([Exit.ENVIRONMENT, Exit.UNKNOWN], Exit.ENVIRONMENT),
    ],
)
def test_the_worst_counts(exits: list[Exit], code: Exit) -> None:
    assert worst(exits) is code


def test_who_ignores_what_he_is_told_does_so_on_his_own_machine_only() -> None:
    deaf = Scenario(title="t", description="d", workload="tags", retry_after=RetryAfter.IGNORE)
    check_address("mine", deaf, Target(scheme="https", host="127.0.0.1", port=5000))
    with pytest.raises(UsageError, match=r"ignores Retry-After, and registry\.example is not this machine"):
        check_address("mine", deaf, Target(scheme="https", host="registry.example", port=443))
