"""The uploads checker: after each chunk a registry tells how much it holds (spec.md#pushing-a-blob-in-chunks).

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
_FLOORS = {"offsets": 3}
_UNREADABLE = -1


class UploadsChecker:
    """Judges the offsets that a registry reports during uploads."""

    @property
    def name(self) -> str:
        return "uploads"

    def check(self, plan: RunPlan, history: History) -> Result:
        findings: list[Finding] = []
        offsets = unreadable = 0
        for push in history.operations:
            if push.f is not F.PUSH_BLOB:
                continue
            pairs = _judged(push)
            offsets += sum(stored != _UNREADABLE for _, stored in pairs)
            unreadable += sum(stored == _UNREADABLE for _, stored in pairs)
            wrong = [pair for pair in pairs if not _agrees(*pair)]
            if wrong:
                findings.append(_finding(push, *wrong[0]))
        return conclude(
            self.name,
            plan,
            findings=findings,
            evidence={"offsets": offsets, "offsets-not-readable": unreadable},
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


def _finding(push: Operation, sent: int, stored: int) -> Finding:
    return Finding(
        checker="uploads",
        rule="wrong-range",
        key=push.key,
        operations=(push.index,),
        clause=_CLAUSE,
        explanation=f"{told(push)} ({push.asked.style}): {sent} bytes had been sent, and Range said {stored}.",
    )
