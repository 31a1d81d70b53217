"""The clock of a run: nanoseconds since its start, monotonic, one for operations and samples alike.

Taken from trio, so that a run under a mock clock has virtual time; of the machine where several processes share it:
CLOCK_MONOTONIC is one for all of them, so that with one origin they have one time, without any setting of clocks.
"""

import time

import trio


class RunClock:
    """Starts at 0 when it is made, in the trio run that it is used in.

    Args:
        origin_ns: of a clock that is shared: where it starts, on the clock of the machine (`machine_ns`).
    """

    def __init__(self, origin_ns: int | None = None) -> None:
        self._origin_ns = origin_ns
        self._trio_s = trio.lowlevel.current_clock().current_time
        self._start_s = self._trio_s()

    def now_ns(self) -> int:
        """Nanoseconds since the start."""
        if self._origin_ns is not None:
            return machine_ns() - self._origin_ns
        return round((self._trio_s() - self._start_s) * 1e9)

    async def sleep_until(self, time_ns: int) -> None:
        """Return at `time_ns`, or at once if that is over."""
        if self._origin_ns is not None:
            await trio.sleep(max(0.0, (time_ns - self.now_ns()) / 1e9))
        else:
            await trio.sleep_until(self._start_s + time_ns / 1e9)


def machine_ns() -> int:
    """The monotonic clock of the machine: the same in every process."""
    return time.perf_counter_ns()
