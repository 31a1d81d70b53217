"""What GitHub Actions reads: annotations, and the summary of a job. Pure but for `append_summary`.

A line of a log that begins with `::` is a command to the runner, and so is `##[` anywhere in one: what a registry says
must not become one. So data in commands are escaped as the runner unescapes them, and text that is shown besides stands
between a pair of commands that switch commands off, by a token that nobody can guess.
https://docs.github.com/actions/reference/workflow-commands-for-github-actions
"""

import os
import secrets
from collections.abc import Iterable, Mapping
from enum import StrEnum
from pathlib import Path

import msgspec

from nscr_cli.errors import ReportsUnwritable
from nscr_cli.ui import printable

MOST_ANNOTATIONS = 10  # that GitHub shows of one level and step
MOST_SUMMARY = 1024 * 1024
_LONGEST_MESSAGE = 2000
_SUMMARY = "GITHUB_STEP_SUMMARY"
_DATA = {"%": "%25", "\r": "%0D", "\n": "%0A"}
_PROPERTY = _DATA | {":": "%3A", ",": "%2C"}
_MARKDOWN = {"<": "&lt;", ">": "&gt;", "&": "&amp;", "@": "&#64;"} | {char: f"\\{char}" for char in "\\`*_[]|#~!$"}


class Level(StrEnum):
    """How an annotation is shown."""

    ERROR = "error"
    WARNING = "warning"
    NOTICE = "notice"


class Annotation(msgspec.Struct, frozen=True, kw_only=True):
    """One message beside a run."""

    level: Level
    title: str
    message: str


def is_github(environment: Mapping[str, str]) -> bool:
    """This process runs in a workflow."""
    return environment.get("GITHUB_ACTIONS") == "true"


def annotation_line(annotation: Annotation) -> str:
    """As a command to the runner, without the line's end."""
    message = "\n".join(printable(line, limit=_LONGEST_MESSAGE) for line in annotation.message.split("\n"))
    title = _escaped(printable(annotation.title), _PROPERTY)
    return f"::{annotation.level} title={title}::{_escaped(message, _DATA)}"


def few(annotations: Iterable[Annotation]) -> list[Annotation]:
    """As many of each level as GitHub shows; the last says how many more there are."""
    everything = list(annotations)
    kept: list[Annotation] = []
    for level in Level:
        own = [one for one in everything if one.level is level]
        if len(own) <= MOST_ANNOTATIONS:
            kept += own
            continue
        rest = len(own) - (MOST_ANNOTATIONS - 1)
        more = Annotation(level=level, title=f"{rest:,} more", message=f"{rest:,} more: see the log and the summary")
        kept += [*own[: MOST_ANNOTATIONS - 1], more]
    return kept


def without_commands(text: str) -> str:
    """Text for a log in which nothing is a command."""
    token = f"nscr-{secrets.token_hex(16)}"
    return f"::stop-commands::{token}\n{text.rstrip()}\n::{token}::\n"


def append_summary(markdown: str, environment: Mapping[str, str] = os.environ) -> None:
    """Add to the summary of the job, where there is one; what would not fit is cut, or GitHub drops all of it.

    Raises:
        ReportsUnwritable: the runner's file cannot be written.
    """
    name = environment.get(_SUMMARY)
    if not is_github(environment) or not name:
        return
    path = Path(name)
    try:
        room = MOST_SUMMARY - (path.stat().st_size if path.exists() else 0)
        with path.open("ab") as file:
            file.write(f"{markdown.rstrip()}\n\n".encode()[: max(0, room)].decode(errors="ignore").encode())
    except OSError as error:
        raise ReportsUnwritable(f"{path}: {error.strerror or error}", hint=f"see {_SUMMARY}") from error


def markdown_text(text: str) -> str:
    """Text that Markdown takes for text, in a table as well, and that mentions nobody."""
    return "".join(_MARKDOWN.get(char, char) for char in text)


def _escaped(text: str, escapes: Mapping[str, str]) -> str:
    return "".join(escapes.get(char, char) for char in text)
