"""Shows a run while it runs, on stderr; never a result.

On a terminal its whole screen, as editors have it: nothing scrolls, every picture is drawn over the one before, and
when the run is over the terminal is as it was, for the verdict. In the log of a CI job a line now and then; on a
terminal that cannot be drawn on, such lines as well. On any other pipe or file nothing.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

import msgspec
import trio
from rich.console import Console
from rich.live import Live

from nscr_cli.monitors.progress import Progress, progress_line
from nscr_cli.monitors.progress_screen import render_progress
from nscr_cli.ui import can_show_live, is_ci_log

_FIRST_S = 0.15  # what is over sooner is not worth a screen
_REFRESH_S = 0.25
_LINE_S = 5.0


class _Canvas(Protocol):
    """What pictures are shown on."""

    every_s: float

    def draw(self, picture: Progress) -> None: ...


class Display:
    """Follows one run, and what is done with it afterwards.

    Args:
        canvas: None where nothing is shown.
    """

    def __init__(self, console: Console, canvas: _Canvas | None) -> None:
        self._console = console
        self._canvas = canvas
        self._said: list[str] = []
        self._last: Progress | None = None

    async def follow(self, picture: Callable[[], Progress]) -> None:
        """Show the run until cancelled."""
        if self._canvas is None:
            return
        try:
            await trio.sleep(_FIRST_S)
            while True:
                began = trio.current_time()
                self._canvas.draw(picture())
                await trio.sleep_until(began + self._canvas.every_s)
        finally:
            self._last = picture()

    @contextmanager
    def busy(self, phase: str) -> Iterator[None]:
        """Show that the block goes on, though it gives nobody else a turn: for that there is a thread.

        Args:
            phase: one of those after the run, of monitors/progress.py's PHASES.
        """
        if self._canvas is None or self._last is None:
            yield
            return
        last = msgspec.structs.replace(self._last, phase=phase, expected=None)
        is_over = threading.Event()
        thread = threading.Thread(target=self._show_busy, args=(self._canvas, last, is_over), daemon=True)
        thread.start()
        try:
            yield
        finally:
            is_over.set()
            thread.join()

    def say(self, text: str) -> None:
        """Print a line that is to stay: where the screen is drawn on, once it is given back."""
        self._said.append(text)
        if not isinstance(self._canvas, _Screen):
            self.close()

    def close(self) -> None:
        """Give the screen back, and print what is to stay."""
        if isinstance(self._canvas, _Screen):
            self._canvas.close()
        said, self._said = self._said, []
        for text in said:
            self._console.print(text, markup=False, soft_wrap=True)

    def _show_busy(self, canvas: _Canvas, last: Progress, is_over: threading.Event) -> None:
        began = time.monotonic()
        wait_s = _FIRST_S
        while not is_over.wait(wait_s):
            canvas.draw(msgspec.structs.replace(last, phase_s=time.monotonic() - began))
            wait_s = canvas.every_s


class _Screen:
    """The whole terminal, from the first picture on."""

    every_s = _REFRESH_S

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live: Live | None = None

    def draw(self, picture: Progress) -> None:
        width, height = self._console.size  # it may have been resized
        drawn = render_progress(picture, width, height)
        if self._live is None:
            self._live = Live(
                drawn, console=self._console, screen=True, auto_refresh=False, redirect_stdout=False,
                redirect_stderr=False,
            )  # fmt: skip
            self._live.start()
        self._live.update(drawn, refresh=True)

    def close(self) -> None:
        if self._live is not None:
            self._live.stop()


class _Log:
    """A line every few seconds, and one for each phase that is found to have begun."""

    every_s = _REFRESH_S

    def __init__(self, console: Console) -> None:
        self._console = console
        self._phase: str | None = None
        self._told_at = 0.0

    def draw(self, picture: Progress) -> None:
        if picture.phase == self._phase and time.monotonic() - self._told_at < _LINE_S:
            return
        self._phase, self._told_at = picture.phase, time.monotonic()
        self._console.print(progress_line(picture), markup=False, soft_wrap=True)


@contextmanager
def display(console: Console) -> Iterator[Display]:
    """What this console can show of a run; at the end, whatever happened, it is as it was."""
    canvas: _Canvas | None = None
    if can_show_live(console):
        canvas = _Screen(console)
    elif console.file.isatty() or is_ci_log():
        canvas = _Log(console)
    shown = Display(console, canvas)
    try:
        yield shown
    finally:
        shown.close()
