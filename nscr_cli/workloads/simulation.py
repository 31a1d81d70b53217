"""The load of a plan without a network: what its clients ask of a registry that does everything right.

A real registry is asked the same for as long as it answers the same: errands follow from the seed and from what came
back. Time is virtual; each operation takes a few milliseconds of it, by a stream of the seed's own.
"""

import heapq
from collections.abc import Iterator

from msgspec.structs import replace

from nscr_cli.generators.base import Context, Done, Generator, Pending
from nscr_cli.generators.combinators import Limit
from nscr_cli.generators.streams import stream
from nscr_cli.history.ops import Kind, Op, Phase
from nscr_cli.history.plan import RunPlan
from nscr_cli.workloads.catalogue import WORKLOADS
from nscr_cli.workloads.memory import Memory
from nscr_cli.workloads.perfect_registry import PerfectRegistry
from nscr_cli.workloads.seeding import seeds
from nscr_cli.workloads.world import World, world_of

_SHORTEST_NS, _LONGEST_NS = 1_000_000, 10_000_000


def simulate(plan: RunPlan, most: int) -> Iterator[Op]:
    """The first `most` operations of the main phase, as they are invoked; equal plans give equal operations."""
    world = world_of(plan)
    registry = PerfectRegistry()
    workload = WORKLOADS[plan.scenario.workload]
    for invocation in (*seeds(world), *workload.stock(world)):
        registry.perform(invocation)
    load: Generator = Limit(workload.main(world, _all_seeded(world)), most)
    latency = stream(plan.seed, "simulated latency")
    free = [(0, process) for process in range(plan.workers)]
    index = 0
    while free:
        now, process = heapq.heappop(free)
        match load.op(Context(process, now)):
            case Done():
                continue
            case Pending(until_ns):
                heapq.heappush(free, (until_ns, process))
            case (invocation, load):
                end = now + latency.randint(_SHORTEST_NS, _LONGEST_NS)
                invoked = Op(
                    index=index,
                    process=process,
                    kind=Kind.INVOKE,
                    f=invocation.f,
                    key=invocation.key,
                    phase=Phase.MAIN,
                    intended_ns=now,
                    time_ns=now,
                    asked=invocation.asked,
                )
                yield invoked
                reply = registry.perform(invocation)
                load = load.update(replace(invoked, kind=reply.kind, time_ns=end, answered=reply.answered))
                heapq.heappush(free, (end, process))
                index += 1


def _all_seeded(world: World) -> Memory:
    memory = Memory()
    for content in (world.config, *world.shared):
        for repository in world.repositories:
            memory = memory.with_blob(repository, content)
    return memory
