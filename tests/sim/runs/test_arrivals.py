"""The open model: a schedule that waits for nobody, and what it shows of a stall."""

import io
from collections.abc import Iterator

import msgspec
import pytest
import trio
import trio.testing

from nscr_cli.engine.arrivals import Arrivals
from nscr_cli.engine.clocks import RunClock
from nscr_cli.engine.interpreter import Interpreter
from nscr_cli.engine.recorder import Recorder
from nscr_cli.generators.combinators import Queue, UntilTime
from nscr_cli.generators.invocations import list_tags
from nscr_cli.generators.namespace import Namespace
from nscr_cli.history.history import History, Operation
from nscr_cli.history.invocation import Invocation
from nscr_cli.history.journal import JOURNAL_FORMAT, Header, JournalWriter
from nscr_cli.history.ops import Answered, Entry, Kind, Phase

SECOND = 1_000_000_000


def due(arrivals: Arrivals) -> Iterator[float]:
    following: Arrivals | None = arrivals
    while following is not None and (taken := following.next()) is not None:
        due_ns, following = taken
        yield due_ns / SECOND


def schedule(rate: float, ramp_s: float = 0.0) -> Arrivals:
    return Arrivals(rate=rate, ramp_s=ramp_s, began_ns=SECOND, end_ns=11 * SECOND)


def test_arrivals_are_evenly_spaced_and_end_before_the_end() -> None:
    assert list(due(schedule(0.5))) == [1.0, 3.0, 5.0, 7.0, 9.0]


def test_a_ramp_grows_evenly_to_the_rate() -> None:
    times = list(due(schedule(100, ramp_s=4)))
    a_second = [sum(second <= time < second + 1 for time in times) for second in range(1, 11)]
    assert a_second == pytest.approx([12.5, 37.5, 62.5, 87.5, *[100] * 6], abs=1)
    assert times == sorted(times)


class Completion(msgspec.Struct):
    kind: Kind = Kind.OK
    answered: Answered = Answered(status=200)
    error: str | None = None


class StallingClient:
    """A registry that answers within 5 ms, but from second 4 to second 5 not at all."""

    async def perform(self, invocation: Invocation, request_id: str) -> Completion:
        if 4 <= trio.current_time() - self.start < 5:
            await trio.sleep_until(self.start + 5)
        await trio.sleep(0.005)
        return Completion()

    async def aclose(self) -> None:
        await trio.lowlevel.checkpoint()

    def __init__(self) -> None:
        self.start = trio.current_time()


def torture_stalling(arrivals: Arrivals | None, *, workers: int) -> list[Operation]:
    entries = list[Entry]()

    async def run() -> None:
        clock = RunClock()
        writer = JournalWriter(io.BytesIO(), Header(format=JOURNAL_FORMAT, nscr="0", run_id="run"))
        client = StallingClient()
        interpreter = Interpreter(
            run_id="run",
            namespace=Namespace("ours"),
            workers=workers,
            recorder=Recorder(writer, clock, observe=entries.append, on_failure=lambda: None),
            clock=clock,
            open_client=lambda _process: client,
        )
        load = UntilTime(Queue((list_tags("ours/a"),) * 100_000), 10 * SECOND)
        await interpreter.run(load, Phase.MAIN, arrivals=arrivals)

    trio.run(run, clock=trio.testing.MockClock(autojump_threshold=0))
    return History(entries).operations


def p95_ms(operations: list[Operation]) -> float:
    latencies = sorted((one.end_ns - one.intended_ns) / 1e6 for one in operations)
    return latencies[len(latencies) * 95 // 100]


def test_a_stall_of_a_second_shows_in_the_95th_percentile() -> None:
    arrivals = Arrivals(rate=100, ramp_s=0, began_ns=0, end_ns=10 * SECOND)
    operations = torture_stalling(arrivals, workers=8)
    assert len(operations) == 1000
    assert p95_ms(operations) >= 400
    # What a closed loop would have said of the same registry.
    assert p95_ms(torture_stalling(None, workers=2)) < 10


def test_what_waited_for_a_worker_tells_how_long() -> None:
    arrivals = Arrivals(rate=100, ramp_s=0, began_ns=0, end_ns=10 * SECOND)
    few, many = torture_stalling(arrivals, workers=8), torture_stalling(arrivals, workers=200)
    assert max(one.start_ns - one.intended_ns for one in few) >= 0.8 * SECOND
    assert max(one.start_ns - one.intended_ns for one in many) < 0.001 * SECOND
    for operations in few, many:
        assert sorted(one.intended_ns for one in operations) == [number * SECOND // 100 for number in range(1000)]
