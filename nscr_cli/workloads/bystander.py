"""What the bystander does: a small image of its own, and then reads of it, one after another. Pure."""

import msgspec

from nscr_cli.generators import invocations
from nscr_cli.generators.base import Context, Generator, Next
from nscr_cli.generators.documents import image
from nscr_cli.generators.streams import stream
from nscr_cli.history.bystander import NAME
from nscr_cli.history.invocation import Invocation
from nscr_cli.history.ops import Op
from nscr_cli.workloads.world import World

_TAG = "latest"


def bystander_seeds(world: World) -> tuple[Invocation, ...]:
    """Pushes of the image that it will read."""
    repository = world.namespace.repository(NAME)
    return (
        invocations.push_blob(repository, world.config, world.push_styles[0]),
        invocations.put_manifest(repository, _TAG, image(world.config, [], f"{world.seed}/bystander")),
    )


class BystanderReads(msgspec.Struct, frozen=True):
    """Reads of that image without end: its tag, its configuration, what heads say."""

    world: World
    number: int = 0

    def op(self, context: Context) -> Next:
        repository, config = self.world.namespace.repository(NAME), self.world.config
        reads = (
            invocations.get_tag(repository, _TAG),
            invocations.head_tag(repository, _TAG),
            invocations.get_blob(repository, config.digest, config.size),
            invocations.head_blob(repository, config.digest, config.size),
        )
        read = stream(self.world.seed, NAME, self.number).choice(reads)
        return read, BystanderReads(self.world, self.number + 1)

    def update(self, event: Op) -> Generator:
        return self
