"""Searches for a smaller run that breaks the same promise: ever smaller plans are run, and the smallest wins.

A candidate is kept only if the same rule fails again. How requests meet is not fixed by a plan, so each candidate has
several tries, with seeds of their own: so many that one which fails as often as the plan that it came from would have
shown it nine times in ten. Greedy, bounded in runs and time, and it keeps what it has when it is interrupted.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import msgspec

from nscr_cli.checkers.verdict import Finding
from nscr_cli.engine.smaller_plans import REDUCTIONS, extent, fewer_operations, leaps
from nscr_cli.history.history import Recorded
from nscr_cli.history.ops import Phase
from nscr_cli.history.plan import RunPlan

MOST_RUNS = 80
_LEAST_TRIES, _MOST_TRIES = 2, 8
_OVERLOOKED = 0.1
_SEEDS = 2**32


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """A plan that was run.

    Attributes:
        plan: as it was run.
        finding: of the rule that is looked for; None where it did not fail.
        operations: how many of the main phase had begun when the last operation that proves it began.
        is_interrupted: nobody wants to go on.
    """

    plan: RunPlan
    folder: Path
    finding: Finding | None = None
    operations: int | None = None
    is_interrupted: bool = False


class Smallest(msgspec.Struct, frozen=True, kw_only=True):
    """What a search came to.

    Attributes:
        attempts: those of the smallest plan that failed, at least the one that was begun with.
        runs: how many it took.
    """

    attempts: tuple[Attempt, ...]
    runs: int

    @property
    def plan(self) -> RunPlan:
        """The smallest plan that failed."""
        return self.attempts[-1].plan


def chosen(findings: Sequence[Finding], rule: str | None = None) -> Finding | None:
    """The finding to look for: of the first rule that operations prove, or of this one, what was proven first."""
    proven = [finding for finding in findings if finding.operations and rule in (None, finding.rule)]
    same = [one for one in proven if (one.checker, one.rule) == (proven[0].checker, proven[0].rule)]
    return min(same, key=lambda finding: finding.operations[-1], default=None)


def operations_until(finding: Finding, history: Recorded) -> int | None:
    """How many operations of the main phase had begun when the last one that proves the finding began."""
    last = max(finding.operations)
    begun = sum(one.phase is Phase.MAIN and one.index <= last for one in history.operations)
    return begun or None


class Shrinking:
    """One search.

    Args:
        begin: a run that failed.
        run: runs a plan, in repositories of its own.
        is_over: whether time is up.
        tell: takes a line on how it goes.
    """

    def __init__(
        self,
        begin: Attempt,
        *,
        run: Callable[[RunPlan], Attempt],
        is_over: Callable[[], bool],
        tell: Callable[[str], None],
    ) -> None:
        self._best = begin
        self._run = run
        self._is_over = is_over
        self._tell = tell
        self._runs = 0
        self._tried = 1  # runs of the best plan, and of those it came from, one failure in each
        self._failed = 1
        self._is_interrupted = False
        self._given_up: set[bytes] = set()

    def search(self, *, confirmations: int) -> Smallest:
        """The smallest plan that was found, run so many times more."""
        self._improve(leaps(self._best.plan))
        is_smaller = True
        while is_smaller and not self._is_done:
            before = self._best
            # Operations last: with no more than it needs, a run has no room for anything else to be left out.
            for reduction in (*REDUCTIONS, self._until_the_proof, fewer_operations):
                while self._improve(reduction(self._best.plan)):
                    pass
            is_smaller = self._best is not before
        return Smallest(attempts=self._confirmed(confirmations), runs=self._runs)

    @property
    def _is_done(self) -> bool:
        return self._is_interrupted or self._runs >= MOST_RUNS or self._is_over()

    def _until_the_proof(self, plan: RunPlan) -> Iterable[RunPlan]:
        needed = self._best.operations
        if needed is not None and (plan.max_operations is None or needed < plan.max_operations):
            yield msgspec.structs.replace(plan, max_operations=needed)

    def _improve(self, candidates: Iterable[RunPlan]) -> bool:
        """Take the first candidate that fails, if one does."""
        for candidate in candidates:
            if candidate == self._best.plan or self._key(candidate) in self._given_up:
                continue
            for number in range(self._tries):
                if self._is_done:
                    return False
                attempt = self._attempt(candidate, number)
                if attempt.finding is not None:
                    self._best = attempt
                    self._tried += number + 1
                    self._failed += 1
                    return True
            self._given_up.add(self._key(candidate))
        return False

    @property
    def _tries(self) -> int:
        share = (self._failed + 1) / (self._tried + 2)
        return max(_LEAST_TRIES, min(_MOST_TRIES, math.ceil(math.log(_OVERLOOKED) / math.log(1 - share))))

    def _attempt(self, plan: RunPlan, number: int) -> Attempt:
        self._runs += 1
        attempt = self._run(msgspec.structs.replace(plan, seed=(plan.seed + number) % _SEEDS))
        self._is_interrupted = attempt.is_interrupted
        came = "held" if attempt.finding is None else f"{attempt.finding.rule} again"
        self._tell(f"shrink {self._runs}: {extent(attempt.plan)}: {came}")
        return attempt

    def _confirmed(self, times: int) -> tuple[Attempt, ...]:
        """The best attempt, after more runs of its plan. The search chose it because it failed; these did not."""
        attempts = []
        for _ in range(times):
            if self._is_interrupted:
                break
            attempts.append(self._attempt(self._best.plan, 0))
        return (*attempts, self._best)

    @staticmethod
    def _key(plan: RunPlan) -> bytes:
        """What a plan asks for, whatever its seed and run."""
        bare = msgspec.structs.replace(plan, seed=0, run_id="", namespace="", started_utc="")
        return msgspec.json.encode(bare)
