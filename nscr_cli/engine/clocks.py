"""The clock of a run: nanoseconds since its start, monotonic, one for operations and samples alike.

Taken from trio, so that a run under a mock clock has virtual time.
"""

import trio


class RunClock:
    """Starts at 0 when it is made, in the trio run that it is used in."""

    def __init__(self) -> None:
        self._trio_s = trio.lowlevel.current_clock().current_time
        self._start = self._trio_s()

    def now_ns(self) -> int:
        """Nanoseconds since the start."""
        return round((self._trio_s() - self._start) * 1e9)

    async def sleep_until(self, time_ns: int) -> None:
        """Return at `time_ns`, or at once if that is over."""
        await trio.sleep_until(self._start + time_ns / 1e9)
