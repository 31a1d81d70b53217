"""Puts the registry together from a configuration; the only module that names the concrete stores."""

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass

import anyio.to_thread

from nscr.config import ServerConfig
from nscr.health import HealthChecks
from nscr.http.app import Application
from nscr.http.authentication import BasicAuthentication
from nscr.http.services import Services
from nscr.registry import Registry
from nscr.sabotage.catalogue import CATALOGUE
from nscr.stores.base import Offload, Stores
from nscr.stores.census import SqliteCensus
from nscr.stores.database import Database
from nscr.stores.files import FileContent
from nscr.stores.schema import MIGRATIONS
from nscr.stores.sqlite import SqliteBlobs, SqliteManifests, SqliteUploads

_MEBIBYTE = 1024 * 1024


def now_ms() -> int:
    return time.time_ns() // 1_000_000


@dataclass(frozen=True)
class Assembly:
    """A registry ready to serve; close the database when no request is left."""

    application: Application
    database: Database


def build_application(
    stores: Stores,
    config: ServerConfig,
    *,
    now: Callable[[], int] = now_ms,
    monotonic: Callable[[], float] = time.monotonic,
    new_id: Callable[[], str] = lambda: str(uuid.uuid4()),
) -> tuple[Application, Registry]:
    """The ASGI application over any stores, wrapped in the sabotages that the configuration names."""
    for name in config.sabotages:
        stores = CATALOGUE[name].wrap(stores)
    registry = Registry(
        stores,
        now=now,
        new_id=new_id,
        upload_limit=config.max_upload_size_mb * _MEBIBYTE,
        allow_sparse=config.allow_sparse,
    )
    authentication = (
        BasicAuthentication(config.auth_username, config.auth_password)
        if config.requires_credentials and config.auth_username is not None and config.auth_password is not None
        else None
    )
    services = Services(registry, HealthChecks(registry, monotonic=monotonic), now, started=now())
    return Application(services, authentication), registry


async def assemble(config: ServerConfig, *, offload: Offload = anyio.to_thread.run_sync) -> Assembly:
    """Open the stores of the data folder and build the registry over them.

    Raises:
        EnvironmentFault, StoreFault: the folder cannot be used.
    """
    content = FileContent(config.database_path, offload)
    database = Database(config.database_path / "registry.sqlite3", MIGRATIONS, offload)
    stores = Stores(
        content, SqliteBlobs(database), SqliteManifests(database), SqliteUploads(database), SqliteCensus(database)
    )
    application, registry = build_application(stores, config)
    await registry.recover()
    return Assembly(application, database)
