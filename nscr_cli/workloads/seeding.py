"""What is in the registry before the load begins: shared blobs in every repository."""

from collections.abc import Iterable

from nscr_cli.generators import invocations
from nscr_cli.generators.streams import stream
from nscr_cli.history.history import Operation
from nscr_cli.history.invocation import Invocation
from nscr_cli.history.keys import digest_key
from nscr_cli.history.ops import F, Kind
from nscr_cli.workloads.memory import Memory
from nscr_cli.workloads.world import World


def seeds(world: World) -> tuple[Invocation, ...]:
    """Pushes of the shared blobs, in every style that the registry takes."""
    chance = stream(world.seed, "seeds")
    return tuple(
        invocations.push_blob(repository, content, chance.choice(world.push_styles))
        for content in (world.config, *world.shared)
        for repository in world.repositories
    )


def seeded_memory(world: World, operations: Iterable[Operation]) -> Memory:
    """What every client knows at the start of the main phase: the shared blobs that were acknowledged."""
    acknowledged = {
        operation.key for operation in operations if operation.f is F.PUSH_BLOB and operation.kind is Kind.OK
    }
    memory = Memory()
    for content in (world.config, *world.shared):
        for repository in world.repositories:
            if digest_key(repository, content.digest) in acknowledged:
                memory = memory.with_blob(repository, content)
    return memory
