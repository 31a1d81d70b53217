"""Notes where we ourselves were late: what passed while our own loop stood still is not the registry's doing."""

import trio

from nscr_cli.engine.recorder import Recorder

_EVERY_S = 0.25
_WORTH_TELLING_S = 0.25


async def note_lateness(recorder: Recorder) -> None:
    """Note until cancelled each time that this task was woken late, by how much."""
    while True:
        due = trio.current_time() + _EVERY_S
        await trio.sleep_until(due)
        late_s = trio.current_time() - due
        if late_s > _WORTH_TELLING_S:
            recorder.event("late", by_ns=str(round(late_s * 1e9)))
