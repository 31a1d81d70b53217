"""The options that the views of `nscr watch` have in common, and what is read from them."""

import re
import shlex
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from nscr_cli.client.target import Credentials, Target
from nscr_cli.commands.option_groups import OptionGroup
from nscr_cli.durations import parse_duration, show_duration
from nscr_cli.errors import UsageError
from nscr_cli.targets.external import check_consent

OUTPUT = "Output"
ALERTS = "Alerts"
PROBING = "End-to-end probe"
_NAMESPACE = re.compile(r"[a-z0-9]+(?:[._-]+[a-z0-9]+)*(?:/[a-z0-9]+(?:[._-]+[a-z0-9]+)*)*")
_LARGEST_PORT = 65535
_SHORTEST_INTERVAL_S = 0.1

For = Annotated[str | None, typer.Option("--for", metavar="TIME", help="Stop after this time, e.g. 60s, 5m, 1h30m.")]
Csv = Annotated[
    Path | None,
    typer.Option("--csv", metavar="FILE", rich_help_panel=OUTPUT, help="Append one row a poll to this time series."),
]
Interval = Annotated[str, typer.Option("--interval", metavar="TIME", help="How often to poll.")]
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
        help="Run this for every alert and recovery, and for a registry that never answers, with the facts as JSON "
        "on standard input and in NSCR_ALERT_*. It is split into words as a shell would, but no shell runs it.",
    ),
]


class StreamOptions(OptionGroup, frozen=True):
    """What every stream can be asked for."""

    for_: For = None
    csv: Csv = None
    as_json: AsJson = False
    on_alert: OnAlert = None
    prometheus: Annotated[
        str | None,
        typer.Option(
            "--prometheus",
            metavar="PORT",
            rich_help_panel=OUTPUT,
            help="Serve what is watched as metrics on this port of 127.0.0.1, or on HOST:PORT; 0 takes any free port.",
        ),
    ] = None
    probe: Annotated[
        str | None,
        typer.Option(
            "--probe",
            metavar="TIME",
            rich_help_panel=PROBING,
            help="Push a tiny image this often, look at its tag, pull it, and delete the one before.",
        ),
    ] = None
    namespace: Annotated[
        str,
        typer.Option(
            "--namespace",
            metavar="NAME",
            rich_help_panel=PROBING,
            help="Probe in a new repository below this, nowhere else.",
        ),
    ] = "nscr-probe"
    i_may_torture: Annotated[
        list[str] | None,
        typer.Option(
            "--i-may-torture",
            metavar="HOST",
            rich_help_panel=PROBING,
            help="Consent to write to a registry that is not on this machine (repeatable).",
        ),
    ] = None


class Wishes(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked of a stream.

    Attributes:
        on_alert: the words of a command.
        prometheus: host and port of the exporter.
        probe_s: how often to probe; None for never.
    """

    reached: Sequence[tuple[Target, Credentials | None]]
    interval_s: float
    total_s: float | None
    csv: Path | None
    as_json: bool
    on_alert: tuple[str, ...] | None
    prometheus: tuple[str, int] | None
    probe_s: float | None
    namespace: str


def wishes(reached: Sequence[tuple[Target, Credentials | None]], interval: str, options: StreamOptions) -> Wishes:
    """What the options say.

    Raises:
        UsageError: there is no registry to watch, or one of them makes no sense.
        ConsentError: a registry is to be probed, and nobody said that it may be written to.
    """
    if not reached:
        raise UsageError("no registry to watch", hint="name one with --registry-url, or set NSCR_REGISTRY_URL")
    if options.probe is not None:
        if not _NAMESPACE.fullmatch(options.namespace):
            raise UsageError(
                f"--namespace {options.namespace!r} is no name of a repository",
                hint="lower case: letters, digits, . _ - and /",
            )
        may_torture = options.i_may_torture or ()
        for target, _ in reached:
            consented = [host for host in may_torture if host.lower() == target.host.lower()]
            check_consent(target, consented[0] if consented else next(iter(may_torture), None))
    return Wishes(
        reached=reached,
        interval_s=interval_of(interval),
        total_s=parse_duration(options.for_) if options.for_ is not None else None,
        csv=options.csv,
        as_json=options.as_json,
        on_alert=command_words(options.on_alert),
        prometheus=listening_at(options.prometheus),
        probe_s=interval_of(options.probe) if options.probe is not None else None,
        namespace=options.namespace,
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


def listening_at(address: str | None) -> tuple[str, int] | None:
    """Host and port of `PORT` or `HOST:PORT`; loopback where no host is named.

    Raises:
        UsageError: it is neither.
    """
    if address is None:
        return None
    host, _, port = address.rpartition(":")
    if not (port.isascii() and port.isdigit() and int(port) <= _LARGEST_PORT):
        raise UsageError(f"--prometheus {address!r} names no port", hint="write 9464, 0 for any, or 0.0.0.0:9464")
    return host.removeprefix("[").removesuffix("]") or "127.0.0.1", int(port)


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
