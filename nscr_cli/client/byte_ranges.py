"""What answers to range requests say of themselves: `Content-Range`, and bodies of several parts. Pure.

Follows RFC 9110, 14.4 and 14.6. A part is cut out by the length that its own `Content-Range` gives, because its bytes
may look like anything.
"""

import hashlib
import re
from email.message import Message

from nscr_cli.history.byte_ranges import described
from nscr_cli.history.ops import Slice

_MOST_PARTS = 64
_RANGE_LINE = re.compile(rb"^content-range:[ \t]*([^\r\n]*)", re.IGNORECASE | re.MULTILINE)


def parts_of(content_type: str | None, body: bytes) -> tuple[Slice, ...] | None:
    """The parts of a `multipart/byteranges` body; none of them where it is broken; None where it is no such body."""
    header = Message()
    header["Content-Type"] = content_type or ""
    if header.get_content_type() != "multipart/byteranges":
        return None
    boundary = str(header.get_param("boundary") or "").encode("latin-1", "replace")
    if not boundary:
        return ()
    parts: list[Slice] = []
    delimiter = b"--" + boundary
    at = body.find(delimiter)
    while at >= 0 and len(parts) < _MOST_PARTS:
        at += len(delimiter)
        if body.startswith(b"--", at):
            return tuple(parts)
        begin = body.find(b"\r\n\r\n", at)
        line = _RANGE_LINE.search(body, at, begin) if begin >= 0 else None
        said = described(line.group(1).decode("latin-1")) if line is not None else None
        if said is None or said.first is None or said.last is None:
            return ()
        begin, end = begin + 4, begin + 5 + said.last - said.first
        if not body.startswith(b"\r\n" + delimiter, end):
            return ()
        parts.append(Slice(said.first, said.last, f"sha256:{hashlib.sha256(body[begin:end]).hexdigest()}"))
        at = end + 2
    return ()
