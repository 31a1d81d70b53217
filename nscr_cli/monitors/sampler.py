"""Polls the monitoring API during a run; every poll becomes a Sample, whatever came back.

A sample is an interval: the answer was true at some instant between asking and its arrival. Bodies come from the
registry: only JSON enters the journal, on one line, and redacted like everything else.
"""

import contextlib
from collections import deque
from collections.abc import Callable, Iterable
from typing import Protocol

import msgspec
import trio

from nscr_cli.foreign_json import Unreadable, read_json
from nscr_cli.history.ops import Sample
from nscr_cli.history.redaction import redacted
from nscr_cli.monitors.polling import Poller

LOAD_ENDPOINTS = ("/api/registry/state", "/api/registry/health", "/api/registry/sessions")
TURN_ENDPOINTS = ("/api/garbage-collect/stats", "/api/registry/blobs")
QUIET_ENDPOINTS = (*LOAD_ENDPOINTS, *TURN_ENDPOINTS)
# Not in docs/external-api.md: a registry with that API may be without them.
FURTHER_ENDPOINTS = ("/api/registry/repositories", "/api/registry/storage", "/api/web/status")
MOST_TURN_BYTES = 256 * 1024
_SESSIONS = "/api/registry/sessions"
_POLL_S = 0.2
_SPARE_LEVELS = 200  # of nesting, for what is around it when the journal is read
_SOON = 0.2
_LATER = frozenset({408, 429, 502, 503, 504})
_PAUSES_S = (0.2, 0.5, 1.0, 2.0)


class Clock(Protocol):
    """The clock of the run."""

    def now_ns(self) -> int: ...


class Sampler:
    """Takes samples for one run.

    Args:
        record: takes each sample, in order.
        secrets: values that must not enter the journal.
    """

    def __init__(
        self, poller: Poller, clock: Clock, record: Callable[[Sample], None], *, secrets: tuple[str, ...] = ()
    ) -> None:
        self._poller = poller
        self._clock = clock
        self._record = record
        self._secrets = secrets

    async def is_offered(self) -> bool:
        """Whether the registry has the API, and lets us see it; one that fails has it, and samples will show that.

        What a proxy or a limit turns away is asked for again: it says nothing of what lies behind.
        """
        sample = await self._take(LOAD_ENDPOINTS[0], quiet=False)
        for pause_s in _PAUSES_S:
            if sample.status not in _LATER:
                break
            await trio.sleep(pause_s)
            sample = await self._take(LOAD_ENDPOINTS[0], quiet=False)
        return sample.status is not None and (sample.status >= 500 or (sample.status == 200 and bool(sample.body)))

    async def sample_for_ever(self, interval_s: float, repositories: Iterable[str] = ()) -> None:
        """Polled state, health and sessions every interval on average, and in turn one more; a slow answer delays it.

        Two rounds follow each other soon and ask for the same: what is remembered for a while must not be told again.
        Of those that take turns, one whose answer has grown long is not asked for again until all is quiet, so that the
        journal of a long run is not made of lists of blobs.
        """
        turns = deque([*TURN_ENDPOINTS, *map(_details, repositories)])
        while True:
            for wait in (_SOON, 2 - _SOON):
                began = trio.current_time()
                for endpoint in LOAD_ENDPOINTS:
                    self._record(await self._take(endpoint, quiet=False))
                if turns:
                    sample = await self._take(turns[0], quiet=False)
                    self._record(sample)
                    if len(sample.body) > MOST_TURN_BYTES:
                        turns.popleft()
                    elif wait > _SOON:
                        turns.rotate(-1)
                await trio.sleep_until(began + wait * interval_s)

    async def sample_quiet(self, repositories: Iterable[str]) -> None:
        """Polled everything once, now that nothing of ours is going on; the state again at the end.

        What stands in both of its answers was so in between, for whatever else was asked.
        """
        for endpoint in (*QUIET_ENDPOINTS, *FURTHER_ENDPOINTS, *map(_details, repositories), LOAD_ENDPOINTS[0]):
            self._record(await self._take(endpoint, quiet=True))

    async def wait_drained(self, prefix: str, *, timeout_s: float) -> bool:
        """Wait until no open upload is of a repository whose name begins so; False when the time is over before."""
        with trio.move_on_after(timeout_s):
            while True:
                sample = await self._take(_SESSIONS, quiet=False)
                if not _open_uploads(sample.body, prefix):
                    return True
                await trio.sleep(_POLL_S)
        return False

    async def _take(self, endpoint: str, *, quiet: bool) -> Sample:
        start_ns = self._clock.now_ns()
        poll = await self._poller.poll(endpoint)
        body, error = msgspec.Raw(), poll.error
        if poll.status is not None:
            try:
                body = one_line(poll.body, self._secrets)
            except Unreadable:
                error = error or "the answer is not JSON"
        return Sample(
            endpoint=endpoint,
            start_ns=start_ns,
            end_ns=self._clock.now_ns(),
            quiet=quiet,
            status=poll.status,
            body=body,
            error=redacted(error, self._secrets) if error else None,
        )


def _details(repository: str) -> str:
    return f"/api/registry/repositories/{repository}"


def one_line(body: bytes, secrets: tuple[str, ...] = ()) -> msgspec.Raw:
    """A JSON text without line breaks and secrets.

    Raises:
        Unreadable: it is not JSON in UTF-8, or is nested so deeply that a journal with it could not be read.
    """
    try:
        text = redacted(body.decode(), secrets)
    except UnicodeDecodeError as error:
        raise Unreadable(str(error)) from error
    read_json(text)
    read_json(f"{'[' * _SPARE_LEVELS}{text}{']' * _SPARE_LEVELS}")
    return msgspec.Raw(msgspec.json.format(text.encode(), indent=-1))


def _open_uploads(body: msgspec.Raw, prefix: str) -> int:
    """Uploads of ours that a registry says are open; one of an unnamed repository may be ours."""
    with contextlib.suppress(Unreadable):
        sessions = read_json(body, _Sessions).activeSessions
        return sum(session.repository is None or session.repository.startswith(prefix) for session in sessions)
    return 0


class _Session(msgspec.Struct):
    repository: str | None = None


class _Sessions(msgspec.Struct):
    activeSessions: list[_Session] = []  # noqa: N815 - the name in docs/external-api.md
