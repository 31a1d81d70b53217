"""The journal: the border between running and judging. One JSON document a line, append-only.

The first line is a Header; every further line is an Op, Sample or Event with its `type`. An invocation is written
before its request is dispatched. A last line without newline is the mark of a killed run and is left out; damage
anywhere else is an error, because the judge must not guess.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import IO, TypeVar

import msgspec

from nscr_cli.errors import RunFolderError
from nscr_cli.history.ops import Entry, Op
from nscr_cli.history.segments import segments_beside

JOURNAL_FORMAT = 1
JOURNAL_NAME = "journal.jsonl"
_BLOCK = 1 << 18
Line = TypeVar("Line")


class Header(msgspec.Struct, frozen=True, kw_only=True, tag="journal"):
    """The first line: which format, written by which nscr, for which run."""

    format: int
    nscr: str
    run_id: str


class JournalWriter:
    """Appends entries to an open binary file, and flushes them to the operating system, in order.

    What was flushed survives a kill of nscr (not a power cut of its machine: the journal is evidence about the
    registry, and losing its tail loses evidence, never invents it). An invocation must be flushed before its request
    is dispatched; a completion may wait for the next flush, for an operation whose end is lost has none.
    """

    def __init__(self, file: IO[bytes], header: Header) -> None:
        self._file = file
        self._encoder = msgspec.json.Encoder()
        self._waiting: list[bytes] = [self._encoder.encode(header)]
        self.flush()

    def append(self, entry: Entry) -> None:
        """Write one entry, and what was taken before it.

        Raises:
            OSError: the disk is full or the file is gone.
        """
        self.take(entry)
        self.flush()

    def take(self, entry: Entry) -> None:
        """Take one entry; it is written by the next `append` or `flush`."""
        self._waiting.append(self._encoder.encode(entry))

    def take_line(self, line: bytes) -> None:
        """Take an entry that somebody else has written, as it is, without newline."""
        self._waiting.append(line)

    def flush(self) -> None:
        """Write what was taken since the last time.

        Raises:
            OSError: the disk is full or the file is gone.
        """
        if not self._waiting:
            return
        self._waiting.append(b"")
        lines = b"\n".join(self._waiting)
        self._waiting.clear()
        self._file.write(lines)
        self._file.flush()


def read_journal(path: Path) -> Iterator[Entry]:
    """The entries of a journal, in order.

    Raises:
        RunFolderError: no journal there, written by a newer nscr, or damaged before its last line.
    """
    for _, entries in read_lines(path, msgspec.json.Decoder(Entry)):
        yield from entries


def read_part(path: Path) -> Iterator[Entry]:
    """The entries of a part of a journal, that has no header: a copy of ours, made of lines that were sound."""
    decoder = msgspec.json.Decoder(Entry)
    with path.open("rb") as file:
        for _, lines in _blocks(file):
            yield from decoder.decode_lines(lines)


def read_lines(path: Path, decoder: msgspec.json.Decoder[Line]) -> Iterator[tuple[bytes, list[Line]]]:
    """The lines of a journal behind its header in blocks, without the last line feed, and what the decoder makes of
    them.

    Raises:
        RunFolderError: as `read_journal`.
    """
    try:
        with path.open("rb") as file:
            _check_header(file.readline(), path)
            for number, lines in _blocks(file):
                try:
                    entries = decoder.decode_lines(lines)
                except msgspec.MsgspecError:
                    entries = []
                # What the decoder skips, such as an empty line, is damage too.
                if len(entries) == lines.count(b"\n") + 1:
                    yield lines, entries
                else:
                    yield from _one_by_one(lines, number, path, decoder)
    except OSError as error:
        reason = "no such journal" if isinstance(error, FileNotFoundError) else error.strerror or str(error)
        raise RunFolderError(
            f"{path}: {reason}", hint="name a run folder, as the last line of `nscr torture` prints it"
        ) from error


def read_whole_journal(folder: Path) -> Iterator[Entry]:
    """The entries of a run's journal, and after them what was not joined to it of the segments beside it.

    Raises:
        RunFolderError: see `read_journal`.
    """
    path = folder / JOURNAL_NAME
    segments = segments_beside(path)
    known: set[int] = set()
    for entry in read_journal(path):
        if segments and isinstance(entry, Op):
            known.add(entry.index)
        yield entry
    for segment in segments:
        # Twice told, that we were late does no harm.
        yield from (one for one in read_journal(segment) if not isinstance(one, Op) or one.index not in known)


def _blocks(file: IO[bytes]) -> Iterator[tuple[int, bytes]]:
    """Blocks of whole lines, each with the number of its first: to decode each line for itself takes twice as long."""
    number = 2
    rest = b""
    while block := file.read(_BLOCK):
        lines, newline, rest = (rest + block).rpartition(b"\n")
        if newline:
            yield number, lines
            number += lines.count(b"\n") + 1


def _one_by_one(
    lines: bytes, first: int, path: Path, decoder: msgspec.json.Decoder[Line]
) -> Iterator[tuple[bytes, list[Line]]]:
    """The lines of a block up to the one that is damaged, which is told."""
    for number, line in enumerate(lines.split(b"\n"), start=first):
        try:
            yield line, [decoder.decode(line)]
        except msgspec.MsgspecError as error:
            raise RunFolderError(
                f"{path}: line {number} is damaged: {error}",
                hint="a journal is only ever appended to: restore it from where the run was recorded",
            ) from error


def _check_header(line: bytes, path: Path) -> None:
    try:
        header = msgspec.json.decode(line, type=Header)
    except msgspec.MsgspecError as error:
        raise RunFolderError(
            f"{path}: not a journal: {error}", hint="name the folder of a run, not of its reports"
        ) from error
    if header.format > JOURNAL_FORMAT:
        raise RunFolderError(
            f"{path}: journal format {header.format} of nscr {header.nscr}; this nscr reads up to {JOURNAL_FORMAT}",
            hint=f"judge it with nscr {header.nscr} or newer",
        )
