"""The idempotency checker: a write that was acknowledged is acknowledged again, whoever repeats it, at once or later.

Pushes of one blob to one repository and puts of one manifest under one reference are the same write (RFC 9110, 9.2.2:
PUT is idempotent; spec.md#pushing-manifests, #pushing-blobs). What a first try that nobody answered has left, the
second must cope with. A registry may keep tags from being written twice, so that a conflict under a tag proves nothing.
"""

from collections import Counter
from collections.abc import Iterable, Sequence

from nscr_cli.checkers.evidence import conclude
from nscr_cli.checkers.inventory import (
    BLOB_READS,
    BLOB_WRITES,
    UPLOAD_STEPS,
    Inventory,
    found_nothing,
    is_fresh,
    is_trespass,
)
from nscr_cli.checkers.refusals import is_refusal
from nscr_cli.checkers.upload_steps import UploadSteps
from nscr_cli.checkers.verdict import Finding, Result, judged
from nscr_cli.checkers.wording import told
from nscr_cli.history.history import History, Operation, Whole
from nscr_cli.history.keys import digest_key, repository_of, tag_of
from nscr_cli.history.ops import FAIL, INFO, OK, F
from nscr_cli.history.plan import RunPlan

_REPEATED = "RFC 9110, 9.2.2; spec.md#pushing-blobs, #pushing-manifests: what was accepted is accepted again"
_CLOSED = "an upload that was closed without an answer is open still, or its blob is there: our registry promises it"
_FLOORS = {"repeats": 3, "parallel": 0, "unsure-repeats": 0}
_COUNTS = ("repeats", "parallel", "unsure-repeats", "deletes-repeated", "closed-and-gone")
_CONFLICT = 409


class IdempotencyChecker:
    """Judges writes that were done more than once."""

    @property
    def name(self) -> str:
        return "idempotency"

    def check(self, plan: RunPlan, history: History) -> Result:
        return judged(self, plan, history)

    def begin(self, plan: RunPlan, whole: Whole) -> "_Repeats":
        return _Repeats(plan)


class _Repeats:
    """Each group of identical writes is judged by itself."""

    def __init__(self, plan: RunPlan) -> None:
        self._plan = plan
        self._findings: list[Finding] = []
        self._conflicts: list[Operation] = []
        self._evidence: Counter[str] = Counter(dict.fromkeys(_COUNTS, 0))

    def take(self, part: History) -> None:
        deleted = _first_deletes(part)
        writes: dict[tuple[str, str | None], list[Operation]] = {}
        for one in part.of(F.PUSH_BLOB, F.FINISH_UPLOAD, F.PUT_MANIFEST):
            if not (one.asked.wrong_bytes or one.asked.out_of_order):
                writes.setdefault((one.key, one.asked.digest), []).append(one)
        for group in writes.values():
            if len(group) > 1:
                self._take_group(group, deleted, part.shared(Inventory))
        self._take_ends(part)
        deletes: dict[tuple[F, str], list[Operation]] = {}
        for one in part.of(F.DELETE_BLOB, F.DELETE_MANIFEST, F.DELETE_TAG):
            deletes.setdefault((one.f, one.key), []).append(one)
        self._evidence["deletes-repeated"] += sum(
            one.kind is OK or one.answered.status == 404 for group in deletes.values() for one in group[1:]
        )

    def result(self) -> Result:
        reasons = []
        if self._conflicts:
            example = told(min(self._conflicts, key=lambda one: one.index))
            why = "refused as a conflict, which an immutable tag may be"
            reasons.append(f"{len(self._conflicts)} repeated writes of a tag were {why}, e.g. {example}")
        return conclude(
            "idempotency",
            self._plan,
            findings=self._findings,
            evidence=self._evidence,
            floors=_FLOORS,
            reasons=reasons,
        )

    def _take_group(self, group: Sequence[Operation], deleted: dict[str, int], inventory: Inventory) -> None:
        acknowledged = min((one for one in group if one.kind is OK), key=lambda one: one.end_ns, default=None)
        last_end, last_process, is_unsure = -1, -1, False
        for one in group:
            if one.kind is OK:
                self._evidence["repeats"] += last_end >= 0 or is_unsure
                self._evidence["unsure-repeats"] += is_unsure
                self._evidence["parallel"] += one.start_ns <= last_end and one.process != last_process
            elif acknowledged is not None and one.f is not F.FINISH_UPLOAD and one.kind is FAIL and not one.faults:
                self._judge(one, acknowledged, group, deleted, inventory)
            is_unsure = is_unsure or one.kind is INFO or bool(one.faults)
            if one.kind is OK and one.end_ns > last_end:
                last_end, last_process = one.end_ns, one.process

    def _judge(
        self,
        one: Operation,
        acknowledged: Operation,
        group: Sequence[Operation],
        deleted: dict[str, int],
        inventory: Inventory,
    ) -> None:
        is_conflict = one.answered.status == _CONFLICT
        if not (is_conflict or is_refusal(one)) or _may_lack_something(one, deleted):
            return
        if not is_conflict and _may_be_collected(one, acknowledged, inventory):
            return
        first: Operation | None = acknowledged if acknowledged.end_ns < one.start_ns else None
        if first is None and is_conflict:
            at_once = (other for other in group if other.kind is OK and other.start_ns <= one.end_ns)
            first = next((other for other in at_once if other.end_ns >= one.start_ns), None)
        if first is None:
            return
        if is_conflict and tag_of(one.key) is not None:
            self._conflicts.append(one)
            return
        why = f"{told(first)}. The same again: {told(one)}."
        self._findings.append(_finding("refused-repeat", (first, one), _REPEATED, why))

    def _take_ends(self, part: History) -> None:
        """Uploads of which a closing PUT was not answered, the next was answered 404, and the blob is not there."""
        unsure = {one.asked.upload for one in part.of(F.FINISH_UPLOAD) if one.kind is INFO and not is_trespass(one)}
        if not unsure:
            return
        uploads: dict[str, list[Operation]] = {}
        for one in part.of(*UPLOAD_STEPS):
            if one.asked.upload in unsure and not is_trespass(one):
                uploads.setdefault(one.asked.upload or "", []).append(one)
        looks: dict[str, list[Operation]] = {}
        for one in part.of(*BLOB_READS, *BLOB_WRITES, F.DELETE_BLOB):
            looks.setdefault(one.key, []).append(one)
        is_ours = is_fresh(part)
        for operations in uploads.values():
            ends = _unheard_and_gone(operations)
            if ends is None:
                continue
            first, second = ends
            after = next((one for one in looks[first.key] if one.start_ns > second.end_ns), None)
            is_deleted = any(one.f is F.DELETE_BLOB for one in looks[first.key])
            if after is None or is_deleted or after.f not in BLOB_READS or not found_nothing(after):
                continue
            self._evidence["closed-and-gone"] += 1
            if is_ours:
                why = f"{told(first)}. Then {told(second)}, and {told(after)}."
                self._findings.append(_finding("closed-and-gone", (first, second, after), _CLOSED, why))


def _unheard_and_gone(operations: Sequence[Operation]) -> tuple[Operation, Operation] | None:
    """A closing PUT that must have succeeded if it was heard and was not answered, and the next, answered 404.

    None where anything else may have ended the upload, or it may not have been whole.
    """
    ends = [one for one in operations if one.f in (F.FINISH_UPLOAD, F.CANCEL_UPLOAD)][:2]
    if len(ends) < 2 or any(one.f is F.CANCEL_UPLOAD or one.asked.wrong_bytes for one in ends):
        return None
    first, second = ends
    if first.kind is not INFO or second.answered.status != 404:
        return None
    before = UploadSteps([one for one in operations if one.start_ns < second.start_ns])
    return (first, second) if before.is_whole(first) else None


def _first_deletes(part: History) -> dict[str, int]:
    """When the first delete began that may have taken what lies under a key."""
    first: dict[str, int] = {}
    for one in part.of(F.DELETE_BLOB, F.DELETE_MANIFEST):
        if one.kind is not FAIL:
            first[one.key] = min(first.get(one.key, one.start_ns), one.start_ns)
    return first


def _may_lack_something(one: Operation, deleted: dict[str, int]) -> bool:
    """Whether anything that a manifest refers to may have been deleted by the time that it was refused."""
    repository = repository_of(one.key)
    references = (digest_key(repository, reference.digest) for reference in one.asked.references)
    return any(key in deleted and deleted[key] <= one.end_ns for key in references)


def _may_be_collected(one: Operation, acknowledged: Operation, inventory: Inventory) -> bool:
    """Whether a registry of others may have collected a blob that a manifest refers to since it was acknowledged."""
    repository = repository_of(one.key)
    return any(
        inventory.holds(repository, reference, one.start_ns, one.end_ns) is None
        and inventory.may_be_collected(digest_key(repository, reference.digest), acknowledged.start_ns, one.end_ns)
        for reference in one.asked.references
        if not reference.is_manifest
    )


def _finding(rule: str, operations: Iterable[Operation], clause: str, explanation: str) -> Finding:
    ordered = sorted(operations, key=lambda one: one.index)
    return Finding(
        checker="idempotency",
        rule=rule,
        key=ordered[-1].key,
        operations=tuple(one.index for one in ordered),
        clause=clause,
        explanation=explanation,
    )
