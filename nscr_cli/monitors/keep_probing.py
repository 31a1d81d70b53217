"""Probes at an interval, from when the registry lets us push until the watch is over; then cleans up."""

from collections.abc import Callable

import trio

from nscr_cli.client.admission import check_admission
from nscr_cli.client.target import Credentials, Target
from nscr_cli.errors import TargetUnreachable
from nscr_cli.monitors.round_trip import Prober, RoundTrip

LONGEST_OBEYED_S = 600.0
_CLEAN_UP_WITHIN_S = 3.0


async def keep_probing(
    target: Target,
    credentials: Credentials | None,
    prober: Prober,
    interval_s: float,
    on_probe: Callable[[RoundTrip], None],
) -> None:
    """Probe until cancelled. A registry that is not there yet is waited for: that it is silent, others tell.

    Raises:
        TargetRefused: it lets us not push.
    """
    while True:
        try:
            await check_admission(target, credentials, push_to=prober.repository)
            break
        except TargetUnreachable:
            await trio.sleep(interval_s)
    try:
        while True:
            began = trio.current_time()
            made = await prober.run()
            on_probe(made)
            wait_s = max(interval_s, min(made.retry_after_s or 0.0, LONGEST_OBEYED_S))
            await trio.sleep_until(began + wait_s)
    finally:
        with trio.move_on_after(_CLEAN_UP_WITHIN_S, shield=True):
            await prober.clean_up()
