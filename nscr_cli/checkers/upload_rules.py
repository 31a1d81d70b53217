"""What each step of an upload may be answered, given what the others bound (upload_steps.py).

`Range` is inclusive, so that "0-0" may mean one byte or none at all: both are accepted where nothing was sent yet
(distribution/distribution#2363). Where a registry says nothing readable there is nothing to judge, only less evidence.
"""

from collections import Counter
from collections.abc import Iterable

from nscr_cli.checkers.refusals import is_refusal
from nscr_cli.checkers.upload_steps import UNREADABLE, UploadSteps, is_as_said, reach, sent, stored
from nscr_cli.checkers.verdict import Finding
from nscr_cli.checkers.wording import told
from nscr_cli.history.history import Operation
from nscr_cli.history.ops import OK, F

RANGE = "spec.md#pushing-a-blob-in-chunks: Range tells the bytes that the registry has received"
ORDER = "spec.md#pushing-a-blob-in-chunks: a chunk that is uploaded out of order MUST be answered 416"
_LENGTH = "a chunk is as long as its Content-Range says: the registry that the run started refuses others"
_ACCEPTED = "spec.md#pushing-a-blob-in-chunks: a chunk that begins where the upload ends is accepted"
_DIGEST = "spec.md#pushing-blobs: the digest must match the blob's digest; other bytes are refused"
_CLOSED = "spec.md#pushing-a-blob-in-chunks: once all bytes were received, the upload is closed with their digest"
_CANCELLED = "spec.md#cancel-a-blob-upload; RFC 9110, 9.3.5: what was cancelled is gone"
_REFUSED = 416
MALFORMED = 400


def judged_step(one: Operation, upload: UploadSteps, evidence: Counter[str]) -> Iterable[Finding]:
    """What one step of an upload proves against the registry, as far as the others bound it."""
    cancel = upload.cancel(one)
    if cancel is not None:
        evidence["used-after-cancel"] += one.f is not F.CANCEL_UPLOAD
        if one.f is not F.CANCEL_UPLOAD and one.kind is OK and one.answered.present is not False:
            yield finding_of("undead-upload", (cancel, one), _CANCELLED, f"{told(cancel)}, and yet: {told(one)}.")
        return
    if one.f is F.PATCH_UPLOAD:
        yield from _judged_chunk(one, upload, evidence)
        yield from _mixed(one, upload)
    if one.f in (F.PATCH_UPLOAD, F.GET_UPLOAD) and one.kind is OK and one.answered.present is not False:
        yield from _judged_offset(one, upload, evidence)
    if one.f is F.FINISH_UPLOAD and not one.asked.wrong_bytes:  # of wrong digests, the blobs checker judges
        yield from _judged_end(one, upload, evidence)


def _judged_chunk(one: Operation, upload: UploadSteps, evidence: Counter[str]) -> Iterable[Finding]:
    """A chunk in the wrong place is refused, one in the right place is not."""
    status = one.answered.status
    if one.asked.range is None or status is None or not sent(one):
        return
    if not is_as_said(one):
        evidence["other-length-accepted" if one.kind is OK else "other-length-refused"] += 1
        if upload.is_ours and one.kind is OK and not one.faults:
            why = f"{told(one)}: it is not as long as its Content-Range says."
            yield finding_of("mislabelled-chunk", (one,), _LENGTH, why)
        return
    first = one.asked.range[0]
    least, proof = upload.least(one)
    most = upload.most(one.end_ns, without=one)
    if first < least or first > most:
        count_refusal(status, evidence)
        if one.kind is OK:
            why = f"Of the upload, {_between(least, most)} bytes were there, and yet: {told(one)}."
            shown = (proof,) if proof is not None else ()
            yield finding_of("out-of-order-accepted", (*shown, one), ORDER, why)
        elif upload.is_ours and status == MALFORMED and not one.faults:
            yield refused_otherwise(one)
        return
    is_certain = first == least == most and upload.is_there(one) and upload.is_alone(one) and not one.faults
    if status == _REFUSED and is_certain and not upload.least_chunk:
        why = f"The upload held {least} bytes, and the chunk begins there, and yet: {told(one)}."
        yield finding_of("refused-chunk", (*((proof,) if proof is not None else ()), one), _ACCEPTED, why)


def _mixed(one: Operation, upload: UploadSteps) -> Iterable[Finding]:
    """Of two chunks for one place that differ, the second is out of order whichever that was, and so not accepted."""
    if not (one.asked.wrong_bytes and one.kind is OK and one.asked.range is not None):
        return
    for other in upload.operations:
        is_rival = other.f is F.PATCH_UPLOAD and other.kind is OK and not other.asked.wrong_bytes
        is_same_place = other.asked.range == one.asked.range and is_as_said(other) and is_as_said(one)
        if is_rival and is_same_place and upload.is_there(one) and upload.is_there(other):
            why = f"Two chunks for one place that differ were both accepted: {told(other)}. And {told(one)}."
            yield finding_of("mixed-chunks", (other, one), ORDER, why)
            return


def _judged_offset(one: Operation, upload: UploadSteps, evidence: Counter[str]) -> Iterable[Finding]:
    said = stored(one)
    if said == UNREADABLE:
        evidence["offsets-not-readable"] += 1
        return
    evidence["offsets"] += 1
    certain, proof = upload.least(one)
    is_plain_chunk = one.f is F.PATCH_UPLOAD and is_as_said(one)
    least = max(certain, reach(one)) if is_plain_chunk else certain
    most = upload.most(one.end_ns)
    if least <= said <= most or (said == 1 and least == 0):
        return
    shown = (proof,) if proof is not None else ()
    if is_plain_chunk and one.asked.range is not None and certain < one.asked.range[0] and said < least:
        # Its answer does not reach to its end: most likely what lies before it was not there, and it had to be refused.
        why = (
            f"Range said {said} after a chunk that ends at {reach(one)}, before which {certain} bytes were certain: it"
        )
        yield finding_of(
            "out-of-order-accepted",
            (*shown, one),
            ORDER,
            f"{why} was accepted out of order, or Range lies: {told(one)}.",
        )
        return
    rule = "wrong-range" if one.f is F.PATCH_UPLOAD else "untrue-status"
    why = f"By what had been sent, the upload held {_between(least, most)} bytes, and Range said {said}: {told(one)}."
    yield finding_of(rule, (*shown, one), RANGE, why)


def _judged_end(one: Operation, upload: UploadSteps, evidence: Counter[str]) -> Iterable[Finding]:
    """An upload is closed when all its bytes are there, and they are the blob's; then it can be."""
    writers = upload.may_write(one.end_ns)
    others = [writer for writer in writers if writer.asked.wrong_bytes]
    most = upload.most(one.end_ns)
    if one.kind is OK:
        yield from _closed_out_of_order(one, upload, evidence)
        if most < upload.size:
            why = f"No more than {most} of {upload.size} bytes had been sent, and yet: {told(one)}."
            yield finding_of("wrong-bytes-accepted", (one,), _DIGEST, why)
        for other in others:
            if other.kind is OK and other.end_ns < one.start_ns and not _replaced(other, writers):
                why = f"{told(other)}: other bytes than the blob's. And yet: {told(one)}."
                yield finding_of("wrong-bytes-accepted", (other, one), _DIGEST, why)
        return
    _, proof = upload.least(one)
    if not (upload.is_whole(one) and is_refusal(one, is_ours=upload.is_ours)) or one.answered.status == 404:
        return
    if one.answered.error_code == "DIGEST_INVALID" or upload.is_calm():
        why = f"All {upload.size} bytes had been acknowledged, each in its place, and yet: {told(one)}."
        yield finding_of("refused-write", (*((proof,) if proof is not None else ()), one), _CLOSED, why)
    else:
        evidence["closing-refused-otherwise"] += 1


def _closed_out_of_order(one: Operation, upload: UploadSteps, evidence: Counter[str]) -> Iterable[Finding]:
    """A last chunk that says that it lies elsewhere. With the right digest no harm is done: judged of our own alone."""
    if one.asked.range is None or not upload.is_there(one):
        return
    least, proof = upload.least(one)
    most = upload.most(one.end_ns, without=one)
    if least <= one.asked.range[0] <= most:
        return
    evidence["closed-out-of-order"] += 1
    if upload.is_ours:
        why = f"Of the upload, {_between(least, most)} bytes were there, and yet: {told(one)}."
        yield finding_of("out-of-order-accepted", (*((proof,) if proof is not None else ()), one), ORDER, why)


def _replaced(other: Operation, writers: Iterable[Operation]) -> bool:
    """Whether bytes of the blob may lie where other ones were put."""
    first, end = other.asked.range[0] if other.asked.range is not None else 0, reach(other)
    return any(
        not writer.asked.wrong_bytes
        and (writer.asked.range is None or (writer.asked.range[0] < end and reach(writer) > first))
        for writer in writers
    )


def count_refusal(status: int, evidence: Counter[str]) -> None:
    """A chunk that had to be refused: as specified, or otherwise, which is counted and not judged."""
    evidence["out-of-order-refused"] += status == _REFUSED
    evidence["out-of-order-refused-otherwise"] += status >= 300 and status != _REFUSED


def refused_otherwise(one: Operation) -> Finding:
    """Many registries answer 400 there, and no harm is done; the one that the run started says 416."""
    return finding_of(
        "wrong-refusal", (one,), ORDER, f"A chunk out of order was refused, but not with 416: {told(one)}."
    )


def _between(least: int, most: int) -> str:
    return str(least) if least == most else f"{least} to {most}"


def finding_of(rule: str, operations: tuple[Operation, ...], clause: str, explanation: str) -> Finding:
    """A finding about the blob that the last of these operations is about."""
    return Finding(
        checker="uploads",
        rule=rule,
        key=operations[-1].key,
        operations=tuple(sorted(one.index for one in operations)),
        clause=clause,
        explanation=explanation,
    )
