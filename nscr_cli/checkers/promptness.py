"""Rules that presume that what was acknowledged is seen at once; a scenario that allows for a lag leaves them out.

Under `eventual(T)` the visibility checker judges most of what they judge, against T. Of the rest nobody can tell
whether it was late or lost: that is a reason for UNKNOWN. Pure.
"""

from collections.abc import Sequence

import msgspec

from nscr_cli.checkers.eventual import bound_ns
from nscr_cli.checkers.verdict import Finding
from nscr_cli.history.plan import RunPlan

_JUDGED_BY_VISIBILITY = frozenset(
    {
        ("blobs", "lost-blob"),
        ("blobs", "lost-manifest"),
        ("blobs", "undead-blob"),
        ("blobs", "undead-manifest"),
        ("closure", "broken-image"),
        ("listing", "ghost-tag"),
        ("listing", "listed-but-not-there"),
        ("listing", "missing-tag"),
    }
)
_JUDGED_BY_NOBODY = frozenset(
    {
        ("blobs", "deleted-twice"),
        ("blobs", "unknown-repository"),
        ("catalog", "missing-repository"),
        ("closure", "refused-write"),
        ("idempotency", "closed-and-gone"),
        ("idempotency", "refused-repeat"),
        ("monitoring", "untrue-figure"),
        ("referrers", "ghost-referrer"),
        ("referrers", "missing-referrer"),
        ("tags", "deleted-twice"),
    }
)


class Allowed(msgspec.Struct, frozen=True):
    """The findings that stand, and why some that a lag may explain leave the verdict open."""

    findings: list[Finding]
    reasons: list[str]


def allowing_for_lag(plan: RunPlan, findings: Sequence[Finding]) -> Allowed:
    """What is left of the findings of a checker under the model of the plan."""
    if bound_ns(plan.scenario.tag_model) is None:
        return Allowed(list(findings), [])
    standing: list[Finding] = []
    reasons: list[str] = []
    for finding in findings:
        rule = (finding.checker, finding.rule)
        if rule in _JUDGED_BY_NOBODY:
            reasons.append(f"{finding.rule}: a lag may explain it, and nobody judges how long: {finding.explanation}")
        elif rule not in _JUDGED_BY_VISIBILITY:
            standing.append(finding)
    return Allowed(standing, reasons)
