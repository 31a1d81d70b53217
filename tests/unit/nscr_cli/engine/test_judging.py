"""Judging a folder: what is not a run folder is told, and the judge does not know what was sabotaged."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from nscr_cli.checkers.verdict import Result, Verdict
from nscr_cli.engine.judging import judge_run, read_plan, write_plan
from nscr_cli.errors import RunFolderError
from nscr_cli.history.plan import PLAN_FORMAT, RunPlan, Scenario
from nscr_cli.workloads.catalogue import WORKLOADS, Workload

PLAN = RunPlan(
    run_id="run",
    scenario_name="tags",
    scenario=Scenario(title="t", description="d", workload="tags"),
    seed=1,
    workers=1,
    duration_s=1.0,
    registry_url=None,
    namespace="nscr-torture/run",
    started_utc="2026-01-01T00:00:00Z",
    nscr="0.1.0",
    sabotages=("lost-tag",),
)


class Spy:
    """A checker that keeps the plan it was shown."""

    name = "spy"

    def __init__(self) -> None:
        self.shown: list[RunPlan] = []

    def check(self, plan: RunPlan, history: Any) -> Result:
        self.shown.append(plan)
        return Result(checker=self.name, verdict=Verdict.VALID)


def write_run(folder: Path, plan: RunPlan = PLAN) -> None:
    write_plan(folder, plan)
    (folder / "journal.jsonl").write_text('{"type":"journal","format":1,"nscr":"0.1.0","run_id":"run"}\n')


def test_the_judge_does_not_know_what_was_sabotaged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spy = Spy()
    monkeypatch.setitem(WORKLOADS, "tags", Workload(actions={}, checkers=(spy,)))
    write_run(tmp_path)
    plan, _, results = judge_run(tmp_path)
    assert plan == PLAN
    assert [result.checker for result in results] == ["spy"]
    assert spy.shown == [msgspec.structs.replace(PLAN, sabotages=())]


def test_a_plan_survives_its_file(tmp_path: Path) -> None:
    write_plan(tmp_path, PLAN)
    assert read_plan(tmp_path) == PLAN


def test_an_empty_journal_is_no_evidence(tmp_path: Path) -> None:
    write_run(tmp_path)
    assert max(result.verdict for result in judge_run(tmp_path)[2]) is Verdict.UNKNOWN


def test_a_newer_plan_is_refused_by_name(tmp_path: Path) -> None:
    write_run(tmp_path, msgspec.structs.replace(PLAN, format=PLAN_FORMAT + 1, nscr="9.9.9"))
    with pytest.raises(RunFolderError, match=r"of nscr 9\.9\.9") as caught:
        judge_run(tmp_path)
    assert "9.9.9 or newer" in caught.value.hint


@pytest.mark.parametrize("document", ["", "{", "[]", '{"format": 1}', '{"format": 1, "nscr": "0.1.0"}', "\x00"])
def test_what_is_no_plan_is_refused(tmp_path: Path, document: str) -> None:
    (tmp_path / "plan.json").write_text(document)
    with pytest.raises(RunFolderError, match="not the plan of a run"):
        judge_run(tmp_path)


def test_a_folder_without_plan_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RunFolderError, match=r"plan\.json"):
        judge_run(tmp_path / "none")


def test_an_unknown_workload_is_refused(tmp_path: Path) -> None:
    write_run(tmp_path, msgspec.structs.replace(PLAN, scenario=msgspec.structs.replace(PLAN.scenario, workload="new")))
    with pytest.raises(RunFolderError, match="unknown workload 'new'"):
        judge_run(tmp_path)


def test_a_journal_that_contradicts_itself_is_refused(tmp_path: Path) -> None:
    write_run(tmp_path)
    with (tmp_path / "journal.jsonl").open("a") as journal:
        journal.write(
            '{"type":"op","index":0,"process":0,"kind":"ok","f":"list-tags","key":"a","phase":"main",'
            '"intended_ns":0,"time_ns":1}\n'
        )
    with pytest.raises(RunFolderError, match="completes what process 0 never asked"):
        judge_run(tmp_path)
