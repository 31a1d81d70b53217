"""Performs one operation of a history: the exchanges that it takes, and how it ended. Never a retry.

The last exchange decides. Cancellation closes the connection and leaves the outcome unknown to the caller.
"""

from collections.abc import Awaitable, Callable

from nscr_cli.client.completions import Completion, completed, given_up
from nscr_cli.client.documents import ForeignLocation, next_link, referrers_of, tags_of
from nscr_cli.client.pushes import mount_blob, push_blob
from nscr_cli.client.reads import read_blob, read_manifest
from nscr_cli.client.registry import RegistryClient, Reply
from nscr_cli.client.steps import Steps
from nscr_cli.client.uploads import Locations, perform_step
from nscr_cli.history.invocation import Content, Invocation
from nscr_cli.history.keys import digest_of, repository_of, tag_of
from nscr_cli.history.ops import Answered, F, Kind, PushStyle, Referrer

MOST_PAGES = 10_000


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
        case F.LIST_TAGS:
            return await _list_tags(registry, repository, invocation.asked.page_size, steps)
        case F.LIST_REFERRERS:
            return await _list_referrers(registry, repository, invocation, steps)
        case F.PUT_MANIFEST:
            reply = await registry.put_manifest(
                repository,
                _reference(invocation),
                _content(invocation),
                invocation.asked.media_type or "",
                request_id=steps.next_id(),
            )
        case F.DELETE_BLOB:
            reply = await registry.delete_blob(repository, _digest(invocation), request_id=steps.next_id())
        case F.DELETE_TAG | F.DELETE_MANIFEST:
            reply = await registry.delete_manifest(repository, _reference(invocation), request_id=steps.next_id())
    return completed(invocation.f, reply, steps.answered())


async def _list_tags(registry: RegistryClient, repository: str, page_size: int | None, steps: Steps) -> Completion:
    tags: list[str] = []
    longest = 0

    async def fetch(location: str | None) -> Reply:
        return await registry.list_tags(repository, page_size=page_size, location=location, request_id=steps.next_id())

    def read(reply: Reply) -> bool:
        nonlocal longest
        page = tags_of(bytes(reply.body.kept))
        tags.extend(page or ())
        longest = max(longest, len(page or ()))
        return page is not None

    def known() -> Answered:
        return Answered(exchanges=steps.count, tags=tuple(tags), longest_page=longest)

    return await _all_pages(registry, F.LIST_TAGS, "tags", fetch, read, known)


async def _list_referrers(
    registry: RegistryClient, repository: str, invocation: Invocation, steps: Steps
) -> Completion:
    referrers: list[Referrer] = []
    filters: list[bool] = []
    artifact_type = invocation.asked.artifact_type

    async def fetch(location: str | None) -> Reply:
        return await registry.list_referrers(
            repository,
            _digest(invocation),
            artifact_type=artifact_type,
            location=location,
            request_id=steps.next_id(),
        )

    def read(reply: Reply) -> bool:
        page = referrers_of(bytes(reply.body.kept))
        referrers.extend(page or ())
        filters.append("artifactType" in (reply.header("oci-filters-applied") or ""))
        return page is not None

    def known() -> Answered:
        is_filtered = artifact_type is not None and bool(filters) and all(filters)
        return Answered(exchanges=steps.count, referrers=tuple(referrers), is_filtered=is_filtered)

    return await _all_pages(registry, F.LIST_REFERRERS, "referrers", fetch, read, known)


async def _all_pages(
    registry: RegistryClient,
    f: F,
    things: str,
    fetch: Callable[[str | None], Awaitable[Reply]],
    read: Callable[[Reply], bool],
    known: Callable[[], Answered],
) -> Completion:
    """All pages of a list. Each may see the registry at another instant, all within the operation's interval.

    Args:
        fetch: the first page, or the one at a location.
        read: takes in a page; False where it is no list.
        known: what the pages so far amount to.
    """
    seen: set[str] = set()
    location: str | None = None
    for _ in range(MOST_PAGES):
        reply = await fetch(location)
        if reply.status == 200 and reply.is_complete and not read(reply):
            return given_up(reply, known(), f"200 with a body that is no list of {things}")
        completion = completed(f, reply, known())
        following = next_link(reply.headers("link"))
        if completion.kind is not Kind.OK or reply.status != 200 or following is None:
            return completion
        try:
            location = registry.resolve(reply, following)
        except ForeignLocation as error:
            return given_up(reply, known(), f"Link not followed: {error}")
        if location in seen:
            return given_up(reply, known(), "200 with a Link that leads back to a page already read")
        seen.add(location)
    return given_up(reply, known(), f"more than {MOST_PAGES} pages of {things}")


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
