"""Time-outs of small exchanges, for many at a time: one task goes round and ends those that are overdue.

A cancel scope for each exchange costs more than everything else that is done for it on our side. Here an exchange
notes until when it may wait; the patrol looks ten times a second, so an exchange ends up to a tenth of a second late,
never early. Times are trio's.
"""

import trio

from nscr_cli.wire.dialing import CountedStream
from nscr_cli.wire.messages import Failure, Stage
from nscr_cli.wire.watchdog import TimeOuts, overdue

_ROUND_S = 0.1


class Vigil:
    """The wait for one answer; as a Watchdog, but for the patrol's eyes. Stages only go forward.

    Attributes:
        deadline_s: until when it may wait without progress.
        is_overdue: it waited longer, and was woken.
    """

    __slots__ = ("_end_s", "_socket", "_time_outs", "deadline_s", "is_overdue", "stage")

    def __init__(self, time_outs: TimeOuts, socket: CountedStream, now_s: float) -> None:
        self._time_outs = time_outs
        self._socket = socket
        self._end_s = now_s + time_outs.total
        self.stage = Stage.FIRST_BYTE
        self.deadline_s = min(self._end_s, now_s + time_outs.first_byte)
        self.is_overdue = False

    def progress(self, stage: Stage) -> None:
        """Something moved, and the exchange has come to `stage`."""
        self.stage = stage
        self.deadline_s = min(self._end_s, trio.current_time() + self._time_outs.limit(stage))
        self.is_overdue = False

    def end(self) -> None:
        """The deadline has passed: whoever waits is woken."""
        self.is_overdue = True
        self._socket.wake_reader()

    def failure(self) -> Failure:
        """What to report of one that is overdue."""
        return overdue(self._time_outs, self.stage, is_total=self.deadline_s == self._end_s)


class Patrol:
    """Ends what waits too long. Its time is the trio run's."""

    def __init__(self) -> None:
        self._now_s = trio.lowlevel.current_clock().current_time
        self._waiting: set[Vigil] = set()
        self._is_needed: trio.Event | None = None

    def watch(self, time_outs: TimeOuts, socket: CountedStream) -> Vigil:
        """Watch over a wait, from now until it is released."""
        vigil = Vigil(time_outs, socket, self._now_s())
        self._waiting.add(vigil)
        if self._is_needed is not None:
            self._is_needed.set()
            self._is_needed = None
        return vigil

    def release(self, vigil: Vigil) -> None:
        """The wait is over."""
        self._waiting.discard(vigil)

    async def run(self) -> None:
        """Go round until cancelled; rest while nobody has waited for a whole round."""
        while True:
            if not self._waiting:
                self._is_needed = trio.Event()
                await self._is_needed.wait()
            await trio.sleep(_ROUND_S)
            now_s = self._now_s()
            for vigil in [vigil for vigil in self._waiting if vigil.deadline_s <= now_s]:
                vigil.end()


_PATROL: trio.lowlevel.RunVar[Patrol] = trio.lowlevel.RunVar("patrol")


def patrol() -> Patrol:
    """The patrol of this trio run, which ends with it."""
    try:
        return _PATROL.get()
    except LookupError:
        new = Patrol()
        _PATROL.set(new)
        trio.lowlevel.spawn_system_task(new.run)
        return new
