"""Whole runs, from plan to report: what lies in the folder, what is cleaned up, what goes wrong late."""

import io
from collections.abc import Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest
import trio
import trio.testing
from rich.console import Console

from nscr_cli.checkers.verdict import Verdict
from nscr_cli.client.target import Target
from nscr_cli.engine.judging import judge_run
from nscr_cli.engine.plan import Flags, make_plan, replanned
from nscr_cli.engine.shrink_run import shrink
from nscr_cli.engine.torture import Outcome, Setting, finish_cleaning, torture
from nscr_cli.errors import ReportsUnwritable, TargetUnreachable, UsageError
from nscr_cli.exits import Exit
from nscr_cli.history.history import History
from nscr_cli.history.ops import F
from nscr_cli.history.plan import RunPlan, Scenario

STARTED = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
URL = "http://127.0.0.1:5000"
Tortured = Callable[..., Outcome]
Modelled = Callable[[str], Scenario]


@pytest.fixture
def tortured(target: Any, tmp_path: Path, modelled: Modelled) -> Tortured:
    """Runs a moment of `mixed` against `target` as a registry of somebody else's, in virtual time."""

    def run(**flags: Any) -> Outcome:
        given = Flags(seed=3, workers=4, duration_s=0.5, registry_url=URL, **flags)
        plan = make_plan("mixed", modelled("mixed"), given, started=STARTED, chance=Random(3))
        console = Console(file=io.StringIO())
        return torture(plan, Setting(target=target, wiring=target, reports=tmp_path, console=console, clock=virtual()))

    return run


def virtual() -> trio.testing.MockClock:
    return trio.testing.MockClock(autojump_threshold=0)


def is_empty(registry: Any) -> bool:
    return not (registry.blobs or registry.manifests or registry.tags)


@pytest.mark.slow
def test_a_run_leaves_its_report_and_nothing_in_the_registry(tortured: Tortured, target: Any, tmp_path: Path) -> None:
    target.registry.blobs["theirs/a@sha256:00"] = None
    outcome = tortured()
    assert (outcome.report.verdict, outcome.failure) == (Verdict.VALID, None)
    assert outcome.folder == tmp_path / "mixed" / "20260102T030405Z-3"
    assert {path.name for path in outcome.folder.iterdir()} >= {"plan.json", "journal.jsonl", "verdict.json"}
    assert (tmp_path / "index.csv").read_text().count("\n") == 2
    assert list(target.registry.blobs) == ["theirs/a@sha256:00"]
    assert not target.registry.manifests
    assert outcome.report.leftovers == ()
    assert not (outcome.folder / "leftovers.txt").exists()


@pytest.mark.slow
def test_a_second_run_of_a_seed_within_a_second_has_a_folder_of_its_own(tortured: Tortured) -> None:
    assert [tortured().folder.name for _ in range(2)] == ["20260102T030405Z-3", "20260102T030405Z-3-2"]


@pytest.mark.slow
def test_what_is_invalid_is_kept_listed_and_cleaned_when_asked(tortured: Tortured, target: Any) -> None:
    target.registry.loses_every = 3
    outcome = tortured()
    assert outcome.report.exit_code is Exit.INVALID
    left = (outcome.folder / "leftovers.txt").read_text().splitlines()
    assert tuple(left) == outcome.report.leftovers
    assert {*target.registry.blobs, *target.registry.manifests, *target.registry.tags} <= set(left)
    elsewhere = Target(scheme="http", host="127.0.0.1", port=5001)
    with pytest.raises(UsageError, match="not to "):
        finish_cleaning(outcome.folder, elsewhere, target, target)
    assert finish_cleaning(outcome.folder, Target(scheme="http", host="127.0.0.1", port=5000), target, target) == ()
    assert is_empty(target.registry)
    assert not (outcome.folder / "leftovers.txt").exists()


@pytest.mark.slow
def test_what_a_registry_does_not_delete_is_listed(tortured: Tortured, target: Any) -> None:
    target.registry.declines = {F.DELETE_BLOB}
    outcome = tortured()
    assert outcome.report.verdict is Verdict.VALID
    assert set(outcome.report.leftovers) == set(target.registry.blobs)
    assert not target.registry.manifests


@pytest.mark.slow
def test_a_registry_that_is_gone_at_the_end_leaves_a_verdict_and_a_list(
    tortured: Tortured, target: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []

    @asynccontextmanager
    async def once(run_folder: Path) -> Any:
        calls.append(run_folder)
        if len(calls) > 1:
            raise TargetUnreachable("gone", hint="wait")
        async with type(target).running(target, run_folder) as running:
            yield running

    monkeypatch.setattr(target, "running", once)
    outcome = tortured()
    assert outcome.report.verdict is Verdict.VALID
    assert isinstance(outcome.failure, TargetUnreachable)
    assert set(target.registry.blobs) <= set(outcome.report.leftovers)
    assert (outcome.folder / "leftovers.txt").exists()


@pytest.mark.slow
def test_reports_that_cannot_be_written_leave_a_verdict(
    tortured: Tortured, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "index.csv").mkdir()
    outcome = tortured()
    assert outcome.report.verdict is Verdict.VALID
    assert isinstance(outcome.failure, ReportsUnwritable)


def test_a_reports_folder_that_cannot_be_made_is_told(target: Any, tmp_path: Path, modelled: Modelled) -> None:
    (tmp_path / "file").write_text("")
    plan = make_plan("mixed", modelled("mixed"), Flags(), started=STARTED, chance=Random(1))
    setting = Setting(target=target, wiring=target, reports=tmp_path / "file", console=Console(file=io.StringIO()))
    with pytest.raises(ReportsUnwritable, match="Not a directory"):
        torture(msgspec.structs.replace(plan, duration_s=0.1), setting)


@pytest.mark.slow
def test_a_run_is_shrunk_and_every_try_is_cleaned_up(tortured: Tortured, target: Any, tmp_path: Path) -> None:
    target.registry.loses_every = 3
    outcome = tortured()
    kept = {*target.registry.blobs, *target.registry.manifests, *target.registry.tags}
    plan, history, results = judge_run(outcome.folder)
    told: list[str] = []

    def attempt(smaller: RunPlan) -> Outcome:
        again = replanned(smaller, Flags(), started=STARTED, chance=Random(1000 + len(told)))
        console = Console(file=io.StringIO())
        setting = Setting(target=target, wiring=target, reports=tmp_path / "tries", console=console, clock=virtual())
        return torture(again, msgspec.structs.replace(setting, keeps_evidence=False))

    shrunk = shrink(
        outcome.folder,
        plan,
        history,
        [finding for result in results for finding in result.findings],
        run=attempt,
        is_over=lambda: len(told) >= 8,
        tell=told.append,
    )
    assert shrunk is not None
    assert {*target.registry.blobs, *target.registry.manifests, *target.registry.tags} == kept
    assert shrunk.folder == outcome.folder / "smallest"
    processes, operations = shrunk.cut.size
    assert (processes, operations) <= (2, 6)
    assert shrunk.cut.plan.workers <= 2
    assert 1 <= shrunk.shown <= shrunk.reruns == 5
    assert len(told) == shrunk.runs <= 13
    assert f"showed again in {shrunk.shown} of 5 re-runs" in shrunk.lines()[1]
    _, again, (result,) = judge_run(shrunk.folder)
    assert (result.verdict, len(again.operations)) == (Verdict.INVALID, operations)
    assert (tmp_path / "tries" / "index.csv").read_text().count("\n") == shrunk.runs + 1


@pytest.mark.slow
def test_a_run_of_which_no_smaller_one_fails_is_cut_as_it_was_recorded(tortured: Tortured, target: Any) -> None:
    target.registry.loses_every = 3
    outcome = tortured()
    plan, history, results = judge_run(outcome.folder)
    findings = [finding for result in results for finding in result.findings]
    target.registry.loses_every = 0
    again = replanned(plan, Flags(), started=STARTED, chance=Random(1000))
    tries: list[RunPlan] = []

    def attempt(smaller: RunPlan) -> Outcome:
        tries.append(smaller)
        own = replanned(smaller, Flags(), started=STARTED, chance=Random(1000 + len(tries)))
        console, reports = Console(file=io.StringIO()), outcome.folder / "shrink"
        return torture(own, Setting(target=target, wiring=target, reports=reports, console=console, clock=virtual()))

    shrunk = shrink(
        outcome.folder, again, history, findings, run=attempt, is_over=lambda: len(tries) >= 1, tell=lambda line: None
    )
    assert shrunk is not None
    assert (shrunk.is_smaller, shrunk.shown, shrunk.reruns) == (False, 0, 5)
    assert shrunk.lines()[0].startswith("no smaller run failed: 4 workers")
    written, cut_history, _ = judge_run(shrunk.folder)
    assert (written.run_id, written.namespace) == (plan.run_id, plan.namespace)
    assert all(one.key.startswith(plan.namespace) for one in cut_history.operations)


def test_without_a_finding_there_is_nothing_to_shrink(tmp_path: Path, modelled: Modelled) -> None:
    plan = make_plan("mixed", modelled("mixed"), Flags(), started=STARTED, chance=Random(1))
    never: list[str] = []
    shrunk = shrink(
        tmp_path,
        plan,
        History([]),
        [],
        run=lambda plan: pytest.fail("it ran"),
        is_over=lambda: False,
        tell=never.append,
    )
    assert shrunk is None
