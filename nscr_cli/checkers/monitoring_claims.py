"""What one answer of the monitoring API claims, judged at the instants at which the answer may have been true.

An answer is one snapshot, so that there must be one instant of its interval at which all that it claims holds.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Protocol

from nscr_cli.checkers.monitoring_known import Figure
from nscr_cli.checkers.monitoring_roster import Roster


class Claim(Protocol):
    """Something that an answer says."""

    def holds(self, instant: int) -> bool:
        """Whether it may be true at this instant; asked in ascending order."""
        ...

    def why_never(self, start: int, end: int) -> Iterable[str]:
        """In words, after it held at none of the instants."""
        ...


class FigureClaim:
    """A figure has this value."""

    def __init__(self, name: str, value: int, figure: Figure) -> None:
        self._name = name
        self._value = value
        self._figure = figure
        self._ranges: list[tuple[int, int]] = []

    def holds(self, instant: int) -> bool:
        least, most = self._figure.least(instant), self._figure.most(instant)
        self._ranges.append((least, most))
        return least <= self._value <= most

    def why_never(self, start: int, end: int) -> Iterable[str]:
        least, most = min(low for low, _ in self._ranges), max(high for _, high in self._ranges)
        said = str(least) if least == most else f"between {least} and {most}"
        yield f"{self._name} is {self._value}, and the history says {said}"


class ListClaim:
    """These names, and no others, are there.

    Args:
        missing, ghost: what is wrong in words, where a name is wrongly absent or wrongly there throughout an interval.
    """

    def __init__(
        self,
        roster: Roster,
        listed: Collection[str],
        *,
        missing: Callable[[str], str],
        ghost: Callable[[str], str],
    ) -> None:
        self._roster = roster
        self._listed = listed
        self._is_shown = False
        self._missing = missing
        self._ghost = ghost

    def holds(self, instant: int) -> bool:
        if not self._is_shown:
            self._is_shown = True
            self._roster.show(self._listed, instant)
        return self._roster.step(instant)

    def why_never(self, start: int, end: int) -> Iterable[str]:
        missing, ghosts = self._roster.wrong_throughout(start, end)
        yield from map(self._missing, missing)
        yield from map(self._ghost, ghosts)
        if not missing and not ghosts:
            wrong = sorted(self._roster.missing | self._roster.ghosts)
            yield f"the list is right at no instant of the poll, e.g. as to {', '.join(wrong[:3])}"


class Fact:
    """What holds at every instant of the interval or at none."""

    def __init__(self, wrong: Sequence[str]) -> None:
        self._wrong = wrong

    def holds(self, instant: int) -> bool:
        return not self._wrong

    def why_never(self, start: int, end: int) -> Iterable[str]:
        return self._wrong


def judge(claims: Sequence[Claim], instants: Iterable[int], start: int, end: int) -> Iterable[str]:
    """What is wrong with an answer that claims this, in words; nothing where one instant makes all of it true.

    Args:
        instants: of the interval from `start` to `end`, in ascending order, enough of them that a claim that may hold
            at any instant may hold at one of these.
    """
    held = [False] * len(claims)
    for instant in instants:
        now = [claim.holds(instant) for claim in claims]
        if all(now):
            return
        held = [ever or one for ever, one in zip(held, now, strict=True)]
    never = [claim for claim, ever in zip(claims, held, strict=True) if not ever]
    for claim in never:
        yield from claim.why_never(start, end)
    if not never:
        yield "each of its figures and lists may be true at some instant of the poll, all of them at none"
