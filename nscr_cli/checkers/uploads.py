"""The uploads checker: after each chunk a registry tells how much it holds, and it takes chunks in order only.

Follows spec.md#pushing-a-blob-in-chunks.

`Range` is inclusive, so that "0-0" may mean one byte or none at all: both are accepted where nothing was sent yet
(distribution/distribution#2363). Where a registry says nothing readable there is nothing to judge, only less evidence.
"""

from nscr_cli.checkers.evidence import conclude, skipped_capabilities
from nscr_cli.checkers.verdict import Finding, Result, judged
from nscr_cli.checkers.wording import told
from nscr_cli.history.history import History, Operation, Whole
from nscr_cli.history.ops import OK, F, PushStyle
from nscr_cli.history.plan import RunPlan

_CLAUSE = "spec.md#pushing-a-blob-in-chunks: Range tells the bytes that the registry has received"
_ORDER = "spec.md#pushing-a-blob-in-chunks: a chunk that is uploaded out of order MUST be answered 416"
_FLOORS = {"offsets": 3, "out-of-order-refused": 0}
_COUNTS = ("offsets", "offsets-not-readable", "out-of-order-refused", "out-of-order-refused-otherwise")
_UNREADABLE = -1
_REFUSED = 416


class UploadsChecker:
    """Judges the offsets that a registry reports during uploads."""

    @property
    def name(self) -> str:
        return "uploads"

    def check(self, plan: RunPlan, history: History) -> Result:
        return judged(self, plan, history)

    def begin(self, plan: RunPlan, whole: Whole) -> "_Uploads":
        return _Uploads(plan, whole)


class _Uploads:
    """Pushes are judged one by one."""

    def __init__(self, plan: RunPlan, whole: Whole) -> None:
        self._plan = plan
        self._whole = whole
        self._findings: list[Finding] = []
        self._evidence = dict.fromkeys(_COUNTS, 0)

    def take(self, part: History) -> None:
        evidence = self._evidence
        for push in part.of(F.PUSH_BLOB):
            if push.answered.sent_offsets:
                pairs = _judged(push)
                evidence["offsets"] += sum(stored != _UNREADABLE for _, stored in pairs)
                evidence["offsets-not-readable"] += sum(stored == _UNREADABLE for _, stored in pairs)
                wrong = [pair for pair in pairs if not _agrees(*pair)]
                if wrong:
                    self._findings.append(_wrong_range(push, *wrong[0]))
            status = push.answered.out_of_order_status
            if status is None:
                continue
            evidence["out-of-order-refused"] += status == _REFUSED
            evidence["out-of-order-refused-otherwise"] += status >= 300 and status != _REFUSED
            if 200 <= status < 300:
                self._findings.append(_accepted(push, status))

    def result(self) -> Result:
        return conclude(
            "uploads",
            self._plan,
            findings=self._findings,
            evidence=self._evidence,
            floors=_FLOORS,
            skipped=skipped_capabilities(self._whole, (PushStyle.CHUNKED_PATCH, PushStyle.STREAMED_PATCH)),
        )


def _judged(push: Operation) -> list[tuple[int, int]]:
    """Pairs of what was sent and what was said to be stored, after each chunk that was accepted."""
    pairs = list(zip(push.answered.sent_offsets, push.answered.stored_offsets, strict=False))
    # The last chunk of a push that did not succeed may have been refused or cut: then less is stored, rightly.
    return pairs if push.kind is OK else pairs[:-1]


def _agrees(sent: int, stored: int) -> bool:
    return stored in (_UNREADABLE, sent) or (sent == 0 and stored == 1)


def _wrong_range(push: Operation, sent: int, stored: int) -> Finding:
    why = f"{told(push)} ({push.asked.style}): {sent} bytes had been sent, and Range said {stored}."
    return _finding("wrong-range", push, _CLAUSE, why)


def _accepted(push: Operation, status: int) -> Finding:
    why = f"{told(push)}: a chunk that began one byte after the end of what had been sent was answered {status}."
    return _finding("out-of-order-accepted", push, _ORDER, why)


def _finding(rule: str, push: Operation, clause: str, explanation: str) -> Finding:
    return Finding(
        checker="uploads",
        rule=rule,
        key=push.key,
        operations=(push.index,),
        clause=clause,
        explanation=explanation,
    )
