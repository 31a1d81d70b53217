"""Time-outs of an exchange: a limit for each stage, and one for the whole. Times are trio's."""

import math

import msgspec
import trio

from nscr_cli.wire.messages import Failure, Stage, Trouble

_ORDER = tuple(Stage)


class TimeOuts(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds: `connect` and `first_byte` for a whole stage, `send` and `read` without progress, `total` for all."""

    connect: float = 10.0
    send: float = 30.0
    first_byte: float = 30.0
    read: float = 30.0
    total: float = math.inf

    def limit(self, stage: Stage) -> float:
        """The limit of one stage."""
        match stage:
            case Stage.CONNECT:
                return self.connect
            case Stage.SEND:
                return self.send
            case Stage.FIRST_BYTE:
                return self.first_byte
            case Stage.READ:
                return self.read


class Watchdog:
    """Moves the deadline of `scope` on with every sign of progress. Stages only go forward."""

    def __init__(self, time_outs: TimeOuts, stage: Stage = Stage.SEND) -> None:
        now = trio.current_time()
        self._time_outs = time_outs
        self._end = now + time_outs.total
        self.stage = stage
        self.scope = trio.CancelScope(deadline=min(self._end, now + time_outs.limit(stage)))

    def progress(self, stage: Stage, *, more_s: float = 0.0) -> None:
        """Something moved, and the exchange has come at least to `stage`; we mean to rest for `more_s`."""
        if _ORDER.index(stage) > _ORDER.index(self.stage):
            self.stage = stage
        self.scope.deadline = min(self._end, trio.current_time() + self._time_outs.limit(self.stage) + more_s)

    def failure(self) -> Failure:
        """What to report when the deadline has passed."""
        return overdue(self._time_outs, self.stage, is_total=trio.current_time() >= self._end)


def overdue(time_outs: TimeOuts, stage: Stage, *, is_total: bool) -> Failure:
    """What to report when the limit of a stage has passed, or that of the whole."""
    seconds = time_outs.total if is_total else time_outs.limit(stage)
    detail = f"{seconds:g} s for the whole exchange" if is_total else f"{seconds:g} s without progress"
    return Failure(trouble=Trouble.TIMEOUT, stage=stage, detail=detail)
