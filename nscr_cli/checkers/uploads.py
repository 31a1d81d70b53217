"""The uploads checker: after each chunk a registry tells how much it holds, and it takes chunks in order only.

Follows spec.md#pushing-a-blob-in-chunks.

`Range` is inclusive, so that "0-0" may mean one byte or none at all: both are accepted where nothing was sent yet
(distribution/distribution#2363). Where a registry says nothing readable there is nothing to judge, only less evidence.
"""

from nscr_cli.checkers.evidence import conclude, skipped_capabilities
from nscr_cli.checkers.verdict import Finding, Result
from nscr_cli.checkers.wording import told
from nscr_cli.history.history import History, Operation
from nscr_cli.history.ops import F, Kind, PushStyle
from nscr_cli.history.plan import RunPlan

_CLAUSE = "spec.md#pushing-a-blob-in-chunks: Range tells the bytes that the registry has received"
_ORDER = "spec.md#pushing-a-blob-in-chunks: a chunk that is uploaded out of order MUST be answered 416"
_FLOORS = {"offsets": 3, "out-of-order-refused": 0}
_UNREADABLE = -1
_REFUSED = 416


class UploadsChecker:
    """Judges the offsets that a registry reports during uploads."""

    @property
    def name(self) -> str:
        return "uploads"

    def check(self, plan: RunPlan, history: History) -> Result:
        findings: list[Finding] = []
        offsets = unreadable = refused = refused_otherwise = 0
        for push in history.operations:
            if push.f is not F.PUSH_BLOB:
                continue
            pairs = _judged(push)
            offsets += sum(stored != _UNREADABLE for _, stored in pairs)
            unreadable += sum(stored == _UNREADABLE for _, stored in pairs)
            wrong = [pair for pair in pairs if not _agrees(*pair)]
            if wrong:
                findings.append(_wrong_range(push, *wrong[0]))
            status = push.answered.out_of_order_status
            refused += status == _REFUSED
            refused_otherwise += status is not None and status >= 300 and status != _REFUSED
            if status is not None and 200 <= status < 300:
                findings.append(_accepted(push, status))
        return conclude(
            self.name,
            plan,
            findings=findings,
            evidence={
                "offsets": offsets,
                "offsets-not-readable": unreadable,
                "out-of-order-refused": refused,
                "out-of-order-refused-otherwise": refused_otherwise,
            },
            floors=_FLOORS,
            skipped=skipped_capabilities(history, (PushStyle.CHUNKED_PATCH, PushStyle.STREAMED_PATCH)),
        )


def _judged(push: Operation) -> list[tuple[int, int]]:
    """Pairs of what was sent and what was said to be stored, after each chunk that was accepted."""
    pairs = list(zip(push.answered.sent_offsets, push.answered.stored_offsets, strict=False))
    # The last chunk of a push that did not succeed may have been refused or cut: then less is stored, rightly.
    return pairs if push.kind is Kind.OK else pairs[:-1]


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
