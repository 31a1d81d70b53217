"""One request and its reply under way, with what works on them; pure but for the report of what was struck."""

from collections.abc import Callable, Mapping, Sequence
from random import Random

import msgspec

from nscr_cli.history.faults import Direction, Ending, Fault, Step
from nscr_cli.nemesis.aim import Head
from nscr_cli.nemesis.replies import Alteration, Altering, Answer
from nscr_cli.nemesis.toxics import Link, Parcel, link, step


class Strike(msgspec.Struct, frozen=True, kw_only=True):
    """A fault that changed what an exchange was.

    Attributes:
        match: the i-th request that the fault was aimed at, from 1.
        connection: number of the connection, from 1.
        request_id: X-Request-Id of the request, or empty.
        passed: bytes that had gone in that direction of the exchange, the struck ones included.
    """

    fault: str
    toxic: str
    step: Step
    match: int
    connection: int
    request_id: str
    direction: Direction
    passed: int


Report = Callable[[Strike], None]


class _Line(msgspec.Struct):
    """One toxic of one fault on one direction of an exchange."""

    fault: str
    match: int
    chance: Random
    link: Link


class Exchange:
    """One request and its reply, with the toxics that work on them.

    Args:
        replies: what is told instead of the registry's replies, by the name of the fault.
    """

    def __init__(
        self,
        head: Head,
        struck: Sequence[tuple[Fault, int, Random]],
        *,
        connection: int,
        report: Report,
        replies: Mapping[str, Answer | Alteration],
    ) -> None:
        self._head = head
        self._replies = [
            (fault.name, number, replies[fault.name]) for fault, number, _ in struck if fault.name in replies
        ]
        self._altering = [
            (name, number, reply, Altering(reply))
            for name, number, reply in self._replies
            if not isinstance(reply, Answer)
        ]
        self._connection = connection
        self._report = report
        self._passed = dict.fromkeys(Direction, 0)
        self._lines = {
            direction: [
                _Line(fault.name, number, chance, link(toxic, chance, uncounted=_uncounted(head, direction)))
                for fault, number, chance in struck
                for toxic in fault.toxics
                if toxic.direction is direction
            ]
            for direction in Direction
        }

    def answered(self) -> bytes | None:
        """What is answered to the request without asking the registry, which is reported."""
        for name, match, reply in self._replies:
            if isinstance(reply, Answer):
                self._report(self._struck(name, match, "answer", Direction.REQUEST))
                return reply.reply(self._head.method)
        return None

    def hand_on(self, direction: Direction, parcel: Parcel) -> list[Parcel]:
        """What becomes of a parcel; a toxic that strikes for the first time is reported."""
        if not isinstance(parcel.what, Ending):
            self._passed[direction] += len(parcel.what)
        parcels = self._altered(parcel) if direction is Direction.REPLY else [parcel]
        for line in self._lines[direction]:
            handed_on: list[Parcel] = []
            had_struck = line.link.has_struck
            for each in parcels:
                line.link, made = step(line.link, each, line.chance)
                handed_on.extend(made)
            parcels = handed_on
            if line.link.has_struck and not had_struck:
                self._strike(line, self._head, direction)
        return parcels

    def _altered(self, parcel: Parcel) -> list[Parcel]:
        what, is_over = parcel.what, False
        for name, match, reply, altering in self._altering:
            if isinstance(what, Ending):
                break
            had_struck = altering.has_struck
            what = altering.feed(what)
            is_over |= altering.is_over
            if altering.has_struck and not had_struck:
                self._report(self._struck(name, match, str(reply.__struct_config__.tag), Direction.REPLY))
        whole = [Parcel(parcel.due_s, what)] if what else []
        return [*whole, Parcel(parcel.due_s, Ending.CLOSE)] if is_over else whole

    @property
    def is_answered_though_cut(self) -> bool:
        """Its request was cut, and an answer came all the same: the client may mean to go on."""
        return bool(self._passed[Direction.REPLY]) and any(one.link.is_over for one in self._lines[Direction.REQUEST])

    def denies(self, following: Head) -> bool:
        """No further request reaches the registry on this connection: then that one is struck as well."""
        for line in self._lines[Direction.REQUEST]:
            if line.link.is_over:
                self._strike(line, following, Direction.REQUEST)
                return True
        return False

    def _strike(self, line: _Line, head: Head, direction: Direction) -> None:
        toxic = str(line.link.toxic.__struct_config__.tag)
        self._report(self._struck(line.fault, line.match, toxic, direction, head))

    def _struck(self, fault: str, match: int, toxic: str, direction: Direction, head: Head | None = None) -> Strike:
        head = head or self._head
        return Strike(
            fault=fault,
            toxic=toxic,
            step=head.step,
            match=match,
            connection=self._connection,
            request_id=head.request_id,
            direction=direction,
            passed=self._passed[direction],
        )


def _uncounted(head: Head, direction: Direction) -> int:
    return head.size if direction is Direction.REQUEST else 0
