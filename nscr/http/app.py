"""The ASGI entry: authentication before anything else, then the route, the handler, and one boundary for failures.

A refused request reaches no handler, known route or not. Here is the only place that turns an unforeseen exception
into a reply; once a reply has begun, the exception goes on to the server, which cuts the connection.
"""

import logging
from collections.abc import Callable

import anyio

from nscr.errors import (
    HeadTooLarge,
    MethodUnsupported,
    RegistryError,
    RouteUnknown,
    ShuttingDown,
    StoreFault,
    TooManyChecks,
    Unauthorized,
)
from nscr.http.authentication import Admission, Authentication
from nscr.http.body_budget import BodyBudget
from nscr.http.faults import UNFORESEEN, describe, failure, is_api
from nscr.http.messages import Message, Receive, Request, Scope, Send
from nscr.http.routes import allowed_methods, find_handler, find_route
from nscr.http.services import Handler, Reply, Services
from nscr.oci.errors import InvalidInput

SKIPPED_BODY_LIMIT = 32 * 1024 * 1024
"""Bytes of a refused body that are read and dropped, so that a client which sends all before it reads has its reply."""
HEAD_LIMIT = 32 * 1024
LAST_WORD_SECONDS = 1.0
"""For the reply to a request that the drain gave up."""

logger = logging.getLogger("nscr.http")


class _Sender:
    """Hands a reply to the server and knows whether it has begun.

    Raises:
        TimeoutError: the client takes no more of it.
    """

    def __init__(self, send: Send, patience: float) -> None:
        self.has_started = False
        self._send = send
        self._patience = patience

    async def __call__(self, message: Message) -> None:
        self.has_started = True
        with anyio.fail_after(self._patience):
            await self._send(message)


class Application:
    """The registry as an ASGI application."""

    def __init__(
        self,
        services: Services,
        authentication: Authentication | None,
        *,
        monotonic: Callable[[], float],
        patience: float,
    ) -> None:
        """Args:
        authentication: None lets everybody in.
        monotonic: seconds, for the metrics.
        patience: seconds that a client may keep the server waiting, for a piece of its body or to take one of a reply.
        """
        self._services = services
        self._authentication = authentication
        self._monotonic = monotonic
        self._patience = patience
        self._budget = BodyBudget()
        self._in_flight: set[anyio.CancelScope] = set()
        self._idle: anyio.Event | None = None

    def close_streams(self) -> None:
        """End the event streams, which would otherwise never end; new ones end at once."""
        self._services.close_streams()

    async def wait_idle(self) -> None:
        """Return once no request is being handled."""
        while self._in_flight:
            self._idle = anyio.Event()
            await self._idle.wait()

    def abandon(self) -> int:
        """Cancel the requests that are being handled and say how many there were; none of them was acknowledged.

        Those whose reply has not begun are told to come back later.
        """
        for scope in self._in_flight:
            scope.cancel()
        return len(self._in_flight)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        sender = _Sender(send, self._patience)
        cancellation = anyio.CancelScope()
        self._in_flight.add(cancellation)
        try:
            with Request(scope, receive, patience=self._patience, budget=self._budget) as request:
                with cancellation:
                    await self._serve(request, sender)
                if cancellation.cancelled_caught and not sender.has_started:
                    await self._turn_away(request, sender)
        finally:
            self._in_flight.remove(cancellation)
            if not self._in_flight and self._idle is not None:
                self._idle.set()

    async def _turn_away(self, request: Request, sender: "_Sender") -> None:
        """The reply to a request that the drain gave up."""
        response = describe(request.path, ShuttingDown())
        self._stamp(request, response)
        with anyio.move_on_after(LAST_WORD_SECONDS):
            await request.skip_body(SKIPPED_BODY_LIMIT)
        with anyio.move_on_after(LAST_WORD_SECONDS):
            await response.send(sender, with_body=request.method != "HEAD")

    async def _serve(self, request: Request, sender: "_Sender") -> None:
        began = self._monotonic()
        status = 0
        try:
            response = await self._respond(request)
            status = response.status
            try:
                await request.skip_body(SKIPPED_BODY_LIMIT)
                self._stamp(request, response)
                await response.send(sender, with_body=request.method != "HEAD")
            finally:
                await response.aclose()
        except TimeoutError:
            logger.warning("%s: the client takes no more of the reply", request.shown)
            raise
        except Exception:
            logger.exception("%s failed", request.shown)
            status = 500
            if sender.has_started:
                raise
            response = failure(request.path, UNFORESEEN, UNFORESEEN.meaning)
            self._stamp(request, response)
            await response.send(sender, with_body=request.method != "HEAD")
        else:
            logger.debug("%s: %d", request.shown, status)
        finally:
            self._services.metrics.observe(request.method, request.route, status, self._monotonic() - began)

    async def _admit(self, request: Request) -> None:
        if self._authentication is None:
            return
        admission = await self._authentication.admit(request.headers.get("authorization"), request.source)
        if admission is Admission.LATER:
            raise TooManyChecks
        if admission is Admission.REFUSED:
            raise Unauthorized

    async def _respond(self, request: Request) -> Reply:
        try:
            if request.head_bytes > HEAD_LIMIT:
                raise HeadTooLarge(HEAD_LIMIT)
            await self._admit(request)
            return await self._handler(request)(self._services, request)
        except (RegistryError, InvalidInput) as error:
            if isinstance(error, StoreFault):
                logger.error("%s: %s", request.shown, error)
            return describe(request.path, error)

    def _handler(self, request: Request) -> Handler:
        """What handles the request."""
        found = find_route(request.method, request.path)
        if found is None:
            raise RouteUnknown(request.path)
        route, request.parameters = found
        request.route = route.template
        handler = find_handler(route, request.method)
        if handler is None:
            raise MethodUnsupported(request.method, allowed_methods(route))
        return handler

    def _stamp(self, request: Request, response: Reply) -> None:
        """Headers of every reply."""
        if not is_api(request.path):
            response.headers["Docker-Distribution-Api-Version"] = "registry/2.0"
        if request.request_id is not None:
            response.headers["X-Request-Id"] = request.request_id
