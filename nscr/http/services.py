"""What handlers are given besides the request."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from nscr.health import HealthChecks
from nscr.http.messages import Request, Response
from nscr.registry import Registry


@dataclass(frozen=True, slots=True)
class Services:
    """Attributes:
    now: milliseconds since the epoch.
    started: `now` when the server started.
    """

    registry: Registry
    health: HealthChecks
    now: Callable[[], int]
    started: int


Handler = Callable[[Services, Request], Awaitable[Response]]
