"""Segments: what each process of a run writes for itself, beside the journal, until all of it is joined to that.

`journal-<number>.jsonl`, of the journal's own format. Where nscr was killed they stay behind, joined in part or not at
all; whoever reads the journal reads on in them.
"""

import heapq
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec


class _Stamp(msgspec.Struct):
    time_ns: int


def segment_path(folder: Path, number: int) -> Path:
    """Where member `number` writes."""
    return folder / f"journal-{number}.jsonl"


def segments_beside(journal: Path) -> list[Path]:
    """What was not joined; a file that was only just begun holds nothing."""
    return [path for path in sorted(journal.parent.glob("journal-[0-9]*.jsonl")) if _has_begun(path)]


def _has_begun(path: Path) -> bool:
    with path.open("rb") as file:
        return file.readline().endswith(b"\n")


def joined(segments: Iterable[Path]) -> Iterator[bytes]:
    """The whole lines of all segments but for their headers, without newline, by the time that they tell."""
    return heapq.merge(*(_lines(path) for path in segments), key=_time_of)


def _lines(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        file.readline()
        for line in file:
            if not line.endswith(b"\n"):
                return
            yield line[:-1]


_DECODER = msgspec.json.Decoder(_Stamp)


def _time_of(line: bytes) -> int:
    return _DECODER.decode(line).time_ns
