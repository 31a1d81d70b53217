"""A report as lines, as documents and as a row of a time series. Pure. The documents are described in docs/watching.md.

Control characters are taken out of a registry's strings for lines; documents carry them as JSON does.
"""

from collections.abc import Callable, Iterator

from nscr_cli.durations import show_milliseconds
from nscr_cli.monitors.rules import Notice
from nscr_cli.monitors.streams.report import Cell, Report
from nscr_cli.monitors.watch_lines import notice_line
from nscr_cli.monitors.watching import told_notices
from nscr_cli.ui import printable

STREAM_FORMAT = 1
COMMON_COLUMNS = ("utc", "elapsed_s", "registry", "answered", "polls", "unchanged", "latency_ms")
NOTICE_COLUMNS = ("alerts", "recoveries", "notices")

Clock = Callable[[float], str]


def columns_of(columns: tuple[str, ...]) -> tuple[str, ...]:
    """The columns of a view's time series."""
    return (*COMMON_COLUMNS, *columns, *NOTICE_COLUMNS)


def series_row(report: Report, clock: Clock, url: str) -> tuple[Cell, ...]:
    """The round as a row, in the order of `columns_of`."""
    told = ["; ".join(texts) for texts in told_notices(report.notices)]
    return (*_common(report, clock, url).values(), *report.figures.values(), *told)


def lines(report: Report, clock: Clock, url: str | None) -> Iterator[str]:
    """The round, what happened in it, and what is to be told; `url` where several registries are watched."""
    head = f"{clock(report.at_s)} {printable(url)}" if url is not None else clock(report.at_s)
    if report.is_answered:
        how = " not modified" if report.unchanged == report.polls else ""
        answered = f"answered{how} in {show_milliseconds(report.latency_ms)}"
        yield " ".join((head, *(report.texts if _is_usable(report) else ("unusable answer",)), answered))
    else:
        yield f"{head} no answer: {printable(report.error or 'no reason known')}"
    for each in report.happenings:
        yield f"{head} {each.event.upper()} {each.text}"
    for notice in report.notices:
        yield notice_line(notice, clock, url)


def documents(report: Report, clock: Clock, url: str, view: str) -> Iterator[dict[str, object]]:
    """The same as objects, one a line of a stream."""
    utc = clock(report.at_s)
    named = {"format": STREAM_FORMAT, "view": view}
    common = _common(report, clock, url)
    yield {**named, "event": "round", **common, "error": report.error, **report.figures, **report.lists}
    for each in report.happenings:
        yield {**named, "event": each.event, "utc": utc, "registry": url, **each.facts}
    for notice in report.notices:
        yield {**named, **notice_document(notice, utc, url)}


def notice_document(notice: Notice, utc: str, url: str) -> dict[str, object]:
    """An alert, a recovery or a notice as an object."""
    return {
        "event": "recovery" if notice.recovered else "alert" if notice.is_alert else "notice",
        "utc": utc,
        "registry": url,
        "rule": notice.rule,
        "endpoint": notice.endpoint,
        "subject": notice.subject,
        "text": notice.text,
    }


def _is_usable(report: Report) -> bool:
    return any(value is not None for value in report.figures.values())


def _common(report: Report, clock: Clock, url: str) -> dict[str, Cell]:
    return {
        "utc": clock(report.at_s),
        "elapsed_s": round(report.at_s, 3),
        "registry": url,
        "answered": report.is_answered,
        "polls": report.polls,
        "unchanged": report.unchanged,
        "latency_ms": report.latency_ms,
    }
