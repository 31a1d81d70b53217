"""Processes that load, seen from the one that conducts: mustered before the main phase, told to begin and to stop.

The death of one is told: the others stop, what there is is judged, and the run has failed on this machine. None of them
outlives the conductor, however that ends, and at the end all that they recorded is joined to the journal.
"""

import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import IO, cast

import msgspec
import trio

from nscr_cli.engine.clocks import RunClock
from nscr_cli.engine.crew.board import Board
from nscr_cli.engine.crew.orders import (
    Assignment,
    Counted,
    CrewFailed,
    Ended,
    Go,
    Order,
    Ready,
    Report,
    Stop,
    lines_of,
    written,
)
from nscr_cli.engine.recorder import Recorder
from nscr_cli.history.segments import joined, segment_path
from nscr_cli.monitors.meter import Meter
from nscr_cli.nemesis.proxy import ProxyDialer
from nscr_cli.targets.base import Running

_MUSTER_S = 60.0
_GRACE_S = 5.0
_LAST_WORDS = 500
_BOOTSTRAP = (
    "import sys; from nscr_cli.targets.parent_death import die_with_parent; die_with_parent(int(sys.argv.pop(1))); "
    "from nscr_cli.engine.crew.member import main; main()"
)


class _Member:
    """One process: how it is told, what it says, and how it ended."""

    def __init__(self, number: int, folder: Path, board: Board) -> None:
        self.number = number
        self.segment = segment_path(folder, number)
        self._words = folder / f"process-{number}.log"
        self.is_ready = trio.Event()
        self.is_over = trio.Event()
        self.ended: Ended | None = None
        # From this very thread: PR_SET_PDEATHSIG counts the death of the thread that forked as the parent's.
        with self._words.open("xb") as words:
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-c", _BOOTSTRAP, str(os.getpid())],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=words,
                pass_fds=(board.descriptor,),
                start_new_session=True,  # a Ctrl-C in the terminal reaches the conductor alone
            )
        self._told = _stream(cast("IO[bytes]", self.process.stdin))
        self._says = _stream(cast("IO[bytes]", self.process.stdout))

    async def tell(self, document: Assignment | Order) -> None:
        """Send one line; one who is dead is told nothing."""
        try:
            await self._told.send_all(written(document))
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            return

    async def reports(self) -> AsyncIterator[Report]:
        """What it says, until it ends."""
        async for line in lines_of(self._says):
            yield msgspec.json.decode(line, type=Report)

    async def wait(self) -> None:
        """Until it has ended."""
        descriptor = os.pidfd_open(self.process.pid)
        try:
            await trio.lowlevel.wait_readable(descriptor)
        finally:
            os.close(descriptor)
        self.process.wait()

    def ending(self) -> str:
        """In words, with its last ones."""
        code = self.process.returncode
        how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"exited with code {code}"
        said = self._words.read_text(encoding="utf-8", errors="replace").strip()[-_LAST_WORDS:]
        return f"process {self.number} of the load {how}; its last words: {said or 'none'}"

    async def aclose(self) -> None:
        """Kill it, if it lives, and reap it."""
        if self.process.poll() is None:
            self.process.kill()
            await self.wait()
        await self._told.aclose()
        await self._says.aclose()
        if self._words.stat().st_size == 0:
            self._words.unlink()


class Crew:
    """The processes that load for one run.

    Args:
        origin_ns: see `RunClock`.

    Attributes:
        failure: why a share of the load was not done, if so.
    """

    def __init__(
        self,
        count: int,
        folder: Path,
        recorder: Recorder,
        clock: RunClock,
        *,
        board: Board,
        meter: Meter,
        origin_ns: int,
    ) -> None:
        self.failure: CrewFailed | None = None
        self._count = count
        self._folder = folder
        self._recorder = recorder
        self._clock = clock
        self._board = board
        self._meter = meter
        self._origin_ns = origin_ns
        self._running: Running | None = None
        self._members: list[_Member] = []
        self._is_stopped = trio.Event()

    def reach(self, running: Running) -> None:
        """How they reach the registry."""
        self._running = running

    @asynccontextmanager
    async def mustered(self) -> AsyncIterator[None]:
        """All of them, ready to begin; when the block ends, none lives, and what they recorded is in the journal.

        Raises:
            CrewFailed: one of them does not get ready.
        """
        try:
            for number in range(self._count):
                self._members.append(_Member(number, self._folder, self._board))
            async with trio.open_nursery() as nursery:
                for member in self._members:
                    await member.tell(self._assignment(member.number))
                    nursery.start_soon(self._hear, member)
                with trio.move_on_after(_MUSTER_S):
                    for member in self._members:
                        await member.is_ready.wait()
                if self.failure is None and not all(member.is_ready.is_set() for member in self._members):
                    self.failure = CrewFailed("the processes of the load did not get ready", hint=_hint(self._folder))
                if self.failure is not None:
                    raise self.failure
                yield
                nursery.cancel_scope.cancel()
        finally:
            with trio.CancelScope(shield=True):
                for member in self._members:
                    await member.aclose()
            self._join()

    async def load(self, began_ns: int) -> None:
        """The main phase, until all have done their share or have stopped."""
        async with trio.open_nursery() as nursery:
            for member in self._members:
                await member.tell(Go(began_ns=began_ns))
            nursery.start_soon(self._pass_on_stop)
            for member in self._members:
                await member.is_over.wait()
            nursery.cancel_scope.cancel()

    def stop(self) -> None:
        """Begin nothing new, wherever."""
        self._is_stopped.set()

    async def _pass_on_stop(self) -> None:
        await self._is_stopped.wait()
        for member in self._members:
            await member.tell(Stop(grace_s=_GRACE_S))

    async def _hear(self, member: _Member) -> None:
        async for report in member.reports():
            match report:
                case Ready():
                    member.is_ready.set()
                case Counted():
                    self._meter.counted(self._clock.now_ns(), report.outcomes, report.latencies)
                    self._meter.broke(report.broken)
                case Ended():
                    member.ended = report
        await member.wait()
        if member.ended is None:
            self._fail(member, member.ending())
        elif member.ended.failure is not None:
            self._fail(member, f"process {member.number} of the load: {member.ended.failure}")
        member.is_ready.set()
        member.is_over.set()

    def _fail(self, member: _Member, detail: str) -> None:
        self._recorder.event("process-died", process=str(member.number), detail=detail)
        self.failure = self.failure or CrewFailed(detail, hint=_hint(self._folder))
        self._board.note_open(member.number, 0)
        self.stop()

    def _join(self) -> None:
        segments = [member.segment for member in self._members if member.segment.exists()]
        if self._recorder.join(joined(segments)):
            for segment in segments:
                segment.unlink()

    def _assignment(self, number: int) -> Assignment:
        running = self._running
        if running is None:
            raise RuntimeError("nobody said how the registry is reached")
        return Assignment(
            folder=str(self._folder.absolute()),
            number=number,
            count=self._count,
            origin_ns=self._origin_ns,
            board=self._board.descriptor,
            address=running.address,
            credentials=running.credentials,
            proxy_port=running.dialer.port if isinstance(running.dialer, ProxyDialer) else None,
            secrets=self._recorder.secrets,
        )


def _stream(pipe: IO[bytes]) -> trio.lowlevel.FdStream:
    """The descriptor of a pipe as a stream of its own."""
    descriptor = os.dup(pipe.fileno())
    pipe.close()
    return trio.lowlevel.FdStream(descriptor)


def _hint(folder: Path) -> str:
    return f"see {folder}; this machine may lack memory, or files that a process may open (ulimit -n)"
