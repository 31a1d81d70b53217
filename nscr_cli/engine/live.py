"""Shows a run while it runs: a live picture on a terminal, a line now and then in a log. On stderr; never a result."""

from collections.abc import Callable

import trio
from rich.console import Console
from rich.live import Live

from nscr_cli.monitors.progress import Progress, progress_line, render_progress
from nscr_cli.ui import can_show_live

_REFRESH_S = 0.25
_LINE_S = 5.0


async def show_live(console: Console, picture: Callable[[], Progress]) -> None:
    """Show until cancelled; the last picture stays on a terminal."""
    if not can_show_live(console):
        while True:
            await trio.sleep(_LINE_S)
            console.print(progress_line(picture()), markup=False, soft_wrap=True)
    with Live(render_progress(picture(), console.width), console=console, auto_refresh=False) as live:
        try:
            while True:
                await trio.sleep(_REFRESH_S)
                live.update(render_progress(picture(), console.width), refresh=True)
        finally:
            live.update(render_progress(picture(), console.width), refresh=True)
