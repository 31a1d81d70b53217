"""The reads checker: reads in part, on a condition and by media type are answered with what they ask for, or less.

What came is judged by its bytes elsewhere (blobs, tags, protocol); here, whether the answer describes it truly
(range_answers.py), whether HEAD and GET agree (negotiation.py), and whether "not modified" can be true.
"""

import hashlib
from collections.abc import Iterable, Mapping
from operator import attrgetter

from nscr_cli.checkers.evidence import conclude, skipped_capabilities
from nscr_cli.checkers.inventory import is_fresh
from nscr_cli.checkers.liveness import is_on_loopback
from nscr_cli.checkers.negotiation import compared, differing, not_served
from nscr_cli.checkers.range_answers import RangeAnswers, Wrong
from nscr_cli.checkers.tally import Tallies, Tally
from nscr_cli.checkers.verdict import Finding, Result, judged
from nscr_cli.checkers.wording import told
from nscr_cli.history.history import History, Operation, Whole, unsupported
from nscr_cli.history.keys import digest_of
from nscr_cli.history.ops import F, Kind
from nscr_cli.history.plan import RunPlan

_SAME = "RFC 9110, 9.3.2; spec.md#pulling-manifests: HEAD says what GET says"
_SERVED = "spec.md#pulling-manifests: a manifest that is there is served to who takes its media type"
_CONDITION = "RFC 9110, 13.1.2: 304 only where the ETag is that of what is there, 412 never to GET or HEAD"
_STAYS = "RFC 9112, 9.3 and 9.6: a connection serves the next request, unless the answer says that it is closed"
# Writes have conditions too, and 412 is their answer; those are for `preconditions`.
_READS = (F.GET_BLOB, F.HEAD_BLOB, F.GET_MANIFEST, F.HEAD_MANIFEST)
_WRONG_CONDITION = "wrong-condition"
_LEAST_DROPPED = 3
_SHOWN = 5
_FLOORS = {"odd-reads": 10, "conditional": 0, "negotiated": 0, "heads-compared": 0}
_RANGE_FLOORS = {"ranges": 3}
_COUNTS = (
    "odd-reads",
    "conditional",
    "not-modified",
    "negotiated",
    "not-acceptable",
    "heads-compared",
    "heads-without-length",
)


class ReadsChecker:
    """Judges answers to ranges, conditions and `Accept`. Similar findings are one finding with a few operations."""

    @property
    def name(self) -> str:
        return "reads"

    def check(self, plan: RunPlan, history: History) -> Result:
        return judged(self, plan, history)

    def begin(self, plan: RunPlan, whole: Whole) -> "_Reads":
        return _Reads(plan, whole)


class _Reads:
    """Answers are judged one by one. An ETag may have been given in any repository, and a process goes through many."""

    def __init__(self, plan: RunPlan, whole: Whole) -> None:
        self._plan = plan
        self._whole = whole
        self._is_near = is_on_loopback(whole)
        self._ranges = RangeAnswers(is_near=self._is_near, is_ours=is_fresh(whole))
        self._wrong: Tallies[tuple[str, str]] = Tallies(_SHOWN)
        self._whys: dict[tuple[str, str], tuple[int, str]] = {}
        self._evidence = dict.fromkeys(_COUNTS, 0)
        self._served: set[bytes] = set()
        self._not_modified: list[Operation] = []
        self._connections = _Connections(whole.closed)
        self._findings: list[Finding] = []
        self._not_served: dict[tuple[F, str | None], tuple[Operation, Operation]] = {}

    def take(self, part: History) -> None:
        self._connections.take(part)
        evidence = self._evidence
        for one in part.of(*_READS):
            answered = one.answered
            if answered.etag is not None and answered.status == 200:
                self._served.add(_tag_of_content(one, answered.etag))
            wrong: Iterable[Wrong] = ()
            if one.asked.range_text is not None:
                wrong = self._ranges.judge(one)
            elif one.asked.if_none_match is not None or one.asked.if_modified_since is not None:
                wrong = _conditional(one)
                evidence["conditional"] += one.kind is Kind.OK
                evidence["not-modified"] += answered.status == 304
                if answered.status == 304 and one.asked.if_none_match is not None:
                    self._take_not_modified(one)
            elif one.asked.accept is not None:
                evidence["negotiated"] += one.kind is Kind.OK
                evidence["not-acceptable"] += answered.status in (404, 406)
            else:
                continue
            evidence["odd-reads"] += answered.status is not None
            for rule, clause, why in wrong:
                self._take_wrong(one, rule, clause, why)
        evidence["heads-compared"] += compared(part)
        evidence["heads-without-length"] += _heads_without_length(part)
        self._findings.extend(_differing(head, get, why) for head, get, why in differing(part))
        for put, read in not_served(part):
            kind = read.f, put.asked.media_type
            known = self._not_served.get(kind)
            if known is None or read.index < known[1].index:
                self._not_served[kind] = put, read

    def _take_not_modified(self, one: Operation) -> None:
        """Most are about an ETag that was given where it is asked for, and before."""
        if _tag_of_content(one, one.asked.if_none_match or "") not in self._served:
            self._not_modified.append(one)

    def _take_wrong(self, one: Operation, rule: str, clause: str, why: str) -> None:
        group = rule, clause
        self._wrong.add(group, one)
        if group not in self._whys or one.index < self._whys[group][0]:
            self._whys[group] = one.index, why

    def result(self) -> Result:
        for one in self._not_modified:
            etag = one.asked.if_none_match or ""
            if _tag_of_content(one, etag) not in self._served:
                why = f"304 to the ETag {etag}, which nothing was served with"
                self._take_wrong(one, _WRONG_CONDITION, _CONDITION, why)
        return conclude(
            "reads",
            self._plan,
            findings=[
                *(_finding(*group, tally, self._whys[group][1]) for group, tally in self._wrong.by_group.items()),
                *self._connections.findings(is_near=self._is_near),
                *self._findings,
                *(_unserved(put, read) for put, read in self._not_served.values()),
            ],
            evidence=self._evidence | self._ranges.evidence,
            floors=_FLOORS if "blob-ranges" in unsupported(self._whole.events) else _FLOORS | _RANGE_FLOORS,
            skipped=skipped_capabilities(self._whole, ("blob-ranges",)),
        )


class _Connections:
    """Requests that found their connection closed right after a range was refused on it, without a word of closing.

    An idle connection may be closed at any time, and a request may cross that: so few of them prove nothing. Those of
    one process are asked on one connection, one after another, in whatever repositories.

    Args:
        closed: of each that found its connection closed, what its process had asked before.
    """

    def __init__(self, closed: Mapping[int, int]) -> None:
        self._closed = closed
        self._before = frozenset(closed.values())
        self._lost: list[Operation] = []
        self._refused: dict[int, Operation] = {}

    def take(self, part: History) -> None:
        """The operations of one more part."""
        if not self._closed:
            return
        for one in part.operations:
            if one.index in self._closed and not one.faults:
                self._lost.append(one)
            if one.index in self._before and _is_refused_range(one):
                self._refused[one.index] = one

    def findings(self, *, is_near: bool) -> Iterable[Finding]:
        """One, where they are many."""
        ordered = sorted(self._lost, key=attrgetter("index"))
        dropped = [(self._refused[self._closed[one.index]], one) for one in ordered if self._is_after_refusal(one)]
        if not is_near or len(dropped) < _LEAST_DROPPED:
            return
        refused, lost = dropped[0]
        yield Finding(
            checker="reads",
            rule="broken-refusal",
            key=refused.key,
            operations=tuple(sorted({one.index for pair in dropped[:_SHOWN] for one in pair})),
            clause=_STAYS,
            explanation=(
                f"{len(dropped)} requests were lost on a connection that was closed after a range had been "
                f"refused on it, e.g. {told(refused)}. Range {refused.asked.range_text!r}; then {told(lost)}."
            ),
        )

    def _is_after_refusal(self, one: Operation) -> bool:
        return self._closed[one.index] in self._refused


def _is_refused_range(one: Operation) -> bool:
    status = one.answered.status
    return one.asked.range_text is not None and status is not None and 400 <= status < 500 and not one.faults


def _tag_of_content(one: Operation, etag: str) -> bytes:
    """An ETag of a blob in sixteen bytes, as a registry may have given millions; weak ones by their strong form."""
    return hashlib.blake2b(f"{digest_of(one.key)} {_strong(etag)}".encode(), digest_size=16).digest()


def _conditional(one: Operation) -> Iterable[Wrong]:
    if one.answered.status == 412 and not one.faults:
        why = "a read with If-None-Match or If-Modified-Since was answered 412"
        yield _WRONG_CONDITION, _CONDITION, why


def _strong(etag: str) -> str:
    return etag.removeprefix("W/")


def _heads_without_length(history: History) -> int:
    return sum(
        one.f in (F.HEAD_BLOB, F.HEAD_MANIFEST) and one.answered.status == 200 and one.answered.content_length is None
        for one in history.operations
    )


def _differing(head: Operation, get: Operation, why: str) -> Finding:
    return Finding(
        checker="reads",
        rule="head-differs",
        key=head.key,
        operations=tuple(sorted((head.index, get.index))),
        clause=_SAME,
        explanation=f"with Accept {head.asked.accept!r}: {why}.",
    )


def _unserved(put: Operation, read: Operation) -> Finding:
    return Finding(
        checker="reads",
        rule="not-served",
        key=read.key,
        operations=tuple(sorted((put.index, read.index))),
        clause=_SERVED,
        explanation=f"{told(put)}; with Accept {read.asked.accept!r}: {told(read)}.",
    )


def _finding(rule: str, clause: str, tally: Tally, why: str) -> Finding:
    first = tally.first[0]
    asked = f"Range {first.asked.range_text!r}: " if first.asked.range_text is not None else ""
    return Finding(
        checker="reads",
        rule=rule,
        key=tally.key or str(first.f),
        operations=tuple(one.index for one in tally.first),
        clause=clause,
        explanation=f"{tally.count} {first.f}, e.g. {told(first)}. {asked}{why}.",
    )
