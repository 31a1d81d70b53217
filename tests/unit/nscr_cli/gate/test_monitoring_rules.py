"""Rounds of the monitoring API against /v2, as values. The lies are in tests/e2e/test_gate.py; here is what excuses."""

import msgspec
import pytest

from nscr_cli.client.monitoring.documents import (
    Blob,
    Blobs,
    CollectionStats,
    Health,
    RepositoryDetails,
    Sessions,
    State,
)
from nscr_cli.gate.monitoring_rules import Focus, Reached, Round, decoded, focus_on, still_tags, suspicion, suspicions
from nscr_cli.gate.totals import Snapshot, agreed, contradictions, is_still
from nscr_cli.gate.wellbeing import health_suspicions, session_suspicions

TAGS = {"a": {"t": "sha256:d", "u": None}}
HOUR_MS = 3_600_000
BLOB = Blob("sha256:b", 3, 1)


def summary(**changes: int) -> dict[str, int]:
    return {
        "totalRepositories": 1, "totalManifests": 2, "totalBlobs": 1, "unreferencedBlobs": 0,
        "orphanedManifests": 0, "estimatedSpaceToFree": 0,
    } | changes  # fmt: skip


def state(*, generation: int | None = 7, **changes: object) -> State:
    document = {
        "timestamp": 1,
        "registryVersion": "2.0",
        "summary": summary(),
        "repositories": [{"name": "a", "tagCount": 2, "tags": ["t", "u"]}],
        "activeSessions": {"count": 0, "sessions": []},
        "health": {"status": "healthy", "uptime": 1, "logStreamClients": 0},
        "generation": generation,
    } | changes
    return msgspec.convert(document, State)


def health(**changes: object) -> Health:
    document = {
        "status": "healthy", "timestamp": 1, "uptime": 1, "checks": {"x": True}, "warnings": [],
        "metrics": {
            "totalRepositories": 1, "totalManifests": 2, "totalBlobs": 1, "activeSessions": 0, "logStreamClients": 0
        },
    } | changes  # fmt: skip
    return msgspec.convert(document, Health)


def blobs(*listed: Blob, total: int | None = None) -> Blobs:
    return Blobs(len(listed) if total is None else total, list(listed), 1)


def seen(**changes: object) -> Round:
    details = {"name": "a", "tagCount": 2, "timestamp": 1, "tags": [
        {"tag": "t", "hasManifest": True, "digest": "sha256:d"},
        {"tag": "u", "hasManifest": True, "digest": "sha256:e"},
    ]}  # fmt: skip
    whole = Round(
        tags_before=TAGS,
        tags_after=TAGS,
        state=state(),
        details={"a": msgspec.convert(details, RepositoryDetails)},
        blobs=blobs(BLOB),
        health=health(),
        sessions=Sessions([], 0, 10 * HOUR_MS),
        present={"sha256:b": 3},
        reached=Reached(manifests=2, blobs=frozenset({"sha256:b"})),
        malformed={},
    )
    return msgspec.structs.replace(whole, **changes)


def rules(round_: Round) -> set[str]:
    return {one.rule for one in suspicions(round_)}


def test_one_story() -> None:
    assert rules(seen()) == set()
    assert still_tags(TAGS, TAGS) == TAGS


def test_nothing_readable_is_no_suspicion_by_itself() -> None:
    nothing = dict.fromkeys(("state", "blobs", "health", "sessions"))
    assert rules(seen(**nothing, details={})) == set()
    assert rules(seen(**nothing, details={}, malformed={"/api/registry/state": "no JSON"})) == {"malformed"}


def test_only_tags_that_held_still_are_compared() -> None:
    lying = state(repositories=[{"name": "a", "tagCount": 1, "tags": ["w"]}])
    assert rules(seen(state=lying)) == {"hidden-tag", "phantom-tag"}
    hidden = {one.key for one in suspicions(seen(state=lying)) if one.rule == "hidden-tag"}
    assert hidden == {"a:t", "a:u"}
    moved = {"a": {"t": "sha256:other", "w": "sha256:new"}}
    assert rules(seen(state=lying, tags_after=moved, details={})) == set()
    assert still_tags(TAGS, {}) == {}
    assert still_tags(TAGS, {"a": {"t": "sha256:d"}}) == {"a": {"t": "sha256:d"}}


def test_a_digest_that_moved_is_not_compared_and_one_that_did_not_is() -> None:
    other = {"a": {"t": "sha256:x", "u": None}}
    assert rules(seen(tags_before=other, tags_after=other)) == {"wrong-digest"}
    assert rules(seen(tags_before=other)) == set()


@pytest.mark.parametrize(
    ("changes", "reached", "rule"),
    [
        ({}, Reached(manifests=3), "manifest-count"),
        ({"unreferencedBlobs": 1}, Reached(blobs=frozenset({"sha256:b"})), "blob-count"),
        ({"unreferencedBlobs": 2}, Reached(), "blob-count"),
        ({"unreferencedBlobs": -1}, Reached(), "blob-count"),
        ({}, Reached(broken=1), "orphan-count"),
        ({"orphanedManifests": 1, "sparseManifests": 1}, Reached(broken=3), "orphan-count"),
    ],
)
def test_counts_below_what_is_certainly_there(changes: dict[str, int], reached: Reached, rule: str) -> None:
    assert rules(seen(state=state(summary=summary(**changes)), reached=reached)) == {rule}


@pytest.mark.parametrize(
    ("changes", "reached"),
    [
        ({"totalManifests": 9}, Reached(manifests=3)),
        ({"unreferencedBlobs": 1}, Reached(blobs=frozenset({"sha256:deleted-since"}))),
        ({"orphanedManifests": 1}, Reached(broken=1)),
        ({"sparseManifests": 1}, Reached(broken=1)),
    ],
)
def test_counts_that_may_be_right(changes: dict[str, int], reached: Reached) -> None:
    assert rules(seen(state=state(summary=summary(**changes)), reached=reached)) == set()


def test_repositories_that_only_the_state_knows() -> None:
    assert rules(seen(uncatalogued={"b": True})) == {"uncatalogued-repository"}
    assert rules(seen(uncatalogued={"b": False})) == {"phantom-repository"}


def test_answers_that_contradict_themselves() -> None:
    twice = [{"name": "a", "tagCount": 2, "tags": ["t", "u"]}] * 2
    assert "double-repository" in rules(seen(state=state(repositories=twice)))
    assert "blob-count" in rules(seen(blobs=blobs(BLOB, BLOB)))
    assert "blob-count" in rules(seen(blobs=blobs(BLOB, total=4)))
    assert "session-count" in rules(seen(state=state(activeSessions={"count": 1, "sessions": []})))


def test_blobs_whose_length_nobody_said() -> None:
    assert rules(seen(present={"sha256:b": 4})) == {"wrong-size"}
    assert rules(seen(present={"sha256:b": None})) == set()
    assert rules(seen(present={"sha256:c": None})) == {"hidden-blob"}


def test_what_is_looked_at_again_is_little() -> None:
    shown = [
        suspicion("hidden-tag", "team/a:t", ""),
        suspicion("wrong-digest", "team/a:u", ""),
        suspicion("hidden-blob", "sha256:b", ""),
        suspicion("malformed", "/api/registry/repositories/team/c", ""),
        suspicion("tag-count", "d", ""),
        suspicion("manifest-count", "/api/registry/state", ""),
        *health_suspicions(health(status="degraded")),
    ]
    tags = {"team/a": frozenset({"t", "u"}), "team/c": frozenset(), "d": frozenset()}
    assert focus_on(shown) == Focus(tags=tags, blobs=frozenset({"sha256:b"}))


def snapshot(**changes: object) -> Snapshot:
    whole = Snapshot(before=state(), between=CollectionStats(1, 2, 0, 0, 0), after=state())
    return msgspec.structs.replace(whole, **changes)


def test_a_snapshot_holds_still_or_says_nothing() -> None:
    assert is_still(snapshot())
    assert not is_still(snapshot(after=state(generation=8)))
    for name in ("before", "between", "after"):
        assert not is_still(snapshot(**{name: None}))


@pytest.mark.parametrize("total", [1, 2])
def test_without_a_generation_the_summary_tells_whether_anything_changed(total: int) -> None:
    after = state(generation=None, summary=summary(totalBlobs=total))
    assert is_still(snapshot(before=state(generation=None), after=after)) == (total == 1)


@pytest.mark.parametrize(
    ("between", "key"),
    [
        (CollectionStats(9, 2, 0, 0, 0), "total_blobs and /api/garbage-collect/stats"),
        (CollectionStats(1, 2, 0, 1, 0), "orphaned_manifests and /api/garbage-collect/stats"),
        (blobs(BLOB, BLOB), "totalBlobs and /api/registry/blobs"),
        (
            health(metrics=msgspec.to_builtins(health().metrics) | {"totalManifests": 1}),
            "total_manifests and /api/registry/health",
        ),
    ],
)
def test_counts_of_one_instant_that_contradict_each_other(between: object, key: str) -> None:
    assert [one.key for one in contradictions(snapshot(between=between))] == [key]


def test_more_to_free_than_there_is() -> None:
    after = state(summary=summary(estimatedSpaceToFree=4))
    shown = list(contradictions(snapshot(between=blobs(BLOB), after=after)))
    assert [one.key for one in shown] == ["estimatedSpaceToFree and /api/registry/blobs"]


def test_a_contradiction_shows_in_two_snapshots_and_in_every_one() -> None:
    honest, lying = snapshot(), snapshot(between=CollectionStats(9, 2, 0, 0, 0))
    assert agreed([]) == ((), False)
    assert agreed([honest]) == ((), True)
    assert agreed([lying]) == ((), False)
    assert agreed([lying, honest]) == ((), True)
    lasting, is_decided = agreed([lying, lying])
    assert ([one.rule for one in lasting], is_decided) == (["totals"], True)


def test_health() -> None:
    assert list(health_suspicions(None)) == []
    assert list(health_suspicions(health())) == []
    for ill in (health(status="degraded", warnings=["disk"]), health(checks={"x": False})):
        (one,) = health_suspicions(ill)
        assert one.rule == "unhealthy"


def test_sessions() -> None:
    now = 10 * HOUR_MS
    session = {"startTime": 0, "blobCount": 0}
    idle = [
        {"id": "old", "lastActivity": now - HOUR_MS - 1, "repository": "a", **session},
        {"id": "new", "lastActivity": now - HOUR_MS, **session},
    ]
    sessions = msgspec.convert({"activeSessions": idle, "totalActiveSessions": 2, "timestamp": now}, Sessions)
    (stuck,) = session_suspicions(sessions, most_idle_ms=HOUR_MS)
    assert (stuck.rule, stuck.key) == ("stuck-session", "old")
    assert stuck.explanation == "an upload of a in which nothing happened for 3,600 s"
    double = msgspec.convert({"activeSessions": [idle[1]] * 2, "totalActiveSessions": 2, "timestamp": now}, Sessions)
    assert [one.rule for one in session_suspicions(double, most_idle_ms=HOUR_MS)] == ["double-session"]
    count = msgspec.convert({"activeSessions": [], "totalActiveSessions": 2, "timestamp": now}, Sessions)
    assert [one.rule for one in session_suspicions(count, most_idle_ms=HOUR_MS)] == ["session-count"]
    assert list(session_suspicions(None, most_idle_ms=HOUR_MS)) == []


def test_decoding_tells_what_is_wrong() -> None:
    notes: list[str] = []
    assert decoded(b'{"totalBlobs": 1}', Blobs, notes.append) is None
    assert decoded(b"\xff", Blobs, notes.append) is None
    assert "blobs" in notes[0]
    assert decoded(b'{"totalBlobs": 0, "blobs": [], "timestamp": 1, "more": 1}', Blobs, notes.append) == Blobs(0, [], 1)
