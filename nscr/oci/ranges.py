"""The two range headers: `Range` of a blob pull (RFC 9110 section 14) and `Content-Range` of an upload chunk (spec.md
"Pushing a blob in chunks", which writes `<start>-<end>` without unit or total).

Pure: text in, positions out. All ends here are exclusive, whatever the header says.
"""

import re
from dataclasses import dataclass

from nscr.oci.errors import ErrorCode, InvalidInput


@dataclass(frozen=True, slots=True)
class Slice:
    """Bytes from `start` up to, not including, `end`."""

    start: int
    end: int

    @property
    def length(self) -> int:
        return self.end - self.start


class Unsatisfiable(ValueError):
    """The range is well formed and selects no byte of the content."""


_BYTE_RANGE = re.compile(r"bytes[ \t]*=[ \t]*(\d{0,18})-(\d{0,18})[ \t]*", re.IGNORECASE)
_CHUNK = re.compile(r"(?:bytes[ =])?(\d{1,18})-(\d{1,18})(?:/(?:\d{1,18}|\*))?")


def select_bytes(header: str | None, size: int) -> Slice | None:
    """The part of `size` bytes that a `Range` header asks for.

    Returns:
        None where the whole is to be served: no header, another unit, a malformed one or several ranges, each of
        which RFC 9110 lets a server ignore. An end before the start may be ignored or rejected; it is rejected, for
        who asks so does not want the whole.

    Raises:
        Unsatisfiable: to be answered with 416.
    """
    match = _BYTE_RANGE.fullmatch(header) if header is not None else None
    if match is None or match[1] == match[2] == "":
        return None
    if match[1] == "":
        if int(match[2]) == 0 or size == 0:
            raise Unsatisfiable(header)
        return Slice(max(0, size - int(match[2])), size)
    start = int(match[1])
    last = int(match[2]) if match[2] else size - 1
    if start >= size or last < start:
        raise Unsatisfiable(header)
    return Slice(start, min(last + 1, size))


def parse_chunk_range(header: str) -> Slice:
    """The `Content-Range` of an upload chunk.

    Raises:
        InvalidInput: malformed, or its end lies before its start.
    """
    match = _CHUNK.fullmatch(header.strip())
    if match is None or int(match[2]) < int(match[1]):
        raise InvalidInput(ErrorCode.BLOB_UPLOAD_INVALID, f"Content-Range {header[:100]!r} is not <start>-<end>")
    return Slice(int(match[1]), int(match[2]) + 1)
