"""Streams from their first poll to their end: each registry on its own beat, until time is over or a signal comes.

A registry that never answers within a few seconds, or answers that there is nothing to watch for us, is an error; the
others are watched on. Of one that never answers there is a notice too, for a watch that is started again while the
registry is down must page somebody. What runs beside the streams ends with them.
"""

import math
import signal
from collections.abc import Awaitable, Callable, Sequence

import msgspec
import trio

from nscr_cli.errors import NscrError, TargetRefused, TargetUnreachable
from nscr_cli.monitors.asking import Asker
from nscr_cli.monitors.backoff import Backoff
from nscr_cli.monitors.first_answers import FIRST_ANSWER_WITHIN_S
from nscr_cli.monitors.polling import Poller
from nscr_cli.monitors.probing import V2, why_absent
from nscr_cli.monitors.rounds import ask_all
from nscr_cli.monitors.rules import NOT_ANSWERING, Answer, Notice
from nscr_cli.monitors.streams.report import Follower, Report
from nscr_cli.monitors.watch_session import Ending, wait_for_signal

_FIRST_ANSWER_EVERY_S = 1.0
# However short the interval: one that is slow to answer is not silent.
_ANSWER_WITHIN_S = 5.0

Sink = Callable[[Report], None]


class Followed(msgspec.Struct, frozen=True, kw_only=True):
    """One registry, how it is looked at, and who is told.

    Attributes:
        on_never_answered: is told once that it did not, in a notice of no round.
    """

    url: str
    poller: Poller
    follower: Follower
    sinks: Sequence[Sink]
    on_never_answered: Callable[[Notice], None] | None = None


async def follow_registries(
    registries: Sequence[Followed],
    *,
    interval_s: float,
    total_s: float | None,
    beside: Sequence[Callable[[], Awaitable[None]]] = (),
) -> Ending:
    """Follow all of them.

    Args:
        beside: runs meanwhile, and is cancelled at the end; an error of it ends everything.

    Returns:
        How it ended; its failure is the error of a sink (nobody reads what it prints, a file cannot be written), or of
        what runs beside.
    """
    streams = [_Stream(each, interval_s) for each in registries]
    failures: list[NscrError | BrokenPipeError] = []
    signals: list[signal.Signals] = []
    is_over = trio.Event()

    async def run(task: Callable[[], Awaitable[None]]) -> None:
        try:
            await task()
        except (NscrError, BrokenPipeError) as failure:
            failures.append(failure)
            is_over.set()
        if all(stream.is_given_up for stream in streams):
            is_over.set()

    with trio.move_on_after(total_s if total_s is not None else math.inf):
        async with trio.open_nursery() as nursery:
            await nursery.start(wait_for_signal, nursery.cancel_scope, signals)
            start = trio.current_time()
            for stream in streams:
                nursery.start_soon(run, stream.runner(start))
            for task in beside:
                nursery.start_soon(run, task)
            await is_over.wait()
            nursery.cancel_scope.cancel()
    if not signals and not failures:
        try:
            for stream in streams:
                stream.tell_if_silent(trio.current_time() - start)
        except BrokenPipeError as failure:
            failures.append(failure)
    errors = [stream.error for stream in streams if stream.error is not None]
    if signals:
        errors = [error for error in errors if isinstance(error, TargetRefused)]
    return Ending(
        ended_by=signals[0] if signals else None,
        errors=tuple(errors),
        failure=failures[0] if failures else None,
    )


class _Stream:
    """One registry.

    Attributes:
        error: why there is nothing to follow; None once there was a usable answer.
        is_given_up: and it is no use to wait any longer.
    """

    def __init__(self, followed: Followed, interval_s: float) -> None:
        self._followed = followed
        self._interval_s = interval_s
        self._asker = Asker(followed.poller)
        self._has_answered = False
        self._is_silence_told = False
        self.error: NscrError | None = _unreachable(followed.url, "no answer yet")
        self.is_given_up = False

    def runner(self, start_s: float) -> Callable[[], Awaitable[None]]:
        """What follows it for good; begins at `start_s`, from which the seconds of a watch count."""

        async def run() -> None:
            backoff, begin = Backoff(), start_s
            while not self.is_given_up:
                await trio.sleep_until(begin)
                report, answers = await self._round(start_s)
                if not self._has_answered:
                    self._note_first(report, answers)
                if not self.is_given_up:
                    for sink in self._followed.sinks:
                        sink(report)
                backoff, wait_s = backoff.after(answers, self._interval_s)
                if not self._has_answered:
                    wait_s = min(wait_s, _FIRST_ANSWER_EVERY_S)
                # A round that took long is not made up for: the next one keeps the beat.
                beats = max(1, math.ceil((trio.current_time() - begin) / wait_s))
                begin += beats * wait_s

        return run

    def tell_if_silent(self, at_s: float) -> None:
        """Tell, unless that was done, that it never answered.

        Raises:
            BrokenPipeError: nobody reads what is printed.
        """
        on_never_answered = self._followed.on_never_answered
        if on_never_answered is None or self._is_silence_told or not isinstance(self.error, TargetUnreachable):
            return
        self._is_silence_told = True
        text = f"the registry never answered: {self.error.message}"
        on_never_answered(Notice(at_s=at_s, rule=NOT_ANSWERING, subject="registry", text=text))

    async def _round(self, start_s: float) -> tuple[Report, list[Answer]]:
        follower, answers = self._followed.follower, list[Answer]()
        while wanted := follower.wanted():
            for answer in (await ask_all(self._asker, wanted, _ANSWER_WITHIN_S)).values():
                follower.take(answer)
                answers.append(msgspec.structs.replace(answer, body=b"") if self._has_answered else answer)
        return follower.finish(trio.current_time() - start_s), answers

    def _note_first(self, report: Report, answers: Sequence[Answer]) -> None:
        url = self._followed.url
        statuses = {answer.status for answer in answers if answer.status is not None}
        is_probed = any(answer.endpoint == V2 and answer.status == 200 for answer in answers)
        absence = None if is_probed else why_absent({answer.endpoint: answer for answer in answers})
        if not statuses:
            self.error = _unreachable(url, report.error or "no answer")
            self.is_given_up = report.at_s >= FIRST_ANSWER_WITHIN_S
            if self.is_given_up:
                self.tell_if_silent(report.at_s)
        elif statuses <= {401, 403}:
            self.error = TargetRefused(
                f"{url} wants other credentials: HTTP {min(statuses)}",
                hint="give --username and NSCR_PASSWORD (or --password-stdin)",
            )
            self.is_given_up = True
        elif absence is not None:
            self.error = TargetRefused(
                f"{url}: {absence}", hint="this view needs it; `nscr watch dashboard` watches /v2/ of such a registry"
            )
            self.is_given_up = True
        else:
            self._has_answered, self.error = True, None


def _unreachable(url: str, why: str) -> TargetUnreachable:
    return TargetUnreachable(f"{url}: {why}", hint="is it running, and is --registry-url right?")
