"""A registry that is being watched: what the rounds of polls add up to. Mutable, but pure: time is an argument.

Keeps a bounded past for the sparklines, the alerts so far, and gives the picture that dashboards and lines show.
"""

from collections import deque
from collections.abc import Mapping

import msgspec

from nscr_cli.client.monitoring.documents import Session, State
from nscr_cli.errors import NscrError, TargetRefused
from nscr_cli.monitors.probing import V2, Catalog, probe_conditions
from nscr_cli.monitors.rules import (
    ENDPOINTS,
    HEALTH,
    NOT_ANSWERING,
    RESTARTED,
    Answer,
    Condition,
    Memory,
    Notice,
    Round,
    follow,
    read_round,
)
from nscr_cli.monitors.throughput import Rates
from nscr_cli.monitors.troubles import Trouble, worst_first

_BEATS_KEPT = 400
_NOTICES_KEPT = 100
_LISTED = 100
TIMED = (*ENDPOINTS, V2)
SERIES_COLUMNS = (
    "utc", "elapsed_s", "registry", "answered", "status", "uptime_ms", "repositories", "manifests", "blobs",
    "unreferenced_blobs", "orphaned_manifests", "space_to_free", "open_uploads", "oldest_upload_s",
    "log_stream_clients", "generation", "state_ms", "health_ms", "sessions_ms", "v2_ms",
    "warnings", "alerts", "recoveries", "notices",
)  # fmt: skip


Row = tuple[str | int | float | bool | None, ...]


class Beat(msgspec.Struct, frozen=True, kw_only=True):
    """The figures of one round; None where the endpoint that tells it had no usable answer.

    Attributes:
        is_answered: at least one endpoint answered.
        latencies_ms: of each of TIMED; None for one that did not answer.
        oldest_upload_s: age of the oldest open upload, by the registry's own clock.
        error: why there was no answer, where there was none.
        read_rate, write_rate: bytes a second, where the registry tells them.
        is_probe: only `/v2/` was asked.
        is_troubled: something was wrong.
        is_restart: the registry was started anew since the round before.
    """

    at_s: float
    is_answered: bool
    latencies_ms: tuple[float | None, ...]
    status: str | None = None
    uptime_ms: int | None = None
    repositories: int | None = None
    manifests: int | None = None
    blobs: int | None = None
    unreferenced_blobs: int | None = None
    orphaned_manifests: int | None = None
    space_to_free: int | None = None
    open_uploads: int | None = None
    oldest_upload_s: float | None = None
    log_stream_clients: int | None = None
    generation: int | None = None
    warnings: tuple[str, ...] = ()
    error: str | None = None
    read_rate: float | None = None
    write_rate: float | None = None
    is_probe: bool = False
    is_restart: bool = False
    is_troubled: bool = False

    @property
    def slowest_ms(self) -> float | None:
        """The slowest answer of the round."""
        return max((latency for latency in self.latencies_ms if latency is not None), default=None)


class Upload(msgspec.Struct, frozen=True, kw_only=True):
    """An open upload, with its ages by the registry's own clock."""

    name: str
    age_s: float
    idle_s: float
    chunks: int
    received: int | None


class Picture(msgspec.Struct, frozen=True, kw_only=True):
    """One instant of a watch.

    Attributes:
        beats: the past, oldest first; empty before the first round.
        answered_s: when a round last had an answer; None before the first.
        troubles: what is wrong now, the worst first.
        notices: alerts and recoveries so far, oldest first, the newest of them.
        alerts: how many alerts there were in all.
        error: why there is nothing to watch, where there never was a usable answer.
        is_refused: there was one, and it does not let us in or is no registry's.
        absence: why only `/v2/` is probed, where it is.
        repositories: the first that the registry lists, with the number of their tags.
        restarted_s: when it was seen last that the registry had been started anew.
    """

    url: str
    interval_s: float
    elapsed_s: float
    total_s: float | None
    version: str | None
    beats: tuple[Beat, ...]
    uploads: tuple[Upload, ...]
    answered_s: float | None
    troubles: tuple[Trouble, ...]
    is_silent: bool
    notices: tuple[Notice, ...]
    alerts: int
    error: str | None = None
    is_refused: bool = False
    absence: str | None = None
    repositories: tuple[tuple[str, int], ...] = ()
    restarted_s: float | None = None


class Watching:
    """Follows the rounds of one registry.

    Attributes:
        error: why there is nothing to watch of it so far.
        absence: why only `/v2/` is probed; None where the monitoring API is watched.
        rounds: how many there were.
        state: of the last round; None where it brought none.
        rates: that the registry tells, where it does.
        found: what is wrong now by other looks at the registry than the rounds.
        catalog: what `/v2/_catalog` last listed, where only `/v2/` is probed and it is offered.
    """

    def __init__(self, url: str, *, interval_s: float, total_s: float | None, stuck_after_s: float) -> None:
        self.url = url
        self._interval_s = interval_s
        self._total_s = total_s
        self._stuck_after_s = stuck_after_s
        self._memory = Memory()
        self._beats: deque[Beat] = deque(maxlen=_BEATS_KEPT)
        self.notices: deque[Notice] = deque(maxlen=_NOTICES_KEPT)
        self._uploads: tuple[Upload, ...] = ()
        self._version: str | None = None
        self._repositories: tuple[tuple[str, int], ...] = ()
        self._restarted_s: float | None = None
        self.answered_s: float | None = None
        self.alerts = 0
        self.rounds = 0
        self.error: NscrError | None = None
        self.absence: str | None = None
        self.catalog: Catalog | None = None
        self.state: State | None = None
        self.rates: Rates | None = None
        self.found: tuple[Condition, ...] = ()

    def observe(self, at_s: float, answers: Mapping[str, Answer]) -> tuple[Beat, tuple[Notice, ...]]:
        """Take in one round; its figures, and what it changed.

        Silence before the first answer is no alert: the registry has not stopped answering, it never began.
        """
        self.rounds += 1
        current = read_round(at_s, answers)
        beat = _beat(current) if self.absence is None else _probed(current, self.catalog)
        if self.answered_s is None and current.is_silent:
            self._beats.append(beat)
            return beat, ()
        self._memory, notices = follow(
            self._memory, current, stuck_after_s=self._stuck_after_s, besides=(*probe_conditions(answers), *self.found)
        )
        beat = msgspec.structs.replace(beat, is_troubled=bool(self._memory.since))
        if self.rates is not None and not current.is_silent:
            beat = msgspec.structs.replace(beat, read_rate=self.rates.read, write_rate=self.rates.written)
        self.notices.extend(notices)
        self.alerts += sum(notice.is_alert for notice in notices)
        if any(notice.rule == RESTARTED for notice in notices):
            self._restarted_s = at_s
            beat = msgspec.structs.replace(beat, is_restart=True)
        self._beats.append(beat)
        if not current.is_silent:
            self.answered_s = at_s
        self.state = current.state
        if current.state is not None:
            self._version = current.state.registry_version
            self._repositories = tuple((each.name, each.tag_count) for each in current.state.repositories[:_LISTED])
        if current.sessions is not None:
            oldest_first = sorted(current.sessions.active_sessions, key=lambda session: session.start_time)
            self._uploads = tuple(_upload(session, current.sessions.timestamp) for session in oldest_first)
        return beat, notices

    def picture(self, now_s: float) -> Picture:
        """How things stand at `now_s`."""
        since = self._memory.since
        return Picture(
            url=self.url,
            interval_s=self._interval_s,
            elapsed_s=now_s,
            total_s=self._total_s,
            version=self._version,
            beats=tuple(self._beats),
            uploads=self._uploads,
            answered_s=self.answered_s,
            troubles=worst_first(since),
            is_silent=any(condition.rule == NOT_ANSWERING and condition.subject for condition in since),
            notices=tuple(self.notices),
            alerts=self.alerts,
            error=self.error.message if self.error is not None else None,
            is_refused=isinstance(self.error, TargetRefused),
            absence=self.absence,
            repositories=self._repositories,
            restarted_s=self._restarted_s,
        )


def series_row(
    utc: str, url: str, beat: Beat, notices: tuple[Notice, ...]
) -> tuple[str | int | float | bool | None, ...]:
    """A round as a row of the time series, in the order of SERIES_COLUMNS."""
    return (
        utc,
        round(beat.at_s, 3),
        url,
        beat.is_answered,
        beat.status,
        beat.uptime_ms,
        beat.repositories,
        beat.manifests,
        beat.blobs,
        beat.unreferenced_blobs,
        beat.orphaned_manifests,
        beat.space_to_free,
        beat.open_uploads,
        beat.oldest_upload_s,
        beat.log_stream_clients,
        beat.generation,
        *beat.latencies_ms,
        "; ".join(beat.warnings),
        *("; ".join(told) for told in told_notices(notices)),
    )


def told_notices(notices: tuple[Notice, ...]) -> tuple[list[str], list[str], list[str]]:
    """Alerts, recoveries, and what is neither, each as a text."""
    alerts = [notice for notice in notices if notice.is_alert]
    recoveries = [notice for notice in notices if notice.recovered]
    others = [notice for notice in notices if not notice.is_failure]
    told = [[f"{notice.rule}: {notice.text}" for notice in some] for some in (alerts, recoveries, others)]
    return told[0], told[1], told[2]


def _beat(current: Round) -> Beat:
    state, health, sessions = current.state, current.health, current.sessions
    beat = _timed(current)
    if state is not None:
        beat = msgspec.structs.replace(
            beat,
            status=state.health.status,
            uptime_ms=state.health.uptime,
            repositories=state.summary.total_repositories,
            manifests=state.summary.total_manifests,
            blobs=state.summary.total_blobs,
            unreferenced_blobs=state.summary.unreferenced_blobs,
            orphaned_manifests=state.summary.orphaned_manifests,
            space_to_free=state.summary.estimated_space_to_free,
            open_uploads=state.active_sessions.count,
            log_stream_clients=state.health.log_stream_clients,
            generation=state.generation,
        )
    if health is not None:
        beat = msgspec.structs.replace(
            beat,
            status=health.status,
            uptime_ms=health.uptime + round(current.answers[HEALTH].age_s * 1000),
            warnings=tuple(health.warnings),
        )
    if sessions is not None:
        ages = [(sessions.timestamp - session.start_time) / 1000 for session in sessions.active_sessions]
        beat = msgspec.structs.replace(
            beat, open_uploads=sessions.total_active_sessions, oldest_upload_s=max(ages, default=None)
        )
    return beat


def _probed(current: Round, catalog: Catalog | None) -> Beat:
    """A probe of `/v2/` has no figures but those of the catalog, which is read more rarely."""
    status = current.answers[V2].status
    return msgspec.structs.replace(
        _timed(current),
        is_probe=True,
        status=("up" if status == 200 else f"HTTP {status}") if status is not None else None,
        repositories=catalog.repositories if catalog is not None else None,
    )


def _timed(current: Round) -> Beat:
    answers = [current.answers.get(endpoint) for endpoint in TIMED]
    reasons = (answer.error for answer in answers if answer is not None)
    return Beat(
        at_s=current.at_s,
        is_answered=not current.is_silent,
        latencies_ms=tuple(
            answer.latency_ms if answer is not None and answer.status is not None else None for answer in answers
        ),
        error=next(filter(None, reasons), "no answer") if current.is_silent else None,
    )


def _upload(session: Session, now_ms: int) -> Upload:
    return Upload(
        name=f"{session.repository} {session.id}" if session.repository else session.id,
        age_s=max(0, now_ms - session.start_time) / 1000,
        idle_s=max(0, now_ms - session.last_activity) / 1000,
        chunks=session.blob_count,
        received=session.bytes_received,
    )
