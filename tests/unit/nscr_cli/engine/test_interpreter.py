"""The interpreter: journals before it dispatches, and dispatches nothing outside of the namespace."""

import io

import msgspec
import pytest
import trio
import trio.testing

from nscr_cli.engine.clocks import RunClock
from nscr_cli.engine.interpreter import Interpreter
from nscr_cli.engine.recorder import Recorder
from nscr_cli.generators.combinators import Queue
from nscr_cli.generators.invocations import list_tags
from nscr_cli.generators.namespace import Namespace
from nscr_cli.history.invocation import Invocation
from nscr_cli.history.journal import Header, JournalWriter
from nscr_cli.history.ops import Answered, Entry, Kind, Op, Phase


class Completion(msgspec.Struct):
    kind: Kind = Kind.OK
    answered: Answered = Answered(status=200)
    error: str | None = None


class Client:
    """Keeps what the journal held at the time of each dispatch; fails as it is told."""

    def __init__(self, journal: io.BytesIO, error: Exception | None = None) -> None:
        self.journal = journal
        self.error = error
        self.seen: list[bytes] = []

    async def perform(self, invocation: Invocation, request_id: str) -> Completion:
        self.seen.append(self.journal.getvalue())
        await trio.lowlevel.checkpoint()
        if self.error is not None:
            raise self.error
        return Completion(error="Authorization: Basic c2VjcmV0OnNlY3JldA== was wrong, hunter2 too")

    async def aclose(self) -> None:
        await trio.lowlevel.checkpoint()


def interpret(*repositories: str, error: Exception | None = None) -> tuple[Client, list[Entry]]:
    """Lists the tags of the repositories, one worker."""
    journal, entries = io.BytesIO(), list[Entry]()
    client = Client(journal, error)

    async def run() -> None:
        clock = RunClock()
        writer = JournalWriter(journal, Header(format=1, nscr="0", run_id="run"))
        recorder = Recorder(writer, clock, observe=entries.append, on_failure=lambda: None, secrets=("hunter2",))
        interpreter = Interpreter(
            run_id="run",
            namespace=Namespace("ours"),
            workers=1,
            recorder=recorder,
            clock=clock,
            open_client=lambda _process: client,
        )
        await interpreter.run(Queue(tuple(list_tags(repository) for repository in repositories)), Phase.MAIN)

    trio.run(run)
    return client, entries


def test_an_invocation_is_in_the_journal_before_it_is_dispatched() -> None:
    client, entries = interpret("ours/a", "ours/b")
    assert [journal.count(b'"kind":"invoke"') for journal in client.seen] == [1, 2]
    assert [entry.kind for entry in entries if isinstance(entry, Op)] == ["invoke", "ok", "invoke", "ok"]
    assert [entry.index for entry in entries if isinstance(entry, Op)] == [0, 1, 2, 3]


def test_what_lies_outside_of_the_namespace_is_never_dispatched() -> None:
    with pytest.RaisesGroup(pytest.RaisesExc(RuntimeError, match="outside of 'ours'")):
        interpret("theirs/a")


def test_a_bug_of_ours_is_told_and_leaves_the_outcome_open() -> None:
    with pytest.RaisesGroup(pytest.RaisesExc(ZeroDivisionError)):
        interpret("ours/a", error=ZeroDivisionError("oh"))


def test_no_secret_enters_the_journal() -> None:
    _, entries = interpret("ours/a")
    written = msgspec.json.encode(entries)
    assert b"was wrong" in written
    assert b"c2VjcmV0" not in written
    assert b"hunter2" not in written


def test_a_completion_is_in_the_journal_before_the_next_dispatch_and_before_any_rest() -> None:
    client, entries = interpret("ours/a", "ours/b", "ours/c")
    assert [seen.count(b'"kind":"ok"') for seen in client.seen] == [0, 1, 2]
    assert client.journal.getvalue().count(b'"kind":"ok"') == 3
    assert len(entries) == 6


def test_a_completion_does_not_wait_for_a_pause_to_end() -> None:
    """What is known is on its way to the disk before a worker obeys a Retry-After, or waits for its next arrival."""
    journal = io.BytesIO()
    rests: list[tuple[float, int]] = []

    class Busy(Client):
        async def perform(self, invocation: Invocation, request_id: str) -> Completion:
            await trio.lowlevel.checkpoint()
            return Completion(kind=Kind.FAIL, answered=Answered(status=429, retry_after_s=10))

    async def run() -> None:
        clock = RunClock()
        recorder = Recorder(
            JournalWriter(journal, Header(format=1, nscr="0", run_id="run")),
            clock,
            observe=lambda _entry: None,
            on_failure=lambda: None,
        )
        interpreter = Interpreter(
            run_id="run",
            namespace=Namespace("ours"),
            workers=1,
            recorder=recorder,
            clock=clock,
            open_client=lambda _process: Busy(journal),
        )
        async with trio.open_nursery() as nursery:
            nursery.start_soon(interpreter.run, Queue((list_tags("ours/a"),) * 2), Phase.MAIN)
            for _ in range(2):
                await trio.sleep(5)
                rests.append((trio.current_time(), journal.getvalue().count(b'"kind":"fail"')))
                await trio.sleep(5)

    trio.run(run, clock=trio.testing.MockClock(autojump_threshold=0))
    assert rests == [(5.0, 1), (15.0, 2)]


def test_the_successors_of_a_share_are_nobody_elses() -> None:
    """Of five workers, those with the odd numbers: 1 is followed by 6, 3 by 8."""
    entries: list[Entry] = []

    class Silent(Client):
        async def perform(self, invocation: Invocation, request_id: str) -> Completion:
            await trio.lowlevel.checkpoint()
            return Completion(kind=Kind.INFO, answered=Answered(status=500))

    async def run() -> None:
        clock = RunClock()
        recorder = Recorder(
            JournalWriter(io.BytesIO(), Header(format=1, nscr="0", run_id="run")),
            clock,
            observe=entries.append,
            on_failure=lambda: None,
        )
        interpreter = Interpreter(
            run_id="run",
            namespace=Namespace("ours"),
            workers=2,
            first_process=1,
            every=2,
            generation=5,
            recorder=recorder,
            clock=clock,
            open_client=lambda _process: Silent(io.BytesIO()),
        )
        await interpreter.run(Queue((list_tags("ours/a"),) * 6), Phase.MAIN)

    trio.run(run)
    invoked = {entry.process for entry in entries if isinstance(entry, Op)}
    assert invoked == {1, 3, 6, 8, 11, 13}
