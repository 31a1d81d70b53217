"""Rounds of polls: every interval all watched endpoints at once, each within three quarters of an interval.

The bound makes a stopped registry show within two intervals of its last answer, whether it refuses or just hangs. A
round that took long is not made up for: the next one keeps the beat.
"""

import math
from collections.abc import Callable, Mapping

import trio

from nscr_cli.durations import show_duration
from nscr_cli.monitors.polling import Poller
from nscr_cli.monitors.rules import ENDPOINTS, Answer

_LONGEST_POLL_S = 10.0
_SHARE_OF_INTERVAL = 0.75


async def poll_rounds(
    poller: Poller, interval_s: float, on_round: Callable[[float, Mapping[str, Answer]], bool]
) -> None:
    """Poll until `on_round` says False. It is given the seconds since the start, and the answer of each endpoint."""
    start = trio.current_time()
    beat = 0
    while True:
        await trio.sleep_until(start + beat * interval_s)
        answers = await _round(poller, min(_LONGEST_POLL_S, interval_s * _SHARE_OF_INTERVAL))
        passed = trio.current_time() - start
        if not on_round(passed, answers):
            return
        beat = max(beat + 1, math.ceil(passed / interval_s))


async def _round(poller: Poller, bound_s: float) -> dict[str, Answer]:
    answers: dict[str, Answer] = {}

    async def ask(endpoint: str) -> None:
        answers[endpoint] = await _answer(poller, endpoint, bound_s)

    async with trio.open_nursery() as nursery:
        for endpoint in ENDPOINTS:
            nursery.start_soon(ask, endpoint)
    return answers


async def _answer(poller: Poller, endpoint: str, bound_s: float) -> Answer:
    start = trio.current_time()
    polled = None
    with trio.move_on_after(bound_s):
        polled = await poller.poll(endpoint)
    latency_ms = round((trio.current_time() - start) * 1000, 3)
    if polled is None:
        error = f"no answer within {show_duration(bound_s)}"
        return Answer(endpoint=endpoint, latency_ms=latency_ms, error=error)
    return Answer(endpoint=endpoint, latency_ms=latency_ms, status=polled.status, error=polled.error, body=polled.body)
