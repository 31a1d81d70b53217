"""All routes, as data: template -> method -> handler.

`{name}` takes slashes (raw or as %2F), any other parameter one segment. Templates are tried in order and a
repository name takes as much as it can: a path that can be read as an upload, blob or manifest is one.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from nscr.http import collection, distribution, events, monitoring, throughput
from nscr.http.services import Handler


@dataclass(frozen=True)
class Route:
    """Attributes:
    is_fallback: reads a path only for the methods that it has; for any other there is nothing there.
    """

    template: str
    handlers: Mapping[str, Handler]
    is_fallback: bool = False

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        expression = re.sub(
            r"\\{(\w+)\\}",
            lambda field: f"(?P<{field[1]}>{'.+' if field[1] == 'name' else '[^/]+'})",
            re.escape(self.template),
        )
        return re.compile(expression)


ROUTES = (
    Route("/v2/", {"GET": distribution.get_base}),
    Route("/v2", {"GET": distribution.get_base}),
    Route("/v2/_catalog", {"GET": distribution.list_catalog}),
    Route("/v2/{name}/blobs/uploads/", {"POST": distribution.start_upload}),
    Route("/v2/{name}/blobs/uploads", {"POST": distribution.start_upload}),
    Route(
        "/v2/{name}/blobs/uploads/{upload}",
        {
            "GET": distribution.get_upload,
            "PATCH": distribution.patch_upload,
            "PUT": distribution.put_upload,
            "DELETE": distribution.delete_upload,
        },
    ),
    Route(
        "/v2/{name}/blobs/{digest}",
        {"GET": distribution.get_blob, "HEAD": distribution.head_blob, "DELETE": distribution.delete_blob},
    ),
    Route(
        "/v2/{name}/manifests/{reference}",
        {
            "GET": distribution.get_manifest,
            "PUT": distribution.put_manifest,
            "DELETE": distribution.delete_manifest,
        },
    ),
    Route("/v2/{name}/tags/list", {"GET": distribution.list_tags}),
    Route("/v2/{name}/referrers/{digest}", {"GET": distribution.list_referrers}),
    Route("/v2/{name}", {"DELETE": monitoring.delete_repository}, is_fallback=True),
    Route("/api/registry/state", {"GET": monitoring.get_state}),
    Route("/api/registry/repositories", {"GET": monitoring.list_repositories}),
    Route("/api/registry/repositories/{name}", {"GET": monitoring.get_repository}),
    Route("/api/registry/blobs", {"GET": monitoring.list_blobs}),
    Route("/api/registry/sessions", {"GET": monitoring.list_sessions}),
    Route("/api/registry/health", {"GET": monitoring.get_health}),
    Route("/api/registry/storage", {"GET": monitoring.get_storage}),
    Route("/api/garbage-collect", {"POST": collection.collect_garbage}),
    Route("/api/garbage-collect/stats", {"GET": monitoring.get_collection_statistics}),
    Route("/api/blobs", {"GET": monitoring.list_blob_digests}),
    Route("/api/web/status", {"GET": monitoring.get_web_status}),
    Route("/api/logs/stream", {"GET": events.stream_log}),
    Route("/api/repositories/stream", {"GET": events.stream_repositories}),
    Route("/api/throughput/current", {"GET": throughput.get_current}),
    Route("/api/throughput/history/minutes", {"GET": throughput.get_minutes}),
    Route("/api/throughput/history/hours", {"GET": throughput.get_hours}),
    Route("/api/throughput/history/days", {"GET": throughput.get_days}),
    Route("/api/throughput/peak", {"GET": throughput.get_peak}),
    Route("/api/throughput/stream", {"GET": events.stream_throughput}),
    Route("/api/shutdown", {"POST": monitoring.post_shutdown}),
    Route("/metrics", {"GET": monitoring.get_metrics}),
    Route("/openapi.json", {"GET": monitoring.get_openapi}),
)


def find_route(method: str, path: str) -> tuple[Route, Mapping[str, str]] | None:
    """The first route that reads the path, with its parameters."""
    for route in ROUTES:
        if route.is_fallback and method not in route.handlers:
            continue
        if (match := route.pattern.fullmatch(path)) is not None:
            return route, match.groupdict()
    return None


def find_handler(route: Route, method: str) -> Handler | None:
    """The handler of a method; HEAD is GET without its body where it has no handler of its own."""
    return route.handlers.get(method) or (route.handlers.get("GET") if method == "HEAD" else None)


def allowed_methods(route: Route) -> list[str]:
    implied = {"HEAD"} if "GET" in route.handlers else set()
    return sorted({*route.handlers, *implied})
