"""The first pushes to a repository: whether several came at once, and whether it was then denied that it exists.

A registry may want repositories to be made beforehand, so NAME_UNKNOWN is its right; but not of a repository to which a
push was acknowledged, and from which nothing was deleted that might have taken it along (bug B10 of docs/bugs.toml).
"""

import msgspec

from nscr_cli.checkers.verdict import Finding
from nscr_cli.checkers.wording import told
from nscr_cli.history.history import History, Operation
from nscr_cli.history.keys import repository_of
from nscr_cli.history.ops import FAIL, OK, F

_CLAUSE = "spec.md#error-codes: NAME_UNKNOWN says that the repository is not known; a push to it was acknowledged"
_WRITES = (F.PUSH_BLOB, F.MOUNT_BLOB, F.PUT_MANIFEST)
_DELETES = (F.DELETE_BLOB, F.DELETE_MANIFEST, F.DELETE_TAG)


class FirstPushes(msgspec.Struct, frozen=True):
    """`contended` counts the repositories whose first push had not ended when another client began one."""

    findings: list[Finding]
    reasons: list[str]
    contended: int


def judge_first_pushes(history: History) -> FirstPushes:
    """The first denial of each repository, as a finding where a push had been acknowledged before it began."""
    writes: dict[str, list[Operation]] = {}
    for one in history.of(*_WRITES):
        writes.setdefault(repository_of(one.key), []).append(one)
    emptied = {repository_of(one.key) for one in history.of(*_DELETES) if one.kind is not FAIL}
    findings, reasons, contended = [], [], 0
    for repository, ones in writes.items():
        contended += any(one.process != ones[0].process and one.start_ns <= ones[0].end_ns for one in ones)
        denied = [one for one in ones if one.answered.error_code == "NAME_UNKNOWN" and one.kind is FAIL]
        accepted = [one for one in ones if one.kind is OK]
        if not denied or not accepted or repository in emptied:
            continue
        first = min(accepted, key=lambda one: one.end_ns)
        late = [one for one in denied if one.start_ns > first.end_ns]
        if late:
            findings.append(_finding(first, late))
        else:
            reasons.append(
                f"{repository}: {len(denied)} pushes were refused as to an unknown repository while others were "
                f"accepted, e.g. {told(denied[0])}"
            )
    return FirstPushes(findings, reasons, contended)


def _finding(first: Operation, late: list[Operation]) -> Finding:
    return Finding(
        checker="blobs",
        rule="unknown-repository",
        key=repository_of(first.key),
        operations=tuple(sorted((first.index, late[0].index))),
        clause=_CLAUSE,
        explanation=f"{told(first)}. Nothing was deleted from the repository, and yet it was not known to "
        f"{len(late)} later pushes, e.g. {told(late[0])}.",
    )
