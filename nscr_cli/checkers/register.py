"""Decides whether a register that can be deleted is linearizable, when no value is written twice. Near-linear time.

The register holds a value or nothing. Writes and deletes always succeed; a conditional delete ("if it holds v, nothing
any more") is what deleting a manifest by digest means to a tag. A call without end may take effect at any time after
its start, or never. Intervals are closed. Unique writes make the value's epoch contiguous: once it has been left, it
never returns, so every read of a value must fall within one epoch (P. Gibbons, E. Korach, "Testing shared memories").

The sweep goes through the ends of calls in order and keeps the ways the register may stand (`_Way`). It is lazy: a
call takes effect only where its end forces it, because a point of effect can always be moved later, up to the next
end. The whys of each reduction stand beside it; tests/agreement checks all of them against an exhaustive search.
"""

from bisect import bisect_right, insort
from collections.abc import Callable, Iterable, Sequence

import msgspec

from nscr_cli.checkers.register_calls import FOREVER, Epochs, RegisterCall, Timeline, What


class Stuck(msgspec.Struct, frozen=True):
    """The first call whose end leaves no order, by its place in the list, and what the register held until then."""

    forced: int
    held: str


class RegisterResult(msgspec.Struct, frozen=True, kw_only=True):
    """`is_decided` is False where the step limit was reached; `stuck` is None where an order exists."""

    is_decided: bool
    stuck: Stuck | None
    steps: int


def judge_register(calls: Sequence[RegisterCall], *, max_steps: int) -> RegisterResult:
    """Whether the calls have an order; the register holds nothing before the first.

    Raises:
        ValueError: a value is written twice, or read though its write did not start before the read ended.
    """
    return _Sweep(calls).run(max_steps)


class _Way(msgspec.Struct, frozen=True):
    """One way the register may stand.

    Attributes:
        value: what it holds: a value's number, or NOTHING.
        boundary: the last instant at which the register took what it holds, other than by a conditional delete:
            into that very instant, before it, whole epochs and deletes still fit.
        nothing_at: the last instant at which it held nothing: reads of nothing begun by then are served.
        retired: values whose whole epoch lies at a past boundary although none of their calls has ended yet.
        used: pending deletes that have taken effect.
        used_endless: how many of the deletes without end have taken effect.
    """

    value: int
    boundary: int
    nothing_at: int
    retired: frozenset[int] = frozenset()
    used: frozenset[int] = frozenset()
    used_endless: int = 0

    def serves_as_much_as(self, other: "_Way") -> bool:
        """Whether every continuation of the other is one of this too.

        A delete or an epoch that the other has used up took effect by its last boundary, so that here, with a boundary
        that is no older, it may still do so at no cost: not to have used it is never worse.
        """
        return (
            self.value == other.value
            and self.boundary >= other.boundary
            and (self.value == NOTHING or self.nothing_at >= other.nothing_at)
            and self.used_endless <= other.used_endless
            and self.used <= other.used
            and self.retired <= other.retired
        )


NOTHING = -1


def _undominated(ways: set[_Way]) -> set[_Way]:
    if len(ways) == 1:
        return ways
    kept: list[_Way] = []
    for way in sorted(ways, key=lambda one: (one.used_endless, len(one.used), len(one.retired), -one.boundary)):
        if not any(other.serves_as_much_as(way) for other in kept):
            kept.append(way)
    return set(kept)


class _Sweep:
    def __init__(self, calls: Sequence[RegisterCall]) -> None:
        self._calls = calls
        self._timeline = Timeline(calls)
        self._starts = self._timeline.starts
        epochs = Epochs(calls, self._timeline)
        self._numbers, self._epochs = epochs.numbers, epochs.all
        self._deletable = [(number, epoch) for number, epoch in enumerate(epochs.all) if epoch.conditional]
        self._first_ends = [-1 if number < 0 else epochs.all[number].first_end for number in epochs.of_call]
        self._endless_starts = sorted(
            self._starts[number] for number, call in enumerate(calls) if call.what is What.DELETE and call.end is None
        )
        self._pending: list[tuple[int, int]] = []
        self._unserved: set[int] = set()

    def run(self, max_steps: int) -> RegisterResult:
        ways = {_Way(NOTHING, -1, -1)}
        steps = 0
        first_end_of = self._first_ends
        for now, (is_end, position) in enumerate(self._timeline.order):
            first_end = first_end_of[position]
            if first_end >= 0:
                # Only the first end of a value's calls demands anything: its epoch must have begun. The other calls
                # are then inside it, because no way leaves a value while a read of it is still to begin.
                if not is_end or first_end != now:
                    continue
            elif not is_end:
                self._begin(now, position)
                continue
            forced = self._forced(now, position)
            if forced is None:
                continue
            steps += len(ways)
            if steps > max_steps:
                return RegisterResult(is_decided=False, stuck=None, steps=steps)
            following = {after for way in ways for after in forced(way)}
            if not following:
                # A way that holds nothing never comes to an end: whatever is demanded of it can be had.
                last = max(ways, key=lambda way: (way.boundary, way.value)).value
                held = next(value for value, number in self._numbers.items() if number == last)
                return RegisterResult(is_decided=True, stuck=Stuck(position, held), steps=steps)
            ways = _undominated(following)
        return RegisterResult(is_decided=True, stuck=None, steps=steps)

    def _begin(self, now: int, position: int) -> None:
        call = self._calls[position]
        if call.what is What.DELETE and call.end is not None:
            insort(self._pending, (self._timeline.ends[position], position))
        elif call.what is What.READ and call.value is None:
            self._unserved.add(now)

    def _forced(self, now: int, position: int) -> Callable[[_Way], Iterable[_Way]] | None:
        """What the end of this call demands of a way; None where it demands nothing."""
        call = self._calls[position]
        if call.what is What.DELETE:
            self._pending.remove((now, position))
            return lambda way: self._after_delete(way, now, position)
        if call.what is What.READ and call.value is None:
            started = self._starts[position]
            self._unserved.remove(started)
            return lambda way: self._after_nothing_read(way, now, started)
        number = self._numbers.get(call.value or "")
        if number is None:
            return None
        if call.what is What.DELETE_IF:
            return lambda way: self._without_the_useless(
                now, number, self._after_conditional(way, now, number, position)
            )
        return lambda way: self._after_epoch(way, now, number)

    def _is_live(self, value: int, now: int) -> bool:
        """A read of this value is still to begin: the register cannot have left it."""
        return value != NOTHING and self._epochs[value].last_start > now

    def _after_epoch(self, way: _Way, now: int, number: int) -> Iterable[_Way]:
        if number in way.retired:
            yield msgspec.structs.replace(way, retired=way.retired - {number})
            return
        epoch = self._epochs[number]
        # All its calls had begun by the last boundary: the whole epoch fits into that instant, before the value that
        # the register then took. If a conditional delete was pending there, the register held nothing for an instant.
        fits_boundary = epoch.last_start <= way.boundary
        if fits_boundary:
            passed = way.boundary if epoch.has_conditional_at(way.boundary) else way.nothing_at
            yield msgspec.structs.replace(way, nothing_at=max(way.nothing_at, passed))
        if self._is_live(way.value, now):
            return
        # To move now is of use only where there is no other way, or where the value's own conditional delete may still
        # lead on to nothing.
        if not fits_boundary or epoch.last_conditional_end > now:
            yield msgspec.structs.replace(
                way, value=number, boundary=now, nothing_at=self._nothing_on_leaving(way, now)
            )

    def _nothing_on_leaving(self, way: _Way, now: int) -> int:
        """A conditional delete of the value that is left costs nothing: it is of no use once its epoch is over."""
        if way.value == NOTHING or self._epochs[way.value].has_conditional_at(now):
            return now
        return way.nothing_at

    def _emptied(self, way: _Way, now: int) -> _Way:
        return msgspec.structs.replace(way, value=NOTHING, boundary=now, nothing_at=now)

    def _emptied_by_condition(self, way: _Way, now: int) -> _Way:
        """No boundary: between the value and its conditional delete there is no room for the epoch of another."""
        return msgspec.structs.replace(way, value=NOTHING, nothing_at=now)

    def _after_delete(self, way: _Way, now: int, position: int) -> Iterable[_Way]:
        if position in way.used:
            yield msgspec.structs.replace(way, used=way.used - {position})
        elif not self._is_live(way.value, now):
            # Nobody reads the value again, so to hold nothing serves at least as much.
            yield self._emptied(way, now)
        elif self._starts[position] <= way.boundary:
            yield msgspec.structs.replace(way, nothing_at=max(way.nothing_at, way.boundary))

    def _without_the_useless(self, now: int, number: int, ways: Iterable[_Way]) -> Iterable[_Way]:
        """After the last conditional delete of its value, it is all the same whether an unread write took effect."""
        epoch = self._epochs[number]
        is_useless = epoch.first_end == FOREVER and epoch.last_conditional_end == now
        for way in ways:
            yield msgspec.structs.replace(way, retired=way.retired - {number}) if is_useless else way

    def _after_conditional(self, way: _Way, now: int, number: int, position: int) -> Iterable[_Way]:
        started = self._starts[position]
        is_live = self._is_live(way.value, now)
        if way.value == number:
            if not is_live:
                yield self._emptied_by_condition(way, now)
            elif started <= way.boundary:
                yield way
            return
        epoch = self._epochs[number]
        is_open = epoch.first_end > now and number not in way.retired
        retired = way.retired | {number}
        if is_open and not is_live and epoch.last_start <= now:
            # Its pending write, its reads, and this delete fit into this instant, and leave nothing behind.
            yield msgspec.structs.replace(self._emptied(way, now), retired=retired)
            if epoch.last_conditional_end > now:
                yield way
            return
        fits_boundary = is_open and is_live and epoch.last_start <= way.boundary and started <= way.boundary
        if fits_boundary and any(way.nothing_at < start <= way.boundary for start in self._unserved):
            yield msgspec.structs.replace(way, retired=retired, nothing_at=way.boundary)
        yield way

    def _after_nothing_read(self, way: _Way, now: int, started: int) -> Iterable[_Way]:
        if way.value == NOTHING or started <= way.nothing_at:
            yield way
            return
        is_live = self._is_live(way.value, now)
        if not is_live and self._epochs[way.value].has_conditional_at(now):
            yield self._emptied_by_condition(way, now)
            return
        # While the value must stay, nothing can only have been held within the last boundary.
        at = way.boundary if is_live else now
        if started > at:
            return
        for explained in self._deleted(way, now, at):
            held = way.value if is_live else NOTHING
            nothing_at = max(way.nothing_at, at)
            yield msgspec.structs.replace(explained, value=held, boundary=at, nothing_at=nothing_at)

    def _deleted(self, way: _Way, now: int, at: int) -> Iterable[_Way]:
        """Ways in which a delete that is pending now took effect at the instant `at`, no later than now."""
        # Of equal pending deletes the one that ends first is taken: the others remain of use for longer. After a
        # boundary none of them still has to take effect, since it may have done so within that instant.
        for _, position in self._pending:
            if position not in way.used and self._starts[position] <= at:
                yield msgspec.structs.replace(way, used=way.used | {position})
                break
        else:
            # Deletes without end are all alike once they have begun, so that their number is enough.
            if bisect_right(self._endless_starts, at) > way.used_endless:
                yield msgspec.structs.replace(way, used_endless=way.used_endless + 1)
        for number, epoch in self._deletable:
            if (
                epoch.last_start <= at
                and epoch.first_end > now
                and number not in way.retired
                and number != way.value
                and epoch.has_conditional_at(at)
            ):
                yield msgspec.structs.replace(way, retired=way.retired | {number})
