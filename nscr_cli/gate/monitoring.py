"""Asks the monitoring API and /v2 around it, in rounds, until a round shows nothing wrong or the same in each.

Thin: monitoring_rules.py judges. A registry without the API is no fault; one whose API does not let us in is told.
"""

import json
from collections.abc import Callable, Sequence
from urllib.parse import quote

import msgspec
import trio

from nscr_cli.client.monitoring import Monitoring, Poll
from nscr_cli.client.monitoring.documents import Blobs, CollectionStats, Health, RepositoryDetails, Sessions, State
from nscr_cli.client.operations import perform
from nscr_cli.client.registry import RegistryClient
from nscr_cli.gate.crew import work_off
from nscr_cli.gate.monitoring_rules import (
    Round,
    Suspicion,
    T,
    decoded,
    is_still,
    still_repositories,
    suspicions,
)
from nscr_cli.gate.rules import is_absent, is_present
from nscr_cli.gate.subjects import Subject, Thing
from nscr_cli.gate.survey import Survey
from nscr_cli.gate.walk import list_tags
from nscr_cli.history.invocation import Invocation
from nscr_cli.history.keys import digest_key, tag_key
from nscr_cli.history.ops import Asked, F

ROUNDS = 3
PAUSE_S = 0.3
_STATE = "/api/registry/state"


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the comparison.

    Attributes:
        absent: why there is nothing to compare with; None where there is.
        lasting: what every round showed.
        unseen: what the last round got no answer to, and why.
        repositories, tags: compared in the last round, because they held still.
        blobs: whose listing was compared.
        are_totals_compared: the registry as a whole held still for a round.
        health_checks, sessions: how many the last answers listed; None where they could not be read.
    """

    absent: str | None = None
    lasting: tuple[Suspicion, ...] = ()
    unseen: tuple[str, ...] = ()
    repositories: int = 0
    tags: int = 0
    blobs: int = 0
    are_totals_compared: bool = False
    health_checks: int | None = None
    sessions: int | None = None


async def compare(
    monitoring: Monitoring,
    clients: Sequence[RegistryClient],
    survey: Survey,
    *,
    is_whole: bool,
    most_idle_ms: int,
) -> Told:
    """Compare the API with what the survey saw and with /v2 as it is now.

    Args:
        is_whole: the survey covers every repository of the registry.
    """
    absent = why_absent(await monitoring.poll(_STATE))
    if absent is not None:
        return Told(absent=absent)
    asker = _Asker(monitoring, clients, survey, is_whole=is_whole)
    lasting: dict[tuple[str, str], Suspicion] | None = None
    were_totals_compared = False
    for number in range(ROUNDS):
        if number:
            await trio.sleep(PAUSE_S)
        seen = await asker.round()
        were_totals_compared |= is_still(seen)
        shown = {(one.rule, one.key): one for one in suspicions(seen, most_idle_ms=most_idle_ms)}
        lasting = {key: one for key, one in shown.items() if lasting is None or key in lasting}
        if not lasting and were_totals_compared:
            break
    still = still_repositories(seen)
    return Told(
        lasting=tuple(lasting.values()) if lasting else (),
        unseen=tuple(f"{path}: {why}" for path, why in asker.unseen.items()),
        repositories=len(still),
        tags=sum(len(seen.tags_before[name]) for name in still),
        blobs=len(seen.present) if seen.blobs is not None else 0,
        are_totals_compared=were_totals_compared,
        health_checks=len(seen.health.checks) if seen.health is not None else None,
        sessions=len(seen.sessions.active_sessions) if seen.sessions is not None else None,
    )


def why_absent(poll: Poll) -> str | None:
    """Why an answer to a request for the state is none of the monitoring API; None where it is one.

    Some registries answer any path with a page, so only a JSON object with a summary counts.
    """
    if poll.status in (401, 403):
        return f"it does not let us in (status {poll.status})"
    if poll.status != 200:
        return f"the registry does not offer it ({poll.status or poll.error})"
    try:
        document = json.loads(poll.body)
    except ValueError:
        return "the registry does not offer it (200 with something else)"
    return None if isinstance(document, dict) and "summary" in document else "the registry does not offer it"


class _Asker:
    def __init__(
        self, monitoring: Monitoring, clients: Sequence[RegistryClient], survey: Survey, *, is_whole: bool
    ) -> None:
        self._monitoring = monitoring
        self._clients = clients
        self._survey = survey
        self._is_whole = is_whole
        self.unseen: dict[str, str] = {}

    async def round(self) -> Round:
        malformed: dict[str, str] = {}
        self.unseen.clear()
        before = await self._tags()
        state_before = await self._ask(_STATE, State, malformed)
        details = {}
        for name in (name for name, tags in before.items() if tags):
            told = await self._ask(f"/api/registry/repositories/{quote(name, safe='/')}", RepositoryDetails, malformed)
            if told is not None:
                details[name] = told
        blobs = await self._ask("/api/registry/blobs", Blobs, malformed)
        stats = await self._ask("/api/garbage-collect/stats", CollectionStats, malformed)
        health = await self._ask("/api/registry/health", Health, malformed, statuses=(200, 500))
        sessions = await self._ask("/api/registry/sessions", Sessions, malformed)
        state_after = await self._ask(_STATE, State, malformed)
        after = await self._tags()
        is_as_walked = before == self._survey.tags
        return Round(
            tags_before=before,
            tags_after=after,
            state_before=state_before,
            state_after=state_after,
            details=details,
            blobs=blobs,
            stats=stats,
            health=health,
            sessions=sessions,
            present=await self._present(blobs),
            reached=sum(1 for _ in self._survey.present(Thing.MANIFEST)) if is_as_walked else None,
            is_whole=self._is_whole,
            malformed=malformed,
        )

    async def _tags(self) -> dict[str, dict[str, str | None]]:
        """Every tag of the surveyed repositories and the digest that HEAD says it names."""
        tags: dict[str, dict[str, str | None]] = {}

        async def look(registry: RegistryClient, task: str | Subject) -> list[str | Subject]:
            if isinstance(task, str):
                listed = await list_tags(registry, task)
                if not is_present(listed) and not is_absent(listed):
                    return []
                tags[task] = {}
                return [Subject(Thing.TAG, task, tag) for tag in listed.answered.tags or ()]
            key = tag_key(task.repository, task.reference)
            head = await perform(registry, Invocation(f=F.HEAD_MANIFEST, key=key, asked=Asked()))
            tags[task.repository][task.reference] = head.answered.header_digest
            return []

        repositories: list[str | Subject] = list(self._survey.tags)
        await work_off(self._clients, repositories, look)
        return tags

    async def _present(self, blobs: Blobs | None) -> dict[str, int]:
        """Sizes of the blobs that the survey saw; those that the API does not list are asked for once more."""
        seen = dict(self._survey.present(Thing.BLOB))
        listed = {blob.digest for blob in blobs.blobs} if blobs is not None else set()
        gone: set[Subject] = set()

        async def ask(registry: RegistryClient, subject: Subject) -> list[Subject]:
            key = digest_key(subject.repository, subject.reference)
            if not is_present(await perform(registry, Invocation(f=F.HEAD_BLOB, key=key, asked=Asked()))):
                gone.add(subject)
            return []

        await work_off(self._clients, [subject for subject in seen if subject.reference not in listed], ask)
        return {subject.reference: size for subject, size in seen.items() if subject not in gone}

    async def _ask(
        self, path: str, kind: type[T], malformed: dict[str, str], *, statuses: tuple[int, ...] = (200,)
    ) -> T | None:
        poll = await self._monitoring.poll(path)
        if poll.status in statuses:
            return decoded(poll.body, kind, _noting(malformed, path))
        if poll.status is None:
            self.unseen[path] = poll.error or "no answer"
        else:
            malformed[path] = f"answers {poll.status}"
        return None


def _noting(malformed: dict[str, str], path: str) -> Callable[[str], None]:
    return lambda what: malformed.__setitem__(path, what)
