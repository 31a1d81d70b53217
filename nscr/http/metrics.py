"""Prometheus metrics: what requests there were, and the figures of the registry at the moment of the scrape.

Labels are route templates, never paths: their number does not grow with what clients ask for.
"""

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from nscr.core.figures import Figures

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0)
_METHODS = frozenset({"GET", "HEAD", "PUT", "POST", "PATCH", "DELETE"})


class RequestMetrics:
    """Counts requests as they end."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "nscr_http_requests", "Requests that were answered.", ["method", "route", "status"], registry=self._registry
        )
        self._seconds = Histogram(
            "nscr_http_request_seconds",
            "Time from the request's head to the end of its reply.",
            ["method", "route"],
            buckets=_BUCKETS,
            registry=self._registry,
        )

    def observe(self, method: str, route: str, status: int, seconds: float) -> None:
        known = method if method in _METHODS else "other"
        self._requests.labels(known, route, str(status)).inc()
        self._seconds.labels(known, route).observe(seconds)

    def render(self, figures: Figures, *, is_healthy: bool, uptime_ms: int, clients: dict[str, int]) -> bytes:
        """All metrics in the text format of Prometheus."""
        scraped = CollectorRegistry()
        scraped.register(_Gauges(figures, is_healthy=is_healthy, uptime_ms=uptime_ms, clients=clients))
        return generate_latest(self._registry) + generate_latest(scraped)


class _Gauges(Collector):
    """One moment's figures."""

    def __init__(self, figures: Figures, *, is_healthy: bool, uptime_ms: int, clients: dict[str, int]) -> None:
        summary, storage = figures.summary, figures.storage
        self._values = {
            "repositories": ("Repositories with a manifest.", summary.total_repositories),
            "manifests": ("Manifests, per repository.", summary.total_manifests),
            "blobs": ("Committed blobs, each once.", summary.total_blobs),
            "unreferenced_blobs": ("Blobs that a collection would remove.", summary.unreferenced_blobs),
            "unreferenced_bytes": ("Bytes that a collection would free.", summary.estimated_space_to_free),
            "orphaned_manifests": ("Manifests that lack what they reference.", summary.orphaned_manifests),
            "blob_bytes": ("Bytes of blobs, each blob once.", storage.unique_bytes),
            "repository_bytes": ("Bytes of blobs, once for each repository that holds them.", storage.total_bytes),
            "upload_sessions": ("Open upload sessions.", figures.open_sessions),
            "generation": ("Number of the last committed change.", figures.generation),
            "healthy": ("1 where all health checks pass.", int(is_healthy)),
            "uptime_seconds": ("Time since the start.", uptime_ms / 1000),
        }
        self._clients = clients

    def collect(self) -> Iterator[GaugeMetricFamily]:
        for name, (description, value) in self._values.items():
            yield GaugeMetricFamily(f"nscr_{name}", description, value=value)
        clients = GaugeMetricFamily("nscr_stream_clients", "Clients of event streams.", labels=["stream"])
        for stream, count in self._clients.items():
            clients.add_metric([stream], count)
        yield clients
