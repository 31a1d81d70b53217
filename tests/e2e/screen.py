"""A real terminal that a test can look at: a command in a tmux session of its own, its screen read back.

The server is this test's alone (a socket in a temporary folder, no configuration, no status line) and is always ended,
and the command with it. What a capture shows may be half of a drawing: wait for all that is to be there
at once, with `wait_for` or `wait_until`.
"""

import os
import re
import shlex
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

_OPTIONS = {
    "status": "off",
    "remain-on-exit": "on",
    "remain-on-exit-format": "",
    "history-limit": "10000",
    "default-shell": "/bin/sh",
    "escape-time": "0",
}
# What would tell a program that it runs elsewhere than on this screen, or how its screen looks.
_MISLEADING = {
    "TMUX", "TMUX_PANE", "COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE",
    "COLORTERM", "CI", "GITHUB_ACTIONS", "GITLAB_CI",
}  # fmt: skip
_LOOK_EVERY_S = 0.05
_DRAWN_WITHIN_S = 1.0
_STAY_S = 5.0


class Screen:
    """The screen of one command. Made by `on_screen`.

    Attributes:
        pid: of the command.
    """

    def __init__(self, tmux: Sequence[str], environment: Mapping[str, str]) -> None:
        self._tmux = tmux
        self._environment = environment
        self.pid = int(self._ask("#{pane_pid}"))

    def text(self) -> str:
        """What is on the screen now, a line for each of its rows, without blanks at their ends."""
        return self._run("capture-pane", "-p")

    def colours(self) -> str:
        """The same with its colours, as ANSI escapes."""
        return self._run("capture-pane", "-p", "-e", "-N")

    def everything(self) -> str:
        """What is on the screen, and before it what was scrolled away."""
        return self._run("capture-pane", "-p", "-S", "-")

    def wait_until(self, holds: Callable[[str], object], *, seconds: float = 60.0) -> str:
        """Look until the text of the screen is as it should be; that text.

        Raises:
            AssertionError: it did not come about in time, or the command ended without it; shows the last screen.
        """
        end = time.monotonic() + seconds
        was_ended = False
        while True:
            has_ended = self.has_ended()
            text = self.text()
            if holds(text):
                return text
            if has_ended and not was_ended:  # what the command said last may not be drawn yet
                end, was_ended = min(end, time.monotonic() + _DRAWN_WITHIN_S), True
            if time.monotonic() > end:
                why = f"the command ended with {self._status()}" if has_ended else f"{seconds:g} s went by"
                raise AssertionError(f"what was waited for is not on the screen, and {why}:\n{framed(text)}")
            time.sleep(_LOOK_EVERY_S)

    def wait_for(self, *wanted: str | re.Pattern[str], seconds: float = 60.0) -> str:
        """Look until all of these are on the screen at once, texts and what patterns find; all that is on it then."""
        patterns = [re.compile(re.escape(one)) if isinstance(one, str) else one for one in wanted]
        return self.wait_until(lambda screen: all(one.search(screen) for one in patterns), seconds=seconds)

    def wait_end(self, *, seconds: float = 60.0) -> int:
        """Wait until the command ends; its exit code, or the number of the signal that ended it below zero.

        Raises:
            AssertionError: it still runs; shows the last screen.
        """
        end = time.monotonic() + seconds
        while not self.has_ended():
            assert time.monotonic() < end, f"the command still runs after {seconds:g} s:\n{framed(self.text())}"
            time.sleep(_LOOK_EVERY_S)
        return self._status()

    def has_ended(self) -> bool:
        """Whether the command is over; its screen stays."""
        # It has let go of its terminal, and its exit code is known: there is time between them.
        if self._ask("#{pane_dead}#{pane_dead_status}#{pane_dead_signal}") not in ("0", "1"):
            return True
        if not is_running(self.pid):
            # tmux was told once that a child ended, and did not look for this one: it is told again.
            os.kill(int(self._ask("#{pid}")), signal.SIGCHLD)
        return False

    def send(self, *keys: str) -> None:
        """Press keys, by the names that tmux gives them: `q`, `Enter`, `C-c`, `Up`."""
        self._run("send-keys", *keys)

    def resize(self, width: int, height: int) -> None:
        """Make the terminal larger or smaller; the command is told, as by any terminal (SIGWINCH)."""
        self._run("resize-window", "-x", str(width), "-y", str(height))

    def size(self) -> tuple[int, int]:
        """Columns and rows."""
        width, height = self._ask("#{pane_width} #{pane_height}").split()
        return int(width), int(height)

    def _status(self) -> int:
        code, number = self._ask("#{pane_dead_status},#{pane_dead_signal}").split(",")
        return int(code) if code else -int(number)

    def _ask(self, what: str) -> str:
        return self._run("display-message", "-p", what).rstrip("\n")

    def _run(self, *words: str) -> str:
        done = subprocess.run([*self._tmux, *words], capture_output=True, text=True, env=self._environment, timeout=20)
        assert done.returncode == 0, f"tmux {shlex.join(words)}: {done.stderr}"
        return done.stdout


@contextmanager
def on_screen(
    command: Sequence[str],
    *,
    width: int = 80,
    height: int = 24,
    environment: Mapping[str, str] | None = None,
    term: str = "xterm-256color",
    folder: Path | None = None,
) -> Iterator[Screen]:
    """Run a command on a terminal of this size, and look at it; when the block ends, the command is ended.

    Args:
        environment: beside that of this process, of which what is about terminals, CI and nscr is left out.
        folder: where it runs.
    """
    clean = {
        name: value for name, value in os.environ.items() if name not in _MISLEADING and not name.startswith("NSCR_")
    }
    clean |= {"LC_ALL": "C.UTF-8", **(environment or {})}
    with tempfile.TemporaryDirectory(prefix="screen") as own:
        tmux = ("tmux", "-u", "-S", f"{own}/socket", "-f", "/dev/null")
        options = [word for name, value in _OPTIONS.items() for word in ("set-option", "-g", name, value, ";")]
        # The terminal is named by the command itself: what tmux would say that it is depends on its version.
        typed = f"exec env TERM={shlex.quote(term)} {shlex.join(command)}"
        size = ("-x", str(width), "-y", str(height))
        started = ("new-session", "-d", *size, "-c", str(folder or Path.cwd()), typed)
        subprocess.run([*tmux, "start-server", ";", *options, *started], check=True, env=clean, timeout=20)
        screen: Screen | None = None
        try:
            screen = Screen(tmux, clean)
            yield screen
        finally:
            subprocess.run([*tmux, "kill-server"], check=False, capture_output=True, env=clean, timeout=20)
            if screen is not None:
                _end(screen.pid)


def framed(text: str) -> str:
    """A screen with a frame around it, so that a failure shows where its rows end."""
    lines = text.splitlines()
    width = max(map(len, lines), default=0)
    return "\n".join([f"┌{'─' * width}┐", *(f"│{line:<{width}}│" for line in lines), f"└{'─' * width}┘"])


def is_running(pid: int) -> bool:
    """Whether there is such a process, and not only what is left of it until somebody asks how it ended."""
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


def _end(pid: int) -> None:
    """The command was told that its terminal is gone; one that stays all the same is killed."""
    end = time.monotonic() + _STAY_S
    while is_running(pid):
        if time.monotonic() > end:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(_LOOK_EVERY_S)
