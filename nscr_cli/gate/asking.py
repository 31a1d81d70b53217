"""The questions of one round: the monitoring API, and /v2 before and after it. Thin: no opinion about any answer."""

from collections.abc import Callable, Mapping, Sequence
from urllib.parse import quote

from nscr_cli.checkers.refusals import UNSERVED
from nscr_cli.client.completions import Completion
from nscr_cli.client.monitoring import Blobs, CollectionStats, Health, Monitoring, RepositoryDetails, Sessions, State
from nscr_cli.client.operations import perform
from nscr_cli.client.registry import RegistryClient
from nscr_cli.errors import NscrError
from nscr_cli.gate.catalog import list_repositories
from nscr_cli.gate.crew import Crew
from nscr_cli.gate.looking import list_tags
from nscr_cli.gate.monitoring_rules import (
    BLOBS,
    DETAILS,
    HEALTH,
    SESSIONS,
    STATE,
    STATS,
    Focus,
    Reached,
    Round,
    T,
    TagMap,
    decoded,
    still_tags,
)
from nscr_cli.gate.rules import is_absent, is_present
from nscr_cli.gate.subjects import Subject, Thing
from nscr_cli.gate.survey import Survey
from nscr_cli.gate.totals import Snapshot
from nscr_cli.history.invocation import Invocation
from nscr_cli.history.keys import tag_key
from nscr_cli.history.ops import Asked, F

MOST_UNCATALOGUED = 50
_DENIED_BY_A_FAILED_CHECK = (200, 500)
Totals = type[Blobs] | type[CollectionStats] | type[Health]
# The answers whose counts must agree with those of the state, and with which statuses they come.
TOTALS: dict[str, tuple[Totals, tuple[int, ...]]] = {
    STATS: (CollectionStats, (200,)),
    HEALTH: (Health, _DENIED_BY_A_FAILED_CHECK),
    BLOBS: (Blobs, (200,)),
}


class Asker:
    """Asks.

    Attributes:
        unseen: by path, why the last question had no answer.
    """

    def __init__(self, monitoring: Monitoring, crew: Crew, survey: Survey, *, is_whole: bool) -> None:
        self._monitoring = monitoring
        self._crew = crew
        self._survey = survey
        self._is_whole = is_whole
        self.unseen: dict[str, str] = {}

    async def round(self, focus: Focus | None = None, *, is_first: bool = False) -> Round:
        """Everything once, /v2 around the API; or only what is to be looked at again.

        Args:
            is_first: what the walk has just seen is what /v2 said before.
        """
        malformed: dict[str, str] = {}
        self.unseen.clear()
        before: TagMap = self._survey.tags if is_first else await self._tags(focus)
        state = await self._ask(STATE, State, malformed)
        details = {}
        for name in (name for name, tags in before.items() if tags or focus is not None):
            told = await self._ask(_details(name), RepositoryDetails, malformed)
            if told is not None:
                details[name] = told
        after = await self._tags(focus)
        if is_first:
            before = _as_told(before, after)
        seen = dict(self._survey.present(Thing.BLOB))
        if focus is not None:
            seen = {subject: size for subject, size in seen.items() if subject.reference in focus.blobs}
            gone_before = await self._missing(list(seen))
            seen = {subject: size for subject, size in seen.items() if subject not in gone_before}
        blobs = await self._ask(BLOBS, Blobs, malformed)
        present = await self._present(seen, blobs)
        # A repository that was deleted meanwhile has no details: 404 is right then.
        gone = {_details(name) for name in before if not after.get(name)}
        return Round(
            tags_before=before,
            tags_after=after,
            state=state,
            details=details,
            blobs=blobs,
            health=await self._ask(HEALTH, Health, malformed, statuses=_DENIED_BY_A_FAILED_CHECK),
            sessions=await self._ask(SESSIONS, Sessions, malformed),
            present=present,
            reached=await self._reached(still_tags(before, after)),
            uncatalogued=await self._uncatalogued(state) if self._is_whole and state is not None else {},
            malformed={path: what for path, what in malformed.items() if path not in gone},
        )

    async def snapshots(self, wanted: Sequence[str]) -> dict[str, Snapshot]:
        """Of each of the answers wanted, one between two states, as fast as they can be asked for.

        What is wrong with a single answer, rounds tell.
        """
        dropped: dict[str, str] = {}
        snapshots: dict[str, Snapshot] = {}
        before = await self._ask(STATE, State, dropped)
        for path in wanted:
            kind, statuses = TOTALS[path]
            between = await self._ask(path, kind, dropped, statuses=statuses)
            after = await self._ask(STATE, State, dropped)
            snapshots[path] = Snapshot(before=before, between=between, after=after)
            before = after
        return snapshots

    async def _tags(self, focus: Focus | None) -> dict[str, dict[str, str | None]]:
        """Every tag of the surveyed repositories and the digest that HEAD says it names, where it is asked."""
        tags: dict[str, dict[str, str | None]] = {}

        async def look(registry: RegistryClient, task: str | Subject) -> list[str | Subject]:
            if isinstance(task, str):
                listed = await list_tags(registry, task)
                if not is_present(listed) and not is_absent(listed):
                    return []
                tags[task] = dict.fromkeys(listed.answered.tags or ())
                asked = tags[task] if focus is None else [tag for tag in tags[task] if tag in focus.tags[task]]
                return [Subject(Thing.TAG, task, tag) for tag in asked]
            key = tag_key(task.repository, task.reference)
            head = await perform(registry, Invocation(f=F.HEAD_MANIFEST, key=key, asked=Asked()))
            tags[task.repository][task.reference] = head.answered.header_digest
            return []

        repositories: list[str | Subject] = list(self._survey.tags if focus is None else focus.tags)
        await self._crew.work_off(repositories, look)
        return tags

    async def _present(self, seen: dict[Subject, int | None], blobs: Blobs | None) -> dict[str, int | None]:
        """Sizes of blobs that were there; those that the API does not list are asked for once more."""
        listed = {blob.digest for blob in blobs.blobs} if blobs is not None else set()
        unlisted = [subject for subject in seen if subject.reference not in listed]
        gone = {*unlisted} - await self._found(unlisted)
        return {subject.reference: size for subject, size in seen.items() if subject not in gone}

    async def _reached(self, still: Mapping[str, Mapping[str, str | None]]) -> Reached:
        named = {
            Subject(Thing.MANIFEST, name, digest)
            for name, tags in still.items()
            for digest in tags.values()
            if digest is not None
        }
        children = {manifest: self._survey.children(manifest) for manifest in named}
        there = {subject for thing in (Thing.BLOB, Thing.MANIFEST) for subject, _ in self._survey.present(thing)}
        missing = await self._missing(
            list({child for several in children.values() for child in several if child not in there})
        )
        return Reached(
            manifests=len(named),
            blobs=frozenset(
                child.reference for several in children.values() for child in several if child.thing is Thing.BLOB
            ),
            broken=sum(any(child in missing for child in several) for several in children.values()),
        )

    async def _missing(self, subjects: list[Subject]) -> set[Subject]:
        """Those that HEAD does not find: it says so."""
        return {subject for subject, head in await self._heads(subjects) if is_absent(head)}

    async def _found(self, subjects: list[Subject]) -> set[Subject]:
        """Those that HEAD finds."""
        return {subject for subject, head in await self._heads(subjects) if is_present(head)}

    async def _heads(self, subjects: list[Subject]) -> list[tuple[Subject, Completion]]:
        heads: list[tuple[Subject, Completion]] = []

        async def ask(registry: RegistryClient, subject: Subject) -> list[Subject]:
            f = F.HEAD_BLOB if subject.thing is Thing.BLOB else F.HEAD_MANIFEST
            asked = Asked(digest=subject.reference)
            heads.append((subject, await perform(registry, Invocation(f=f, key=subject.key, asked=asked))))
            return []

        await self._crew.work_off(subjects, ask)
        return heads

    async def _uncatalogued(self, state: State) -> dict[str, bool]:
        """Of repositories with tags that no catalog lists, neither before nor now: whether /v2 lists a tag of them."""
        unknown = [one.name for one in state.repositories if one.tags and one.name not in self._survey.tags]
        if not unknown:
            return {}
        try:
            listed = await list_repositories(self._crew.clients[0])
        except NscrError:
            return {}
        known: dict[str, bool] = {}
        for name in sorted(set(unknown) - set(listed))[:MOST_UNCATALOGUED]:
            tags = await list_tags(self._crew.clients[0], name)
            if is_present(tags) or is_absent(tags):
                known[name] = bool(tags.answered.tags)
        return known

    async def _ask(
        self, path: str, kind: type[T], malformed: dict[str, str], *, statuses: tuple[int, ...] = (200,)
    ) -> T | None:
        poll = await self._monitoring.poll(path)
        self.unseen.pop(path, None)
        if poll.status in statuses:
            return decoded(poll.body, kind, _noting(malformed, path))
        if poll.status is None or poll.status in UNSERVED:
            self.unseen[path] = poll.error or (f"answers {poll.status}" if poll.status else "no answer")
        else:
            malformed[path] = f"answers {poll.status}"
        return None


def _details(repository: str) -> str:
    return f"{DETAILS}/{quote(repository, safe='/')}"


def _as_told(walked: TagMap, after: TagMap) -> TagMap:
    """What the walk saw, without digests that HEAD does not say: the walk has them from the bytes."""
    return {
        name: {tag: digest if after.get(name, {}).get(tag, "") is not None else None for tag, digest in tags.items()}
        for name, tags in walked.items()
    }


def _noting(malformed: dict[str, str], path: str) -> Callable[[str], None]:
    return lambda what: malformed.__setitem__(path, what)
