"""Who is told of each beat of the dashboard besides the screen: standard output, a time series, commands."""

import json
from collections.abc import Iterator
from functools import partial

import msgspec

from nscr_cli.commands.watch.clock import Clock
from nscr_cli.errors import TargetUnreachable
from nscr_cli.monitors.alert_commands import AlertCommands
from nscr_cli.monitors.rules import NOT_ANSWERING, Notice
from nscr_cli.monitors.streams.lines import notice_document
from nscr_cli.monitors.watch_lines import notice_line, watch_line
from nscr_cli.monitors.watch_session import Sink
from nscr_cli.monitors.watching import SERIES_COLUMNS, Beat, Watching, series_row, told_notices
from nscr_cli.reporting.series import Series

WATCH_FORMAT = 1


class BeatTeller(msgspec.Struct, frozen=True, kw_only=True):
    """Tells of every registry that the dashboard watches.

    Attributes:
        is_shown: the dashboard is on the screen, so nothing is printed.
        is_single: no other registry is watched, so lines need not say which one.
        as_json: documents instead of lines.
    """

    clock: Clock
    is_shown: bool
    is_single: bool
    as_json: bool
    series: Series | None
    commands: AlertCommands | None

    def sinks(self, url: str) -> Iterator[Sink]:
        """Those that are told of one registry; commands first, for they are told even if printing fails."""
        if self.commands is not None:
            yield partial(_run_commands, self.commands, self.clock, url)
        if self.as_json:
            yield partial(_print_json, self.clock, url)
        elif not self.is_shown:
            yield partial(_print_lines, self.clock, None if self.is_single else url)
        if self.series is not None:
            yield partial(_append_row, self.series, self.clock, url)

    def never_answered(self, watching: Watching, at_s: float) -> None:
        """Have the command run for a registry that was silent from the beginning to the end, if it was."""
        if self.commands is None or not isinstance(watching.error, TargetUnreachable):
            return
        text = f"the registry never answered: {watching.error.message}"
        notice = Notice(at_s=at_s, rule=NOT_ANSWERING, subject="registry", text=text)
        self.commands.tell(notice_document(notice, self.clock(at_s), watching.url))


def _run_commands(commands: AlertCommands, clock: Clock, url: str, _: Beat, notices: tuple[Notice, ...]) -> None:
    for notice in notices:
        if notice.is_failure:
            commands.tell(notice_document(notice, clock(notice.at_s), url))


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
