"""Who is told what a stream sees of one registry: standard output, a time series, commands, the exporter."""

import json
from datetime import datetime

from nscr_cli.commands.watch.clock import utc_clock
from nscr_cli.monitors.alert_commands import AlertCommands
from nscr_cli.monitors.exporter import Exporter
from nscr_cli.monitors.probe_rules import ProbeRules, probe_document, probe_line
from nscr_cli.monitors.round_trip import RoundTrip
from nscr_cli.monitors.rules import Notice
from nscr_cli.monitors.streams.lines import STREAM_FORMAT, documents, lines, notice_document, series_row
from nscr_cli.monitors.streams.report import Report
from nscr_cli.monitors.watch_lines import notice_line
from nscr_cli.reporting.series import Series


class Teller:
    """Tells of one registry.

    Args:
        view: the name of the view.
        is_single: no other registry is watched, so lines need not say which one.
        as_json: documents instead of lines.

    Attributes:
        alerts: how many there were.
    """

    def __init__(
        self,
        url: str,
        view: str,
        started: datetime,
        *,
        is_single: bool,
        as_json: bool,
        series: Series | None = None,
        commands: AlertCommands | None = None,
        exporter: Exporter | None = None,
    ) -> None:
        self._url = url
        self._named = None if is_single else url
        self._view = view
        self._started_s = started.timestamp()
        self._clock = utc_clock(started)
        self._as_json = as_json
        self._series = series
        self._commands = commands
        self._exporter = exporter
        self.alerts = 0

    def round(self, report: Report) -> None:
        """Tell of a round.

        Raises:
            BrokenPipeError: nobody reads what is printed.
            ReportsUnwritable: the time series cannot be written.
        """
        if self._exporter is not None:
            self._exporter.observe(self._url, report, self._started_s + report.at_s)
        self._note(report.notices)
        if self._series is not None:
            self._series.append(series_row(report, self._clock, self._url))
        if self._as_json:
            _print(*(json.dumps(each) for each in documents(report, self._clock, self._url, self._view)))
        else:
            _print(*lines(report, self._clock, self._named))

    def probe(self, rules: ProbeRules, made: RoundTrip, at_s: float) -> None:
        """Tell of an end-to-end probe.

        Raises:
            BrokenPipeError: nobody reads what is printed.
        """
        notices = rules.follow(at_s, made)
        if self._exporter is not None:
            self._exporter.probed(self._url, made, notices, self._started_s + at_s)
        self._note(notices)
        if self._as_json:
            told = [notice_document(each, self._clock(at_s), self._url) for each in notices]
            first = probe_document(made, at_s, self._clock, self._url)
            named = {"format": first["format"], "view": first["view"]}
            _print(json.dumps(first), *(json.dumps(named | each) for each in told))
        else:
            line = probe_line(made, at_s, self._clock, self._named)
            _print(line, *(notice_line(each, self._clock, self._named) for each in notices))

    def never_answered(self, notice: Notice) -> None:
        """Tell that there is nothing to watch, for the registry is silent. No alert is counted: it is an error.

        Raises:
            BrokenPipeError: nobody reads what is printed.
        """
        told = notice_document(notice, self._clock(notice.at_s), self._url)
        if self._commands is not None:
            self._commands.tell(told)
        if self._as_json:
            _print(json.dumps({"format": STREAM_FORMAT, "view": self._view} | told))
        else:
            _print(notice_line(notice, self._clock, self._named))

    def _note(self, notices: tuple[Notice, ...]) -> None:
        self.alerts += sum(notice.is_alert for notice in notices)
        for notice in notices:
            if self._commands is not None and notice.is_failure:
                self._commands.tell(notice_document(notice, self._clock(notice.at_s), self._url))


def _print(*told: str) -> None:
    print(*told, sep="\n", flush=True)
