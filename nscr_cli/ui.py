"""The one place where consoles are made: results on stdout, progress and errors on stderr.

Colour and live display only on a terminal; plain text when piped, under NO_COLOR or TERM=dumb. Strings that come from a
registry are hostile: `printable` takes the control sequences out before any of them reaches a screen.
"""

import os
import unicodedata
from collections.abc import Mapping

from rich.console import Console


def results_console() -> Console:
    """The console for what the command was asked for (stdout)."""
    return Console(highlight=False, soft_wrap=False)


def progress_console() -> Console:
    """The console for progress, warnings and errors (stderr)."""
    return Console(stderr=True, highlight=False)


def can_show_live(console: Console) -> bool:
    """Whether a display that is drawn again and again makes sense: on a real terminal, whatever FORCE_COLOR says."""
    return console.file.isatty() and not console.is_dumb_terminal


def is_ci_log(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether what is printed goes to the log of a CI job, which is read line by line."""
    said = (environment.get(name, "") for name in ("CI", "GITHUB_ACTIONS", "GITLAB_CI"))
    return any(value.lower() not in ("", "0", "false") for value in said)


def printable(text: str, *, limit: int = 200) -> str:
    """The text without control, format and bidirectional characters, cut to `limit` characters."""
    if len(text) <= limit and text.isprintable():
        return text  # nearly always, and much faster
    kept = "".join(char if unicodedata.category(char)[0] != "C" else "\ufffd" for char in text[: limit + 1])
    return kept if len(kept) <= limit else kept[: limit - 1] + "…"
