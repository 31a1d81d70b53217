"""What a view tells of a round, and what every view does. Pure values and one protocol.

A follower is asked what it wants to know until it wants nothing more; then the round is over, and it reports. It does
no input or output and knows no clock.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

import msgspec

from nscr_cli.monitors.rules import Answer, Condition, Memory, Notice, Round, follow, read_round

Cell = str | int | float | bool | None


class Happening(msgspec.Struct, frozen=True, kw_only=True):
    """Something that was there after a round and not before, or the other way round.

    Attributes:
        event: short stable name, e.g. `created`.
        text: in words, for a line; may quote the registry.
        facts: for a document.
    """

    event: str
    text: str
    facts: Mapping[str, Cell]


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """One round of one view.

    Attributes:
        is_answered: at least one poll was answered.
        polls, unchanged: how many there were, and how many of them were answered 304.
        latency_ms: of the slowest answer; None without one.
        error: why nothing was answered.
        figures: by the columns of the view; None is unknown.
        texts: what the line says, in order.
        lists: what only a document has room for.
    """

    at_s: float
    is_answered: bool
    polls: int
    unchanged: int
    latency_ms: float | None
    error: str | None
    figures: Mapping[str, Cell]
    texts: tuple[str, ...] = ()
    lists: Mapping[str, Sequence[Mapping[str, Cell]]] = {}
    happenings: tuple[Happening, ...] = ()
    notices: tuple[Notice, ...] = ()


class Follower(Protocol):
    """A view of one registry."""

    name: str
    columns: tuple[str, ...]

    def wanted(self) -> Sequence[str]:
        """Paths to ask for next in this round, all at once; empty when the round is over."""

    def take(self, answer: Answer) -> None:
        """The answer to one of them."""

    def finish(self, at_s: float) -> Report:
        """The round is over; `at_s` is when, on the watcher's clock."""


class Gathered:
    """The answers of one round, and what the rules make of them from round to round.

    Silence before the first answer is no alert: the registry has not stopped answering, it never began.
    """

    def __init__(self, stuck_after_s: float = math.inf) -> None:
        self._stuck_after_s = stuck_after_s
        self._memory = Memory()
        self._has_answered = False
        self.answers: list[Answer] = []

    def judged(
        self, at_s: float, answers: Mapping[str, Answer], besides: Iterable[Condition] = ()
    ) -> tuple[Round, tuple[Notice, ...]]:
        """The round as the rules read it, and what is to be told."""
        current = read_round(at_s, answers)
        if not self._has_answered and current.is_silent:
            return current, ()
        self._has_answered = True
        self._memory, notices = follow(self._memory, current, stuck_after_s=self._stuck_after_s, besides=besides)
        return current, notices

    def report(
        self,
        at_s: float,
        figures: Mapping[str, Cell],
        *,
        texts: Sequence[str] = (),
        lists: Mapping[str, Sequence[Mapping[str, Cell]]] | None = None,
        happenings: Sequence[Happening] = (),
        notices: Sequence[Notice] = (),
    ) -> Report:
        """The report of the round; its answers are let go."""
        answers, self.answers = self.answers, []
        answered = [answer for answer in answers if answer.status is not None]
        errors = [answer.error for answer in answers if answer.status is None]
        return Report(
            at_s=at_s,
            is_answered=bool(answered),
            polls=len(answers),
            unchanged=sum(answer.is_unchanged for answer in answers),
            latency_ms=max((answer.latency_ms for answer in answered), default=None),
            error=(errors[0] or "no answer") if errors and not answered else None,
            figures=figures,
            texts=tuple(texts),
            lists=lists or {},
            happenings=tuple(happenings),
            notices=tuple(notices),
        )
