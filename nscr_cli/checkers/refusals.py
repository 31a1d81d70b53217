"""When a refused write is the registry's fault: a valid request, of a kind that this registry does accept.

Refusals that say something about the client's rights, the registry's limits or what it does not support are its right;
but the registry that the run started supports all of this, has no such limits, and takes things alike every time.
"""

from operator import attrgetter

from nscr_cli.history.history import Operation
from nscr_cli.history.ops import FAIL, OK, F

# Rights, limits, and what a proxy says for a registry that it cannot reach: these tell nothing of what was asked for.
UNSERVED = frozenset({401, 403, 407, 408, 429, 502, 503, 504, 507})

_ITS_RIGHT = frozenset({401, 403, 405, 408, 409, 412, 413, 415, 423, 429, 431})
_ITS_RIGHT_CODES = frozenset(
    {"UNSUPPORTED", "DENIED", "UNAUTHORIZED", "TOOMANYREQUESTS", "NAME_INVALID", "NAME_UNKNOWN"}
)
# What the registry that the run started has no reason to say.
_NOT_OF_OURS = frozenset({405, 413, 415, 423})


def is_refusal(operation: Operation, *, is_ours: bool = False) -> bool:
    """It was answered that the request is wrong, or that what it needs is not there.

    An upload is its client's own, and equal bytes cannot be at odds: 409 is no answer to it (bugs F1 to F8). What a
    fault of ours mutilated is rightly refused; what it only slowed came whole and in order, and is not.

    Args:
        is_ours: the run started the registry itself.
    """
    answered = operation.answered
    is_conflict = answered.status == 409 and operation.f is F.PUSH_BLOB
    return (
        operation.kind is FAIL
        and (not operation.faults or operation.is_only_slowed)
        and answered.status is not None
        and 400 <= answered.status < 500
        and (answered.status not in _ITS_RIGHT or is_conflict or (is_ours and answered.status in _NOT_OF_OURS))
        and (is_ours or answered.error_code not in _ITS_RIGHT_CODES)
    )


class Acceptance:
    """Tells refusals of kinds of requests that were accepted at least once from those of kinds that never were."""

    def __init__(self) -> None:
        self._accepted: set[str] = set()
        self._refused: dict[str, list[Operation]] = {}

    def take(self, kind: str, operation: Operation, *, is_ours: bool = False) -> None:
        """One more request, of this kind."""
        if operation.kind is OK:
            self._accepted.add(kind)
        elif is_refusal(operation, is_ours=is_ours):
            self._refused.setdefault(kind, []).append(operation)

    def refused(self) -> list[Operation]:
        """Refusals of what was accepted elsewhere, in order."""
        refused = (one for kind, operations in self._refused.items() if kind in self._accepted for one in operations)
        return sorted(refused, key=attrgetter("index"))

    def never_accepted(self) -> dict[str, list[Operation]]:
        """Refusals of all other kinds."""
        return {
            kind: sorted(self._refused[kind], key=attrgetter("index"))
            for kind in sorted(self._refused.keys() - self._accepted)
        }
