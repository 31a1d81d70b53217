"""Keys while the dashboard fills the screen: q leaves it."""

import os
import sys
import termios
import tty
from collections.abc import Iterator
from contextlib import contextmanager

import trio

_LEAVE = frozenset(b"qQ")
_MOST_BYTES = 64


@contextmanager
def single_keys() -> Iterator[int | None]:
    """While the block runs, standard input gives each key as it is pressed, unseen; Ctrl-C stays what it is.

    Gives the descriptor to read; None where nobody types: no terminal, or one that another job has.
    """
    descriptor = _terminal()
    if descriptor is None:
        yield None
        return
    before = termios.tcgetattr(descriptor)
    tty.setcbreak(descriptor)
    try:
        yield descriptor
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)


async def wait_to_leave(descriptor: int) -> None:
    """Returns when the key is pressed that leaves the screen; never, if the terminal goes away."""
    while True:
        await trio.lowlevel.wait_readable(descriptor)
        pressed = os.read(descriptor, _MOST_BYTES)
        if not pressed:
            await trio.sleep_forever()
        if _LEAVE.intersection(pressed):
            return


def _terminal() -> int | None:
    try:
        descriptor = sys.stdin.fileno()
        is_ours = os.isatty(descriptor) and os.tcgetpgrp(descriptor) == os.getpgrp()
    except (AttributeError, OSError, ValueError):  # closed, or none at all
        return None
    return descriptor if is_ours else None
