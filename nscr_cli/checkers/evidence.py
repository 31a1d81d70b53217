"""From findings and counts to a result: the one place where a verdict is drawn.

Findings make it INVALID; else a reason, or evidence below its floor, makes it UNKNOWN; only then is it VALID. A floor
is the scenario's (`evidence` in its file, by `<checker>.<name>`) or the checker's default.
"""

from collections.abc import Iterable, Mapping

from nscr_cli.checkers.promptness import allowing_for_lag
from nscr_cli.checkers.verdict import Finding, Result, Verdict
from nscr_cli.history.history import History, Whole, unsupported
from nscr_cli.history.plan import RunPlan


def conclude(
    checker: str,
    plan: RunPlan,
    *,
    findings: Iterable[Finding],
    evidence: Mapping[str, int],
    floors: Mapping[str, int],
    reasons: Iterable[str] = (),
    skipped: Iterable[str] = (),
) -> Result:
    """The result that these findings, counts and reasons amount to.

    Args:
        floors: least count, by name of the evidence, unless the scenario says otherwise.
    """
    asked = {name: plan.scenario.evidence.get(f"{checker}.{name}", default) for name, default in floors.items()}
    unknown = [
        f"{checker}: the scenario sets a floor for {name!r}, and there is none of that name"
        for owner, _, name in (key.partition(".") for key in plan.scenario.evidence)
        if owner == checker and name not in floors
    ]
    below = [
        f"{checker}: {name} is {evidence.get(name, 0)}, which is below the floor of {floor}"
        for name, floor in asked.items()
        if evidence.get(name, 0) < floor
    ]
    allowed = allowing_for_lag(plan, sorted(findings, key=_place))
    found = tuple(allowed.findings)
    why = (*reasons, *unknown, *below, *allowed.reasons)
    verdict = Verdict.INVALID if found else Verdict.UNKNOWN if why else Verdict.VALID
    stated = {**evidence, **{f"floor of {name}": floor for name, floor in asked.items() if floor}}
    return Result(
        checker=checker,
        verdict=verdict,
        findings=found,
        evidence=stated,
        reasons=why,
        skipped=tuple(skipped),
    )


def _place(finding: Finding) -> tuple[tuple[int, ...], str, str, str]:
    return finding.operations[-1:], finding.rule, finding.key, finding.explanation


def skipped_capabilities(history: History | Whole, names: Iterable[str]) -> tuple[str, ...]:
    """Of these capabilities, those that the registry does not have, with its words for it."""
    missing = unsupported(history.events)
    return tuple(f"{name}: {missing[name]}" for name in names if name in missing)
