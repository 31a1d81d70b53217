"""What a gate says in the end: a verdict a line, and together; findings, limits, and what was left out. Pure."""

from collections.abc import Sequence

import msgspec

from nscr_cli.checkers.verdict import Finding, Result, Verdict, merged
from nscr_cli.exits import Exit, worst
from nscr_cli.gate.catalog import Choice
from nscr_cli.gate.compared import compared, limits
from nscr_cli.gate.demands import Demands
from nscr_cli.gate.monitoring import Told
from nscr_cli.gate.subjects import Thing
from nscr_cli.gate.survey import Survey
from nscr_cli.gate.walked import nothing_walked, walked

GATE_FORMAT = 1
_EXITS = {Verdict.VALID: Exit.VALID, Verdict.UNKNOWN: Exit.UNKNOWN, Verdict.INVALID: Exit.INVALID}


class Limit(msgspec.Struct, frozen=True, kw_only=True):
    """A limit that somebody set, which no promise of a registry is.

    Attributes:
        measured: None where nobody could say; that is no pass.
    """

    name: str
    most: int
    measured: int | None

    @property
    def is_breached(self) -> bool:
        """More was measured."""
        return self.measured is not None and self.measured > self.most


class Tortured(msgspec.Struct, frozen=True, kw_only=True):
    """A scenario that was run as part of the gate.

    Attributes:
        exit_code: as of `nscr torture`.
        folder: of the run.
        reasons: why it is UNKNOWN.
    """

    scenario: str
    seed: int
    verdict: Verdict
    exit_code: Exit
    folder: str
    findings: tuple[Finding, ...] = ()
    reasons: tuple[str, ...] = ()


class GateReport(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that a gate prints.

    Attributes:
        counts: how much was walked, by name.
        limits: that were asked for.
        skipped: what was left out, with the reason; never a pass.
        notes: what somebody should know who relies on the verdict.
    """

    registry_url: str
    demands: Demands
    results: tuple[Result, ...]
    counts: dict[str, int]
    limits: tuple[Limit, ...] = ()
    tortured: tuple[Tortured, ...] = ()
    skipped: dict[str, str] = {}
    notes: tuple[str, ...] = ()

    @property
    def verdict(self) -> Verdict:
        """The worst of the checks; of none, UNKNOWN."""
        return merged(self.results)

    @property
    def exit_code(self) -> Exit:
        """That of the verdict, or the worst of what was tortured; of a VALID one, 4 where a limit is breached."""
        is_breached = any(limit.is_breached for limit in self.limits)
        return worst(
            (
                _EXITS[self.verdict],
                *((Exit.THRESHOLD,) if is_breached else ()),
                *(run.exit_code for run in self.tortured),
            )
        )

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Of all checks, in their order."""
        return tuple(finding for result in self.results for finding in result.findings)


def gate_report(
    registry_url: str,
    survey: Survey,
    told: Told,
    *,
    choice: Choice,
    demands: Demands,
    tortured: Sequence[Tortured] = (),
) -> GateReport:
    """The report of a walk, a comparison, and what was tortured besides."""
    results, skipped = walked(survey, told, choice=choice, demands=demands)
    asked, unmet = limits(told, demands)
    told_results, told_skipped = compared(told, demands)
    if survey.count(Thing.TAG) == 0:
        # Over nothing, no check has passed; what is wrong all the same is told.
        results = [nothing_walked(survey, choice)]
        told_results = [result for result in told_results if result.verdict is not Verdict.VALID]
    return GateReport(
        registry_url=registry_url,
        demands=demands,
        results=(*results, *told_results, *unmet, *(_tortured(run) for run in tortured)),
        counts=_counts(survey),
        limits=tuple(Limit(name=name, most=most, measured=measured) for name, most, measured in asked),
        tortured=tuple(tortured),
        skipped=skipped | told_skipped,
        notes=tuple(_notes(survey, told, demands)),
    )


def partial_report(registry_url: str, survey: Survey, *, choice: Choice, demands: Demands, why: str) -> GateReport:
    """What was proven before the walk was ended; of all else nothing is known, and no check has passed."""
    results, skipped = walked(survey, Told(), choice=choice, demands=demands)
    reason = f"{why}: not everything was looked at"
    unknown = {"verdict": Verdict.UNKNOWN, "reasons": (reason,)}
    return GateReport(
        registry_url=registry_url,
        demands=demands,
        results=tuple(one if one.findings else msgspec.structs.replace(one, **unknown) for one in results),
        counts=_counts(survey),
        skipped=skipped,
        notes=(f"partial: {reason}",),
    )


def _tortured(run: Tortured) -> Result:
    return Result(
        checker=f"torture {run.scenario}",
        verdict=run.verdict,
        findings=run.findings,
        reasons=run.reasons,
        evidence={"seed": run.seed},
    )


def _counts(survey: Survey) -> dict[str, int]:
    return {
        "repositories": len(survey.tags),
        "tags": survey.count(Thing.TAG),
        "manifests": survey.count(Thing.MANIFEST),
        "blobs": survey.count(Thing.BLOB),
        "blobs read": survey.blobs_read,
        "bytes hashed": survey.bytes_hashed,
    }


def _notes(survey: Survey, told: Told, demands: Demands) -> list[str]:
    notes: list[str] = []
    if demands.sample_percent is not None:
        blobs = survey.count(Thing.BLOB)
        notes.append(
            f"a sample of {demands.sample_percent:g}% of the blobs was read: {survey.blobs_read:,} of {blobs:,}, "
            f"seed {demands.seed}"
        )
    if survey.untagged and survey.count(Thing.TAG):
        notes.append(f"no tags in: {_few(survey.untagged)}")
    if survey.vanished:
        first = survey.vanished[0].key
        notes.append(f"taken away by somebody else while we looked: {len(survey.vanished)}, first {first}")
    if survey.flickered:
        first = survey.flickered[0].key
        notes.append(f"looked wrong at first and right when looked at again: {len(survey.flickered)}, first {first}")
    if told.moving:
        notes.append(f"tags that changed while the monitoring API was asked, and were not compared: {told.moving}")
    return notes


def _few(names: Sequence[str], most: int = 10) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
