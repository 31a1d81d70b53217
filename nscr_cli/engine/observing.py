"""Notes what the registry's process holds, where its target can tell; nothing where it cannot."""

import trio

from nscr_cli.engine.recorder import Recorder
from nscr_cli.history.resources import EVENT, Moment, Resources, most_descriptors, most_threads
from nscr_cli.targets.base import Observed

SETTLE_S = 5.0
_POLL_S = 0.1


class Observer:
    """Notes for one run.

    Args:
        workers: of the load; how much may stay open depends on it.
    """

    def __init__(self, observed: Observed | None, recorder: Recorder, *, workers: int) -> None:
        self._observed = observed
        self._recorder = recorder
        self._workers = workers
        self._baseline: Resources | None = None

    async def note_baseline(self) -> None:
        """The load is about to begin."""
        self._baseline = await self._look()
        self._note(Moment.BASELINE, self._baseline)

    async def note_load(self, interval_s: float) -> None:
        """Note for as long as the load runs."""
        while self._observed is not None:
            await trio.sleep(interval_s)
            self._note(Moment.LOAD, await self._look())

    async def note_settled(self) -> None:
        """All is quiet, and our connections are closed: wait until it holds no more than it may, within reason."""
        held = await self._look()
        with trio.move_on_after(SETTLE_S):
            while held is not None and not self._is_settled(held):
                await trio.sleep(_POLL_S)
                held = await self._look()
        self._note(Moment.SETTLED, held)

    async def _look(self) -> Resources | None:
        return None if self._observed is None else await self._observed.resources()

    def _is_settled(self, held: Resources) -> bool:
        baseline = self._baseline
        return baseline is None or (
            held.descriptors <= most_descriptors(baseline, self._workers)
            and held.threads <= most_threads(baseline, self._workers)
        )

    def _note(self, moment: Moment, held: Resources | None) -> None:
        if held is not None:
            self._recorder.event(EVENT, moment=moment.value, **held.detail())
