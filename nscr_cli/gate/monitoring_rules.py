"""Does the monitoring API tell the same story as /v2? What one round of answers shows. Pure.

Somebody else may be writing, so of each repository only those tags are compared of which /v2 said the same before and
after the API was asked, and counts only with the bounds that these set. What a single answer says must agree with
itself always. Follows docs/external-api.md; a finding of one round counts only if every round shows it. What must
agree between several answers is judged by totals.py.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TypeVar
from urllib.parse import unquote

import msgspec

from nscr_cli.client.monitoring import Blobs, Health, RepositoryDetails, Sessions, State
from nscr_cli.foreign_json import Unreadable, read_json
from nscr_cli.gate.subjects import Check
from nscr_cli.history.keys import repository_of, tag_of

T = TypeVar("T")
TagMap = Mapping[str, Mapping[str, str | None]]
STATE = "/api/registry/state"
DETAILS = "/api/registry/repositories"
BLOBS = "/api/registry/blobs"
HEALTH = "/api/registry/health"
SESSIONS = "/api/registry/sessions"
STATS = "/api/garbage-collect/stats"
# Judged by all tags together.
BOUNDS = frozenset({"manifest-count", "blob-count", "orphan-count"})
# About one tag, which is their key.
OF_TAGS = frozenset({"hidden-tag", "phantom-tag", "no-manifest", "wrong-digest"})
_OF_BLOBS = frozenset({"hidden-blob", "wrong-size"})


class Suspicion(msgspec.Struct, frozen=True, kw_only=True):
    """Something that a round shows."""

    check: Check
    rule: str
    key: str
    explanation: str


class Reached(msgspec.Struct, frozen=True, kw_only=True):
    """What is certainly there, by tags of /v2 that held still while the API was asked.

    Only what such a tag names and what that refers to itself: a child of an index may be deleted.

    Attributes:
        manifests: that tags name, each counted once a repository.
        blobs: that these refer to, by digest.
        broken: those of the manifests that lack something, which /v2 denied once more after the API was asked.
    """

    manifests: int = 0
    blobs: frozenset[str] = frozenset()
    broken: int = 0


class Round(msgspec.Struct, frozen=True, kw_only=True):
    """What /v2 and the API said, /v2 around the API.

    Attributes:
        tags_before, tags_after: by repository, tag and digest (None where HEAD does not say it).
        state: between these.
        details: by repository.
        present: blobs that /v2 still had after the API was asked, with their sizes where they are known.
        uncatalogued: repositories with tags in the state that the catalog does not list, and whether /v2 knows tags
            of them.
        malformed: by path, what is wrong with an answer that could not be read.
    """

    tags_before: TagMap
    tags_after: TagMap
    state: State | None
    details: Mapping[str, RepositoryDetails]
    blobs: Blobs | None
    health: Health | None
    sessions: Sessions | None
    present: Mapping[str, int | None]
    reached: Reached
    uncatalogued: Mapping[str, bool] = {}
    malformed: Mapping[str, str]


class Focus(msgspec.Struct, frozen=True, kw_only=True):
    """What is looked at once more, and nothing else, so that little time lies between one answer and the next.

    Attributes:
        tags: by repository.
        blobs: by digest.
    """

    tags: Mapping[str, frozenset[str]]
    blobs: frozenset[str]


def focus_on(shown: Iterable[Suspicion]) -> Focus:
    """What is to be looked at again because of suspicions."""
    tags: dict[str, set[str]] = {}
    blobs: set[str] = set()
    for one in shown:
        if one.check is not Check.MONITORING:
            continue
        if one.rule in OF_TAGS:
            tags.setdefault(repository_of(one.key), set()).add(tag_of(one.key) or "")
        elif one.rule in _OF_BLOBS:
            blobs.add(one.key)
        elif one.key.startswith(f"{DETAILS}/"):
            tags.setdefault(unquote(one.key.removeprefix(f"{DETAILS}/")), set())
        elif not one.key.startswith("/"):
            tags.setdefault(one.key, set())
    return Focus(tags={name: frozenset(several) for name, several in tags.items()}, blobs=frozenset(blobs))


def still_tags(before: TagMap, after: TagMap) -> dict[str, dict[str, str | None]]:
    """By repository, the tags of which /v2 said the same before and after."""
    return {
        name: {tag: digest for tag, digest in tags.items() if after[name].get(tag, "") == digest}
        for name, tags in before.items()
        if name in after
    }


def suspicions(seen: Round) -> Iterator[Suspicion]:
    """Everything that a round shows but what health and sessions are like (wellbeing.py)."""
    for path, what in seen.malformed.items():
        yield suspicion("malformed", path, what)
    if seen.state is not None:
        yield from _within_state(seen.state)
        yield from _bounds(seen, seen.state)
    for name, tags in still_tags(seen.tags_before, seen.tags_after).items():
        known = {*seen.tags_before[name], *seen.tags_after[name]}
        if seen.state is not None:
            listed = next((one.tags for one in seen.state.repositories if one.name == name), None)
            yield from _listed_tags(name, tags, known, listed)
        if name in seen.details:
            yield from _details(name, tags, known, seen.details[name])
    yield from _blobs(seen)
    for name, is_known in seen.uncatalogued.items():
        if is_known:
            explanation = "the state and the list of tags know the repository, the catalog lacks it"
            yield suspicion("uncatalogued-repository", name, explanation)
        else:
            yield suspicion("phantom-repository", name, "the state lists it with tags, /v2 knows none of it")


def suspicion(rule: str, key: str, explanation: str) -> Suspicion:
    """One about what the API tells of the registry."""
    return Suspicion(check=Check.MONITORING, rule=rule, key=key, explanation=explanation)


def decoded(body: bytes, kind: type[T], note: Callable[[str], None]) -> T | None:
    """An answer, read as the API's document has it; what is wrong with it is noted."""
    try:
        return read_json(body, kind)
    except Unreadable as error:
        note(str(error))
        return None


def _within_state(state: State) -> Iterator[Suspicion]:
    summary = state.summary
    names = [repository.name for repository in state.repositories]
    if len(set(names)) != len(names):
        yield suspicion("double-repository", STATE, "the list of repositories names one twice")
    if summary.total_repositories != len(names):
        yield suspicion(
            "repository-count", STATE, f"totalRepositories is {summary.total_repositories}, {len(names)} are listed"
        )
    for repository in state.repositories:
        if repository.tag_count != len(repository.tags) or len(set(repository.tags)) != len(repository.tags):
            listed = f"{len(repository.tags)} tags are listed, {len(set(repository.tags))} distinct"
            yield suspicion("tag-count", repository.name, f"tagCount is {repository.tag_count}, {listed}")
    if state.active_sessions.count != len(state.active_sessions.sessions):
        listed = f"{len(state.active_sessions.sessions)} are listed"
        yield suspicion("session-count", STATE, f"activeSessions.count is {state.active_sessions.count}, {listed}")


def _bounds(seen: Round, state: State) -> Iterator[Suspicion]:
    """Counts against the least that must be there: what tags lead to that held still around the answer."""
    summary = state.summary
    manifests, broken = seen.reached.manifests, seen.reached.broken
    listed = {blob.digest for blob in seen.blobs.blobs} if seen.blobs is not None else set()
    blobs = len(seen.reached.blobs & listed)  # one that is referred to may be deleted all the same
    if summary.total_manifests < manifests:
        explanation = f"totalManifests is {summary.total_manifests}, tags of /v2 reach {manifests}"
        yield suspicion("manifest-count", STATE, explanation)
    if not 0 <= summary.unreferenced_blobs <= summary.total_blobs - blobs:
        of = f"of {summary.total_blobs} in all, of which tags of /v2 reach {blobs}"
        yield suspicion("blob-count", STATE, f"unreferencedBlobs is {summary.unreferenced_blobs} {of}")
    counted = summary.orphaned_manifests + (summary.sparse_manifests or 0)
    if counted < broken:
        explanation = (
            f"orphanedManifests is {summary.orphaned_manifests}, tags of /v2 reach {broken} that lack something"
        )
        yield suspicion("orphan-count", STATE, explanation)


def _listed_tags(
    name: str, tags: Mapping[str, str | None], known: set[str], listed: list[str] | None
) -> Iterator[Suspicion]:
    for tag in sorted(tags.keys() - set(listed or ())):
        where = "the state lacks it" if listed is not None else "the state lacks its repository"
        yield suspicion("hidden-tag", f"{name}:{tag}", f"/v2 lists the tag, {where}")
    for tag in sorted(set(listed or ()) - known):
        yield suspicion("phantom-tag", f"{name}:{tag}", "the state lists the tag, /v2 does not")


def _details(
    name: str, tags: Mapping[str, str | None], known: set[str], details: RepositoryDetails
) -> Iterator[Suspicion]:
    told = {tag.tag: tag for tag in details.tags}
    if details.tag_count != len(details.tags) or len(told) != len(details.tags):
        listed = f"{len(details.tags)} are listed, {len(told)} distinct"
        yield suspicion("tag-count", name, f"tagCount is {details.tag_count}, {listed}")
    for tag in sorted(tags.keys() - told.keys()):
        yield suspicion("hidden-tag", f"{name}:{tag}", "/v2 lists the tag, the details do not")
    for tag in sorted(told.keys() - known):
        yield suspicion("phantom-tag", f"{name}:{tag}", "the details list the tag, /v2 does not")
    for tag in sorted(tags.keys() & told.keys()):
        if not told[tag].has_manifest:
            yield suspicion("no-manifest", f"{name}:{tag}", "hasManifest is false, /v2 serves it")
        elif tags[tag] is not None and told[tag].digest != tags[tag]:
            explanation = f"the details say {told[tag].digest}, /v2 {tags[tag]}"
            yield suspicion("wrong-digest", f"{name}:{tag}", explanation)


def _blobs(seen: Round) -> Iterator[Suspicion]:
    blobs = seen.blobs
    if blobs is None:
        return
    sizes = {blob.digest: blob.size for blob in blobs.blobs}
    if blobs.total_blobs != len(blobs.blobs) or len(sizes) != len(blobs.blobs):
        listed = f"{len(blobs.blobs)} are listed, {len(sizes)} distinct"
        yield suspicion("blob-count", BLOBS, f"totalBlobs is {blobs.total_blobs}, {listed}")
    for digest, size in seen.present.items():
        if digest not in sizes:
            yield suspicion("hidden-blob", digest, "/v2 serves the blob, the list of blobs lacks it")
        elif size is not None and sizes[digest] != size:
            yield suspicion("wrong-size", digest, f"the list of blobs says {sizes[digest]} bytes, /v2 serves {size}")
