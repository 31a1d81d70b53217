"""`nscr watch`: a live dashboard on a terminal, one line an interval anywhere else, a CSV time series beside either.

Parses, composes, shows. What is wrong is decided in monitors/rules.py, how it looks in monitors/dashboards.py.
"""

import json
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Annotated

import trio
import typer
from rich.console import Console
from rich.live import Live

from nscr_cli.client.monitoring import Monitoring
from nscr_cli.commands.options import (
    CaCert,
    Insecure,
    Password,
    PasswordStdin,
    ProxyUrl,
    RegistryUrl,
    Username,
    connection,
)
from nscr_cli.durations import parse_duration, show_duration
from nscr_cli.errors import UsageError
from nscr_cli.exits import Exit
from nscr_cli.monitors.dashboards import notice_line, render_watch, watch_line
from nscr_cli.monitors.rules import Notice
from nscr_cli.monitors.watch_session import Sink, watch_registry
from nscr_cli.monitors.watching import SERIES_COLUMNS, Beat, Watching, series_row
from nscr_cli.reporting.series import Series
from nscr_cli.ui import can_show_live, results_console

WATCH_FORMAT = 1
_SHORTEST_INTERVAL_S = 0.1
_SIGNAL_EXIT = {signal.SIGINT: Exit.INTERRUPTED, signal.SIGTERM: Exit.TERMINATED}

Clock = Callable[[float], str]


class View(StrEnum):
    """What is shown."""

    DASHBOARD = "dashboard"


def watch(
    view: Annotated[View, typer.Argument(help="What to show.")] = View.DASHBOARD,
    registry_url: RegistryUrl = None,
    interval: Annotated[str, typer.Option("--interval", metavar="TIME", help="How often to poll.")] = "2s",
    for_: Annotated[
        str | None, typer.Option("--for", metavar="TIME", help="Stop after this time, e.g. 60s, 5m, 1h30m.")
    ] = None,
    csv: Annotated[
        Path | None, typer.Option("--csv", metavar="FILE", help="Append one row an interval to this time series.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document an interval.")] = False,
    stuck_after: Annotated[
        str, typer.Option("--stuck-after", metavar="TIME", help="Alert on uploads that stand still for this long.")
    ] = "10m",
    username: Username = None,
    password: Password = None,
    password_stdin: PasswordStdin = False,
    ca_cert: CaCert = None,
    insecure: Insecure = False,
    proxy: ProxyUrl = None,
) -> None:
    """Watch a registry: counts, open uploads and health; alerts when something goes wrong, and when it is over.

    Exits 0 when nothing did, 1 when there was an alert, 5 when the registry never answered.
    """
    if registry_url is None:
        raise UsageError("no registry to watch", hint="name one with --registry-url, or set NSCR_REGISTRY_URL")
    interval_s = parse_duration(interval)
    if interval_s < _SHORTEST_INTERVAL_S:
        shortest = show_duration(_SHORTEST_INTERVAL_S)
        raise UsageError(f"an interval of {interval!r} is too short", hint=f"{shortest} is the shortest")
    total_s = parse_duration(for_) if for_ is not None else None
    target, credentials = connection(
        registry_url,
        username=username,
        password=password,
        password_stdin=password_stdin,
        ca_cert=ca_cert,
        insecure=insecure,
        proxy=proxy,
    )
    watching = Watching(target.url, interval_s=interval_s, total_s=total_s, stuck_after_s=parse_duration(stuck_after))
    started = datetime.now(UTC)
    utc, local = partial(_utc, started), partial(_local, started)
    console = results_console()
    is_live = can_show_live(console) and not as_json
    with ExitStack() as stack:
        sinks: list[Sink] = [] if is_live else [partial(_print_json if as_json else _print_lines, utc)]
        if csv is not None:
            sinks.append(partial(_append_row, stack.enter_context(Series(csv, SERIES_COLUMNS)), utc))
        refresh = stack.enter_context(_screen(console, watching, local)) if is_live else None

        async def run() -> signal.Signals | None:
            async with Monitoring(target, credentials) as poller:
                return await watch_registry(
                    poller, watching, sinks, interval_s=interval_s, total_s=total_s, refresh=refresh
                )

        try:
            ended_by = trio.run(run)
        except BrokenPipeError:  # nobody reads any more, as after `| head`
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            ended_by = None
    if is_live:
        _sum_up(console, watching, local)
    if watching.alerts:
        raise typer.Exit(Exit.INVALID)
    raise typer.Exit(_SIGNAL_EXIT[ended_by] if ended_by is not None else Exit.VALID)


def _utc(started: datetime, at_s: float) -> str:
    return (started + timedelta(seconds=at_s)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _local(started: datetime, at_s: float) -> str:
    return (started + timedelta(seconds=at_s)).astimezone().strftime("%H:%M:%S")


def _append_row(series: Series, clock: Clock, beat: Beat, notices: tuple[Notice, ...]) -> None:
    series.append(series_row(clock(beat.at_s), beat, notices))


def _print_lines(clock: Clock, beat: Beat, notices: tuple[Notice, ...]) -> None:
    print(watch_line(beat, clock), *(notice_line(notice, clock) for notice in notices), sep="\n", flush=True)


def _print_json(clock: Clock, beat: Beat, notices: tuple[Notice, ...]) -> None:
    row = dict(zip(SERIES_COLUMNS, series_row(clock(beat.at_s), beat, notices), strict=True))
    texts = {
        "warnings": beat.warnings,
        "alerts": [f"{notice.rule}: {notice.text}" for notice in notices if not notice.recovered],
        "recoveries": [f"{notice.rule}: {notice.text}" for notice in notices if notice.recovered],
    }
    print(json.dumps({"format": WATCH_FORMAT, **row, **texts}), flush=True)


@contextmanager
def _screen(console: Console, watching: Watching, clock: Clock) -> Iterator[Callable[[float], None]]:
    """The terminal's other screen; what is given draws the dashboard on it. What was there before comes back."""
    with Live(console=console, screen=True, auto_refresh=False) as live:

        def draw(now_s: float) -> None:
            width, height = console.size
            live.update(render_watch(watching.picture(now_s), width, height, clock), refresh=True)

        yield draw


def _sum_up(console: Console, watching: Watching, clock: Clock) -> None:
    for notice in watching.notices:
        style = "green" if notice.recovered else "red"
        console.print(notice_line(notice, clock), style=style, markup=False, soft_wrap=True)
    alerts = "1 alert" if watching.alerts == 1 else f"{watching.alerts} alerts"
    console.print(f"{alerts} while {watching.url} was watched", markup=False, soft_wrap=True)
