"""A gate report as GitHub annotations: what is broken, what is over a limit, what nobody could say. Pure."""

from collections.abc import Iterator

from nscr_cli.exits import Exit
from nscr_cli.gate.rendering import headline
from nscr_cli.gate.report import GateReport
from nscr_cli.reporting.github import Annotation, Level


def annotations(report: GateReport) -> Iterator[Annotation]:
    """In the order of the report; the verdict last, which is no error where there is nothing to say."""
    for finding in report.findings:
        title = f"{finding.checker}: {finding.rule}"
        yield Annotation(level=Level.ERROR, title=title, message=f"{finding.key}: {finding.explanation}")
    for limit in report.limits:
        if limit.is_breached:
            message = f"{limit.measured:,} {limit.name}, at most {limit.most:,}"
            yield Annotation(level=Level.ERROR, title=f"limit: {limit.name}", message=message)
    for result in report.results:
        for reason in result.reasons:
            yield Annotation(level=Level.WARNING, title=f"{result.checker}: not decided", message=reason)
    level = Level.NOTICE if report.exit_code is Exit.VALID else Level.WARNING
    yield Annotation(level=level, title="nscr gate", message=headline(report))
