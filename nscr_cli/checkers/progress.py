"""The progress checker: no operation stalls, and who has nothing to do with the load is heard beside it.

A stall is an operation that was answered, but only after longer than the scenario's `stall_s`; one that was never
answered is for `liveness`. What our own loop slept through is taken off first, and what a fault of ours struck is left
out. How much slower the bystander may be is for the thresholds, which judge speed; here it is counted.
"""

import math

from nscr_cli.checkers.evidence import conclude
from nscr_cli.checkers.liveness import is_on_loopback
from nscr_cli.checkers.tally import Tally
from nscr_cli.checkers.verdict import Finding, Result, judged
from nscr_cli.checkers.wording import told
from nscr_cli.history.bystander import is_before, is_bystanders
from nscr_cli.history.history import NEVER, History, Operation, Whole
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
        return judged(self, plan, history)

    def begin(self, plan: RunPlan, whole: Whole) -> "_Progress":
        return _Progress(plan, whole)


class _Progress:
    """How long operations took, and how long the bystander waited."""

    def __init__(self, plan: RunPlan, whole: Whole) -> None:
        self._plan = plan
        self._whole = whole
        self._late = [
            (event.time_ns - int(event.detail["by_ns"]), event.time_ns)
            for event in whole.events
            if event.name == "late"
        ]
        self._stall_s = plan.scenario.stall_s
        self._in_time = 0
        self._longest_ns = 0
        self._stalled = Tally(_SHOWN)
        self._before: list[int] = []
        self._beside: list[int] = []

    def take(self, part: History) -> None:
        if self._stall_s is not None:
            self._take_times(part, self._stall_s * 1e9)
        if self._plan.scenario.bystander_rate:
            for one in part.operations:
                if one.phase is not Phase.FINAL and one.end_ns != NEVER and is_bystanders(one, self._plan):
                    (self._before if is_before(one) else self._beside).append(_took_ns(one) // 1_000_000)

    def _take_times(self, part: History, longest_ns: float) -> None:
        for one in part.operations:
            if one.phase is not Phase.MAIN or one.faults or one.end_ns == NEVER:
                continue
            self._longest_ns = max(self._longest_ns, _took_ns(one))
            if _took_ns(one) > longest_ns and _took_ns(one) - self._slept_ns(one) > longest_ns:
                self._stalled.add(one)
            else:
                self._in_time += 1

    def _slept_ns(self, one: Operation) -> int:
        """How much of it our own loop stood still."""
        return sum(max(0, min(end, one.end_ns) - max(begin, one.start_ns)) for begin, end in self._late)

    def result(self) -> Result:
        findings: list[Finding] = []
        reasons: list[str] = []
        evidence: dict[str, int] = {}
        floors: dict[str, int] = {}
        if self._stall_s is not None:
            evidence |= {"answered-in-time": self._in_time, "longest-ms": self._longest_ns // 1_000_000}
            floors["answered-in-time"] = _LEAST
            if self._stalled.count and is_on_loopback(self._whole):
                findings.append(_finding(self._stalled, self._stall_s))
            elif self._stalled.count:
                reasons.append(f"{_why(self._stalled, self._stall_s)} (the network may have done it)")
        if self._plan.scenario.bystander_rate:
            evidence |= {
                "bystander-before": len(self._before),
                "bystander-beside": len(self._beside),
                "bystander-p99-ms-before": _p99(self._before),
                "bystander-p99-ms-beside": _p99(self._beside),
            }
            floors |= {"bystander-before": _LEAST, "bystander-beside": _LEAST}
        return conclude("progress", self._plan, findings=findings, evidence=evidence, floors=floors, reasons=reasons)


def _took_ns(one: Operation) -> int:
    return one.end_ns - one.start_ns


def _why(stalled: Tally, stall_s: float) -> str:
    first = stalled.first[0]
    took_s = _took_ns(first) / 1e9
    return f"{stalled.count} operations took longer than {stall_s:g} s, e.g. {told(first)}, after {took_s:.1f} s"


def _finding(stalled: Tally, stall_s: float) -> Finding:
    return Finding(
        checker="progress",
        rule="stalled-operation",
        key=stalled.key or "registry",
        operations=tuple(one.index for one in stalled.first),
        clause=f"the scenario promises an answer to every operation within {stall_s:g} s",
        explanation=f"{_why(stalled, stall_s)}.",
    )


def _p99(milliseconds: list[int]) -> int:
    ascending = sorted(milliseconds)
    return ascending[math.ceil(0.99 * len(ascending)) - 1] if ascending else 0
