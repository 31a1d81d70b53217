"""Which repositories a gate looks at: those that the catalog lists, or those that it is told.

The catalog is Docker's, and no specification's: a registry may have none. Thin.
"""

import re
from collections.abc import Sequence
from fnmatch import fnmatchcase

import msgspec

from nscr_cli.client.documents import ForeignLocation, next_link, repositories_of
from nscr_cli.client.lists import MOST_PAGES
from nscr_cli.client.registry import RegistryClient
from nscr_cli.errors import TargetRefused, UsageError

_NO_CATALOG = (400, 401, 403, 404, 405, 501)
# More than the specification's grammar: what a registry allows is its own affair, a tag or digest is none of a name.
_NAME = re.compile(r"[A-Za-z0-9._-]+(?:/[A-Za-z0-9._-]+)*")
_HINT = "name what to check, once for each: --repository NAME"


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be walked.

    Attributes:
        repositories: by name, each once.
        named: those that were asked for by their whole name.
        unmatched: patterns that no repository matches.
        is_whole: it is all that the catalog lists.
    """

    repositories: tuple[str, ...]
    named: tuple[str, ...] = ()
    unmatched: tuple[str, ...] = ()
    is_whole: bool = False


def check_names(wanted: Sequence[str]) -> None:
    """What is no pattern can be the name of a repository.

    Raises:
        UsageError: it cannot.
    """
    for name in (one for one in wanted if not _is_pattern(one) and not _NAME.fullmatch(one)):
        before, *after = re.split("[:@]", name, maxsplit=1)
        hint = "lower-case letters, digits and . _ - /"
        if after and _NAME.fullmatch(before):
            hint = f"a repository, not a tag or digest: --repository {before}"
        raise UsageError(f"--repository {name!r} is no name of a repository", hint=hint)


async def choose_repositories(registry: RegistryClient, wanted: Sequence[str]) -> Choice:
    """The repositories that names and patterns stand for; the catalog is asked only where it is needed.

    In a pattern `*` stands for anything, slashes too, `?` for one character, `[...]` for one of several.

    Raises:
        UsageError: the registry has no catalog, and it is needed.
        TargetRefused: what it answers is none.
    """
    if not wanted:
        return Choice(repositories=await list_repositories(registry), is_whole=True)
    patterns = [one for one in wanted if _is_pattern(one)]
    listed = await list_repositories(registry) if patterns else ()
    return chosen(wanted, listed)


def chosen(wanted: Sequence[str], listed: Sequence[str]) -> Choice:
    """Those of the listed that patterns match, and all that were named."""
    named = tuple(dict.fromkeys(one for one in wanted if not _is_pattern(one)))
    matched: list[str] = []
    unmatched: list[str] = []
    for pattern in (one for one in dict.fromkeys(wanted) if _is_pattern(one)):
        found = [name for name in listed if fnmatchcase(name, pattern)]
        matched += found
        if not found:
            unmatched.append(pattern)
    return Choice(repositories=tuple(dict.fromkeys((*named, *matched))), named=named, unmatched=tuple(unmatched))


async def list_repositories(registry: RegistryClient) -> tuple[str, ...]:
    """The catalog, all pages.

    Raises:
        UsageError: the registry has no catalog.
        TargetRefused: what it answers is none.
    """
    names: list[str] = []
    seen: set[str] = set()
    location: str | None = None
    for _ in range(MOST_PAGES):
        reply = await registry.catalog(location=location)
        if reply.status in _NO_CATALOG:
            raise UsageError(
                f"{registry.target.url} has no catalog (status {reply.status}), so there is nothing to walk", hint=_HINT
            )
        page = repositories_of(bytes(reply.body.kept)) if reply.status == 200 and reply.is_complete else None
        following = next_link(reply.headers("link"))
        try:
            location = registry.resolve(reply, following) if following is not None else None
        except ForeignLocation:
            page = None
        if page is None:
            raise TargetRefused(
                f"{registry.target.url} answers {reply.status or reply.exchange.failure} to a request for its catalog",
                hint=_HINT,
            )
        names += page
        if location is None:
            return tuple(dict.fromkeys(names))
        if location in seen:
            raise TargetRefused(
                f"{registry.target.url} answers a request for its catalog with "
                "200 with a Link that leads back to a page already read",
                hint=_HINT,
            )
        seen.add(location)
    raise TargetRefused(f"{registry.target.url} lists more than {MOST_PAGES} pages", hint="use --repository NAME")


def _is_pattern(text: str) -> bool:
    return any(char in text for char in "*?[")
