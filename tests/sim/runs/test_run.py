"""The lifecycle of a run, in virtual time against a registry in memory, judged by the real checkers."""

import os
import signal
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
import trio

from nscr_cli.checkers.inventory import UPLOAD_STEPS
from nscr_cli.checkers.verdict import Verdict, merged
from nscr_cli.engine.bystander import FIRST_PROCESS
from nscr_cli.engine.judging import judge_run
from nscr_cli.errors import TargetRefused
from nscr_cli.generators.namespace import Namespace
from nscr_cli.history.bystander import is_bystanders
from nscr_cli.history.ops import F, Kind, Phase
from nscr_cli.history.plan import RetryAfter

Conduct = Callable[..., Any]


def verdict_of(run: Any) -> Verdict:
    return merged(judge_run(run.folder)[2])


def after(seconds: float, what: Callable[[], object]) -> Callable[[Any], Any]:
    async def wait(_run: Any) -> None:
        await trio.sleep(seconds)
        what()

    return wait


def interrupt() -> None:
    os.kill(os.getpid(), signal.SIGINT)


def phases(run: Any) -> list[str]:
    return [event.detail["phase"] for event in run.history.events if event.name == "phase"]


@pytest.mark.parametrize("seed", range(3))
def test_an_honest_registry_is_judged_valid(conduct: Conduct, seed: int) -> None:
    run = conduct(seed=seed)
    assert verdict_of(run) is Verdict.VALID, judge_run(run.folder)[2]
    assert phases(run) == ["prepare", "seed", "main", "quiesce", "final", "done"]
    assert not run.history.is_partial


def test_lost_tag_writes_are_found(conduct: Conduct, target: Any) -> None:
    target.registry.loses_every = 20
    run = conduct()
    findings = [finding for result in judge_run(run.folder)[2] for finding in result.findings]
    assert "lost-write" in {finding.rule for finding in findings}
    assert all(set(finding.operations) <= set(run.history.by_index) for finding in findings)


def test_a_folder_is_judged_the_same_again(conduct: Conduct) -> None:
    run = conduct()
    assert judge_run(run.folder)[2] == judge_run(run.folder)[2]


def test_every_operation_is_exercised(conduct: Conduct) -> None:
    counts = Counter((one.f, one.kind) for one in conduct(duration_s=10.0).history.operations)
    listed = counts.pop((F.LIST_REFERRERS, Kind.OK))  # asked for by the probe, and by a workload of its own
    assert listed
    asked = set(F) - {F.LIST_REFERRERS, F.LIST_PAGE, F.LIST_CATALOG} - UPLOAD_STEPS  # of these, too
    assert {f: counts[f, Kind.OK] for f in asked if counts[f, Kind.OK] < 10} == {}


def test_nothing_lies_outside_of_the_namespace(conduct: Conduct) -> None:
    run = conduct()
    namespace = Namespace(run.plan.namespace)
    assert run.plan.run_id in run.plan.namespace
    assert all(namespace.owns(one.key) for one in run.history.operations)


def test_what_was_written_is_read_back_at_the_end_in_each_way_once(conduct: Conduct) -> None:
    run = conduct()
    finals = [one for one in run.history.operations if one.phase is Phase.FINAL]
    written = {
        one.key
        for one in run.history.operations
        if one.f in (F.PUSH_BLOB, F.PUT_MANIFEST, F.MOUNT_BLOB) and one.kind is not Kind.FAIL
    }
    asked = Counter((one.f, one.key, one.asked.page_size, one.asked.artifact_type) for one in finals)
    assert set(asked.values()) == {1}
    read = {one.key for one in finals if one.f not in (F.HEAD_BLOB, F.HEAD_MANIFEST)}
    assert written <= read
    assert min(one.start_ns for one in finals) >= max(
        one.end_ns for one in run.history.operations if one.phase is Phase.MAIN
    )


def test_a_process_whose_operation_is_info_never_speaks_again(conduct: Conduct, target: Any) -> None:
    counter = Counter[str]()

    def sometimes_silent(asked: Any) -> Any:
        counter["asked"] += 1
        return target.silence() if counter["asked"] % 40 == 0 else None

    target.registry.answers = sometimes_silent
    run = conduct()
    last: dict[int, Kind] = {}
    for one in run.history.operations:
        assert last.get(one.process) is not Kind.INFO, one
        last[one.process] = one.kind
    silenced = {process for process, kind in last.items() if kind is Kind.INFO}
    replaced = {process - run.plan.workers for process in last if process >= run.plan.workers}
    assert len(replaced) > 5
    assert replaced <= silenced
    # Silence is a finding of its own; it must not be taken for lost or altered content.
    assert {finding.checker for result in judge_run(run.folder)[2] for finding in result.findings} <= {"liveness"}


def test_operations_that_are_cut_off_end_their_processes(conduct: Conduct, target: Any) -> None:
    async def stall(run: Any) -> None:
        await trio.sleep(3.0)
        target.registry.is_stalled = True
        await trio.sleep(1.0)
        interrupt()
        await trio.sleep(6.0)
        target.registry.is_stalled = False

    run = conduct(stall, duration_s=1000.0)
    cut_off = {one.process for one in run.history.operations if one.error == "cut off"}
    assert len(cut_off) >= run.plan.workers
    later = {one.process for one in run.history.operations if one.phase is Phase.FINAL and one.error != "cut off"}
    assert later
    assert later.isdisjoint(cut_off)


@pytest.mark.parametrize(("number", "name"), [(signal.SIGINT, "SIGINT"), (signal.SIGTERM, "SIGTERM")])
def test_the_first_signal_ends_the_load_and_reads_back(
    conduct: Conduct, target: Any, number: signal.Signals, name: str
) -> None:
    run = conduct(after(3.0, lambda: os.kill(os.getpid(), number)), duration_s=1000.0)
    assert [event.detail for event in run.history.events if event.name == "interrupted"] == [{"signal": name}]
    assert run.history.is_partial
    assert any(one.phase is Phase.FINAL for one in run.history.operations)
    assert verdict_of(run) is not Verdict.INVALID
    assert not target.is_up


def test_the_second_signal_takes_everything_down_at_once(conduct: Conduct, target: Any) -> None:
    async def twice(_run: Any) -> None:
        await trio.sleep(3.0)
        target.registry.is_stalled = True
        interrupt()
        await trio.sleep(1.0)
        interrupt()

    run = conduct(twice, duration_s=1000.0)
    assert run.history.is_partial
    assert all(one.kind is Kind.INFO for one in run.history.operations if one.phase is Phase.FINAL)
    assert "done" not in phases(run)
    assert not target.is_up


def test_a_target_that_dies_is_in_the_history_and_nothing_more_is_asked(conduct: Conduct, target: Any) -> None:
    run = conduct(after(3.0, target.death.set), duration_s=1000.0)
    (death,) = [event for event in run.history.events if event.name == "target-died"]
    assert "SIGKILL" in death.detail["detail"]
    assert not any(one.start_ns > death.time_ns for one in run.history.operations)
    assert verdict_of(run) is Verdict.INVALID
    assert not target.is_up


def test_what_is_not_supported_is_skipped_and_named(conduct: Conduct, target: Any) -> None:
    target.registry.declines = {F.DELETE_TAG, F.MOUNT_BLOB}
    run = conduct()
    assert run.history.unsupported() == {
        "compare-and-set": "201 to an If-Match that does not match",  # the model of a registry knows no conditions
        "delete-tag": "405 UNSUPPORTED",
        "mount-blob": "405 UNSUPPORTED",
    }
    asked = {one.f for one in run.history.operations if one.phase is not Phase.SEED}
    assert asked.isdisjoint({F.DELETE_TAG, F.MOUNT_BLOB})
    assert any("delete-tag" in line for result in judge_run(run.folder)[2] for line in result.skipped)


@pytest.mark.parametrize("declined", [F.PUSH_BLOB, F.PUT_MANIFEST])
def test_a_registry_that_takes_nothing_is_refused_before_the_load(conduct: Conduct, target: Any, declined: F) -> None:
    target.registry.declines = {declined}
    with pytest.raises(TargetRefused, match="405 UNSUPPORTED"):
        conduct()
    assert not target.is_up


def test_a_registry_that_asks_for_patience_gets_it(conduct: Conduct, target: Any) -> None:
    run = conduct(after(1.0, lambda: target.turn_away(retry_after_s=2.0)), duration_s=10.0)
    turned_away = [one for one in run.history.operations if one.answered.status == 429 and one.phase is Phase.MAIN]
    assert 4 <= len(turned_away) <= run.plan.workers * 6


def test_the_bystander_is_heard_before_the_load_and_beside_it(conduct: Conduct) -> None:
    run = conduct(duration_s=5.0, keys={"bystander_rate": 20.0, "stall_s": 5.0})
    assert verdict_of(run) is Verdict.VALID, judge_run(run.folder)[2]
    own = [one for one in run.history.operations if is_bystanders(one, run.plan)]
    reads = Counter(one.phase for one in own if one.f not in (F.PUSH_BLOB, F.PUT_MANIFEST))
    assert reads[Phase.SEED] == 20
    assert 90 <= reads[Phase.MAIN] <= 101
    assert {one.process for one in own if one.phase is not Phase.FINAL} == {FIRST_PROCESS}
    others = [one for one in run.history.operations if one not in own and one.phase is Phase.MAIN]
    assert all("bystander" not in one.key for one in others)


def test_the_bystander_counts_for_the_most_that_may_be_asked(conduct: Conduct) -> None:
    run = conduct(duration_s=10.0, max_rate=20.0, keys={"bystander_rate": 50.0})
    main = [one for one in run.history.operations if one.phase is Phase.MAIN]
    assert len(main) <= 20.0 * 10.0 + 2
    assert 18 <= sum(is_bystanders(one, run.plan) for one in main) <= 21


def test_the_bystander_stops_when_the_user_does(conduct: Conduct) -> None:
    run = conduct(after(2.0, interrupt), duration_s=1000.0, keys={"bystander_rate": 20.0})
    own = [one for one in run.history.operations if is_bystanders(one, run.plan) and one.phase is Phase.MAIN]
    assert max(one.end_ns for one in own) < 10 * 10**9


def test_an_operation_that_stalls_is_found(conduct: Conduct, target: Any) -> None:
    def stall() -> None:
        target.registry.stalls_for_s = 7.0

    run = conduct(after(2.0, stall), duration_s=5.0, keys={"stall_s": 5.0})
    (finding,) = [finding for result in judge_run(run.folder)[2] for finding in result.findings]
    assert finding.rule == "stalled-operation"
    (stalled,) = finding.operations
    assert run.history.by_index[stalled].end_ns - run.history.by_index[stalled].start_ns > 7 * 10**9


def test_a_scenario_may_leave_patience_out(conduct: Conduct, target: Any) -> None:
    keys = {"retry_after": RetryAfter.IGNORE}
    run = conduct(after(1.0, lambda: target.turn_away(retry_after_s=2.0)), duration_s=4.0, keys=keys)
    turned_away = [one for one in run.history.operations if one.answered.status == 429 and one.phase is Phase.MAIN]
    assert len(turned_away) > run.plan.workers * 100


def test_a_registry_that_does_not_answer_is_not_hammered(conduct: Conduct, target: Any) -> None:
    def silence() -> None:
        target.registry.answers = lambda _asked: target.silence()

    run = conduct(after(1.0, silence), duration_s=20.0)
    unanswered = [one for one in run.history.operations if one.kind is Kind.INFO and one.phase is Phase.MAIN]
    assert len(unanswered) <= run.plan.workers * 30


def test_a_full_report_disk_ends_the_load_and_loses_nothing_that_was_written(conduct: Conduct, target: Any) -> None:
    run = conduct(fails_after=500, duration_s=1000.0)
    assert len(run.history.operations) > 200
    assert run.failure is not None
    assert "No space left" in run.failure.message
    assert run.history.is_partial
    assert verdict_of(run) is not Verdict.INVALID
    assert not target.is_up


def test_bounds_of_a_plan(conduct: Conduct) -> None:
    run = conduct(max_operations=50)
    assert sum(one.phase is Phase.MAIN for one in run.history.operations) == 50
    run = conduct(max_bytes=600_000)
    writes = [one for one in run.history.operations if one.f in (F.PUSH_BLOB, F.PUT_MANIFEST)]
    assert 300_000 < sum(one.asked.size or 0 for one in writes if one.phase in (Phase.SEED, Phase.MAIN)) <= 600_000
    run = conduct(max_rate=10.0)
    assert 40 <= sum(one.phase is Phase.MAIN for one in run.history.operations) <= 51
