"""Puts the registry together from a configuration; the only module that names the concrete stores."""

import os
import time
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial

import anyio.to_thread
import msgspec

from nscr.background import LEASE_CHECK_SECONDS, Collector, Housekeeper
from nscr.config import ServerConfig
from nscr.core.throughput import Throughput
from nscr.health import HealthChecks
from nscr.htpasswd import read_htpasswd
from nscr.http.app import Application
from nscr.http.authentication import Authentication, HashedUsers, SingleUser
from nscr.http.broadcast import Broadcast, Event
from nscr.http.messages import Receive, Scope, Send
from nscr.http.metrics import RequestMetrics
from nscr.http.services import Services
from nscr.http.throughput import tell_second
from nscr.oci.names import RepositoryName
from nscr.registry import Registry, RepositoryChange
from nscr.sabotage.catalogue import CATALOGUE
from nscr.stores.base import Offload, Stores
from nscr.stores.census import SqliteCensus
from nscr.stores.collection import SqliteUpkeep
from nscr.stores.database import Database
from nscr.stores.fence import Fence
from nscr.stores.files import FileContent
from nscr.stores.schema import MIGRATIONS
from nscr.stores.sqlite import SqliteBlobs, SqliteManifests, SqliteUploads

_MEBIBYTE = 1024 * 1024


def now_ms() -> int:
    return time.time_ns() // 1_000_000


Loop = tuple[str, float, Callable[[], Awaitable[object]]]
"""What is done in the background: name, seconds in between, work."""


@dataclass(frozen=True)
class Assembly:
    """A registry ready to serve; close the database when no request is left.

    Attributes:
        served: the application in the sabotages that are wrapped around all of it.
    """

    application: Application
    served: Callable[[Scope, Receive, Send], Awaitable[None]]
    database: Database
    log_events: Broadcast
    loops: tuple[Loop, ...]


def build_application(
    stores: Stores,
    config: ServerConfig,
    *,
    now: Callable[[], int] = now_ms,
    monotonic: Callable[[], float] = time.monotonic,
    new_id: Callable[[], str] = lambda: str(uuid.uuid4()),
    offload: Offload = anyio.to_thread.run_sync,
    request_shutdown: Callable[[], None] | None = None,
) -> tuple[Application, Registry, Services]:
    """The ASGI application over any stores, wrapped in the sabotages that the configuration names."""
    for name in config.sabotages:
        stores = CATALOGUE[name].wrap(stores)
    repository_events = Broadcast()

    def tell(change: RepositoryChange, repository: RepositoryName) -> None:
        data = {"action": change.value, "repository": repository, "timestamp": now()}
        repository_events.publish(Event("repository_update", msgspec.json.encode(data)))

    registry = Registry(
        stores,
        now=now,
        new_id=new_id,
        upload_limit=config.max_upload_size_mb * _MEBIBYTE,
        allow_sparse=config.allow_sparse,
        session_limit=config.max_upload_sessions,
        on_change=tell,
    )
    collector = Collector(registry, now=now)
    services = Services(
        registry,
        HealthChecks(registry, collector, monotonic=monotonic),
        now,
        started=now(),
        collector=collector,
        start_id=os.urandom(8).hex(),
        metrics=RequestMetrics(),
        throughput=Throughput(now()),
        request_shutdown=request_shutdown if config.shutdown_endpoint_enabled else None,
        repository_events=repository_events,
    )
    application = Application(
        services,
        _authentication(config, offload, monotonic),
        monotonic=monotonic,
        patience=config.client_timeout_seconds,
    )
    return application, registry, services


def _authentication(config: ServerConfig, offload: Offload, monotonic: Callable[[], float]) -> Authentication | None:
    if not config.requires_credentials:
        return None
    if config.auth_htpasswd is not None:
        return HashedUsers(read_htpasswd(config.auth_htpasswd), offload=offload, monotonic=monotonic)
    return SingleUser(config.auth_username or "", config.auth_password or "")


async def assemble(
    config: ServerConfig,
    *,
    request_shutdown: Callable[[], None],
    offload: Offload = anyio.to_thread.run_sync,
) -> Assembly:
    """Open the stores of the data folder and build the registry over them.

    Raises:
        ConfigurationError, EnvironmentFault, StoreFault: htpasswd file or folder cannot be used.
    """
    fence = Fence()
    content = FileContent(config.database_path, offload, fence=fence, hash_every_read=config.verify_reads == "always")
    database = Database(config.database_path / "registry.sqlite3", MIGRATIONS, offload, fence=fence)
    stores = Stores(
        content,
        SqliteBlobs(database),
        SqliteManifests(database),
        SqliteUploads(database),
        SqliteCensus(database),
        SqliteUpkeep(database),
    )
    application, registry, services = build_application(
        stores, config, offload=offload, request_shutdown=request_shutdown
    )
    await registry.recover()
    loops: tuple[Loop, ...] = (
        *background_loops(registry, services.collector, config),
        ("throughput", 0.0, partial(tell_second, services)),
    )
    served: Callable[[Scope, Receive, Send], Awaitable[None]] = application
    for name in config.sabotages:
        served = CATALOGUE[name].wrap_application(served)
    return Assembly(application, served, database, services.log_events, loops)


def background_loops(registry: Registry, collector: Collector, config: ServerConfig) -> tuple[Loop, ...]:
    """What the configuration has the registry do by itself."""
    keeper = Housekeeper(
        registry,
        now=now_ms,
        lease_milliseconds=int(config.lease_minutes * 60_000),
        stale_milliseconds=int(config.cleanup_max_age_hours * 3_600_000),
    )
    lease_check = min(LEASE_CHECK_SECONDS, config.lease_minutes * 60 / 2)
    loops: list[Loop] = [
        ("leases", lease_check, keeper.end_leases),
        ("scrub", config.scrub_interval_hours * 3600, keeper.scrub),
    ]
    if config.gc_enabled:
        loops.append(("collection", config.gc_interval_hours * 3600, collector.collect))
    if config.cleanup_enabled:
        loops.append(("clean-up", config.cleanup_interval_minutes * 60, keeper.reap_uploads))
    return tuple(loops)
