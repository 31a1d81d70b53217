"""A size sweep: every client goes from step to step with its errands, and its seed says the same each time."""

from datetime import UTC, datetime
from random import Random

from nscr_cli.engine.plan import Flags, make_plan
from nscr_cli.history.ops import F
from nscr_cli.history.plan import Scenario
from nscr_cli.workloads.simulation import simulate
from nscr_cli.workloads.world import ERRANDS_A_STEP, world_of

SWEEP = ((0, 100), (1_000, 2_000), (10_000, 20_000))
SCENARIO = Scenario(title="t", description="d", workload="mixed", weights={"push-image": 1}, size_sweep=SWEEP)
PLAN = make_plan("t", SCENARIO, Flags(seed=3, workers=2), started=datetime(2026, 1, 2, tzinfo=UTC), chance=Random(1))


def test_the_steps_follow_each_other_and_begin_again() -> None:
    world = world_of(PLAN)
    steps = [world.at_errand(number).blob_sizes for number in range(0, 4 * ERRANDS_A_STEP, ERRANDS_A_STEP)]
    assert steps == [*SWEEP, SWEEP[0]]
    assert world.at_errand(ERRANDS_A_STEP - 1).blob_sizes == SWEEP[0]
    assert world.blob_sizes == SCENARIO.blob_sizes


def test_layers_are_as_large_as_the_step_says() -> None:
    pushed = [op.asked.size or 0 for op in simulate(PLAN, 1000) if op.f is F.PUSH_BLOB and op.asked is not None]
    shared = {blob.size for blob in world_of(PLAN).shared}
    for smallest, largest in SWEEP[1:]:
        assert any(smallest <= size <= largest for size in pushed if size not in shared)
    assert max(size for size in pushed if size not in shared) <= SWEEP[-1][1]
    assert [op.asked for op in simulate(PLAN, 200)] == [op.asked for op in simulate(PLAN, 200)]
