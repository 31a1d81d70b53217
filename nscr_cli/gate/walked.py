"""From what a walk saw to a verdict for each of its checks. Pure."""

from collections.abc import Iterator, Sequence

from nscr_cli.checkers.verdict import Result, Verdict
from nscr_cli.gate.catalog import Choice
from nscr_cli.gate.demands import Demands
from nscr_cli.gate.monitoring import Told
from nscr_cli.gate.rules import wrong_size
from nscr_cli.gate.sparse import judged_children
from nscr_cli.gate.subjects import CLAUSES, Check, GateFinding, Problem, Subject, Thing
from nscr_cli.gate.survey import Survey
from nscr_cli.history.keys import tag_key

WALKED = (Check.TAGS, Check.AGREEMENT, Check.CONTENT, Check.CLOSURE)
# Below one of these a check has seen nothing, and passed nothing.
_FLOORS = {Check.TAGS: "tags", Check.AGREEMENT: "compared", Check.CONTENT: "manifests", Check.CLOSURE: "manifests"}
_MOST_TAGS = 5  # that a finding names
Problems = Sequence[tuple[Subject, Problem]]


def walked(survey: Survey, told: Told, *, choice: Choice, demands: Demands) -> tuple[list[Result], dict[str, str]]:
    """A result for each check, and what was left out of them, with the reason."""
    problems = judged_children(
        [*survey.problems, *_size_problems(survey)], survey, told.sparse, are_allowed=demands.are_sparse_allowed
    )
    counted = f"; the registry counts {told.manifests:,} manifests in all" if told.manifests is not None else ""
    looked_at = f"only what a tag reaches was looked at: {survey.count(Thing.MANIFEST):,} manifests{counted}"
    skipped = {"manifests without a tag": looked_at} if survey.count(Thing.TAG) else {}
    if not demands.is_deep:
        how = "--deep reads them all" if demands.reads_blobs else "--deep reads them, --sample 5% some of them"
        most = "most were" if demands.reads_blobs else "they were"
        skipped["content of blobs"] = f"{most} only asked for by HEAD: {how}"
    for check, rule, subject, problem, count in _left_out(problems):
        more = f", and {count - 1:,} more like it" if count > 1 else ""
        skipped[f"{check} ({rule})"] = f"{subject.key}: {problem.explanation}{more}"
    return [_result(check, survey, problems, choice, demands) for check in WALKED], skipped


def nothing_walked(survey: Survey, choice: Choice) -> Result:
    """No repository has a tag."""
    what = "no repository has a tag" if survey.tags else "there is no repository"
    reasons = (f"nothing to judge: {what}", *_unlisted(survey, choice))
    return Result(checker=Check.TAGS, verdict=Verdict.UNKNOWN, reasons=reasons)


def _left_out(problems: Problems) -> Iterator[tuple[Check, str, Subject, Problem, int]]:
    """Of what nobody promises, the first of each rule and how many there are."""
    skipped = [(subject, problem) for subject, problem in problems if problem.is_skipped]
    for check, rule in dict.fromkeys((problem.check, problem.rule) for _, problem in skipped):
        alike = [pair for pair in skipped if (pair[1].check, pair[1].rule) == (check, rule)]
        yield check, rule, *min(alike, key=lambda pair: pair[0].key), len(alike)


def _result(check: Check, survey: Survey, problems: Problems, choice: Choice, demands: Demands) -> Result:
    own = [(subject, problem) for subject, problem in problems if problem.check is check and not problem.is_skipped]
    findings = tuple(
        GateFinding(
            checker=check,
            rule=problem.rule,
            key=subject.key,
            operations=(),
            clause=problem.clause or CLAUSES[check],
            explanation=problem.explanation + _needed_by(survey, subject),
            tags=_tags(survey, subject),
        )
        for subject, problem in sorted(own, key=lambda pair: (pair[0].key, pair[1].rule))
        if not problem.is_undecided
    )
    reasons = [f"{subject.key}: {problem.explanation}" for subject, problem in own if problem.is_undecided]
    if check is Check.TAGS:
        reasons += _unlisted(survey, choice)
    evidence = _evidence(check, survey, demands)
    floor = _FLOORS.get(check)
    if floor is not None and not findings and not reasons and not evidence[floor]:
        reasons.append(f"nothing to judge: of {survey.count(Thing.MANIFEST):,} manifests, none could be")
    verdict = Verdict.INVALID if findings else Verdict.UNKNOWN if reasons else Verdict.VALID
    return Result(checker=check, verdict=verdict, findings=findings, evidence=evidence, reasons=tuple(reasons))


def _unlisted(survey: Survey, choice: Choice) -> list[str]:
    untagged = set(survey.untagged)
    return [
        *(f"{name}: its tags cannot be listed: {why}" for name, why in survey.unlisted.items()),
        *(f"{name}: there is no such repository, or it has no tags" for name in choice.named if name in untagged),
        *(f"{pattern}: no repository matches" for pattern in choice.unmatched),
    ]


def _evidence(check: Check, survey: Survey, demands: Demands) -> dict[str, int]:
    """How much was judged, which is less than what was looked at."""
    tags, manifests, blobs = (survey.count(thing) for thing in (Thing.TAG, Thing.MANIFEST, Thing.BLOB))
    match check:
        case Check.TAGS:
            return {"repositories": len(survey.tags), "tags": tags}
        case Check.AGREEMENT:
            return {"compared": tags + manifests + survey.blobs_read}
        case Check.CONTENT:
            read = {"blobs": survey.blobs_read} if demands.reads_blobs else {}
            return {"manifests": survey.manifests_hashed, **read, "bytes hashed": survey.bytes_hashed}
        case _:
            return {"manifests": survey.manifests_followed, "blobs": blobs}


def _size_problems(survey: Survey) -> Iterator[tuple[Subject, Problem]]:
    for subject, length in survey.lengths.items():
        wrong = wrong_size(length, survey.sizes(subject)) if length is not None else None
        if wrong is not None:
            yield subject, Problem(check=Check.CLOSURE, rule="wrong-size", explanation=wrong, is_proven=True)


def _needed_by(survey: Survey, subject: Subject) -> str:
    parents = survey.parents(subject)
    if not parents:
        return ""
    more = f" and {len(parents) - 1} more" if len(parents) > 1 else ""
    return f" (needed by {parents[0].key}{more}{_tagged(survey.leading_tags(subject))})"


def _tags(survey: Survey, subject: Subject) -> tuple[str, ...]:
    """The subject, where it is a tag; else the tags that led to it."""
    if subject.thing is Thing.TAG:
        return (subject.key,)
    return tuple(tag_key(subject.repository, tag) for tag in survey.leading_tags(subject))


def _tagged(tags: Sequence[str]) -> str:
    if not tags:
        return ""
    more = f" and {len(tags) - _MOST_TAGS:,} more" if len(tags) > _MOST_TAGS else ""
    return f"; tagged {', '.join(tags[:_MOST_TAGS])}{more}"
