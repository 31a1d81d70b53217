"""Why a register's calls have no order: the few of them that prove it, and nothing else."""

from collections.abc import Sequence

import msgspec

from nscr_cli.checkers.register_calls import RegisterCall, Timeline, What

_DELETES = (What.DELETE, What.DELETE_IF)


class Clash(msgspec.Struct, frozen=True, kw_only=True):
    """The first end of a call at which no order is left. Numbers are places in the list of calls.

    Attributes:
        forced: the call that ends there: what it needs cannot have been.
        held: the value that the register held until then.
        opening: the call whose end shows that the register held `held`.
        later: a read of `held` that begins after `forced` ended, so that the register cannot have left it in between.
            None where `forced` read nothing: after `opening` only a delete could explain that.
        companion: the call on the value of `forced` that begins after `opening` ended, so that its epoch cannot have
            come before. None where `forced` is a delete or read nothing.
        spent: deletes that might explain `forced`, and cannot, because of what others read.
    """

    forced: int
    held: str
    opening: int
    later: int | None = None
    companion: int | None = None
    spent: tuple[int, ...] = ()


def clash_at(forced: int, held: str, calls: Sequence[RegisterCall], timeline: Timeline) -> Clash:
    """The proof, for a call that ended while the register could hold nothing but `held`."""
    call = calls[forced]
    if call.what is What.READ and call.value is None:
        return _unexplained_nothing(forced, calls, timeline)
    own = [number for number, other in enumerate(calls) if other.value == held and other.what not in _DELETES]
    end = timeline.ends[forced]
    same = [number for number, other in enumerate(calls) if other.value == call.value and other.what not in _DELETES]
    return Clash(
        forced=forced,
        held=held,
        opening=min(own, key=timeline.ends.__getitem__),
        later=min((number for number in own if timeline.starts[number] > end), key=timeline.starts.__getitem__),
        companion=None if call.what in _DELETES else max(same, key=timeline.starts.__getitem__),
    )


def _unexplained_nothing(forced: int, calls: Sequence[RegisterCall], timeline: Timeline) -> Clash:
    """Something was held before this read of nothing began, and no delete is left that could have come between."""
    began = timeline.starts[forced]
    opening = max(
        (
            number
            for number, call in enumerate(calls)
            if call.what not in _DELETES and call.value is not None and timeline.ends[number] < began
        ),
        key=timeline.starts.__getitem__,
    )
    since = timeline.starts[opening]
    spent = tuple(
        number
        for number, call in enumerate(calls)
        if call.what in _DELETES and timeline.starts[number] < timeline.ends[forced] and timeline.ends[number] > since
    )
    return Clash(forced=forced, held=calls[opening].value or "", opening=opening, spent=spent)
