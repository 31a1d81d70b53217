"""A watch from its first poll to its end: the beat, the first answer, the deadline, Ctrl-C.

What is shown and written is up to the sinks; what is wrong is up to the rules. Each registry is polled on its own, so
that one which hangs delays no other. The first answer decides what there is to watch: the monitoring API, or only
`/v2/`, or nothing, which is an error and not an alert. The watch goes on as long as one is worth it.
"""

import signal
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial

import msgspec
import trio

from nscr_cli.errors import NscrError, TargetRefused
from nscr_cli.monitors.catalog import count_repositories
from nscr_cli.monitors.first_answers import is_given_up, never_answered, nothing_to_watch
from nscr_cli.monitors.looking import Reader, keep_looking
from nscr_cli.monitors.polling import Poller
from nscr_cli.monitors.probing import V2, why_absent
from nscr_cli.monitors.rounds import poll_rounds
from nscr_cli.monitors.rules import Answer, Notice
from nscr_cli.monitors.throughput import THROUGHPUT, rates_in
from nscr_cli.monitors.watching import Beat, Watching

_SCREEN_EVERY_S = 0.25
_SERVER_ERROR = 500
_COUNT_EVERY_S = 30.0
_COUNT_EVERY_ROUNDS = 10

Sink = Callable[[Beat, tuple[Notice, ...]], None]


class Watched(msgspec.Struct, frozen=True, kw_only=True):
    """One of the registries that are watched, and who is told of its rounds.

    Attributes:
        reader: reads what tags reach; where there is none, nobody looks.
    """

    poller: Poller
    watching: Watching
    sinks: Sequence[Sink] = ()
    reader: Reader | None = None


class Ending(msgspec.Struct, frozen=True, kw_only=True):
    """How a watch ended.

    Attributes:
        ended_by: the signal that ended it, if one did.
        errors: of the registries that there was nothing to watch of.
        failure: what ended it otherwise; only of streams.
    """

    ended_by: signal.Signals | None = None
    errors: tuple[NscrError, ...] = ()
    failure: NscrError | BrokenPipeError | None = None


async def watch_registries(
    registries: Sequence[Watched],
    *,
    interval_s: float,
    total_s: float | None,
    refresh: Callable[[float], None] | None = None,
    left: Callable[[], Awaitable[None]] | None = None,
) -> Ending:
    """Watch until the time is over, a signal comes, or there is nothing to watch of any of them.

    Args:
        refresh: draws the screen as of the seconds since the start; called several times a second.
        left: returns when whoever watches has seen enough.

    Raises:
        ReportsUnwritable: a sink cannot write any more.
        BrokenPipeError: nobody reads any more what a sink prints.
    """
    session = _Session(registries, interval_s)
    signals: list[signal.Signals] = []
    with trio.move_on_after(total_s if total_s is not None else float("inf")):
        async with trio.open_nursery() as nursery:
            await nursery.start(wait_for_signal, nursery.cancel_scope, signals)
            if refresh is not None:
                nursery.start_soon(_keep_drawing, refresh)
            if left is not None:
                nursery.start_soon(_end_when, left, nursery.cancel_scope)
            for watched in registries:
                nursery.start_soon(session.follow, watched)
            await session.is_over.wait()
            nursery.cancel_scope.cancel()
    if session.failure is not None:
        raise session.failure
    watchings = [watched.watching for watched in registries]
    if signals:
        errors = [each.error for each in watchings if is_given_up(each, session.passed_s)]
        return Ending(ended_by=signals[0], errors=tuple(filter(None, errors)))
    never = [never_answered(each, total_s) for each in watchings if each.answered_s is None]
    return Ending(errors=tuple(never))


class _Session:
    """What the registries of a watch have in common: when it began, and whether it is over."""

    def __init__(self, registries: Sequence[Watched], interval_s: float) -> None:
        self._registries = registries
        self._interval_s = interval_s
        self._start = trio.current_time()
        self.is_over = trio.Event()
        self.failure: NscrError | BrokenPipeError | None = None

    @property
    def passed_s(self) -> float:
        """Seconds since it began."""
        return trio.current_time() - self._start

    async def follow(self, watched: Watched) -> None:
        """Poll one registry until the watch is over, or there is nothing to watch of it."""
        async with trio.open_nursery() as beside:
            beside.start_soon(_keep_measuring, watched, self._interval_s)
            if watched.reader is not None:
                beside.start_soon(keep_looking, watched.watching, watched.poller, watched.reader, self._interval_s)
            await poll_rounds(watched.poller, self._interval_s, partial(self._on_first_rounds, watched))
            beside.cancel_scope.cancel()
        if watched.watching.absence is not None:
            async with trio.open_nursery() as beside:
                beside.start_soon(_keep_counting, watched, self._interval_s)
                await poll_rounds(watched.poller, self._interval_s, partial(self._on_round, watched), (V2,))
                beside.cancel_scope.cancel()

    def _on_first_rounds(self, watched: Watched, at_s: float, answers: Mapping[str, Answer]) -> bool:
        """The rounds until it is known whether there is a monitoring API, and all those after it if there is one."""
        if watched.watching.answered_s is None:
            watched.watching.absence = why_absent(answers)
        return watched.watching.absence is None and self._on_round(watched, at_s, answers)

    def _on_round(self, watched: Watched, _: float, answers: Mapping[str, Answer]) -> bool:
        watching, passed_s = watched.watching, self.passed_s
        watching.error = nothing_to_watch(watching, answers)
        if all(is_given_up(each.watching, passed_s) for each in self._registries):
            self.is_over.set()
        if isinstance(watching.error, TargetRefused):
            return False
        beat, notices = watching.observe(passed_s, answers)
        try:
            for sink in watched.sinks:
                sink(beat, notices)
        except (NscrError, BrokenPipeError) as failure:
            self.failure = self.failure or failure
            self.is_over.set()
        return not self.is_over.is_set()


async def _keep_measuring(watched: Watched, interval_s: float) -> None:
    """Ask for the throughput, for as long as it is offered: a registry that has not got it is asked once."""
    watching = watched.watching
    while True:
        await trio.sleep(interval_s)
        if watching.state is None:
            watching.rates = None
            continue
        polled = await watched.poller.poll(THROUGHPUT)
        watching.rates = rates_in(polled.body) if polled.status == 200 else None
        if watching.rates is None and polled.status is not None and polled.status < _SERVER_ERROR:
            return


async def _keep_counting(watched: Watched, interval_s: float) -> None:
    while True:
        watched.watching.catalog = await count_repositories(watched.poller)
        await trio.sleep(max(_COUNT_EVERY_S, _COUNT_EVERY_ROUNDS * interval_s))


async def wait_for_signal(
    scope: trio.CancelScope,
    signals: list[signal.Signals],
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Note SIGINT and SIGTERM, and cancel a scope at each."""
    with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as received:
        task_status.started()
        async for number in received:
            signals.append(signal.Signals(number))
            scope.cancel()


async def _end_when(left: Callable[[], Awaitable[None]], scope: trio.CancelScope) -> None:
    await left()
    scope.cancel()


async def _keep_drawing(refresh: Callable[[float], None]) -> None:
    start = trio.current_time()
    while True:
        refresh(trio.current_time() - start)
        await trio.sleep(_SCREEN_EVERY_S)
