"""`nscr watch dashboard`: live on a terminal, one line an interval anywhere else, a CSV time series beside either.

Parses, composes, shows. What is wrong is decided in monitors/rules.py, how it looks in monitors/dashboards.py.
"""

import subprocess
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, ExitStack
from datetime import UTC, datetime
from functools import partial

import trio
import typer

from nscr_cli.client.monitoring import Monitoring
from nscr_cli.client.registry import RegistryClient
from nscr_cli.client.target import Credentials, Target
from nscr_cli.client.tokens import Tokens
from nscr_cli.client.transport import USER_AGENT
from nscr_cli.client.trust import dialer_for
from nscr_cli.commands.option_groups import spread
from nscr_cli.commands.options import Access, RegistryUrls
from nscr_cli.commands.watch.beats import BeatTeller
from nscr_cli.commands.watch.clock import local_clock, utc_clock
from nscr_cli.commands.watch.ending import exit_code, say
from nscr_cli.commands.watch.keys import single_keys, wait_to_leave
from nscr_cli.commands.watch.options import (
    AsJson,
    Csv,
    For,
    Interval,
    OnAlert,
    StuckAfter,
    command_words,
    interval_of,
)
from nscr_cli.commands.watch.screen import screen, sum_up
from nscr_cli.durations import parse_duration
from nscr_cli.errors import UsageError
from nscr_cli.monitors.alert_commands import open_alert_commands
from nscr_cli.monitors.looking import RegistryReader
from nscr_cli.monitors.watch_session import Ending, Watched, watch_registries
from nscr_cli.monitors.watching import SERIES_COLUMNS, Watching
from nscr_cli.reporting.series import Series
from nscr_cli.streams import drop_results
from nscr_cli.ui import can_show_live, results_console

_STDERR = 2


@spread
def dashboard(
    *,
    registry_url: RegistryUrls = None,
    interval: Interval = "2s",
    for_: For = None,
    csv: Csv = None,
    as_json: AsJson = False,
    stuck_after: StuckAfter = "10m",
    on_alert: OnAlert = None,
    access: Access,
) -> None:
    """Watch registries: counts, open uploads and health; alerts when something goes wrong, and when it is over.

    The options --prometheus and --probe are those of the streams: `nscr watch
    health --help` and the other views.

    Exits 0 when nothing did, 1 when there was an alert, 5 when a registry never
    answered.
    """
    if not registry_url:
        raise UsageError("no registry to watch", hint="name one with --registry-url, or set NSCR_REGISTRY_URL")
    interval_s = interval_of(interval)
    total_s = parse_duration(for_) if for_ is not None else None
    stuck_after_s = parse_duration(stuck_after)
    command = command_words(on_alert)
    reached = access.connections(registry_url)
    watchings = [
        Watching(target.url, interval_s=interval_s, total_s=total_s, stuck_after_s=stuck_after_s)
        for target, _ in reached
    ]
    started = datetime.now(UTC)
    utc, local = utc_clock(started), local_clock(started)
    console = results_console()
    is_live = can_show_live(console) and not as_json
    failures: list[str] = []
    with ExitStack() as stack:
        series = stack.enter_context(Series(csv, SERIES_COLUMNS)) if csv is not None else None
        keys = stack.enter_context(single_keys()) if is_live else None
        leaving = "q leaves" if keys is not None else None
        refresh = stack.enter_context(screen(console, watchings, local, leaving=leaving)) if is_live else None

        async def run() -> Ending:
            # What commands print and what goes wrong with them has no place on the screen.
            told = failures.append if is_live else say
            output = subprocess.DEVNULL if is_live else _STDERR
            async with open_alert_commands(command, say=told, output=output) as commands:
                teller = BeatTeller(
                    clock=utc,
                    is_shown=is_live,
                    is_single=len(watchings) == 1,
                    as_json=as_json,
                    series=series,
                    commands=commands,
                )
                left = partial(wait_to_leave, keys) if keys is not None else None
                watch = partial(watch_registries, interval_s=interval_s, total_s=total_s, refresh=refresh, left=left)
                ending = await _watch(reached, watchings, teller, watch)
                for watching in watchings if commands is not None else ():
                    teller.never_answered(watching, (datetime.now(UTC) - started).total_seconds())
                if commands is not None:
                    await commands.finish(is_hurried=ending.ended_by is not None)
            return ending

        ending = _unless_unread(run, watchings)
    if is_live:
        for watching in watchings:
            sum_up(console, watching, local, now_s=(datetime.now(UTC) - started).total_seconds())
    for failure in failures:
        say(failure)
    alerts = sum(watching.alerts for watching in watchings)
    raise typer.Exit(exit_code(alerts, ending, is_single=len(watchings) == 1))


async def _watch(
    reached: Sequence[tuple[Target, Credentials | None]],
    watchings: Sequence[Watching],
    teller: BeatTeller,
    watch: Callable[[Sequence[Watched]], Awaitable[Ending]],
) -> Ending:
    async with AsyncExitStack() as opened:
        registries = []
        for (target, credentials), watching in zip(reached, watchings, strict=True):
            tokens = Tokens(target, credentials, user_agent=USER_AGENT)
            poller = await opened.enter_async_context(Monitoring(target, credentials, tokens=tokens))
            client = RegistryClient(dialer_for(target), target, credentials, tokens=tokens)
            opened.push_async_callback(client.aclose)
            sinks = tuple(teller.sinks(watching.url))
            registries.append(Watched(poller=poller, watching=watching, sinks=sinks, reader=RegistryReader(client)))
        return await watch(registries)


def _unless_unread(run: Callable[[], Awaitable[Ending]], watchings: Sequence[Watching]) -> Ending:
    """How it ends; where nobody reads any more what is printed, as after `| head`, an alert counts for more."""
    try:
        return trio.run(run)
    except BrokenPipeError:
        if not any(watching.alerts for watching in watchings):
            raise
        drop_results()
        return Ending()
