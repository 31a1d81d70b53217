"""What the process holds is noted at its moments, and it is given time to let go; where we were late is noted too."""

import io
from collections.abc import Callable, Iterator

import msgspec
import pytest
import trio
import trio.testing

from nscr_cli.engine.clocks import RunClock
from nscr_cli.engine.lateness import note_lateness
from nscr_cli.engine.observing import SETTLE_S, Observer
from nscr_cli.engine.recorder import Recorder
from nscr_cli.history.journal import JOURNAL_FORMAT, Header, JournalWriter
from nscr_cli.history.ops import Entry, Event
from nscr_cli.history.resources import Moment, Resources, resources_at

BEFORE = Resources(process=7, descriptors=20, sockets=5, threads=9, memory_bytes=1_000, peak_memory_bytes=2_000)


class Scripted:
    """A process that holds so many descriptors each time it is looked at, and then goes on as at last."""

    def __init__(self, *descriptors: int) -> None:
        self._descriptors: Iterator[int] = iter(descriptors)
        self._held: int | None = None

    async def resources(self) -> Resources | None:
        self._held = next(self._descriptors, self._held)
        return None if self._held is None else msgspec.structs.replace(BEFORE, descriptors=self._held)


@pytest.fixture
def entries() -> list[Entry]:
    return []


@pytest.fixture
def make_recorder(entries: list[Entry]) -> Callable[[], Recorder]:
    """Makes a recorder whose entries are kept; within a run, because it has a clock."""

    def make() -> Recorder:
        journal = JournalWriter(io.BytesIO(), Header(format=JOURNAL_FORMAT, nscr="0", run_id="run"))
        return Recorder(journal, RunClock(), observe=entries.append, on_failure=lambda: None)

    return make


def events_of(entries: list[Entry]) -> list[Event]:
    return [entry for entry in entries if isinstance(entry, Event)]


@pytest.mark.parametrize(
    ("descriptors", "last", "waited_s"),
    [
        ((20, 20), 20, 0.0),
        ((20, 200, 150, 54, 20), 54, 0.2),  # as many as a worker's pool may keep, and no less is waited for
        ((20, 200), 200, SETTLE_S),
        ((20, 55), 55, SETTLE_S),
    ],
)
def test_it_is_given_time_to_let_go(
    make_recorder: Callable[[], Recorder],
    entries: list[Entry],
    descriptors: tuple[int, ...],
    last: int,
    waited_s: float,
) -> None:
    async def run() -> float:
        observer = Observer(Scripted(*descriptors), make_recorder(), workers=1)
        await observer.note_baseline()
        began = trio.current_time()
        await observer.note_settled()
        return trio.current_time() - began

    assert trio.run(run, clock=trio.testing.MockClock(autojump_threshold=0)) == pytest.approx(waited_s)
    assert [one.descriptors for one in resources_at(Moment.BASELINE, events_of(entries))] == [20]
    assert resources_at(Moment.SETTLED, events_of(entries)) == [msgspec.structs.replace(BEFORE, descriptors=last)]


def test_the_load_is_looked_at_every_interval(make_recorder: Callable[[], Recorder], entries: list[Entry]) -> None:
    async def run() -> None:
        with trio.move_on_after(3.5):
            await Observer(Scripted(1, 2, 3), make_recorder(), workers=1).note_load(1.0)

    trio.run(run, clock=trio.testing.MockClock(autojump_threshold=0))
    assert [one.descriptors for one in resources_at(Moment.LOAD, events_of(entries))] == [1, 2, 3]


@pytest.mark.parametrize("observed", [None, Scripted()])
def test_what_cannot_be_looked_into_leaves_no_note(
    make_recorder: Callable[[], Recorder], entries: list[Entry], observed: Scripted | None
) -> None:
    async def run() -> None:
        observer = Observer(observed, make_recorder(), workers=1)
        await observer.note_baseline()
        await observer.note_settled()

    trio.run(run, clock=trio.testing.MockClock(autojump_threshold=0))
    assert entries == []


def test_it_is_noted_when_our_own_loop_stood_still(make_recorder: Callable[[], Recorder], entries: list[Entry]) -> None:
    clock = trio.testing.MockClock()

    async def run() -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(note_lateness, make_recorder())
            for seconds in (0.25, 2.0, 0.25):
                await trio.testing.wait_all_tasks_blocked()
                clock.jump(seconds)
            await trio.testing.wait_all_tasks_blocked()
            nursery.cancel_scope.cancel()

    trio.run(run, clock=clock)
    (late,) = events_of(entries)
    assert (late.name, late.time_ns, late.detail) == ("late", 2_250_000_000, {"by_ns": "1750000000"})
