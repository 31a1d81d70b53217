"""From what the monitoring API told to a verdict for each of its checks, and to the limits that were set. Pure."""

from nscr_cli.checkers.verdict import Finding, Result, Verdict
from nscr_cli.gate.demands import Demands, Expectation
from nscr_cli.gate.monitoring import Told
from nscr_cli.gate.monitoring_rules import OF_TAGS
from nscr_cli.gate.subjects import CLAUSES, Check, GateFinding

_LINES = (Check.MONITORING, Check.TOTALS, Check.HEALTH, Check.SESSIONS)
_UNREADABLE = "no answer that can be read"


def compared(told: Told, demands: Demands) -> tuple[list[Result], dict[str, str]]:
    """A result for each check, and what was left out, with the reason."""
    if told.absent is not None:
        return [], {", ".join(_LINES): told.absent}
    results = [_monitoring(told, demands), _totals(told), _sessions(told)]
    if demands.health is Expectation.IGNORED:
        said = next((one.explanation for one in told.lasting if one.check is Check.HEALTH), "it calls itself healthy")
        return results, {Check.HEALTH: f"not judged, as told: {said}"}
    results.insert(2, _health(told))
    return results, {}


def limits(told: Told, demands: Demands) -> tuple[list[tuple[str, int, int | None]], list[Result]]:
    """Each limit that was set, with what was measured; and what was demanded and could not be found out."""
    asked = (
        [("unreferenced blobs", demands.max_unreferenced, told.unreferenced)]
        if demands.max_unreferenced is not None
        else []
    )
    unmet = []
    if told.absent is not None and demands.needs_monitoring:
        reasons = tuple(f"{flag} needs the monitoring API: {told.absent}" for flag in demands.needs_monitoring)
        unmet.append(Result(checker=Check.MONITORING, verdict=Verdict.UNKNOWN, reasons=reasons))
    elif demands.max_unreferenced is not None and told.unreferenced is None:
        reasons = (f"--max-unreferenced: {_UNREADABLE}",)
        unmet.append(Result(checker=Check.MONITORING, verdict=Verdict.UNKNOWN, reasons=reasons))
    return asked, unmet


def _monitoring(told: Told, demands: Demands) -> Result:
    findings = _findings(told, Check.MONITORING)
    most = demands.max_orphaned or 0
    if told.orphaned is not None and told.orphaned > most:
        allowed = f", and {most} are allowed" if most else ""
        explanation = f"orphanedManifests is {told.orphaned}: their blobs or children are missing{allowed}"
        findings = (*findings, _finding(Check.MONITORING, "orphaned-manifests", "/api/registry/state", explanation))
    reasons = list(told.unseen)
    if told.moving and not told.tags:
        reasons.append(f"not judged: busy: every one of {told.moving} tags changed while it was looked at")
    elif not told.tags and not reasons:
        reasons.append("nothing to judge: it was compared with no tag")
    evidence = {"repositories": told.repositories, "tags": told.tags, "blobs": told.blobs}
    return _result(Check.MONITORING, findings, tuple(reasons), evidence)


def _totals(told: Told) -> Result:
    reasons: tuple[str, ...] = ()
    if told.undecided:
        asked = ", ".join(told.undecided)
        reasons = (f"not judged: busy: the registry never held still while the state and {asked} were asked for",)
    elif not told.snapshots:
        reasons = ("nothing to judge: no two answers could be compared",)
    return _result(Check.TOTALS, _findings(told, Check.TOTALS), reasons, {"snapshots": told.snapshots})


def _health(told: Told) -> Result:
    if told.health_checks is None:
        return _result(Check.HEALTH, (), (_UNREADABLE,), {})
    return _result(Check.HEALTH, _findings(told, Check.HEALTH), (), {"checks": told.health_checks})


def _sessions(told: Told) -> Result:
    if told.sessions is None:
        return _result(Check.SESSIONS, (), (_UNREADABLE,), {})
    return _result(Check.SESSIONS, _findings(told, Check.SESSIONS), (), {"open": told.sessions})


def _findings(told: Told, check: Check) -> tuple[Finding, ...]:
    return tuple(_finding(check, one.rule, one.key, one.explanation) for one in told.lasting if one.check is check)


def _finding(check: Check, rule: str, key: str, explanation: str) -> Finding:
    return GateFinding(
        checker=check,
        rule=rule,
        key=key,
        operations=(),
        clause=CLAUSES[check],
        explanation=explanation,
        tags=(key,) if rule in OF_TAGS else (),
    )


def _result(check: Check, findings: tuple[Finding, ...], reasons: tuple[str, ...], evidence: dict[str, int]) -> Result:
    verdict = Verdict.INVALID if findings else Verdict.UNKNOWN if reasons else Verdict.VALID
    return Result(checker=check, verdict=verdict, findings=findings, evidence=evidence, reasons=reasons)
