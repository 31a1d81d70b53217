"""The planned faults of a run as they strike: which, how often, and whether they are active now. Pure."""

from collections.abc import Sequence

from nscr_cli.durations import show_duration
from nscr_cli.history.faults import Fault
from nscr_cli.history.ops import Event
from nscr_cli.monitors.progress import FaultCount


class FaultCounts:
    """Counts the requests that each fault struck; several toxics of it, or both directions, are one."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        self._faults = faults
        self._struck: dict[str, set[str]] = {fault.name: set() for fault in faults}
        self._last: dict[str, tuple[int, str]] = {}
        self._is_healed = False

    def noted(self, event: Event) -> None:
        """An event of the run; all but strikes and the end of them are nothing to us."""
        if event.name == "fault":
            name = event.detail.get("fault", "")
            where = event.detail.get("request") or f"{event.detail.get('connection')} {event.detail.get('match')}"
            self._struck.setdefault(name, set()).add(where)
            self._last[name] = event.time_ns, event.detail.get("step", "")
        elif event.name == "healed":
            self._is_healed = True

    def counts(self, now_ns: int, *, phase: str, elapsed_s: float) -> tuple[FaultCount, ...]:
        """Each of them at this instant, as the scenario has them in order."""
        return tuple(self._count(fault, now_ns, phase, elapsed_s) for fault in self._faults)

    def _count(self, fault: Fault, now_ns: int, phase: str, elapsed_s: float) -> FaultCount:
        last = self._last.get(fault.name)
        return FaultCount(
            name=fault.name,
            toxics=", ".join(str(toxic.__struct_config__.tag) for toxic in fault.toxics),
            state=self._state(fault, phase, elapsed_s),
            struck=len(self._struck[fault.name]),
            last_step=None if last is None else last[1],
            last_s=None if last is None else max(0, now_ns - last[0]) / 1e9,
        )

    def _state(self, fault: Fault, phase: str, elapsed_s: float) -> str:
        if self._is_healed:
            return "healed"
        if phase != "main":
            return "waits"
        if elapsed_s < fault.start_s:
            return f"from {show_duration(fault.start_s)}"
        if fault.stop_s is not None and elapsed_s >= fault.stop_s:
            return "over"
        return "active"
