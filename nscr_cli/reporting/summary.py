"""summary.md: a run in short, for a pull request or the summary of a job. Pure.

The verdict first, then what broke and how to run it again; tables last. What a registry said stands as code only.
"""

from collections.abc import Iterable, Iterator

from nscr_cli.checkers.verdict import Verdict
from nscr_cli.reporting.html import tables
from nscr_cli.reporting.markdown import code, code_cell, fenced, table
from nscr_cli.reporting.plain_rules import in_plain_words
from nscr_cli.reporting.run_report import RunReport, first_of_each_rule
from nscr_cli.reporting.terminal import because

SUMMARY_NAME = "summary.md"
_FINDINGS = 10
_LINES = 10
_EXPLANATION = 600


def summary_document(report: RunReport) -> str:
    """The whole file."""
    return "\n\n".join(_parts(report)) + "\n"


def _parts(report: RunReport) -> Iterator[str]:
    plan = report.plan
    yield f"## nscr: {report.verdict.name}{' (partial)' if report.partial else ''}"
    yield f"**{_sentence(report)}.**"
    where = code(plan.registry_url) if plan.registry_url is not None else "the reference registry"
    if plan.sabotages:
        where += f", sabotaged by {code(' '.join(plan.sabotages))}"
    yield (
        f"Scenario {code(plan.scenario_name)}, seed {plan.seed}, {plan.workers:,} clients, on {where}: "
        f"{report.main_operations:,} operations under load ({report.rate:,.0f} a second); in all {report.ok:,} ok, "
        f"{report.fail:,} fail, {report.info:,} info."
    )
    if report.findings:
        yield "### What broke"
        yield "\n".join(_findings(report))
    for title, lines in (
        ("Not decided, because", tables.reasons(report)),
        ("Skipped, because the registry does not support it", report.skipped),
        ("Left in the registry", report.leftovers),
    ):
        if lines:
            yield f"### {title}"
            yield "\n".join(_listed(lines))
    yield "### Run it again"
    yield fenced(report.replay_command, "sh")
    yield "### Checkers"
    rows = [(row.name, row.outcome, code_cell(row.evidence, limit=1000)) for row in tables.checkers(report)]
    yield table(("checker", "verdict", "evidence"), rows)
    if report.thresholds:
        yield "### Thresholds"
        cells = [(code_cell(name), code_cell(limit), *rest) for name, limit, *rest in tables.thresholds(report)]
        yield table(("threshold", "limit", "measured", "of", "outcome"), cells)
    if report.operations:
        yield "### Latency"
        yield table(tables.OPERATIONS_HEAD, tables.operations(report))


def _sentence(report: RunReport) -> str:
    said = because(report)
    if report.verdict is not Verdict.INVALID:
        return said[0].upper() + said[1:]
    rules = first_of_each_rule(report.findings)
    first = in_plain_words(rules[0].checker, rules[0].rule)
    return f"{first[0].upper()}{first[1:]}{f', and {len(rules) - 1} more' if len(rules) > 1 else ''}"


def _findings(report: RunReport) -> Iterator[str]:
    below = f"{report.plan.namespace}/"
    rules = first_of_each_rule(report.findings)
    for finding in rules[:_FINDINGS]:
        alike = sum((one.checker, one.rule) == (finding.checker, finding.rule) for one in report.findings)
        times = f" ({alike:,} times)" if alike > 1 else ""
        yield (
            f"- **{finding.rule}** ({finding.checker}){times}: {in_plain_words(finding.checker, finding.rule)}; "
            f"at {code(finding.key.replace(below, ''))}: "
            f"{code(finding.explanation.replace(below, ''), limit=_EXPLANATION)}"
        )
    if len(rules) > _FINDINGS:
        yield f"- and {len(rules) - _FINDINGS} more rules: see violations.csv"


def _listed(lines: Iterable[str]) -> Iterator[str]:
    kept = list(lines)
    yield from (f"- {code(line)}" for line in kept[:_LINES])
    if len(kept) > _LINES:
        yield f"- and {len(kept) - _LINES:,} more"
