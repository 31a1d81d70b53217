"""The monitoring API (docs/external-api.md): its documents, and who asks for them."""

from nscr_cli.client.monitoring.documents import (
    Blob,
    Blobs,
    CollectionStats,
    Health,
    Metrics,
    Repository,
    RepositoryDetails,
    RepositoryTag,
    Session,
    SessionList,
    Sessions,
    State,
    StateHealth,
    Summary,
)
from nscr_cli.client.monitoring.monitor import Monitor, Observation
from nscr_cli.client.monitoring.polling import Monitoring, Poll

__all__ = [
    "Blob",
    "Blobs",
    "CollectionStats",
    "Health",
    "Metrics",
    "Monitor",
    "Monitoring",
    "Observation",
    "Poll",
    "Repository",
    "RepositoryDetails",
    "RepositoryTag",
    "Session",
    "SessionList",
    "Sessions",
    "State",
    "StateHealth",
    "Summary",
]
