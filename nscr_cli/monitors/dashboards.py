"""The parts of a dashboard: figures with their past, open uploads, repositories. Pure.

Written to be understood at a glance, in 80x24 as in 200x50, dark and light, with and without colour: every state has
its own word or sign besides its colour. A registry's strings go through `printable`.
"""

from collections.abc import Callable, Sequence

import msgspec
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from nscr_cli.durations import show_duration, show_milliseconds
from nscr_cli.monitors.sparkline import sparkline
from nscr_cli.monitors.watching import Beat, Picture
from nscr_cli.ui import printable

LEGEND = "• fine   ! problem   × no answer   R restarted"
_FINE_SIGN = ("•", "green")
_DEGRADED_SIGN = ("!", "yellow")
_TROUBLED_SIGN = ("!", "red")
_SILENT_SIGN = ("×", "red")
_RESTART_SIGN = ("R", "yellow")
_NAMES_WIDTH = 18


class _Figure(msgspec.Struct, frozen=True):
    """A row of the table of figures; the lower its rank, the sooner it is left out where there is no room."""

    name: str
    rank: int
    of: Callable[[Beat], float | None]
    show: Callable[[float | None], str]
    style: str = "cyan"
    is_bad: bool = False


def show_bytes(size: float | None) -> str:
    """A size with a binary unit: `512 B`, `1.0 MiB`; an unknown one is a dash."""
    if size is None:
        return "–"
    value, unit = float(size), "B"
    for larger in ("KiB", "MiB", "GiB", "TiB", "PiB"):
        if value < 1023.95:
            break
        value, unit = value / 1024, larger
    return f"{value:,.0f} B" if unit == "B" else f"{value:,.1f} {unit}"


def show_count(value: float | None) -> str:
    """A number with commas; an unknown one is a dash."""
    return "–" if value is None else f"{value:,.0f}"


def _show_rate(value: float | None) -> str:
    return "–" if value is None else f"{show_bytes(value)}/s"


_FIGURES = (
    _Figure("repositories", 9, lambda beat: beat.repositories, show_count),
    _Figure("manifests", 5, lambda beat: beat.manifests, show_count),
    _Figure("blobs", 8, lambda beat: beat.blobs, show_count),
    _Figure("open uploads", 7, lambda beat: beat.open_uploads, show_count),
    _Figure("unreferenced blobs", 3, lambda beat: beat.unreferenced_blobs, show_count),
    _Figure("space to free", 4, lambda beat: beat.space_to_free, show_bytes),
    _Figure("orphaned manifests", 6, lambda beat: beat.orphaned_manifests, show_count, is_bad=True),
    _Figure("log stream clients", 0, lambda beat: beat.log_stream_clients, show_count),
    _Figure("read", 1, lambda beat: beat.read_rate, _show_rate),
    _Figure("written", 2, lambda beat: beat.write_rate, _show_rate),
    _Figure("answer time", 10, lambda beat: beat.slowest_ms, show_milliseconds, style="magenta"),
)


def health_strip(beats: Sequence[Beat], room: int) -> Text:
    """The past, a sign a round."""
    strip = Text(no_wrap=True)
    for beat in beats[-room:] if room > 0 else ():
        strip.append(*_sign(beat))
    return strip


def _sign(beat: Beat) -> tuple[str, str]:
    if not beat.is_answered:
        return _SILENT_SIGN
    if beat.is_restart:
        return _RESTART_SIGN
    if beat.status == "degraded":
        return _DEGRADED_SIGN
    is_fine = beat.status in ("healthy", "up") and not beat.is_troubled
    return _FINE_SIGN if is_fine else _TROUBLED_SIGN


def counted(value: float | None, what: str, several: str | None = None) -> str:
    """`1 upload`, `2 uploads`; the plural in -s unless told otherwise."""
    return f"{show_count(value)} {what if value == 1 else several or what + 's'}"


def figures_table(picture: Picture, width: int, rows: int) -> RenderableType:
    """Health, and below it as many of the figures as there is room for, each with its past."""
    room = max(8, width - _NAMES_WIDTH - 18)
    beats = picture.beats[-room:]
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True, width=_NAMES_WIDTH)
    table.add_column(justify="right", no_wrap=True, min_width=10)
    table.add_column(no_wrap=True)
    span = show_duration(beats[-1].at_s - beats[0].at_s) if len(beats) > 1 else ""
    table.add_row("health", Text(f"past {span}" if span else "", style="dim"), health_strip(beats, room))
    for figure in _shown(beats, rows - 1):
        past = [figure.of(beat) for beat in beats]
        lowest = min((value for value in past if value is not None), default=0)
        bottom = 0 if figure.style == "magenta" else lowest  # of a count, what counts is its change
        value = past[-1] if past else None
        text = Text(figure.show(value), style="bold red" if figure.is_bad and value else "")
        table.add_row(figure.name, text, Text(sparkline(past, room, bottom=bottom), style=figure.style))
    return table


def figure_rows(picture: Picture) -> int:
    """How many rows the whole table has."""
    return 1 + len(_shown(picture.beats, len(_FIGURES)))


def _shown(beats: Sequence[Beat], rows: int) -> list[_Figure]:
    """What the registry tells at all, and of that what there is room for."""
    told = [figure for figure in _FIGURES if any(figure.of(beat) is not None for beat in beats)]
    kept = sorted(told, key=lambda figure: -figure.rank)[: max(0, rows)]
    return [figure for figure in told if figure in kept]


def uploads_table(picture: Picture, rows: int) -> RenderableType:
    """The oldest open uploads; `rows` counts those, without the head."""
    uploads = picture.uploads
    if not uploads:
        return Text("no open uploads" if not picture.is_silent else "no upload was open before", style="dim")
    table = Table(box=None, pad_edge=False, show_edge=False, header_style="dim")
    shown = uploads[: max(1, rows)]
    more = f" ({len(shown)} of {len(uploads)})" if len(shown) < len(uploads) else ""
    when = "formerly open" if picture.is_silent else "oldest open"
    table.add_column(f"{when} uploads{more}", no_wrap=True, ratio=1, overflow="ellipsis")
    for name in ("age", "idle", "chunks", "received"):
        table.add_column(name, justify="right", no_wrap=True)
    for upload in shown:
        received = show_bytes(upload.received)
        age, idle = show_duration(upload.age_s), show_duration(upload.idle_s)
        table.add_row(printable(upload.name), age, idle, f"{upload.chunks:,}", received)
    return table


def repositories_table(picture: Picture, rows: int) -> RenderableType:
    """The repositories that the registry lists first, with their tags."""
    table = Table(box=None, pad_edge=False, show_edge=False, header_style="dim")
    total = picture.beats[-1].repositories if picture.beats else None
    shown = picture.repositories[: max(0, rows)]
    more = f" ({len(shown)} of {show_count(total)})" if total is not None and len(shown) < total else ""
    table.add_column(f"repositories{more}", no_wrap=True, ratio=1, overflow="ellipsis")
    table.add_column("tags", justify="right", no_wrap=True)
    for name, tags in shown:
        table.add_row(printable(name), show_count(tags))
    return table
