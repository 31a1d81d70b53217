"""Notes how long the load waited for a processor: what others do on this machine is not the registry's doing."""

import os
from pathlib import Path

import trio

from nscr_cli.engine.recorder import Recorder
from nscr_cli.history.processor import EVENT, Counted

_EVERY_S = 0.5
_SCHEDSTAT = Path("/proc/self/schedstat")


async def note_processor(recorder: Recorder, schedstat: Path = _SCHEDSTAT) -> None:
    """Note until cancelled what the kernel counted of the thread that loads; nothing where it does not count."""
    while (counted := _counted(schedstat)) is not None:
        recorder.event(EVENT, **counted.detail())
        await trio.sleep(_EVERY_S)


def _counted(schedstat: Path) -> Counted | None:
    """Of the main thread; nanoseconds (Documentation/scheduler/sched-stats.rst of the kernel)."""
    try:
        ran, waited, *_ = schedstat.read_text(encoding="ascii").split()
        return Counted(process=os.getpid(), ran_ns=int(ran), waited_ns=int(waited))
    except (OSError, ValueError):
        return None
