"""The wall time of an instant of a watch, which itself counts seconds since it began."""

from collections.abc import Callable
from datetime import datetime, timedelta

Clock = Callable[[float], str]


def utc_clock(started: datetime) -> Clock:
    """RFC 3339 with milliseconds, for lines, documents and files."""
    return lambda at_s: (started + timedelta(seconds=at_s)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def local_clock(started: datetime) -> Clock:
    """Hours, minutes and seconds where the watcher is, for screens."""
    return lambda at_s: (started + timedelta(seconds=at_s)).astimezone().strftime("%H:%M:%S")
