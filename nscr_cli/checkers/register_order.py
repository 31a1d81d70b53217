"""An order of the calls on a register whose writes are unique, or why there is none; near-linear time.

Reads and writes only; the register holds nothing at first. All calls on one value happen in one stretch of time with no
other value in between: it has begun when the first of them ended, and is not over before the last of them began. Where
the first end comes before the last start, the stretch between is the value's own (a forward zone): no other may fall
into it. Else one instant is enough for all of its calls, from the last start to the first end (a backward zone).
P. Gibbons, E. Korach, "Testing shared memories", SIAM J. Comput. 26 (1997), section 4.
"""

from bisect import bisect_right
from collections.abc import Hashable, Iterable, Sequence
from itertools import pairwise

import msgspec

from nscr_cli.checkers.linearizability import LinearizabilityResult
from nscr_cli.checkers.verdict import Verdict

FOREVER = 2**63


class Access(msgspec.Struct, frozen=True, gc=False):
    """A read or a write; `value` is None for a read of nothing. Positions on a timeline without ties."""

    number: int
    is_write: bool
    value: Hashable
    start: int
    end: int


def accesses_of(accesses: Sequence[tuple[bool, Hashable, int, int | None]]) -> list[Access] | None:
    """Of (is a write, value, start, end) in the order of their numbers; None where a value is written twice.

    Starts come before ends of the same instant: that is what makes intervals closed. A read without end binds nobody.
    """
    events = [(start, 0, number) for number, (_, _, start, _) in enumerate(accesses)]
    events += [(end, 1, number) for number, (_, _, _, end) in enumerate(accesses) if end is not None]
    positions = {(number, side): position for position, (_, side, number) in enumerate(sorted(events))}
    written = [value for is_write, value, _, _ in accesses if is_write]
    if len(set(written)) < len(written) or None in written:
        return None
    return [
        Access(number, is_write, value, positions[number, 0], positions.get((number, 1), FOREVER))
        for number, (is_write, value, _, end) in enumerate(accesses)
        if is_write or end is not None
    ]


def without_search(
    accesses: Sequence[tuple[bool, Hashable, int, int | None]], max_steps: int | None
) -> LinearizabilityResult | None:
    """The result for reads and writes as in `accesses_of`, one step a call; None where a value is written twice."""
    known = accesses_of(accesses)
    if known is None:
        return None
    if max_steps is not None and len(known) > max_steps:
        return LinearizabilityResult(verdict=Verdict.UNKNOWN, prefix=(), steps=max_steps)
    order = order_of(known)
    verdict = Verdict.INVALID if order.misfits else Verdict.VALID
    return LinearizabilityResult(verdict=verdict, prefix=order.prefix, misfits=order.misfits, steps=len(known))


class Order(msgspec.Struct, frozen=True):
    """Calls in an order that a register allows, and those that cannot follow; none, where all are in order."""

    prefix: tuple[int, ...]
    misfits: tuple[int, ...]


def order_of(accesses: Sequence[Access]) -> Order:
    """All calls in order, or of those that began before the first end at which no order is left as many as have one."""
    whole = _arranged(accesses)
    if whole is not None:
        return Order(whole, ())
    # Until which end an order exists can be told of every end, and where there is none any more there never is again.
    ends = sorted(access.end for access in accesses if access.end != FOREVER)
    possible = bisect_right(ends, 0, key=lambda end: _arranged(_until(accesses, end)) is None)
    fatal = ends[possible]
    prefix = _arranged(_until(accesses, ends[possible - 1] if possible else -1)) or ()
    return _extended(accesses, prefix, fatal)


def _until(accesses: Sequence[Access], end: int) -> list[Access]:
    """What had begun by that end; a write that had not ended may have happened, a read that had not binds nobody."""
    return [
        access if access.end <= end else msgspec.structs.replace(access, end=FOREVER)
        for access in accesses
        if access.end <= end or (access.is_write and access.start < end)
    ]


def _extended(accesses: Sequence[Access], prefix: tuple[int, ...], fatal: int) -> Order:
    """With all that was pending at the fatal end and still fits, one after another; what is left does not."""
    by_number = {access.number: access for access in accesses}
    taken = set(prefix)
    held = next((by_number[n].value for n in reversed(prefix) if by_number[n].is_write), None)
    waiting = [access for access in accesses if access.start < fatal and access.number not in taken]
    order = list(prefix)
    while True:
        # Reads first: they change nothing, and a write may take away what they saw.
        fitting = [access for access in waiting if not access.is_write and access.value == held]
        fitting = fitting or [access for access in waiting if access.is_write][:1]
        if not fitting:
            return Order(tuple(order), tuple(access.number for access in waiting))
        held = fitting[-1].value
        order += [access.number for access in fitting]
        gone = {access.number for access in fitting}
        waiting = [access for access in waiting if access.number not in gone]


class _Zone:
    """All calls on one value."""

    __slots__ = ("first_end", "last_start", "point", "reads", "write")

    def __init__(self) -> None:
        self.write: Access | None = None
        self.reads: list[Access] = []
        self.first_end = FOREVER
        self.last_start = -1
        self.point = -1

    def take(self, access: Access) -> None:
        self.first_end = min(self.first_end, access.end)
        self.last_start = max(self.last_start, access.start)
        if access.is_write:
            self.write = access
        else:
            self.reads.append(access)

    def calls(self) -> Iterable[int]:
        if self.write is not None:
            yield self.write.number
        yield from (read.number for read in sorted(self.reads, key=lambda read: read.start))


def _arranged(accesses: Sequence[Access]) -> tuple[int, ...] | None:
    """The numbers of the calls in order, without writes that nobody needs to see; None where there is no order."""
    zones = _zones(accesses)
    if zones is None:
        return None
    forward = sorted((zone for zone in zones if zone.first_end < zone.last_start), key=lambda zone: zone.first_end)
    if any(zone.last_start > following.first_end for zone, following in pairwise(forward)):
        return None
    begins = [zone.first_end for zone in forward]
    for zone in zones:
        zone.point = min(zone.first_end, zone.last_start)
        place = bisect_right(begins, zone.point) - 1
        if zone.first_end > zone.last_start and place >= 0 and forward[place].last_start > zone.point:
            # It cannot fall into the stretch of another value: it comes when that is over, if it still can.
            zone.point = forward[place].last_start
            if zone.point > zone.first_end:
                return None
    return tuple(number for zone in sorted(zones, key=lambda zone: zone.point) for number in zone.calls())


def _zones(accesses: Sequence[Access]) -> list[_Zone] | None:
    """All that must have happened, by value; None where something is read that nobody had started to write."""
    zones: dict[Hashable, _Zone] = {}
    for access in accesses:
        zones.setdefault(access.value, _Zone()).take(access)
    nothing = zones.pop(None, None)
    if any(zone.write is None or any(read.end < zone.write.start for read in zone.reads) for zone in zones.values()):
        return None
    needed = [zone for zone in zones.values() if zone.first_end != FOREVER]
    if nothing is None:
        return needed
    nothing.first_end = -1  # it was held from the beginning
    return [nothing, *needed]
