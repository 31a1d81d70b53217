"""The uploads checker: a registry tells how much of an upload it holds, takes chunks in order only, and loses none.

Follows spec.md#pushing-a-blob-in-chunks and #cancel-a-blob-upload. Judges pushes in one operation by the offsets that
came back, and uploads that were done step by step, perhaps by several clients at once, by bounds (upload_rules.py).
That an upload belongs to its repository no specification says: only the registry that the run starts promises it.
"""

from collections import Counter
from collections.abc import Iterable

from nscr_cli.checkers.evidence import conclude, skipped_capabilities
from nscr_cli.checkers.inventory import UPLOAD_STEPS, is_fresh, is_trespass
from nscr_cli.checkers.upload_rules import (
    MALFORMED,
    ORDER,
    RANGE,
    count_refusal,
    finding_of,
    judged_step,
    refused_otherwise,
)
from nscr_cli.checkers.upload_steps import UNREADABLE, UploadSteps
from nscr_cli.checkers.verdict import Finding, Result, judged
from nscr_cli.checkers.wording import told
from nscr_cli.history.history import History, Operation, Whole
from nscr_cli.history.ops import INFO, OK, F, PushStyle
from nscr_cli.history.plan import RunPlan

_KEPT = "an upload that nobody ended is there: the registry that the run started keeps uploads for hours"
_APART = (
    "an upload is its repository's: through the URL of another one the registry that the run started has no such upload"
)
_FLOORS = {
    "offsets": 3,
    "out-of-order-refused": 0,
    "resumed": 0,
    "contended": 0,
    "used-after-cancel": 0,
    "trespasses": 0,
}
_COUNTS = (
    "offsets", "offsets-not-readable", "out-of-order-refused", "out-of-order-refused-otherwise",
    "trespasses", "trespasses-granted",
)  # fmt: skip


class UploadsChecker:
    """Judges what a registry says and does about uploads."""

    @property
    def name(self) -> str:
        return "uploads"

    def check(self, plan: RunPlan, history: History) -> Result:
        return judged(self, plan, history)

    def begin(self, plan: RunPlan, whole: Whole) -> "_Uploads":
        return _Uploads(plan, whole)


class _Uploads:
    """Pushes are judged one by one, and so are uploads."""

    def __init__(self, plan: RunPlan, whole: Whole) -> None:
        self._plan = plan
        self._whole = whole
        self._findings: list[Finding] = []
        self._evidence: Counter[str] = Counter(dict.fromkeys(_COUNTS, 0))
        self._granted: dict[F, Finding] = {}
        self._lost = 0
        self._first_lost: Operation | None = None

    def take(self, part: History) -> None:
        is_ours = is_fresh(part)
        for push in part.of(F.PUSH_BLOB):
            if push.answered.sent_offsets or push.answered.out_of_order_status is not None:
                self._findings += _judged_push(push, self._evidence, is_ours=is_ours)
        uploads: dict[str, list[Operation]] = {}
        trespassed = {one.asked.upload for one in part.elsewhere if is_trespass(one)}
        for one in part.of(*UPLOAD_STEPS):
            if is_trespass(one):
                trespassed.add(one.asked.upload)
                self._take_trespass(one, is_ours=is_ours)
            else:
                uploads.setdefault(one.asked.upload or "", []).append(one)
        for name, operations in uploads.items():
            # What a foreign registry makes of an upload that is asked for in the wrong place, nobody promises.
            if is_ours or name not in trespassed:
                self._take_upload(UploadSteps(operations, is_ours=is_ours))

    def _take_trespass(self, one: Operation, *, is_ours: bool) -> None:
        self._evidence["trespasses"] += one.answered.status is not None
        if one.kind is not OK or one.answered.present is False:
            return
        self._evidence["trespasses-granted"] += 1
        if is_ours:
            why = f"{one.asked.source} is where this upload was begun, and yet: {told(one)}."
            known = self._granted.get(one.f)
            if known is None or one.index < known.operations[0]:
                self._granted[one.f] = finding_of("foreign-upload", (one,), _APART, why)

    def _take_upload(self, upload: UploadSteps) -> None:
        is_ours = upload.is_ours
        upload.count(self._evidence)
        gone = [one for one in upload.operations if one.answered.status == 404 and upload.is_there(one)]
        self._evidence["lost"] += len(gone)
        found = [finding for one in upload.operations for finding in judged_step(one, upload, self._evidence)]
        found += [_lost(one) for one in gone[:1] if is_ours]
        self._findings += found[:1]  # what follows from a broken upload proves nothing more
        if gone and not is_ours and not any(one.kind is INFO or one.faults for one in upload.operations):
            self._lost += 1
            if self._first_lost is None or gone[0].index < self._first_lost.index:
                self._first_lost = gone[0]

    def result(self) -> Result:
        return conclude(
            "uploads",
            self._plan,
            findings=[*self._findings, *self._granted.values()],
            evidence=self._evidence,
            floors=_FLOORS,
            reasons=self._losses(),
            skipped=skipped_capabilities(self._whole, (PushStyle.CHUNKED_PATCH, PushStyle.STREAMED_PATCH)),
        )

    def _losses(self) -> Iterable[str]:
        """How long it keeps an upload is a registry's own affair; but where it keeps none, little was tried."""
        if self._first_lost is not None:
            example = told(self._first_lost)
            yield f"{self._lost} uploads were gone that nobody had ended, with no fault in the way, e.g. {example}"


def _judged_push(push: Operation, evidence: Counter[str], *, is_ours: bool) -> Iterable[Finding]:
    pairs = list(zip(push.answered.sent_offsets, push.answered.stored_offsets, strict=False))
    if push.kind is not OK:
        # The last chunk of a push that did not succeed may have been refused or cut: then less is stored, rightly.
        pairs = pairs[:-1]
    readable = sum(one != UNREADABLE for _, one in pairs)
    evidence["offsets"] += readable
    evidence["offsets-not-readable"] += len(pairs) - readable
    status = push.answered.out_of_order_status
    if status is not None:
        count_refusal(status, evidence)
    if status is not None and 200 <= status < 300:  # where the other chunks came to lie follows from that
        why = f"{told(push)}: a chunk that began one byte after the end of what had been sent was answered {status}."
        yield finding_of("out-of-order-accepted", (push,), ORDER, why)
        return
    if status == MALFORMED and is_ours and not push.faults:
        yield refused_otherwise(push)
        return
    for said, held in pairs:
        if held not in (UNREADABLE, said) and not (said == 0 and held == 1):
            why = f"{told(push)} ({push.asked.style}): {said} bytes had been sent, and Range said {held}."
            yield finding_of("wrong-range", (push,), RANGE, why)
            return


def _lost(one: Operation) -> Finding:
    return finding_of("lost-upload", (one,), _KEPT, f"Nobody had ended this upload, and yet: {told(one)}.")
