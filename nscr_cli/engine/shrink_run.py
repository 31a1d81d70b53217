"""A run that failed, shrunk: the search over smaller plans, and what it leaves in the folder of the run.

`shrink/` holds the folder of every run that was tried, with an index.csv; `smallest/` the smallest plan that failed
again, and its journal cut to what proves it.
"""

from collections.abc import Callable
from itertools import count
from pathlib import Path

import msgspec

from nscr_cli.checkers.verdict import Finding
from nscr_cli.engine.cut_folder import Cut, cut_run, write_cut
from nscr_cli.engine.judging import read_plan, read_run
from nscr_cli.engine.shrinking import Attempt, Shrinking, chosen, operations_until
from nscr_cli.engine.smaller_plans import extent
from nscr_cli.engine.torture import Outcome
from nscr_cli.errors import EnvironmentFailed
from nscr_cli.history.history import Recorded
from nscr_cli.history.ops import Phase
from nscr_cli.history.plan import RunPlan
from nscr_cli.reporting.run_report import RERUNS

TRIES_NAME = "shrink"
SMALLEST_NAME = "smallest"


class Shrunk(msgspec.Struct, frozen=True, kw_only=True):
    """The smallest run that was found to fail.

    Attributes:
        folder: with its plan and the journal, cut.
        shown: in how many of `reruns` runs of that plan, made after the search, the rule failed again.
        runs: how many the search took, those included.
        is_smaller: than the run that was shrunk.
    """

    folder: Path
    cut: Cut
    shown: int
    reruns: int
    runs: int
    is_smaller: bool

    def lines(self) -> list[str]:
        """The result for a person."""
        finding, (processes, operations) = self.cut.finding, self.cut.size
        first = f"smallest run of {self.runs + 1} that fails" if self.is_smaller else "no smaller run failed"
        return [
            f"{first}: {extent(self.cut.plan)}",
            (
                f"{finding.rule} ({finding.checker}) is proven by {_counted(operations, 'operation')} "
                f"of {_counted(processes, 'process', 'processes')}, and showed again in "
                f"{self.shown} of {_counted(self.reruns, 're-run')}"
            ),
        ]


def shrink(
    folder: Path,
    plan: RunPlan,
    history: Recorded,
    findings: list[Finding],
    *,
    run: Callable[[RunPlan], Outcome],
    is_over: Callable[[], bool],
    tell: Callable[[str], None],
    rule: str | None = None,
) -> Shrunk | None:
    """Search for a smaller run that breaks the same promise, and write it down; None without one to look for.

    Args:
        folder: of the run that failed, with `plan` as it is to be run again.
        run: runs a plan in repositories of its own.
        is_over: whether time is up.
        tell: takes a line on how it goes.
        rule: that is to fail again; the first that operations prove where it is None.

    Raises:
        ReportsUnwritable: the result cannot be written.
    """
    finding = chosen(findings, rule)
    if finding is None:
        return None
    looked_for = finding.rule
    if plan.max_operations is None and plan.only_checker is None:
        plan = msgspec.structs.replace(plan, max_operations=sum(one.phase is Phase.MAIN for one in history.operations))

    def attempt(candidate: RunPlan) -> Attempt:
        try:
            outcome = run(candidate)
        except EnvironmentFailed as error:
            tell(f"the search ends: {error}")
            return Attempt(plan=candidate, folder=folder, is_interrupted=True)
        found = chosen(list(outcome.report.findings), looked_for)
        return Attempt(
            plan=outcome.report.plan,
            folder=outcome.folder,
            finding=found,
            operations=operations_until(found, read_run(outcome.folder)[1]) if found is not None else None,
            is_interrupted=outcome.failure is not None or outcome.report.interrupted_by is not None,
        )

    needed = operations_until(finding, history) if plan.only_checker is None else None
    begin = Attempt(plan=plan, folder=folder, finding=finding, operations=needed)
    smallest = Shrinking(begin, run=attempt, is_over=is_over, tell=tell).search(confirmations=RERUNS)
    *again, _ = smallest.attempts
    cuts = [
        cut_run(one.folder, read_plan(one.folder), one.finding) for one in smallest.attempts if one.finding is not None
    ]
    best = min(cuts, key=lambda cut: cut.size)
    target = _free(folder)
    write_cut(target, best)
    return Shrunk(
        folder=target,
        cut=best,
        shown=sum(one.finding is not None for one in again),
        reruns=len(again),
        runs=smallest.runs,
        is_smaller=smallest.attempts[-1] is not begin,
    )


def _free(folder: Path) -> Path:
    names = (SMALLEST_NAME if number == 1 else f"{SMALLEST_NAME}-{number}" for number in count(1))
    return next(folder / name for name in names if not (folder / name).exists())


def _counted(number: int, noun: str, plural: str | None = None) -> str:
    return f"{number} {noun if number == 1 else plural or noun + 's'}"
