"""Operations with the same thing to be said of them, counted: how many, the first few of them, and whether on one key.

For findings that would otherwise be told a thousand times. Operations may come in any order, so that a history can be
judged in parts; the first are those of the lowest index.
"""

from collections.abc import Hashable
from operator import attrgetter
from typing import Generic, TypeVar

from nscr_cli.history.history import Operation

Group = TypeVar("Group", bound=Hashable)


class Tally:
    """Operations of one group.

    Attributes:
        count: how many there were.
        first: those of the lowest index, in order.
    """

    def __init__(self, most: int) -> None:
        self.count = 0
        self.first: list[Operation] = []
        self._most = most
        self._keys: set[str] = set()

    def add(self, operation: Operation) -> None:
        """One more."""
        self.count += 1
        if len(self._keys) < 2:
            self._keys.add(operation.key)
        if len(self.first) < self._most or operation.index < self.first[-1].index:
            self.first = sorted([*self.first, operation], key=attrgetter("index"))[: self._most]

    def merge(self, other: "Tally") -> None:
        """All those of another one."""
        self.count += other.count
        self._keys |= other._keys
        self.first = sorted([*self.first, *other.first], key=attrgetter("index"))[: self._most]

    @property
    def key(self) -> str | None:
        """The key that all of them are about, if there is one."""
        return self.first[0].key if len(self._keys) == 1 else None


class Tallies(Generic[Group]):
    """Tallies by group."""

    def __init__(self, most: int) -> None:
        self._most = most
        self.by_group: dict[Group, Tally] = {}

    def add(self, group: Group, operation: Operation) -> None:
        """One more of a group."""
        self.by_group.setdefault(group, Tally(self._most)).add(operation)

    def merge(self, group: Group, tally: Tally) -> None:
        """All those of a tally."""
        self.by_group.setdefault(group, Tally(self._most)).merge(tally)
