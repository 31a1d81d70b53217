"""The bodies of the monitoring API as types: what is encoded, and what /openapi.json describes.

Field names are those of docs/external-api.md in snake case. A field that may grow with the registry stands last, so
that nscr.http.spool can write it piece by piece after the rest. Times and durations are integer milliseconds.
"""

from typing import Literal

import msgspec


class Document(msgspec.Struct, rename="camel", kw_only=True):
    """An object with camel-case members."""


class SummaryDocument(Document):
    total_repositories: int
    total_manifests: int
    total_blobs: int
    unreferenced_blobs: int
    orphaned_manifests: int
    estimated_space_to_free: int
    sparse_manifests: int


class StorageDocument(Document):
    total_bytes: int
    unique_bytes: int
    space_savings: int
    deduplication_ratio: float
    unique_blobs: int


class SessionDocument(Document):
    id: str
    start_time: int
    last_activity: int
    blob_count: int


class OpenSessionDocument(SessionDocument):
    duration: int
    repository: str
    bytes_received: int


class SessionsDocument(Document):
    count: int
    sessions: list[SessionDocument]


class LivenessDocument(Document):
    status: Literal["healthy", "degraded", "unhealthy"]
    uptime: int
    log_stream_clients: int


class RepositoryTagsDocument(Document):
    name: str
    tag_count: int
    tags: tuple[str, ...]


class StateDocument(Document):
    timestamp: int
    registry_version: str
    generation: int
    summary: SummaryDocument
    storage: StorageDocument
    active_sessions: SessionsDocument
    health: LivenessDocument
    repositories: list[RepositoryTagsDocument] = []


class RepositoryDocument(Document):
    name: str
    last_uploaded: int


class RepositoriesDocument(Document):
    timestamp: int
    repositories: list[RepositoryDocument] = []


class TagDocument(Document):
    tag: str
    has_manifest: bool
    digest: str | None
    size_bytes: int


class RepositoryDetailDocument(Document):
    name: str
    tag_count: int
    timestamp: int
    tags: list[TagDocument] = []


class BlobDocument(Document):
    digest: str
    size: int
    created: int


class BlobsDocument(Document):
    total_blobs: int
    total_bytes: int
    unique_bytes: int
    timestamp: int
    blobs: list[BlobDocument] = []


class ActiveSessionsDocument(Document):
    total_active_sessions: int
    timestamp: int
    active_sessions: list[OpenSessionDocument] = []


class MetricsDocument(Document):
    total_repositories: int = 0
    total_manifests: int = 0
    total_blobs: int = 0
    active_sessions: int = 0
    log_stream_clients: int = 0


class ChecksDocument(Document):
    repository_listing: bool
    statistics_access: bool
    database_connectivity: bool


class HealthDocument(Document, omit_defaults=True):
    status: Literal["healthy", "degraded", "unhealthy"]
    timestamp: int
    uptime: int
    checks: ChecksDocument
    metrics: MetricsDocument
    warnings: tuple[str, ...]
    error: str | None = None
    message: str | None = None


class CollectionStatisticsDocument(Document):
    total_blobs: int
    total_manifests: int
    unreferenced_blobs: int
    orphaned_manifests: int
    estimated_space_to_free: int


class SpaceDocument(Document):
    total_bytes: int
    unique_bytes: int
    space_savings: int
    space_savings_percent: float
    deduplication_ratio: float


class BlobUsageDocument(Document):
    total_blobs: int
    unique_blobs: int
    average_references_per_blob: float


class ReferencedBlobDocument(Document):
    digest: str
    reference_count: int
    size: int


class StorageStatisticsDocument(Document):
    storage: SpaceDocument
    blobs: BlobUsageDocument
    most_referenced_blobs: list[ReferencedBlobDocument]
    timestamp: int


class CollectionDocument(Document):
    """Attributes: failures, entries that the collection had to pass."""

    blobs_removed: int
    space_freed: int
    manifests_removed: int
    dry_run: bool
    failures: list[str]
    timestamp: int


class WebStatusDocument(Document):
    repositories: int
    total_blobs: int
    total_manifests: int
    unreferenced_blobs: int
    estimated_space_to_free: int
    last_gc_run: int | None
    log_stream_clients: int
    uptime: int
    version: str


class DirectionsDocument(Document):
    """Bytes a second of one kind of content, from the client's side."""

    upload_bytes_per_second: float
    download_bytes_per_second: float


class ThroughputDocument(Document):
    """Bytes a second: what the registry reads is downloaded, what it writes is uploaded."""

    timestamp: int
    read_bytes_per_second: float
    write_bytes_per_second: float
    blob: DirectionsDocument
    manifest: DirectionsDocument


class ThroughputPointDocument(ThroughputDocument):
    """Attributes: timestamp, the start of a unit of UTC; duration, how much of that unit this is the mean of."""

    duration: int


class ThroughputHistoryDocument(Document):
    timestamp: int
    unit: Literal["minutes", "hours", "days"]
    points: list[ThroughputPointDocument]


class PeakDirectionsDocument(DirectionsDocument):
    """Attributes: upload_at, download_at, when that second began; null before anything came or went."""

    upload_at: int | None
    download_at: int | None


class ThroughputPeakDocument(Document):
    """The most in one second, each number of a second of its own.

    Attributes:
        since: when the server started; it knows of nothing before.
        read_at, write_at: when that second began; null before anything went or came.
    """

    timestamp: int
    since: int
    read_bytes_per_second: float
    write_bytes_per_second: float
    read_at: int | None
    write_at: int | None
    blob: PeakDirectionsDocument
    manifest: PeakDirectionsDocument


class ShutdownDocument(Document):
    message: str
    timestamp: int


class FailureDocument(Document):
    error: str
    message: str


class RepositoryDeletedDocument(Document):
    message: str
    manifests_deleted: int
