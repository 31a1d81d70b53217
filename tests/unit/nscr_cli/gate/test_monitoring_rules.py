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
from nscr_cli.gate.monitoring_rules import Round, decoded, is_still, still_repositories, suspicions

TAGS = {"a": {"t": "sha256:d", "u": None}}
HOUR_MS = 3_600_000
BLOB = Blob("sha256:b", 3, 1)


def state(*, generation: int | None = 7, **changes: object) -> State:
    document = {
        "timestamp": 1,
        "registryVersion": "2.0",
        "summary": {
            "totalRepositories": 1, "totalManifests": 2, "totalBlobs": 1, "unreferencedBlobs": 0,
            "orphanedManifests": 0, "estimatedSpaceToFree": 0,
        },
        "repositories": [{"name": "a", "tagCount": 2, "tags": ["t", "u"]}],
        "activeSessions": {"count": 0, "sessions": []},
        "health": {"status": "healthy", "uptime": 1, "logStreamClients": 0},
        "generation": generation,
    } | changes  # fmt: skip
    return msgspec.convert(document, State)


def seen(**changes: object) -> Round:
    details = {"name": "a", "tagCount": 2, "timestamp": 1, "tags": [
        {"tag": "t", "hasManifest": True, "digest": "sha256:d"},
        {"tag": "u", "hasManifest": True, "digest": "sha256:e"},
    ]}  # fmt: skip
    health = {
        "status": "healthy", "timestamp": 1, "uptime": 1, "checks": {"x": True}, "warnings": [],
        "metrics": {
            "totalRepositories": 1, "totalManifests": 2, "totalBlobs": 1, "activeSessions": 0, "logStreamClients": 0
        },
    }  # fmt: skip
    whole = Round(
        tags_before=TAGS,
        tags_after=TAGS,
        state_before=state(),
        state_after=state(),
        details={"a": msgspec.convert(details, RepositoryDetails)},
        blobs=msgspec.convert(
            {"totalBlobs": 1, "blobs": [{"digest": "sha256:b", "size": 3, "created": 1}], "timestamp": 1}, Blobs
        ),
        stats=CollectionStats(1, 2, 0, 0, 0),
        health=msgspec.convert(health, Health),
        sessions=Sessions([], 0, 10 * HOUR_MS),
        present={"sha256:b": 3},
        reached=2,
        is_whole=True,
        malformed={},
    )
    return msgspec.structs.replace(whole, **changes)


def rules(round_: Round) -> set[str]:
    return {one.rule for one in suspicions(round_, most_idle_ms=HOUR_MS)}


def test_one_story() -> None:
    assert rules(seen()) == set()
    assert is_still(seen())
    assert still_repositories(seen()) == ["a"]


def test_nothing_readable_is_no_suspicion_by_itself() -> None:
    nothing = dict.fromkeys(("state_before", "state_after", "blobs", "stats", "health", "sessions"))
    assert rules(seen(**nothing, details={})) == set()
    assert rules(seen(**nothing, details={}, malformed={"/api/registry/state": "no JSON"})) == {"malformed"}
    assert not is_still(seen(**nothing))


def test_a_repository_that_moved_meanwhile_is_not_compared() -> None:
    lying = state(repositories=[{"name": "a", "tagCount": 1, "tags": ["w"]}])
    moved = {"a": {"t": "sha256:other", "u": None}}
    assert rules(seen(state_before=lying, state_after=lying)) == {"hidden-tag", "phantom-tag"}
    assert rules(seen(state_before=lying, state_after=lying, tags_after=moved)) == set()
    assert still_repositories(seen(tags_after={})) == []


def test_totals_are_compared_only_while_nothing_changes() -> None:
    stats = CollectionStats(9, 2, 0, 0, 0)
    assert rules(seen(stats=stats)) == {"totals"}
    assert rules(seen(stats=stats, state_after=state(generation=8))) == set()
    assert rules(seen(stats=stats, reached=3)) == {"totals", "manifest-count"}


@pytest.mark.parametrize("total", [1, 2])
def test_without_a_generation_the_summary_tells_whether_anything_changed(total: int) -> None:
    before = state(generation=None)
    after = msgspec.structs.replace(before, summary=msgspec.structs.replace(before.summary, total_blobs=total))
    assert is_still(seen(state_before=before, state_after=after)) == (total == 1)


def test_repositories_that_only_the_state_knows() -> None:
    more = [{"name": name, "tagCount": 1, "tags": ["x"]} for name in ("b",)]
    lying = state(
        repositories=[{"name": "a", "tagCount": 2, "tags": ["t", "u"]}, *more],
        summary={
            "totalRepositories": 2, "totalManifests": 2, "totalBlobs": 1, "unreferencedBlobs": 0,
            "orphanedManifests": 0, "estimatedSpaceToFree": 0,
        },
    )  # fmt: skip
    health = msgspec.structs.replace(
        seen().health, metrics=msgspec.structs.replace(seen().health.metrics, total_repositories=2)
    )
    both = {"state_before": lying, "state_after": lying, "health": health}
    assert rules(seen(**both)) == {"phantom-repository"}
    assert rules(seen(**both, is_whole=False)) == set()


def test_answers_that_contradict_themselves() -> None:
    twice = [{"name": "a", "tagCount": 2, "tags": ["t", "u"]}] * 2
    assert "double-repository" in rules(seen(state_before=state(repositories=twice)))
    blobs = msgspec.convert(
        {"totalBlobs": 1, "blobs": [{"digest": "sha256:b", "size": 3, "created": 1}] * 2, "timestamp": 1}, Blobs
    )
    assert "blob-count" in rules(seen(blobs=blobs))
    summary = {
        "totalRepositories": 1, "totalManifests": 2, "totalBlobs": 1, "unreferencedBlobs": 2,
        "orphanedManifests": 0, "estimatedSpaceToFree": 0,
    }  # fmt: skip
    assert "blob-count" in rules(seen(state_before=state(summary=summary)))
    assert "session-count" in rules(seen(state_before=state(activeSessions={"count": 1, "sessions": []})))


def test_sessions() -> None:
    now = 10 * HOUR_MS
    session = {"startTime": 0, "blobCount": 0}
    idle = [
        {"id": "old", "lastActivity": now - HOUR_MS - 1, "repository": "a", **session},
        {"id": "new", "lastActivity": now - HOUR_MS, **session},
    ]
    sessions = msgspec.convert({"activeSessions": idle, "totalActiveSessions": 2, "timestamp": now}, Sessions)
    (stuck,) = suspicions(seen(sessions=sessions), most_idle_ms=HOUR_MS)
    assert (stuck.rule, stuck.key) == ("stuck-session", "old")
    assert stuck.explanation == "an upload of a in which nothing happened for 3,600 s"
    double = msgspec.convert({"activeSessions": [idle[1]] * 2, "totalActiveSessions": 2, "timestamp": now}, Sessions)
    assert rules(seen(sessions=double)) == {"double-session"}


def test_decoding_tells_what_is_wrong() -> None:
    notes: list[str] = []
    assert decoded(b'{"totalBlobs": 1}', Blobs, notes.append) is None
    assert decoded(b"\xff", Blobs, notes.append) is None
    assert "blobs" in notes[0]
    assert decoded(b'{"totalBlobs": 0, "blobs": [], "timestamp": 1, "more": 1}', Blobs, notes.append) == Blobs(0, [], 1)
