"""A watch from its first poll to its end: the beat, the first answer, the deadline, Ctrl-C.

What is shown and written is up to the sinks; what is wrong is up to the rules. The first answer decides whether there
is anything to watch: a registry that never gives one, or has no monitoring API, is an error and not an alert.
"""

import signal
from collections.abc import Callable, Mapping, Sequence

import trio

from nscr_cli.errors import NscrError, TargetRefused, TargetUnreachable
from nscr_cli.monitors.polling import Poller
from nscr_cli.monitors.rounds import poll_rounds
from nscr_cli.monitors.rules import HEALTH, Answer, Notice
from nscr_cli.monitors.watching import Beat, Watching

FIRST_ANSWER_WITHIN_S = 5.0
_SCREEN_EVERY_S = 0.25

Sink = Callable[[Beat, tuple[Notice, ...]], None]


async def watch_registry(
    poller: Poller,
    watching: Watching,
    sinks: Sequence[Sink],
    *,
    interval_s: float,
    total_s: float | None,
    refresh: Callable[[float], None] | None = None,
) -> signal.Signals | None:
    """Watch until the time is over or a signal comes; the signal, if it was one.

    Args:
        refresh: draws the screen as of the seconds since the start; called several times a second.

    Raises:
        TargetUnreachable: it never answered.
        TargetRefused: its first answer says that there is nothing to watch for us.
        ReportsUnwritable: a sink cannot write any more.
        BrokenPipeError: nobody reads any more what a sink prints.
    """
    failures: list[NscrError | BrokenPipeError] = []
    signals: list[signal.Signals] = []

    def on_round(passed_s: float, answers: Mapping[str, Answer]) -> bool:
        error = nothing_to_watch(watching, passed_s, answers)
        if error is not None:
            failures.append(error)
            return False
        beat, notices = watching.observe(passed_s, answers)
        try:
            for sink in sinks:
                sink(beat, notices)
        except (NscrError, BrokenPipeError) as failure:
            failures.append(failure)
        return not failures

    with trio.move_on_after(total_s if total_s is not None else float("inf")):
        async with trio.open_nursery() as nursery:
            await nursery.start(_wait_for_signal, nursery.cancel_scope, signals)
            if refresh is not None:
                nursery.start_soon(_keep_drawing, refresh)
            await poll_rounds(poller, interval_s, on_round)
            nursery.cancel_scope.cancel()
    if failures:
        raise failures[0]
    if signals:
        return signals[0]
    if watching.answered_s is None:
        raise TargetUnreachable(f"{watching.url}: no answer", hint="is it running, and is --registry-url right?")
    return None


def nothing_to_watch(watching: Watching, passed_s: float, answers: Mapping[str, Answer]) -> NscrError | None:
    """Why the watch must not go on, judged by the first answer; None once there was one."""
    if watching.answered_s is not None:
        return None
    statuses = {answer.status for answer in answers.values()} - {None}
    if not statuses:
        if passed_s < FIRST_ANSWER_WITHIN_S:
            return None
        return TargetUnreachable(
            f"{watching.url}: {answers[HEALTH].error or 'no answer'}",
            hint="is it running, and is --registry-url right?",
        )
    if statuses <= {401, 403}:
        return TargetRefused(
            f"{watching.url} wants other credentials: HTTP {min(filter(None, statuses))}",
            hint="give --username and NSCR_PASSWORD (or --password-stdin)",
        )
    if 200 not in statuses and max(filter(None, statuses)) < 500:
        return TargetRefused(
            f"{watching.url} has no monitoring API: HTTP {min(filter(None, statuses))} for all of it",
            hint="watch needs /api/registry/state, health and sessions; see docs/external-api.md",
        )
    return None


async def _wait_for_signal(
    scope: trio.CancelScope,
    signals: list[signal.Signals],
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
) -> None:
    with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as received:
        task_status.started()
        async for number in received:
            signals.append(signal.Signals(number))
            scope.cancel()


async def _keep_drawing(refresh: Callable[[float], None]) -> None:
    start = trio.current_time()
    while True:
        refresh(trio.current_time() - start)
        await trio.sleep(_SCREEN_EVERY_S)
