"""How a watched registry looks: a full screen for a terminal, one line a round for everything else. Pure.

Written to be understood at a glance, in 80x24 as in 200x50, with and without colour: every state has its own word or
sign besides its colour. A registry's strings go through `printable`.
"""

from collections.abc import Callable, Sequence

from rich import box
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from nscr_cli.durations import show_duration, show_milliseconds
from nscr_cli.monitors.rules import Notice
from nscr_cli.monitors.sparkline import sparkline
from nscr_cli.monitors.watching import Beat, Picture, Upload
from nscr_cli.ui import printable

_WIDE = 120
_FIGURE_ROWS = 10
_SIGNS = {"healthy": ("•", "green"), "up": ("•", "green"), "degraded": ("!", "yellow")}
_SILENT_SIGN = ("×", "red")
_UNHEALTHY_SIGN = ("!", "red")


def render_watch(picture: Picture, width: int, height: int, clock: Callable[[float], str]) -> RenderableType:
    """The screen. `clock` names the wall time of an instant of the watch."""
    head = [_title(picture, width), _headline(picture), Text()]
    room = height - (6 if picture.wrong else 5)
    if width >= _WIDE:
        left_width = width // 2 - 2
        body = Table.grid(padding=(0, 2))
        body.add_column(width=left_width)
        body.add_column(width=width - left_width - 4)
        uploads = _uploads(picture.uploads, room // 2)
        body.add_row(
            _figures(picture.beats, left_width), Group(*uploads, Text(), *_notices(picture, room // 2 - 4, clock))
        )
        return Group(*head, body)
    room -= _FIGURE_ROWS + 2
    shown = min(2, len(picture.uploads))
    notices = _notices(picture, room - shown - 2, clock)
    return Group(*head, _figures(picture.beats, width), Text(), *_uploads(picture.uploads, shown), Text(), *notices)


def watch_line(beat: Beat, clock: Callable[[float], str], url: str | None = None) -> str:
    """One round as one line of a log; of the registry `url`, where several are watched."""
    head = f"{clock(beat.at_s)} {printable(url)}" if url is not None else clock(beat.at_s)
    if not beat.is_answered:
        return f"{head} no answer: {printable(beat.error or 'no reason known')}"
    if beat.is_probe:
        repositories = f" repositories {show_count(beat.repositories)}" if beat.repositories is not None else ""
        answered = f"/v2/ answered in {show_milliseconds(beat.slowest_ms)}"
        return f"{head} {printable(beat.status or '', limit=20)}{repositories} {answered} (no monitoring API)"
    named = (
        ("repositories", beat.repositories),
        ("manifests", beat.manifests),
        ("blobs", beat.blobs),
        ("uploads", beat.open_uploads),
        ("unreferenced", beat.unreferenced_blobs),
        ("orphaned", beat.orphaned_manifests),
    )
    figures = " ".join(f"{name} {show_count(value)}" for name, value in named)
    return (
        f"{head} {printable(beat.status or 'unknown', limit=20)} {figures} "
        f"to-free {show_bytes(beat.space_to_free)} answered in {show_milliseconds(beat.slowest_ms)}"
    )


def notice_line(notice: Notice, clock: Callable[[float], str], url: str | None = None) -> str:
    """An alert or recovery as one line of a log; of the registry `url`, where several are watched."""
    word = "RECOVERED" if notice.recovered else "ALERT"
    head = f"{clock(notice.at_s)} {printable(url)}" if url is not None else clock(notice.at_s)
    return f"{head} {word} {notice.rule}: {printable(notice.text)}"


def show_bytes(size: int | None) -> str:
    """A size with a binary unit: `512 B`, `1.0 MiB`; an unknown one is a dash."""
    if size is None:
        return "–"
    value, unit = float(size), "B"
    for larger in ("KiB", "MiB", "GiB", "TiB", "PiB"):
        if value < 1023.95:
            break
        value, unit = value / 1024, larger
    return f"{value:,.0f} B" if unit == "B" else f"{value:,.1f} {unit}"


def show_count(value: int | None) -> str:
    """A number with commas; an unknown one is a dash."""
    return "–" if value is None else f"{value:,}"


def _title(picture: Picture, width: int) -> RenderableType:
    passed = f"watched for {show_duration(picture.elapsed_s)}"
    if picture.total_s is not None:
        passed += f" of {show_duration(picture.total_s)}"
    name = Text("nscr watch ", style="bold", no_wrap=True, overflow="ellipsis")
    name.append(printable(picture.url), style="not bold")
    name.append(f" every {show_duration(picture.interval_s)}", style="not bold dim")
    row = Table.grid(expand=True)
    row.add_column(no_wrap=True, width=max(10, width - len(passed) - 1))
    row.add_column(justify="right", no_wrap=True)
    row.add_row(name, Text(passed, style="dim"))
    return row


def _headline(picture: Picture) -> RenderableType:
    last = picture.beats[-1] if picture.beats else None
    word, style = headword(picture)
    text = Text(no_wrap=True, overflow="ellipsis").append(word, style=f"bold {style}")
    if picture.answered_s is None or last is None:
        text.append(f"  {printable(picture.error or 'no answer yet')}")
        return Panel(text, border_style=style, box=box.ROUNDED)
    ago = show_duration(max(0.0, picture.elapsed_s - picture.answered_s))
    if picture.is_silent:
        text.append(f"  last answer {ago} ago")
    else:
        if last.uptime_ms is not None:
            text.append(f"  up {show_duration(last.uptime_ms / 1000)}")
        text.append(f"  answered {ago} ago in {show_milliseconds(last.slowest_ms)}")
        if picture.version is not None:
            text.append(f"  version {printable(picture.version, limit=20)}", style="dim")
    if picture.wrong:
        text.append(f"\n! {printable(picture.wrong[0])}", style="red")
        if len(picture.wrong) > 1:
            text.append(f" (and {len(picture.wrong) - 1} more)", style="red")
    return Panel(text, border_style=style, box=box.ROUNDED)


def _sign(beat: Beat) -> tuple[str, str]:
    if not beat.is_answered:
        return _SILENT_SIGN
    return _SIGNS.get(beat.status or "", _UNHEALTHY_SIGN)


def headword(picture: Picture) -> tuple[str, str]:
    """How the registry is, in a word, and the colour of that word."""
    last = picture.beats[-1] if picture.beats else None
    if picture.answered_s is None or last is None:
        return ("NO ANSWER", "red") if picture.error is not None else ("WAITING", "yellow")
    if picture.is_silent:
        return "NOT ANSWERING", "red"
    style = _sign(last)[1] if not picture.wrong else "yellow" if last.status == "degraded" else "red"
    return printable(last.status or "no status", limit=20).upper(), style


def health_strip(beats: Sequence[Beat], room: int) -> Text:
    """The past, a sign a round."""
    strip = Text(no_wrap=True)
    for beat in beats[-room:]:
        strip.append(*_sign(beat))
    return strip


def _figures(beats: Sequence[Beat], width: int) -> RenderableType:
    room = max(8, width - 36)
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True, width=18)
    table.add_column(justify="right", no_wrap=True, min_width=10)
    table.add_column(no_wrap=True)
    table.add_row("health", "", health_strip(beats, room))
    rows: tuple[tuple[str, Callable[[Beat], int | None], Callable[[int | None], str]], ...] = (
        ("repositories", lambda beat: beat.repositories, show_count),
        ("manifests", lambda beat: beat.manifests, show_count),
        ("blobs", lambda beat: beat.blobs, show_count),
        ("open uploads", lambda beat: beat.open_uploads, show_count),
        ("unreferenced blobs", lambda beat: beat.unreferenced_blobs, show_count),
        ("space to free", lambda beat: beat.space_to_free, show_bytes),
        ("orphaned manifests", lambda beat: beat.orphaned_manifests, show_count),
        ("log stream clients", lambda beat: beat.log_stream_clients, show_count),
    )
    for name, figure, shown in rows:
        past = [figure(beat) for beat in beats[-room:]]
        lowest = min((value for value in past if value is not None), default=0)
        line = Text(sparkline(past, room, bottom=lowest), style="cyan")  # of a count, what counts is its change
        table.add_row(name, shown(past[-1] if past else None), line)
    latencies = Text(sparkline([beat.slowest_ms for beat in beats], room), style="magenta")
    table.add_row("answer time", show_milliseconds(beats[-1].slowest_ms if beats else None), latencies)
    return table


def _uploads(uploads: Sequence[Upload], rows: int) -> list[RenderableType]:
    if not uploads:
        return [Text("no open uploads", style="dim")]
    table = Table(box=None, pad_edge=False, show_edge=False, header_style="dim")
    table.add_column("oldest open uploads", no_wrap=True, ratio=1, overflow="ellipsis")
    for name in ("age", "idle", "chunks", "received"):
        table.add_column(name, justify="right", no_wrap=True)
    for upload in uploads[: max(1, rows)]:
        received = show_bytes(upload.received)
        age, idle = show_duration(upload.age_s), show_duration(upload.idle_s)
        table.add_row(printable(upload.name), age, idle, f"{upload.chunks:,}", received)
    return [table]


def _notices(picture: Picture, rows: int, clock: Callable[[float], str]) -> list[RenderableType]:
    if not picture.notices:
        return [Text("no alerts", style="dim")]
    lines: list[RenderableType] = [Text(f"alerts: {picture.alerts}", style="bold")]
    for notice in picture.notices[-max(1, rows) :]:
        style = "green" if notice.recovered else "red"
        lines.append(Text(notice_line(notice, clock), style=style, no_wrap=True, overflow="ellipsis"))
    return lines
