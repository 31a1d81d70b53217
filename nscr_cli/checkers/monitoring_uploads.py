"""Which uploads may be open at an instant, and which must be, as far as the history tells.

An upload that is one operation (a push, a mount that was not granted) opens and closes within it, nobody sees when. One
that is done step by step is open from the answer to its first step until a step may have ended it.
"""

from collections.abc import Mapping
from functools import cached_property
from itertools import chain

from nscr_cli.checkers.inventory import (
    DELETES,
    MANIFEST_READS,
    UPLOAD_STEPS,
    is_trespass,
    may_have_happened,
)
from nscr_cli.checkers.monitoring_known import Figure, Known
from nscr_cli.checkers.spans import BEFORE_ALL, Span
from nscr_cli.history.history import NEVER, History, Operation
from nscr_cli.history.ops import F, Kind

_ENDS = (F.FINISH_UPLOAD, F.CANCEL_UPLOAD)
# Whatever else is asked may leave an upload open: a kind of operation that is not known here widens the range.
_MAY_OPEN = tuple(
    set(F)
    - {F.GET_BLOB, F.HEAD_BLOB, F.PUT_MANIFEST, F.LIST_TAGS, F.LIST_PAGE, F.LIST_CATALOG, F.LIST_REFERRERS}
    - MANIFEST_READS
    - DELETES
    - UPLOAD_STEPS
)


class Uploads:
    """The uploads of one history."""

    def __init__(self, history: History) -> None:
        self._history = history

    @cached_property
    def figure(self) -> Figure:
        """How many are open while operations run."""
        return Figure(chain(map(_whole, self._openers), (known for _, known in self._stepwise)))

    @cached_property
    def quiet_figure(self) -> Figure:
        """The same, once all is drained: an upload of wrong bytes was cancelled when they were refused."""
        openers = (one for one in self._openers if not one.asked.wrong_bytes)
        return Figure(chain(map(_whole, openers), (known for _, known in self._stepwise)))

    @cached_property
    def by_id(self) -> Mapping[str, Known]:
        """Uploads that are done step by step, by what their client calls them: the last part of their Location."""
        named = ((one.answered.location or "", known) for one, known in self._stepwise)
        return {location.rstrip("/").rpartition("/")[2]: known for location, known in named if location}

    @property
    def _openers(self) -> list[Operation]:
        return self._history.of(*_MAY_OPEN)

    @cached_property
    def _stepwise(self) -> list[tuple[Operation, Known]]:
        """The first step of each upload, and when it is open."""
        own = self._history.grouped(
            lambda one: one.asked.upload if one.f in UPLOAD_STEPS and not is_trespass(one) else None
        )
        return [(one, _open(one, ones)) for ones in own.values() for one in ones if one.f is F.START_UPLOAD]


def _whole(opener: Operation) -> Known:
    """It may be open as long as the operation runs, and for ever after one that did not succeed."""
    return Known([], [(BEFORE_ALL, opener.start_ns), *([(opener.end_ns, NEVER)] if opener.kind is Kind.OK else [])])


def _open(start: Operation, steps: list[Operation]) -> Known:
    """An upload may be over as soon as any step begins that is not a chunk or a question that was answered rightly."""
    doubtful = [one.start_ns for one in steps if one is not start and (one.f in _ENDS or one.kind is not Kind.OK)]
    until = min(doubtful, default=NEVER)
    is_open = start.kind is Kind.OK and start.end_ns < until
    ended = [one.end_ns for one in steps if one.f in _ENDS and one.kind is Kind.OK]
    # A refusal that is none (a Location that could not be followed) may have opened it.
    is_refused = not may_have_happened(start) and (start.answered.status or 400) >= 400
    over: list[Span] = [(min([*ended, *([start.end_ns] if is_refused else [])]), NEVER)] if ended or is_refused else []
    return Known.consistent([(start.end_ns, until)] if is_open else [], [(BEFORE_ALL, start.start_ns), *over])
