"""What is kept of former answers: a 304 brings the old body, everything else the new one, and memory has a bound."""

import msgspec
import pytest
import trio
from trio.testing import MockClock

from nscr_cli.monitors import asking
from nscr_cli.monitors.asking import Asker
from nscr_cli.monitors.rules import Answer


class Polled(msgspec.Struct, frozen=True):
    status: int | None
    body: bytes = b""
    error: str | None = None
    etag: str | None = None
    retry_after_s: float | None = None


class Registry:
    """Gives its answers in turn, one a second, and notes which tags it was offered."""

    def __init__(self, *answers: Polled) -> None:
        self._answers = list(answers)
        self.offered: list[str | None] = []

    async def poll(self, path: str, *, etag: str | None = None) -> Polled:
        self.offered.append(etag)
        await trio.sleep(1)
        return self._answers.pop(0)


def asked(registry: Registry, *paths: str, bound_s: float = 5) -> tuple[list[Answer], Asker]:
    asker = Asker(registry)

    async def main() -> list[Answer]:
        return [await asker.ask(path, bound_s) for path in paths]

    return trio.run(main, clock=MockClock(autojump_threshold=0)), asker


def test_a_304_brings_what_is_kept_and_its_age() -> None:
    registry = Registry(Polled(200, b"one", etag='"1"'), Polled(304), Polled(304), Polled(200, b"two", etag='"2"'))
    answers, asker = asked(registry, *["/a"] * 4)
    assert registry.offered == [None, '"1"', '"1"', '"1"']
    assert [(a.status, a.body, a.is_unchanged, a.age_s) for a in answers] == [
        (200, b"one", False, 0),
        (200, b"one", True, 1),
        (200, b"one", True, 2),
        (200, b"two", False, 0),
    ]
    assert (asker.asked, asker.unchanged) == (4, 2)


def test_silence_forgets_nothing_and_a_failure_everything() -> None:
    registry = Registry(
        Polled(200, b"one", etag='"1"'), Polled(None, error="refused"), Polled(500, b"no", retry_after_s=3), Polled(304)
    )
    answers, _ = asked(registry, *["/a"] * 4)
    assert registry.offered == [None, '"1"', '"1"', None]
    assert [(a.status, a.error, a.retry_after_s) for a in answers[1:3]] == [(None, "refused", None), (500, None, 3)]
    assert (answers[3].status, answers[3].is_unchanged) == (304, False)  # that nobody asked for


def test_paths_are_kept_apart() -> None:
    registry = Registry(Polled(200, b"a", etag='"1"'), Polled(200, b"b", etag='"1"'), Polled(304), Polled(304))
    answers, _ = asked(registry, "/a", "/b", "/a", "/b")
    assert [answer.body for answer in answers] == [b"a", b"b", b"a", b"b"]


def test_too_late_is_no_answer() -> None:
    answers, _ = asked(Registry(Polled(200, b"late")), "/a", bound_s=0.5)
    assert (answers[0].status, answers[0].error, answers[0].latency_ms) == (None, "no answer within 500ms", 500)


def test_memory_has_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "LARGEST_KEPT", 10)
    monkeypatch.setattr(asking, "MOST_KEPT_IN_ALL", 12)
    monkeypatch.setattr(asking, "MOST_PATHS", 2)
    big, small = Polled(200, b"x" * 11, etag='"b"'), Polled(200, b"x" * 6, etag='"s"')
    registry = Registry(big, small, small, small, small, small)
    asked(registry, "/big", "/1", "/2", "/big", "/2", "/1")
    # /big was not kept the first time, so it is asked for in full; small enough then, it takes the place of /1
    assert registry.offered == [None, None, None, None, '"s"', None]
