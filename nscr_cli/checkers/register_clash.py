"""Why a register's calls have no order: the few of them that prove it, and nothing else."""

from collections.abc import Callable, Iterable, Sequence

import msgspec

from nscr_cli.checkers.register import Stuck, judge_register
from nscr_cli.checkers.register_calls import RegisterCall, Timeline, What

_DELETES = (What.DELETE, What.DELETE_IF)
_STEPS = 1_000_000


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
        spent: deletes that might explain that `forced` read nothing, and cannot.
        beside: why they cannot: the writes of what they delete, and what else was written and read.
    """

    forced: int
    held: str
    opening: int
    later: int | None = None
    companion: int | None = None
    spent: tuple[int, ...] = ()
    beside: tuple[int, ...] = ()


def prove(stuck: Stuck, calls: Sequence[RegisterCall]) -> Clash:
    """The proof, where the sweep over these very calls got stuck."""
    timeline = Timeline(calls)
    forced, held = stuck.forced, stuck.held
    call = calls[forced]
    if call.what is What.READ and call.value is None:
        return _unexplained_nothing(stuck, calls, timeline)
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


def _unexplained_nothing(stuck: Stuck, calls: Sequence[RegisterCall], timeline: Timeline) -> Clash:
    """Something was held before this read of nothing began, and no delete is left that could have come between."""
    forced = stuck.forced
    opening = _held_before(forced, calls, timeline)
    written = {call.value: number for number, call in enumerate(calls) if call.what is What.WRITE}
    fixed = {forced, opening, written[calls[opening].value]}
    essential = _essential(fixed, _scope(stuck, opening, calls, timeline), calls)
    since, end = timeline.starts[opening], timeline.ends[forced]

    def may_explain(number: int) -> bool:
        """It ran in between; one that never ended, and of a value that was over by then, is of no interest."""
        call = calls[number]
        if call.what not in _DELETES or timeline.starts[number] > end or timeline.ends[number] < since:
            return False
        if call.what is What.DELETE:
            return True
        write = written.get(call.value)
        return write is not None and (timeline.ends[write] > since or call.end is not None)

    spent = tuple(number for number in range(len(calls)) if may_explain(number))
    deleted = [[written[calls[number].value]] for number in spent if calls[number].value is not None]
    beside = {number for unit in (*essential, *deleted) for number in _outline(unit, calls, timeline)}
    return Clash(
        forced=forced,
        held=calls[opening].value or "",
        opening=opening,
        spent=spent,
        beside=tuple(sorted(beside - {forced, opening})),
    )


def _held_before(forced: int, calls: Sequence[RegisterCall], timeline: Timeline) -> int:
    """The last call to begin of those that show, by having ended before the read of nothing began, that it was held."""
    began = timeline.starts[forced]
    return max(
        (
            number
            for number, call in enumerate(calls)
            if call.value is not None and call.what not in _DELETES and timeline.ends[number] < began
        ),
        key=timeline.starts.__getitem__,
    )


def _scope(stuck: Stuck, opening: int, calls: Sequence[RegisterCall], timeline: Timeline) -> list[int]:
    """Calls to look for the proof among, as few as possible.

    What ended before the last value that was surely held has no say in what came after it, unless it served another
    read of nothing; what began after the read of nothing ended has none, unless it shows that the value had to stay.
    """
    forced = stuck.forced
    end = timeline.ends[forced]
    begun = {number for number, start in enumerate(timeline.starts) if start < end}
    recent = {number for number in begun if timeline.ends[number] >= timeline.starts[opening]}
    other_absences = {number for number in begun if calls[number].what is What.READ and calls[number].value is None}
    staying = {number for number, call in enumerate(calls) if call.what is What.READ and call.value == stuck.held}
    for scope in (recent - other_absences | {forced}, begun, begun | staying):
        whole = _with_writes(scope, calls)
        if _has_no_order(whole, calls):
            return whole
    return list(range(len(calls)))


def _with_writes(numbers: set[int], calls: Sequence[RegisterCall]) -> list[int]:
    """These calls, and the writes of what they read."""
    values = {calls[number].value for number in numbers if calls[number].what is What.READ}
    writes = {number for number, call in enumerate(calls) if call.what is What.WRITE and call.value in values}
    return sorted(numbers | writes)


def _has_no_order(numbers: Iterable[int], calls: Sequence[RegisterCall]) -> bool:
    return judge_register([calls[number] for number in numbers], max_steps=_STEPS).stuck is not None


def _outline(unit: Sequence[int], calls: Sequence[RegisterCall], timeline: Timeline) -> set[int]:
    """Of the calls on one value its write, the first that ended and the last that began: they span its epoch."""
    writes = {number for number in unit if calls[number].what is What.WRITE}
    return writes | {min(unit, key=timeline.ends.__getitem__), max(unit, key=timeline.starts.__getitem__)}


def _essential(fixed: set[int], scope: Sequence[int], calls: Sequence[RegisterCall]) -> list[list[int]]:
    """Reads and writes without which an order exists, in units; what is left out only made more orders impossible.

    That holds for reads, and for writes that nobody reads and no conditional delete names.
    """
    deletable = {calls[number].value for number in scope if calls[number].what is What.DELETE_IF}
    units: dict[tuple[str | None, int], list[int]] = {}
    always = []
    for number in scope:
        call = calls[number]
        if number in fixed or call.what in _DELETES or (call.what is What.WRITE and call.value in deletable):
            always.append(number)
        else:
            units.setdefault((call.value, number if call.value is None else 0), []).append(number)

    def is_proof(kept: Iterable[list[int]]) -> bool:
        return _has_no_order(sorted([*always, *(number for unit in kept for number in unit)]), calls)

    return _smallest(list(units.values()), is_proof)


def _smallest(units: list[list[int]], is_proof: Callable[[Iterable[list[int]]], bool]) -> list[list[int]]:
    """Units that cannot be made fewer: leaves out ever smaller runs of them as long as the rest is still a proof."""
    size = max(1, len(units))
    while True:
        place = 0
        while place < len(units):
            rest = units[:place] + units[place + size :]
            if is_proof(rest):
                units = rest
            else:
                place += size
        if size == 1:
            return units
        size = -(-size // 2)
