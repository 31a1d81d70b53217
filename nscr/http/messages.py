"""A request and a response, as the handlers see them, over the ASGI messages (asgi.readthedocs.io, HTTP 2.3).

Bodies come and go in batches: servers hand over pieces of some KiB, and each hop to a thread should carry far more.
"""

import re
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, MutableMapping
from contextlib import aclosing
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol
from urllib.parse import parse_qsl

import anyio

from nscr.errors import ClientTooSlow

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

BATCH_BYTES = 1024 * 1024
SLOWEST_BYTES = 1024
"""A second: a body that comes slower than this, on the whole, is not waited for."""

_REQUEST_ID = re.compile(r"[A-Za-z0-9._:/+=-]{1,128}")


class ClientGone(Exception):
    """The client hung up before its request was complete."""


class Request:
    """One request; the body is read at most once."""

    def __init__(self, scope: Scope, receive: Receive, *, patience: float) -> None:
        """Args:
        patience: seconds that each piece of the body, and the body besides a second for each KiB of it, may take.
        """
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.headers: Mapping[str, str] = {
            name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]
        }
        self.parameters: Mapping[str, str] = {}
        self.source: str = (scope.get("client") or ("",))[0]
        self.route = "none"
        self._patience = patience
        self._query: bytes = scope["query_string"]
        self._receive = receive
        self._is_read = False

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

    @property
    def shown(self) -> str:
        """Method and path for a log: one line, whatever the client put into them."""
        return f"{self.method} {self.path[:300]}".encode("unicode_escape").decode("ascii")

    @property
    def request_id(self) -> str | None:
        """The client's X-Request-Id, if it is fit to be sent back."""
        text = self.headers.get("x-request-id", "")
        return text if _REQUEST_ID.fullmatch(text) else None

    async def body(self) -> AsyncGenerator[bytes, None]:
        """The body in batches of about a MiB.

        Raises:
            ClientGone, ClientTooSlow: after everything that did come has been yielded.
        """
        if self._is_read:
            return
        self._is_read = True
        pieces: list[bytes] = []
        held = 0
        received = 0
        is_whole = not self.has_body
        started = anyio.current_time()
        message: Message | None = None
        while not is_whole:
            # Both at once: a client that stalls, and one that trickles a byte now and then.
            latest = min(anyio.current_time(), started + received / SLOWEST_BYTES) + self._patience
            message = None
            with anyio.CancelScope(deadline=latest):
                message = await self._receive()
            if message is None or message["type"] == "http.disconnect":
                break
            if piece := message.get("body", b""):
                pieces.append(piece)
                held += len(piece)
                received += len(piece)
            is_whole = not message.get("more_body", False)
            if held >= BATCH_BYTES:
                yield b"".join(pieces)
                pieces, held = [], 0
        if pieces:
            yield b"".join(pieces)
        if not is_whole and message is None:
            raise ClientTooSlow(received)
        if not is_whole:
            raise ClientGone

    async def wait_disconnect(self) -> None:
        """Return once the client has hung up; for requests whose body is read."""
        while (await self._receive())["type"] != "http.disconnect":
            pass

    async def read_body(self, limit: int) -> bytes:
        """The whole body, or its first bytes, more than `limit`, where it is longer."""
        content = b""
        async with aclosing(self.body()) as batches:
            async for data in batches:
                content += data
                if len(content) > limit:
                    break
        return content

    async def skip_body(self, limit: int) -> None:
        """Read and drop a body that no handler asked for, so that the connection stays usable.

        One longer than `limit` is left: the server then closes the connection, which is cheaper than reading it. So is
        one that the client holds back until it is asked for it.
        """
        if not self._is_read and (self.content_length or 0) <= limit and "expect" not in self.headers:
            skipped = 0
            async with aclosing(self.body()) as batches:
                async for data in batches:
                    skipped += len(data)
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
    """

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | Stream = b""
    length: int | None = None

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
        is_sent = with_body and isinstance(self.body, bytes)
        await send({"type": "http.response.body", "body": self.body if is_sent else b""})

    async def aclose(self) -> None:
        if not isinstance(self.body, bytes):
            await self.body.aclose()
