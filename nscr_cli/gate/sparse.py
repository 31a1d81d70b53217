"""Children that an index lacks: damage, or a sparse index, which a registry may accept. Pure.

Follows spec.md#push: a registry MAY accept an index whose manifests it does not have. Then their absence is nobody's
fault. What a tag names must be there in any case.
"""

from collections.abc import Sequence

from msgspec.structs import replace

from nscr_cli.gate.subjects import Problem, Subject, Thing
from nscr_cli.gate.survey import Survey

_MISSING = "missing-manifest"
_UNKNOWN = "its index may be sparse, which a registry may accept: --sparse-indexes says what is meant"


def judged_children(
    problems: Sequence[tuple[Subject, Problem]], survey: Survey, sparse: int | None, *, are_allowed: bool | None
) -> list[tuple[Subject, Problem]]:
    """The problems; those with missing children as what they are.

    Args:
        sparse: how many indexes the registry says it took without all their children; None where it does not say.
        are_allowed: such indexes are as they should be; None: where the registry says so.
    """
    incomplete = {
        parent
        for subject, problem in problems
        if _is_missing_child(subject, problem, survey)
        for parent in survey.parents(subject)
    }
    return [
        (subject, _judged(problem, len(incomplete), sparse, are_allowed=are_allowed))
        if _is_missing_child(subject, problem, survey)
        else (subject, problem)
        for subject, problem in problems
    ]


def _is_missing_child(subject: Subject, problem: Problem, survey: Survey) -> bool:
    return problem.rule == _MISSING and all(parent.thing is Thing.MANIFEST for parent in survey.parents(subject))


def _judged(problem: Problem, incomplete: int, sparse: int | None, *, are_allowed: bool | None) -> Problem:
    if are_allowed is None and sparse is None:
        return replace(problem, is_undecided=True, explanation=f"{problem.explanation}; {_UNKNOWN}")
    if are_allowed is None and sparse is not None:
        are_allowed = 0 < incomplete <= sparse
        if not are_allowed and sparse:
            said = f"{incomplete} indexes lack children, and the registry took {sparse} that were sparse"
            return replace(problem, explanation=f"{problem.explanation}; {said}")
    if are_allowed:
        return replace(problem, rule="sparse-index", is_skipped=True, explanation="a child of a sparse index")
    return problem
