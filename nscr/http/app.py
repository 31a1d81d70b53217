"""The ASGI entry: authentication before anything else, then the route, the handler, and one boundary for failures.

A refused request reaches no handler, known route or not. Here is the only place that turns an unforeseen exception
into a reply; once a reply has begun, the exception goes on to the server, which cuts the connection.
"""

import logging

import anyio

from nscr.errors import MethodUnsupported, RegistryError, RouteUnknown, StoreFault, Unauthorized
from nscr.http.authentication import BasicAuthentication
from nscr.http.faults import UNFORESEEN, describe, failure, is_api
from nscr.http.messages import ClientGone, Message, Receive, Request, Response, Scope, Send
from nscr.http.routes import allowed_methods, find_handler, find_route
from nscr.http.services import Handler, Services
from nscr.oci.errors import InvalidInput

SKIPPED_BODY_LIMIT = 1024 * 1024

logger = logging.getLogger("nscr.http")


class Application:
    """The registry as an ASGI application."""

    def __init__(self, services: Services, authentication: BasicAuthentication | None) -> None:
        self._services = services
        self._authentication = authentication
        self._in_flight: set[anyio.CancelScope] = set()
        self._idle: anyio.Event | None = None

    async def wait_idle(self) -> None:
        """Return once no request is being handled."""
        while self._in_flight:
            self._idle = anyio.Event()
            await self._idle.wait()

    def abandon(self) -> int:
        """Cancel the requests that are being handled and say how many there were; none of them was acknowledged."""
        for scope in self._in_flight:
            scope.cancel()
        return len(self._in_flight)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        with anyio.CancelScope() as cancellation:
            self._in_flight.add(cancellation)
            try:
                await self._serve(Request(scope, receive), send)
            finally:
                self._in_flight.remove(cancellation)
                if not self._in_flight and self._idle is not None:
                    self._idle.set()

    async def _serve(self, request: Request, send: Send) -> None:
        has_started = False

        async def watched_send(message: Message) -> None:
            nonlocal has_started
            has_started = True
            await send(message)

        try:
            response = await self._respond(request)
            try:
                await request.skip_body(SKIPPED_BODY_LIMIT)
                self._stamp(request, response)
                await response.send(watched_send, with_body=request.method != "HEAD")
            finally:
                await response.aclose()
        except ClientGone:
            logger.debug("%s %s: the client hung up", request.method, request.path)
        except Exception:
            logger.exception("%s %s failed", request.method, request.path)
            if has_started:
                raise
            response = failure(request.path, UNFORESEEN, UNFORESEEN.meaning)
            self._stamp(request, response)
            await response.send(send, with_body=request.method != "HEAD")
        else:
            logger.debug("%s %s: %d", request.method, request.path, response.status)

    async def _respond(self, request: Request) -> Response:
        try:
            return await self._handler(request)(self._services, request)
        except (RegistryError, InvalidInput) as error:
            if isinstance(error, StoreFault):
                logger.error("%s %s: %s", request.method, request.path, error)
            return describe(request.path, error)

    def _handler(self, request: Request) -> Handler:
        """What handles the request, if it may be handled."""
        if self._authentication is not None and not self._authentication.admits(request.headers.get("authorization")):
            raise Unauthorized
        found = find_route(request.path)
        if found is None:
            raise RouteUnknown(request.path)
        route, request.parameters = found
        handler = find_handler(route, request.method)
        if handler is None:
            raise MethodUnsupported(request.method, allowed_methods(route))
        return handler

    def _stamp(self, request: Request, response: Response) -> None:
        """Headers of every reply."""
        if not is_api(request.path):
            response.headers["Docker-Distribution-Api-Version"] = "registry/2.0"
        if request.request_id is not None:
            response.headers["X-Request-Id"] = request.request_id
