"""Figures: the numbers in an answer of the monitoring API, by one name wherever they stand (docs/external-api.md).

Lenient on purpose: what is missing, or not of the documented type, is None. Whether an answer tells the truth is for
checkers; here it is only shown and written down. Pure.
"""

import msgspec

from nscr_cli.foreign_json import Unreadable, read_json

_SUMMARY = {
    "repositories": "totalRepositories",
    "manifests": "totalManifests",
    "blobs": "totalBlobs",
    "unreferenced_blobs": "unreferencedBlobs",
    "orphaned_manifests": "orphanedManifests",
    "space_to_free": "estimatedSpaceToFree",
}
_PATHS: dict[str, dict[str, tuple[str, ...]]] = {
    "registry/state": {name: ("summary", field) for name, field in _SUMMARY.items()}
    | {
        "status": ("health", "status"),
        "uptime_ms": ("health", "uptime"),
        "log_stream_clients": ("health", "logStreamClients"),
        "sessions": ("activeSessions", "count"),
        "generation": ("generation",),
        "total_bytes": ("storage", "totalBytes"),
        "unique_bytes": ("storage", "uniqueBytes"),
    },
    "registry/health": {
        "status": ("status",),
        "uptime_ms": ("uptime",),
        "repositories": ("metrics", "totalRepositories"),
        "manifests": ("metrics", "totalManifests"),
        "blobs": ("metrics", "totalBlobs"),
        "sessions": ("metrics", "activeSessions"),
        "log_stream_clients": ("metrics", "logStreamClients"),
    },
    "registry/sessions": {"sessions": ("totalActiveSessions",)},
    "registry/blobs": {
        "blobs": ("totalBlobs",),
        "total_bytes": ("totalBytes",),
        "unique_bytes": ("uniqueBytes",),
    },
    "registry/repositories": {"repositories": ("repositories",)},
    "registry/storage": {
        "blobs": ("blobs", "totalBlobs"),
        "total_bytes": ("storage", "totalBytes"),
        "unique_bytes": ("storage", "uniqueBytes"),
    },
    "web/status": {
        "repositories": ("repositories",),
        "manifests": ("totalManifests",),
        "blobs": ("totalBlobs",),
        "unreferenced_blobs": ("unreferencedBlobs",),
        "space_to_free": ("estimatedSpaceToFree",),
        "uptime_ms": ("uptime",),
        "log_stream_clients": ("logStreamClients",),
    },
    "garbage-collect/stats": {name: (field,) for name, field in _SUMMARY.items() if name != "repositories"},
}
_REPOSITORY: dict[str, tuple[str, ...]] = {"tags": ("tagCount",)}


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """What one answer says. Sizes in bytes, `uptime_ms` in milliseconds."""

    status: str | None = None
    uptime_ms: int | None = None
    repositories: int | None = None
    manifests: int | None = None
    blobs: int | None = None
    unreferenced_blobs: int | None = None
    orphaned_manifests: int | None = None
    space_to_free: int | None = None
    sessions: int | None = None
    log_stream_clients: int | None = None
    generation: int | None = None
    tags: int | None = None
    total_bytes: int | None = None
    unique_bytes: int | None = None


def read_figures(endpoint: str, body: bytes | msgspec.Raw | None) -> Figures:
    """The figures of one answer; none at all where the body is not a JSON object or the endpoint is not known."""
    try:
        document = read_json(body) if body else None
    except Unreadable:
        document = None
    values: dict[str, int | str] = {}
    for name, path in _paths(endpoint).items():
        value = _at(document, path)
        value = len(value) if isinstance(value, list) else value
        wanted = str if name == "status" else int
        if isinstance(value, wanted) and not isinstance(value, bool):
            values[name] = value
    return msgspec.convert(values, Figures)


def _paths(endpoint: str) -> dict[str, tuple[str, ...]]:
    below = endpoint.removeprefix("/api/")
    return _REPOSITORY if below.startswith("registry/repositories/") else _PATHS.get(below, {})


def _at(document: object, path: tuple[str, ...]) -> object:
    for field in path:
        document = document.get(field) if isinstance(document, dict) else None
    return document
