"""The dashboard on a terminal: while it is watched, and what stays to be read afterwards."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.live import Live

from nscr_cli.commands.watch.clock import Clock
from nscr_cli.monitors.dashboard_layout import render_dashboard
from nscr_cli.monitors.watch_lines import notice_line, notice_style
from nscr_cli.monitors.watching import Watching
from nscr_cli.ui import printable


@contextmanager
def screen(
    console: Console, watchings: Sequence[Watching], clock: Clock, *, leaving: str | None
) -> Iterator[Callable[[float], None]]:
    """The terminal's other screen; what is given draws the dashboard on it. What was there before comes back.

    Args:
        leaving: says how to leave it.
    """
    with Live(console=console, screen=True, auto_refresh=False) as live:
        drawn: tuple[int, ...] = ()

        def draw(now_s: float) -> None:
            """Only what would look different is drawn: after a round, after a second, in another size."""
            nonlocal drawn
            width, height = console.size
            shown = (width, height, int(now_s), *(watching.rounds for watching in watchings))
            if shown == drawn:
                return
            drawn = shown
            pictures = [watching.picture(now_s) for watching in watchings]
            live.update(render_dashboard(pictures, width, height, clock, leaving=leaving), refresh=True)

        yield draw


def sum_up(console: Console, watching: Watching, clock: Clock, *, now_s: float) -> None:
    """What was told, what is still wrong, and how many alerts there were."""
    for notice in watching.notices:
        style = notice_style(notice)
        console.print(notice_line(notice, clock), style=style, markup=False, soft_wrap=True)
    for trouble in watching.picture(now_s).troubles:
        line = f"NOT OVER {trouble.rule} since {clock(trouble.since_s)}: {printable(trouble.text)}"
        console.print(line, style="bold red", markup=False, soft_wrap=True)
    alerts = "1 alert" if watching.alerts == 1 else f"{watching.alerts} alerts"
    console.print(f"{alerts} while {watching.url} was watched", markup=False, soft_wrap=True)
