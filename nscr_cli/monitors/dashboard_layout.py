"""Which dashboard fits: one registry in full; several as rows of a table, the worst first. Pure.

A row tells name, status, the figures, how long it takes to answer, its past, and the first thing that is wrong.
"""

from collections.abc import Callable, Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from nscr_cli.durations import show_duration, show_milliseconds
from nscr_cli.monitors.dashboards import headword, health_strip, render_watch, show_count
from nscr_cli.monitors.watching import Picture
from nscr_cli.ui import printable

_STRIP = 20


def render_dashboard(
    pictures: Sequence[Picture], width: int, height: int, clock: Callable[[float], str]
) -> RenderableType:
    """The screen. `clock` names the wall time of an instant of the watch."""
    if len(pictures) == 1:
        return render_watch(pictures[0], width, height, clock)
    return Group(_title(pictures), Text(), *(_row(picture, width) for picture in pictures))


def _title(pictures: Sequence[Picture]) -> Text:
    passed = f"watched for {show_duration(pictures[0].elapsed_s)}"
    text = Text("nscr watch ", style="bold", no_wrap=True, overflow="ellipsis")
    text.append(f"{len(pictures)} registries every {show_duration(pictures[0].interval_s)}", style="not bold")
    return text.append(f"  {passed}", style="not bold dim")


def _row(picture: Picture, width: int) -> RenderableType:
    last = picture.beats[-1] if picture.beats else None
    word, style = headword(picture)
    table = Table.grid(padding=(0, 2), expand=True)
    table.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
    table.add_column(justify="right", no_wrap=True)
    head = Text(f"{word} ", style=f"bold {style}").append(printable(picture.url), style="not bold default")
    table.add_row(head, health_strip(picture.beats, _STRIP))
    figures = Text("  ", no_wrap=True, overflow="ellipsis")
    if last is not None:
        figures.append(f"repositories {show_count(last.repositories)}  blobs {show_count(last.blobs)}")
        figures.append(f"  uploads {show_count(last.open_uploads)}  answer {show_milliseconds(last.slowest_ms)}")
    wrong = [Text(f"  ! {printable(picture.wrong[0])}", style="red", no_wrap=True, overflow="ellipsis")]
    return Group(table, figures, *(wrong if picture.wrong else []))
