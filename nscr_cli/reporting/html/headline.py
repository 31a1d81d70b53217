"""The verdict in one sentence for somebody who has never heard of nscr: is it fine, what broke, since when, which key.

Pure. Below it stands what to do next.
"""

from collections.abc import Mapping

import msgspec

from nscr_cli.checkers.verdict import Finding, Verdict
from nscr_cli.durations import show_duration, show_milliseconds
from nscr_cli.reporting.plain_rules import in_plain_words
from nscr_cli.reporting.run_report import RunReport
from nscr_cli.ui import printable

_LONGEST_KEY = 300
_OF_CONTENT = frozenset({"tags", "blobs", "closure"})


class Headline(msgspec.Struct, frozen=True, kw_only=True):
    """What stands on top.

    Attributes:
        word: the answer to "is it fine?".
        tone: `valid`, `unknown` or `invalid`, by which it is coloured.
        key: that the first finding is about.
        number: of that finding on the page.
        more: what else has to be said at once.
    """

    word: str
    tone: str
    sentence: str
    key: str = ""
    number: int | None = None
    more: tuple[str, ...] = ()


def headline(report: RunReport, shown_ns: Mapping[int, int]) -> Headline:
    """The sentence.

    Args:
        shown_ns: when each finding could be seen, by its place in `report.findings`.
    """
    more = tuple(_more(report))
    match report.verdict:
        case Verdict.INVALID:
            return _broken(report, shown_ns, more)
        case Verdict.UNKNOWN:
            reasons = [reason for result in report.results for reason in result.reasons]
            first = f": {printable(reasons[0], limit=300)}" if reasons else ""
            return Headline(
                word="Nobody can say",
                tone="unknown",
                sentence=f"Nothing was found broken, but there is too little evidence to call it fine{first}.",
                more=more,
            )
    if report.breached:
        one = report.breached[0]
        return Headline(
            word="Right, but too slow",
            tone="unknown",
            sentence=f"Every promise that was checked held, and {_counted(len(report.breached), 'speed threshold')} "
            f"did not: {one.name} was {show_milliseconds(one.measured_ms)} where {one.limit} is allowed.",
            more=more,
        )
    return Headline(
        word="This registry is fine",
        tone="valid",
        sentence=f"{_load(report)}, and every promise that was checked held.",
        more=more,
    )


def first_seen(report: RunReport, shown_ns: Mapping[int, int]) -> tuple[Finding, int | None]:
    """The finding that could be seen first, and when, where that is known; of manners only where no content is lost."""
    findings = list(enumerate(report.findings))
    worst = [one for one in findings if one[1].checker in _OF_CONTENT] or findings
    timed = [(shown_ns[place], place, finding) for place, finding in worst if place in shown_ns]
    if not timed:
        return worst[0][1], None
    when_ns, _, finding = min(timed, key=lambda one: one[:2])
    return finding, when_ns


def _broken(report: RunReport, shown_ns: Mapping[int, int], more: tuple[str, ...]) -> Headline:
    finding, when_ns = first_seen(report, shown_ns)
    what = in_plain_words(finding.checker, finding.rule)
    since = f"first seen {_since(when_ns)} into the run" if when_ns is not None else "seen by what it says of itself"
    rules = len({(one.checker, one.rule) for one in report.findings})
    others = len(report.findings) - 1
    beside = ""
    if others:
        kinds = f" of {_counted(rules, 'kind')}" if rules > 1 else " of this kind"
        beside = f" {_counted(len(report.findings), 'broken promise')}{kinds} in all."
    return Headline(
        word="This registry is not fine",
        tone="invalid",
        sentence=f"{what[0].upper()}{what[1:]}, {since}.{beside}",
        key=printable(finding.key, limit=_LONGEST_KEY),
        number=next((place for place, one in enumerate(report.shown, start=1) if one is finding), None),
        more=more,
    )


def _load(report: RunReport) -> str:
    clients = _counted(report.plan.workers, "client")
    return f"{clients} asked it for {report.main_operations:,} things in {show_duration(report.main_s)}"


def _more(report: RunReport) -> list[str]:
    more = []
    if report.partial:
        why = f"it was interrupted by {report.interrupted_by}" if report.interrupted_by else "it did not reach its end"
        more.append(f"This run is partial: {why}. It was judged on what it has.")
    if report.plan.sabotages:
        more.append(f"The registry was sabotaged on purpose: {', '.join(report.plan.sabotages)}.")
    return more


def _since(when_ns: int) -> str:
    seconds = when_ns / 1e9
    return f"{seconds:.1f} s" if seconds < 60 else show_duration(seconds)


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
