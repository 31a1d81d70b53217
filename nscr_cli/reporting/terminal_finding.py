"""One finding for a person at a terminal: what proves it at a glance, why, what was promised, what it is like. Pure.

Findings quote a registry, so every string goes through `printable`. Keys are cut to what is below the run's namespace,
which is said once elsewhere.
"""

import msgspec

from nscr_cli.checkers.verdict import Finding
from nscr_cli.reporting.known_bugs import Catalogue
from nscr_cli.reporting.run_report import MOST_PROOF, RunReport
from nscr_cli.reporting.timeline import narrow_timeline
from nscr_cli.ui import printable

_EXPLANATION_SHOWN = 1200
_BUGS_SHOWN = 3


class FindingBlock(msgspec.Struct, frozen=True, kw_only=True):
    """What is shown of a finding.

    Attributes:
        proof: lines of a table, not to be broken.
        explanation, notes: text, to be wrapped.
    """

    title: str
    proof: tuple[str, ...]
    explanation: str
    notes: tuple[str, ...]


def finding_block(number: int, finding: Finding, report: RunReport, catalogue: Catalogue | None) -> FindingBlock:
    """What is shown of a finding whose operations are in the report."""
    below = f"{report.plan.namespace}/"
    notes = [f"operations: {_named(finding)}", f"promise: {printable(finding.clause, limit=400)}"]
    known = _known(finding, catalogue)
    if known:
        notes.append(f"known bugs like it: {known}")
    return FindingBlock(
        title=f"{number}. {printable(finding.rule)}  {printable(finding.key.replace(below, ''), limit=400)}",
        proof=_proof(finding, report),
        explanation=printable(finding.explanation.replace(below, ""), limit=_EXPLANATION_SHOWN),
        notes=tuple(notes),
    )


def _proof(finding: Finding, report: RunReport) -> tuple[str, ...]:
    operations = [report.proof[index] for index in finding.operations[:MOST_PROOF] if index in report.proof]
    if not operations:
        return ()
    left = len(finding.operations) - len(operations)
    return (*narrow_timeline(operations), *([f"… and {left} more"] if left else []))


def _named(finding: Finding) -> str:
    named = ", ".join(str(index) for index in finding.operations[:12])
    if len(finding.operations) > 12:
        named += f" and {len(finding.operations) - 12} more"
    return named or "none; samples taken beside them"


def _known(finding: Finding, catalogue: Catalogue | None) -> str:
    """Where else it was seen; `reported` begins with the place and goes on with what became of it."""
    bugs = [bug for same in (catalogue.of_rule(finding.rule) if catalogue else {}).values() for bug in same]
    shown = ", ".join(f"{bug.id} {bug.reported.partition(' (')[0]}" for bug in bugs[:_BUGS_SHOWN])
    left = len(bugs) - _BUGS_SHOWN
    return shown + (f" and {left} more (docs/bugs.toml)" if left > 0 else "")
