"""Reads of blobs and manifests: whole, in part, on a condition, in one of several media types.

Every byte that comes is hashed; a read of a blob follows at most one redirect, without credentials where it leads
elsewhere. Validators and the description of a range are kept only where they were asked for.
"""

from msgspec.structs import replace

from nscr_cli.client.byte_ranges import parts_of
from nscr_cli.client.completions import Completion, completed, given_up
from nscr_cli.client.documents import ForeignLocation, references_of
from nscr_cli.client.registry import ACCEPT, RegistryClient
from nscr_cli.client.steps import Steps
from nscr_cli.client.transport import Reply
from nscr_cli.history.ops import Answered, Asked, F, Kind
from nscr_cli.wire.messages import Headers

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_SERVED = frozenset({200, 206})
_NOT_MODIFIED = 304


async def read_blob(
    registry: RegistryClient, repository: str, f: F, digest: str, asked: Asked, steps: Steps
) -> Completion:
    """GET or HEAD a blob."""
    headers = _headers(asked)

    async def read(location: str | None) -> Reply:
        name = steps.next_id()
        if f is F.HEAD_BLOB:
            return await registry.head_blob(repository, digest, headers=headers, location=location, request_id=name)
        return await registry.get_blob(repository, digest, headers=headers, location=location, request_id=name)

    async def follow(reply: Reply, location: str) -> Reply:
        try:
            return await read(registry.resolve(reply, location))
        except ForeignLocation:
            if f is F.HEAD_BLOB:  # elsewhere means a signed URL, and it is signed for GET
                raise
        return await registry.get_elsewhere(reply, location, digest, headers=headers, request_id=steps.next_id())

    reply = await read(None)
    location = reply.header("location")
    if reply.status in _REDIRECTS and location is not None:
        try:
            reply = await follow(reply, location)
        except ForeignLocation as error:
            return given_up(reply, steps.answered(), f"{reply.status}, not followed: {error}")
    return _concluded(f, reply, _with_digest(steps.answered(), reply, f), asked)


async def read_manifest(
    registry: RegistryClient, repository: str, f: F, reference: str, asked: Asked, steps: Steps
) -> Completion:
    """GET or HEAD a manifest by tag or digest."""
    accept = ACCEPT
    if asked.accept is not None:
        accept = (("Accept", asked.accept),) if asked.accept else ()
    headers, name = (*accept, *_headers(asked)), steps.next_id()
    if f is F.HEAD_MANIFEST:
        reply = await registry.head_manifest(repository, reference, headers=headers, request_id=name)
        return _concluded(f, reply, steps.answered(), asked)
    reply = await registry.get_manifest(repository, reference, headers=headers, request_id=name)
    is_whole = reply.status in _SERVED and reply.is_complete and reply.body.is_whole
    document = bytes(reply.body.kept) if is_whole else None
    answered = _with_digest(steps.answered(), reply, f, document)
    return replace(_concluded(f, reply, answered, asked), document=document)


def _headers(asked: Asked) -> Headers:
    headers: list[tuple[str, str]] = []
    if asked.range_text is not None:
        headers.append(("Range", asked.range_text))
    elif asked.range is not None:
        headers.append(("Range", f"bytes={asked.range[0]}-{asked.range[1]}"))
    if asked.if_range is not None:
        headers.append(("If-Range", asked.if_range))
    if asked.if_none_match is not None:
        headers.append(("If-None-Match", asked.if_none_match))
    if asked.if_modified_since is not None:
        headers.append(("If-Modified-Since", asked.if_modified_since))
    return tuple(headers)


def _concluded(f: F, reply: Reply, answered: Answered, asked: Asked) -> Completion:
    completion = completed(f, reply, _with_range(answered, reply, asked))
    if asked.keeps_validators:
        kept = replace(completion.answered, etag=reply.header("etag"), last_modified=reply.header("last-modified"))
        completion = replace(completion, answered=kept)
    is_conditional = asked.if_none_match is not None or asked.if_modified_since is not None
    if is_conditional and reply.status == _NOT_MODIFIED and reply.is_complete:
        return Completion(kind=Kind.OK, answered=replace(completion.answered, present=True))
    if asked.accept is not None and completion.answered.present is False:
        # It may be there in another form than those that were accepted: that is no observation of absence.
        error = f"{reply.status} {completion.answered.error_code or ''}".strip()
        return Completion(kind=Kind.FAIL, answered=replace(completion.answered, present=None), error=error)
    return completion


def _with_range(answered: Answered, reply: Reply, asked: Asked) -> Answered:
    """How the answer to a range describes itself."""
    if (asked.range is None and asked.range_text is None) or reply.status not in (206, 416):
        return answered
    answered = replace(answered, content_range=reply.header("content-range"))
    if asked.range_text is None or reply.status != 206 or not (reply.is_complete and reply.body.is_whole):
        return answered
    return replace(answered, parts=parts_of(reply.header("content-type"), bytes(reply.body.kept)) or ())


def _with_digest(answered: Answered, reply: Reply, f: F, document: bytes | None = None) -> Answered:
    """The digest of what came, if all of it came, and the edges of a manifest."""
    if f is F.HEAD_BLOB or reply.status not in _SERVED or not reply.is_complete:
        return answered
    references = references_of(document) if document is not None else None
    return Answered(exchanges=answered.exchanges, digest=reply.body.digest, references=references)
