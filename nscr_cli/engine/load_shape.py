"""The shape of the load that a plan asks for: how long, how much at most, and when operations arrive. Pure."""

import msgspec

from nscr_cli.engine.arrivals import Arrivals
from nscr_cli.engine.crew.shares import WHOLE, Share
from nscr_cli.generators.base import Generator
from nscr_cli.generators.combinators import Limit, LimitBytes, Paced, UntilTime, body_bytes
from nscr_cli.history.plan import RunPlan
from nscr_cli.workloads.catalogue import WORKLOADS
from nscr_cli.workloads.seeding import seeds
from nscr_cli.workloads.world import World

_BYSTANDERS_SHARE = 0.1


def bystander_rate(plan: RunPlan) -> float:
    """Reads a second of the bystander: as the scenario says, within a tenth of what all together may ask."""
    if plan.max_rate is None:
        return plan.scenario.bystander_rate
    return min(plan.scenario.bystander_rate, _BYSTANDERS_SHARE * plan.max_rate)


def bounded_load(load: Generator, plan: RunPlan, began_ns: int) -> Generator:
    """The load within the plan's bounds of rate, number, bytes and time."""
    if plan.max_rate is not None:
        load = Paced(load, round(1e9 / (plan.max_rate - bystander_rate(plan))))
    if plan.max_operations is not None:
        load = Limit(load, plan.max_operations)
    if plan.max_bytes is not None:
        load = LimitBytes(load, plan.max_bytes)
    return UntilTime(load, began_ns + round(plan.duration_s * 1e9))


def seeded_bytes(plan: RunPlan, world: World) -> int:
    """Bytes of bodies that are pushed before the load begins."""
    seeded = (*seeds(world), *WORKLOADS[plan.scenario.workload].stock(world))
    return sum(body_bytes(invocation) for invocation in seeded)


def after_seeding(plan: RunPlan, world: World) -> RunPlan:
    """The plan with what its bound of bytes leaves for the load."""
    if plan.max_bytes is None:
        return plan
    return msgspec.structs.replace(plan, max_bytes=max(0, plan.max_bytes - seeded_bytes(plan, world)))


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
