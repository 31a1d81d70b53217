"""Durations as people write them on a command line: `20s`, `1h30m`, `500ms`, or a plain number of seconds."""

import re

from nscr_cli.errors import UsageError

_UNITS = {"d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_PART = re.compile(r"(\d+(?:\.\d+)?|\.\d+)(ms|[dhms])", re.ASCII)
_SECONDS = re.compile(r"(\d+(?:\.\d+)?|\.\d+)", re.ASCII)
_LONGEST_S = 366 * 86400.0


def parse_duration(text: str) -> float:
    """The seconds that a text names; units from large to small, each at most once.

    Raises:
        UsageError: not a duration, zero, or longer than a year.
    """
    seconds = _seconds(text.strip().lower())
    if seconds is None:
        raise UsageError(f"{text!r} is not a duration", hint="write 20s, 500ms, 5m, 1h30m, 30d, or a number of seconds")
    if not 0 < seconds <= _LONGEST_S:
        raise UsageError(f"a duration of {text!r} is out of range", hint="longer than nothing, at most 366 days")
    return seconds


def show_duration(seconds: float) -> str:
    """A duration in at most two units, as `parse_duration` reads it: `850ms`, `1.8s`, `20s`, `1m05s`, `1h30m`."""
    if seconds < 1:
        return f"{max(0, round(seconds * 1000))}ms" if round(seconds * 1000) < 1000 else "1s"
    if seconds < 9.95:
        return f"{seconds:.1f}".removesuffix(".0") + "s"
    whole = round(seconds)
    minutes, rest = divmod(whole, 60)
    if not minutes:
        return f"{rest}s"
    hours, minutes = divmod(minutes, 60)
    if not hours:
        return f"{minutes}m{rest:02d}s"
    days, hours = divmod(hours, 24)
    return f"{days}d{hours:02d}h" if days else f"{hours}h{minutes:02d}m"


def show_milliseconds(milliseconds: float | None) -> str:
    """A latency with three digits that count: `0.42 ms`, `3.21 ms`, `184 ms`, `12.3 s`; an unknown one is a dash."""
    if milliseconds is None:
        return "–"
    value, unit = (milliseconds, "ms") if milliseconds < 999.5 else (milliseconds / 1000, "s")
    return f"{three_digits(value)} {unit}"


def three_digits(value: float) -> str:
    """A positive number with three digits that count, or all of those before its point: `0.42`, `12.3`, `12,345`."""
    places = 2 if value < 9.995 else 1 if value < 99.95 else 0
    return f"{value:,.{places}f}"


def _seconds(text: str) -> float | None:
    if _SECONDS.fullmatch(text):
        return float(text)
    parts = list(_PART.finditer(text))
    if not parts or "".join(part.group() for part in parts) != text:
        return None
    sizes = [_UNITS[part.group(2)] for part in parts]
    if sizes != sorted(set(sizes), reverse=True):
        return None
    return sum(float(part.group(1)) * size for part, size in zip(parts, sizes, strict=True))
