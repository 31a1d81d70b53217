"""Whether one answer of the monitoring API agrees with itself: counts with lists, status with checks, times with times.

Holds at any moment, under load as well, because an answer is one snapshot. Nothing here knows the history.
"""

from collections.abc import Iterable

from nscr_cli.checkers.monitoring_shapes import (
    REPOSITORIES,
    Blobs,
    Collection,
    Document,
    Health,
    Repository,
    Session,
    Sessions,
    State,
    Summary,
)

_CLOCK_SLACK_MS = 2000


def contradictions(endpoint: str, document: Document) -> Iterable[str]:
    """What does not agree within this answer, in words."""
    match document:
        case State():
            yield from _state(document)
        case Repository():
            yield from _repository(endpoint, document)
        case Blobs():
            yield from _counted("totalBlobs", document.total_blobs, len(document.blobs))
            yield from _unique("a blob", [blob.digest for blob in document.blobs])
            for blob in document.blobs:
                if blob.created > document.timestamp + _CLOCK_SLACK_MS:
                    yield f"{blob.digest} was created at {blob.created}, and now is {document.timestamp}"
        case Sessions():
            yield from _counted("totalActiveSessions", document.total_active_sessions, len(document.active_sessions))
            yield from _sessions(document.active_sessions, document.timestamp)
        case Health():
            yield from _health(document)
        case Collection():
            yield from _totals(document)


def _state(state: State) -> Iterable[str]:
    yield from _counted("totalRepositories", state.summary.total_repositories, len(state.repositories))
    yield from _unique("a repository", [repository.name for repository in state.repositories])
    for repository in state.repositories:
        yield from _counted(f"tagCount of {repository.name}", repository.tag_count, len(repository.tags))
        if repository.tags != sorted(set(repository.tags)):
            yield f"the tags of {repository.name} are not ascending, each once: {repository.tags[:6]}"
    yield from _counted("activeSessions.count", state.active_sessions.count, len(state.active_sessions.sessions))
    yield from _sessions(state.active_sessions.sessions, state.timestamp)
    yield from _totals(state.summary)


def _repository(endpoint: str, repository: Repository) -> Iterable[str]:
    asked = endpoint.removeprefix(REPOSITORIES).replace("%2F", "/").replace("%2f", "/")
    if repository.name != asked:
        yield f"{asked} was asked for, and {repository.name} came"
    yield from _counted("tagCount", repository.tag_count, len(repository.tags))
    yield from _unique("a tag", [tag.tag for tag in repository.tags])
    for tag in repository.tags:
        if tag.has_manifest != (tag.digest is not None):
            yield f"tag {tag.tag}: hasManifest is {tag.has_manifest}, and digest is {tag.digest}"


def _health(health: Health) -> Iterable[str]:
    checks = health.checks
    if (health.status == "unhealthy") == checks.passed:
        yield f"status is {health.status}, and the checks say {checks}"
    if health.status not in ("healthy", "degraded", "unhealthy"):
        yield f"status is {health.status}"
    if health.status == "healthy" and health.warnings:
        yield f"status is healthy, with warnings: {health.warnings[:3]}"
    if health.status == "degraded" and not health.warnings:
        yield "status is degraded, and no warning says why"


def _sessions(sessions: list[Session], now: int) -> Iterable[str]:
    yield from _unique("a session", [session.id for session in sessions])
    for session in sessions:
        if not session.start_time <= session.last_activity <= now + _CLOCK_SLACK_MS:
            yield f"session {session.id}: started {session.start_time}, last active {session.last_activity}, now {now}"
        if session.duration is not None and abs(now - session.start_time - session.duration) > _CLOCK_SLACK_MS:
            yield f"session {session.id}: started {session.start_time}, now {now}, and duration is {session.duration}"


def _totals(totals: Summary | Collection) -> Iterable[str]:
    yield from _part("unreferencedBlobs", totals.unreferenced_blobs, "totalBlobs", totals.total_blobs)
    yield from _part("orphanedManifests", totals.orphaned_manifests, "totalManifests", totals.total_manifests)
    if totals.estimated_space_to_free < 0 or (totals.estimated_space_to_free and not totals.unreferenced_blobs):
        yield f"estimatedSpaceToFree is {totals.estimated_space_to_free} of {totals.unreferenced_blobs} blobs"


def _counted(name: str, count: int, length: int) -> Iterable[str]:
    if count != length:
        yield f"{name} is {count}, and {length} are listed"


def _part(name: str, part: int, whole_name: str, whole: int) -> Iterable[str]:
    if not 0 <= part <= whole:
        yield f"{name} is {part}, and {whole_name} {whole}"


def _unique(what: str, names: list[str]) -> Iterable[str]:
    if len(set(names)) < len(names):
        yield f"{what} is listed twice"
