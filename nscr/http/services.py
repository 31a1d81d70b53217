"""What handlers are given besides the request, and what they give back."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Protocol

from nscr.background import Collector
from nscr.core.throughput import Throughput
from nscr.health import HealthChecks
from nscr.http.broadcast import Broadcast
from nscr.http.messages import Request, Send
from nscr.http.metrics import RequestMetrics
from nscr.registry import Registry


@dataclass(frozen=True, slots=True)
class Services:
    """Attributes:
    now: milliseconds since the epoch.
    started: `now` when the server started.
    start_id: of this start alone.
    request_shutdown: begins the drain; None where no request may ask for it.
    """

    registry: Registry
    health: HealthChecks
    now: Callable[[], int]
    started: int
    start_id: str
    metrics: RequestMetrics
    collector: Collector
    throughput: Throughput
    request_shutdown: Callable[[], None] | None = None
    log_events: Broadcast = field(default_factory=Broadcast)
    repository_events: Broadcast = field(default_factory=Broadcast)
    throughput_events: Broadcast = field(default_factory=Broadcast)

    def close_streams(self) -> None:
        self.log_events.close()
        self.repository_events.close()
        self.throughput_events.close()


class Reply(Protocol):
    """What a handler answers; a `Response`, or a stream of events."""

    headers: dict[str, str]

    @property
    def status(self) -> int: ...

    async def send(self, send: Send, *, with_body: bool) -> None: ...

    async def aclose(self) -> None:
        """Called once, whatever became of the sending."""


Handler = Callable[["Services", Request], Awaitable[Reply]]
