"""Who looks on while a run is recorded, and can say at any instant how it stands.

Runs beside the load, once for each entry of the journal.
"""

from collections.abc import Callable

from nscr_cli.engine.clocks import RunClock
from nscr_cli.engine.run import Run
from nscr_cli.history.ops import INVOKE, Entry, Op, Sample
from nscr_cli.history.plan import RunPlan
from nscr_cli.monitors.meter import Meter
from nscr_cli.monitors.progress import Progress


class Onlooker:
    """Tells a meter of what is recorded.

    Attributes:
        meter: what it knows.
    """

    def __init__(self, plan: RunPlan) -> None:
        self.meter = Meter(faults=plan.scenario.faults)
        self._plan = plan

    def note(self, entry: Entry) -> None:
        """One more entry of the journal."""
        if isinstance(entry, Op):
            if entry.kind is not INVOKE:
                self.meter.ended(entry)
        elif isinstance(entry, Sample):
            self.meter.sampled(entry)
        else:
            self.meter.noted(entry)

    def picture_of(self, run: Run, clock: RunClock) -> Callable[[], Progress]:
        """Makes a picture of the run as it is when it is called."""
        plan = self._plan
        return lambda: self.meter.progress(
            clock.now_ns(),
            run=f"{plan.scenario_name} · seed {plan.seed}",
            target=plan.registry_url or "reference registry",
            total_s=plan.duration_s,
            workers=plan.workers,
            processes=plan.processes,
            expected=run.expected,
            began_ns=run.main_began_ns,
        )
