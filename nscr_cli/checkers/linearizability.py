"""Linearizability of a history under a sequential model: Wing and Gong's search with Lowe's memoisation, iterative.

Intervals are closed: a call that starts at the very instant another ends is concurrent with it, because two events with
one stamp have no order that anybody could prove. A call without end may take effect at any time after its start, or
never. The limit is in steps, never in time, so that the same history is always judged the same.

Knows nothing of registries; `register.py` decides tags in near-linear time, and is checked against this module.
Follows J. Wing, C. Gong, "Testing and Verifying Concurrent Objects"; G. Lowe, "Testing for linearizability".
"""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Generic, Protocol, TypeVar, runtime_checkable

import msgspec

from nscr_cli.checkers.verdict import Verdict

State = TypeVar("State")
Action = TypeVar("Action")


class Call(msgspec.Struct, Generic[Action], frozen=True):
    """One operation on the object.

    Attributes:
        start: when it was invoked.
        end: when it returned; None where it never did, so that it may have happened, may still, or never will.
        action: what was asked together with what came back, as the model understands it.
    """

    start: int
    end: int | None
    action: Action


class Model(Protocol[State, Action]):
    """A sequential object. States are compared and hashed as Python values, or as `WithEquality` says; never None."""

    def initial(self) -> State:
        """The state before the first call."""
        ...

    def step(self, state: State, action: Action) -> State | None:
        """The state after the action, or None where the action cannot happen in this state."""
        ...

    def partition(self, calls: Sequence[Call[Action]]) -> Iterable[Sequence[int]]:
        """Positions of calls that may be judged apart from all others (linearizability is local)."""
        ...

    def describe(self, action: Action) -> str:
        """The action in words."""
        ...


@runtime_checkable
class WithEquality(Protocol):
    """A model of which two states may be the same though Python tells them apart, or cannot hash them."""

    def equal(self, state: object, other: object) -> bool:
        """Whether whatever can happen in one state can happen in the other."""
        ...


@runtime_checkable
class WithShortcut(Protocol[Action]):
    """A model that can decide some histories without a search."""

    def shortcut(self, calls: Sequence[Call[Action]], max_steps: int | None) -> "LinearizabilityResult | None":
        """The result for one part, positions being those in it; None where it takes a search."""
        ...


class LinearizabilityResult(msgspec.Struct, frozen=True, kw_only=True):
    """What `check` found.

    Attributes:
        verdict: UNKNOWN where the step limit was reached first.
        prefix: positions of the longest sequence of calls that could be put in order; of all calls when VALID.
        misfits: positions of the calls that were pending where the longest prefix ends: none of them fits. Empty when
            VALID.
        steps: transitions tried.
        explanation: the prefix's last calls and the misfits in words; empty when VALID.
    """

    verdict: Verdict
    prefix: tuple[int, ...]
    misfits: tuple[int, ...] = ()
    steps: int = 0
    explanation: str = ""


def check(
    model: Model[State, Action], operations: Sequence[Call[Action]], *, max_steps: int | None = None
) -> LinearizabilityResult:
    """Whether the calls have a sequential order that the model allows and that contradicts no interval.

    Registers whose writes are unique are decided in near-linear time, all else by a search with memoisation; either way
    part by part.

    Args:
        max_steps: transitions to try, over all parts, before giving up with UNKNOWN; None tries them all.
    """
    if not isinstance(model, WithShortcut):
        return search(model, operations, max_steps=max_steps)
    shortcut = model.shortcut

    def judge(calls: Sequence[Call[Action]], most: int | None) -> LinearizabilityResult:
        found = shortcut(calls, most)
        return found if found is not None else _search(model, calls, most)

    return _by_part(model, operations, max_steps, judge)


def search(
    model: Model[State, Action], operations: Sequence[Call[Action]], *, max_steps: int | None = None
) -> LinearizabilityResult:
    """As `check`, whatever the model may know better."""
    return _by_part(model, operations, max_steps, partial(_search, model))


def _by_part(
    model: Model[State, Action],
    operations: Sequence[Call[Action]],
    max_steps: int | None,
    judge: Callable[[Sequence[Call[Action]], int | None], LinearizabilityResult],
) -> LinearizabilityResult:
    prefix: list[int] = []
    steps = 0
    undecided = ""
    for part in model.partition(operations):
        remaining = None if max_steps is None else max_steps - steps
        found = judge([operations[position] for position in part], remaining)
        steps += found.steps
        translated = tuple(part[position] for position in found.prefix)
        if found.verdict is Verdict.INVALID:
            misfits = tuple(part[position] for position in found.misfits)
            return LinearizabilityResult(
                verdict=Verdict.INVALID,
                prefix=translated,
                misfits=misfits,
                steps=steps,
                explanation=_explain(model, operations, translated, misfits),
            )
        if found.verdict is Verdict.UNKNOWN:
            undecided = f"undecided after {max_steps} steps"
        prefix.extend(translated)
    verdict = Verdict.UNKNOWN if undecided else Verdict.VALID
    return LinearizabilityResult(verdict=verdict, prefix=tuple(prefix), steps=steps, explanation=undecided)


def _search(model: Model[State, Action], calls: Sequence[Call[Action]], max_steps: int | None) -> LinearizabilityResult:
    timeline = _Timeline(calls)
    state = model.initial()
    done = 0
    # The memo of Lowe: the same calls done with the same state reached again cannot lead anywhere new.
    seen = _Same(model) if isinstance(model, WithEquality) else _Seen()
    seen.is_new(done, state)
    taken: list[tuple[int, State]] = []
    longest: tuple[int, ...] = ()
    misfits: tuple[int, ...] = ()
    steps = 0
    node = timeline.first()
    while not timeline.is_complete:
        if timeline.is_start(node):
            position = timeline.call_of(node)
            steps += 1
            if max_steps is not None and steps > max_steps:
                return LinearizabilityResult(verdict=Verdict.UNKNOWN, prefix=longest, misfits=misfits, steps=steps)
            following = model.step(state, calls[position].action)
            if following is None or not seen.is_new(done | 1 << position, following):
                node = timeline.after(node)
                continue
            taken.append((node, state))
            done, state = done | 1 << position, following
            timeline.take(node)
            node = timeline.first()
            continue
        # A call returns here that is not yet in the order: every call before it has been tried.
        if len(taken) >= len(longest):
            longest = tuple(timeline.call_of(start) for start, _ in taken)
            misfits = timeline.pending(node)
        if not taken:
            return LinearizabilityResult(verdict=Verdict.INVALID, prefix=longest, misfits=misfits, steps=steps)
        node, state = taken.pop()
        done &= ~(1 << timeline.call_of(node))
        timeline.put_back(node)
        node = timeline.after(node)
    order = tuple(timeline.call_of(start) for start, _ in taken)
    return LinearizabilityResult(verdict=Verdict.VALID, prefix=order, steps=steps)


class _Seen:
    """What was reached: which calls were done, and the state then; by value."""

    def __init__(self) -> None:
        self._seen: set[tuple[int, object]] = set()

    def is_new(self, done: int, state: object) -> bool:
        """Whether it was not reached before; from now on it was."""
        known = len(self._seen)
        self._seen.add((done, state))
        return len(self._seen) > known


class _Same:
    """The same, by what the model holds for equal."""

    def __init__(self, model: WithEquality) -> None:
        self._equal = model.equal
        self._states: dict[int, list[object]] = {}

    def is_new(self, done: int, state: object) -> bool:
        """Whether no equal state was reached before with the same calls done."""
        states = self._states.setdefault(done, [])
        if any(self._equal(state, other) for other in states):
            return False
        states.append(state)
        return True


class _Timeline:
    """Starts and ends in order of time, as a doubly linked list from which calls are lifted in and out in O(1).

    Starts come before ends of the same instant: that is what makes intervals closed.
    """

    def __init__(self, calls: Sequence[Call[Action]]) -> None:
        events = [(call.start, 0, position) for position, call in enumerate(calls)]
        events += [(call.end, 1, position) for position, call in enumerate(calls) if call.end is not None]
        events.sort()
        count = len(events)
        self._sentinel = count
        self._call: list[int] = [position for _, _, position in events]
        self._is_start = [side == 0 for _, side, _ in events] + [False]
        self._end_of = {position: node for node, (_, side, position) in enumerate(events) if side == 1}
        self._next: list[int] = [*range(1, count + 1), 0]
        self._previous = [count, *range(count)]
        self._open_ends = len(self._end_of)

    @property
    def is_complete(self) -> bool:
        """Every call that returned is in the order; those that never did may be left out."""
        return self._open_ends == 0

    def first(self) -> int:
        return self._next[self._sentinel]

    def after(self, node: int) -> int:
        return self._next[node]

    def is_start(self, node: int) -> bool:
        return self._is_start[node]

    def call_of(self, node: int) -> int:
        return self._call[node]

    def take(self, start: int) -> None:
        self._unlink(start)
        end = self._end_of.get(self._call[start])
        if end is not None:
            self._unlink(end)
            self._open_ends -= 1

    def put_back(self, start: int) -> None:
        end = self._end_of.get(self._call[start])
        if end is not None:
            self._relink(end)
            self._open_ends += 1
        self._relink(start)

    def pending(self, end: int) -> tuple[int, ...]:
        """Calls not in the order that started before this end."""
        calls = []
        node = self.first()
        while node != end:
            calls.append(self._call[node])
            node = self._next[node]
        return tuple(calls)

    def _unlink(self, node: int) -> None:
        before, after = self._previous[node], self._next[node]
        self._next[before], self._previous[after] = after, before

    def _relink(self, node: int) -> None:
        before, after = self._previous[node], self._next[node]
        self._next[before] = self._previous[after] = node


def _explain(
    model: Model[State, Action], calls: Sequence[Call[Action]], prefix: Sequence[int], misfits: Sequence[int]
) -> str:
    before = "; ".join(model.describe(calls[position].action) for position in prefix[-3:]) or "nothing"
    after = "; ".join(model.describe(calls[position].action) for position in misfits)
    return f"{len(prefix)} calls can be put in order, the last of them: {before}. None of these can follow: {after}"
