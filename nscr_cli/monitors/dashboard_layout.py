"""Which dashboard fits: one registry in full; several side by side or, in a narrow terminal, one below the other. Pure.

Whatever the size, the verdict comes first. Of several registries the worst comes first where they stand below one
another; side by side each keeps its place.
"""

from collections.abc import Callable, Iterable, Sequence

from rich import box
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from nscr_cli.durations import show_duration, show_milliseconds
from nscr_cli.monitors.dashboard_verdict import headword, told_troubles, verdict
from nscr_cli.monitors.dashboards import (
    LEGEND,
    counted,
    figure_rows,
    figures_table,
    health_strip,
    repositories_table,
    show_bytes,
    uploads_table,
)
from nscr_cli.monitors.rules import Notice
from nscr_cli.monitors.watch_lines import notice_line, notice_style
from nscr_cli.monitors.watching import Picture
from nscr_cli.ui import printable

_WIDE = 120
_PANEL_WIDTH = 58
_STRIP = 24
_FEWEST_REPOSITORIES = 3
_SEVERITY = {"red": 0, "yellow": 1, "green": 2}
Clock = Callable[[float], str]


def render_dashboard(
    pictures: Sequence[Picture], width: int, height: int, clock: Clock, *, leaving: str | None = None
) -> RenderableType:
    """The screen.

    Args:
        clock: names the wall time of an instant of the watch.
        leaving: says how to leave it.
    """
    title = _title(pictures, width, leaving)
    if len(pictures) == 1:
        return Group(title, _one(pictures[0], width, height, clock))
    if width // len(pictures) >= _PANEL_WIDTH:
        return Group(title, _side_by_side(pictures, width, height, clock))
    return Group(title, _stacked(pictures, width, height, clock))


def _one(picture: Picture, width: int, height: int, clock: Clock) -> RenderableType:
    """One registry in full."""
    _, style = headword(picture)
    lines = verdict(picture, width - 4, max(1, min(height // 4, 10)), clock)
    head = Panel(Group(*lines), border_style=style, box=box.ROUNDED)
    room = height - len(lines) - 3
    if width < _WIDE:
        return Group(head, *_pile(picture, width, room, clock))
    left = width // 2 - 2
    figures = figure_rows(picture)
    body = Table.grid(padding=(0, 2))
    body.add_column(width=left)
    body.add_column(width=width - left - 4)
    half = max(1, (room - 4) // 2)
    uploads = [uploads_table(picture, half), Text()] if picture.absence is None else []
    body.add_row(
        Group(
            figures_table(picture, left, room - 2),
            Text(LEGEND, style="dim"),
            Text(),
            repositories_table(picture, room - figures - 4) if picture.repositories else Text(),
        ),
        Group(*uploads, *_alerts([picture], room - half - 3, clock)),
    )
    return Group(head, body)


def _pile(picture: Picture, width: int, room: int, clock: Clock) -> Iterable[RenderableType]:
    """Figures, uploads and alerts, one below the other, in so many rows."""
    uploads = 0 if picture.absence is not None else 1 + min(2, len(picture.uploads))
    alerts = 1 + min(3, len(picture.notices))
    figures = max(2, min(figure_rows(picture), room - uploads - alerts))
    spare = room - uploads - alerts - figures
    yield figures_table(picture, width, figures)
    if spare > 0:
        yield Text(LEGEND, style="dim")
        spare -= 1
    if uploads:
        yield uploads_table(picture, uploads - 1)
    repositories = min(len(picture.repositories), spare // 2)
    if repositories >= _FEWEST_REPOSITORIES or repositories == len(picture.repositories) > 0:
        yield repositories_table(picture, repositories)
        spare -= repositories + 1
    yield from _alerts([picture], alerts + max(0, spare), clock)


def _side_by_side(pictures: Sequence[Picture], width: int, height: int, clock: Clock) -> RenderableType:
    grid = Table.grid()
    panel_width = width // len(pictures)
    for _ in pictures:
        grid.add_column(width=panel_width)
    grid.add_row(*(_panel(picture, panel_width, height - 2, clock) for picture in pictures))
    return Group(_overview(pictures, clock), grid)


def _panel(picture: Picture, width: int, height: int, clock: Clock) -> RenderableType:
    _, style = headword(picture)
    inner, room = width - 4, height - 2
    lines = verdict(picture, inner, max(1, room // 3), clock)
    pile = _pile(picture, inner, room - len(lines) - 1, clock)
    title = Text(_name(picture.url), style="bold", no_wrap=True, overflow="ellipsis")
    content = Group(*lines, Text(), *pile)
    return Panel(content, title=title, title_align="left", border_style=style, box=box.ROUNDED, height=height)


def _stacked(pictures: Sequence[Picture], width: int, height: int, clock: Clock) -> RenderableType:
    """A few lines each, the worst first; those that are fine give up their second line where there is no room."""
    ordered = sorted(pictures, key=_badness)
    room = height - 3
    alerts = max(1, min(5, room - 3 * len(ordered)))
    blocks: list[RenderableType] = []
    left = room - alerts
    for position, picture in enumerate(ordered):
        share = max(1, left - (len(ordered) - position - 1) * 2)
        lines = _rows(picture, width, min(share, 5), clock)
        left -= len(lines)
        blocks += lines
    return Group(_overview(ordered, clock), Text(), *blocks, *_alerts(pictures, alerts, clock))


def _badness(picture: Picture) -> tuple[int, bool]:
    """The worse, the less: red before yellow before green, and of red ones those that do not answer."""
    return _SEVERITY.get(headword(picture)[1], 0), not picture.is_silent


def _rows(picture: Picture, width: int, rows: int, clock: Clock) -> list[RenderableType]:
    word, style = headword(picture)
    table = Table.grid(expand=True)
    table.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
    table.add_column(justify="right", no_wrap=True)
    name = Text(_name(picture.url), style="bold").append(f"  {word}", style=f"bold {style}")
    table.add_row(name, health_strip(picture.beats, _STRIP))
    if picture.answered_s is None and picture.error is not None:
        why: list[RenderableType] = [
            table,
            Text(f"  {printable(picture.error)}", style="red", no_wrap=True, overflow="ellipsis"),
        ]
        return why[:rows]
    figures = Text(f"  {_figures(picture)}", style="dim", no_wrap=True, overflow="ellipsis")
    lines: list[RenderableType] = [table, figures, *_indented(told_troubles(picture, width - 2, rows - 2, clock))]
    return lines[:rows]


def _indented(lines: Iterable[Text]) -> Iterable[Text]:
    for line in lines:
        indented = Text("  ", no_wrap=True, overflow="ellipsis")
        yield indented.append_text(line)


def _figures(picture: Picture) -> str:
    last = picture.beats[-1] if picture.beats else None
    if last is None:
        return "no answer yet"
    parts = [counted(last.repositories, "repository", "repositories")] if last.repositories is not None else []
    if picture.absence is not None:
        parts.append(f"{picture.absence}: probing /v2/ only")
    elif last.blobs is not None:
        parts += [counted(last.blobs, "blob"), counted(last.open_uploads, "upload")]
        parts.append(f"{show_bytes(last.space_to_free)} to free")
    if last.is_answered:
        parts.append(f"answers in {show_milliseconds(last.slowest_ms)}")
    elif picture.answered_s is not None:
        parts.append(f"last answer {show_duration(picture.elapsed_s - picture.answered_s)} ago")
    return " · ".join(parts)


def _overview(pictures: Sequence[Picture], clock: Clock) -> Text:
    """Are all of them fine? If not, which are not, the worst first, and since when."""
    bad = [picture for picture in pictures if headword(picture)[1] == "red" or picture.troubles]
    waiting = sum(picture.answered_s is None for picture in pictures)
    text = Text(no_wrap=True, overflow="ellipsis")
    if not bad:
        said = f"{waiting} still silent" if waiting else "ALL FINE"
        return text.append(said, style="bold yellow" if waiting else "bold green")
    text.append(f"{len(bad)} OF {len(pictures)} NOT FINE", style="bold red")
    for position, picture in enumerate(sorted(bad, key=_badness)):
        text.append(f"{' · ' if position else '  '}{_name(picture.url)}: {headword(picture)[0].lower()}")
        if picture.troubles:
            text.append(f" since {clock(picture.troubles[0].since_s)}")
    return text


def _title(pictures: Sequence[Picture], width: int, leaving: str | None) -> RenderableType:
    first = pictures[0]
    passed = f"watched for {show_duration(first.elapsed_s)}"
    if first.total_s is not None:
        passed += f" of {show_duration(first.total_s)}"
    if leaving is not None:
        passed += f" · {leaving}"
    what = printable(first.url) if len(pictures) == 1 else f"{len(pictures)} registries"
    name = Text("nscr watch ", style="bold", no_wrap=True, overflow="ellipsis").append(what, style="not bold")
    name.append(f" every {show_duration(first.interval_s)}", style="not bold dim")
    row = Table.grid(expand=True)
    row.add_column(no_wrap=True, width=max(10, width - len(passed) - 1))
    row.add_column(justify="right", no_wrap=True)
    row.add_row(name, Text(passed, style="dim"))
    return row


def _alerts(pictures: Sequence[Picture], rows: int, clock: Clock) -> list[RenderableType]:
    """How many alerts there were, and the newest of what was told, in so many rows and at least one."""
    told: list[tuple[Notice, str | None]] = [
        (notice, _name(picture.url) if len(pictures) > 1 else None)
        for picture in pictures
        for notice in picture.notices
    ]
    alerts = sum(picture.alerts for picture in pictures)
    if not told:
        return [Text("no alerts", style="dim")]
    lines: list[RenderableType] = [Text(f"alerts so far: {alerts}", style="bold")]
    newest = sorted(told, key=lambda each: each[0].at_s)[-(rows - 1) :] if rows > 1 else []
    for notice, url in newest:
        line = notice_line(notice, clock, url)
        lines.append(Text(line, style=notice_style(notice), no_wrap=True, overflow="ellipsis"))
    return lines


def _name(url: str) -> str:
    return printable(url.partition("://")[2] or url, limit=60)
