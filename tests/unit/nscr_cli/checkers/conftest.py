"""A plan to judge under."""

import pytest

from nscr_cli.history.plan import RunPlan, Scenario


@pytest.fixture
def plan() -> RunPlan:
    """A plan whose scenario asks for no evidence beyond the defaults."""
    return RunPlan(
        run_id="run",
        scenario_name="simulated",
        scenario=Scenario(title="", description="", workload="mixed"),
        seed=0,
        workers=8,
        duration_s=1,
        registry_url=None,
        namespace="r",
        started_utc="2026-01-01T00:00:00Z",
        nscr="0",
    )
