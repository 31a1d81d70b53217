"""The preconditions checker: a registry that compares and sets does so truly (RFC 9110, 13.1.1 and 13.1.2).

If-Match on the put of a manifest under a tag lets it through exactly while the tag names what is expected,
If-None-Match: * exactly while it names nothing. Judged only where the probe found that the registry heeds them; what
clients build on it, the indexes of referrers that they keep themselves, is judged with it (fallback_tags.py).
"""

from collections.abc import Iterable

from nscr_cli.checkers.evidence import conclude, skipped_capabilities
from nscr_cli.checkers.fallback_tags import FallbackTags
from nscr_cli.checkers.inventory import is_fresh
from nscr_cli.checkers.listing import TagPresence
from nscr_cli.checkers.tag_values import TagValues
from nscr_cli.checkers.verdict import Finding, Result, Verdict, judged
from nscr_cli.checkers.wording import short, told
from nscr_cli.history.history import History, Operation, Whole
from nscr_cli.history.ops import FAIL, OK, F
from nscr_cli.history.plan import RunPlan

COMPARE_AND_SET = "compare-and-set"
_MATCH = "RFC 9110, 13.1.1: a request whose If-Match is false must not be performed"
_STRONG = "RFC 9110, 13.1.1: If-Match compares strongly, and a weak validator matches nothing"
_NONE = "RFC 9110, 13.1.2: a request whose If-None-Match is false must not be performed"
_TRUE = "RFC 9110, 13.2.2: a request whose condition is true is performed"
_FLOORS = {"exchanged": 3, "turned-down": 0, "entries-kept": 0}
_COUNTS = ("exchanged", "turned-down", "entries-kept", "entries-lost-to-races")
_TURNED_DOWN = 412


class PreconditionsChecker:
    """Judges every conditional put of a manifest that was let through or turned down."""

    @property
    def name(self) -> str:
        return "preconditions"

    def check(self, plan: RunPlan, history: History) -> Result:
        return judged(self, plan, history)

    def begin(self, plan: RunPlan, whole: Whole) -> "_Preconditions":
        return _Preconditions(plan, whole)


class _Preconditions:
    """A tag lies in one repository."""

    def __init__(self, plan: RunPlan, whole: Whole) -> None:
        self._plan = plan
        self._whole = whole
        self._skipped = skipped_capabilities(whole, (COMPARE_AND_SET,))
        self._findings: list[Finding] = []
        self._evidence = dict.fromkeys(_COUNTS, 0)

    def take(self, part: History) -> None:
        conditional: dict[str, list[Operation]] = {}
        for put in part.of(F.PUT_MANIFEST):
            if put.asked.if_match is not None or put.asked.if_none_match is not None:
                conditional.setdefault(put.key, []).append(put)
        if not self._skipped:
            for key, puts in conditional.items():
                self._findings += _judge_tag(key, puts, part.shared(TagPresence), part.shared(TagValues))
                self._evidence["exchanged"] += sum(put.kind is OK for put in puts)
                self._evidence["turned-down"] += sum(map(_is_turned_down, puts))
        entries = FallbackTags(part)
        self._findings += entries.findings()
        self._evidence["entries-kept"] += entries.kept
        self._evidence["entries-lost-to-races"] += entries.lost_to_races

    def result(self) -> Result:
        if self._skipped and not is_fresh(self._whole):
            return Result(
                checker="preconditions",
                verdict=Verdict.UNKNOWN,
                evidence=self._evidence,
                skipped=self._skipped,
                is_skipped=True,
            )
        return conclude(
            "preconditions",
            self._plan,
            findings=self._findings,
            evidence=self._evidence,
            floors=_FLOORS,
            skipped=self._skipped,
        )


def expected(put: Operation) -> str:
    """The digest that If-Match names."""
    return (put.asked.if_match or "").strip('"')


def _is_weak(put: Operation) -> bool:
    """If-Match names a weak validator: it compares strongly, so this is never true."""
    return (put.asked.if_match or "").startswith("W/")


def _is_turned_down(put: Operation) -> bool:
    return put.kind is FAIL and put.answered.status == _TURNED_DOWN


def _judge_tag(key: str, puts: list[Operation], tags: TagPresence, values: TagValues) -> Iterable[Finding]:
    """The first of each rule; what a fault of ours may have mutilated is left out."""
    for judge in (_let_through, _twice, _turned_down):
        finding = next(iter(judge(key, [put for put in puts if not put.faults], tags, values)), None)
        if finding is not None:
            yield finding


def _let_through(key: str, puts: list[Operation], tags: TagPresence, values: TagValues) -> Iterable[Finding]:
    """Let through although the condition was false throughout."""
    for put in puts:
        if put.kind is not OK:
            continue
        if put.asked.if_match is None:
            proof = tags.of(key).must_hold(put.start_ns, put.end_ns)
            if proof is not None:
                why = f"written only if there is nothing, and there was something: {told(proof)}; {told(put)}."
                yield _finding("ignored-precondition", key, [proof, put], _NONE, why)
            continue
        if _is_weak(put):
            why = f"written only if a weak validator matches, which none does: {told(put)}."
            yield _finding("ignored-precondition", key, [put], _STRONG, why)
            continue
        never = values.never(key, expected(put), put.start_ns, put.end_ns)
        if never is not None:
            why = f"written only if the tag names {short(expected(put))}, which it cannot have done, for {never.why}"
            witness = [never.witness] if never.witness is not None else []
            yield _finding("ignored-precondition", key, [*witness, put], _MATCH, f"{why}; {told(put)}.")


def _twice(key: str, puts: list[Operation], tags: TagPresence, values: TagValues) -> Iterable[Finding]:
    """Two let through although the first of them, whichever that was, made the condition of the other false.

    What was put under the tag once is named by it in one stretch of time, which the first write ends. And after a write
    into nothing there is nothing again only after a removal.
    """
    won: dict[str, Operation] = {}
    last: Operation | None = None
    for put in sorted((put for put in puts if put.kind is OK and not _is_weak(put)), key=lambda one: one.start_ns):
        if put.asked.if_match is None:
            if last is not None and not tags.of(key).may_be_removed(last.start_ns, max(last.end_ns, put.end_ns)):
                why = f"both written only if there is nothing, and nothing was removed: {told(last)}; {told(put)}."
                yield _finding("ignored-precondition", key, [last, put], _NONE, why)
            last = put
            continue
        digest = expected(put)
        if put.asked.digest == digest:
            continue
        other = won.setdefault(digest, put)
        if other is not put and len(values.puts_of(key, digest)) == 1:
            why = f"both written only if the tag names {short(digest)}, put there once: {told(other)}; {told(put)}."
            yield _finding("ignored-precondition", key, [other, put], _MATCH, why)


def _turned_down(key: str, puts: list[Operation], tags: TagPresence, values: TagValues) -> Iterable[Finding]:
    """Turned down although the condition was true throughout."""
    for put in filter(_is_turned_down, puts):
        if _is_weak(put):
            continue
        if put.asked.if_match is not None:
            proof = values.must_name(key, expected(put), put.start_ns, put.end_ns)
            if proof is not None:
                why = (
                    f"412, and the tag named what was expected all the while: {told(proof)}, and nobody else's write "
                    f"or delete of it was open from there on; {told(put)}."
                )
                yield _finding("refused-precondition", key, [proof, put], _TRUE, why)
            continue
        presence = tags.of(key)
        absence = presence.must_lack(put.start_ns, put.end_ns)
        if absence is not None or not presence.may_hold(put.end_ns):
            since = f" since {told(absence)}" if absence is not None else ", for nobody had begun to put it"
            why = f"412, and there was no such tag all the while{since}; {told(put)}."
            shown = [absence] if absence is not None else []
            yield _finding("refused-precondition", key, [*shown, put], _TRUE, why)


def _finding(rule: str, key: str, operations: list[Operation], clause: str, explanation: str) -> Finding:
    return Finding(
        checker="preconditions",
        rule=rule,
        key=key,
        operations=tuple(sorted({one.index for one in operations})),
        clause=clause,
        explanation=explanation,
    )
