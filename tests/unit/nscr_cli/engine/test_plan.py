"""Plans: flags go before the scenario, and every run has repositories of its own."""

from datetime import UTC, datetime
from random import Random

import msgspec
import pytest

from nscr_cli.engine.load_shape import after_seeding, seeded_bytes
from nscr_cli.engine.plan import Flags, make_plan, replanned
from nscr_cli.errors import UsageError
from nscr_cli.generators.namespace import Namespace, namespace_of
from nscr_cli.history.plan import RunPlan, Scenario
from nscr_cli.workloads.world import world_of

STARTED = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
SCENARIO = Scenario(title="t", description="d", workload="tags", workers=3, duration_s=7.0)


def plan(flags: Flags = Flags(), chance: int = 1) -> RunPlan:  # noqa: B008 - frozen
    return make_plan("tags", SCENARIO, flags, started=STARTED, chance=Random(chance))


def test_the_scenario_rules_where_no_flag_does() -> None:
    assert (plan().workers, plan().duration_s) == (3, 7.0)
    flags = Flags(workers=9, duration_s=1.5, seed=42)
    assert (plan(flags).workers, plan(flags).duration_s, plan(flags).seed) == (9, 1.5, 42)


def test_two_runs_of_one_seed_at_one_instant_share_no_repository() -> None:
    one, other = plan(Flags(seed=5), chance=1), plan(Flags(seed=5), chance=2)
    assert one.namespace != other.namespace


@pytest.mark.parametrize("namespace", [None, "project", "a/b"])
def test_every_run_lies_below_the_namespace_that_was_asked_for(namespace: str | None) -> None:
    made = plan(Flags(namespace=namespace))
    assert made.namespace == f"{namespace or 'nscr-torture'}/{made.run_id}"
    assert Namespace(made.namespace).path == made.namespace


def test_flat_names_have_as_many_levels_as_the_namespace_and_one_more() -> None:
    made = plan(Flags(namespace="user", is_flat=True))
    assert namespace_of(made).repository("a") == f"user/{made.run_id}-a"
    assert namespace_of(plan()).repository("a") == f"{plan().namespace}/a"


@pytest.mark.parametrize("namespace", ["Upper", "a//b", "../up", "a b", "x" * 200])
def test_what_no_registry_can_hold_is_refused(namespace: str) -> None:
    with pytest.raises(UsageError, match="--namespace"):
        plan(Flags(namespace=namespace))


def test_a_plan_survives_its_file() -> None:
    assert msgspec.json.decode(msgspec.json.encode(plan()), type=RunPlan) == plan()


def test_a_rate_comes_from_the_flag_or_the_scenario() -> None:
    open_model = msgspec.structs.replace(SCENARIO, rate=5.0, ramp_s=2.0)

    def made(flags: Flags) -> tuple[float | None, float]:
        one = make_plan("tags", open_model, flags, started=STARTED, chance=Random(1))
        return one.rate, one.ramp_s

    assert (plan().rate, plan().ramp_s) == (None, 0.0)
    assert made(Flags()) == (5.0, 2.0)
    assert made(Flags(rate=9.0, ramp_s=1.0)) == (9.0, 1.0)
    assert made(Flags(max_rate=3.0)) == (None, 0.0)


def test_the_ramp_of_a_scenario_keeps_its_share_of_the_run() -> None:
    ramp = msgspec.structs.replace(SCENARIO, rate=5.0, ramp_s=3.5)

    def ramp_s(flags: Flags) -> float:
        return make_plan("tags", ramp, flags, started=STARTED, chance=Random(1)).ramp_s

    assert (ramp_s(Flags()), ramp_s(Flags(duration_s=14.0)), ramp_s(Flags(duration_s=1.0))) == (3.5, 7.0, 0.5)
    assert ramp_s(Flags(duration_s=14.0, ramp_s=3.0)) == 3.0


def test_the_bound_of_bytes_holds_what_is_pushed_before_the_load() -> None:
    bounded = plan(Flags(max_bytes=50_000_000))
    seeded = seeded_bytes(bounded, world_of(bounded))
    assert 0 < seeded < 50_000_000
    assert plan(Flags(max_bytes=seeded + 1, seed=bounded.seed)).max_bytes == seeded + 1
    with pytest.raises(UsageError, match=f"{seeded} bytes"):
        plan(Flags(max_bytes=seeded, seed=bounded.seed))
    assert after_seeding(bounded, world_of(bounded)).max_bytes == 50_000_000 - seeded
    assert after_seeding(plan(Flags()), world_of(bounded)).max_bytes is None


@pytest.mark.parametrize("flags", [Flags(rate=1.0, max_rate=1.0), Flags(ramp_s=1.0)])
def test_flags_that_contradict_each_other(flags: Flags) -> None:
    with pytest.raises(UsageError):
        plan(flags)


RECORDED = msgspec.structs.replace(
    plan(
        Flags(
            seed=7,
            workers=2,
            duration_s=1.5,
            max_operations=9,
            max_bytes=50_000_000,
            max_rate=5.0,
            registry_url="http://127.0.0.1:1",
            namespace="me",
            is_flat=True,
            keep=True,
        )
    ),
    request_timeout_s=3.0,
    only_checker="tags",
)
OWN = {"run_id", "namespace", "started_utc", "only_checker"}


def again(recorded: RunPlan, flags: Flags = Flags()) -> RunPlan:  # noqa: B008 - frozen
    return replanned(recorded, flags, started=STARTED, chance=Random(99))


@pytest.mark.parametrize(
    "recorded",
    [
        RECORDED,
        plan(Flags(sabotages=("lost-tag",), rate=5.0, ramp_s=1.0)),
        msgspec.structs.replace(
            plan(), scenario=msgspec.structs.replace(SCENARIO, weights={"x": 1}, rate=3.0), rate=3.0
        ),
    ],
)
def test_a_replay_is_the_same_plan_in_repositories_of_its_own(recorded: RunPlan) -> None:
    made = again(recorded)
    changed = {name for name in RunPlan.__struct_fields__ if getattr(made, name) != getattr(recorded, name)}
    assert {"run_id", "namespace"} <= changed <= OWN
    assert made.namespace == recorded.namespace.replace(recorded.run_id, made.run_id)
    assert made.only_checker is None


def test_flags_change_a_replay() -> None:
    made = again(RECORDED, Flags(seed=0, workers=3, rate=8.0, namespace="you"))
    assert (made.seed, made.workers, made.max_rate, made.rate) == (0, 3, None, 8.0)
    assert made.namespace == f"you/{made.run_id}"
    sabotaged = plan(Flags(sabotages=("lost-tag",)))
    assert again(sabotaged).sabotages == ("lost-tag",)
    assert again(sabotaged, Flags(registry_url="http://127.0.0.1:1")).sabotages == ()
    assert again(sabotaged, Flags(sabotages=("undead-tag",))).sabotages == ("undead-tag",)


def test_a_load_is_shared_by_no_more_processes_than_there_are_clients() -> None:
    assert plan(Flags(processes=2)).processes == 2
    assert plan(Flags(processes=3)).processes == 3
    with pytest.raises(UsageError, match="only 3 workers"):
        plan(Flags(processes=4))
    with pytest.raises(UsageError, match="only 2 workers"):
        plan(Flags(processes=4, workers=2))
    assert plan().processes == 1


def test_clients_that_wait_for_each_other_stay_in_one_process() -> None:
    abreast = msgspec.structs.replace(SCENARIO, workload="fresh")
    with pytest.raises(UsageError, match="wait for each other"):
        make_plan("fresh", abreast, Flags(processes=2), started=STARTED, chance=Random(1))


def test_a_run_done_again_is_shared_as_it_was() -> None:
    again = replanned(plan(Flags(processes=3)), Flags(), started=STARTED, chance=Random(2))
    assert again.processes == 3
    smaller = replanned(plan(Flags(processes=3)), Flags(workers=2), started=STARTED, chance=Random(2))
    assert (smaller.workers, smaller.processes) == (2, 2)
