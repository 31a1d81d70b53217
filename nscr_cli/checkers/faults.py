"""The faults checker: what was planned to go wrong did go wrong, and met an operation.

It finds nothing: a fault is ours. It says what the verdicts of the others are worth, because a registry that was never
disturbed has survived nothing.
"""

from nscr_cli.checkers.evidence import conclude
from nscr_cli.checkers.verdict import Result
from nscr_cli.history.faults import operation_of
from nscr_cli.history.history import History
from nscr_cli.history.plan import RunPlan


class FaultsChecker:
    """Judges whether the planned faults happened."""

    @property
    def name(self) -> str:
        return "faults"

    def check(self, plan: RunPlan, history: History) -> Result:
        planned = [fault.name for fault in plan.scenario.faults]
        strikes = [event.detail for event in history.events if event.name == "fault"]
        evidence: dict[str, int] = {}
        reasons: list[str] = []
        for name in planned:
            fired = [detail for detail in strikes if detail.get("fault") == name]
            met = [detail for detail in fired if operation_of(detail.get("request", "")) in history.by_index]
            evidence[f"{name}-fired"] = len(fired)
            if not met:
                reasons.append(f"fault {name}: planned, and it struck no operation")
        # As the run counted them: of an operation that nobody answered, the history does not know when it ended.
        evidence["most-in-flight"] = max((int(detail["in_flight"]) for detail in strikes), default=0)
        evidence["operations-struck"] = sum(bool(one.faults) for one in history.operations)
        return conclude(self.name, plan, findings=(), evidence=evidence, floors={}, reasons=reasons)
