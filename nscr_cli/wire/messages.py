"""Requests, responses, and what became of an exchange: values only.

A request is sent exactly as it is written here: nothing is added, folded or reordered. An exchange is told as facts
(how much left, what came back, what went wrong where); what they mean for an operation is client/outcomes.py's to say.
Follows RFC 9112.
"""

import re
from collections.abc import Iterable
from enum import StrEnum

import msgspec

from nscr_cli.wire.manner import PLAIN, Manner

Headers = tuple[tuple[str, str], ...]

# Said of a connection that had served before, and was closed before what followed was read.
UNREAD = "before the request was read"
PARTLY_UNREAD = "before all of the request was read"

_FORBIDDEN_IN_LINE = re.compile(r"[\x00-\x20\x7f]")
_FORBIDDEN_IN_VALUE = re.compile(r"[\x00\r\n]")


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """One request.

    Attributes:
        target: the request target, percent-encoded.
        headers: all of them, framing included, in the order sent.
        body: pieces, iterated once.
        chunked: pieces are framed as chunks; otherwise they are sent as they are.
        raw_head: sent in place of a head made of target and headers, whatever it holds.
        manner: how it goes out, where not all at once.
        is_last: the connection serves no further request: what was sent may leave a server in doubt where it ends.
    """

    method: str
    target: str
    headers: Headers
    body: Iterable[bytes] = ()
    chunked: bool = False
    raw_head: bytes | None = None
    manner: Manner = PLAIN
    is_last: bool = False

    def head(self) -> bytes:
        """The bytes up to and including the empty line.

        Raises:
            ValueError: a control character or space that would let a target or header forge another.
        """
        if self.raw_head is not None:
            return self.raw_head
        names = "".join([name for name, _ in self.headers])
        values = "".join([value for _, value in self.headers])
        # What is printable holds no control character: the long way is for the rest alone.
        if (
            not (self.target.isprintable() and names.isprintable() and values.isprintable())
            or " " in self.target + names
        ):
            self._check()
        lines = [f"{name}: {value}\r\n" for name, value in self.headers]
        return f"{self.method} {self.target} HTTP/1.1\r\n{''.join(lines)}\r\n".encode("latin-1")

    def _check(self) -> None:
        if _FORBIDDEN_IN_LINE.search(self.target):
            raise ValueError(f"request target {self.target!r} holds a space or control character")
        for name, value in self.headers:
            if _FORBIDDEN_IN_VALUE.search(value) or _FORBIDDEN_IN_LINE.search(name):
                raise ValueError(f"header {name!r} holds a control character")

    def pieces(self) -> Iterable[bytes]:
        """The body as it goes over the wire."""
        if not self.chunked:
            yield from self.body
            return
        for piece in self.body:
            if piece:
                yield b"%x\r\n%b\r\n" % (len(piece), piece)
        yield b"0\r\n\r\n"


class Response(msgspec.Struct, frozen=True, kw_only=True):
    """The head of a final response.

    Attributes:
        first: the first value of each header, by its name in lower case; follows from `headers`.
    """

    status: int
    reason: str
    headers: Headers
    first: dict[str, str]

    def header(self, name: str) -> str | None:
        """The first value of a header, by name in any case."""
        return self.first.get(name.lower())

    @property
    def content_length(self) -> int | None:
        """Content-Length as a number, where it is one."""
        value = self.header("content-length")
        return int(value) if value is not None and value.isascii() and value.isdigit() else None


class Stage(StrEnum):
    """How far an exchange had come."""

    CONNECT = "connecting"
    SEND = "sending the request"
    FIRST_BYTE = "waiting for the answer"
    READ = "reading the answer"


class Trouble(StrEnum):
    """What ended an exchange before its answer was complete."""

    UNREACHABLE = "no connection"
    TIMEOUT = "timed out"
    CLOSED = "connection closed"
    LEFT = "left on purpose"
    MALFORMED = "malformed answer"


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """Why the answer is not complete."""

    trouble: Trouble
    stage: Stage
    detail: str

    def __str__(self) -> str:
        return f"{self.trouble} while {self.stage}: {self.detail}"


class Sent(msgspec.Struct, frozen=True, kw_only=True):
    """How much of a request left this machine; an upper bound where the stream cannot tell.

    Attributes:
        head, body: bytes, the body as framed.
        whole: every byte of the request was taken by the stream.
    """

    head: int = 0
    body: int = 0
    whole: bool = False

    @property
    def anything(self) -> bool:
        """The registry may have seen some of it."""
        return self.head > 0


class Exchange(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one request.

    Attributes:
        response: head of the final response; None when none came whole.
        failure: None exactly when a complete response came.
        interim: statuses of the interim answers (1xx) before it.
    """

    sent: Sent
    response: Response | None = None
    failure: Failure | None = None
    interim: tuple[int, ...] = ()
