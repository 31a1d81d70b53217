"""Walks everything that tags reach: tags, manifests, their children and blobs, each once a repository.

Thin: it asks, repeats what looked wrong, and leaves the judging to rules.py. What looks wrong is looked at again, with
pauses, before it counts; a reference that is missing counts only while a manifest that needs it is still there, a tag
only while it is still listed: somebody else may be writing.
"""

from collections.abc import Iterable, Sequence

import trio

from nscr_cli.client.completions import Completion
from nscr_cli.client.documents import ForeignLocation, next_link, repositories_of
from nscr_cli.client.lists import MOST_PAGES
from nscr_cli.client.operations import perform
from nscr_cli.client.registry import RegistryClient
from nscr_cli.errors import TargetRefused, UsageError
from nscr_cli.gate.crew import work_off
from nscr_cli.gate.rules import is_absent, is_present, persisting, problems_of
from nscr_cli.gate.subjects import Problem, Sight, Subject, Thing
from nscr_cli.gate.survey import Survey
from nscr_cli.history.invocation import Invocation
from nscr_cli.history.ops import Asked, F

PAUSES_S = (0.2, 0.6)
LONGEST_WAIT_S = 30.0
_READS = {
    Thing.TAG: (F.HEAD_MANIFEST, F.GET_MANIFEST),
    Thing.MANIFEST: (F.HEAD_MANIFEST, F.GET_MANIFEST),
    Thing.BLOB: (F.HEAD_BLOB, F.GET_BLOB),
}


async def list_repositories(registry: RegistryClient) -> tuple[str, ...]:
    """The catalog, all pages.

    Raises:
        UsageError: the registry has no catalog.
        TargetRefused: what it answers is none.
    """
    names: list[str] = []
    location: str | None = None
    for _ in range(MOST_PAGES):
        reply = await registry.catalog(location=location)
        if reply.status in (404, 405, 501, 400, 403):
            raise UsageError(
                f"{registry.target.url} has no catalog (status {reply.status}), so there is nothing to walk",
                hint="name what to check, once for each: --repository NAME",
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
                hint="name what to check, once for each: --repository NAME",
            )
        names += page
        if location is None:
            return tuple(dict.fromkeys(names))
    raise TargetRefused(f"{registry.target.url} lists more than {MOST_PAGES} pages", hint="use --repository NAME")


async def list_tags(registry: RegistryClient, repository: str) -> Completion:
    """The tags of a repository, all pages."""
    return await perform(registry, Invocation(f=F.LIST_TAGS, key=repository, asked=Asked()))


async def walk(
    clients: Sequence[RegistryClient], repositories: Sequence[str], survey: Survey, *, hash_blobs: bool
) -> None:
    """Look at every tag of the repositories and at all that they reach; what is seen goes to `survey`."""
    listing: list[_Listing | Subject] = [_Listing(repository) for repository in repositories]
    visitor = _Visitor(survey, hash_blobs=hash_blobs)
    await work_off(clients, listing, visitor.visit)


class _Listing:
    """The task to list a repository."""

    def __init__(self, repository: str) -> None:
        self.repository = repository


class _Visitor:
    def __init__(self, survey: Survey, *, hash_blobs: bool) -> None:
        self._survey = survey
        self._hash_blobs = hash_blobs

    async def visit(self, registry: RegistryClient, task: "_Listing | Subject") -> Iterable["_Listing | Subject"]:
        if isinstance(task, _Listing):
            return await self._list(registry, task.repository)
        return await self._look_until_sure(registry, task)

    async def _list(self, registry: RegistryClient, repository: str) -> Iterable[Subject]:
        listed = await list_tags(registry, repository)
        for pause_s in PAUSES_S:
            if is_present(listed) or is_absent(listed):
                break
            await _wait(listed, pause_s)
            listed = await list_tags(registry, repository)
        return self._survey.add_repository(repository, listed)

    async def _look_until_sure(self, registry: RegistryClient, subject: Subject) -> Iterable[Subject]:
        attempts: list[tuple[Problem, ...]] = []
        for pause_s in (*PAUSES_S, None):
            sight = await self._look(registry, subject)
            attempts.append(problems_of(subject, sight))
            if all(problem.is_proven for problem in attempts[-1]):
                break
            if await self._has_vanished(registry, subject):
                return self._survey.add_vanished(subject)
            if pause_s is not None:
                await _wait(sight.get, pause_s)
        return self._survey.add_sight(subject, sight, persisting(attempts), sights=len(attempts))

    async def _look(self, registry: RegistryClient, subject: Subject) -> Sight:
        f_head, f_get = _READS[subject.thing]
        head = await _read(registry, f_head, subject)
        if subject.thing is Thing.BLOB and not self._hash_blobs and not is_absent(head):
            return Sight(head, head, head)
        get = await _read(registry, f_get, subject)
        again = await _read(registry, f_head, subject) if subject.thing is Thing.TAG else head
        return Sight(head, get, again)

    async def _has_vanished(self, registry: RegistryClient, subject: Subject) -> bool:
        """Nothing needs the subject any more: its tag is not listed, or nothing that referred to it still does."""
        if subject.thing is Thing.TAG:
            listed = await list_tags(registry, subject.repository)
            return is_absent(listed) or (is_present(listed) and subject.reference not in (listed.answered.tags or ()))
        for parent in self._survey.parents(subject):
            head = await _read(registry, F.HEAD_MANIFEST, parent)
            named = head.answered.header_digest if parent.thing is Thing.TAG else None
            if not is_absent(head) and named in (None, subject.reference):
                return False
        return True


async def _read(registry: RegistryClient, f: F, subject: Subject) -> Completion:
    digest = None if subject.thing is Thing.TAG else subject.reference
    return await perform(registry, Invocation(f=f, key=subject.key, asked=Asked(digest=digest)))


async def _wait(completion: Completion, pause_s: float) -> None:
    await trio.sleep(min(max(pause_s, completion.answered.retry_after_s or 0.0), LONGEST_WAIT_S))
