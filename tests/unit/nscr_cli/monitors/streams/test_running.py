"""Streams in virtual time: their beat, the first answer, several registries, what runs beside, how they end."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import msgspec
import pytest
import trio
from trio.testing import MockClock

from nscr_cli.errors import NscrError, ReportsUnwritable, TargetRefused, TargetUnreachable
from nscr_cli.monitors.rules import HEALTH, Answer
from nscr_cli.monitors.streams.health import HealthFollower
from nscr_cli.monitors.streams.report import Report
from nscr_cli.monitors.streams.running import Followed, Sink, follow_registries
from nscr_cli.monitors.watch_session import Ending

Answers = Callable[..., dict[str, Answer]]


class Polled(msgspec.Struct, frozen=True):
    status: int | None
    body: bytes = b""
    error: str | None = None
    etag: str | None = None
    retry_after_s: float | None = None


class Registry:
    """Answers as a function of virtual time says, after a hundredth of a second; `/v2/` always alike."""

    def __init__(self, at: Callable[[float], Polled], v2: Polled | None = None) -> None:
        self._at = at
        self._v2 = v2 or Polled(404)
        self.asked_at: list[float] = []

    async def poll(self, path: str, *, etag: str | None = None) -> Polled:
        self.asked_at.append(trio.current_time())
        await trio.sleep(0.01)
        return self._v2 if path == "/v2/" else self._at(trio.current_time())


def well(answers: Answers) -> Polled:
    return Polled(200, answers()[HEALTH].body)


def run(
    registries: Mapping[str, Registry],
    *,
    total_s: float | None = 20,
    interval_s: float = 2,
    sinks: tuple[Sink, ...] = (),
    beside: tuple[Callable[[], Awaitable[None]], ...] = (),
) -> tuple[dict[str, list[Report]], Ending]:
    told: dict[str, list[Report]] = {url: [] for url in registries}

    async def main() -> Ending:
        followed = [
            Followed(url=url, poller=registry, follower=HealthFollower(), sinks=(told[url].append, *sinks))
            for url, registry in registries.items()
        ]
        return await follow_registries(followed, interval_s=interval_s, total_s=total_s, beside=beside)

    return told, trio.run(main, clock=MockClock(autojump_threshold=0))


def test_the_beat(answers: Answers) -> None:
    registry = Registry(lambda _: well(answers))
    told, ending = run({"r": registry})
    assert registry.asked_at == pytest.approx([2.0 * n for n in range(10)])
    assert ending == Ending()
    assert [report.at_s for report in told["r"]] == pytest.approx([2 * n + 0.01 for n in range(10)])


def test_one_that_is_busy_is_left_alone_as_long_as_it_asks(answers: Answers) -> None:
    registry = Registry(lambda at: Polled(503, retry_after_s=7) if 3 < at < 15 else well(answers))
    told, _ = run({"r": registry})
    assert registry.asked_at == pytest.approx([0, 2, 4, 11, 18])
    assert [[n.rule for n in report.notices] for report in told["r"]] == [
        [],
        [],
        ["server-error"],
        [],
        ["server-error"],
    ]


def test_never_answered_is_an_error_after_a_few_seconds(answers: Answers) -> None:
    silent = Registry(lambda _: Polled(None, error="connection refused"))
    _, ending = run({"r": silent}, total_s=None, interval_s=60)
    assert [(type(error), str(error)) for error in ending.errors] == [(TargetUnreachable, "r: connection refused")]
    assert max(silent.asked_at) < 6
    _, ending = run({"r": silent}, total_s=1)
    assert [type(error) for error in ending.errors] == [TargetUnreachable]


def test_a_late_first_answer_is_fine(answers: Answers) -> None:
    late = Registry(lambda at: well(answers) if at > 3 else Polled(None, error="refused"))
    told, ending = run({"r": late}, interval_s=60)
    assert ending == Ending()
    assert not any(report.notices for report in told["r"])


@pytest.mark.parametrize(
    ("polled", "v2", "words"),
    [
        (Polled(401), Polled(401), "wants other credentials"),
        (Polled(404), Polled(404), "no monitoring API"),
        (Polled(200, b"<html>"), Polled(404), "no monitoring API"),
        (Polled(403), Polled(404), "the monitoring API refuses us"),
    ],
)
def test_one_that_refuses_us_is_asked_once_and_the_others_are_watched_on(
    answers: Answers, polled: Polled, v2: Polled, words: str
) -> None:
    refusing, fine = Registry(lambda _: polled, v2), Registry(lambda _: well(answers))
    told, ending = run({"refusing": refusing, "fine": fine})
    assert refusing.asked_at == pytest.approx([0, 0.01])
    assert len(told["fine"]) == 10
    assert [type(error) for error in ending.errors] == [TargetRefused]
    assert words in str(ending.errors[0])
    assert len(run({"refusing": Registry(lambda _: polled, v2)}, total_s=None)[1].errors) == 1


def test_one_without_the_api_is_watched_at_v2() -> None:
    told, ending = run({"r": Registry(lambda _: Polled(404), Polled(200))})
    assert ending == Ending()
    assert len(told["r"]) == 10
    assert not any(report.notices for report in told["r"])


@pytest.mark.parametrize("failure", [ReportsUnwritable("disk full", hint="free some"), BrokenPipeError()])
def test_a_sink_that_fails_ends_everything(answers: Answers, failure: NscrError | BrokenPipeError) -> None:
    def sink(report: Report) -> None:
        raise failure

    _, ending = run({"r": Registry(lambda _: well(answers))}, total_s=None, sinks=(sink,))
    assert ending.failure is failure


def test_what_runs_beside_ends_with_the_streams_and_its_error_ends_them(answers: Answers) -> None:
    seen: list[float] = []

    async def ticking() -> None:
        while True:
            seen.append(trio.current_time())
            await trio.sleep(5)

    async def failing() -> None:
        await trio.sleep(3)
        raise TargetRefused("no pushes", hint="ask for them")

    registry: Any = Registry(lambda _: well(answers))
    run({"r": registry}, beside=(ticking,))
    assert seen == pytest.approx([0, 5, 10, 15])
    _, ending = run({"r": registry}, total_s=None, beside=(failing,))
    assert str(ending.failure) == "no pushes"
