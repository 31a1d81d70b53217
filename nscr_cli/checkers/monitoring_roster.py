"""A list of names against what is certain of each: walked through time, so that a change costs once, not once a sample.

At an instant a list is right when it holds all that certainly is there and nothing that certainly is not.
"""

from collections.abc import Collection, Iterable, Mapping

from nscr_cli.checkers.monitoring_known import Known
from nscr_cli.checkers.spans import covers


class Roster:
    """What is certain at an instant; instants are asked for in ascending order, or it begins anew.

    Args:
        known: by name; of any other name nobody ever heard.
    """

    def __init__(self, known: Mapping[str, Known]) -> None:
        self.known = known
        # Twice the stamp, so that "just after" has a place: a span that ends at an instant is over there, one that
        # starts there has not begun.
        self._changes = sorted(
            change
            for name, one in known.items()
            for which, spans in enumerate((one.there, one.absent))
            for start, end in spans
            for change in ((2 * start + 1, name, which, True), (2 * end, name, which, False))
        )
        self._restart()

    def _restart(self) -> None:
        self._place = 0
        self._instant = -1
        self._certain: tuple[set[str], set[str]] = (set(), set())
        self._listed: Collection[str] = frozenset()
        self.missing: set[str] = set()
        self.ghosts: set[str] = set()

    def show(self, listed: Collection[str], instant: int) -> None:
        """Begin to judge a list, from this instant on."""
        if instant < self._instant:
            self._restart()
        self.step(instant)
        self._listed = listed
        self.missing = self._certain[0].difference(listed)
        self.ghosts = self._certain[1].intersection(listed)

    def step(self, instant: int) -> bool:
        """Go on to this instant. Whether the list is right there."""
        self._instant = instant
        while self._place < len(self._changes) and self._changes[self._place][0] <= 2 * instant:
            _, name, which, begins = self._changes[self._place]
            self._place += 1
            (self._certain[which].add if begins else self._certain[which].discard)(name)
            if (name in self._listed) == bool(which):
                wrong = (self.missing, self.ghosts)[which]
                (wrong.add if begins else wrong.discard)(name)
        return not self.missing and not self.ghosts

    def changes(self, until: int) -> Iterable[tuple[int, int]]:
        """What changes after the instant that was shown, up to another: at which place, and by how much the number of
        wrong names. Nothing is gone on to, because polls may overlap."""
        missing, ghosts = set(self.missing), set(self.ghosts)
        for place in range(self._place, len(self._changes)):
            at, name, which, begins = self._changes[place]
            if at > 2 * until:
                return
            if (name in self._listed) == bool(which):
                wrong = (missing, ghosts)[which]
                if (name in wrong) != begins:
                    (wrong.add if begins else wrong.discard)(name)
                    yield at, 1 if begins else -1

    def wrong_throughout(self, start: int, end: int) -> tuple[list[str], list[str]]:
        """Of what is missing now and what is there and should not, the names that this held for all the while."""
        missing = sorted(name for name in self.missing if covers(self.known[name].there, start, end))
        ghosts = sorted(name for name in self.ghosts if covers(self.known[name].absent, start, end))
        return missing, ghosts
