"""Samples: whatever a registry answers, what enters the journal is one line of JSON, without secrets, or an error."""

from collections.abc import Callable
from itertools import count

import msgspec
import pytest
import trio
import trio.testing

from nscr_cli.history.ops import Sample
from nscr_cli.monitors.sampler import MOST_TURN_BYTES, Sampler, one_line

SESSIONS = "/api/registry/sessions"


class Poll(msgspec.Struct):
    status: int | None = 200
    body: bytes = b"{}"
    error: str | None = None


class Registry:
    """Answers each path as it is told to."""

    def __init__(self, answer: Callable[[str], Poll]) -> None:
        self.answer = answer
        self.paths: list[str] = []

    async def poll(self, path: str) -> Poll:
        self.paths.append(path)
        await trio.sleep(0.1)
        return self.answer(path)


class Ticks:
    """A clock that is later each time it is asked."""

    def __init__(self) -> None:
        self._next = count()

    def now_ns(self) -> int:
        return next(self._next)


def sample(answer: Poll) -> Sample:
    """The first sample of a registry that always answers so."""
    taken: list[Sample] = []
    sampler = Sampler(Registry(lambda _path: answer), Ticks(), taken.append, secrets=("hunter2",))
    trio.run(sampler.sample_quiet, [], clock=trio.testing.MockClock(autojump_threshold=0))
    return taken[0]


def test_a_sample_is_an_interval_with_the_answer_on_one_line() -> None:
    taken = sample(Poll(body=b'{\n  "a": [1, 2.50],\n  "b": "x\\ny"\n}\n'))
    assert (taken.status, taken.quiet, taken.start_ns < taken.end_ns) == (200, True, True)
    assert bytes(taken.body) == b'{"a":[1,2.50],"b":"x\\ny"}'
    assert msgspec.json.decode(msgspec.json.encode(taken), type=Sample) == taken


@pytest.mark.parametrize("body", [b"", b"{", b"<html>", b"\xff\xfe", b"[1, 2"])
def test_what_is_not_json_is_an_error(body: bytes) -> None:
    taken = sample(Poll(body=body))
    assert (bytes(taken.body), taken.error) == (b"", "the answer is not JSON")
    assert msgspec.json.decode(msgspec.json.encode(taken), type=Sample) == taken


def test_an_answer_that_never_came_is_an_error() -> None:
    taken = sample(Poll(status=None, body=b"", error="ConnectError at http://me:hunter2@host/"))
    assert taken.status is None
    assert taken.error is not None
    assert "hunter2" not in taken.error


def test_no_secret_stays_in_a_body() -> None:
    raw = one_line(b'{"message": "Basic aHVudGVyMg== hunter2"}', ("hunter2",))
    assert msgspec.json.decode(raw) == {"message": "Basic [redacted] [redacted]"}


def test_the_api_is_offered_only_where_it_answers_with_json() -> None:
    async def offered(answer: Poll) -> bool:
        return await Sampler(Registry(lambda _path: answer), Ticks(), lambda _sample: None).is_offered()

    clock = trio.testing.MockClock(autojump_threshold=0)
    assert trio.run(offered, Poll(), clock=clock)
    assert trio.run(offered, Poll(status=500, body=b"oops"), clock=trio.testing.MockClock(autojump_threshold=0))
    for answer in (Poll(status=404), Poll(status=401), Poll(body=b"<html>"), Poll(status=None, error="refused")):
        assert not trio.run(offered, answer, clock=trio.testing.MockClock(autojump_threshold=0))


@pytest.mark.parametrize("status", [408, 429, 502, 503, 504])
def test_what_is_turned_away_says_nothing_of_the_api(status: int) -> None:
    async def offered(*answers: Poll) -> bool:
        waiting = list(answers)
        registry = Registry(lambda _path: waiting.pop(0) if len(waiting) > 1 else waiting[0])
        return await Sampler(registry, Ticks(), lambda _sample: None).is_offered()

    def run(*answers: Poll) -> bool:
        return trio.run(offered, *answers, clock=trio.testing.MockClock(autojump_threshold=0))

    busy = Poll(status=status, body=b"<html>")
    assert run(busy, busy, Poll())
    assert not run(busy, busy, Poll(status=404))


def drained(*bodies: bytes) -> tuple[bool, int]:
    """Whether uploads drained when the registry answers these one after another, and how often it was asked."""
    registry = Registry(lambda _path: Poll(body=bodies[min(len(registry.paths), len(bodies)) - 1]))

    async def wait() -> bool:
        return await Sampler(registry, Ticks(), lambda _sample: None).wait_drained("ours/run/", timeout_s=5.0)

    return trio.run(wait, clock=trio.testing.MockClock(autojump_threshold=0)), len(registry.paths)


OURS = b'{"activeSessions": [{"id": "1", "repository": "ours/run/a"}]}'
THEIRS = b'{"activeSessions": [{"id": "1", "repository": "theirs/a"}, {"id": "2", "repository": "ours/running"}]}'
NOBODYS = b'{"activeSessions": [{"id": "1"}]}'


def test_uploads_of_ours_are_waited_for_and_others_are_not() -> None:
    assert drained(OURS, OURS, THEIRS) == (True, 3)
    assert drained(NOBODYS, b'{"activeSessions": []}') == (True, 2)
    assert drained(b'"no sessions at all"') == (True, 1)
    assert drained(OURS)[0] is False


def polled(registry: Registry, *, seconds: float) -> list[str]:
    """What is asked for, one a second of each that is asked for every time."""

    async def poll() -> None:
        with trio.move_on_after(seconds):
            await Sampler(registry, Ticks(), lambda _sample: None).sample_for_ever(1.0, ["a/b"])

    trio.run(poll, clock=trio.testing.MockClock(autojump_threshold=0))
    return registry.paths


def test_polls_go_on_at_their_interval_and_one_more_takes_its_turn() -> None:
    paths = polled(Registry(lambda _path: Poll()), seconds=5.95)
    assert len(paths) == 24
    assert paths[:3] == ["/api/registry/state", "/api/registry/health", SESSIONS]
    turns = ["/api/garbage-collect/stats", "/api/registry/blobs", "/api/registry/repositories/a/b"]
    # In pairs of rounds, the second one soon after the first.
    assert paths[3::4] == [turn for turn in turns for _ in range(2)]


def test_a_long_answer_is_not_asked_for_again() -> None:
    long = b'"' + b"x" * MOST_TURN_BYTES + b'"'
    paths = polled(Registry(lambda path: Poll(body=long if path.endswith("/blobs") else b"{}")), seconds=9.95)
    assert paths.count("/api/registry/blobs") == 1
    assert paths.count("/api/garbage-collect/stats") == 6
