"""Does the monitoring API tell the same story as /v2? What one round of answers shows. Pure.

Somebody else may be writing, so a repository is compared only if /v2 said the same of it before and after the API was
asked, and totals only if the registry as a whole held still. What a single answer says must agree with itself always.
Follows docs/external-api.md; a finding of one round counts only if every round shows it.
"""

from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise
from typing import TypeVar

import msgspec

from nscr_cli.client.monitoring.documents import (
    Blobs,
    CollectionStats,
    Health,
    Repository,
    RepositoryDetails,
    Session,
    Sessions,
    State,
)
from nscr_cli.gate.subjects import Check

T = TypeVar("T")
TagMap = Mapping[str, Mapping[str, str | None]]


class Suspicion(msgspec.Struct, frozen=True, kw_only=True):
    """Something that a round shows."""

    check: Check
    rule: str
    key: str
    explanation: str


class Round(msgspec.Struct, frozen=True, kw_only=True):
    """What /v2 and the API said, /v2 around the API.

    Attributes:
        tags_before, tags_after: by repository, tag and digest (None where HEAD does not say it).
        state_before, state_after: the first and last answer of the API.
        details: by repository.
        present: blobs that /v2 still had after the API was asked, with their sizes.
        reached: manifests, each counted once a repository, that the tags of `tags_before` reach; None where that is
            not known for just these tags.
        is_whole: `tags_before` holds every repository of the registry.
        malformed: by path, what is wrong with an answer that could not be read.
    """

    tags_before: TagMap
    tags_after: TagMap
    state_before: State | None
    state_after: State | None
    details: Mapping[str, RepositoryDetails]
    blobs: Blobs | None
    stats: CollectionStats | None
    health: Health | None
    sessions: Sessions | None
    present: Mapping[str, int]
    reached: int | None
    is_whole: bool
    malformed: Mapping[str, str]


def still_repositories(seen: Round) -> list[str]:
    """Repositories of which /v2 said the same before and after."""
    return [name for name, tags in seen.tags_before.items() if seen.tags_after.get(name) == tags]


def is_still(seen: Round) -> bool:
    """Nothing was committed while the API was asked."""
    before, after = seen.state_before, seen.state_after
    if before is None or after is None or seen.tags_before != seen.tags_after:
        return False
    if before.generation is not None or after.generation is not None:
        return before.generation == after.generation
    return (before.summary, before.repositories) == (after.summary, after.repositories)


def suspicions(seen: Round, *, most_idle_ms: int) -> Iterator[Suspicion]:
    """Everything that a round shows.

    Args:
        most_idle_ms: a session in which nothing happened for longer is stuck.
    """
    for path, what in seen.malformed.items():
        yield _monitoring("malformed", path, what)
    for state in (seen.state_before, seen.state_after):
        if state is not None:
            yield from _within_state(state)
    yield from _repositories(seen)
    yield from _blobs(seen)
    yield from _health(seen.health)
    yield from _sessions(seen.sessions, most_idle_ms)
    if is_still(seen) and seen.state_after is not None:
        yield from _totals(seen, seen.state_after)


def decoded(body: bytes, kind: type[T], note: Callable[[str], None]) -> T | None:
    """An answer, read as the API's document has it; what is wrong with it is noted."""
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        note(str(error))
        return None


def _within_state(state: State) -> Iterator[Suspicion]:
    summary, path = state.summary, "/api/registry/state"
    names = [repository.name for repository in state.repositories]
    if len(set(names)) != len(names):
        yield _monitoring("double-repository", path, "the list of repositories names one twice")
    if summary.total_repositories != len(names):
        yield _monitoring(
            "repository-count", path, f"totalRepositories is {summary.total_repositories}, {len(names)} are listed"
        )
    for repository in state.repositories:
        if repository.tag_count != len(repository.tags) or len(set(repository.tags)) != len(repository.tags):
            listed = f"{len(repository.tags)} tags are listed, {len(set(repository.tags))} distinct"
            yield _monitoring("tag-count", repository.name, f"tagCount is {repository.tag_count}, {listed}")
    if state.active_sessions.count != len(state.active_sessions.sessions):
        listed = f"{len(state.active_sessions.sessions)} are listed"
        yield _monitoring("session-count", path, f"activeSessions.count is {state.active_sessions.count}, {listed}")
    if not 0 <= summary.unreferenced_blobs <= summary.total_blobs:
        of = f"of {summary.total_blobs} in all"
        yield _monitoring("blob-count", path, f"unreferencedBlobs is {summary.unreferenced_blobs} {of}")
    if summary.orphaned_manifests != 0:
        explanation = f"orphanedManifests is {summary.orphaned_manifests}: their blobs or children are missing"
        yield _monitoring("orphaned-manifests", path, explanation)


def _repositories(seen: Round) -> Iterator[Suspicion]:
    states = [state for state in (seen.state_before, seen.state_after) if state is not None]
    told = [{repository.name: repository for repository in state.repositories} for state in states]
    for name in still_repositories(seen):
        tags = seen.tags_before[name]
        for repositories in told:
            yield from _listed_tags(name, tags, repositories.get(name))
        details = seen.details.get(name)
        if details is not None:
            yield from _details(name, tags, details)


def _listed_tags(name: str, tags: Mapping[str, str | None], repository: Repository | None) -> Iterator[Suspicion]:
    listed = set(repository.tags) if repository is not None else set()
    for tag in sorted(tags.keys() - listed):
        where = "the state lacks it" if repository is not None else "the state lacks its repository"
        yield _monitoring("hidden-tag", f"{name}:{tag}", f"/v2 lists the tag, {where}")
    for tag in sorted(listed - tags.keys()):
        yield _monitoring("phantom-tag", f"{name}:{tag}", "the state lists the tag, /v2 does not")


def _details(name: str, tags: Mapping[str, str | None], details: RepositoryDetails) -> Iterator[Suspicion]:
    told = {tag.tag: tag for tag in details.tags}
    if details.tag_count != len(details.tags) or len(told) != len(details.tags):
        listed = f"{len(details.tags)} are listed, {len(told)} distinct"
        yield _monitoring("tag-count", name, f"tagCount is {details.tag_count}, {listed}")
    for tag in sorted(tags.keys() ^ told.keys()):
        where = "/v2 lists the tag, the details do not" if tag in tags else "the details list the tag, /v2 does not"
        yield _monitoring("hidden-tag" if tag in tags else "phantom-tag", f"{name}:{tag}", where)
    for tag in sorted(tags.keys() & told.keys()):
        if not told[tag].has_manifest:
            yield _monitoring("no-manifest", f"{name}:{tag}", "hasManifest is false, /v2 serves it")
        elif tags[tag] is not None and told[tag].digest != tags[tag]:
            explanation = f"the details say {told[tag].digest}, /v2 {tags[tag]}"
            yield _monitoring("wrong-digest", f"{name}:{tag}", explanation)


def _blobs(seen: Round) -> Iterator[Suspicion]:
    blobs = seen.blobs
    if blobs is None:
        return
    sizes = {blob.digest: blob.size for blob in blobs.blobs}
    if blobs.total_blobs != len(blobs.blobs) or len(sizes) != len(blobs.blobs):
        listed = f"{len(blobs.blobs)} are listed, {len(sizes)} distinct"
        yield _monitoring("blob-count", "/api/registry/blobs", f"totalBlobs is {blobs.total_blobs}, {listed}")
    for digest, size in seen.present.items():
        if digest not in sizes:
            yield _monitoring("hidden-blob", digest, "/v2 serves the blob, the list of blobs lacks it")
        elif sizes[digest] != size:
            yield _monitoring("wrong-size", digest, f"the list of blobs says {sizes[digest]} bytes, /v2 serves {size}")


def _totals(seen: Round, state: State) -> Iterator[Suspicion]:
    """What must agree between answers while nothing changes."""
    summary = state.summary
    told: dict[str, tuple[object, object]] = {}
    if seen.blobs is not None:
        told["totalBlobs and /api/registry/blobs"] = (summary.total_blobs, len(seen.blobs.blobs))
    if seen.stats is not None:
        stats = seen.stats
        told |= {
            f"{name} and /api/garbage-collect/stats": (getattr(summary, name), getattr(stats, name))
            for name in CollectionStats.__struct_fields__
        }
    if seen.health is not None:
        metrics = seen.health.metrics
        told |= {
            f"{name} and /api/registry/health": (getattr(summary, name), getattr(metrics, name))
            for name in ("total_repositories", "total_manifests", "total_blobs")
        }
    for name, (one, other) in told.items():
        if one != other:
            yield _monitoring("totals", name, f"the state says {one}, the other says {other}")
    if seen.reached is not None and summary.total_manifests < seen.reached:
        explanation = f"totalManifests is {summary.total_manifests}, tags of /v2 reach {seen.reached}"
        yield _monitoring("manifest-count", "/api/registry/state", explanation)
    if seen.is_whole:
        for repository in state.repositories:
            if repository.tags and repository.name not in seen.tags_before:
                yield _monitoring("phantom-repository", repository.name, "the state lists it, the catalog does not")


def _health(health: Health | None) -> Iterator[Suspicion]:
    if health is None:
        return
    failed = sorted(name for name, passed in health.checks.items() if not passed)
    if health.status != "healthy" or failed:
        details = "; ".join([*(f"{name} failed" for name in failed), *health.warnings]) or "no reason given"
        explanation = f"status is {health.status!r}: {details}"
        yield Suspicion(check=Check.HEALTH, rule="unhealthy", key="/api/registry/health", explanation=explanation)


def _sessions(sessions: Sessions | None, most_idle_ms: int) -> Iterator[Suspicion]:
    if sessions is None:
        return
    if sessions.total_active_sessions != len(sessions.active_sessions):
        listed = f"{len(sessions.active_sessions)} are listed"
        explanation = f"totalActiveSessions is {sessions.total_active_sessions}, {listed}"
        yield Suspicion(
            check=Check.SESSIONS, rule="session-count", key="/api/registry/sessions", explanation=explanation
        )
    identifiers = sorted(session.id for session in sessions.active_sessions)
    for one, other in pairwise(identifiers):
        if one == other:
            yield Suspicion(check=Check.SESSIONS, rule="double-session", key=one, explanation="listed twice")
    for session in sessions.active_sessions:
        idle_ms = sessions.timestamp - session.last_activity
        if idle_ms > most_idle_ms:
            yield Suspicion(
                check=Check.SESSIONS, rule="stuck-session", key=session.id, explanation=_stuck(session, idle_ms)
            )


def _stuck(session: Session, idle_ms: int) -> str:
    where = f" of {session.repository}" if session.repository is not None else ""
    return f"an upload{where} in which nothing happened for {idle_ms / 1000:,.0f} s"


def _monitoring(rule: str, key: str, explanation: str) -> Suspicion:
    return Suspicion(check=Check.MONITORING, rule=rule, key=key, explanation=explanation)
