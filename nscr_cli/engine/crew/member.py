"""A process that loads: reads its assignment, does its share of the main phase, writes its segment of the journal.

It has nothing of its own to decide: when to begin and to stop it is told, and what it knows it has from the run's
folder. It dies with the process that conducts.
"""

import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import trio

from nscr_cli.engine.clocks import RunClock
from nscr_cli.engine.crew.board import Board
from nscr_cli.engine.crew.orders import (
    Assignment,
    Counted,
    Ended,
    Go,
    Order,
    Ready,
    Report,
    lines_of,
    read_assignment,
    written,
)
from nscr_cli.engine.crew.shares import Share
from nscr_cli.engine.interpreter import Interpreter
from nscr_cli.engine.judging import read_plan
from nscr_cli.engine.lateness import note_lateness
from nscr_cli.engine.load_shape import after_seeding, arrivals_of, bounded_load
from nscr_cli.engine.network import Network
from nscr_cli.engine.onlooker import online_rules
from nscr_cli.engine.pacing import Pace
from nscr_cli.engine.processor_waits import note_processor
from nscr_cli.engine.recorder import Recorder
from nscr_cli.generators.combinators import Queue
from nscr_cli.history.history import History
from nscr_cli.history.journal import JOURNAL_FORMAT, JOURNAL_NAME, Header, JournalWriter, read_journal
from nscr_cli.history.ops import Entry, Kind, Op, Phase
from nscr_cli.history.plan import RetryAfter, RunPlan
from nscr_cli.history.segments import segment_path
from nscr_cli.monitors.tally import Tally
from nscr_cli.nemesis.proxy import ProxyDialer
from nscr_cli.targets.base import Running
from nscr_cli.workloads.catalogue import WORKLOADS
from nscr_cli.workloads.final_reads import cancels
from nscr_cli.workloads.seeding import seeded_memory
from nscr_cli.workloads.world import world_of

_TALLY_S = 0.25


def main() -> None:
    """Serve one run."""
    trio.run(_serve)


async def _serve() -> None:
    async with trio.lowlevel.FdStream(os.dup(sys.stdin.fileno())) as stream:
        lines = lines_of(stream)
        assignment = read_assignment(await anext(lines))
        board = Board(assignment.board, assignment.count)
        path = segment_path(Path(assignment.folder), assignment.number)
        plan = read_plan(Path(assignment.folder))
        with path.open("xb") as file:
            journal = JournalWriter(file, Header(format=JOURNAL_FORMAT, nscr=plan.nscr, run_id=plan.run_id))
            member = Member(assignment, plan, journal, board)
            _say(Ready())
            order = await _next_order(lines)
            if isinstance(order, Go):
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(member.heed, lines)
                    await member.load(order.began_ns)
                    nursery.cancel_scope.cancel()
        _say(Ended(failure=member.failure))


async def _next_order(lines: AsyncIterator[bytes]) -> Order | None:
    """None at the end: who gives the orders is gone."""
    line = await anext(lines, None)
    return None if line is None else msgspec.json.decode(line, type=Order)


def _say(report: Report) -> None:
    sys.stdout.buffer.write(written(report))
    sys.stdout.buffer.flush()


class Member:
    """What one process does of a run."""

    def __init__(self, assignment: Assignment, plan: RunPlan, journal: JournalWriter, board: Board) -> None:
        self._assignment = assignment
        self._share = Share(assignment.number, assignment.count)
        self._plan = plan
        self._board = board
        self._tally = Tally()
        self._rules = online_rules(plan, sees_all=False)
        self._open = 0
        self._clock = RunClock(assignment.origin_ns)
        self._recorder = Recorder(
            journal,
            self._clock,
            observe=self._note,
            on_failure=lambda: self._interpreter.stop(grace_s=0),
            secrets=assignment.secrets,
            next_index=board.next_index,
        )
        # What was found out and pushed before the load stands in the journal of who conducts.
        history = History(read_journal(Path(assignment.folder) / JOURNAL_NAME))
        self._world = msgspec.structs.replace(world_of(plan), unsupported=frozenset(history.unsupported()))
        self._memory = seeded_memory(self._world, history.operations)
        wiring = Network(plan.request_timeout_s)
        running = Running(
            address=assignment.address,
            credentials=assignment.credentials,
            is_fresh=False,
            wait_death=_never,
            dialer=ProxyDialer(assignment.proxy_port) if assignment.proxy_port is not None else None,
        )
        self._interpreter = Interpreter(
            run_id=plan.run_id,
            namespace=self._world.namespace,
            workers=len(self._share.processes(plan)),
            first_process=assignment.number,
            every=assignment.count,
            generation=plan.workers,
            recorder=self._recorder,
            clock=self._clock,
            open_client=lambda process: wiring.open_client(running, process),
            pace=Pace(is_obedient=plan.scenario.retry_after is RetryAfter.HONOUR),
        )

    @property
    def failure(self) -> str | None:
        """Why its journal could not be written."""
        return self._recorder.failure.message if self._recorder.failure is not None else None

    async def heed(self, orders: AsyncIterator[bytes]) -> None:
        """Do as it is told; when nobody is left to tell it anything, stop."""
        while (order := await _next_order(orders)) is not None:
            if not isinstance(order, Go):
                self._interpreter.stop(grace_s=order.grace_s)
        self._interpreter.stop(grace_s=0)

    async def load(self, began_ns: int) -> None:
        """Its share of the main phase, and then of what that left open."""
        plan = self._share.plan(after_seeding(self._plan, self._world))
        load = bounded_load(WORKLOADS[plan.scenario.workload].main(self._world, self._memory), plan, began_ns)
        arrivals = arrivals_of(plan, began_ns, self._share)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._tell)
            nursery.start_soon(note_lateness, self._recorder)
            nursery.start_soon(note_processor, self._recorder)
            await self._clock.sleep_until(began_ns)
            await self._interpreter.run(load, Phase.MAIN, arrivals=arrivals)
            await self._cancel_uploads()
            nursery.cancel_scope.cancel()
        await self._interpreter.aclose()
        self._count()

    async def _cancel_uploads(self) -> None:
        """Where an upload goes on, only this process knows."""
        folder = Path(self._assignment.folder)
        own = History(read_journal(segment_path(folder, self._assignment.number)))
        await self._interpreter.run(Queue(cancels(own.operations)), Phase.FINAL)

    async def _tell(self) -> None:
        while True:
            await trio.sleep(_TALLY_S)
            self._count()

    def _count(self) -> None:
        outcomes, latencies, broken = self._tally.take()
        if outcomes:
            _say(Counted(outcomes=outcomes, latencies=latencies, broken=broken))

    def _note(self, entry: Entry) -> None:
        if not isinstance(entry, Op):
            return
        if entry.kind is Kind.INVOKE:
            self._open += 1
            self._rules.asked(entry)
        else:
            self._open -= 1
            self._tally.ended(entry)
            seen = self._rules.ended(entry)
            if seen:
                self._tally.broke(seen)
        self._board.note_open(self._assignment.number, self._open)


async def _never() -> str:
    await trio.sleep_forever()
    raise AssertionError("unreachable")
