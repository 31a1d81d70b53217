"""When a refused write is the registry's fault: a valid request, of a kind that this registry does accept.

Refusals that say something about the client's rights, the registry's limits or what it does not support are its right.
"""

from collections.abc import Callable, Iterable

from nscr_cli.history.history import Operation
from nscr_cli.history.ops import F, Kind

_ITS_RIGHT = frozenset({401, 403, 405, 408, 409, 412, 413, 415, 423, 429, 431})
_ITS_RIGHT_CODES = frozenset(
    {"UNSUPPORTED", "DENIED", "UNAUTHORIZED", "TOOMANYREQUESTS", "NAME_INVALID", "NAME_UNKNOWN"}
)


def is_refusal(operation: Operation) -> bool:
    """It was answered that the request is wrong, or that what it needs is not there.

    An upload is its client's own, and equal bytes cannot be at odds: 409 is no answer to it (bugs F1 to F8). What a
    fault of ours mutilated is rightly refused.
    """
    answered = operation.answered
    is_conflict = answered.status == 409 and operation.f is F.PUSH_BLOB
    return (
        operation.kind is Kind.FAIL
        and not operation.faults
        and answered.status is not None
        and 400 <= answered.status < 500
        and (answered.status not in _ITS_RIGHT or is_conflict)
        and answered.error_code not in _ITS_RIGHT_CODES
    )


def by_acceptance(
    operations: Iterable[Operation], kind_of: Callable[[Operation], str]
) -> tuple[list[Operation], dict[str, list[Operation]]]:
    """Refusals of kinds of requests that were accepted at least once; and, by kind, those of kinds that never were."""
    accepted: set[str] = set()
    refused: list[Operation] = []
    for one in operations:
        if one.kind is Kind.OK:
            accepted.add(kind_of(one))
        elif is_refusal(one):
            refused.append(one)
    never: dict[str, list[Operation]] = {}
    for one in refused:
        if kind_of(one) not in accepted:
            never.setdefault(kind_of(one), []).append(one)
    return [one for one in refused if kind_of(one) in accepted], never
