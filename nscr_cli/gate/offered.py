"""Whether a registry offers the monitoring API at all: none is no fault, one that is broken is told.

Some registries answer any path with a page, or with one and the same document. So only an answer of the documented form
counts: of the state, or, where the state has another, of any other path. Who serves those has the API, and its state is
malformed.
"""

from collections.abc import Awaitable, Callable, Sequence

from nscr_cli.client.monitoring import Blobs, CollectionStats, Health, Poll, Sessions, Summary
from nscr_cli.foreign_json import Unreadable, read_json
from nscr_cli.gate.monitoring_rules import BLOBS, HEALTH, SESSIONS, STATS

_KINDS: dict[str, type[Blobs] | type[CollectionStats] | type[Health] | type[Sessions]] = {
    HEALTH: Health,
    BLOBS: Blobs,
    SESSIONS: Sessions,
    STATS: CollectionStats,
}
_FIGURES = frozenset(Summary.__struct_encode_fields__)


async def why_absent(state: Poll, ask: Callable[[str], Awaitable[Poll]]) -> str | None:
    """Why there is no monitoring API to compare with; None where there is one.

    Args:
        ask: another of its paths; only where the state leaves it open.
    """
    if state.status in (401, 403):
        return f"it does not let us in (status {state.status})"
    if state.status != 200:
        return f"the registry does not offer it ({state.status or state.error})"
    if _is_state(state.body):
        return None
    others = [await ask(path) for path in _KINDS]
    return None if is_served(state, others) else "the registry does not offer it (200 with something else)"


def is_served(state: Poll, others: Sequence[Poll]) -> bool:
    """Some other path answers in its documented form, and with something else than the state was answered with."""
    return any(one.body != state.body and _has_form(one) for one in others)


def _is_state(body: bytes) -> bool:
    """It is one, or at least has a summary with figures that are called as those of one."""
    try:
        document = read_json(body)
    except Unreadable:
        return False
    summary = document.get("summary") if isinstance(document, dict) else None
    return isinstance(summary, dict) and not _FIGURES.isdisjoint(summary)


def _has_form(poll: Poll) -> bool:
    if poll.status != 200 and (poll.status, poll.path) != (500, HEALTH):
        return False
    try:
        read_json(poll.body, _KINDS[poll.path])
    except Unreadable:
        return False
    return True
