"""Verdicts and what carries them.

VALID < UNKNOWN < INVALID; merging takes the worst, and the merge of nothing is UNKNOWN: no evidence is never a pass.
What a registry does not support is neither: it is skipped, printed, and left out of the merge.
"""

from collections.abc import Iterable, Sequence
from enum import IntEnum
from typing import Protocol, runtime_checkable

import msgspec

from nscr_cli.history.history import History, Whole
from nscr_cli.history.plan import RunPlan


class Verdict(IntEnum):
    """How a run, or one checker of it, is judged."""

    VALID = 0
    UNKNOWN = 1
    INVALID = 2


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """A promise that was broken, with the evidence.

    Attributes:
        checker: name of the checker that found it.
        rule: short stable name of the broken promise, e.g. `lost-write`.
        key: what it is about, e.g. `repository:tag`.
        operations: indexes of the invocations that prove it, in order; empty only for samples (monitoring, resources).
        clause: the specification clause or promise that was broken.
        explanation: in words, with the values: who asked what, what came back.
    """

    checker: str
    rule: str
    key: str
    operations: tuple[int, ...]
    clause: str
    explanation: str


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What one checker says.

    Attributes:
        verdict: INVALID exactly when there are findings.
        is_skipped: the registry does not have what this checker judges: left out of the merge, and never a pass.
        evidence: how much was judged, by name (e.g. {"acknowledged": 120, "read": 118}); floors are stated in it.
        reasons: why the verdict is UNKNOWN.
        skipped: what was left out because the registry does not support it; never a pass.
    """

    checker: str
    verdict: Verdict
    findings: tuple[Finding, ...] = ()
    evidence: dict[str, int] = {}
    reasons: tuple[str, ...] = ()
    skipped: tuple[str, ...] = ()
    is_skipped: bool = False

    @property
    def outcome(self) -> str:
        """The verdict as people read it: VALID, UNKNOWN, INVALID, or SKIPPED."""
        return "SKIPPED" if self.is_skipped else self.verdict.name


class Checker(Protocol):
    """A pure judge. Raises nothing on purpose; `check_all` turns a crash into UNKNOWN."""

    @property
    def name(self) -> str: ...

    def check(self, plan: RunPlan, history: History) -> Result: ...


class Judgement(Protocol):
    """What a checker keeps while it judges a history part by part; it must not keep the parts."""

    def take(self, part: History) -> None:
        """Judge one more part."""
        ...

    def result(self) -> Result:
        """What all parts amount to: evidence added up, floors and verdict drawn once."""
        ...


@runtime_checkable
class PartwiseChecker(Checker, Protocol):
    """One that needs no more than the operations of one repository at once, and can judge a history of any length.

    `check` is `judged`, so that whole and in parts is the same code. The order of the parts must not matter: of what is
    told once for all of a history, the first by index is kept.
    """

    def begin(self, plan: RunPlan, whole: Whole) -> Judgement: ...


def judged(checker: PartwiseChecker, plan: RunPlan, history: History) -> Result:
    """What a checker says of a history that is its own only part."""
    judgement = checker.begin(plan, history.whole)
    judgement.take(history)
    return judgement.result()


def merge(verdicts: Iterable[Verdict]) -> Verdict:
    """The worst of them; of nothing, UNKNOWN."""
    return max(verdicts, default=Verdict.UNKNOWN)


def merged(results: Iterable[Result]) -> Verdict:
    """The worst verdict of all that was judged; what was skipped has none."""
    return merge(result.verdict for result in results if not result.is_skipped)


def check_all(checkers: Sequence[Checker], plan: RunPlan, history: History) -> list[Result]:
    """Every checker's result; one that crashes is UNKNOWN with the reason, never silently left out."""
    return [_check_safe(checker, plan, history) for checker in checkers]


def check_in_parts(checkers: Sequence[Checker], plan: RunPlan, whole: Whole, parts: Iterable[History]) -> list[Result]:
    """As `check_all`, of a history that comes part by part; who needs the whole of it at once is UNKNOWN."""
    results: dict[int, Result] = {}
    judgements: dict[int, Judgement] = {}
    for place, checker in enumerate(checkers):
        if isinstance(checker, PartwiseChecker):
            judgements[place] = checker.begin(plan, whole)
        else:
            reason = f"{checker.name}: needs the whole history at once, and this one is too long for that"
            results[place] = Result(checker=checker.name, verdict=Verdict.UNKNOWN, reasons=(reason,))
    for part in parts:
        for place, judgement in list(judgements.items()):
            try:
                judgement.take(part)
            except Exception as error:  # noqa: BLE001 - as in _check_safe
                results[place] = _crashed(checkers[place], error)
                del judgements[place]
        del part  # before the next one is made: there is never more than one
    for place, judgement in judgements.items():
        try:
            results[place] = judgement.result()
        except Exception as error:  # noqa: BLE001 - as in _check_safe
            results[place] = _crashed(checkers[place], error)
    return [results[place] for place in range(len(checkers))]


def _check_safe(checker: Checker, plan: RunPlan, history: History) -> Result:
    try:
        return checker.check(plan, history)
    except Exception as error:  # noqa: BLE001 - a checker that crashes must not hide what the others found
        return _crashed(checker, error)


def _crashed(checker: Checker, error: Exception) -> Result:
    reason = f"the checker crashed: {type(error).__name__}: {error}"
    return Result(checker=checker.name, verdict=Verdict.UNKNOWN, reasons=(reason,))
