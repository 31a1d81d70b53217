"""Byte ranges as RFC 9110, section 14 writes them: what a `Range` asks for, and what a `Content-Range` describes. Pure.

All ends are inclusive, as in the headers.
"""

import re
from enum import Enum, auto

import msgspec

_SETS = re.compile(r"bytes=(.+)", re.IGNORECASE)
_SPEC = re.compile(r"(\d{0,18})-(\d{0,18})", re.ASCII)
_DESCRIBED = re.compile(r"bytes[ ](?:(\d{1,18})-(\d{1,18})|\*)/(\d{1,18}|\*)", re.IGNORECASE | re.ASCII)


class Meaning(Enum):
    """Of a `Range` that names no byte of the content."""

    MALFORMED = auto()
    UNSATISFIABLE = auto()


class Described(msgspec.Struct, frozen=True):
    """A `Content-Range`: its part, if it names one, of how many bytes in all, if it says so."""

    first: int | None
    last: int | None
    size: int | None


def meant(text: str, size: int) -> tuple[tuple[int, int], ...] | Meaning:
    """The parts of `size` bytes that a `Range` asks for, in its order; those that are not there are left out.

    Malformed is also one of another unit than bytes, and one with an end before its start (RFC 9110, 14.1.1).
    """
    found = _SETS.fullmatch(text.strip())
    parts: list[tuple[int, int]] = []
    # Empty elements of a list are passed over (RFC 9110, 5.6.1).
    specs = [spec.strip() for spec in found.group(1).split(",") if spec.strip()] if found else []
    for spec in specs or ("",):
        ends = _SPEC.fullmatch(spec)
        if ends is None or not any(ends.groups()):
            return Meaning.MALFORMED
        first, last = ends.groups()
        if not first:
            length = min(int(last), size)
            interval = (size - length, size - 1)
        elif last and int(last) < int(first):
            return Meaning.MALFORMED
        else:
            interval = (int(first), min(int(last), size - 1) if last else size - 1)
        if interval[0] <= interval[1]:
            parts.append(interval)
    return tuple(parts) or Meaning.UNSATISFIABLE


def described(text: str | None) -> Described | None:
    """What a `Content-Range` says; None where it is not one that can be read."""
    found = _DESCRIBED.fullmatch((text or "").strip())
    if found is None:
        return None
    first, last, size = found.groups()
    return Described(
        int(first) if first is not None else None,
        int(last) if last is not None else None,
        int(size) if size != "*" else None,
    )
