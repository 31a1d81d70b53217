"""What is certain of one blob over all repositories that may hold it: when it is there, and when nobody holds it.

A blob that its last repository has let go of is counted until a collection takes it: it is certainly absent only before
its first write. Who let go of it ended its lease, too, and no manifest reaches a blob that is not in its repository: so
from the delete on it is unreferenced, for certain. Pure.
"""

from nscr_cli.checkers.inventory import BlobHeld
from nscr_cli.checkers.monitoring_known import Known
from nscr_cli.checkers.spans import BEFORE_ALL, Span, intersection, union
from nscr_cli.history.history import NEVER


class Holdings:
    """Gathers what is certain in each repository.

    Attributes:
        first: when the first write of it began; NEVER without one.
    """

    __slots__ = ("_absent", "_acknowledged", "_held", "first")

    def __init__(self) -> None:
        self.first = NEVER
        self._acknowledged = NEVER
        self._held: list[Span] = []
        self._absent: list[Span] = [(BEFORE_ALL, NEVER)]

    def add(self, one: "BlobHeld | Holdings") -> None:
        """What is certain in one more repository, or in several."""
        if isinstance(one, Holdings):
            held, acknowledged, absent = one._held, one._acknowledged, one._absent
        else:
            held, acknowledged, absent = one.held, one.acknowledged, one.absent
        self.first = min(self.first, one.first)
        self._acknowledged = min(self._acknowledged, acknowledged)
        self._held = [*self._held, *held]
        self._absent = intersection(self._absent, absent)

    def known(self) -> Known:
        """When it is there, whoever holds it."""
        return Known.consistent(union(self._held), [(BEFORE_ALL, self.first)])

    def let_go(self) -> list[Span]:
        """When it is there, and no repository holds it: it was pushed, and deleted from each that may have had it."""
        return intersection(self._absent, [(self._acknowledged, NEVER)])
