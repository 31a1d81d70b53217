"""Rounds of polls: every interval all watched endpoints at once, each within three quarters of an interval.

The bound makes a stopped registry show within two intervals of its last answer, whether it refuses or just hangs. A
round that took long is not made up for: the next one keeps the beat. One that failed again is followed by a pause
(backoff.py).
"""

import math
from collections.abc import Callable, Mapping, Sequence

import trio

from nscr_cli.monitors.asking import Asker
from nscr_cli.monitors.backoff import Backoff
from nscr_cli.monitors.polling import Poller
from nscr_cli.monitors.rules import ENDPOINTS, Answer

_LONGEST_POLL_S = 10.0
_SHARE_OF_INTERVAL = 0.75


async def poll_rounds(
    poller: Poller,
    interval_s: float,
    on_round: Callable[[float, Mapping[str, Answer]], bool],
    endpoints: Sequence[str] = ENDPOINTS,
) -> None:
    """Poll until `on_round` says False. It is given the seconds since the start, and the answer of each endpoint."""
    asker = Asker(poller)
    start = trio.current_time()
    backoff = Backoff()
    beat = 0
    while True:
        await trio.sleep_until(start + beat * interval_s)
        answers = await ask_all(asker, endpoints, bound_of(interval_s))
        passed = trio.current_time() - start
        if not on_round(passed, answers):
            return
        backoff, wait_s = backoff.after(answers.values(), interval_s)
        beat = max(beat + math.ceil(round(wait_s / interval_s, 6)), math.ceil(passed / interval_s))


def bound_of(interval_s: float) -> float:
    """How long an answer is waited for."""
    return min(_LONGEST_POLL_S, interval_s * _SHARE_OF_INTERVAL)


async def ask_all(asker: Asker, endpoints: Sequence[str], bound_s: float) -> dict[str, Answer]:
    """The answers to polls that are made at once."""
    answers: dict[str, Answer] = {}

    async def ask(endpoint: str) -> None:
        answers[endpoint] = await asker.ask(endpoint, bound_s)

    async with trio.open_nursery() as nursery:
        for endpoint in endpoints:
            nursery.start_soon(ask, endpoint)
    return answers
