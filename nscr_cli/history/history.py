"""The read side: entries paired into operations with closed intervals, by key.

Closed intervals: an operation that ends at the very instant another begins is concurrent with it, because two events
with one stamp have no order that we could prove. An `info` or unfinished operation never ends.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import chain
from operator import attrgetter
from typing import Protocol, TypeVar, cast

import msgspec

from nscr_cli.history.faults import SLOWING, operation_of
from nscr_cli.history.keys import repository_of, tag_key
from nscr_cli.history.ops import (
    FAIL,
    INFO,
    INVOKE,
    OK,
    Answered,
    Asked,
    Entry,
    Event,
    F,
    Kind,
    Op,
    Phase,
    Sample,
    detached,
)
from nscr_cli.history.sharing import Sharing

NEVER = 2**63 - 1
_CLOSED = "connection closed"
Derived = TypeVar("Derived")


class Operation(msgspec.Struct, frozen=True, gc=False):
    """An invocation with its completion.

    Attributes:
        index: of the invocation; findings name operations by it.
        kind: OK, FAIL or INFO; an operation without completion is INFO.
        end_ns: NEVER for INFO.
        faults: names of the faults of ours that struck one of its exchanges.
        run, exchange: of a request id that follows from the operation, see `request_id`.
        is_only_slowed: these faults delayed its bytes and did nothing else to them.
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
    run: str | None = None
    exchange: int = 0
    is_only_slowed: bool = False

    @property
    def request_id(self) -> str | None:
        """X-Request-Id of the exchange that decided the outcome."""
        return self.answered.request_id if self.run is None else f"{self.run}-{self.index}.{self.exchange}"


class Whole(msgspec.Struct, frozen=True):
    """What is known of a whole run before any part of its history is judged.

    Attributes:
        events: what happened to the run itself; in a history that is judged in parts, without the strikes of faults.
        acknowledged: kinds of operations that were acknowledged at least once.
        samples: of the monitoring API.
        closed: operations that were not answered because their connection was closed, each with the one that its
            process asked before it; by the indexes of their invocations.
        struck: operations that a fault of ours struck.
    """

    events: Sequence[Event]
    acknowledged: frozenset[F]
    samples: Sequence[Sample] = ()
    closed: Mapping[int, int] = {}
    struck: frozenset[int] = frozenset()


class Recorded(Protocol):
    """A recorded run for those who tell of it: a History, or one of a journal that is too long to be held."""

    @property
    def operations(self) -> Iterable[Operation]:
        """All of them; may be gone through again and again, and of a long journal come as they ended."""
        ...

    @property
    def events(self) -> Sequence[Event]: ...

    @property
    def samples(self) -> Sequence[Sample]: ...

    @property
    def by_index(self) -> Mapping[int, Operation]:
        """By the index of their invocation; of a long journal, those that findings name."""
        ...

    @property
    def is_partial(self) -> bool: ...

    def unsupported(self) -> dict[str, str]: ...


class History:
    """A run as checkers see it: complete, or the part of it that lies in some repositories. Pure: built from entries,
    never from a client.

    Args:
        sharing: makes equal parts of operations one object; only for entries that nobody else holds.
        whole: of a part: what is known of all of the history.
        elsewhere: of a part: operations of other parts on the digests that this one knows of: what was written there
            tells what a digest stands for, and nothing about what is in the repositories of this part.
        is_shared: of a part: whether another one knows of a digest as well, and any of them may have changed it.

    Raises:
        ValueError: entries that cannot be a history (a completion without invocation, a process with two open
            operations): the judge must not guess.
    """

    def __init__(
        self,
        entries: Iterable[Entry],
        *,
        sharing: Sharing | None = None,
        whole: Whole | None = None,
        elsewhere: Sequence[Operation] = (),
        is_shared: Callable[[str], bool] = lambda _digest: False,
    ) -> None:
        self.elsewhere = elsewhere
        self.is_shared = is_shared
        self._known = whole
        self.events: list[Event] = [] if whole is None else list(whole.events)
        self.samples: list[Sample] = []
        self._shared: dict[Callable[[History], object], object] = {}
        self._of: dict[tuple[F, ...], list[Operation]] = {}
        operations: list[Operation] = []
        open_by_process: dict[int, Op] = {}
        for entry in entries:
            if isinstance(entry, Event):
                self.events.append(entry)
            elif isinstance(entry, Sample):
                self.samples.append(detached(entry))
            elif entry.kind is INVOKE:
                if entry.process in open_by_process:
                    raise ValueError(f"process {entry.process} has two open operations at index {entry.index}")
                open_by_process[entry.process] = entry
            else:
                invoked = open_by_process.pop(entry.process, None)
                if invoked is None or invoked.f is not entry.f or invoked.key != entry.key:
                    raise ValueError(f"index {entry.index} completes what process {entry.process} never asked")
                operations.append(_paired(invoked, entry, sharing))
        operations.extend(_paired(invoked, None, sharing) for invoked in open_by_process.values())
        # By start; several processes take their indexes and look at the clock in an order that may differ by a little.
        operations.sort(key=attrgetter("index"))
        operations.sort(key=attrgetter("start_ns"))
        self.operations = _struck(operations, self.events)

    def shared(self, derive: Callable[["History"], Derived]) -> Derived:
        """What `derive` makes of this history, made once for all who ask: an index that several checkers need."""
        if derive not in self._shared:
            self._shared[derive] = derive(self)
        return cast("Derived", self._shared[derive])

    def forget(self) -> None:
        """Let go of what was derived, which refers back to this history: else both stay until a garbage collection."""
        self._shared.clear()

    @property
    def whole(self) -> Whole:
        """What is known of the whole run, whether or not this is only a part of it."""
        if self._known is None:
            kinds = (f for f, operations in self._by_f.items() if any(one.kind is OK for one in operations))
            struck = frozenset(one.index for one in self.operations if one.faults)
            self._known = Whole(self.events, frozenset(kinds), self.samples, _closed(self.operations), struck)
        return self._known

    @cached_property
    def by_index(self) -> dict[int, Operation]:
        """Operations by the index of their invocation."""
        return {operation.index: operation for operation in self.operations}

    @cached_property
    def is_partial(self) -> bool:
        """The run was interrupted or did not reach its end."""
        return is_partial(self.events)

    def of(self, *kinds: F) -> list[Operation]:
        """The operations of these kinds, in order of invocation. Not to be changed.

        A manifest that was put by its digest and under several tags at once is one of each, all of one index.
        """
        known = self._of.get(kinds)
        if known is None:
            parts = [self._by_f.get(f, []) for f in kinds]
            known = (
                parts[0] if len(parts) == 1 else sorted(chain.from_iterable(parts), key=attrgetter("start_ns", "index"))
            )
            self._of[kinds] = known
        return known

    @cached_property
    def _by_f(self) -> dict[F, list[Operation]]:
        by_f: dict[F, list[Operation]] = {}
        for operation in self.operations:
            by_f.setdefault(operation.f, []).append(operation)
        puts = by_f.get(F.PUT_MANIFEST, [])
        if any(one.asked.tags for one in puts):
            by_f[F.PUT_MANIFEST] = [each for one in puts for each in (one, *_under_its_tags(one))]
        return by_f

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
        return unsupported(self.events)


def _under_its_tags(put: Operation) -> Iterator[Operation]:
    """A put for each tag that a put by digest names: done where the registry says so, else nobody knows."""
    if put.kind is FAIL:
        return
    repository = repository_of(put.key)
    for tag in put.asked.tags:
        is_said = put.kind is OK and tag in (put.answered.tags or ())
        yield msgspec.structs.replace(
            put,
            key=tag_key(repository, tag),
            asked=msgspec.structs.replace(put.asked, tags=()),
            kind=OK if is_said else INFO,
            end_ns=put.end_ns if is_said else NEVER,
        )


def is_partial(events: Iterable[Event]) -> bool:
    """The run was interrupted or did not reach its end."""
    names = {event.name for event in events}
    return "interrupted" in names or "finished" not in names or "process-died" in names


def operations_of(entries: Iterable[Entry]) -> Iterator[Operation]:
    """The operations of a sound journal as they end, one by one; those that never did last. Knows of no faults."""
    open_by_process: dict[int, Op] = {}
    for entry in entries:
        if isinstance(entry, Op):
            if entry.kind is INVOKE:
                open_by_process[entry.process] = entry
            else:
                yield _paired(open_by_process.pop(entry.process), entry, None)
    for invoked in open_by_process.values():
        yield _paired(invoked, None, None)


def unsupported(events: Iterable[Event]) -> dict[str, str]:
    """Capabilities that these events say the registry does not have, with the reason."""
    return {
        event.detail["name"]: event.detail.get("reason", "")
        for event in events
        if event.name == "capability" and event.detail.get("supported") == "no"
    }


def is_closed(error: str | None, status: int | None) -> bool:
    """An operation ended because its connection was closed before any answer."""
    return status is None and error is not None and error.startswith(_CLOSED)


def _closed(operations: list[Operation]) -> dict[int, int]:
    closed: dict[int, int] = {}
    last: dict[int, int] = {}
    if any(is_closed(one.error, one.answered.status) for one in operations):
        for one in operations:
            before = last.get(one.process)
            last[one.process] = one.index
            if before is not None and is_closed(one.error, one.answered.status):
                closed[one.index] = before
    return closed


def _struck(operations: list[Operation], events: list[Event]) -> list[Operation]:
    """The operations, each with the faults that the events say struck it."""
    faults: dict[int | None, dict[str, None]] = {}
    mutilated: set[int | None] = set()
    for event in events:
        if event.name == "fault":
            struck = operation_of(event.detail.get("request", ""))
            faults.setdefault(struck, {})[event.detail.get("fault", "")] = None
            if event.detail.get("toxic") not in SLOWING:
                mutilated.add(struck)
    if not faults:
        return operations
    return [
        msgspec.structs.replace(one, faults=tuple(faults[one.index]), is_only_slowed=one.index not in mutilated)
        if one.index in faults
        else one
        for one in operations
    ]


def _paired(invoked: Op, completed: Op | None, sharing: Sharing | None) -> Operation:
    answered = (completed.answered if completed is not None else None) or Answered()
    if sharing is None:
        key, asked, run, exchange = invoked.key, invoked.asked or Asked(), None, 0
    else:
        key, asked, answered, run, exchange = sharing.share(invoked, answered)
    kind = completed.kind if completed is not None else INFO
    # Positional: this runs once for each of millions of operations.
    return Operation(
        invoked.index,
        invoked.process,
        invoked.f,
        key,
        invoked.phase,
        asked,
        kind,
        answered,
        completed.error if completed is not None else "no completion in the journal",
        invoked.intended_ns,
        invoked.time_ns,
        completed.time_ns if completed is not None and kind is not INFO else NEVER,
        (),
        run,
        exchange,
    )
