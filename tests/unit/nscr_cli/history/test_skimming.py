"""A journal skimmed: everything goes by once, and what is asked for is kept as it was."""

from pathlib import Path

import pytest

from nscr_cli.history.history import History
from nscr_cli.history.journal import JOURNAL_FORMAT, JOURNAL_NAME, Header, JournalWriter, read_journal
from nscr_cli.history.ops import Answered, Asked, Entry, Event, F, Kind, Op, Phase, Reference, Sample
from nscr_cli.history.segments import segment_path
from nscr_cli.history.skimming import skim
from nscr_cli.history.written import writes_for

HEADER = Header(format=JOURNAL_FORMAT, nscr="0.1.0", run_id="r1")


def op(index: int, process: int, kind: Kind, f: F, key: str, **more: object) -> Op:
    facts = {"phase": Phase.MAIN, "intended_ns": 10 * index, "time_ns": 10 * index} | more
    return Op(index=index, process=process, kind=kind, f=f, key=key, **facts)  # type: ignore[arg-type]


ENTRIES: list[Entry] = [
    Event(name="phase", time_ns=0, detail={"phase": "main"}),
    op(0, 0, Kind.INVOKE, F.PUSH_BLOB, "r@sha256:b", asked=Asked(digest="sha256:b")),
    op(
        1, 1, Kind.INVOKE, F.PUT_MANIFEST, "r:t",
        asked=Asked(digest="sha256:m", references=(Reference("sha256:b", False, 1),)),
    ),
    op(2, 0, Kind.OK, F.PUSH_BLOB, "r@sha256:b", answered=Answered(status=201)),
    Sample(endpoint="/api/registry/state", start_ns=20, end_ns=25, status=500),
    op(3, 1, Kind.INFO, F.PUT_MANIFEST, "r:t", answered=Answered(), error="given up"),
    op(4, 2, Kind.INVOKE, F.GET_MANIFEST, "r@sha256:m", asked=Asked()),
    op(5, 0, Kind.INVOKE, F.LIST_TAGS, "r", asked=Asked()),
    op(6, 0, Kind.FAIL, F.LIST_TAGS, "r", answered=Answered(status=404), error="404"),
]  # fmt: skip


def write(path: Path, entries: list[Entry]) -> None:
    with path.open("wb") as file:
        writer = JournalWriter(file, HEADER)
        for entry in entries:
            writer.append(entry)


class Seen:
    """Writes down what goes by."""

    def __init__(self) -> None:
        self.all: list[object] = []

    def ended(self, f: str, kind: str, intended_ns: int, end_ns: int) -> None:
        self.all.append((f, kind, intended_ns, end_ns))

    def never_ended(self, f: str, start_ns: int) -> None:
        self.all.append((f, start_ns))

    def sampled(self, sample: Sample) -> None:
        self.all.append(sample)

    def happened(self, event: Event) -> None:
        self.all.append(event)


EXPECTED = [
    ENTRIES[0],
    ("push-blob", "ok", 0, 20),
    ENTRIES[4],
    ("put-manifest", "info", 10, 30),
    ("list-tags", "fail", 50, 60),
    ("get-manifest", 40),
]


def test_everything_goes_by(tmp_path: Path) -> None:
    write(tmp_path / JOURNAL_NAME, ENTRIES)
    seen = Seen()
    skimmed = skim(tmp_path, seen)
    assert seen.all == EXPECTED
    assert (skimmed.operations, skimmed.ends) == ({}, {})


def test_what_is_asked_for_is_kept_as_a_history_has_it(tmp_path: Path) -> None:
    write(tmp_path / JOURNAL_NAME, ENTRIES)
    kept = skim(tmp_path, Seen(), whole=frozenset({1, 4, 5, 99}), timed=frozenset({0, 1, 4}))
    history = History(read_journal(tmp_path / JOURNAL_NAME))
    assert kept.operations == {index: history.by_index[index] for index in (1, 4, 5)}
    assert kept.ends == {0: 20, 1: 10, 4: 40}  # where nobody knows the end, the begin


def test_segments_that_were_not_joined_go_by_too(tmp_path: Path) -> None:
    write(tmp_path / JOURNAL_NAME, ENTRIES[:4])
    write(segment_path(tmp_path, 0), ENTRIES[2:])  # the first of them is told twice
    seen = Seen()
    skim(tmp_path, seen)
    assert seen.all == EXPECTED


@pytest.mark.parametrize("index", [1, 4])
def test_the_writes_of_what_an_operation_refers_to_are_found(tmp_path: Path, index: int) -> None:
    write(tmp_path / JOURNAL_NAME, ENTRIES)
    history = History(read_journal(tmp_path / JOURNAL_NAME))
    # The read names the manifest, and only that names the blob.
    assert writes_for(tmp_path, [history.by_index[index]]) == [history.by_index[0], history.by_index[1]]


def test_of_operations_that_refer_to_nothing_nothing_is_read(tmp_path: Path) -> None:
    write(tmp_path / JOURNAL_NAME, ENTRIES)
    history = History(read_journal(tmp_path / JOURNAL_NAME))
    assert writes_for(tmp_path, [history.by_index[5]]) == []
