"""Segments: joined by time, and read with the journal where nscr was killed before, or while, it joined them."""

from pathlib import Path

import pytest

from nscr_cli.history.history import History
from nscr_cli.history.journal import (
    JOURNAL_FORMAT,
    JOURNAL_NAME,
    Header,
    JournalWriter,
    read_journal,
    read_whole_journal,
)
from nscr_cli.history.ops import Answered, Asked, Entry, Event, F, Kind, Op, Phase
from nscr_cli.history.segments import joined, segment_path, segments_beside

HEADER = Header(format=JOURNAL_FORMAT, nscr="1.2.3", run_id="run")
BEGUN = Event(name="phase", time_ns=0, detail={"phase": "main"})


def op(index: int, process: int, time_ns: int, kind: Kind = Kind.INVOKE) -> Op:
    return Op(
        index=index,
        process=process,
        kind=kind,
        f=F.GET_MANIFEST,
        key="r:t",
        phase=Phase.MAIN,
        intended_ns=time_ns,
        time_ns=time_ns,
        asked=Asked() if kind is Kind.INVOKE else None,
        answered=None if kind is Kind.INVOKE else Answered(status=200),
    )


ONE = [op(0, 0, 10), op(2, 0, 30, Kind.OK), op(4, 2, 50)]
TWO = [op(1, 1, 20), op(3, 1, 40, Kind.OK), op(5, 1, 60)]
IN_TIME = [ONE[0], TWO[0], ONE[1], TWO[1], ONE[2], TWO[2]]


def written(path: Path, entries: list[Entry]) -> None:
    with path.open("wb") as file:
        journal = JournalWriter(file, HEADER)
        for entry in entries:
            journal.append(entry)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    written(tmp_path / JOURNAL_NAME, [BEGUN])
    written(segment_path(tmp_path, 0), list(ONE))
    written(segment_path(tmp_path, 1), list(TWO))
    return tmp_path


def test_they_are_joined_by_time(folder: Path) -> None:
    lines = list(joined(segments_beside(folder / JOURNAL_NAME)))
    with (folder / "again.jsonl").open("wb") as file:
        journal = JournalWriter(file, HEADER)
        for line in lines:
            journal.take_line(line)
        journal.flush()
    assert list(read_journal(folder / "again.jsonl")) == IN_TIME


@pytest.mark.parametrize("already", range(7))
def test_a_join_that_was_cut_short_neither_loses_nor_doubles(folder: Path, already: int) -> None:
    written(folder / JOURNAL_NAME, [BEGUN, *IN_TIME[:already]])
    entries = list(read_whole_journal(folder))
    assert entries[0] == BEGUN
    assert sorted(one.index for one in entries if isinstance(one, Op)) == [0, 1, 2, 3, 4, 5]
    history = History(entries)
    assert [(one.index, one.process, one.kind) for one in history.operations] == [
        (0, 0, Kind.OK),
        (1, 1, Kind.OK),
        (4, 2, Kind.INFO),
        (5, 1, Kind.INFO),
    ]


def test_the_last_line_of_a_killed_process_and_a_file_only_just_begun_are_left_out(folder: Path) -> None:
    segment = segment_path(folder, 0)
    segment.write_bytes(segment.read_bytes()[:-5])
    segment_path(folder, 2).write_bytes(b'{"type":"jour')
    known = [0, 1, 2, 3, 5]
    assert sorted(one.index for one in read_whole_journal(folder) if isinstance(one, Op)) == known
    assert len(list(joined(segments_beside(folder / JOURNAL_NAME)))) == len(known)


def test_the_journal_alone_is_read_alone(folder: Path) -> None:
    assert list(read_journal(folder / JOURNAL_NAME)) == [BEGUN]
