"""Handlers of the monitoring API (docs/external-api.md): readings, each of one moment.

Documented fields keep their names and shapes; more may be added. `revalidated` answers 304 to a client that has seen
all there is to see, from what is in memory; times, which always move, do not count as something to see.
"""

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from functools import wraps
from importlib.metadata import version

import msgspec

from nscr.core.figures import SessionFigures, Storage
from nscr.core.paging import parse_page
from nscr.errors import NameUnknown, RouteUnknown
from nscr.http import documents
from nscr.http.messages import Request, Response
from nscr.http.metrics import CONTENT_TYPE
from nscr.http.openapi import describe_api
from nscr.http.services import Services
from nscr.http.spool import Spool
from nscr.oci.names import RepositoryName, parse_name
from nscr.stores.base import Reading

REGISTRY_VERSION = "2.0"
MOST_REFERENCED = 20

Read = Callable[[Services, Request], Awaitable[Response]]


def _json(document: documents.Document, status: int = 200) -> Response:
    return Response(status, {"Content-Type": "application/json"}, msgspec.json.encode(document))


def _spooled(spool: Spool, content_type: str = "application/json") -> Response:
    return Response(200, {"Content-Type": content_type}, spool, length=spool.length)


async def _spool(services: Services, write: Callable[[Reading, Spool], None]) -> Spool:
    """Let `write` lay the answer aside within one reading."""
    spool = Spool()
    try:
        await services.registry.census.read(lambda reading: write(reading, spool))
    except BaseException:
        await spool.aclose()
        raise
    return spool


async def _entity_tag(services: Services) -> str:
    health = await services.health.check()
    seen = (
        services.start_id,
        services.registry.census.generation,
        services.registry.received_batches,
        # A run that removes nothing commits nothing, and still is the last one.
        services.collector.statistics().runs,
        health.status.value,
        health.warnings,
        services.log_events.clients,
        services.repository_events.clients,
    )
    return f'W/"{hashlib.blake2b(repr(seen).encode(), digest_size=12).hexdigest()}"'


def revalidated(read: Read) -> Read:
    """Give the replies of `read` a weak ETag, and answer If-None-Match (RFC 9110, 13.1.2)."""

    @wraps(read)
    async def handler(services: Services, request: Request) -> Response:
        # Before the reading: a change in between makes the tag too old, so it is read again, never missed.
        tag = await _entity_tag(services)
        offered = [each.strip() for each in request.headers.get("if-none-match", "").split(",")]
        is_seen = tag in offered or tag.removeprefix("W/") in offered or "*" in offered
        response = Response(304) if is_seen else await read(services, request)
        if response.status in {200, 304}:
            response.headers["ETag"] = tag
        return response

    return handler


def _storage(storage: Storage) -> documents.StorageDocument:
    return documents.StorageDocument(
        total_bytes=storage.total_bytes,
        unique_bytes=storage.unique_bytes,
        space_savings=storage.space_savings,
        deduplication_ratio=storage.deduplication_ratio,
        unique_blobs=storage.unique_blobs,
    )


def _session(session: SessionFigures) -> documents.SessionDocument:
    return documents.SessionDocument(
        id=session.id,
        start_time=session.started,
        last_activity=session.last_activity,
        blob_count=session.chunks,
    )


@revalidated
async def get_state(services: Services, request: Request) -> Response:
    """Repositories, totals and sessions, all of one moment."""
    health = await services.health.check()
    now = services.now()

    def write(reading: Reading, spool: Spool) -> None:
        figures = reading.figures()
        sessions = [_session(session) for session in reading.sessions()]
        head = documents.StateDocument(
            timestamp=now,
            registry_version=REGISTRY_VERSION,
            generation=figures.generation,
            summary=documents.SummaryDocument(**asdict(figures.summary)),
            storage=_storage(figures.storage),
            active_sessions=documents.SessionsDocument(count=len(sessions), sessions=sessions),
            health=documents.LivenessDocument(
                status=health.status.value,
                uptime=now - services.started,
                log_stream_clients=services.log_events.clients,
            ),
        )
        spool.write_document(
            head,
            (
                documents.RepositoryTagsDocument(name=each.name, tag_count=len(each.tags), tags=each.tags)
                for each in reading.repositories()
            ),
        )

    return _spooled(await _spool(services, write))


@revalidated
async def list_repositories(services: Services, request: Request) -> Response:
    """Repositories, newest push first."""
    now = services.now()

    def write(reading: Reading, spool: Spool) -> None:
        spool.write_document(
            documents.RepositoriesDocument(timestamp=now),
            (
                documents.RepositoryDocument(name=each.name, last_uploaded=each.last_pushed)
                for each in reading.repositories()
            ),
        )

    return _spooled(await _spool(services, write))


@revalidated
async def get_repository(services: Services, request: Request) -> Response:
    """One repository with its tags."""
    name = parse_name(request.parameters["name"])
    now = services.now()

    def write(reading: Reading, spool: Spool) -> None:
        if not reading.has_repository(name):
            raise NameUnknown(name)
        tags = list(reading.repository_tags(name))
        spool.write_document(
            documents.RepositoryDetailDocument(name=name, tag_count=len(tags), timestamp=now),
            (
                documents.TagDocument(tag=tag.name, has_manifest=True, digest=tag.digest, size_bytes=tag.size)
                for tag in tags
            ),
        )

    return _spooled(await _spool(services, write))


@revalidated
async def list_blobs(services: Services, request: Request) -> Response:
    """Committed blobs, paged by `limit` and `after`."""
    page = parse_page(request.query.get("limit"), request.query.get("after"))
    now = services.now()

    def write(reading: Reading, spool: Spool) -> None:
        storage = reading.figures().storage
        head = documents.BlobsDocument(
            total_blobs=storage.unique_blobs,
            total_bytes=storage.total_bytes,
            unique_bytes=storage.unique_bytes,
            timestamp=now,
        )
        spool.write_document(
            head,
            (
                documents.BlobDocument(digest=blob.digest, size=blob.size, created=blob.created)
                for blob in reading.blobs(page.last, page.limit)
            ),
        )

    return _spooled(await _spool(services, write))


@revalidated
async def list_blob_digests(services: Services, request: Request) -> Response:
    """One committed digest a line, for shell scripts."""

    def write(reading: Reading, spool: Spool) -> None:
        for blob in reading.blobs("", None):
            spool.write(f"{blob.digest}\n".encode())

    return _spooled(await _spool(services, write), "text/plain; charset=utf-8")


@revalidated
async def list_sessions(services: Services, request: Request) -> Response:
    """Upload sessions in progress."""
    sessions = await services.registry.census.read(lambda reading: list(reading.sessions()))
    held = {session.id: await services.registry.content.offset(session.id) for session in sessions}
    now = services.now()
    return _json(
        documents.ActiveSessionsDocument(
            total_active_sessions=len(sessions),
            timestamp=now,
            active_sessions=[
                documents.OpenSessionDocument(
                    id=session.id,
                    start_time=session.started,
                    last_activity=session.last_activity,
                    blob_count=session.chunks,
                    duration=max(0, now - session.started),
                    repository=session.repository,
                    bytes_received=held[session.id],
                )
                for session in sessions
            ],
        )
    )


@revalidated
async def get_health(services: Services, request: Request) -> Response:
    """Health checks, made for this request."""
    health = await services.health.check()
    now = services.now()
    clients = services.log_events.clients
    metrics = documents.MetricsDocument(log_stream_clients=clients)
    if health.figures is not None:
        metrics = documents.MetricsDocument(
            total_repositories=health.figures.summary.total_repositories,
            total_manifests=health.figures.summary.total_manifests,
            total_blobs=health.figures.summary.total_blobs,
            active_sessions=health.figures.open_sessions,
            log_stream_clients=clients,
        )
    document = documents.HealthDocument(
        status=health.status.value,
        timestamp=now,
        uptime=now - services.started,
        checks=documents.ChecksDocument(
            repository_listing=health.checks["repositoryListing"],
            statistics_access=health.checks["statisticsAccess"],
            database_connectivity=health.checks["databaseConnectivity"],
        ),
        metrics=metrics,
        warnings=health.warnings,
        error="Health check failed" if health.failures else None,
        message="; ".join(health.failures) or None,
    )
    return _json(document, 500 if health.failures else 200)


@revalidated
async def get_collection_statistics(services: Services, request: Request) -> Response:
    """What a collection would free now."""
    figures = await services.registry.census.read(lambda reading: reading.figures())
    summary = figures.summary
    return _json(
        documents.CollectionStatisticsDocument(
            total_blobs=summary.total_blobs,
            total_manifests=summary.total_manifests,
            unreferenced_blobs=summary.unreferenced_blobs,
            orphaned_manifests=summary.orphaned_manifests,
            estimated_space_to_free=summary.estimated_space_to_free,
        )
    )


@revalidated
async def get_storage(services: Services, request: Request) -> Response:
    """Space, deduplication and the most referenced blobs."""
    figures, most = await services.registry.census.read(
        lambda reading: (reading.figures(), list(reading.most_referenced(MOST_REFERENCED)))
    )
    storage = figures.storage
    return _json(
        documents.StorageStatisticsDocument(
            storage=documents.SpaceDocument(
                total_bytes=storage.total_bytes,
                unique_bytes=storage.unique_bytes,
                space_savings=storage.space_savings,
                space_savings_percent=storage.space_savings_percent,
                deduplication_ratio=storage.deduplication_ratio,
            ),
            blobs=documents.BlobUsageDocument(
                total_blobs=figures.summary.total_blobs,
                unique_blobs=storage.unique_blobs,
                average_references_per_blob=storage.average_references,
            ),
            most_referenced_blobs=[
                documents.ReferencedBlobDocument(digest=each.digest, reference_count=each.count, size=each.size)
                for each in most
            ],
            timestamp=services.now(),
        )
    )


@revalidated
async def get_web_status(services: Services, request: Request) -> Response:
    """Figures for a status page."""
    summary = (await services.registry.census.read(lambda reading: reading.figures())).summary
    return _json(
        documents.WebStatusDocument(
            repositories=summary.total_repositories,
            total_blobs=summary.total_blobs,
            total_manifests=summary.total_manifests,
            unreferenced_blobs=summary.unreferenced_blobs,
            estimated_space_to_free=summary.estimated_space_to_free,
            last_gc_run=services.collector.statistics().last_run,
            log_stream_clients=services.log_events.clients,
            uptime=services.now() - services.started,
            version=version("nscr"),
        )
    )


async def get_metrics(services: Services, request: Request) -> Response:
    """Metrics for Prometheus."""
    health = await services.health.check()
    figures = health.figures
    if figures is None:
        figures = await services.registry.census.read(lambda reading: reading.figures())
    body = services.metrics.render(
        figures,
        is_healthy=not health.failures,
        uptime_ms=services.now() - services.started,
        clients={
            "log": services.log_events.clients,
            "repositories": services.repository_events.clients,
            "throughput": services.throughput_events.clients,
        },
    )
    return Response(200, {"Content-Type": CONTENT_TYPE}, body)


async def get_openapi(services: Services, request: Request) -> Response:
    """The monitoring API as an OpenAPI document."""
    return Response(200, {"Content-Type": "application/json"}, describe_api())


async def post_shutdown(services: Services, request: Request) -> Response:
    """Drain and stop, where `shutdown_endpoint_enabled` says so.

    This request is in flight, so its reply still goes out.
    """
    if services.request_shutdown is None:
        raise RouteUnknown(request.path)
    services.request_shutdown()
    return _json(documents.ShutdownDocument(message="Shutting down", timestamp=services.now()))


async def delete_repository(services: Services, request: Request) -> Response:
    """Delete all that a repository holds; blobs wait for a collection."""
    name: RepositoryName = parse_name(request.parameters["name"])
    deleted = await services.registry.delete_repository(name)
    document = documents.RepositoryDeletedDocument(message="Repository deleted", manifests_deleted=deleted)
    return _json(document, 202)
