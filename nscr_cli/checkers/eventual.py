"""Eventual consistency with a bound, `eventual(T)`: what was acknowledged T before a read began, the read knows of.

A read may show any value whose write had not ended before that change began, however many changes came since: so a
registry may answer from copies that lag by up to T, but by no more. A change counts from its acknowledgement; one that
was never acknowledged obliges nobody. Sound for any number of clients, because only intervals that do not overlap are
put in order. (P. Bailis and others, "Probabilistically Bounded Staleness", of which this is t-visibility, always.)
"""

import re
from bisect import bisect_right
from itertools import accumulate

import msgspec

from nscr_cli.checkers.inventory import MANIFEST_READS, found_nothing, seen_digest
from nscr_cli.checkers.verdict import Finding
from nscr_cli.checkers.wording import seconds, told
from nscr_cli.durations import parse_duration
from nscr_cli.errors import UsageError
from nscr_cli.history.history import Operation
from nscr_cli.history.keys import digest_of
from nscr_cli.history.ops import F, Kind

_MODEL = re.compile(r"eventual\((.+)\)")


def bound_ns(model: str) -> int | None:
    """T in nanoseconds, of `eventual(T)` with T as on the command line (`5s`, `1m30s`); None of any other text."""
    match = _MODEL.fullmatch(model)
    if match is None:
        return None
    try:
        return round(parse_duration(match[1]) * 1e9)
    except UsageError:
        return None


class EventualResult(msgspec.Struct, frozen=True):
    """`settled` counts the reads that began T after an acknowledged change: only these were promised anything."""

    findings: list[Finding]
    settled: int


def judge_tag(key: str, operations: list[Operation], bound: int) -> EventualResult:
    """Every read of a tag that is older than what had been acknowledged `bound` nanoseconds before it began."""
    writes: dict[str | None, list[Operation]] = {}
    for one in operations:
        if one.f is F.PUT_MANIFEST:
            writes.setdefault(one.asked.digest, []).append(one)
    clears = _Clears(operations)
    changes = sorted((one for one in operations if _is_acknowledged_change(one)), key=lambda one: one.end_ns)
    reads = sorted((one for one in operations if one.f in MANIFEST_READS), key=lambda one: one.start_ns)
    known = _Known()
    findings = []
    settled = reached = 0
    for read in reads:
        while reached < len(changes) and changes[reached].end_ns + bound < read.start_ns:
            known.learn(changes[reached])
            reached += 1
        settled += reached > 0
        change = _missed_when_absent(read, known, clears) if found_nothing(read) else _missed(read, known, writes)
        if change is not None:
            findings.append(_finding(key, change, read, bound))
    return EventualResult(findings, settled)


class _Known:
    """What a read must know of. Of all changes that it must know, the one that began last excludes the most."""

    def __init__(self) -> None:
        self.put: Operation | None = None
        self.change: Operation | None = None
        self.deleted: dict[str | None, Operation] = {}

    def learn(self, change: Operation) -> None:
        if change.f is F.DELETE_MANIFEST:
            digest = digest_of(change.key)
            self.deleted[digest] = _later(change, self.deleted.get(digest))
            return
        self.change = _later(change, self.change)
        if change.f is F.PUT_MANIFEST:
            self.put = _later(change, self.put)


class _Clears:
    """Deletes that may have emptied the tag: any delete by digest may, since a put that is not known of may have put
    that very digest there."""

    def __init__(self, operations: list[Operation]) -> None:
        clears = sorted(
            (one.start_ns, one.end_ns)
            for one in operations
            if one.f is F.DELETE_MANIFEST or (one.f is F.DELETE_TAG and one.kind is not Kind.FAIL)
        )
        self._starts = [start for start, _ in clears]
        self._last_ends = list(accumulate((end for _, end in clears), max))

    def may_follow(self, put: Operation, read: Operation) -> bool:
        """Whether one that began by the end of the read was not over before the put began."""
        begun = bisect_right(self._starts, read.end_ns)
        return begun > 0 and self._last_ends[begun - 1] >= put.start_ns


def _is_acknowledged_change(one: Operation) -> bool:
    return one.f in (F.PUT_MANIFEST, F.DELETE_TAG, F.DELETE_MANIFEST) and one.kind is Kind.OK


def _later(one: Operation, other: Operation | None) -> Operation:
    return one if other is None or one.start_ns > other.start_ns else other


def _missed_when_absent(read: Operation, known: _Known, clears: _Clears) -> Operation | None:
    return known.put if known.put is not None and not clears.may_follow(known.put, read) else None


def _missed(read: Operation, known: _Known, writes: dict[str | None, list[Operation]]) -> Operation | None:
    digest = seen_digest(read)
    last_end = max((one.end_ns for one in writes.get(digest, []) if one.start_ns <= read.end_ns), default=-1)
    missed = [one for one in (known.change, known.deleted.get(digest)) if one is not None and last_end < one.start_ns]
    return missed[0] if missed else None


def _finding(key: str, change: Operation, read: Operation, bound: int) -> Finding:
    if change.f is not F.PUT_MANIFEST:
        rule = "resurrected-tag"
    else:
        rule = "lost-write" if found_nothing(read) else "stale-read"
    return Finding(
        checker="tags",
        rule=rule,
        key=key,
        operations=tuple(sorted((change.index, read.index))),
        clause="eventual(T): a read that begins T after a change was acknowledged shows that change, or a newer one",
        explanation=f"more than {seconds(bound)} after this was acknowledged: {told(change)}; "
        f"something older was read: {told(read)}.",
    )
