"""The answers of the monitoring API as docs/external-api.md shapes them, one definition for whoever reads them. Pure.

What the document shows is required and strictly typed, everything else is ignored: a registry may say more, never less.
Times and durations are milliseconds. checkers/monitoring_shapes.py has shapes of its own: a judge shares no definition
with a client.
"""

import msgspec


class Summary(msgspec.Struct, frozen=True, rename="camel"):
    """Totals of one snapshot. How many indexes were accepted without all their children is more than is promised."""

    total_repositories: int
    total_manifests: int
    total_blobs: int
    unreferenced_blobs: int
    orphaned_manifests: int
    estimated_space_to_free: int
    sparse_manifests: int | None = None


class Repository(msgspec.Struct, frozen=True, rename="camel"):
    """A repository and its tags."""

    name: str
    tag_count: int
    tags: list[str]


class Session(msgspec.Struct, frozen=True, rename="camel"):
    """An open upload. The duration is only in the list of sessions; repository and bytes are more than is promised."""

    id: str
    start_time: int
    last_activity: int
    blob_count: int
    duration: int | None = None
    repository: str | None = None
    bytes_received: int | None = None


class SessionList(msgspec.Struct, frozen=True):
    """Open uploads within a snapshot."""

    count: int
    sessions: list[Session]


class StateHealth(msgspec.Struct, frozen=True, rename="camel"):
    """Health within a snapshot."""

    status: str
    uptime: int
    log_stream_clients: int


class State(msgspec.Struct, frozen=True, rename="camel"):
    """`/api/registry/state`. The generation, where there is one, grows with every committed change."""

    timestamp: int
    registry_version: str
    summary: Summary
    repositories: list[Repository]
    active_sessions: SessionList
    health: StateHealth
    generation: int | None = None


class RepositoryTag(msgspec.Struct, frozen=True, rename="camel"):
    """A tag and the digest that it names."""

    tag: str
    has_manifest: bool
    digest: str | None


class RepositoryDetails(msgspec.Struct, frozen=True, rename="camel"):
    """`/api/registry/repositories/{name}`."""

    name: str
    tag_count: int
    tags: list[RepositoryTag]
    timestamp: int


class Blob(msgspec.Struct, frozen=True):
    """A committed blob."""

    digest: str
    size: int
    created: int


class Blobs(msgspec.Struct, frozen=True, rename="camel"):
    """`/api/registry/blobs`."""

    total_blobs: int
    blobs: list[Blob]
    timestamp: int


class Sessions(msgspec.Struct, frozen=True, rename="camel"):
    """`/api/registry/sessions`."""

    active_sessions: list[Session]
    total_active_sessions: int
    timestamp: int


class Metrics(msgspec.Struct, frozen=True, rename="camel"):
    """Totals as the health check sees them."""

    total_repositories: int
    total_manifests: int
    total_blobs: int
    active_sessions: int
    log_stream_clients: int


class Health(msgspec.Struct, frozen=True):
    """`/api/registry/health`; the same shape when it answers 500."""

    status: str
    timestamp: int
    uptime: int
    checks: dict[str, bool]
    metrics: Metrics
    warnings: list[str]


class CollectionStats(msgspec.Struct, frozen=True, rename="camel"):
    """`/api/garbage-collect/stats`."""

    total_blobs: int
    total_manifests: int
    unreferenced_blobs: int
    orphaned_manifests: int
    estimated_space_to_free: int
