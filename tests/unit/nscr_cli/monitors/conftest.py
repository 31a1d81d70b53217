"""Answers of a monitoring API, in the documented shape, with whatever a test wants to be different."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from nscr_cli.monitors.rules import HEALTH, SESSIONS, STATE, Answer

NOW = 1_700_000_000_000


def _session(name: str, age_s: float, idle_s: float) -> dict[str, Any]:
    return {"id": name, "startTime": NOW - int(age_s * 1000), "lastActivity": NOW - int(idle_s * 1000), "blobCount": 2}


def _answers(
    *,
    repositories: dict[str, list[str]] | None = None,
    blobs: int = 5,
    health_blobs: int | None = None,
    uploads: list[tuple[str, float, float]] | None = None,
    status: str = "healthy",
    uptime_s: float = 100,
    checks: dict[str, bool] | None = None,
    warnings: list[str] | None = None,
    generation: int | None = 1,
    state: dict[str, Any] | None = None,
    sessions: dict[str, Any] | None = None,
    statuses: dict[str, int | None] | None = None,
    latency_ms: float = 4.0,
) -> dict[str, Answer]:
    held = {"app": ["latest"]} if repositories is None else repositories
    open_uploads = [_session(*upload) for upload in uploads or []]
    uptime = int(uptime_s * 1000)
    documents: dict[str, dict[str, Any]] = {
        STATE: {
            "timestamp": NOW,
            "registryVersion": "2.0",
            "summary": {
                "totalRepositories": len(held),
                "totalManifests": 3,
                "totalBlobs": blobs,
                "unreferencedBlobs": 1,
                "orphanedManifests": 0,
                "estimatedSpaceToFree": 1048576,
            },
            "repositories": [{"name": n, "tagCount": len(tags), "tags": tags} for n, tags in held.items()],
            "activeSessions": {"count": len(open_uploads), "sessions": open_uploads},
            "health": {"status": status, "uptime": uptime, "logStreamClients": 1},
        }
        | ({} if generation is None else {"generation": generation})
        | (state or {}),
        HEALTH: {
            "status": status,
            "timestamp": NOW,
            "uptime": uptime,
            "checks": checks or {"repositoryListing": True, "statisticsAccess": True, "databaseConnectivity": True},
            "metrics": {
                "totalRepositories": len(held),
                "totalManifests": 3,
                "totalBlobs": blobs if health_blobs is None else health_blobs,
                "activeSessions": len(open_uploads),
                "logStreamClients": 1,
            },
            "warnings": warnings or [],
        },
        SESSIONS: {"activeSessions": open_uploads, "totalActiveSessions": len(open_uploads), "timestamp": NOW}
        | (sessions or {}),
    }
    given = {STATE: 200, HEALTH: 200, SESSIONS: 200} | (statuses or {})
    return {
        endpoint: Answer(
            endpoint=endpoint,
            latency_ms=latency_ms,
            status=given[endpoint],
            error="connection refused" if given[endpoint] is None else None,
            body=json.dumps(document).encode() if given[endpoint] is not None else b"",
        )
        for endpoint, document in documents.items()
    }


@pytest.fixture
def answers() -> Callable[..., dict[str, Answer]]:
    """Makes one round of answers."""
    return _answers


@pytest.fixture
def silence() -> dict[str, Answer]:
    """A round in which nothing answers."""
    return _answers(statuses={STATE: None, HEALTH: None, SESSIONS: None})
