"""Writes the history of a run as it happens, and tells whoever watches.

A report disk that is full must not lose the verdict: the first failure to write is kept, whoever runs the load is told
to stop, and what was written so far is judged.
"""

import itertools
from collections.abc import Callable, Iterable

import msgspec

from nscr_cli.engine.clocks import RunClock
from nscr_cli.errors import ReportsUnwritable
from nscr_cli.history.invocation import Invocation
from nscr_cli.history.journal import JournalWriter
from nscr_cli.history.ops import Answered, Entry, Event, Kind, Op, Phase, Sample
from nscr_cli.history.redaction import redacted

_JOINED_AT_ONCE = 1000


class Recorder:
    """The only writer of a journal.

    Attributes:
        failure: why nothing is written any more, if that is so.
        secrets: values that never enter the journal.

    Args:
        next_index: gives each entry its index; where several processes record, they share it.
        open_elsewhere: how many operations are open in other processes.
    """

    def __init__(
        self,
        journal: JournalWriter,
        clock: RunClock,
        *,
        observe: Callable[[Entry], None],
        on_failure: Callable[[], None],
        secrets: tuple[str, ...] = (),
        next_index: Callable[[], int] | None = None,
        open_elsewhere: Callable[[], int] = lambda: 0,
    ) -> None:
        self.failure: ReportsUnwritable | None = None
        self._journal = journal
        self._clock = clock
        self._observe = observe
        self._on_failure = on_failure
        self.secrets = secrets
        self._open = 0
        self._open_elsewhere = open_elsewhere
        self._next_index = next_index or itertools.count().__next__

    @property
    def in_flight(self) -> int:
        """Operations invoked and not completed, of all processes that load."""
        return self._open + self._open_elsewhere()

    def invoke(self, process: int, phase: Phase, invocation: Invocation, intended_ns: int) -> Op:
        """Write that an operation is about to be dispatched; it is on its way to the disk when this returns."""
        self._open += 1
        op = Op(
            index=self._next_index(),
            process=process,
            kind=Kind.INVOKE,
            f=invocation.f,
            key=invocation.key,
            phase=phase,
            intended_ns=intended_ns,
            time_ns=self._clock.now_ns(),
            asked=invocation.asked,
        )
        self._take(op)
        self.flush()
        return op

    def complete(self, invoked: Op, kind: Kind, answered: Answered, error: str | None) -> Op:
        """Take down how an operation ended; the next flush writes it, at the latest that of the next invocation."""
        self._open -= 1
        if answered.headers and self.secrets:
            clean = tuple((name, redacted(value, self.secrets)) for name, value in answered.headers)
            answered = msgspec.structs.replace(answered, headers=clean)
        op = msgspec.structs.replace(
            invoked,
            index=self._next_index(),
            kind=kind,
            time_ns=self._clock.now_ns(),
            asked=None,
            answered=answered,
            error=redacted(error, self.secrets) if error else None,
        )
        self._take(op)
        return op

    def event(self, name: str, /, **detail: str) -> None:
        """Write something that happened to the run itself."""
        clean = {key: redacted(value, self.secrets) for key, value in detail.items()}
        self._write(Event(name=name, time_ns=self._clock.now_ns(), detail=clean))

    def sample(self, sample: Sample) -> None:
        """Write one poll of the monitoring API."""
        self._write(sample)

    def join(self, lines: Iterable[bytes]) -> bool:
        """Write what others recorded, line by line; False where not all of it could be written."""
        for number, line in enumerate(lines, start=1):
            self._journal.take_line(line)
            if number % _JOINED_AT_ONCE == 0:
                self.flush()
            if self.failure is not None:
                return False
        self.flush()
        return self.failure is None

    def flush(self) -> None:
        """Write what was taken down; to be called before whoever records comes to rest."""
        if self.failure is not None:
            return
        try:
            self._journal.flush()
        except OSError as error:
            self.failure = ReportsUnwritable(
                f"the journal cannot be written: {error.strerror or error}",
                hint="free some space, or name another folder with --reports",
            )
            self._on_failure()

    def _write(self, entry: Entry) -> None:
        self._take(entry)
        self.flush()

    def _take(self, entry: Entry) -> None:
        if self.failure is None:
            self._journal.take(entry)
            self._observe(entry)
