"""A request and a response, as the handlers see them, over the ASGI messages (asgi.readthedocs.io, HTTP 2.3).

Bodies come and go in batches: servers hand over pieces of some KiB, and each hop to a thread should carry far more.
"""

import re
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, MutableMapping
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol, Self
from urllib.parse import parse_qsl

import anyio

from nscr.core.throughput import Count
from nscr.errors import BodyBroken, ClientTooSlow
from nscr.http.body_budget import LARGE_DOCUMENT, BodyBudget

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

SKIPPED_SECONDS = 3.0
SLOWEST_BYTES = 1024
"""A second: a body that comes slower than this, on the whole, is not waited for."""

_REQUEST_ID = re.compile(r"[A-Za-z0-9._:/+=-]{1,128}")


class Request:
    """One request, to be used as a context: what is held of its body counts until the end. It is read at most once."""

    def __init__(self, scope: Scope, receive: Receive, *, patience: float, budget: BodyBudget) -> None:
        """Args:
        patience: seconds that each piece of the body, and the body besides a second for each KiB of it, may take.
        budget: shared by all requests.
        """
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.headers: Mapping[str, str] = {
            name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]
        }
        self.parameters: Mapping[str, str] = {}
        self.source: str = (scope.get("client") or ("",))[0]
        self.connection: str = ":".join(map(str, scope.get("client") or ()))
        self.route = "none"
        self._patience = patience
        self.budget = budget
        self._is_document = False
        self._query: bytes = scope["query_string"]
        self._receive = receive
        self._is_read = False
        self._received = 0
        self._more_comes = self.has_body

    @cached_property
    def _query_pairs(self) -> list[tuple[str, str]]:
        return parse_qsl(self._query.decode("latin-1"), keep_blank_values=True)

    @cached_property
    def query(self) -> Mapping[str, str]:
        """Query parameters, of each name the first."""
        return dict(reversed(self._query_pairs))

    def query_values(self, name: str) -> list[str]:
        """Every value of a query parameter, in the order of the request."""
        return [value for known, value in self._query_pairs if known == name]

    @property
    def content_length(self) -> int | None:
        """The announced length; what is no number the server has refused already."""
        text = self.headers.get("content-length", "")
        return int(text) if text.isascii() and text.isdigit() else None

    @property
    def has_body(self) -> bool:
        return self.headers.get("content-length", "0") != "0" or "transfer-encoding" in self.headers

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._is_document:
            self.budget.give_document()

    @property
    def head_bytes(self) -> int:
        """The size of address and headers."""
        headers = sum(len(name) + len(value) for name, value in self.headers.items())
        return len(self.path) + len(self._query) + headers

    @property
    def shown(self) -> str:
        """Method and path for a log: one line, whatever the client put into them."""
        return f"{self.method} {self.path[:300]}".encode("unicode_escape").decode("ascii")

    @property
    def request_id(self) -> str | None:
        """The client's X-Request-Id, if it is fit to be sent back."""
        text = self.headers.get("x-request-id", "")
        return text if _REQUEST_ID.fullmatch(text) else None

    async def body(self, count: Count) -> AsyncGenerator[bytes, None]:
        """The body in batches, larger ones where fewer requests have a body.

        Args:
            count: of what comes, as it comes.

        Raises:
            BodyBroken, ClientTooSlow: after everything that did come has been yielded.
        """
        if self._is_read:
            return
        self._is_read = True
        self.budget.uploads += 1
        pieces: list[bytes] = []
        held = 0
        failure: Exception | None = None
        try:
            async with aclosing(self._pieces()) as incoming:
                async for piece in incoming:
                    size = len(piece)
                    pieces.append(piece)
                    held += size
                    count.bytes += size
                    if held >= self.budget.batch_bytes:
                        yield b"".join(pieces)
                        pieces, held = [], 0
        except (BodyBroken, ClientTooSlow) as error:
            failure = error
        finally:
            self.budget.uploads -= 1
        if pieces:
            yield b"".join(pieces)
        try:
            if failure is not None:
                raise failure
        finally:
            # The exception holds this frame: without the cycle, the body is let go of at once, which is what the
            # server waits for before it closes the connection.
            failure = None

    async def _pieces(self) -> AsyncGenerator[bytes, None]:
        """The body, or what is left of it, as the server hands it over."""
        started = anyio.current_time()
        received = 0
        while self._more_comes:
            # Both at once: a client that stalls, and one that trickles a byte now and then.
            latest = min(anyio.current_time(), started + received / SLOWEST_BYTES) + self._patience
            message: Message | None = None
            with anyio.CancelScope(deadline=latest):
                message = await self._receive()
            if message is None:
                self._more_comes = False
                raise ClientTooSlow(received)
            if message["type"] == "http.disconnect":
                self._more_comes = False
                raise BodyBroken
            # Before the piece is handed on, for whoever takes it may ask for no other.
            self._more_comes = message.get("more_body", False)
            if piece := message.get("body", b""):
                received += len(piece)
                self._received += len(piece)
                yield piece

    async def wait_disconnect(self) -> None:
        """Return once the client has hung up; for requests whose body is read."""
        while (await self._receive())["type"] != "http.disconnect":
            pass

    async def read_body(self, limit: int, count: Count) -> bytes:
        """The whole body, or its first bytes, more than `limit`, where it is longer.

        Raises:
            TooManyDocuments: it is large, and so are too many others that are held.
        """
        content = bytearray()
        if (self.content_length or 0) > LARGE_DOCUMENT:
            await self._take_document()
        async with aclosing(self.body(count)) as batches:
            async for data in batches:
                content += data
                if len(content) > LARGE_DOCUMENT:
                    await self._take_document()
                if len(content) > limit:
                    break
        return bytes(content)

    async def _take_document(self) -> None:
        if not self._is_document:
            await self.budget.take_document()
            self._is_document = True

    async def skip_body(self, limit: int) -> None:
        """Read and drop what no handler asked for of a body, or gave up on, so that the connection stays usable.

        A client that sends all before it reads would otherwise see its connection break, and never the reply. More
        than `limit` bytes are left: the server then closes the connection, which is cheaper than reading them. So is
        a body that the client holds back until it is asked for it, or that takes more than a moment to come.
        """
        is_held_back = "expect" in self.headers and not self._received
        if is_held_back or (self.content_length or 0) - self._received > limit:
            return
        self._is_read = True
        skipped = 0
        with suppress(BodyBroken, ClientTooSlow), anyio.move_on_after(SKIPPED_SECONDS):
            async with aclosing(self._pieces()) as pieces:
                async for piece in pieces:
                    skipped += len(piece)
                    if skipped > limit:
                        break


class Stream(Protocol):
    """A reply's body that is read while it is sent."""

    def __aiter__(self) -> AsyncIterator[bytes]: ...

    async def aclose(self) -> None:
        """Let go of what it reads from, whether or not it was read."""


@dataclass(slots=True)
class Response:
    """A reply.

    Attributes:
        body: the whole body, or a stream of `length` bytes, or one that goes on as long as it likes.
        length: of a body that is not sent or streamed; otherwise taken from `body`.
        count: of what is sent of the body, as the client takes it.
    """

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | Stream = b""
    length: int | None = None
    count: Count = field(default_factory=Count)

    async def send(self, send: Send, *, with_body: bool) -> None:
        """Send it. An exception after the start makes the server cut the connection: a short body shows as such."""
        length = len(self.body) if isinstance(self.body, bytes) and self.length is None else self.length
        headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in self.headers.items()]
        if length is not None and self.status not in {204, 304}:
            headers.append((b"content-length", str(length).encode()))
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        if with_body and not isinstance(self.body, bytes):
            async for data in self.body:
                await send({"type": "http.response.body", "body": data, "more_body": True})
                self.count.bytes += len(data)
        last = self.body if with_body and isinstance(self.body, bytes) else b""
        await send({"type": "http.response.body", "body": last})
        self.count.bytes += len(last)

    async def aclose(self) -> None:
        if not isinstance(self.body, bytes):
            await self.body.aclose()
