"""The interpreter: journals before it dispatches, and dispatches nothing outside of the namespace."""

import io

import msgspec
import pytest
import trio

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
