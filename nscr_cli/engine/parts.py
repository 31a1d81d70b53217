"""A journal of any length, split on disk into parts that can each be held in memory: one file for some repositories.

Checkers need together what lies in one repository, and of other repositories no more than what was done there to the
digests that are known here too. One pass copies each line to its part and notes which parts know of a digest; another
one copies what was done to a digest to the parts that know of it from elsewhere. Memory: events, samples, what is open,
and the digests that two parts know of.
"""

import contextlib
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import msgspec

from nscr_cli.engine.digest_notes import DigestNotes
from nscr_cli.history.faults import operation_of
from nscr_cli.history.history import History, Whole, is_closed
from nscr_cli.history.journal import read_lines, read_part
from nscr_cli.history.keys import digest_of, repository_of
from nscr_cli.history.ops import INVOKE, OK, Event, F, Kind, Sample, detached
from nscr_cli.history.sharing import Sharing

_READS = frozenset(
    {F.GET_BLOB, F.HEAD_BLOB, F.GET_MANIFEST, F.HEAD_MANIFEST, F.LIST_TAGS, F.LIST_REFERRERS, F.DELETE_TAG}
)
_STRIKE = "fault"
_LATELY = 100_000


class _Digest(msgspec.Struct, gc=False):
    digest: str | None = None
    header_digest: str | None = None
    status: int | None = None


class _OpLine(msgspec.Struct, tag="op", gc=False):
    """As much of an operation's line as tells where it belongs."""

    index: int
    process: int
    kind: Kind
    f: F
    key: str
    asked: _Digest | None = None
    answered: _Digest | None = None
    error: str | None = None


_Line = _OpLine | Sample | Event


class Parts:
    """The parts of a journal, in a folder that is there while this is entered.

    Args:
        count: how many parts at most; a repository is never divided.

    Attributes:
        whole: what is known of the whole run.

    Raises:
        RunFolderError: the journal is not there, or damaged.
        ValueError: entries that cannot be a history.
        OSError: the folder cannot be written, or is full.
    """

    def __init__(self, journal: Path, folder: Path, count: int) -> None:
        self._folder = folder
        self._count = count
        self._notes = DigestNotes(folder)
        self._part_of: dict[str, int] = {}
        self._events: list[Event] = []
        self._acknowledged: set[F] = set()
        self._open: dict[int, _OpLine] = {}
        self._last: dict[int, int] = {}
        self._asked_before: dict[int, int | None] = {}
        self._closed: dict[int, int] = {}
        self._struck: set[int] = set()
        self._lately: dict[int | None, int] = {}
        self._before: dict[int | None, int] = {}
        self._samples: list[Sample] = []
        self._split(journal)
        self.whole = Whole(
            self._events, frozenset(self._acknowledged), self._samples, self._closed, frozenset(self._struck)
        )
        self._shared = self._notes.shared()
        self._share_out()

    def histories(self) -> Iterator[History]:
        """Each part as a history, one after another; its file is gone once the next one is asked for."""
        for number in range(self._count):
            path, elsewhere = self._path("part", number), self._path("elsewhere", number)
            foreign = History(read_part(elsewhere)).operations if elsewhere.exists() else []
            part = History(
                read_part(path), sharing=Sharing(), whole=self.whole, elsewhere=foreign, is_shared=self._is_shared
            )
            yield part
            part.forget()
            del part, foreign
            path.unlink()
            elsewhere.unlink(missing_ok=True)

    def _path(self, name: str, number: int) -> Path:
        return self._folder / f"{name}-{number}.jsonl"

    def _split(self, journal: Path) -> None:
        with contextlib.ExitStack() as files, self._notes:
            parts = [files.enter_context(self._path("part", number).open("wb")) for number in range(self._count)]
            for block, entries in read_lines(journal, msgspec.json.Decoder(_Line)):
                for line, entry in zip(block.split(b"\n"), entries, strict=True):
                    if isinstance(entry, _OpLine):
                        part = self._take(entry)
                    elif isinstance(entry, Event) and entry.name == _STRIKE:
                        # Of an operation that nobody knows of, the first part keeps it: it must be counted once.
                        struck = operation_of(entry.detail.get("request", ""))
                        part = self._struck_part(struck)
                        self._struck.update(() if struck is None else (struck,))
                    elif isinstance(entry, Sample):
                        self._samples.append(detached(entry))
                        continue
                    else:
                        self._events.append(entry)
                        continue
                    parts[part].write(line + b"\n")

    def _struck_part(self, index: int | None) -> int:
        return self._lately.get(index, self._before.get(index, 0))

    def _take(self, entry: _OpLine) -> int:
        """The part that an operation belongs to."""
        part = self._part(entry.key)
        if entry.kind is INVOKE:
            if entry.process in self._open:
                raise ValueError(f"process {entry.process} has two open operations at index {entry.index}")
            self._open[entry.process] = entry
            self._asked_before[entry.process] = self._last.get(entry.process)
            self._last[entry.process] = entry.index
            # A fault strikes what is under way, or was a moment ago.
            if len(self._lately) >= _LATELY:
                self._before, self._lately = self._lately, {}
            self._lately[entry.index] = part
            self._note(entry, part, entry.asked)
            return part
        invoked = self._open.pop(entry.process, None)
        if invoked is None or (invoked.f, invoked.key) != (entry.f, entry.key):
            raise ValueError(f"index {entry.index} completes what process {entry.process} never asked")
        before = self._asked_before.pop(entry.process)
        if before is not None and is_closed(entry.error, entry.answered.status if entry.answered is not None else None):
            self._closed[invoked.index] = before
        if entry.kind is OK:
            self._acknowledged.add(entry.f)
        self._note(entry, part, entry.answered)
        return part

    def _note(self, entry: _OpLine, part: int, said: _Digest | None) -> None:
        digest = digest_of(entry.key) or (said.digest if said is not None else None)
        is_change = entry.f not in _READS and entry.kind is INVOKE
        if digest is not None:
            self._notes.add(digest, part, is_change=is_change)
        header = said.header_digest if said is not None else None
        if header is not None and header != digest:
            self._notes.add(header, part, is_change=False)

    def _part(self, key: str) -> int:
        repository = repository_of(key)
        part = self._part_of.get(repository)
        if part is None:
            # The first repositories have a part each; how many there will be, nobody knows yet.
            known = len(self._part_of)
            part = known if known < self._count else zlib.crc32(repository.encode()) % self._count
            self._part_of[repository] = part
        return part

    def _is_shared(self, digest: str) -> bool:
        return bool(self._shared.parts_of(digest))

    def _share_out(self) -> None:
        """Copy what was done to digests that several parts know of to those where it was not done."""
        shared = self._shared
        if not shared:
            return
        with contextlib.ExitStack() as files:
            elsewhere: dict[int, IO[bytes]] = {}
            for number in range(self._count):
                copied: dict[int, frozenset[int]] = {}
                for line, entry in _lines(self._path("part", number)):
                    if entry.kind is not INVOKE:
                        targets = copied.pop(entry.process, frozenset())
                    elif entry.f in _READS:
                        continue
                    else:
                        digest = digest_of(entry.key) or (entry.asked.digest if entry.asked is not None else None)
                        targets = shared.parts_of(digest or "") - {number}
                        if targets:
                            copied[entry.process] = targets
                    for target in targets:
                        if target not in elsewhere:
                            path = self._path("elsewhere", target)
                            elsewhere[target] = files.enter_context(path.open("wb"))
                        elsewhere[target].write(line)


def _lines(path: Path) -> Iterator[tuple[bytes, _OpLine]]:
    """The operations of a part, each with its line."""
    decoder = msgspec.json.Decoder(_Line)
    with path.open("rb") as file:
        for line in file:
            entry = decoder.decode(line)
            if isinstance(entry, _OpLine):
                yield line, entry
