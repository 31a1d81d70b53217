"""The reads checker: reads in part, on a condition and by media type are answered with what they ask for, or less.

What came is judged by its bytes elsewhere (blobs, tags, protocol); here, whether the answer describes it truly
(range_answers.py), whether HEAD and GET agree (negotiation.py), and whether "not modified" can be true.
"""

from collections.abc import Iterable

from nscr_cli.checkers.evidence import conclude, skipped_capabilities
from nscr_cli.checkers.liveness import is_on_loopback
from nscr_cli.checkers.negotiation import compared, differing, not_served
from nscr_cli.checkers.range_answers import RangeAnswers, Wrong
from nscr_cli.checkers.verdict import Finding, Result
from nscr_cli.checkers.wording import told
from nscr_cli.history.history import History, Operation
from nscr_cli.history.keys import digest_of
from nscr_cli.history.ops import F, Kind
from nscr_cli.history.plan import RunPlan

_SAME = "RFC 9110, 9.3.2; spec.md#pulling-manifests: HEAD says what GET says"
_SERVED = "spec.md#pulling-manifests: a manifest that is there is served to who takes its media type"
_CONDITION = "RFC 9110, 13.1.2: 304 only where the ETag is that of what is there, 412 never to GET or HEAD"
_STAYS = "RFC 9112, 9.3 and 9.6: a connection serves the next request, unless the answer says that it is closed"
_CLOSED = "connection closed"
_LEAST_DROPPED = 3
_SHOWN = 5
_FLOORS = {"odd-reads": 10, "conditional": 0, "negotiated": 0, "heads-compared": 0}
_RANGE_FLOORS = {"ranges": 3}


class ReadsChecker:
    """Judges answers to ranges, conditions and `Accept`. Similar findings are one finding with a few operations."""

    @property
    def name(self) -> str:
        return "reads"

    def check(self, plan: RunPlan, history: History) -> Result:
        ranges = RangeAnswers(is_near=is_on_loopback(history))
        etags = _etags(history)
        groups: dict[tuple[str, str], list[tuple[Operation, str]]] = {}
        evidence = {"odd-reads": 0, "conditional": 0, "not-modified": 0, "negotiated": 0, "not-acceptable": 0}
        connections = _Connections()
        for one in history.operations:
            connections.take(one)
            wrong: Iterable[Wrong] = ()
            if one.asked.range_text is not None:
                wrong = ranges.judge(one)
            elif one.asked.if_none_match is not None or one.asked.if_modified_since is not None:
                wrong = _conditional(one, etags)
                evidence["conditional"] += one.kind is Kind.OK
                evidence["not-modified"] += one.answered.status == 304
            elif one.asked.accept is not None:
                evidence["negotiated"] += one.kind is Kind.OK
                evidence["not-acceptable"] += one.answered.status in (404, 406)
            else:
                continue
            evidence["odd-reads"] += one.answered.status is not None
            for rule, clause, why in wrong:
                groups.setdefault((rule, clause), []).append((one, why))
        findings = [_finding(rule, clause, found) for (rule, clause), found in groups.items()]
        findings.extend(connections.findings(is_near=is_on_loopback(history)))
        findings.extend(
            Finding(
                checker="reads",
                rule="head-differs",
                key=head.key,
                operations=tuple(sorted((head.index, get.index))),
                clause=_SAME,
                explanation=f"with Accept {head.asked.accept!r}: {why}.",
            )
            for head, get, why in differing(history)
        )
        findings.extend(
            Finding(
                checker="reads",
                rule="not-served",
                key=read.key,
                operations=tuple(sorted((put.index, read.index))),
                clause=_SERVED,
                explanation=f"{told(put)}; with Accept {read.asked.accept!r}: {told(read)}.",
            )
            for put, read in not_served(history)
        )
        evidence |= {
            **ranges.evidence,
            "heads-compared": compared(history),
            "heads-without-length": _heads_without_length(history),
        }
        return conclude(
            self.name,
            plan,
            findings=findings,
            evidence=evidence,
            floors=_FLOORS if "blob-ranges" in history.unsupported() else _FLOORS | _RANGE_FLOORS,
            skipped=skipped_capabilities(history, ("blob-ranges",)),
        )


class _Connections:
    """Requests that found their connection closed right after a range was refused on it, without a word of closing.

    An idle connection may be closed at any time, and a request may cross that: so few of them prove nothing.
    """

    def __init__(self) -> None:
        self._previous: dict[int, Operation] = {}
        self._dropped: list[tuple[Operation, Operation]] = []

    def take(self, one: Operation) -> None:
        """The next operation; those of one process are asked on one connection, one after another."""
        refused = self._previous.get(one.process)
        self._previous[one.process] = one
        is_dropped = one.answered.status is None and not one.faults and (one.error or "").startswith(_CLOSED)
        if is_dropped and refused is not None and _is_refused_range(refused):
            self._dropped.append((refused, one))

    def findings(self, *, is_near: bool) -> Iterable[Finding]:
        """One, where they are many."""
        if not is_near or len(self._dropped) < _LEAST_DROPPED:
            return
        refused, dropped = self._dropped[0]
        yield Finding(
            checker="reads",
            rule="broken-refusal",
            key=refused.key,
            operations=tuple(sorted({one.index for pair in self._dropped[:_SHOWN] for one in pair})),
            clause=_STAYS,
            explanation=(
                f"{len(self._dropped)} requests were lost on a connection that was closed after a range had been "
                f"refused on it, e.g. {told(refused)}. Range {refused.asked.range_text!r}; then {told(dropped)}."
            ),
        )


def _is_refused_range(one: Operation) -> bool:
    status = one.answered.status
    return one.asked.range_text is not None and status is not None and 400 <= status < 500 and not one.faults


def _etags(history: History) -> dict[str, set[str]]:
    """ETags under which each blob was served, by digest; weak ones by their strong form, as they are compared."""
    etags: dict[str, set[str]] = {}
    for one in history.operations:
        if one.answered.etag is not None and one.answered.status == 200:
            etags.setdefault(digest_of(one.key) or "", set()).add(_strong(one.answered.etag))
    return etags


def _conditional(one: Operation, etags: dict[str, set[str]]) -> Iterable[Wrong]:
    asked, answered = one.asked, one.answered
    if answered.status == 412 and not one.faults:
        yield "wrong-condition", _CONDITION, "a read with If-None-Match or If-Modified-Since was answered 412"
    known = etags.get(digest_of(one.key) or "", set())
    if answered.status == 304 and asked.if_none_match is not None and _strong(asked.if_none_match) not in known:
        yield "wrong-condition", _CONDITION, f"304 to the ETag {asked.if_none_match}, which nothing was served with"


def _strong(etag: str) -> str:
    return etag.removeprefix("W/")


def _heads_without_length(history: History) -> int:
    return sum(
        one.f in (F.HEAD_BLOB, F.HEAD_MANIFEST) and one.answered.status == 200 and one.answered.content_length is None
        for one in history.operations
    )


def _finding(rule: str, clause: str, found: list[tuple[Operation, str]]) -> Finding:
    operations = [one for one, _ in found]
    first, why = found[0]
    keys = {one.key for one in operations}
    asked = f"Range {first.asked.range_text!r}: " if first.asked.range_text is not None else ""
    return Finding(
        checker="reads",
        rule=rule,
        key=first.key if len(keys) == 1 else str(first.f),
        operations=tuple(one.index for one in operations[:_SHOWN]),
        clause=clause,
        explanation=f"{len(operations)} {first.f}, e.g. {told(first)}. {asked}{why}.",
    )
