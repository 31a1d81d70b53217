"""Every way in which one answer of the monitoring API can contradict itself."""

import msgspec
import pytest

from nscr_cli.checkers.monitoring_agreement import contradictions
from nscr_cli.checkers.monitoring_shapes import REPOSITORIES, shape_of

STATE = {
    "timestamp": 9000,
    "registryVersion": "2.0",
    "summary": {
        "totalRepositories": 1,
        "totalManifests": 2,
        "totalBlobs": 3,
        "unreferencedBlobs": 1,
        "orphanedManifests": 0,
        "estimatedSpaceToFree": 5,
    },
    "repositories": [{"name": "r", "tagCount": 2, "tags": ["a", "b"]}],
    "activeSessions": {
        "count": 1,
        "sessions": [{"id": "s", "startTime": 1000, "lastActivity": 2000, "blobCount": 1}],
    },
    "health": {"status": "healthy", "uptime": 1, "logStreamClients": 0},
}
SESSIONS = {
    "activeSessions": [{"id": "s", "startTime": 1000, "lastActivity": 2000, "blobCount": 1, "duration": 8000}],
    "totalActiveSessions": 1,
    "timestamp": 9000,
}
HEALTH = {
    "status": "healthy",
    "timestamp": 9000,
    "uptime": 1,
    "checks": {"repositoryListing": True, "statisticsAccess": True, "databaseConnectivity": True},
    "metrics": {
        "totalRepositories": 1,
        "totalManifests": 2,
        "totalBlobs": 3,
        "activeSessions": 1,
        "logStreamClients": 0,
    },
    "warnings": [],
}
REPOSITORY = {
    "name": "r/one",
    "tagCount": 2,
    "tags": [{"tag": "a", "hasManifest": True, "digest": "x"}, {"tag": "b", "hasManifest": False, "digest": None}],
    "timestamp": 9000,
}
BLOBS = {"totalBlobs": 1, "blobs": [{"digest": "x", "size": 1, "created": 1}], "timestamp": 9000}
COLLECTION = STATE["summary"] | {"extra": "fields are allowed"}
ANSWERS = {
    "/api/registry/state": STATE,
    "/api/registry/sessions": SESSIONS,
    "/api/registry/health": HEALTH,
    "/api/registry/blobs": BLOBS,
    "/api/garbage-collect/stats": COLLECTION,
    f"{REPOSITORIES}r%2Fone": REPOSITORY,
}


def said(endpoint: str, answer: object) -> list[str]:
    shape = shape_of(endpoint)
    assert shape is not None
    return list(contradictions(endpoint, msgspec.json.decode(msgspec.json.encode(answer), type=shape)))


@pytest.mark.parametrize("endpoint", ANSWERS)
def test_an_answer_that_agrees_with_itself(endpoint: str) -> None:
    assert said(endpoint, ANSWERS[endpoint]) == []


@pytest.mark.parametrize(
    ("endpoint", "path", "value", "why"),
    [
        ("/api/registry/state", "summary.totalRepositories", 2, "totalRepositories is 2, and 1 are listed"),
        ("/api/registry/state", "summary.unreferencedBlobs", 4, "unreferencedBlobs is 4, and totalBlobs 3"),
        ("/api/registry/state", "summary.unreferencedBlobs", 0, "estimatedSpaceToFree is 5 of 0 blobs"),
        ("/api/registry/state", "summary.orphanedManifests", -1, "orphanedManifests is -1, and totalManifests 2"),
        ("/api/registry/state", "summary.estimatedSpaceToFree", -1, "estimatedSpaceToFree is -1 of 1 blobs"),
        ("/api/registry/state", "repositories.0.tagCount", 3, "tagCount of r is 3, and 2 are listed"),
        ("/api/registry/state", "repositories.0.tags", ["b", "a"], "the tags of r are not ascending"),
        ("/api/registry/state", "repositories.0.tags", ["a", "a"], "the tags of r are not ascending"),
        ("/api/registry/state", "activeSessions.count", 0, "activeSessions.count is 0, and 1 are listed"),
        ("/api/registry/state", "activeSessions.sessions.0.startTime", 2500, "session s: started 2500"),
        ("/api/registry/sessions", "totalActiveSessions", 2, "totalActiveSessions is 2, and 1 are listed"),
        ("/api/registry/sessions", "activeSessions.0.duration", 1, "and duration is 1"),
        ("/api/registry/sessions", "activeSessions.0.lastActivity", 99000, "last active 99000"),
        ("/api/registry/health", "checks.statisticsAccess", False, "status is healthy, and the checks say"),
        ("/api/registry/health", "status", "unhealthy", "status is unhealthy, and the checks say"),
        ("/api/registry/health", "status", "fine", "status is fine"),
        ("/api/registry/health", "status", "degraded", "no warning says why"),
        ("/api/registry/health", "warnings", ["disk"], "status is healthy, with warnings"),
        ("/api/registry/blobs", "totalBlobs", 2, "totalBlobs is 2, and 1 are listed"),
        (f"{REPOSITORIES}r%2Fone", "name", "r/two", "r/one was asked for, and r/two came"),
        (f"{REPOSITORIES}r%2Fone", "tagCount", 1, "tagCount is 1, and 2 are listed"),
        (f"{REPOSITORIES}r%2Fone", "tags.0.hasManifest", False, "tag a: hasManifest is False, and digest is x"),
        (f"{REPOSITORIES}r%2Fone", "tags.1.hasManifest", True, "tag b: hasManifest is True, and digest is None"),
        (f"{REPOSITORIES}r%2Fone", "tags.1.tag", "a", "a tag is listed twice"),
    ],
)
def test_an_answer_that_contradicts_itself(endpoint: str, path: str, value: object, why: str) -> None:
    answer = msgspec.json.decode(msgspec.json.encode(ANSWERS[endpoint]))
    *parents, last = path.split(".")
    place = answer
    for name in parents:
        place = place[int(name) if name.isdigit() else name]
    place[last] = value
    assert [words for words in said(endpoint, answer) if why in words], said(endpoint, answer)


def test_an_endpoint_that_is_not_documented_has_no_shape() -> None:
    assert shape_of("/api/web/status") is None
