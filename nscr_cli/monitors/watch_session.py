"""A watch from its first poll to its end: the beat, the first answer, the deadline, Ctrl-C.

What is shown and written is up to the sinks; what is wrong is up to the rules. Each registry is polled on its own, so
that one which hangs delays no other. The first answer decides whether there is anything to watch: a registry that
never gives one, or has no monitoring API, is an error and not an alert. The watch goes on as long as one is worth it.
"""

import signal
from collections.abc import Callable, Mapping, Sequence

import msgspec
import trio

from nscr_cli.durations import show_duration
from nscr_cli.errors import NscrError, TargetRefused, TargetUnreachable
from nscr_cli.monitors.polling import Poller
from nscr_cli.monitors.rounds import poll_rounds
from nscr_cli.monitors.rules import HEALTH, Answer, Notice
from nscr_cli.monitors.watching import Beat, Watching

FIRST_ANSWER_WITHIN_S = 5.0
_SCREEN_EVERY_S = 0.25

Sink = Callable[[Beat, tuple[Notice, ...]], None]


class Watched(msgspec.Struct, frozen=True, kw_only=True):
    """One of the registries that are watched, and who is told of its rounds."""

    poller: Poller
    watching: Watching
    sinks: Sequence[Sink] = ()


class Ending(msgspec.Struct, frozen=True, kw_only=True):
    """How a watch ended.

    Attributes:
        ended_by: the signal that ended it, if one did.
        errors: of the registries that there was nothing to watch of.
    """

    ended_by: signal.Signals | None = None
    errors: tuple[NscrError, ...] = ()


async def watch_registries(
    registries: Sequence[Watched],
    *,
    interval_s: float,
    total_s: float | None,
    refresh: Callable[[float], None] | None = None,
) -> Ending:
    """Watch until the time is over, a signal comes, or there is nothing to watch of any of them.

    Args:
        refresh: draws the screen as of the seconds since the start; called several times a second.

    Raises:
        ReportsUnwritable: a sink cannot write any more.
        BrokenPipeError: nobody reads any more what a sink prints.
    """
    failures: list[NscrError | BrokenPipeError] = []
    signals: list[signal.Signals] = []
    is_over = trio.Event()

    async def follow(watched: Watched) -> None:
        watching = watched.watching

        def on_round(passed_s: float, answers: Mapping[str, Answer]) -> bool:
            watching.error = nothing_to_watch(watching, answers)
            if all(_is_given_up(each.watching, passed_s) for each in registries):
                is_over.set()
            if isinstance(watching.error, TargetRefused):
                return False
            beat, notices = watching.observe(passed_s, answers)
            try:
                for sink in watched.sinks:
                    sink(beat, notices)
            except (NscrError, BrokenPipeError) as failure:
                failures.append(failure)
                is_over.set()
            return not is_over.is_set()

        await poll_rounds(watched.poller, interval_s, on_round)

    start = trio.current_time()
    with trio.move_on_after(total_s if total_s is not None else float("inf")):
        async with trio.open_nursery() as nursery:
            await nursery.start(_wait_for_signal, nursery.cancel_scope, signals)
            if refresh is not None:
                nursery.start_soon(_keep_drawing, refresh)
            for watched in registries:
                nursery.start_soon(follow, watched)
            await is_over.wait()
            nursery.cancel_scope.cancel()
    if failures:
        raise failures[0]
    watchings = [watched.watching for watched in registries]
    if signals:
        passed_s = trio.current_time() - start
        errors = [each.error for each in watchings if _is_given_up(each, passed_s)]
        return Ending(ended_by=signals[0], errors=tuple(filter(None, errors)))
    never = [_never_answered(each, total_s) for each in watchings if each.answered_s is None]
    return Ending(errors=tuple(never))


def nothing_to_watch(watching: Watching, answers: Mapping[str, Answer]) -> NscrError | None:
    """Why there is nothing to watch, judged by the first answer; None once there was one."""
    if watching.answered_s is not None:
        return None
    statuses = {answer.status for answer in answers.values()} - {None}
    if not statuses:
        return _unreachable(watching, answers[HEALTH].error or "no answer")
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


def _is_given_up(watching: Watching, passed_s: float) -> bool:
    """There is nothing to watch of it, and waiting longer is of no use."""
    if isinstance(watching.error, TargetUnreachable):
        return passed_s >= FIRST_ANSWER_WITHIN_S
    return watching.error is not None


def _never_answered(watching: Watching, total_s: float | None) -> NscrError:
    """What the last whole round said; where time ended before there was one, that."""
    within = f" within {show_duration(total_s)}" if total_s is not None else ""
    return watching.error or _unreachable(watching, f"no answer{within}")


def _unreachable(watching: Watching, why: str) -> NscrError:
    return TargetUnreachable(f"{watching.url}: {why}", hint="is it running, and is --registry-url right?")


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
