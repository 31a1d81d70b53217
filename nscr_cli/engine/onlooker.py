"""Who looks on while a run is recorded, and can say at any instant how it stands.

Runs beside the load, once for each entry of the journal.
"""

from collections.abc import Callable

from nscr_cli.engine.clocks import RunClock
from nscr_cli.engine.judging import checkers_of
from nscr_cli.engine.run import Run
from nscr_cli.history.ops import INVOKE, Entry, Op, Sample
from nscr_cli.history.plan import RunPlan
from nscr_cli.monitors.meter import Meter
from nscr_cli.monitors.online import OnlineRules
from nscr_cli.monitors.progress import Progress


def online_rules(plan: RunPlan, *, sees_all: bool) -> OnlineRules:
    """What may be told of a run while it goes on: what its checkers will confirm.

    Args:
        sees_all: whether who asks is told of all its operations.
    """
    judges = (checker.name for checker in checkers_of(plan.scenario))
    return OnlineRules(
        [name for name in judges if plan.only_checker in (None, name)],
        namespace=plan.namespace,
        tag_model=plan.scenario.tag_model,
        sees_all=sees_all,
    )


class Onlooker:
    """Tells a meter of what is recorded.

    Attributes:
        meter: what it knows.
    """

    def __init__(self, plan: RunPlan) -> None:
        self.meter = Meter(faults=plan.scenario.faults)
        self._rules = online_rules(plan, sees_all=plan.processes == 1)
        self._plan = plan

    def note(self, entry: Entry) -> None:
        """One more entry of the journal."""
        if isinstance(entry, Op):
            if entry.kind is INVOKE:
                self._rules.asked(entry)
                return
            self.meter.ended(entry)
            seen = self._rules.ended(entry)
        elif isinstance(entry, Sample):
            self.meter.sampled(entry)
            seen = self._rules.sampled(entry)
        else:
            self.meter.noted(entry)
            seen = self._rules.noted(entry)
        if seen:
            self.meter.broke(seen)

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
