"""Named points around every durable step, at which a test may have the process killed.

Each step `s` of `STEPS` has two: `s.before` and `s.after`. Nothing happens at any of them unless one was armed by
NSCR_CRASHPOINT=name:nth; then the nth passage ends the process as `kill -9` does, without a word. Armed only on
loopback, over a folder that is empty or was made by such a run (nscr.data_folder).
"""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from nscr.errors import ConfigurationError

STEPS = (
    "data.sync",
    "folder.make",
    "folder.make-sync",
    "upload.sync",
    "upload.folder-sync",
    "upload.truncate",
    "upload.unlink",
    "blob.sync",
    "blob.rename",
    "blob.folder-sync",
    "blob.withdraw",
    "blob.withdraw-sync",
    "blob.unlink",
    "blob.unlink-sync",
    "blob.quarantine",
    "blob.quarantine-sync",
    "quarantine.unlink",
    "schema.commit",
    "metadata.commit",
)

POINTS = tuple(f"{step}.{side}" for step in STEPS for side in ("before", "after"))

Reach = Callable[[str], None]


def _pass(name: str) -> None:
    """What happens at a point by default."""


_reach: Reach = _pass


@contextmanager
def crash_around(step: str) -> Iterator[None]:
    """Put the two points of a step around the one durable call in the body."""
    _reach(f"{step}.before")
    yield
    _reach(f"{step}.after")


def observe(reach: Reach | None) -> None:
    """Have every passage told to `reach`; None ends it."""
    global _reach
    _reach = reach or _pass


def parse_point(text: str) -> tuple[str, int]:
    """`name:nth` as it stands in NSCR_CRASHPOINT; the nth passage is the first where it is left out.

    Raises:
        ConfigurationError: no such point, or no such number.
    """
    name, _, nth = text.partition(":")
    if name not in POINTS:
        raise ConfigurationError(f"unknown crash point {name!r}", hint=f"known: {', '.join(POINTS)}")
    if nth and (not nth.isdecimal() or int(nth) < 1):
        raise ConfigurationError(f"{nth!r} is no number of a passage", hint="NSCR_CRASHPOINT=name:nth counts from 1")
    return name, int(nth or "1")


def arm(text: str) -> None:
    """Kill this process at a point; raises as `parse_point`."""
    name, nth = parse_point(text)
    passages = 0

    def reach(point: str) -> None:
        nonlocal passages
        passages += point == name
        if point == name and passages == nth:
            os.kill(os.getpid(), signal.SIGKILL)

    observe(reach)
