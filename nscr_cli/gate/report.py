"""What a gate says in the end: a verdict a check, and together; findings, and what was left out and why. Pure."""

from collections.abc import Iterator, Sequence

import msgspec

from nscr_cli.checkers.verdict import Finding, Result, Verdict, merged
from nscr_cli.exits import Exit
from nscr_cli.gate.monitoring import Told
from nscr_cli.gate.rules import wrong_size
from nscr_cli.gate.subjects import Check, Problem, Subject, Thing
from nscr_cli.gate.survey import Survey

GATE_FORMAT = 1
_WALKED = (Check.TAGS, Check.AGREEMENT, Check.CONTENT, Check.CLOSURE)
_EXITS = {Verdict.VALID: Exit.VALID, Verdict.UNKNOWN: Exit.UNKNOWN, Verdict.INVALID: Exit.INVALID}

CLAUSES = {
    Check.TAGS: "spec.md#listing-tags: a listed tag names a manifest that can be pulled",
    Check.AGREEMENT: "spec.md#pull: HEAD answers as GET does, without the body",
    Check.CONTENT: "spec.md#pulling-manifests, #pulling-blobs: what is served under a digest hashes to it",
    Check.CLOSURE: "spec.md#pushing-manifests: what a manifest refers to can be pulled",
    Check.MONITORING: "docs/external-api.md: one consistent snapshot, of the registry that /v2 shows",
    Check.HEALTH: "docs/external-api.md: a registry that is well says healthy",
    Check.SESSIONS: "docs/external-api.md: active sessions are real and move on",
}


class GateReport(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that a gate prints.

    Attributes:
        counts: how much was walked, by name.
        skipped: checks that were left out, with the reason; never a pass.
        notes: what somebody should know who relies on the verdict.
    """

    registry_url: str
    results: tuple[Result, ...]
    counts: dict[str, int]
    skipped: dict[str, str] = {}
    notes: tuple[str, ...] = ()

    @property
    def verdict(self) -> Verdict:
        """The worst of the checks; of none, UNKNOWN."""
        return merged(self.results)

    @property
    def exit_code(self) -> Exit:
        """The exit code of the verdict."""
        return _EXITS[self.verdict]

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Of all checks, in their order."""
        return tuple(finding for result in self.results for finding in result.findings)


def gate_report(
    registry_url: str, survey: Survey, told: Told, *, named: Sequence[str] = (), hash_blobs: bool = True
) -> GateReport:
    """The report of a walk and a comparison.

    Args:
        named: repositories that the user asked for by name; one without tags is no pass.
    """
    problems = [*survey.problems, *_size_problems(survey)]
    results = [_walked(check, survey, problems, named) for check in _WALKED]
    skipped: dict[str, str] = {}
    if told.absent is None:
        results += _compared(told)
    else:
        skipped = {f"{Check.MONITORING}, {Check.HEALTH}, {Check.SESSIONS}": told.absent}
    if not hash_blobs:
        skipped["content of blobs"] = "only asked for by HEAD, as told"
    if survey.count(Thing.TAG) == 0:
        # Over nothing, no check has passed; what is wrong all the same is told.
        nothing = Result(checker=Check.TAGS, verdict=Verdict.UNKNOWN, reasons=tuple(_reasons_for_nothing(survey)))
        results = [nothing, *(result for result in results[len(_WALKED) :] if result.verdict is not Verdict.VALID)]
    return GateReport(
        registry_url=registry_url,
        results=tuple(results),
        counts=_counts(survey),
        skipped=skipped,
        notes=tuple(_notes(survey, told)),
    )


def _walked(check: Check, survey: Survey, problems: Sequence[tuple[Subject, Problem]], named: Sequence[str]) -> Result:
    untagged = set(survey.untagged)
    own = [(subject, problem) for subject, problem in problems if problem.check is check]
    findings = tuple(
        Finding(
            checker=check,
            rule=problem.rule,
            key=subject.key,
            operations=(),
            clause=CLAUSES[check],
            explanation=problem.explanation + _needed_by(survey, subject),
        )
        for subject, problem in sorted(own, key=lambda pair: (pair[0].key, pair[1].rule))
        if not problem.is_undecided
    )
    reasons = [f"{subject.key}: {problem.explanation}" for subject, problem in own if problem.is_undecided]
    if check is Check.TAGS:
        reasons += [f"{name}: its tags cannot be listed: {why}" for name, why in survey.unlisted.items()]
        reasons += [f"{name}: there is no such repository, or it has no tags" for name in named if name in untagged]
    return _result(check, findings, tuple(reasons), _evidence(check, survey))


def _compared(told: Told) -> Iterator[Result]:
    looked_at: dict[Check, dict[str, int | None]] = {
        Check.MONITORING: {
            "repositories": told.repositories,
            "tags": told.tags,
            "blobs": told.blobs,
            "totals": int(told.are_totals_compared),
        },
        Check.HEALTH: {"checks": told.health_checks},
        Check.SESSIONS: {"open": told.sessions},
    }
    for check, counts in looked_at.items():
        findings = tuple(
            Finding(
                checker=check,
                rule=one.rule,
                key=one.key,
                operations=(),
                clause=CLAUSES[check],
                explanation=one.explanation,
            )
            for one in told.lasting
            if one.check is check
        )
        evidence = {name: count for name, count in counts.items() if count is not None}
        reasons = told.unseen if check is Check.MONITORING else () if evidence else ("no answer that can be read",)
        yield _result(check, findings, reasons, evidence)


def _result(check: Check, findings: tuple[Finding, ...], reasons: tuple[str, ...], evidence: dict[str, int]) -> Result:
    verdict = Verdict.INVALID if findings else Verdict.UNKNOWN if reasons else Verdict.VALID
    return Result(checker=check, verdict=verdict, findings=findings, evidence=evidence, reasons=reasons)


def _evidence(check: Check, survey: Survey) -> dict[str, int]:
    tags, manifests, blobs = (survey.count(thing) for thing in (Thing.TAG, Thing.MANIFEST, Thing.BLOB))
    match check:
        case Check.TAGS:
            return {"repositories": len(survey.tags), "tags": tags}
        case Check.AGREEMENT:
            return {"compared": tags + manifests + blobs}
        case Check.CONTENT:
            return {"bytes hashed": survey.bytes_hashed}
        case _:
            return {"manifests": manifests, "blobs": blobs}


def _size_problems(survey: Survey) -> Iterator[tuple[Subject, Problem]]:
    for subject, length in survey.lengths.items():
        wrong = wrong_size(length, survey.sizes(subject))
        if wrong is not None:
            yield subject, Problem(check=Check.CLOSURE, rule="wrong-size", explanation=wrong, is_proven=True)


def _needed_by(survey: Survey, subject: Subject) -> str:
    parents = survey.parents(subject)
    if not parents:
        return ""
    more = f" and {len(parents) - 1} more" if len(parents) > 1 else ""
    return f" (needed by {parents[0].key}{more})"


def _reasons_for_nothing(survey: Survey) -> Iterator[str]:
    yield "nothing to judge: no repository has a tag" if survey.tags else "nothing to judge: there is no repository"
    yield from (f"{name}: its tags cannot be listed: {why}" for name, why in survey.unlisted.items())


def _counts(survey: Survey) -> dict[str, int]:
    return {
        "repositories": len(survey.tags),
        "tags": survey.count(Thing.TAG),
        "manifests": survey.count(Thing.MANIFEST),
        "blobs": survey.count(Thing.BLOB),
        "bytes hashed": survey.bytes_hashed,
    }


def _notes(survey: Survey, told: Told) -> Iterator[str]:
    if survey.untagged and survey.count(Thing.TAG):
        yield f"no tags in: {', '.join(survey.untagged)}"
    if survey.vanished:
        yield f"taken away by somebody else while we looked: {len(survey.vanished)}, first {survey.vanished[0].key}"
    if survey.flickered:
        yield (
            f"looked wrong at first and right when looked at again: {len(survey.flickered)}, "
            f"first {survey.flickered[0].key}"
        )
    if told.absent is None and not told.are_totals_compared:
        yield "the registry changed all the while: totals of the monitoring API were not compared with each other"
