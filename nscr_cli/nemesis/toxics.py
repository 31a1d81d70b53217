"""What each toxic does to the bytes of one exchange: parcels in, parcels out. Pure; time and chance are arguments.

Laws: bytes are never altered and never change their order; what a toxic withholds, it withholds to the end; without
toxics what comes in goes out. A parcel is due at an instant and holds bytes or the end of the connection.
"""

from collections.abc import Iterator, Sequence
from random import Random

import msgspec

from nscr_cli.history.faults import Bandwidth, BlackHole, Cut, DropReply, Ending, Latency, Slice, Toxic


class Parcel(msgspec.Struct, frozen=True):
    """Bytes, or an ending, to be handed on at `due_s`."""

    due_s: float
    what: bytes | Ending


class Link(msgspec.Struct, frozen=True, kw_only=True):
    """One toxic at work on one direction of one exchange.

    Attributes:
        passed: bytes let through; negative while the head of a request, which is not counted, still passes.
        cut_at: of a Cut: `passed` at which it ends.
        free_s: nothing leaves before this instant.
        slices: of a Slice: how many it has made.
        has_struck: it changed something.
        is_over: it lets nothing through any more.
    """

    toxic: Toxic
    passed: int = 0
    cut_at: int = 0
    free_s: float = 0.0
    slices: int = 0
    has_struck: bool = False
    is_over: bool = False


def link(toxic: Toxic, chance: Random, *, uncounted: int = 0) -> Link:
    """A toxic at the beginning of an exchange.

    Args:
        uncounted: bytes at the beginning that do not count.
    """
    cut_at = chance.randint(*toxic.after_bytes) if isinstance(toxic, Cut) else 0
    return Link(toxic=toxic, passed=-uncounted, cut_at=cut_at)


def through(links: Sequence[Link], parcel: Parcel, chance: Random) -> tuple[tuple[Link, ...], tuple[Parcel, ...]]:
    """What a parcel becomes on its way through a chain of toxics, and the chain afterwards."""
    parcels, after = [parcel], []
    for one in links:
        handed_on: list[Parcel] = []
        for each in parcels:
            one, made = step(one, each, chance)
            handed_on.extend(made)
        parcels = handed_on
        after.append(one)
    return tuple(after), tuple(parcels)


def step(one: Link, parcel: Parcel, chance: Random) -> tuple[Link, tuple[Parcel, ...]]:
    """What one toxic makes of a parcel."""
    if one.is_over:
        return one, ()
    data = parcel.what
    if isinstance(data, Ending):
        return one, (Parcel(max(parcel.due_s, one.free_s), data),)
    match one.toxic:
        case Latency(delay_s=delay_s, jitter_s=jitter_s):
            return _delayed(one, data, parcel.due_s + delay_s + jitter_s * chance.random())
        case Bandwidth(bytes_per_s=rate):
            return _delayed(one, data, max(parcel.due_s, one.free_s) + len(data) / rate)
        case Slice():
            return _sliced(one, one.toxic, parcel.due_s, data)
        case Cut(ending=ending):
            return _cut(one, ending, parcel.due_s, data)
        case BlackHole(hold_s=hold_s):
            return _swallowed(one, Parcel(parcel.due_s + hold_s, Ending.RESET))
        case DropReply(ending=ending):
            return _swallowed(one, Parcel(parcel.due_s, ending))


def _delayed(one: Link, data: bytes, due_s: float) -> tuple[Link, tuple[Parcel, ...]]:
    due_s = max(due_s, one.free_s)
    return msgspec.structs.replace(one, free_s=due_s, has_struck=True), (Parcel(due_s, data),)


def _sliced(one: Link, toxic: Slice, due_s: float, data: bytes) -> tuple[Link, tuple[Parcel, ...]]:
    due_s = max(due_s, one.free_s)
    parcels: list[Parcel] = []
    slices = one.slices
    while len(data) > toxic.size and slices < toxic.most:
        parcels.append(Parcel(due_s, data[: toxic.size]))
        data = data[toxic.size :]
        due_s += toxic.pause_s
        slices += 1
    parcels.append(Parcel(due_s, data))
    has_struck = one.has_struck or slices > one.slices
    return msgspec.structs.replace(one, free_s=due_s, slices=slices, has_struck=has_struck), tuple(parcels)


def _cut(one: Link, ending: Ending, due_s: float, data: bytes) -> tuple[Link, tuple[Parcel, ...]]:
    passed = one.passed + len(data)
    if passed < one.cut_at:
        return msgspec.structs.replace(one, passed=passed), (Parcel(due_s, data),)
    kept = data[: one.cut_at - one.passed]
    over = msgspec.structs.replace(one, passed=one.cut_at, has_struck=True, is_over=True)
    return over, tuple(_without_nothing(Parcel(due_s, kept), Parcel(due_s, ending)))


def _swallowed(one: Link, end: Parcel) -> tuple[Link, tuple[Parcel, ...]]:
    return msgspec.structs.replace(one, has_struck=True, is_over=True), (end,)


def _without_nothing(*parcels: Parcel) -> Iterator[Parcel]:
    return (parcel for parcel in parcels if parcel.what)
