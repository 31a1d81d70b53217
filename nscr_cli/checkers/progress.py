"""The progress checker: no operation stalls, and who has nothing to do with the load is heard beside it.

A stall is an operation that was answered, but only after longer than the scenario's `stall_s`; one that was never
answered is for `liveness`. What our own loop slept through is taken off first, and what a fault of ours struck is left
out. How much slower the bystander may be is for the thresholds, which judge speed; here it is counted.
"""

import math
from collections.abc import Iterable

from nscr_cli.checkers.evidence import conclude
from nscr_cli.checkers.liveness import is_on_loopback
from nscr_cli.checkers.verdict import Finding, Result
from nscr_cli.checkers.wording import told
from nscr_cli.history.bystander import is_before, is_bystanders
from nscr_cli.history.history import NEVER, History, Operation
from nscr_cli.history.ops import Phase
from nscr_cli.history.plan import RunPlan

_SHOWN = 5
_LEAST = 10


class ProgressChecker:
    """Judges whether everything moved all the while."""

    @property
    def name(self) -> str:
        return "progress"

    def check(self, plan: RunPlan, history: History) -> Result:
        findings: list[Finding] = []
        reasons: list[str] = []
        evidence: dict[str, int] = {}
        floors: dict[str, int] = {}
        if plan.scenario.stall_s is not None:
            ended = [one for one in history.operations if _is_judged(one)]
            stalled = _stalled(ended, history, plan.scenario.stall_s)
            evidence |= {
                "answered-in-time": len(ended) - len(stalled),
                "longest-ms": max((one.end_ns - one.start_ns for one in ended), default=0) // 1_000_000,
            }
            floors["answered-in-time"] = _LEAST
            if stalled and is_on_loopback(history):
                findings.append(_finding(stalled, plan.scenario.stall_s))
            elif stalled:
                reasons.append(f"{_why(stalled, plan.scenario.stall_s)} (the network may have done it)")
        if plan.scenario.bystander_rate:
            evidence |= _bystander(plan, history)
            floors |= {"bystander-before": _LEAST, "bystander-beside": _LEAST}
        return conclude(self.name, plan, findings=findings, evidence=evidence, floors=floors, reasons=reasons)


def _is_judged(one: Operation) -> bool:
    return one.phase is Phase.MAIN and not one.faults and one.end_ns != NEVER


def _stalled(operations: Iterable[Operation], history: History, stall_s: float) -> list[Operation]:
    late = [
        (event.time_ns - int(event.detail["by_ns"]), event.time_ns) for event in history.events if event.name == "late"
    ]
    longest_ns = stall_s * 1e9

    def waited_ns(one: Operation) -> int:
        ours = (max(0, min(end, one.end_ns) - max(begin, one.start_ns)) for begin, end in late)
        return one.end_ns - one.start_ns - sum(ours)

    return [one for one in operations if one.end_ns - one.start_ns > longest_ns and waited_ns(one) > longest_ns]


def _why(stalled: list[Operation], stall_s: float) -> str:
    longest = max(stalled, key=lambda one: one.end_ns - one.start_ns)
    took_s = (longest.end_ns - longest.start_ns) / 1e9
    return f"{len(stalled)} operations took longer than {stall_s:g} s, e.g. {told(longest)}, after {took_s:.1f} s"


def _finding(stalled: list[Operation], stall_s: float) -> Finding:
    return Finding(
        checker="progress",
        rule="stalled-operation",
        key=stalled[0].key if len({one.key for one in stalled}) == 1 else "registry",
        operations=tuple(one.index for one in stalled[:_SHOWN]),
        clause=f"the scenario promises an answer to every operation within {stall_s:g} s",
        explanation=f"{_why(stalled, stall_s)}.",
    )


def _bystander(plan: RunPlan, history: History) -> dict[str, int]:
    """How many reads of it were answered before and beside the load, and the time that 99 % of them did not exceed."""
    before: list[int] = []
    beside: list[int] = []
    for one in history.operations:
        if one.phase is not Phase.FINAL and one.end_ns != NEVER and is_bystanders(one, plan):
            (before if is_before(one) else beside).append((one.end_ns - one.start_ns) // 1_000_000)
    return {
        "bystander-before": len(before),
        "bystander-beside": len(beside),
        "bystander-p99-ms-before": _p99(before),
        "bystander-p99-ms-beside": _p99(beside),
    }


def _p99(milliseconds: list[int]) -> int:
    ascending = sorted(milliseconds)
    return ascending[math.ceil(0.99 * len(ascending)) - 1] if ascending else 0
