"""The resources checker: what the load took, a registry gives back.

Looks at the registry's own process, so only at one that the run can look into. Descriptors and threads that are still
held once all is quiet, beyond what pools may keep, are leaked (bugs M4, M5 of docs/bugs.toml). How much memory a
registry may take nobody promises: that is bounded only where the scenario says so (M6, M7), else it is counted.
"""

from collections.abc import Iterable

from nscr_cli.checkers.evidence import conclude
from nscr_cli.checkers.verdict import Finding, Result, Verdict, judged
from nscr_cli.history.history import History, Whole
from nscr_cli.history.ops import Phase
from nscr_cli.history.plan import RunPlan
from nscr_cli.history.resources import EVENT, Moment, Resources, most_descriptors, most_threads, resources_at

_FLOORS = {"baseline": 1, "settled": 1, "operations-between": 10}
_MEBIBYTE = 1024 * 1024
_GIVEN_BACK = "what a registry opens for a request, it closes"
_BOUNDED = "the scenario bounds the memory that its load may cost"


class ResourcesChecker:
    """Judges what the registry's process held before, during and after the load."""

    @property
    def name(self) -> str:
        return "resources"

    def check(self, plan: RunPlan, history: History) -> Result:
        return judged(self, plan, history)

    def begin(self, plan: RunPlan, whole: Whole) -> "_Resources":
        return _Resources(plan, whole)


class _Resources:
    """What was looked at are events; of the operations only their number counts."""

    def __init__(self, plan: RunPlan, whole: Whole) -> None:
        self._plan = plan
        self._whole = whole
        self._operations = 0

    def take(self, part: History) -> None:
        main = Phase.MAIN
        self._operations += sum(one.phase is main for one in part.operations)

    def result(self) -> Result:
        events = self._whole.events
        names = {event.name for event in events}
        if "target" in names and EVENT not in names:
            skipped = ("resources: nobody could look into the registry's process",)
            return Result(checker="resources", verdict=Verdict.UNKNOWN, skipped=skipped, is_skipped=True)
        baseline = resources_at(Moment.BASELINE, events)
        load = resources_at(Moment.LOAD, events)
        settled = resources_at(Moment.SETTLED, events)
        evidence = {
            "baseline": len(baseline),
            "under-load": len(load),
            "settled": len(settled),
            "operations-between": self._operations,
        }
        findings: list[Finding] = []
        reasons: list[str] = []
        if baseline and settled:
            before, after = baseline[-1], settled[-1]
            evidence |= _figures(before, after, load)
            if before.process == after.process:
                findings.extend(_broken(self._plan, before, after, most_memory=_most_memory(before, after, load)))
            else:
                reasons.append("the registry was started anew in between: what it held before says nothing")
        return conclude("resources", self._plan, findings=findings, evidence=evidence, floors=_FLOORS, reasons=reasons)


def _figures(before: Resources, after: Resources, load: list[Resources]) -> dict[str, int]:
    return {
        "descriptors-before": before.descriptors,
        "most-descriptors": max((one.descriptors for one in load), default=0),
        "descriptors-after": after.descriptors,
        "threads-before": before.threads,
        "threads-after": after.threads,
        "memory-mib-before": before.memory_bytes // _MEBIBYTE,
        "most-memory-mib": after.peak_memory_bytes // _MEBIBYTE,
        "memory-mib-after": after.memory_bytes // _MEBIBYTE,
    }


def _most_memory(before: Resources, after: Resources, load: list[Resources]) -> int:
    """The most that was resident since the baseline. Where the peak is older than that, what was seen since."""
    if after.peak_memory_bytes > before.peak_memory_bytes:
        return after.peak_memory_bytes
    return max(one.memory_bytes for one in (*load, after))


def _broken(plan: RunPlan, before: Resources, after: Resources, *, most_memory: int) -> Iterable[Finding]:
    most = most_descriptors(before, plan.workers)
    if after.descriptors > most:
        yield _finding(
            "leaked-descriptors",
            _GIVEN_BACK,
            f"{after.descriptors} descriptors ({after.sockets} of them sockets) were open once all was quiet and our "
            f"connections were closed, and {before.descriptors} ({before.sockets} sockets) before the load; pools of "
            f"any kind explain {most}",
        )
    most = most_threads(before, plan.workers)
    if after.threads > most:
        why = f"{after.threads} threads ran once all was quiet, {before.threads} before the load; pools explain {most}"
        yield _finding("leaked-threads", _GIVEN_BACK, why)
    bound = plan.scenario.memory_growth_mib
    growth = (most_memory - before.memory_bytes) / _MEBIBYTE
    if bound is not None and growth > bound:
        why = f"memory grew by {growth:.0f} MiB beyond what it was before the load, and {bound:g} MiB are allowed"
        yield _finding("memory-growth", _BOUNDED, why)


def _finding(rule: str, clause: str, explanation: str) -> Finding:
    return Finding(
        checker="resources",
        rule=rule,
        key="registry",
        operations=(),
        clause=clause,
        explanation=f"{explanation}.",
    )
