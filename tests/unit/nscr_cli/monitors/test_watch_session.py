"""A watch in virtual time: the beat, the bound on a poll, the first answer, the deadline, how soon silence shows."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
import pytest
import trio
from trio.testing import MockClock

from nscr_cli.errors import NscrError, ReportsUnwritable, TargetRefused, TargetUnreachable
from nscr_cli.exits import Exit
from nscr_cli.monitors.probing import V2, Catalog, catalog_path
from nscr_cli.monitors.rules import ENDPOINTS, HEALTH, SESSIONS, STATE, Answer, Notice
from nscr_cli.monitors.throughput import THROUGHPUT
from nscr_cli.monitors.watch_session import Ending, Watched, watch_registries
from nscr_cli.monitors.watching import Beat, Watching

Answers = Callable[..., dict[str, Answer]]


class Polled(msgspec.Struct, frozen=True):
    status: int | None
    body: bytes = b""
    error: str | None = None
    etag: str | None = None
    retry_after_s: float | None = None


class Registry:
    """Answers after `delay_s` until virtual second `hangs_at_s`, then never; refuses from `refuses_at_s` on."""

    def __init__(self, answers: Mapping[str, Answer], **when: float) -> None:
        self._answers = answers
        self._when = when
        self.asked_at: list[float] = []

    async def poll(self, path: str, *, etag: str | None = None) -> Polled:
        now = trio.current_time()
        if path == HEALTH:
            self.asked_at.append(now)
        if now >= self._when.get("refuses_at_s", float("inf")):
            return Polled(None, error="connection refused")
        await trio.sleep(self._when.get("delay_s", 0.01))
        if now >= self._when.get("hangs_at_s", float("inf")):
            await trio.sleep_forever()
        answer = self._answers.get(path) or Answer(endpoint=path, latency_ms=1, status=404)
        return Polled(answer.status, answer.body, answer.error)


Told = list[tuple[float, Beat, tuple[Notice, ...]]]


def run(
    registry: Registry, *, total_s: float | None = 20.0, interval_s: float = 2.0, **more: Any
) -> tuple[Watching, Told]:
    watching = Watching("http://here", interval_s=interval_s, total_s=total_s, stuck_after_s=600)
    told: Told = []

    async def main() -> None:
        start = trio.current_time()

        def sink(beat: Beat, notices: tuple[Notice, ...]) -> None:
            told.append((trio.current_time() - start, beat, notices))

        watched = Watched(poller=registry, watching=watching, sinks=[sink, *more.get("sinks", ())])
        ending = await watch_registries([watched], interval_s=interval_s, total_s=total_s)
        for error in ending.errors:
            raise error

    trio.run(main, clock=MockClock(autojump_threshold=0))
    return watching, told


def test_keeps_the_beat_until_the_time_is_over(answers: Answers) -> None:
    registry = Registry(answers(), delay_s=0.5)
    watching, told = run(registry)
    assert [at for at, _, _ in told] == pytest.approx([2 * n + 0.5 for n in range(10)])
    assert watching.alerts == 0
    assert told[0][1].latencies_ms == (500, 500, 500, None)


@pytest.mark.parametrize("how", ["hangs_at_s", "refuses_at_s"])
@pytest.mark.parametrize("interval_s", [0.1, 2.0, 10.0])
@pytest.mark.parametrize("stopped_at", [3.0, 3.1, 4.99, 5.0])
def test_a_stopped_registry_is_told_within_two_intervals(
    answers: Answers, how: str, interval_s: float, stopped_at: float
) -> None:
    stops = stopped_at * interval_s
    _, told = run(Registry(answers(), **{how: stops}), interval_s=interval_s, total_s=8 * interval_s)
    alerts = [at for at, _, notices in told for notice in notices if notice.rule == "not-answering"]
    assert len(alerts) == 1
    assert 0 <= alerts[0] - stops <= 1.75 * interval_s


def test_a_slow_round_does_not_make_rounds_pile_up(answers: Answers) -> None:
    registry = Registry(answers(), hangs_at_s=0)
    with pytest.raises(TargetUnreachable, match="no answer within 75ms"):
        run(registry, interval_s=0.1, total_s=None)
    gaps = [later - earlier for earlier, later in zip(registry.asked_at, registry.asked_at[1:], strict=False)]
    assert min(gaps) == pytest.approx(0.1)


def test_never_answered_is_the_environments_fault(answers: Answers) -> None:
    with pytest.raises(TargetUnreachable, match="connection refused") as caught:
        run(Registry(answers(), refuses_at_s=0), total_s=None)
    assert caught.value.exit_code is Exit.ENVIRONMENT
    with pytest.raises(TargetUnreachable, match="connection refused"):
        run(Registry(answers(), refuses_at_s=0), total_s=1)
    with pytest.raises(TargetUnreachable, match="no answer within 1s"):
        run(Registry(answers(), hangs_at_s=0), total_s=1)


def test_a_late_first_answer_is_fine(answers: Answers) -> None:
    class Late(Registry):
        async def poll(self, path: str, *, etag: str | None = None) -> Polled:
            return await super().poll(path) if trio.current_time() >= 4 else Polled(None, error="refused")

    watching, _ = run(Late(answers()))
    assert watching.alerts == 0
    assert watching.answered_s is not None


@pytest.mark.parametrize(
    ("status", "v2", "words"),
    [(401, 401, "credentials"), (403, 403, "credentials"), (404, 401, "credentials"), (404, 404, "no monitoring API")],
)
def test_nothing_to_watch_is_told_at_once(answers: Answers, status: int, v2: int, words: str) -> None:
    registry = Registry(without_api(answers, status, v2))
    with pytest.raises(TargetRefused, match=words) as caught:
        run(registry, total_s=None)
    assert caught.value.exit_code is Exit.ENVIRONMENT
    assert len(registry.asked_at) == 1


def without_api(answers: Answers, status: int = 404, v2: int | None = 200, **catalog: Answer) -> dict[str, Answer]:
    probe = Answer(endpoint=V2, latency_ms=1, status=v2, error="connection refused" if v2 is None else None)
    pages = catalog or {catalog_path(): Answer(endpoint="", latency_ms=1, status=404)}
    return answers(statuses=dict.fromkeys(ENDPOINTS, status)) | {V2: probe} | pages


@pytest.mark.parametrize(("status", "why"), [(404, "no monitoring API"), (401, "refuses us")])
def test_without_the_monitoring_api_v2_is_probed(answers: Answers, status: int, why: str) -> None:
    registry = Registry(without_api(answers, status))
    watching, told = run(registry)
    assert watching.absence is not None
    assert why in watching.absence
    assert len(registry.asked_at) == 1
    assert [(beat.status, beat.is_answered, beat.repositories) for _, beat, _ in told] == [("up", True, None)] * 10
    assert watching.alerts == 0


def test_a_page_for_every_path_is_no_monitoring_api(answers: Answers) -> None:
    page = {e: Answer(endpoint=e, latency_ms=1, status=200, body=b"<!doctype html>") for e in ENDPOINTS}
    watching, _ = run(Registry(without_api(answers) | page))
    assert watching.absence == "no monitoring API"


def test_the_catalog_is_counted_to_its_end(answers: Answers) -> None:
    def page(*names: str) -> Answer:
        return Answer(endpoint="", latency_ms=1, status=200, body=json.dumps({"repositories": names}).encode())

    pages = {catalog_path(): page("a", "b/c"), catalog_path("b%2Fc"): page("d"), catalog_path("d"): page()}
    watching, told = run(Registry(without_api(answers) | pages))
    assert watching.catalog == Catalog(3)
    assert [beat.repositories for _, beat, _ in told][1:] == [3] * 9
    refused = {catalog_path("b%2Fc"): Answer(endpoint="", latency_ms=1, status=429)}
    watching, _ = run(Registry(without_api(answers) | pages | refused))
    assert watching.catalog == Catalog(2, is_whole=False)


@pytest.mark.parametrize(("how", "rule"), [("hangs_at_s", "not-answering"), ("refuses_at_s", "not-answering")])
def test_a_probed_registry_that_stops_is_told(answers: Answers, how: str, rule: str) -> None:
    watching, told = run(Registry(without_api(answers), **{how: 7.0}))
    alerts = [(at, notice.rule) for at, _, notices in told for notice in notices]
    assert [rule for _, rule in alerts] == [rule]
    assert 7 < alerts[0][0] <= 11
    assert watching.alerts == 1


def test_a_probed_registry_that_fails_is_told(answers: Answers) -> None:
    class Failing(Registry):
        async def poll(self, path: str, *, etag: str | None = None) -> Polled:
            return Polled(503) if trio.current_time() >= 7 and path == V2 else await super().poll(path, etag=etag)

    _, told = run(Failing(without_api(answers)))
    assert [(notice.rule, notice.text) for _, _, notices in told for notice in notices] == [
        ("server-error", "/v2/ answers 503")
    ]
    assert told[-1][1].status == "HTTP 503"


@pytest.mark.parametrize("statuses", [{STATE: 500, HEALTH: 500, SESSIONS: 500}, {SESSIONS: 404}])
def test_a_registry_that_is_merely_broken_is_watched(answers: Answers, statuses: dict[str, int]) -> None:
    watching, _ = run(Registry(answers(statuses=statuses)))
    assert watching.alerts > 0


@pytest.mark.parametrize("failure", [ReportsUnwritable("disk full", hint="free some"), BrokenPipeError()])
def test_a_sink_that_fails_ends_the_watch_with_its_error(
    answers: Answers, failure: NscrError | BrokenPipeError
) -> None:
    def sink(beat: Beat, notices: tuple[Notice, ...]) -> None:
        raise failure

    with pytest.raises(type(failure)):
        run(Registry(answers()), sinks=[sink])


def test_the_screen_is_drawn_between_rounds(answers: Answers) -> None:
    drawn: list[float] = []
    watching = Watching("http://here", interval_s=2, total_s=2, stuck_after_s=600)

    async def main() -> None:
        watched = Watched(poller=Registry(answers()), watching=watching)
        await watch_registries([watched], interval_s=2, total_s=2, refresh=drawn.append)

    trio.run(main, clock=MockClock(autojump_threshold=0))
    assert drawn == pytest.approx([0.25 * n for n in range(8)])


def run_several(registries: Mapping[str, Registry], *, total_s: float) -> tuple[dict[str, list[Beat]], Ending]:
    told: dict[str, list[Beat]] = {url: [] for url in registries}

    def watched(url: str, registry: Registry) -> Watched:
        watching = Watching(url, interval_s=2, total_s=total_s, stuck_after_s=600)
        return Watched(
            poller=registry, watching=watching, sinks=[lambda beat, notices: told[watching.url].append(beat)]
        )

    async def main() -> Ending:
        several = [watched(url, registry) for url, registry in registries.items()]
        return await watch_registries(several, interval_s=2, total_s=total_s)

    return told, trio.run(main, clock=MockClock(autojump_threshold=0))


def test_a_registry_that_hangs_delays_no_other(answers: Answers) -> None:
    told, ending = run_several({"fine": Registry(answers()), "hung": Registry(answers(), hangs_at_s=0)}, total_s=20)
    assert [beat.at_s for beat in told["fine"]] == pytest.approx([2 * n + 0.01 for n in range(10)])
    assert [beat.is_answered for beat in told["hung"]] == [False] * 4  # at 0, 2, 6 and 14 s
    assert [str(error) for error in ending.errors] == ["hung: no answer within 1.5s"]


def test_one_that_refuses_us_is_asked_no_more_and_the_others_are_watched_on(answers: Answers) -> None:
    refusing = Registry(without_api(answers, 401, 401))
    told, ending = run_several({"fine": Registry(answers()), "refusing": refusing}, total_s=20)
    assert len(told["fine"]) == 10
    assert len(refusing.asked_at) == 1
    assert ["credentials" in str(error) for error in ending.errors] == [True]


def test_the_watch_is_over_when_there_is_nothing_to_watch_of_any(answers: Answers) -> None:
    silent = Registry(answers(), refuses_at_s=0)
    refusing = Registry(without_api(answers, 401, 401))
    _, ending = run_several({"silent": silent, "refusing": refusing}, total_s=600)
    assert len(ending.errors) == 2
    assert max(silent.asked_at) < 10


def test_a_silent_registry_is_left_alone_for_longer_and_longer(answers: Answers) -> None:
    registry = Registry(answers(), refuses_at_s=3)
    run(registry, total_s=60)
    assert registry.asked_at == pytest.approx([0, 2, 4, 6, 10, 18, 34, 50])


def test_the_throughput_is_shown_where_it_is_offered_and_asked_for_once_elsewhere(answers: Answers) -> None:
    class Counting(Registry):
        asked = 0

        async def poll(self, path: str, *, etag: str | None = None) -> Polled:
            self.asked += path == THROUGHPUT
            return await super().poll(path, etag=etag)

    offered = {THROUGHPUT: Answer(endpoint="", latency_ms=1, status=200, body=b'{"upload": 7, "download": 0}')}
    registry = Counting(answers() | offered)
    _, told = run(registry)
    assert (told[-1][1].read_rate, told[-1][1].write_rate) == (0, 7)
    assert registry.asked > 5
    silent = Counting(answers())
    _, told = run(silent)
    assert (told[-1][1].read_rate, told[-1][1].write_rate) == (None, None)
    assert silent.asked == 1
