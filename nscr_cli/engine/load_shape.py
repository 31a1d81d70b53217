"""The shape of the load that a plan asks for: how long, how much at most, and when operations arrive. Pure."""

from nscr_cli.engine.arrivals import Arrivals
from nscr_cli.engine.crew.shares import WHOLE, Share
from nscr_cli.generators.base import Generator
from nscr_cli.generators.combinators import Limit, Paced, UntilTime
from nscr_cli.history.plan import RunPlan

_BYSTANDERS_SHARE = 0.1


def bystander_rate(plan: RunPlan) -> float:
    """Reads a second of the bystander: as the scenario says, within a tenth of what all together may ask."""
    if plan.max_rate is None:
        return plan.scenario.bystander_rate
    return min(plan.scenario.bystander_rate, _BYSTANDERS_SHARE * plan.max_rate)


def bounded_load(load: Generator, plan: RunPlan, began_ns: int) -> Generator:
    """The load within the plan's bounds of rate, number and time."""
    if plan.max_rate is not None:
        load = Paced(load, round(1e9 / (plan.max_rate - bystander_rate(plan))))
    if plan.max_operations is not None:
        load = Limit(load, plan.max_operations)
    return UntilTime(load, began_ns + round(plan.duration_s * 1e9))


def arrivals_of(plan: RunPlan, began_ns: int, share: Share = WHOLE) -> Arrivals | None:
    """This share of the schedule of the open model; None in the closed one."""
    if plan.rate is None:
        return None
    end_ns = began_ns + round(plan.duration_s * 1e9)
    return Arrivals(
        rate=plan.rate,
        ramp_s=plan.ramp_s,
        began_ns=began_ns,
        end_ns=end_ns,
        number=share.number,
        every=share.count,
    )
