"""A journal that is judged in parts, by way of the disk: what goes where, what is refused, what is left behind."""

import gc
import weakref
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from nscr_cli.checkers.blobs import BlobsChecker
from nscr_cli.checkers.listing import ListingChecker
from nscr_cli.checkers.tags import TagsChecker
from nscr_cli.checkers.verdict import check_in_parts
from nscr_cli.engine.judging import judge_run, write_plan
from nscr_cli.engine.parts import Parts
from nscr_cli.errors import RunFolderError
from nscr_cli.history.history import History
from nscr_cli.history.journal import JOURNAL_FORMAT, Header, JournalWriter, read_journal
from nscr_cli.history.ops import Answered, Asked, Entry, Event, F, Kind, Op, Phase, PushStyle, Sample
from nscr_cli.history.plan import RunPlan, Scenario

PLAN = RunPlan(
    run_id="run",
    scenario_name="mixed",
    scenario=Scenario(title="t", description="d", workload="mixed"),
    seed=1,
    workers=1,
    duration_s=1.0,
    registry_url=None,
    namespace="r",
    started_utc="2026-01-01T00:00:00Z",
    nscr="0.1.0",
)
DIGEST = "sha256:" + "a" * 64
OTHER = "sha256:" + "b" * 64


def operation(index: int, f: F, key: str, asked: Asked, answered: Answered | None, *, process: int = 0) -> list[Entry]:
    """An operation that was acknowledged, or is still open."""
    common = {"process": process, "f": f, "key": key, "phase": Phase.MAIN, "intended_ns": index}
    entries: list[Entry] = [Op(index=index, kind=Kind.INVOKE, time_ns=index, asked=asked, **common)]
    if answered is not None:
        entries.append(Op(index=index + 1, kind=Kind.OK, time_ns=index + 1, answered=answered, **common))
    return entries


def pushed(index: int, repository: str, digest: str) -> list[Entry]:
    asked = Asked(digest=digest, size=5, style=PushStyle.SINGLE_POST)
    answered = Answered(status=201, location=f"/v2/{repository}/blobs/{digest}")
    return operation(index, F.PUSH_BLOB, f"{repository}@{digest}", asked, answered)


def read(index: int, repository: str, digest: str) -> list[Entry]:
    answered = Answered(status=200, present=True, digest=digest, length=5)
    return operation(index, F.GET_BLOB, f"{repository}@{digest}", Asked(digest=digest), answered)


def written(folder: Path, entries: Sequence[Entry]) -> Path:
    journal = folder / "journal.jsonl"
    with journal.open("wb") as file:
        writer = JournalWriter(file, Header(format=JOURNAL_FORMAT, nscr="0", run_id="run"))
        for entry in entries:
            writer.append(entry)
    return journal


def strike(index: int) -> Event:
    detail = {"fault": "f", "request": f"run-{index}.1", "in_flight": "1"}
    return Event(name="fault", time_ns=0, detail=detail)


def test_every_operation_is_in_one_part_and_repositories_stay_whole(tmp_path: Path) -> None:
    entries = [one for n in range(40) for one in pushed(2 * n, f"r/{n % 7}", DIGEST)]
    whole = History(read_journal(written(tmp_path, entries)))
    parts = [part.operations for part in Parts(tmp_path / "journal.jsonl", tmp_path, 3).histories()]
    assert sorted((one for part in parts for one in part), key=lambda one: one.index) == whole.operations
    repositories = [{one.key.partition("@")[0] for one in part} for part in parts]
    assert sum(map(len, repositories)) == 7
    assert len(set().union(*repositories)) == 7


def test_what_was_done_elsewhere_to_a_digest_that_is_known_here_comes_along(tmp_path: Path) -> None:
    entries = [*pushed(0, "r/a", DIGEST), *pushed(2, "r/a", OTHER), *read(4, "r/b", DIGEST), *read(6, "r/a", DIGEST)]
    first, second = Parts(written(tmp_path, entries), tmp_path, 2).histories()
    assert [one.index for one in first.elsewhere] == []
    assert [(one.index, one.kind) for one in second.elsewhere] == [(0, Kind.OK)]
    assert [one.index for one in second.operations] == [4]


def test_all_know_what_happened_to_the_run_and_what_was_acknowledged_at_all(tmp_path: Path) -> None:
    finished, sample = Event(name="finished", time_ns=9), Sample(endpoint="/api", start_ns=0, end_ns=1)
    entries = [*pushed(0, "r/a", DIGEST), *read(2, "r/b", DIGEST), sample, finished]
    parts = Parts(written(tmp_path, entries), tmp_path, 2)
    assert [part.whole for part in parts.histories()] == [parts.whole] * 2
    assert (parts.whole.events, parts.whole.samples) == ([finished], [sample])
    assert parts.whole.acknowledged == {F.PUSH_BLOB, F.GET_BLOB}


def test_a_strike_belongs_to_the_part_of_its_operation(tmp_path: Path) -> None:
    entries = [*pushed(0, "r/a", DIGEST), *pushed(2, "r/b", DIGEST), strike(2), strike(77)]
    first, second = Parts(written(tmp_path, entries), tmp_path, 2).histories()
    assert [one.faults for one in (*first.operations, *second.operations)] == [(), ("f",)]
    assert [len(part.events) for part in (first, second)] == [1, 1]


@pytest.mark.parametrize(
    ("entries", "said"),
    [
        (
            [
                *operation(0, F.LIST_TAGS, "r/a", Asked(), None),
                *operation(2, F.LIST_TAGS, "r/b", Asked(), Answered(status=200)),
            ],
            "two open operations",
        ),
        (operation(0, F.LIST_TAGS, "r/a", Asked(), Answered(status=200))[1:], "never asked"),
    ],
    ids=["two at once, in two parts", "an answer to nothing"],
)
def test_what_is_no_history_is_refused(tmp_path: Path, entries: list[Entry], said: str) -> None:
    write_plan(tmp_path, PLAN)
    written(tmp_path, entries)
    with pytest.raises(RunFolderError, match=said):
        judge_run(tmp_path, longest=0)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["journal.jsonl", "plan.json"]


def test_a_long_journal_is_judged_as_a_short_one_and_leaves_nothing_behind(tmp_path: Path) -> None:
    write_plan(tmp_path, PLAN)
    lost = operation(6, F.GET_BLOB, f"r/a@{DIGEST}", Asked(digest=DIGEST), Answered(status=404, present=False))
    written(tmp_path, [*pushed(0, "r/a", DIGEST), *pushed(2, "r/b", OTHER), *read(4, "r/b", OTHER), *lost])
    _, history, at_once = judge_run(tmp_path)
    _, record, in_parts = judge_run(tmp_path, longest=0)
    by_name = {result.checker: result for result in at_once}
    assert {result.checker for result in in_parts} >= {"tags", "blobs", "closure", "listing", "protocol", "monitoring"}
    assert in_parts == [by_name[result.checker] for result in in_parts]
    assert [finding.rule for result in in_parts for finding in result.findings] == ["lost-blob"]
    assert list(record.operations) == list(history.operations)
    assert record.by_index == {index: history.by_index[index] for index in (0, 6)}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["journal.jsonl", "plan.json"]


def test_a_part_that_was_judged_is_not_kept(tmp_path: Path) -> None:
    entries = [one for n in range(40) for one in pushed(2 * n, f"r/{n % 4}", DIGEST)]
    parts = Parts(written(tmp_path, entries), tmp_path, 4)
    kept: list[weakref.ref[History]] = []

    def watched() -> Iterator[History]:
        for part in parts.histories():
            kept.append(weakref.ref(part))
            yield part
            del part
            # The one before is gone by now, and no garbage collection was needed for it.
            assert [one for one in kept[:-1] if one() is not None] == []

    gc.disable()
    try:
        check_in_parts([TagsChecker(), BlobsChecker(), ListingChecker()], PLAN, parts.whole, watched())
    finally:
        gc.enable()
    assert len(kept) == 4
    assert [one for one in kept if one() is not None] == []
