"""How a torture run looks on a terminal: every line of the screen, made to fit it exactly. Pure.

What matters most comes first and is given room first: how far it is, what was found, what strikes; then the figures;
the table of operations has the rest. Lines are put together as plain text with few styles, as this is drawn beside the
load, in its process: a picture takes a few milliseconds.
"""

from collections.abc import Iterator, Sequence

from rich.cells import cell_len, set_cell_size
from rich.console import Group
from rich.text import Text

from nscr_cli.durations import show_duration, show_milliseconds
from nscr_cli.monitors.operations_table import operation_lines
from nscr_cli.monitors.palette import (
    ACCENT,
    BAD,
    BAD_SIGN,
    GOOD,
    GOOD_SIGN,
    OFF_SIGN,
    ON_SIGN,
    QUIET,
    SECOND,
    WARNING,
    WARNING_SIGN,
)
from nscr_cli.monitors.progress import PHASES, Broken, FaultCount, Progress, clock
from nscr_cli.monitors.sparkline import bar_width, chart, sparkline, widened
from nscr_cli.ui import printable

_NARROW, _SPACIOUS, _WIDE, _TABLE = 60, 100, 150, 84
_LABEL = 10
_ALERTS = 2
_CHART = 10
_SHOWN_PHASES, _AFTERWARDS = PHASES[:5], PHASES[6:]  # of the last ones, only that which it is
_DOING = {
    "prepare": "the registry is started, or asked whether it is there",
    "seed": "what it supports is tried, and what all clients share is pushed",
    "main": "clients push, pull and delete at once; all that they see is written down",
    "quiesce": "the load is over: waiting until no upload of it is open",
    "final": "everything that was ever written is read back",
    "done": "closing",
    "clean": "what was pushed is deleted again",
    "report": "the report is written",
    "judge": "every checker goes through the whole history; then comes the verdict",
}


def render_progress(progress: Progress, width: int, height: int) -> Group:
    """The picture for a terminal of this size: at most so many lines, none longer."""
    lines = [_title(progress, width), _bar(progress, width)]
    if height >= 12:
        lines.append(Text(_doing(progress), style=QUIET))
    if width >= _WIDE:
        lines.append(Text())
        lines += _beside_each_other(progress, width, height - len(lines))
    else:
        lines += _one_below_the_other(progress, width, height - len(lines))
    for line in lines:
        line.no_wrap, line.overflow = True, "ellipsis"
    return Group(*lines[:height])


def _one_below_the_other(progress: Progress, width: int, height: int) -> list[Text]:
    figures = _figures(progress, width)
    room = max(1, height - len(figures))
    found = list(_broken(progress, width, most=max(1, min(4, room // 3))))
    found += _alerts(progress, max(0, room - len(found)))
    struck = list(_faults(progress.faults, width, most=max(0, (room - len(found) - 1) // 2)))
    rest = room - len(found) - len(struck) - 1
    table = operation_lines(progress.operations, width, rest) if rest >= 3 and progress.operations else []
    return [*figures, *found, *struck, *([Text(), *table] if table else [])]


def _beside_each_other(progress: Progress, width: int, height: int) -> list[Text]:
    left_width = width - _TABLE - 4
    found = [*_broken(progress, width, most=max(1, height // 4)), *_alerts(progress, _ALERTS)]
    struck = list(_faults(progress.faults, width, most=height // 4))
    below = [Text(), *struck, *([Text()] if struck else []), *found]
    room = height - len(below)
    rows = max(1, min(_CHART, (room - 6) // 2))
    left = [*_charts(progress, left_width, rows), *_figures(progress, left_width)[2:]]
    right = operation_lines(progress.operations, _TABLE, room)
    side_by_side = []
    for number in range(min(room, max(len(left), len(right)))):
        line = left[number] if number < len(left) else Text()
        line.truncate(left_width, pad=True, overflow="ellipsis")
        if number < len(right):
            line = Text.assemble(line, "    ", right[number])
        side_by_side.append(line)
    return [*side_by_side, *below]


def _title(progress: Progress, width: int) -> Text:
    seen = len(progress.broken)
    words = f"{BAD_SIGN} {seen} promise{'s' if seen > 1 else ''} broken" if seen else f"{GOOD_SIGN} nothing found yet"
    state = Text(f" {words} ", style=f"{BAD} reverse" if seen else GOOD)
    title = Text.assemble((printable(progress.run), "bold"))
    workers = "1 worker" if progress.workers == 1 else f"{progress.workers:,} workers"
    processes = f" in {progress.processes} processes" if progress.processes > 1 else ""
    title.append(f" · {workers}{processes} · {printable(progress.target)}", style=QUIET)
    title.truncate(max(0, width - len(state) - 1), overflow="ellipsis", pad=True)
    return Text.assemble(title, " ", state)


def _bar(progress: Progress, width: int) -> Text:
    line = Text()
    after = progress.phase if progress.phase in _AFTERWARDS else _AFTERWARDS[0]
    for name in (*_SHOWN_PHASES, after) if width >= _NARROW + 10 else [progress.phase]:
        if line:
            line.append(" › ", style=QUIET)
        is_now = name == progress.phase
        line.append(f"[{name}]" if is_now else name, style=f"bold {ACCENT}" if is_now else QUIET)
    told = clock(progress)
    room = max(0, width - len(line) - len(told) - 4)
    done = round(progress.share * room)
    line.append("  ")
    line.append("━" * done, style=ACCENT)
    line.append("╌" * (room - done), style=QUIET)
    line.append("  ")
    line.append(told, style="bold")
    return line


def _doing(progress: Progress) -> str:
    """What goes on, for who sees it the first time."""
    if progress.phase == "main" and not progress.elapsed_s:
        return f"{progress.processes} processes get ready to load"
    return _DOING.get(progress.phase, "")


def _figures(progress: Progress, width: int) -> list[Text]:
    """Rate, latency, outcome, and what the registry says of itself."""
    latency = _percentiles(progress, is_short=width < _NARROW)
    begin = _LABEL + 42
    room = width - begin if width >= _NARROW else 0
    lines = [_labelled("rate", f"{progress.rate:,.0f} ops/s"), _labelled("latency", latency)]
    columns = bar_width(len(progress.rates), room, progress.total_s)
    for line, values, style in zip(lines, (progress.rates, progress.latencies_ms), (ACCENT, SECOND), strict=True):
        if room:
            line.pad_right(max(0, begin - cell_len(line.plain)))
            line.append(widened(sparkline(values, room // columns), columns), style=style)
    return [*lines, _outcome(progress, width), _registry(progress)]


def _charts(progress: Progress, width: int, rows: int) -> Iterator[Text]:
    """The same two as charts, with their largest values."""
    columns = bar_width(len(progress.rates), width, progress.total_s)
    room = width // columns
    peak = max(progress.rates, default=0.0)
    yield _labelled("rate", f"{progress.rate:,.0f} ops/s", f" · at most {peak:,.0f}; a bar a second")
    yield from (Text(widened(row, columns), style=ACCENT) for row in chart(progress.rates, room, rows))
    yield Text()
    slowest = max((value for value in progress.latencies_ms if value is not None), default=None)
    beside = f" · p99 of a second, at most {show_milliseconds(slowest)}"
    yield _labelled("latency", _percentiles(progress), beside)
    yield from (Text(widened(row, columns), style=SECOND) for row in chart(progress.latencies_ms, room, rows))
    yield Text()


def _percentiles(progress: Progress, *, is_short: bool = False) -> str:
    named = [("p50", progress.p50_ms), ("p95", progress.p95_ms), ("p99", progress.p99_ms)]
    return " · ".join(f"{name} {show_milliseconds(value)}" for name, value in (named[::2] if is_short else named))


def _outcome(progress: Progress, width: int) -> Text:
    is_short = width < _NARROW
    line = _label("outcome")
    line.append(f"{progress.ok:,} ok", style=GOOD)
    line.append(" · ", style=QUIET)
    line.append(f"{progress.fail:,} fail", style="" if progress.fail else QUIET)
    line.append("" if is_short else " (certainly not done)", style=QUIET)
    line.append(" · ", style=QUIET)
    line.append(f"{progress.info:,} info", style=WARNING if progress.info else QUIET)
    line.append("" if is_short else " (nobody knows)", style=QUIET)
    return line


def _registry(progress: Progress) -> Text:
    line = _label("registry")
    if progress.registry is None:
        return line.append("no monitoring API" if progress.is_monitored is False else "–", style=QUIET)
    for position, (name, value) in enumerate(progress.registry.named()):
        line.append(" · " if position else "", style=QUIET)
        if name == "status":
            is_well = value == "healthy"
            line.append(f"{GOOD_SIGN if is_well else BAD_SIGN} {value}", style=GOOD if is_well else BAD)
        else:
            line.append(f"{value} {name}")
    return line


def _broken(progress: Progress, width: int, most: int) -> Iterator[Text]:
    """What was seen that no correct registry does."""
    if not progress.broken:
        words = "none so far; most need the whole history, and come with the verdict"
        yield _labelled("findings", "none so far" if width < _NARROW else words, style=QUIET)
        return
    shown = progress.broken if len(progress.broken) <= most else progress.broken[: most - 1]
    for position, one in enumerate(shown):
        line = _label("findings" if not position else "")
        line.append(f"{BAD_SIGN} {one.rule} ×{one.count:,}", style=BAD)
        line.append(f" since {show_duration(one.first_s)}", style=QUIET)
        line.append(f" · {_said(one)}")
        yield line
    if len(shown) < len(progress.broken):
        others = progress.broken[len(shown) :]
        words = f"{BAD_SIGN} {len(others)} other rules ×{sum(one.count for one in others):,}"
        yield _labelled("findings" if not shown else "", words, style=BAD)


def _said(one: Broken) -> str:
    return f"{printable(one.key)} · {printable(one.text, limit=400)}"


def _alerts(progress: Progress, most: int) -> list[Text]:
    last = progress.alerts[-min(most, _ALERTS) :] if most else ()
    return [Text(f"{WARNING_SIGN} {printable(alert, limit=400)}", style=BAD) for alert in last]


def _faults(faults: Sequence[FaultCount], width: int, most: int) -> Iterator[Text]:
    """A line for each that is planned; where there is no room, those that struck last."""
    if not faults or not most:
        return
    shown = faults
    if len(faults) > most:
        recent = sorted(faults, key=lambda fault: (fault.last_s is None, fault.last_s or 0.0))[: most - 1]
        shown = [fault for fault in faults if fault in recent]
    name_width = min(max(len(fault.name) for fault in faults), 28 if width >= _NARROW else 15)
    for position, fault in enumerate(shown):
        line = _label("faults" if not position else "")
        line.append(f"{ON_SIGN if fault.is_active else OFF_SIGN} ", style=WARNING if fault.is_active else QUIET)
        line.append(set_cell_size(printable(fault.name), name_width))
        line.append(f"{fault.struck:>6,} struck", style="bold" if fault.struck else QUIET)
        if width >= _NARROW:
            line.append(f"  {fault.state}", style=WARNING if fault.is_active else QUIET)
        if width >= _WIDE:
            line.append(f"  {fault.toxics}", style=QUIET)
        if fault.last_step is not None and fault.last_s is not None and width >= _NARROW:
            what = f"{fault.last_step} " if width >= _SPACIOUS else ""
            line.append(f"  {what}{show_duration(fault.last_s)} ago", style=QUIET)
        yield line
    if len(shown) < len(faults):
        others = [fault for fault in faults if fault not in shown]
        words = f"{len(others)} other{'s' if len(others) > 1 else ''}: {sum(one.struck for one in others):,} struck"
        yield _labelled("faults" if not shown else "", words, style=QUIET)


def _label(name: str) -> Text:
    return Text.assemble((f"{name:<{_LABEL}}", QUIET))


def _labelled(name: str, value: str, beside: str = "", *, style: str = "") -> Text:
    line = _label(name)
    line.append(value, style=style)
    return line.append(beside, style=QUIET)
