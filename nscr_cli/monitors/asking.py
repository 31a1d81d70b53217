"""Asks a registry again and again for the same: with the entity tag of the last answer, and within a bound.

A registry that says 304 sends nothing, and the answer that is kept counts again. What is kept is bounded: a large body
is asked for anew each time, and of many paths those that were asked last are remembered.
"""

from collections import OrderedDict

import msgspec
import trio

from nscr_cli.durations import show_duration
from nscr_cli.monitors.polling import Poller
from nscr_cli.monitors.rules import Answer

LARGEST_KEPT = 32 * 1024 * 1024
MOST_KEPT_IN_ALL = 96 * 1024 * 1024
MOST_PATHS = 512


class _Kept(msgspec.Struct, frozen=True):
    etag: str
    body: bytes
    came_s: float


class Asker:
    """Polls one registry, and remembers.

    Attributes:
        asked, unchanged: how many polls there were, and how many of them were answered 304.
    """

    def __init__(self, poller: Poller) -> None:
        self._poller = poller
        self._kept: OrderedDict[str, _Kept] = OrderedDict()
        self._bytes_kept = 0
        self.asked = 0
        self.unchanged = 0

    async def ask(self, endpoint: str, bound_s: float) -> Answer:
        """One poll, which ends within the bound whatever the registry does."""
        start = trio.current_time()
        kept = self._kept.get(endpoint)
        polled = None
        self.asked += 1
        with trio.move_on_after(bound_s):
            polled = await self._poller.poll(endpoint, etag=kept.etag if kept is not None else None)
        now = trio.current_time()
        latency_ms = round((now - start) * 1000, 3)
        if polled is None:
            error = f"no answer within {show_duration(bound_s)}"
            return Answer(endpoint=endpoint, latency_ms=latency_ms, error=error)
        if polled.status == 304 and kept is not None:
            self.unchanged += 1
            self._kept.move_to_end(endpoint)
            return Answer(
                endpoint=endpoint,
                latency_ms=latency_ms,
                status=200,
                body=kept.body,
                is_unchanged=True,
                age_s=now - kept.came_s,
            )
        if polled.status is not None:
            self._forget(endpoint)
        if polled.status == 200 and polled.etag is not None:
            self._keep(endpoint, _Kept(polled.etag, polled.body, now))
        return Answer(
            endpoint=endpoint,
            latency_ms=latency_ms,
            status=polled.status,
            error=polled.error,
            body=polled.body,
            retry_after_s=polled.retry_after_s,
        )

    def _keep(self, endpoint: str, kept: _Kept) -> None:
        if len(kept.body) > LARGEST_KEPT:
            return
        self._kept[endpoint] = kept
        self._bytes_kept += len(kept.body)
        while len(self._kept) > MOST_PATHS or self._bytes_kept > MOST_KEPT_IN_ALL:
            self._forget(next(iter(self._kept)))

    def _forget(self, endpoint: str) -> None:
        kept = self._kept.pop(endpoint, None)
        if kept is not None:
            self._bytes_kept -= len(kept.body)
