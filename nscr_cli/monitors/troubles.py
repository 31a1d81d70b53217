"""What is wrong now, the worst first. Pure.

Worse is what keeps more people from pulling: a registry that is silent, then one that lost something, then one that
contradicts itself, says that it is unwell, or answers in a way that cannot be read.
"""

from collections.abc import Mapping

import msgspec

from nscr_cli.monitors.rules import NOT_ANSWERING, Condition

_WORST_FIRST = (
    NOT_ANSWERING, "vanished", "missing-manifest", "server-error", "unhealthy", "refused", "contradiction",
    "malformed", "stuck-session",
)  # fmt: skip


class Trouble(msgspec.Struct, frozen=True, kw_only=True):
    """A condition that holds, and since when, on the watcher's clock."""

    rule: str
    text: str
    since_s: float


def worst_first(since: Mapping[Condition, float]) -> tuple[Trouble, ...]:
    """The conditions that hold; of equally bad ones, the oldest first.

    That one endpoint is silent goes without saying where all of them are.
    """
    is_silent = any(_is_of_registry(condition) for condition in since)
    told = {
        condition: began
        for condition, began in since.items()
        if not is_silent or condition.rule != NOT_ANSWERING or _is_of_registry(condition)
    }
    found = sorted(told.items(), key=lambda each: (_rank(each[0]), each[1]))
    return tuple(Trouble(rule=each.rule, text=each.text, since_s=began) for each, began in found)


def _rank(condition: Condition) -> tuple[bool, int]:
    """A registry that is silent comes first; one endpoint that is has its place among the errors of others."""
    rank = _WORST_FIRST.index(condition.rule) if condition.rule in _WORST_FIRST else len(_WORST_FIRST)
    return not _is_of_registry(condition), rank


def _is_of_registry(condition: Condition) -> bool:
    return condition.rule == NOT_ANSWERING and bool(condition.subject)
