"""Cutting a journal: what proves the finding stays, what only looks superfluous too, and nothing else."""

from pathlib import Path

import msgspec
import pytest

from nscr_cli.checkers.verdict import Finding
from nscr_cli.engine.cut_folder import chosen_finding, cut_run, write_cut
from nscr_cli.engine.cutting import cut, is_same
from nscr_cli.engine.judging import judge_run, judged, write_plan
from nscr_cli.engine.run_folder import open_journal
from nscr_cli.errors import RunFolderError, UsageError
from nscr_cli.history.history import History
from nscr_cli.history.ops import Answered, Asked, Entry, Event, F, Kind, Op, Phase, Sample
from nscr_cli.history.plan import RunPlan, Scenario

PLAN = RunPlan(
    run_id="run",
    scenario_name="tags",
    scenario=Scenario(title="t", description="d", workload="tags"),
    seed=1,
    workers=1,
    duration_s=1.0,
    registry_url=None,
    namespace="n/run",
    started_utc="2026-01-01T00:00:00Z",
    nscr="0.1.0",
)
A, B = ("sha256:" + letter * 64 for letter in "ab")


class Journal:
    """Writes a history, one operation after another."""

    def __init__(self) -> None:
        self.entries: list[Entry] = [Event(name="phase", time_ns=0, detail={"phase": "main"})]
        self._now = 0

    def did(self, f: F, key: str, *, kind: Kind = Kind.OK, asked: str | None = None, **answered: object) -> int:
        """One operation by process 1, or by a process of its own if nobody knows how it ended; its index."""
        index = 2 * self._now
        process = 1 if kind is Kind.OK else 100 + index
        common = {"process": process, "f": f, "key": key, "phase": Phase.MAIN, "intended_ns": self._now}
        self.entries.append(
            Op(index=index, kind=Kind.INVOKE, time_ns=100 * self._now, asked=Asked(digest=asked), **common)
        )
        done = Answered(**{"status": 200, "present": True, **answered})
        self.entries.append(Op(index=index + 1, kind=kind, time_ns=100 * self._now + 50, answered=done, **common))
        self._now += 1
        return index

    def put(self, key: str, digest: str) -> int:
        return self.did(F.PUT_MANIFEST, key, asked=digest, status=201)

    def saw(self, key: str, digest: str | None) -> int:
        return self.did(F.GET_MANIFEST, key, digest=digest, present=digest is not None)


def judge(history: History) -> list[Finding]:
    plan = msgspec.structs.replace(PLAN, only_checker="tags")
    return [finding for result in judged(plan, history, Path()) for finding in result.findings]


def left_of(journal: Journal) -> tuple[Finding, list[int]]:
    (finding,) = judge(History(journal.entries))
    return finding, [one.index for one in History(cut(journal.entries, finding, judge)).operations]


def padded() -> tuple[Journal, list[int]]:
    """A lost write among others that prove nothing, and a poll."""
    journal = Journal()
    proof = []
    for number in range(40):
        journal.put(f"n/run/r:t{number}", A)
        journal.saw(f"n/run/r:t{number}", A)
        match number:
            case 10:
                proof.append(journal.put("n/run/r:t", A))
            case 20:
                proof.append(journal.put("n/run/r:t", B))
            case 30:
                proof.append(journal.saw("n/run/r:t", A))
    journal.entries.append(Sample(endpoint="/api/registry/state", start_ns=1, end_ns=2, status=200))
    journal.entries.append(Event(name="unread", time_ns=9, detail={"count": "1", "keys": "n/run/r:long"}))
    journal.entries.append(Event(name="finished", time_ns=9))
    return journal, proof


def test_a_lost_write_is_cut_to_its_three_operations_and_what_befell_the_run() -> None:
    journal, proof = padded()
    finding, left = left_of(journal)
    assert finding.rule == "lost-write"
    assert left == proof
    events = [entry for entry in cut(journal.entries, finding, judge) if not isinstance(entry, Op)]
    assert [event.name for event in events if isinstance(event, Event)] == ["phase", "finished"]
    assert len(events) == 2


def test_a_delete_that_explains_one_absence_stays_where_two_are_to_be_explained() -> None:
    journal = Journal()
    delete = journal.did(F.DELETE_TAG, "n/run/r:t", kind=Kind.INFO, status=None, present=None)
    first = [journal.put("n/run/r:t", A), journal.saw("n/run/r:t", None)]
    second = [journal.put("n/run/r:t", B), journal.saw("n/run/r:t", None)]
    _, left = left_of(journal)
    assert left == [delete, *first, *second]


def test_an_operation_without_which_another_finding_would_arise_stays() -> None:
    # The write of what the named read saw first is not named, but without it that read saw what nobody wrote.
    journal, _ = padded()
    finding, _ = left_of(journal)
    unnamed = msgspec.structs.replace(finding, operations=finding.operations[1:])

    def judge_loosely(history: History) -> list[Finding]:
        found = judge(history)
        return [unnamed if one == finding else one for one in found]

    left = History(cut(journal.entries, unnamed, judge_loosely)).operations
    assert [one.index for one in left] == list(finding.operations)


def test_faults_that_struck_other_requests_go() -> None:
    journal, proof = padded()
    for index in (proof[1], 0):
        detail = {"fault": "f", "request": f"run-{index}.1", "in_flight": "1"}
        journal.entries.insert(1, Event(name="fault", time_ns=1, detail=detail))
    (finding,) = judge(History(journal.entries))
    kept = [entry for entry in cut(journal.entries, finding, judge) if isinstance(entry, Event)]
    assert [event.detail["request"] for event in kept if event.name == "fault"] == [f"run-{proof[1]}.1"]


@pytest.fixture
def run_folder(tmp_path: Path) -> Path:
    folder = tmp_path / "run"
    folder.mkdir()
    write_plan(folder, PLAN)
    with open_journal(folder, PLAN) as writer:
        for entry in padded()[0].entries:
            writer.append(entry)
    return folder


def test_a_folder_cut_to_a_finding_is_invalid_for_that_alone(run_folder: Path, tmp_path: Path) -> None:
    plan, _, results = judge_run(run_folder)
    findings = [finding for result in results for finding in result.findings]
    finding = chosen_finding([one for one in findings if one.checker == "tags"], 1)
    cut_down = cut_run(run_folder, plan, finding)
    assert cut_down.size == (1, 3)
    write_cut(tmp_path / "a" / "cut", cut_down)
    again, history, (result,) = judge_run(tmp_path / "a" / "cut")
    assert again == msgspec.structs.replace(plan, only_checker="tags")
    assert len(history.operations) == 3
    assert result.findings == (finding,)
    assert finding.rule in (tmp_path / "a" / "cut" / "findings.md").read_text()
    with pytest.raises(UsageError, match="is there already"):
        write_cut(tmp_path / "a" / "cut", cut_down)


def test_findings_are_the_same_if_the_same_operations_prove_them() -> None:
    one = Finding(checker="c", rule="r", key="k", operations=(1, 2), clause="", explanation="1 of 9")
    assert is_same(one, msgspec.structs.replace(one, explanation="1 of 8"))
    assert not is_same(one, msgspec.structs.replace(one, operations=(1,)))
    figure = msgspec.structs.replace(one, operations=())
    assert not is_same(figure, msgspec.structs.replace(figure, explanation="1 of 8"))


def test_a_finding_that_is_not_there_is_told() -> None:
    with pytest.raises(UsageError, match="no findings"):
        chosen_finding([], 1)
    with pytest.raises(UsageError, match="there are 1"):
        chosen_finding([Finding(checker="c", rule="r", key="k", operations=(), clause="", explanation="")], 2)


def test_a_checker_that_nobody_knows_is_told(run_folder: Path) -> None:
    write_plan(run_folder, msgspec.structs.replace(PLAN, only_checker="stranger"))
    with pytest.raises(RunFolderError, match="unknown checker 'stranger'"):
        judge_run(run_folder)
