"""The documented shapes of the monitoring API (docs/external-api.md): every field that stands there, strictly typed.

Fields that are not documented are allowed and ignored, but for those that a rule reads (`generation`).
"""

import msgspec


class _Shape(msgspec.Struct, frozen=True, rename="camel"):
    pass


class Summary(_Shape, frozen=True):
    """Totals of the whole registry."""

    total_repositories: int
    total_manifests: int
    total_blobs: int
    unreferenced_blobs: int
    orphaned_manifests: int
    estimated_space_to_free: int


class Listed(_Shape, frozen=True):
    """A repository within the state."""

    name: str
    tag_count: int
    tags: list[str]


class Session(_Shape, frozen=True):
    """An open upload; `duration` only in the list of sessions."""

    id: str
    start_time: int
    last_activity: int
    blob_count: int
    duration: int | None = None


class StateSessions(_Shape, frozen=True):
    """Open uploads within the state."""

    count: int
    sessions: list[Session]


class StateHealth(_Shape, frozen=True):
    """Health within the state."""

    status: str
    uptime: int
    log_stream_clients: int


class State(_Shape, frozen=True):
    """`/api/registry/state`."""

    timestamp: int
    registry_version: str
    summary: Summary
    repositories: list[Listed]
    active_sessions: StateSessions
    health: StateHealth
    generation: int | None = None


class TagDetail(_Shape, frozen=True):
    """A tag within a repository."""

    tag: str
    has_manifest: bool
    digest: str | None


class Repository(_Shape, frozen=True):
    """`/api/registry/repositories/<name>`."""

    name: str
    tag_count: int
    tags: list[TagDetail]
    timestamp: int


class Blob(_Shape, frozen=True):
    """A committed blob."""

    digest: str
    size: int
    created: int


class Blobs(_Shape, frozen=True):
    """`/api/registry/blobs`."""

    total_blobs: int
    blobs: list[Blob]
    timestamp: int


class Sessions(_Shape, frozen=True):
    """`/api/registry/sessions`."""

    active_sessions: list[Session]
    total_active_sessions: int
    timestamp: int


class Checks(_Shape, frozen=True):
    """What the health check tried."""

    repository_listing: bool
    statistics_access: bool
    database_connectivity: bool

    @property
    def passed(self) -> bool:
        """All of them."""
        return self.repository_listing and self.statistics_access and self.database_connectivity


class Metrics(_Shape, frozen=True):
    """Totals within the health."""

    total_repositories: int
    total_manifests: int
    total_blobs: int
    active_sessions: int
    log_stream_clients: int


class Health(_Shape, frozen=True):
    """`/api/registry/health`."""

    status: str
    timestamp: int
    uptime: int
    checks: Checks
    metrics: Metrics
    warnings: list[str]


class Collection(_Shape, frozen=True):
    """`/api/garbage-collect/stats`."""

    total_blobs: int
    total_manifests: int
    unreferenced_blobs: int
    orphaned_manifests: int
    estimated_space_to_free: int


Document = State | Repository | Blobs | Sessions | Health | Collection

SHAPES: dict[str, type[Document]] = {
    "/api/registry/state": State,
    "/api/registry/blobs": Blobs,
    "/api/registry/sessions": Sessions,
    "/api/registry/health": Health,
    "/api/garbage-collect/stats": Collection,
}
REPOSITORIES = "/api/registry/repositories/"


def shape_of(endpoint: str) -> type[Document] | None:
    """The documented shape of what an endpoint answers."""
    return Repository if endpoint.startswith(REPOSITORIES) else SHAPES.get(endpoint)
