"""How an operation ended: the deciding reply reduced to what checkers judge. Pure."""

import msgspec

from nscr_cli.client.documents import error_code_of, error_form_of, seconds_of
from nscr_cli.client.outcomes import READS, kind_of
from nscr_cli.client.telling_headers import telling
from nscr_cli.client.transport import Reply
from nscr_cli.history.ops import Answered, F, Kind
from nscr_cli.history.redaction import without_query


class Completion(msgspec.Struct, frozen=True, kw_only=True):
    """The end of an operation.

    Attributes:
        error: why it is not OK.
        document: the bytes of a manifest that was read, where all of them came and were kept. For whoever judges its
            form; a history has no more than what it refers to.
    """

    kind: Kind
    answered: Answered
    error: str | None = None
    document: bytes | None = None


def completed(f: F, reply: Reply, answered: Answered) -> Completion:
    """An operation that its deciding exchange ended.

    Args:
        answered: what the operation knows besides the reply.
    """
    status = reply.status
    kind = kind_of(f, status=status, is_complete=reply.is_complete, was_sent=reply.exchange.sent.anything)
    if kind is not Kind.OK:
        return Completion(kind=kind, answered=_with_reply(answered, reply), error=_reason(reply))
    present = status != 404 if f in READS else None
    return Completion(kind=kind, answered=_with_reply(answered, reply, present))


def given_up(reply: Reply, answered: Answered, why: str | None = None) -> Completion:
    """An operation that ended before its deciding exchange: whatever it was to do, it certainly did not."""
    return Completion(kind=Kind.FAIL, answered=_with_reply(answered, reply), error=why or _reason(reply))


def _with_reply(answered: Answered, reply: Reply, present: bool | None = None) -> Answered:
    response = reply.exchange.response
    if response is None:
        return msgspec.structs.replace(answered, present=present, request_id=reply.request_id)
    header = response.first.get
    location = header("location")
    known = msgspec.structs.replace(
        answered,
        present=present,
        status=response.status,
        header_digest=header("docker-content-digest"),
        length=reply.body.length,
        content_length=response.content_length,
        media_type=header("content-type"),
        location=without_query(location) if location is not None else None,
        retry_after_s=seconds_of(header("retry-after")),
        request_id=reply.request_id,
        headers=telling(response.first, is_success=response.status < 300 and reply.is_complete),
    )
    return _with_error(known, reply) if response.status >= 400 else known


def _with_error(answered: Answered, reply: Reply) -> Answered:
    """What the body of an error says, or what it is instead of one of the specification's."""
    body = bytes(reply.body.kept)
    code = error_code_of(body)
    is_refusal = (reply.status or 0) < 500 and code is None and reply.is_complete and reply.body.is_whole
    return msgspec.structs.replace(answered, error_code=code, error_form=error_form_of(body) if is_refusal else None)


def _reason(reply: Reply) -> str:
    said = ""
    if reply.status is not None:
        code = error_code_of(bytes(reply.body.kept)) if reply.status >= 400 else None
        said = f"{reply.status} {code}" if code else str(reply.status)
        if reply.denial is not None:
            said = f"{said}: {reply.denial}"
    if reply.exchange.failure is None:
        return said
    return f"{said}, then {reply.exchange.failure}" if said else str(reply.exchange.failure)
