"""What a client is told in place of what the registry says: an answer of the proxy's own, or the registry's, altered.

For tests of clients (nscr_cli/testing): a scenario's faults never alter bytes, see toxics.py. Pure.
"""

import json
import re

import msgspec

_CODES = {401: "UNAUTHORIZED", 403: "DENIED", 429: "TOOMANYREQUESTS"}
_LENGTH = re.compile(rb"(?im)^content-length:[ \t]*(\d+)[ \t]*\r?$")
_RANGE = re.compile(rb"(?im)^(range|content-range):([ \t]*(?:bytes[ \t]+)?)(\d+)-(\d+)")
_END = b"\r\n\r\n"


class Answer(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="answer"):
    """The registry never hears of the request; this is answered, and the connection is closed."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()

    def reply(self, method: str) -> bytes:
        """The bytes of it, with an error document as the specification has them."""
        code = _CODES.get(self.status, "UNKNOWN")
        error = {"code": code, "message": f"status {self.status} was asked for by a test"}
        body = json.dumps({"errors": [error]}).encode() if self.status >= 400 else b""
        headers = {
            "Content-Type": "application/json", "Content-Length": str(len(body)), "Connection": "close",
            **({"WWW-Authenticate": 'Basic realm="nscr"'} if self.status == 401 else {}), **dict(self.headers),
        }  # fmt: skip
        lines = [f"HTTP/1.1 {self.status} Answered", *(f"{name}: {value}" for name, value in headers.items())]
        return "\r\n".join(lines).encode("latin-1") + _END + (b"" if method == "HEAD" else body)


class MovedRange(msgspec.Struct, frozen=True, tag_field="kind", tag="moved-range"):
    """Range, or Content-Range, is one byte off: of an upload it says one less, of a part that it is the one beside."""


class ShortBody(msgspec.Struct, frozen=True, tag_field="kind", tag="short-body"):
    """Half of the body, with a Content-Length that matches; then the connection is closed."""


class DamagedBody(msgspec.Struct, frozen=True, tag_field="kind", tag="damaged-body"):
    """The first byte of the body is another."""


Alteration = MovedRange | ShortBody | DamagedBody


class Altering:
    """One reply on its way, altered.

    Attributes:
        has_struck: it is another than the registry's.
        is_over: no further byte of this connection is to reach the client.
    """

    def __init__(self, alteration: Alteration) -> None:
        self._alteration = alteration
        self._held = b""
        self._is_in_body = False
        self._left: int | None = None
        self.has_struck = False
        self.is_over = False

    def feed(self, data: bytes) -> bytes:
        """What these bytes become; those of an unfinished head are held back until it is whole."""
        if self.is_over:
            return b""
        if self._is_in_body:
            return self._body(data)
        self._held += data
        passed = b""
        while _END in self._held:
            head, _, self._held = self._held.partition(_END)
            if head.startswith(b"HTTP/1.1 1"):  # an interim answer: the one that counts follows
                passed += head + _END
                continue
            self._is_in_body = True
            body, self._held = self._held, b""
            return passed + self._head(head) + _END + self._body(body)
        return passed

    def _head(self, head: bytes) -> bytes:
        length = _LENGTH.search(head)
        match self._alteration:
            case MovedRange():
                moved = _RANGE.sub(_moved, head)
                self.has_struck = moved != head
                return moved
            case ShortBody() if length is not None and int(length.group(1)) > 0:
                self._left = int(length.group(1)) // 2
                self.has_struck = True
                return _LENGTH.sub(b"Content-Length: %d\r" % self._left, head) + b"\r\nConnection: close"
        return head

    def _body(self, data: bytes) -> bytes:
        if isinstance(self._alteration, DamagedBody) and data and not self.has_struck:
            self.has_struck = True
            return bytes([data[0] ^ 1]) + data[1:]
        if self._left is None:
            return data
        data = data[: self._left]
        self._left -= len(data)
        self.is_over = self._left == 0
        return data


def _moved(found: re.Match[bytes]) -> bytes:
    name, space, first, last = found.group(1), found.group(2), int(found.group(3)), int(found.group(4))
    if name.lower() == b"range":
        return b"%b:%b%d-%d" % (name, space, first, max(0, last - 1))
    by = -1 if first else 1
    return b"%b:%b%d-%d" % (name, space, first + by, last + by)
