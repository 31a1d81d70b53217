"""Performs one operation of a history: the exchanges that it takes, and how it ended. Never a retry.

The last exchange decides. Cancellation closes the connection and leaves the outcome unknown to the caller.
"""

from msgspec.structs import replace

from nscr_cli.client.completions import Completion, completed
from nscr_cli.client.lists import read_list
from nscr_cli.client.pushes import mount_blob, push_blob
from nscr_cli.client.reads import read_blob, read_manifest
from nscr_cli.client.registry import RegistryClient
from nscr_cli.client.steps import Steps
from nscr_cli.client.transport import Reply
from nscr_cli.client.uploads import Locations, perform_step
from nscr_cli.history.invocation import Content, Invocation
from nscr_cli.history.keys import digest_of, repository_of, tag_of
from nscr_cli.history.ops import Answered, F, PushStyle
from nscr_cli.wire.messages import Headers


async def perform(
    registry: RegistryClient,
    invocation: Invocation,
    operation_id: str | None = None,
    locations: Locations | None = None,
) -> Completion:
    """Do what is asked, once.

    Args:
        locations: of the uploads of which clients do one step at a time; of this operation alone where there are none.
        operation_id: the exchanges are named after it, as `<operation id>.<n>` in X-Request-Id.
    """
    steps = Steps(operation_id)
    repository = repository_of(invocation.key)
    match invocation.f:
        case F.PUSH_BLOB:
            style = invocation.asked.style or PushStyle.POST_PUT
            return await push_blob(
                registry,
                repository,
                _content(invocation),
                _digest(invocation),
                style,
                steps,
                out_of_order=invocation.asked.out_of_order,
            )
        case F.MOUNT_BLOB:
            return await mount_blob(registry, repository, _digest(invocation), invocation.asked.source or "", steps)
        case F.START_UPLOAD | F.PATCH_UPLOAD | F.GET_UPLOAD | F.FINISH_UPLOAD | F.CANCEL_UPLOAD:
            return await perform_step(registry, invocation, locations or Locations(), steps)
        case F.GET_BLOB | F.HEAD_BLOB:
            return await read_blob(registry, repository, invocation.f, _digest(invocation), invocation.asked, steps)
        case F.GET_MANIFEST | F.HEAD_MANIFEST:
            reference = _reference(invocation)
            return await read_manifest(registry, repository, invocation.f, reference, invocation.asked, steps)
        case F.LIST_TAGS | F.LIST_PAGE | F.LIST_CATALOG | F.LIST_REFERRERS:
            return await read_list(registry, invocation, steps)
        case F.PUT_MANIFEST:
            reply = await registry.put_manifest(
                repository,
                _reference(invocation),
                _content(invocation),
                invocation.asked.media_type or "",
                tags=invocation.asked.tags,
                conditions=_conditions(invocation),
                request_id=steps.next_id(),
            )
            answered = _with_subject(invocation, reply, steps.answered())
            return completed(invocation.f, reply, _with_tags(invocation, reply, answered))
        case F.DELETE_BLOB:
            reply = await registry.delete_blob(repository, _digest(invocation), request_id=steps.next_id())
        case F.DELETE_TAG | F.DELETE_MANIFEST:
            reply = await registry.delete_manifest(repository, _reference(invocation), request_id=steps.next_id())
    return completed(invocation.f, reply, steps.answered())


def _with_tags(invocation: Invocation, reply: Reply, answered: Answered) -> Answered:
    if not invocation.asked.tags or not reply.is_complete:
        return answered
    said = ",".join(reply.headers("oci-tag")).split(",")
    return replace(answered, tags=tuple(tag for one in said if (tag := one.strip())))


def _with_subject(invocation: Invocation, reply: Reply, answered: Answered) -> Answered:
    if invocation.asked.subject is None or not reply.is_complete:
        return answered
    return replace(answered, subject=reply.header("oci-subject") or "")


def _conditions(invocation: Invocation) -> Headers:
    asked = invocation.asked
    named = (("If-Match", asked.if_match), ("If-None-Match", asked.if_none_match))
    return tuple((name, value) for name, value in named if value is not None)


def _reference(invocation: Invocation) -> str:
    reference = tag_of(invocation.key) or digest_of(invocation.key)
    if reference is None:
        raise ValueError(f"{invocation.f} of {invocation.key!r}: the key names neither tag nor digest")
    return reference


def _digest(invocation: Invocation) -> str:
    digest = digest_of(invocation.key) or invocation.asked.digest
    if digest is None:
        raise ValueError(f"{invocation.f} of {invocation.key!r}: no digest")
    return digest


def _content(invocation: Invocation) -> Content:
    if invocation.content is None:
        raise ValueError(f"{invocation.f} of {invocation.key!r}: nothing to write")
    return invocation.content
