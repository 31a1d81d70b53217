"""What monitors ask of a registry: one GET that answers whatever happens. Satisfied by client/monitoring/polling.py."""

from typing import Protocol


class Polled(Protocol):
    """How a poll ended."""

    @property
    def status(self) -> int | None: ...
    @property
    def body(self) -> bytes: ...
    @property
    def error(self) -> str | None: ...
    @property
    def etag(self) -> str | None: ...
    @property
    def retry_after_s(self) -> float | None: ...


class Poller(Protocol):
    """Asks a registry's monitoring API; never raises for what the registry does."""

    async def poll(self, path: str, *, etag: str | None = None) -> Polled: ...
