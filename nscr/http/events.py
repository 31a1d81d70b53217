"""Server-sent events (html.spec.whatwg.org "Server-sent events"): the streams of log lines, repository changes and
throughput.

A stream ends when its client leaves, and first of all requests when the server stops. The subscription is given up in
the same step, so the number of subscriptions is the number of clients.
"""

from collections.abc import Callable

import anyio
import msgspec

from nscr.http.broadcast import Broadcast, Event
from nscr.http.messages import Request, Send
from nscr.http.services import Services

HEARTBEAT_SECONDS = 15.0
"""A comment is sent so often where nothing happens: it keeps proxies from giving up and finds the client gone."""


def frame(event: Event) -> bytes:
    """JSON has no raw newline, so its data is one line."""
    return b"event: " + event.name.encode() + b"\ndata: " + event.data + b"\n\n"


class EventStream:
    """A reply that goes on until its client leaves or the broadcast closes."""

    status = 200

    def __init__(self, request: Request, broadcast: Broadcast, connected: Event) -> None:
        self.headers = {"Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        self._request = request
        self._broadcast = broadcast
        self._connected = connected
        self._subscription = broadcast.subscribe()

    async def send(self, send: Send, *, with_body: bool) -> None:
        headers = [(name.lower().encode(), value.encode()) for name, value in self.headers.items()]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        if with_body:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._end_with_client)
                await self._send_events(send)
                tasks.cancel_scope.cancel()
        await send({"type": "http.response.body", "body": b""})

    async def _end_with_client(self) -> None:
        await self._request.wait_disconnect()
        # At once, not when the next event fails to be sent: the count of clients is exact.
        await self.aclose()

    async def _send_events(self, send: Send) -> None:
        event: Event | None = self._connected
        while event is not None:
            await send({"type": "http.response.body", "body": frame(event), "more_body": True})
            event = await self._next(send)

    async def _next(self, send: Send) -> Event | None:
        while True:
            with anyio.move_on_after(HEARTBEAT_SECONDS):
                return await self._subscription.wait_next()
            note = f": {self._subscription.dropped} dropped\n\n".encode()
            await send({"type": "http.response.body", "body": note, "more_body": True})

    async def aclose(self) -> None:
        self._subscription.end()
        self._broadcast.unsubscribe(self._subscription)


def _stream(choose: Callable[[Services], Broadcast], services: Services, request: Request) -> EventStream:
    connected = Event("connected", msgspec.json.encode({"timestamp": services.now()}))
    return EventStream(request, choose(services), connected)


async def stream_log(services: Services, request: Request) -> EventStream:
    """Log lines as server-sent events."""
    return _stream(lambda each: each.log_events, services, request)


async def stream_repositories(services: Services, request: Request) -> EventStream:
    """Pushes and deletions of repositories as server-sent events."""
    return _stream(lambda each: each.repository_events, services, request)


async def stream_throughput(services: Services, request: Request) -> EventStream:
    """What was read and written a second, each second, as server-sent events."""
    return _stream(lambda each: each.throughput_events, services, request)
