"""What the streaming views have in common: compose a watch from options, print what it tells, and end with its code."""

import json
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, ExitStack
from datetime import UTC, datetime
from functools import partial

import trio
import typer

from nscr_cli.client.monitoring import Monitoring
from nscr_cli.commands.watch.clock import Clock, utc_clock
from nscr_cli.commands.watch.options import Wishes
from nscr_cli.exits import Exit
from nscr_cli.monitors.alert_commands import AlertCommands, open_alert_commands
from nscr_cli.monitors.streams.lines import columns_of, documents, lines, notice_document, series_row
from nscr_cli.monitors.streams.report import Follower, Report
from nscr_cli.monitors.streams.running import Followed, Sink, follow_registries
from nscr_cli.monitors.watch_session import Ending
from nscr_cli.reporting.series import Series
from nscr_cli.ui import printable, progress_console

_SIGNAL_EXIT = {signal.SIGINT: Exit.INTERRUPTED, signal.SIGTERM: Exit.TERMINATED}
_STDERR = 2


class _Tally:
    """What was told so far."""

    def __init__(self) -> None:
        self.alerts = 0

    def count(self, report: Report) -> None:
        self.alerts += sum(not notice.recovered for notice in report.notices)


def stream(view: type[Follower], make: Callable[[], Follower], wishes: Wishes) -> None:
    """Run a view until it ends, and exit.

    Raises:
        NscrError: the only registry never answered, or something cannot be written.
        typer.Exit: with the code that the watch ends with.
    """
    clock = utc_clock(datetime.now(UTC))
    tally = _Tally()
    is_single = len(wishes.reached) == 1
    with ExitStack() as stack:
        series = stack.enter_context(Series(wishes.csv, columns_of(view.columns))) if wishes.csv is not None else None

        def sinks(url: str, commands: AlertCommands | None) -> Iterator[Sink]:
            yield tally.count
            if wishes.as_json:
                yield partial(_print_json, clock, url, view.name)
            else:
                yield partial(_print_lines, clock, None if is_single else url)
            if series is not None:
                yield lambda report: series.append(series_row(report, clock, url))
            if commands is not None:
                yield partial(_run_commands, commands, clock, url)

        async def run() -> Ending:
            async with (
                AsyncExitStack() as pollers,
                open_alert_commands(wishes.on_alert, say=_say, output=_STDERR) as commands,
            ):
                registries = [
                    Followed(
                        url=target.url,
                        poller=await pollers.enter_async_context(Monitoring(target, credentials)),
                        follower=make(),
                        sinks=tuple(sinks(target.url, commands)),
                    )
                    for target, credentials in wishes.reached
                ]
                ending = await follow_registries(registries, interval_s=wishes.interval_s, total_s=wishes.total_s)
                if commands is not None and ending.failure is None:
                    await commands.finish(is_hurried=ending.ended_by is not None)
            return ending

        ending = trio.run(run)
        if isinstance(ending.failure, BrokenPipeError):  # nobody reads any more, as after `| head`
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        elif ending.failure is not None:
            raise ending.failure
    raise typer.Exit(_exit_code(tally.alerts, ending, is_single=is_single))


def _exit_code(alerts: int, ending: Ending, *, is_single: bool) -> Exit:
    """Alerts come first; then what there was nothing to watch of, which is told here unless it is all there is."""
    if ending.errors and is_single:
        raise ending.errors[0]
    for error in ending.errors:
        _say(f"{error.message}; {error.hint}")
    if alerts:
        return Exit.INVALID
    if ending.errors:
        return ending.errors[0].exit_code
    return _SIGNAL_EXIT[ending.ended_by] if ending.ended_by is not None else Exit.VALID


def _print_lines(clock: Clock, url: str | None, report: Report) -> None:
    print(*lines(report, clock, url), sep="\n", flush=True)


def _print_json(clock: Clock, url: str, view: str, report: Report) -> None:
    print(*(json.dumps(each) for each in documents(report, clock, url, view)), sep="\n", flush=True)


def _run_commands(commands: AlertCommands, clock: Clock, url: str, report: Report) -> None:
    for notice in report.notices:
        commands.tell(notice_document(notice, clock(notice.at_s), url))


def _say(what: str) -> None:
    progress_console().print(f"nscr: {printable(what, limit=2000)}", markup=False, soft_wrap=True)
