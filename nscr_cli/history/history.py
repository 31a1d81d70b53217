"""The read side: entries paired into operations with closed intervals, by key.

Closed intervals: an operation that ends at the very instant another begins is concurrent with it, because two events
with one stamp have no order that we could prove. An `info` or unfinished operation never ends.
"""

from collections.abc import Callable, Iterable
from functools import cached_property

import msgspec

from nscr_cli.history.faults import operation_of
from nscr_cli.history.ops import Answered, Asked, Entry, Event, F, Kind, Op, Phase, Sample

NEVER = 2**63 - 1


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """An invocation with its completion.

    Attributes:
        index: of the invocation; findings name operations by it.
        kind: OK, FAIL or INFO; an operation without completion is INFO.
        end_ns: NEVER for INFO.
        faults: names of the faults of ours that struck one of its exchanges.
    """

    index: int
    process: int
    f: F
    key: str
    phase: Phase
    asked: Asked
    kind: Kind
    answered: Answered
    error: str | None
    intended_ns: int
    start_ns: int
    end_ns: int
    faults: tuple[str, ...] = ()


class History:
    """A complete run as checkers see it. Pure: built from entries, never from a client.

    Raises:
        ValueError: entries that cannot be a history (a completion without invocation, a process with two open
            operations): the judge must not guess.
    """

    def __init__(self, entries: Iterable[Entry]) -> None:
        self.events: list[Event] = []
        self.samples: list[Sample] = []
        operations: list[Operation] = []
        open_by_process: dict[int, Op] = {}
        for entry in entries:
            match entry:
                case Event():
                    self.events.append(entry)
                case Sample():
                    self.samples.append(entry)
                case Op(kind=Kind.INVOKE):
                    if entry.process in open_by_process:
                        raise ValueError(f"process {entry.process} has two open operations at index {entry.index}")
                    open_by_process[entry.process] = entry
                case Op():
                    invoked = open_by_process.pop(entry.process, None)
                    if invoked is None or (invoked.f, invoked.key) != (entry.f, entry.key):
                        raise ValueError(f"index {entry.index} completes what process {entry.process} never asked")
                    operations.append(_paired(invoked, entry))
        operations.extend(_paired(invoked, None) for invoked in open_by_process.values())
        operations.sort(key=lambda operation: operation.index)
        self.operations = _struck(operations, self.events)

    @cached_property
    def by_index(self) -> dict[int, Operation]:
        """Operations by the index of their invocation."""
        return {operation.index: operation for operation in self.operations}

    @cached_property
    def is_partial(self) -> bool:
        """The run was interrupted or did not reach its end."""
        names = {event.name for event in self.events}
        return "interrupted" in names or "finished" not in names

    def grouped(self, group: Callable[[Operation], str | None]) -> dict[str, list[Operation]]:
        """Operations by what `group` says of each, in order of invocation; None leaves one out."""
        groups: dict[str, list[Operation]] = {}
        for operation in self.operations:
            name = group(operation)
            if name is not None:
                groups.setdefault(name, []).append(operation)
        return groups

    def unsupported(self) -> dict[str, str]:
        """Capabilities that the registry does not have, with the reason: skipped, always printed, never a pass."""
        return {
            event.detail["name"]: event.detail.get("reason", "")
            for event in self.events
            if event.name == "capability" and event.detail.get("supported") == "no"
        }


def _struck(operations: list[Operation], events: list[Event]) -> list[Operation]:
    """The operations, each with the faults that the events say struck it."""
    faults: dict[int | None, dict[str, None]] = {}
    for event in events:
        if event.name == "fault":
            struck = operation_of(event.detail.get("request", ""))
            faults.setdefault(struck, {})[event.detail.get("fault", "")] = None
    if not faults:
        return operations
    return [
        msgspec.structs.replace(one, faults=tuple(faults[one.index])) if one.index in faults else one
        for one in operations
    ]


def _paired(invoked: Op, completed: Op | None) -> Operation:
    kind = completed.kind if completed is not None else Kind.INFO
    return Operation(
        index=invoked.index,
        process=invoked.process,
        f=invoked.f,
        key=invoked.key,
        phase=invoked.phase,
        asked=invoked.asked or Asked(),
        kind=kind,
        answered=(completed.answered if completed is not None else None) or Answered(),
        error=completed.error if completed is not None else "no completion in the journal",
        intended_ns=invoked.intended_ns,
        start_ns=invoked.time_ns,
        end_ns=completed.time_ns if completed is not None and kind is not Kind.INFO else NEVER,
    )
