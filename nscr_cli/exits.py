"""Exit codes as a table: the one contract that scripts and CI rely on.

Sources: docs/cli.md is generated from `MEANINGS`; 130, 141 and 143 are the shell's 128 + signal number.
"""

from collections.abc import Iterable
from enum import IntEnum


class Exit(IntEnum):
    """What a command's exit code says."""

    VALID = 0
    INVALID = 1
    USAGE = 2
    UNKNOWN = 3
    THRESHOLD = 4
    ENVIRONMENT = 5
    INTERNAL = 70
    INTERRUPTED = 130
    UNREAD = 141
    TERMINATED = 143


MEANINGS: dict[Exit, str] = {
    Exit.VALID: "everything that was checked held",
    Exit.INVALID: "a promise was broken: findings tell which, by which operations (for watch: an alert was seen)",
    Exit.USAGE: "the command line, a scenario or a configuration file is wrong",
    Exit.UNKNOWN: "not enough evidence for a verdict, or for a speed threshold",
    Exit.THRESHOLD: "valid, but a speed threshold, or a limit that was set, was breached",
    Exit.ENVIRONMENT: "the registry never answered, or this machine failed",
    Exit.INTERNAL: "a bug in nscr itself",
    Exit.INTERRUPTED: "interrupted (Ctrl-C) with nothing worse to tell",
    Exit.UNREAD: "nobody read the output to its end, as after | head",
    Exit.TERMINATED: "terminated (SIGTERM) with nothing worse to tell",
}

_BY_SEVERITY = (
    Exit.VALID,
    Exit.THRESHOLD,
    Exit.UNKNOWN,
    Exit.ENVIRONMENT,
    Exit.INTERRUPTED,
    Exit.TERMINATED,
    Exit.INVALID,
)


def worst(exits: Iterable[Exit]) -> Exit:
    """The exit code of several; INVALID beats all."""
    return max(exits, key=_BY_SEVERITY.index)
