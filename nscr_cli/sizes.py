"""Sizes as people write them on a command line: `500MB`, `1.5GiB`, `64kB`, or a plain number of bytes."""

import re

from nscr_cli.errors import UsageError

_UNITS = {
    "": 1,
    "b": 1,
    "kb": 10**3,
    "mb": 10**6,
    "gb": 10**9,
    "tb": 10**12,
    "kib": 2**10,
    "mib": 2**20,
    "gib": 2**30,
    "tib": 2**40,
}
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([kmgt]?i?b|)", re.ASCII)
_LARGEST = 2**60


def parse_size(text: str) -> int:
    """The bytes that a text names, rounded down; capitals do not matter.

    Raises:
        UsageError: not a size, less than a byte, or more than an exbibyte.
    """
    match = _SIZE.fullmatch(text.strip().lower())
    if match is None or match[2] not in _UNITS:
        raise UsageError(f"{text!r} is not a size", hint="write 500MB, 1.5GiB, 64kB, or a number of bytes")
    # Of whole numbers, no byte is lost to a float.
    size = (int(match[1]) if match[1].isdecimal() else float(match[1])) * _UNITS[match[2]]
    if not 1 <= size <= _LARGEST:
        raise UsageError(f"a size of {text!r} is out of range", hint="at least one byte, at most 1048576 TiB")
    return int(size)
