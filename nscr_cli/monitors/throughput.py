"""What a registry says that it reads and writes a second, where it offers `/api/throughput/current`. Pure.

The document of `nscr serve` says `readBytesPerSecond` and `writeBytesPerSecond`. Other registries of this API have the
route, but nothing specifies the names in its document: what is of another shape is read by the names of its numbers. A
total goes before its parts; counts, peaks and times are no rates; where no name says what is meant, nothing is shown.
"""

import re
from collections.abc import Iterator

import msgspec

from nscr_cli.foreign_json import Unreadable, read_json

THROUGHPUT = "/api/throughput/current"
_READ = frozenset({"download", "downloads", "downloaded", "read", "reads"})
_WRITTEN = frozenset({"upload", "uploads", "uploaded", "write", "writes", "written"})
_NO_RATES = frozenset(
    {"count", "counts", "requests", "operations", "ops", "peak", "max", "min", "average", "avg", "percent", "timestamp"}
)

_Number = tuple[int, frozenset[str], float]  # how deep it stands, the words of all names above it, and it


class Rates(msgspec.Struct, frozen=True):
    """Bytes a second; None where it is not told."""

    read: float | None = None
    written: float | None = None


class _Current(msgspec.Struct, frozen=True, rename="camel"):
    """The document of `nscr serve`, as far as it is shown."""

    read_bytes_per_second: float
    write_bytes_per_second: float


def rates_in(body: bytes) -> Rates | None:
    """The rates in an answer; None where there are none."""
    try:
        current = read_json(body, _Current)
    except Unreadable:
        return _named_rates(body)
    return Rates(current.read_bytes_per_second, current.write_bytes_per_second)


def _named_rates(body: bytes) -> Rates | None:
    try:
        document = read_json(body)
    except Unreadable:
        return None
    numbers = list(_numbers(document))
    rates = Rates(_rate_of(numbers, _READ, _WRITTEN), _rate_of(numbers, _WRITTEN, _READ))
    return None if rates == Rates() else rates


def _numbers(
    document: object, words: frozenset[str] = frozenset(), depth: int = 0
) -> Iterator[tuple[int, frozenset[str], float]]:
    if isinstance(document, dict):
        for name, value in document.items():
            yield from _numbers(value, words | _words(str(name)), depth + 1)
    elif isinstance(document, int | float) and not isinstance(document, bool):
        yield depth, words, float(document)


def _words(name: str) -> frozenset[str]:
    return frozenset(word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", name))


def _rate_of(numbers: list[_Number], wanted: frozenset[str], others: frozenset[str]) -> float | None:
    named = [each for each in numbers if each[1] & wanted and not each[1] & (others | _NO_RATES)]
    counted = [each for each in named if "total" in each[1]] or named
    if not counted:
        return None
    highest = min(depth for depth, _, _ in counted)
    return sum(value for depth, _, value in counted if depth == highest)
