"""Handlers of the monitoring API (docs/external-api.md): six readings, each of one moment.

Times and durations are integer milliseconds. Documented fields keep their names and shapes; more may be added.
"""

from dataclasses import asdict

import msgspec

from nscr.core.figures import SessionFigures, Storage, Summary
from nscr.core.paging import parse_page
from nscr.errors import NameUnknown
from nscr.http.messages import Request, Response
from nscr.http.services import Services
from nscr.oci.names import parse_name

REGISTRY_VERSION = "2.0"

LOG_STREAM_CLIENTS = 0
"""There is no log stream to connect to."""


def _json(document: object, status: int = 200) -> Response:
    return Response(status, {"Content-Type": "application/json"}, msgspec.json.encode(document))


def _camel(text: str) -> str:
    first, *rest = text.split("_")
    return first + "".join(map(str.capitalize, rest))


def _summary(summary: Summary) -> dict[str, int]:
    return {_camel(name): value for name, value in asdict(summary).items()}


def _storage(storage: Storage) -> dict[str, float]:
    return {
        "totalBytes": storage.total_bytes,
        "uniqueBytes": storage.unique_bytes,
        "spaceSavings": storage.space_savings,
        "deduplicationRatio": storage.deduplication_ratio,
        "uniqueBlobs": storage.unique_blobs,
    }


def _session(session: SessionFigures) -> dict[str, object]:
    return {
        "id": session.id,
        "startTime": session.started,
        "lastActivity": session.last_activity,
        "blobCount": session.chunks,
    }


async def get_state(services: Services, request: Request) -> Response:
    """Repositories, totals and sessions, all of one moment."""
    health = await services.health.check()
    # Where the reading failed within the checks, trying again gives the failure to report.
    snapshot = health.snapshot or await services.registry.census.snapshot()
    now = services.now()
    return _json(
        {
            "timestamp": now,
            "registryVersion": REGISTRY_VERSION,
            "generation": snapshot.generation,
            "summary": _summary(snapshot.summary),
            "storage": _storage(snapshot.storage),
            "repositories": [
                {"name": repository.name, "tagCount": len(repository.tags), "tags": repository.tags}
                for repository in snapshot.repositories
            ],
            "activeSessions": {
                "count": len(snapshot.sessions),
                "sessions": [_session(session) for session in snapshot.sessions],
            },
            "health": {
                "status": health.status,
                "uptime": now - services.started,
                "logStreamClients": LOG_STREAM_CLIENTS,
            },
        }
    )


async def get_repository(services: Services, request: Request) -> Response:
    """One repository with its tags."""
    name = parse_name(request.parameters["name"])
    tags = await services.registry.census.repository_tags(name)
    if tags is None:
        raise NameUnknown(name)
    return _json(
        {
            "name": name,
            "tagCount": len(tags),
            "tags": [
                {"tag": tag.name, "hasManifest": True, "digest": tag.digest, "sizeBytes": tag.size} for tag in tags
            ],
            "timestamp": services.now(),
        }
    )


async def list_blobs(services: Services, request: Request) -> Response:
    """Committed blobs, paged by `limit` and `after`."""
    page = parse_page(request.query.get("limit"), request.query.get("after"))
    storage, blobs = await services.registry.census.blobs(page.last, page.limit)
    return _json(
        {
            "totalBlobs": storage.unique_blobs,
            "totalBytes": storage.total_bytes,
            "uniqueBytes": storage.unique_bytes,
            "blobs": [{"digest": blob.digest, "size": blob.size, "created": blob.created} for blob in blobs],
            "timestamp": services.now(),
        }
    )


async def list_sessions(services: Services, request: Request) -> Response:
    """Upload sessions in progress."""
    sessions = await services.registry.census.sessions()
    held = {session.id: await services.registry.content.offset(session.id) for session in sessions}
    now = services.now()
    return _json(
        {
            "activeSessions": [
                {
                    **_session(session),
                    "duration": max(0, now - session.started),
                    "repository": session.repository,
                    "bytesReceived": held[session.id],
                }
                for session in sessions
            ],
            "totalActiveSessions": len(sessions),
            "timestamp": now,
        }
    )


async def get_health(services: Services, request: Request) -> Response:
    """Health checks, made for this request."""
    health = await services.health.check()
    now = services.now()
    document: dict[str, object] = {
        "status": health.status,
        "timestamp": now,
        "uptime": now - services.started,
        "checks": health.checks,
        "metrics": {
            "totalRepositories": health.snapshot.summary.total_repositories if health.snapshot else 0,
            "totalManifests": health.snapshot.summary.total_manifests if health.snapshot else 0,
            "totalBlobs": health.snapshot.summary.total_blobs if health.snapshot else 0,
            "activeSessions": len(health.snapshot.sessions) if health.snapshot else 0,
            "logStreamClients": LOG_STREAM_CLIENTS,
        },
        "warnings": list(health.warnings),
    }
    if not health.failures:
        return _json(document)
    return _json({**document, "error": "Health check failed", "message": "; ".join(health.failures)}, 500)


async def get_collection_statistics(services: Services, request: Request) -> Response:
    """What a collection would free now."""
    figures = _summary((await services.registry.census.snapshot()).summary)
    del figures["totalRepositories"]
    return _json(figures)
