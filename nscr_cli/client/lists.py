"""Lists: all pages of tags or referrers, one page of tags or of the catalog. Links are followed as they were given.

A registry need not send a Link (spec.md#listing-tags): where a page is as full as was asked for and has none, what
comes after its last name is asked for.
"""

from collections.abc import Awaitable, Callable
from urllib.parse import quote

from nscr_cli.client.completions import Completion, completed, given_up
from nscr_cli.client.documents import ForeignLocation, TagList, next_link, referrers_of, repositories_of, tags_of
from nscr_cli.client.registry import RegistryClient
from nscr_cli.client.steps import Steps
from nscr_cli.client.transport import Reply
from nscr_cli.history.invocation import Invocation
from nscr_cli.history.keys import digest_of, repository_of
from nscr_cli.history.ops import Answered, Asked, F, Kind, Referrer

MOST_PAGES = 10_000


async def read_list(registry: RegistryClient, invocation: Invocation, steps: Steps) -> Completion:
    """Any list, as it is asked for."""
    repository, asked = repository_of(invocation.key), invocation.asked
    match invocation.f:
        case F.LIST_PAGE:
            return await _list_page(registry, repository, asked, steps)
        case F.LIST_CATALOG:
            return await _list_catalog(registry, asked, steps)
        case F.LIST_REFERRERS:
            subject = digest_of(invocation.key) or asked.digest or ""
            return await _list_referrers(registry, repository, subject, asked.artifact_type, steps)
        case _:
            return await _list_tags(registry, repository, asked, steps)


async def _list_tags(registry: RegistryClient, repository: str, asked: Asked, steps: Steps) -> Completion:
    """All tags of a repository."""
    tags: list[str] = []
    longest = 0
    page: list[str] = []
    other_name: str | None = None

    async def fetch(location: str | None) -> Reply:
        return await registry.list_tags(repository, query=_query(asked), location=location, request_id=steps.next_id())

    def read(reply: Reply) -> bool:
        nonlocal longest, page, other_name
        listed = tags_of(bytes(reply.body.kept))
        page = listed.tags or [] if listed is not None else []
        tags.extend(page)
        longest = max(longest, len(page))
        other_name = other_name or _other_name(repository, listed)
        return listed is not None

    def unlinked() -> str | None:
        is_full = bool(page) and len(page) == asked.page_size
        return f"?n={asked.page_size}&last={quote(page[-1], safe='')}" if is_full else None

    def known() -> Answered:
        return Answered(exchanges=steps.count, tags=tuple(tags), longest_page=longest, other_name=other_name)

    return await _all_pages(registry, F.LIST_TAGS, "tags", fetch, read, known, unlinked)


async def _list_referrers(
    registry: RegistryClient, repository: str, subject: str, artifact_type: str | None, steps: Steps
) -> Completion:
    """All that refers to a manifest."""
    referrers: list[Referrer] = []
    filters: list[bool] = []

    async def fetch(location: str | None) -> Reply:
        return await registry.list_referrers(
            repository, subject, artifact_type=artifact_type, location=location, request_id=steps.next_id()
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


async def _list_page(registry: RegistryClient, repository: str, asked: Asked, steps: Steps) -> Completion:
    """One page of the tags of a repository."""
    reply = await registry.list_tags(repository, query=_query(asked), request_id=steps.next_id())
    listed = tags_of(bytes(reply.body.kept)) if reply.status == 200 else TagList()
    page = tuple(listed.tags or ()) if listed is not None else ()
    known = Answered(
        exchanges=steps.count,
        tags=page,
        other_name=_other_name(repository, listed),
        longest_page=len(page),
        has_next=next_link(reply.headers("link")) is not None,
    )
    return _page(F.LIST_PAGE, reply, known, "tags", is_list=listed is not None)


async def _list_catalog(registry: RegistryClient, asked: Asked, steps: Steps) -> Completion:
    """One page of the repositories of a registry; only names that begin with our prefix are kept."""
    reply = await registry.catalog(query=_query(asked), request_id=steps.next_id())
    page = repositories_of(bytes(reply.body.kept)) if reply.status == 200 else ()
    ours = tuple(name for name in page or () if asked.prefix is not None and name.startswith(asked.prefix))
    known = Answered(
        exchanges=steps.count,
        repositories=ours,
        longest_page=len(page or ()),
        has_next=next_link(reply.headers("link")) is not None,
    )
    return _page(F.LIST_CATALOG, reply, known, "repositories", is_list=page is not None)


def _other_name(repository: str, listed: TagList | None) -> str | None:
    """What a list calls its repository, where that is wrong."""
    name = listed.name if listed is not None else None
    return name if name != repository else None


def _page(f: F, reply: Reply, known: Answered, things: str, *, is_list: bool) -> Completion:
    if reply.status == 200 and reply.is_complete and not is_list:
        return given_up(reply, known, f"200 with a body that is no list of {things}")
    return completed(f, reply, known)


def _query(asked: Asked) -> str:
    """The query that asks for a page, with its question mark; empty where nothing is asked for."""
    if asked.page_query is not None:
        return f"?{asked.page_query}"
    parameters = [f"n={asked.page_size}"] if asked.page_size is not None else []
    parameters += [f"last={quote(asked.last, safe='')}"] if asked.last is not None else []
    return f"?{'&'.join(parameters)}" if parameters else ""


async def _all_pages(
    registry: RegistryClient,
    f: F,
    things: str,
    fetch: Callable[[str | None], Awaitable[Reply]],
    read: Callable[[Reply], bool],
    known: Callable[[], Answered],
    unlinked: Callable[[], str | None] = lambda: None,
) -> Completion:
    """All pages of a list. Each may see the registry at another instant, all within the operation's interval.

    Args:
        fetch: the first page, or the one at a location.
        read: takes in a page; False where it is no list.
        known: what the pages so far amount to.
        unlinked: where to go on from a page without Link.
    """
    seen: set[str] = set()
    location: str | None = None
    for _ in range(MOST_PAGES):
        reply = await fetch(location)
        if reply.status == 200 and reply.is_complete and not read(reply):
            return given_up(reply, known(), f"200 with a body that is no list of {things}")
        completion = completed(f, reply, known())
        if completion.kind is not Kind.OK or reply.status != 200:
            return completion
        linked = next_link(reply.headers("link"))
        following = linked if linked is not None else unlinked()
        if following is None:
            return completion
        try:
            location = registry.resolve(reply, following)
        except ForeignLocation as error:
            return given_up(reply, known(), f"Link not followed: {error}")
        if location in seen:
            what = "a Link that leads back to" if linked is not None else "the end of"
            return given_up(reply, known(), f"200 with {what} a page already read")
        seen.add(location)
    return given_up(reply, known(), f"more than {MOST_PAGES} pages of {things}")
