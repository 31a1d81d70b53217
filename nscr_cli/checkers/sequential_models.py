"""Sequential models for histories of other systems: a register with compare-and-set, and a map of keys to values.

For `linearizability.check`. An action holds what was asked together with what came back; where nothing came back, the
call has no end, and what it would have answered binds nobody.
"""

from collections.abc import Hashable, Sequence

import msgspec

from nscr_cli.checkers.linearizability import Call, LinearizabilityResult
from nscr_cli.checkers.register_order import without_search


class Held(msgspec.Struct, frozen=True):
    """A state: the value that is held; None for nothing."""

    value: Hashable


class Write(msgspec.Struct, frozen=True):
    """The register was set."""

    value: Hashable


class Read(msgspec.Struct, frozen=True):
    """The register was read; None is what it holds before the first write."""

    value: Hashable


class CompareAndSet(msgspec.Struct, frozen=True):
    """The register was to be set where it held `expected`.

    Attributes:
        succeeded: what came back; None where nothing did.
    """

    expected: Hashable
    value: Hashable
    succeeded: bool | None = None


RegisterAction = Write | Read | CompareAndSet


class RegisterModel:
    """One register with read, write and compare-and-set."""

    def initial(self) -> Held:
        return Held(None)

    def step(self, state: Held, action: RegisterAction) -> Held | None:
        match action:
            case Write(value):
                return Held(value)
            case Read(value):
                return state if state.value == value else None
            case CompareAndSet(expected, value, succeeded):
                holds = state.value == expected
                if succeeded is not None and succeeded != holds:
                    return None
                return Held(value) if holds else state

    def partition(self, calls: Sequence[Call[RegisterAction]]) -> list[range]:
        return [range(len(calls))]

    def shortcut(self, calls: Sequence[Call[RegisterAction]], max_steps: int | None) -> LinearizabilityResult | None:
        """Reads and unique writes alone need no search."""
        if any(isinstance(call.action, CompareAndSet) for call in calls):
            return None
        return without_search(
            [(isinstance(call.action, Write), call.action.value, call.start, call.end) for call in calls], max_steps
        )

    def describe(self, action: RegisterAction) -> str:
        match action:
            case Write(value):
                return f"write {value!r}"
            case Read(value):
                return f"read {value!r}"
            case CompareAndSet(expected, value, succeeded):
                said = {True: "done", False: "refused", None: "no answer"}[succeeded]
                return f"compare {expected!r} and set {value!r}: {said}"


class Put(msgspec.Struct, frozen=True):
    """The key's text was set."""

    key: str
    value: str


class Append(msgspec.Struct, frozen=True):
    """Text was added at the end of the key's; to a key that is not there, it is the whole."""

    key: str
    value: str


class Get(msgspec.Struct, frozen=True):
    """The key's text was read; None where there was no such key."""

    key: str
    value: str | None


MapAction = Put | Append | Get


class MapModel:
    """A map with put, append and get. Keys are independent of each other: it is judged key by key."""

    def initial(self) -> Held:
        return Held(None)

    def step(self, state: Held, action: MapAction) -> Held | None:
        match action:
            case Put(_, value):
                return Held(value)
            case Append(_, value):
                return Held(f"{state.value or ''}{value}")
            case Get(_, value):
                return state if state.value == value else None

    def partition(self, calls: Sequence[Call[MapAction]]) -> list[list[int]]:
        by_key: dict[str, list[int]] = {}
        for position, call in enumerate(calls):
            by_key.setdefault(call.action.key, []).append(position)
        return list(by_key.values())

    def describe(self, action: MapAction) -> str:
        return f"{type(action).__name__.lower()} {action.key} {action.value!r}"
