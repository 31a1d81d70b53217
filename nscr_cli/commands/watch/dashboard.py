"""`nscr watch dashboard`: live on a terminal, one line an interval anywhere else, a CSV time series beside either.

Parses, composes, shows. What is wrong is decided in monitors/rules.py, how it looks in monitors/dashboards.py.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import AsyncExitStack, ExitStack, contextmanager
from datetime import UTC, datetime
from functools import partial

import trio
import typer
from rich.console import Console
from rich.live import Live

from nscr_cli.client.monitoring import Monitoring
from nscr_cli.client.registry import RegistryClient
from nscr_cli.client.tokens import Tokens
from nscr_cli.client.transport import USER_AGENT
from nscr_cli.client.trust import dialer_for
from nscr_cli.commands.option_groups import spread
from nscr_cli.commands.options import Access, RegistryUrls
from nscr_cli.commands.watch.clock import Clock, local_clock, utc_clock
from nscr_cli.commands.watch.ending import exit_code
from nscr_cli.commands.watch.options import AsJson, Csv, For, Interval, StuckAfter, interval_of
from nscr_cli.durations import parse_duration
from nscr_cli.errors import UsageError
from nscr_cli.monitors.dashboard_layout import render_dashboard
from nscr_cli.monitors.looking import RegistryReader
from nscr_cli.monitors.rules import Notice
from nscr_cli.monitors.watch_lines import notice_line, notice_style, watch_line
from nscr_cli.monitors.watch_session import Ending, Sink, Watched, watch_registries
from nscr_cli.monitors.watching import SERIES_COLUMNS, Beat, Watching, series_row, told_notices
from nscr_cli.reporting.series import Series
from nscr_cli.streams import drop_results
from nscr_cli.ui import can_show_live, printable, results_console

WATCH_FORMAT = 1


@spread
def dashboard(
    *,
    registry_url: RegistryUrls = None,
    interval: Interval = "2s",
    for_: For = None,
    csv: Csv = None,
    as_json: AsJson = False,
    stuck_after: StuckAfter = "10m",
    access: Access,
) -> None:
    """Watch registries: counts, open uploads and health; alerts when something goes wrong, and when it is over.

    The options --on-alert, --prometheus and --probe are those of the streams:
    `nscr watch health --help` and the other views.

    Exits 0 when nothing did, 1 when there was an alert, 5 when a registry never
    answered.
    """
    if not registry_url:
        raise UsageError("no registry to watch", hint="name one with --registry-url, or set NSCR_REGISTRY_URL")
    interval_s = interval_of(interval)
    total_s = parse_duration(for_) if for_ is not None else None
    stuck_after_s = parse_duration(stuck_after)
    reached = access.connections(registry_url)
    watchings = [
        Watching(target.url, interval_s=interval_s, total_s=total_s, stuck_after_s=stuck_after_s)
        for target, _ in reached
    ]
    started = datetime.now(UTC)
    utc, local = utc_clock(started), local_clock(started)
    console = results_console()
    is_live = can_show_live(console) and not as_json
    with ExitStack() as stack:
        series = stack.enter_context(Series(csv, SERIES_COLUMNS)) if csv is not None else None
        refresh = stack.enter_context(_screen(console, watchings, local)) if is_live else None

        def sinks(watching: Watching) -> Iterator[Sink]:
            if as_json:
                yield partial(_print_json, utc, watching.url)
            elif not is_live:
                yield partial(_print_lines, utc, watching.url if len(watchings) > 1 else None)
            if series is not None:
                yield partial(_append_row, series, utc, watching.url)

        async def run() -> Ending:
            async with AsyncExitStack() as opened:
                registries = []
                for (target, credentials), watching in zip(reached, watchings, strict=True):
                    tokens = Tokens(target, credentials, user_agent=USER_AGENT)
                    poller = await opened.enter_async_context(Monitoring(target, credentials, tokens=tokens))
                    client = RegistryClient(dialer_for(target), target, credentials, tokens=tokens)
                    opened.push_async_callback(client.aclose)
                    registries.append(
                        Watched(
                            poller=poller,
                            watching=watching,
                            sinks=tuple(sinks(watching)),
                            reader=RegistryReader(client),
                        )
                    )
                return await watch_registries(registries, interval_s=interval_s, total_s=total_s, refresh=refresh)

        try:
            ending = trio.run(run)
        except BrokenPipeError:  # nobody reads any more, as after `| head`
            if not any(watching.alerts for watching in watchings):
                raise
            drop_results()
            ending = Ending()
    if is_live:
        for watching in watchings:
            _sum_up(console, watching, local, now_s=(datetime.now(UTC) - started).total_seconds())
    alerts = sum(watching.alerts for watching in watchings)
    raise typer.Exit(exit_code(alerts, ending, is_single=len(watchings) == 1))


def _append_row(series: Series, clock: Clock, url: str, beat: Beat, notices: tuple[Notice, ...]) -> None:
    series.append(series_row(clock(beat.at_s), url, beat, notices))


def _print_lines(clock: Clock, url: str | None, beat: Beat, notices: tuple[Notice, ...]) -> None:
    lines = (watch_line(beat, clock, url), *(notice_line(notice, clock, url) for notice in notices))
    print(*lines, sep="\n", flush=True)


def _print_json(clock: Clock, url: str, beat: Beat, notices: tuple[Notice, ...]) -> None:
    row = dict(zip(SERIES_COLUMNS, series_row(clock(beat.at_s), url, beat, notices), strict=True))
    alerts, recoveries, others = told_notices(notices)
    texts = {"warnings": beat.warnings, "alerts": alerts, "recoveries": recoveries, "notices": others}
    print(json.dumps({"format": WATCH_FORMAT, **row, **texts}), flush=True)


@contextmanager
def _screen(console: Console, watchings: Sequence[Watching], clock: Clock) -> Iterator[Callable[[float], None]]:
    """The terminal's other screen; what is given draws the dashboard on it. What was there before comes back."""
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
            live.update(render_dashboard(pictures, width, height, clock), refresh=True)

        yield draw


def _sum_up(console: Console, watching: Watching, clock: Clock, *, now_s: float) -> None:
    """What was told, what is still wrong, and how many alerts there were."""
    for notice in watching.notices:
        style = notice_style(notice)
        console.print(notice_line(notice, clock), style=style, markup=False, soft_wrap=True)
    for trouble in watching.picture(now_s).troubles:
        line = f"NOT OVER {trouble.rule} since {clock(trouble.since_s)}: {printable(trouble.text)}"
        console.print(line, style="bold red", markup=False, soft_wrap=True)
    alerts = "1 alert" if watching.alerts == 1 else f"{watching.alerts} alerts"
    console.print(f"{alerts} while {watching.url} was watched", markup=False, soft_wrap=True)
