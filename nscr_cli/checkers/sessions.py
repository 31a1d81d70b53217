"""Read-your-writes: what one client wrote, it reads, or something newer (D. Terry and others, "Session guarantees").

A read is older than the client's own last acknowledged change when its value's write had ended before that change
began; a read of nothing is older when no delete can have taken effect since. Sound for any number of other clients.
"""

from nscr_cli.checkers.inventory import found_nothing, seen_digest
from nscr_cli.checkers.verdict import Finding
from nscr_cli.checkers.wording import told
from nscr_cli.history.history import Operation
from nscr_cli.history.ops import F, Kind

_CHANGES = (F.PUT_MANIFEST, F.DELETE_TAG)
_CLAUSE = "read-your-writes: a client reads its own last acknowledged change, or a newer one"


def judge_tag(key: str, operations: list[Operation]) -> list[Finding]:
    """Every read of a tag that is older than its own client's last acknowledged change."""
    findings = []
    own: dict[int, Operation] = {}
    for one in operations:
        if one.f in _CHANGES and one.kind is Kind.OK:
            own[one.process] = one
        elif one.f not in _CHANGES and one.f is not F.DELETE_MANIFEST:
            mine = own.get(one.process)
            if mine is not None and _is_older(one, mine, operations):
                findings.append(_finding(key, mine, one))
    return findings


def _is_older(read: Operation, mine: Operation, operations: list[Operation]) -> bool:
    if found_nothing(read):
        return mine.f is F.PUT_MANIFEST and not any(
            _may_clear(one) and one.end_ns >= mine.start_ns and one.start_ns <= read.end_ns for one in operations
        )
    writes = [one for one in operations if one.f is F.PUT_MANIFEST and one.asked.digest == seen_digest(read)]
    return all(one.end_ns < mine.start_ns for one in writes)


def _may_clear(one: Operation) -> bool:
    """Any delete by digest may: an unacknowledged or concurrent put may have put that very digest there."""
    return one.f is F.DELETE_MANIFEST or (one.f is F.DELETE_TAG and one.kind is not Kind.FAIL)


def _finding(key: str, mine: Operation, read: Operation) -> Finding:
    return Finding(
        checker="tags",
        rule="stale-read",
        key=key,
        operations=(mine.index, read.index),
        clause=_CLAUSE,
        explanation=f"after its own {told(mine)}, the same client read something older: {told(read)}.",
    )
