"""A journal gone through once for its figures, a few of its operations kept whole: of any length, in little memory.

Of each operation only what can be counted and timed is decoded, which takes a quarter of the time that all of it would.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Protocol, TypeVar, cast

import msgspec

from nscr_cli.history.history import Operation, operations_of
from nscr_cli.history.journal import JOURNAL_NAME, read_lines
from nscr_cli.history.ops import Entry, Event, Op, Sample, detached
from nscr_cli.history.segments import segments_beside

_INVOKE = "invoke"
_INFO = "info"
Line = TypeVar("Line")


class Outline(msgspec.Struct, frozen=True, gc=False, tag="op"):
    """An `Op` without what was asked and answered."""

    index: int
    process: int
    kind: str
    f: str
    intended_ns: int
    time_ns: int


class Skimmer(Protocol):
    """Takes what goes by, in the order of the journal."""

    def ended(self, f: str, kind: str, intended_ns: int, end_ns: int) -> None:
        """An operation ended: `ok`, `fail` or `info`."""
        ...

    def never_ended(self, f: str, start_ns: int) -> None:
        """One has no completion in the journal."""
        ...

    def sampled(self, sample: Sample) -> None: ...

    def happened(self, event: Event) -> None: ...


class Skimmed(msgspec.Struct, frozen=True):
    """What was asked to be kept.

    Attributes:
        operations: whole, by index.
        ends: when operations ended, or began if nobody knows when they ended, by index.
    """

    operations: dict[int, Operation]
    ends: dict[int, int]


def skim(
    folder: Path, skimmer: Skimmer, *, whole: frozenset[int] = frozenset(), timed: frozenset[int] = frozenset()
) -> Skimmed:
    """Show everything in a run's journal to a skimmer.

    Args:
        whole: indexes of the operations that are kept whole.
        timed: and of those whose end is kept.

    Raises:
        RunFolderError: see `read_journal`.
    """
    ends: dict[int, int] = {}
    kept: list[Entry] = []
    begun: dict[int, Outline] = {}
    kept_processes: set[int] = set()
    decoder: msgspec.json.Decoder[Outline | Sample | Event] = msgspec.json.Decoder(Outline | Sample | Event)
    for lines, outlines in whole_lines(folder, decoder):
        wanted: list[int] = []
        for place, one in enumerate(outlines):
            if type(one) is not Outline:
                _show(cast("Sample | Event", one), skimmer)
            elif one.kind == _INVOKE:
                begun[one.process] = one
                if one.index in whole:
                    wanted.append(place)
                    kept_processes.add(one.process)
            else:
                invoked = begun.pop(one.process, None)
                if invoked is not None:
                    skimmer.ended(one.f, one.kind, invoked.intended_ns, one.time_ns)
                    if invoked.index in timed:
                        ends[invoked.index] = one.time_ns if one.kind != _INFO else invoked.time_ns
                if one.process in kept_processes:
                    wanted.append(place)
                    kept_processes.discard(one.process)
        if wanted:
            kept += decoded(lines, wanted)
    for invoked in begun.values():
        skimmer.never_ended(invoked.f, invoked.time_ns)
        if invoked.index in timed:
            ends[invoked.index] = invoked.time_ns
    return Skimmed({one.index: one for one in operations_of(kept)}, ends)


def _show(one: Sample | Event, skimmer: Skimmer) -> None:
    if isinstance(one, Sample):
        skimmer.sampled(detached(one))
    else:
        skimmer.happened(one)


def whole_lines(folder: Path, decoder: msgspec.json.Decoder[Line]) -> Iterator[tuple[bytes, list[Line]]]:
    """As `read_lines`, and after the journal what was not joined to it of the segments beside it.

    Of what the decoder makes of a line, an operation is told by its `index`.

    Raises:
        RunFolderError: see `read_journal`.
    """
    journal = folder / JOURNAL_NAME
    segments = segments_beside(journal)
    known: set[int | None] = set()
    for lines, entries in read_lines(journal, decoder):
        if segments:
            known.update(map(_index, entries))
        yield lines, entries
    known.discard(None)
    for segment in segments:
        for lines, entries in read_lines(segment, decoder):
            places = [place for place, one in enumerate(entries) if _index(one) not in known]
            split = lines.split(b"\n")
            yield b"\n".join(split[place] for place in places), [entries[place] for place in places]


def decoded(lines: bytes, places: Iterable[int]) -> list[Entry]:
    """The operations of the lines at these places, whole."""
    decoder = msgspec.json.Decoder(Op)
    split = lines.split(b"\n")
    return [decoder.decode(split[place]) for place in places]


def _index(entry: object) -> int | None:
    return getattr(entry, "index", None)
