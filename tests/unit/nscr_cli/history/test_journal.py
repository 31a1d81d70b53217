"""The journal: what was written is read back, a killed run loses only its last line, and damage is never guessed at."""

from pathlib import Path

import msgspec
import pytest

from nscr_cli.errors import RunFolderError
from nscr_cli.history.journal import JOURNAL_FORMAT, Header, JournalWriter, read_journal
from nscr_cli.history.ops import Answered, Asked, Entry, Event, F, Kind, Op, Phase, Reference, Sample

HEADER = Header(format=JOURNAL_FORMAT, nscr="1.2.3", run_id="run")
ENTRIES: list[Entry] = [
    Event(name="phase", time_ns=1, detail={"phase": "main"}),
    Op(
        index=0,
        process=3,
        kind=Kind.INVOKE,
        f=F.PUT_MANIFEST,
        key="r:a",
        phase=Phase.MAIN,
        intended_ns=1,
        time_ns=2,
        asked=Asked(digest="sha256:x", size=7, references=(Reference(digest="sha256:y", is_manifest=False, size=1),)),
    ),
    Op(
        index=1,
        process=3,
        kind=Kind.OK,
        f=F.PUT_MANIFEST,
        key="r:a",
        phase=Phase.MAIN,
        intended_ns=1,
        time_ns=5,
        answered=Answered(status=201, tags=("a", "b"), sent_offsets=(1, 2)),
    ),
    Sample(endpoint="/api/registry/state", start_ns=1, end_ns=2, status=200, body=msgspec.Raw(b'{"a":[1,2]}')),
]


def written(path: Path, entries: list[Entry], header: Header = HEADER) -> Path:
    with path.open("wb") as file:
        journal = JournalWriter(file, header)
        for entry in entries:
            journal.append(entry)
    return path


def test_what_was_written_is_read_back(tmp_path: Path) -> None:
    read = list(read_journal(written(tmp_path / "journal.jsonl", ENTRIES)))
    assert read[:3] == ENTRIES[:3]
    assert isinstance(read[3], Sample)
    assert bytes(read[3].body or b"") == b'{"a":[1,2]}'


def test_an_entry_is_in_the_file_before_append_returns(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    with path.open("wb") as file:
        JournalWriter(file, HEADER).append(ENTRIES[0])
        assert list(read_journal(path)) == ENTRIES[:1]


def test_a_last_line_that_was_cut_is_left_out(tmp_path: Path) -> None:
    path = written(tmp_path / "journal.jsonl", ENTRIES[:3])
    path.write_bytes(path.read_bytes()[:-5])
    assert list(read_journal(path)) == ENTRIES[:2]


def test_damage_anywhere_else_is_an_error_that_names_the_line(tmp_path: Path) -> None:
    path = written(tmp_path / "journal.jsonl", ENTRIES[:2])
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(lines[0] + b'{"type":"op"}\n' + lines[2])
    with pytest.raises(RunFolderError, match="line 2 is damaged"):
        list(read_journal(path))


@pytest.mark.parametrize("damage", [b"\n", b"{}\n", b'"op"\n', b"\x00\n"])
def test_damage_after_many_lines_names_its_line_and_what_came_before_is_read(tmp_path: Path, damage: bytes) -> None:
    path = written(tmp_path / "journal.jsonl", ENTRIES[:3] * 2000)  # more than is read at once
    path.write_bytes(path.read_bytes() + damage + b'{"type":"event","name":"x","time_ns":0}\n')
    read = []
    with pytest.raises(RunFolderError, match="line 6002 is damaged"):
        read.extend(read_journal(path))
    entries = read_journal(path)
    assert [next(entries) for _ in range(6000)] == ENTRIES[:3] * 2000


def test_a_line_may_be_longer_than_what_is_read_at_once(tmp_path: Path) -> None:
    long = Event(name="x" * 1_000_000, time_ns=0)
    assert list(read_journal(written(tmp_path / "journal.jsonl", [long, ENTRIES[0], long]))) == [long, ENTRIES[0], long]


def test_a_newer_format_is_refused_by_name(tmp_path: Path) -> None:
    newer = Header(format=JOURNAL_FORMAT + 1, nscr="9.9", run_id="run")
    with pytest.raises(RunFolderError, match=r"journal format 2 of nscr 9\.9"):
        list(read_journal(written(tmp_path / "journal.jsonl", [], newer)))


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b'{"type":"event","name":"x","time_ns":0}\n'])
def test_what_is_no_journal_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "journal.jsonl"
    path.write_bytes(content)
    with pytest.raises(RunFolderError, match="not a journal"):
        list(read_journal(path))


def test_a_journal_that_is_not_there_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(RunFolderError, match="no such journal"):
        list(read_journal(tmp_path / "journal.jsonl"))
