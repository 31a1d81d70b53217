"""What one answer of the monitoring API claims, judged at the instants at which the answer may have been true.

An answer is one snapshot, so that there must be one instant of its interval at which all that it claims holds. What the
history says of a claim is a sum over its parts, so that it can come part by part: kept is what held when the poll began
and what changed during it. What is certain begins just after an instant and ends at one, so that twice the stamp, and
one more where something begins, is the place of a change: at instant t all changes up to 2t have taken place.
"""

from array import array
from collections.abc import Callable, Collection, Iterable, Iterator
from heapq import nsmallest
from typing import Protocol, TypeVar, cast

from nscr_cli.checkers.monitoring_known import Figure
from nscr_cli.checkers.monitoring_roster import Roster

_SHOWN_NAMES = 3


class Claim(Protocol):
    """Something that an answer says."""

    def ends(self) -> Iterable[int]:
        """The instants within the poll at which something certain ends: only there may it hold that did not before."""
        ...

    def holds(self, instant: int) -> bool:
        """Whether it may be true at this instant; asked in ascending order."""
        ...

    def why_never(self) -> Iterable[str]:
        """In words, after it held at none of the instants."""
        ...


OneClaim = TypeVar("OneClaim", bound=Claim)


class FigureClaim:
    """A figure has this value."""

    def __init__(self, name: str, value: int) -> None:
        self._name = name
        self._value = value
        self._sum = _Sum()
        self._ranges: list[tuple[int, int]] = []

    def add(self, figure: Figure, start: int, end: int) -> None:
        """What one more part says of the figure."""
        self._sum.add(figure.least(start), figure.most(start), figure.changes(start, end))

    def ends(self) -> Iterable[int]:
        return self._sum.ends()

    def holds(self, instant: int) -> bool:
        least, most = self._sum.at(instant)
        self._ranges.append((least, most))
        return least <= self._value <= most

    def why_never(self) -> Iterable[str]:
        least, most = min(low for low, _ in self._ranges), max(high for _, high in self._ranges)
        said = str(least) if least == most else f"between {least} and {most}"
        yield f"{self._name} is {self._value}, and the history says {said}"


class ListClaim:
    """These names, and no others, are there: nothing is missing and nothing should not be there."""

    def __init__(self) -> None:
        self._sum = _Sum()
        self._names: list[str] = []
        self._missing: list[str] = []
        self._ghosts: list[str] = []

    def add(
        self,
        roster: Roster,
        listed: Collection[str],
        start: int,
        end: int,
        missing: Callable[[str], str],
        ghost: Callable[[str], str],
    ) -> None:
        """What one more part says of the list, as to the names that are its own.

        Args:
            missing, ghost: what is wrong in words, where a name is wrongly absent or there throughout the poll.
        """
        roster.show(listed, start)
        wrong = len(roster.missing) + len(roster.ghosts)
        self._sum.add(wrong, 0, ((place, change, 0) for place, change in roster.changes(end)))
        if wrong:
            self._names = nsmallest(_SHOWN_NAMES, {*self._names, *roster.missing, *roster.ghosts})
            lacks, ghosts = roster.wrong_throughout(start, end)
            self._missing += map(missing, lacks)
            self._ghosts += map(ghost, ghosts)

    def ends(self) -> Iterable[int]:
        return self._sum.ends()

    def holds(self, instant: int) -> bool:
        return self._sum.at(instant)[0] == 0

    def why_never(self) -> Iterable[str]:
        yield from sorted(self._missing)
        yield from sorted(self._ghosts)
        if not self._missing and not self._ghosts:
            yield f"the list is right at no instant of the poll, e.g. as to {', '.join(self._names)}"


class Fact:
    """What holds at every instant of the poll or at none."""

    def __init__(self) -> None:
        self._wrong: set[str] = set()

    def add(self, wrong: Iterable[str]) -> None:
        """What one more part finds wrong."""
        self._wrong.update(wrong)

    def ends(self) -> Iterable[int]:
        return ()

    def holds(self, instant: int) -> bool:
        return not self._wrong

    def why_never(self) -> Iterable[str]:
        return sorted(self._wrong)


class Claims:
    """All that one answer claims, by name.

    Args:
        start, end: of the poll.
    """

    def __init__(self, start: int, end: int) -> None:
        self._start = start
        self._end = end
        self._by_name: dict[str, Claim] = {}
        self._left_out: set[str] = set()

    def figure(self, name: str, value: int, figure: Figure | None) -> None:
        """One part's share of a figure; where it cannot tell, the figure is not judged."""
        if figure is None:
            self._left_out.add(name)
        else:
            self._of(name, lambda: FigureClaim(name, value)).add(figure, self._start, self._end)

    def names(
        self,
        name: str,
        roster: Roster,
        listed: Collection[str],
        *,
        missing: Callable[[str], str],
        ghost: Callable[[str], str],
    ) -> None:
        """One part's share of a list."""
        self._of(name, ListClaim).add(roster, listed, self._start, self._end, missing, ghost)

    def fact(self, name: str, wrong: Iterable[str]) -> None:
        """What one part finds wrong at any instant."""
        self._of(name, Fact).add(wrong)

    def wrong(self) -> Iterable[str]:
        """What is wrong with the answer, in words; nothing where one instant makes all of it true."""
        claims = [claim for name, claim in self._by_name.items() if name not in self._left_out]
        held = [False] * len(claims)
        for instant in sorted({self._start, *(end for claim in claims for end in claim.ends())}):
            now = [claim.holds(instant) for claim in claims]
            if all(now):
                return
            held = [ever or one for ever, one in zip(held, now, strict=True)]
        never = [claim for claim, ever in zip(claims, held, strict=True) if not ever]
        for claim in never:
            yield from claim.why_never()
        if not never:
            yield "each of its figures and lists may be true at some instant of the poll, all of them at none"

    def _of(self, name: str, make: Callable[[], OneClaim]) -> OneClaim:
        if name not in self._by_name:
            self._by_name[name] = make()
        return cast("OneClaim", self._by_name[name])


class _Sum:
    """Two figures added up over the parts of a history: at the start of the poll, and what changes them during it."""

    def __init__(self) -> None:
        self._least = 0
        self._most = 0
        self._changes = array("q")
        self._ahead: Iterator[tuple[int, int, int]] | None = None
        self._next: tuple[int, int, int] | None = None

    def add(self, least: int, most: int, changes: Iterable[tuple[int, int, int]]) -> None:
        self._least += least
        self._most += most
        for change in changes:
            self._changes.extend(change)

    def ends(self) -> Iterable[int]:
        return (place // 2 for place in self._changes[::3] if place % 2 == 0)

    def at(self, instant: int) -> tuple[int, int]:
        """Both at this instant; asked in ascending order, once all was added."""
        if self._ahead is None:
            changes = self._changes
            self._ahead = iter(sorted(zip(changes[::3], changes[1::3], changes[2::3], strict=True)))
            self._next = next(self._ahead, None)
        while self._next is not None and self._next[0] <= 2 * instant:
            self._least += self._next[1]
            self._most += self._next[2]
            self._next = next(self._ahead, None)
        return self._least, self._most
