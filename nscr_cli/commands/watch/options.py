"""The options that the views of `nscr watch` have in common, and what is read from them."""

import shlex
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from nscr_cli.client.target import Credentials, Target
from nscr_cli.durations import parse_duration, show_duration
from nscr_cli.errors import UsageError

OUTPUT = "Output"
ALERTS = "Alerts"
_SHORTEST_INTERVAL_S = 0.1

For = Annotated[str | None, typer.Option("--for", metavar="TIME", help="Stop after this time, e.g. 60s, 5m, 1h30m.")]
Csv = Annotated[
    Path | None,
    typer.Option("--csv", metavar="FILE", rich_help_panel=OUTPUT, help="Append one row a poll to this time series."),
]
AsJson = Annotated[bool, typer.Option("--json", rich_help_panel=OUTPUT, help="Print JSON documents, one a line.")]
StuckAfter = Annotated[
    str,
    typer.Option(
        "--stuck-after",
        metavar="TIME",
        rich_help_panel=ALERTS,
        help="Alert on uploads that stand still for this long.",
    ),
]
OnAlert = Annotated[
    str | None,
    typer.Option(
        "--on-alert",
        metavar="COMMAND",
        rich_help_panel=ALERTS,
        help="Run this for every alert and recovery, with the facts as JSON on standard input and in NSCR_ALERT_*. "
        "It is split into words as a shell would, but no shell runs it.",
    ),
]


class Wishes(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked of a stream.

    Attributes:
        on_alert: the words of a command.
    """

    reached: Sequence[tuple[Target, Credentials | None]]
    interval_s: float
    total_s: float | None
    csv: Path | None
    as_json: bool
    on_alert: tuple[str, ...] | None


def wishes(
    reached: Sequence[tuple[Target, Credentials | None]],
    interval: str,
    for_: str | None,
    csv: Path | None,
    *,
    as_json: bool,
    on_alert: str | None,
) -> Wishes:
    """What the options say.

    Raises:
        UsageError: there is no registry to watch, or one of them makes no sense.
    """
    if not reached:
        raise UsageError("no registry to watch", hint="name one with --registry-url, or set NSCR_REGISTRY_URL")
    return Wishes(
        reached=reached,
        interval_s=interval_of(interval),
        total_s=parse_duration(for_) if for_ is not None else None,
        csv=csv,
        as_json=as_json,
        on_alert=command_words(on_alert),
    )


def interval_of(interval: str) -> float:
    """Seconds between two polls.

    Raises:
        UsageError: no duration, or too short.
    """
    interval_s = parse_duration(interval)
    if interval_s < _SHORTEST_INTERVAL_S:
        shortest = show_duration(_SHORTEST_INTERVAL_S)
        raise UsageError(f"an interval of {interval!r} is too short", hint=f"{shortest} is the shortest")
    return interval_s


def command_words(command: str | None) -> tuple[str, ...] | None:
    """The words of a command that can be run.

    Raises:
        UsageError: there is no such program, or the words cannot be told apart.
    """
    if command is None:
        return None
    try:
        words = tuple(shlex.split(command))
    except ValueError as error:
        raise UsageError(f"--on-alert {command!r}: {error}", hint="quote it as for a shell") from error
    if not words or shutil.which(words[0]) is None:
        name = words[0] if words else command
        raise UsageError(f"--on-alert: no program {name!r}", hint="name one on PATH, or by its path")
    return words
