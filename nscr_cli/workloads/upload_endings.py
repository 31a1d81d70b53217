"""Ends of an upload that no registry must take: too early, out of place, other bytes, another digest, cancelled."""

from typing import TYPE_CHECKING

import msgspec

from nscr_cli.generators import invocations
from nscr_cli.history.invocation import Content, Invocation
from nscr_cli.history.ops import Kind
from nscr_cli.workloads.steps import Step, in_order

if TYPE_CHECKING:
    from nscr_cli.workloads.uploads import Upload

LEAST = 16  # bytes of a blob, so that no other upload of the run has the same


def close_early(upload: "Upload") -> Step:
    """With the right digest, while bytes are missing: refused, and what becomes of the upload is its registry's."""
    finish = invocations.finish_upload(upload.repository, upload.blob, upload.name)
    return _expecting_refusal(upload, finish)


def close_misplaced(upload: "Upload", first: int) -> Step:
    """With the last chunk, which says that it lies one byte further on than it does."""
    finish = invocations.finish_upload(upload.repository, upload.blob, upload.name, first)
    asked = msgspec.structs.replace(finish.asked, range=(first + 1, upload.blob.size))
    return _expecting_refusal(upload, msgspec.structs.replace(finish, asked=asked))


def claim_another(upload: "Upload") -> Step:
    """With the digest of another blob, all bytes being there."""
    other = Content.seeded(f"{upload.turn.nonce}/claimed/{upload.number}", upload.blob.size + LEAST)
    return _expecting_refusal(upload, invocations.finish_wrongly(upload.repository, upload.blob, upload.name, other))


def _expecting_refusal(upload: "Upload", finish: Invocation) -> Step:
    calm = msgspec.structs.replace(upload, is_calm=True, ending="close")
    read = upload.read()
    return Step(
        finish, lambda event: calm.ask() if event.kind is Kind.FAIL else read, resumed=lambda _event: calm.ask()
    )


def send_foreign(upload: "Upload", first: int) -> Step:
    """Other bytes as the last chunk: the closing PUT must be refused, and the blob is pushed anew."""
    foreign = Content.seeded(f"{upload.turn.nonce}/foreign/{upload.number}", upload.blob.size - first + LEAST)
    chunk = invocations.part_of(foreign, 0, upload.blob.size - first)
    calm = msgspec.structs.replace(upload, is_calm=True, ending="close")
    if chunk.digest == invocations.part_of(upload.blob, first, upload.blob.size).digest:
        return calm.finish(first)
    span = (first, upload.blob.size - 1)
    patch = invocations.patch_upload(upload.repository, upload.blob, upload.name, chunk, span, wrong_bytes=True)
    finish = invocations.finish_upload(upload.repository, upload.blob, upload.name)
    cancel = invocations.cancel_upload(upload.repository, upload.blob, upload.name)
    after = Step(finish, lambda _event: Step(cancel, lambda _over: calm.start()))
    return Step(patch, lambda _event: after, resumed=lambda _event: calm.start())


def cancel(upload: "Upload", last_from: int | None) -> Step:
    """Give it up, and use it all the same: whatever was cancelled is gone."""
    end = upload.blob.size
    uses = [
        invocations.get_upload(upload.repository, upload.blob, upload.name),
        invocations.finish_upload(upload.repository, upload.blob, upload.name, last_from),
    ]
    if last_from is not None:
        uses.append(upload.patch(last_from, end, (last_from, end - 1)))
    upload.chance("uses").shuffle(uses)
    uses.append(invocations.head_blob(upload.repository, upload.blob.digest, upload.blob.size))
    return in_order([invocations.cancel_upload(upload.repository, upload.blob, upload.name), *uses])
