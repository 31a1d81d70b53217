"""The faults checker: what was planned to go wrong did go wrong, and met an operation.

It finds nothing: a fault is ours. It says what the verdicts of the others are worth, because a registry that was never
disturbed has survived nothing.
"""

from collections import Counter

from nscr_cli.checkers.evidence import conclude
from nscr_cli.checkers.verdict import Result, judged
from nscr_cli.history.history import History, Whole
from nscr_cli.history.plan import RunPlan


class FaultsChecker:
    """Judges whether the planned faults happened."""

    @property
    def name(self) -> str:
        return "faults"

    def check(self, plan: RunPlan, history: History) -> Result:
        return judged(self, plan, history)

    def begin(self, plan: RunPlan, whole: Whole) -> "_Faults":
        return _Faults(plan)


class _Faults:
    """A strike is an event of the part that its operation lies in."""

    def __init__(self, plan: RunPlan) -> None:
        self._plan = plan
        self._fired: Counter[str] = Counter()
        self._met: set[str] = set()
        self._most_in_flight = 0
        self._struck = 0

    def take(self, part: History) -> None:
        for event in part.events:
            if event.name == "fault":
                self._fired[event.detail.get("fault", "")] += 1
                # As the run counted them: of an operation that nobody answered, the history does not know its end.
                self._most_in_flight = max(self._most_in_flight, int(event.detail["in_flight"]))
        if self._fired:
            for one in part.operations:
                self._struck += bool(one.faults)
                self._met.update(one.faults)

    def result(self) -> Result:
        planned = [fault.name for fault in self._plan.scenario.faults]
        evidence = {f"{name}-fired": self._fired[name] for name in planned}
        evidence |= {"most-in-flight": self._most_in_flight, "operations-struck": self._struck}
        return conclude(
            "faults",
            self._plan,
            findings=(),
            evidence=evidence,
            floors={},
            reasons=[f"fault {name}: planned, and it struck no operation" for name in planned if name not in self._met],
        )
