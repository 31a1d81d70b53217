"""What every client of a run knows from the start: keys to contend for, content to share, what the registry can do.

Follows from the plan alone (and, after the probe, from what is unsupported), so that a seed replays it.
"""

import math
import random

import msgspec

from nscr_cli.generators.documents import configuration
from nscr_cli.generators.namespace import Namespace, namespace_of
from nscr_cli.generators.streams import stream
from nscr_cli.history.invocation import Content
from nscr_cli.history.ops import PushStyle
from nscr_cli.history.plan import RunPlan

ERRANDS_A_STEP = 8
_SHARED_BLOBS = 6
_UNIQUE_FROM = 16
_EMPTY_SHARE = 0.05
_ROUND_SHARE = 0.2


class World(msgspec.Struct, frozen=True, kw_only=True):
    """The stage of a run.

    Attributes:
        size_sweep: other `blob_sizes`, in turn, each for a few errands.
        repositories, tags: the keys that all clients contend for.
        config: a configuration, and `shared`, layers, that are pushed to every repository before the main phase.
        workers: how many clients there are at once.
        unsupported: names of capabilities that the registry does not have (workloads/capabilities.py).
    """

    seed: int
    namespace: Namespace
    repositories: tuple[str, ...]
    tags: tuple[str, ...]
    blob_sizes: tuple[int, int]
    size_sweep: tuple[tuple[int, int], ...] = ()
    weights: dict[str, int]
    config: Content
    shared: tuple[Content, ...]
    workers: int = 1
    unsupported: frozenset[str] = frozenset()

    def supports(self, capability: str) -> bool:
        """Whether the probe found nothing against it."""
        return capability not in self.unsupported

    @property
    def push_styles(self) -> tuple[PushStyle, ...]:
        """The ways to push a blob that the registry takes."""
        return tuple(style for style in PushStyle if self.supports(style))

    def at_errand(self, number: int) -> "World":
        """The stage as it is for a client's errand of this number."""
        if not self.size_sweep:
            return self
        step = number // ERRANDS_A_STEP % len(self.size_sweep)
        return msgspec.structs.replace(self, blob_sizes=self.size_sweep[step])

    def blob_size(self, chance: random.Random) -> int:
        """A size within the scenario's bounds: as many small as large ones on a logarithmic scale; some empty, and some
        powers of two, where buffers end.
        """
        smallest, largest = self.blob_sizes
        if smallest == 0 and chance.random() < _EMPTY_SHARE:
            return 0
        low = math.log(max(smallest, _UNIQUE_FROM))
        size = min(largest, round(math.exp(chance.uniform(low, max(low, math.log(max(largest, 1)))))))
        floor: int = 1 << (max(size, 1).bit_length() - 1)
        return floor if chance.random() < _ROUND_SHARE and floor >= max(smallest, _UNIQUE_FROM) else size


def world_of(plan: RunPlan) -> World:
    """The stage that a plan sets."""
    scenario = plan.scenario
    namespace = namespace_of(plan)
    bare = World(
        seed=plan.seed,
        namespace=namespace,
        repositories=tuple(namespace.repository(f"repository-{number}") for number in range(scenario.repositories)),
        tags=tuple(f"tag-{number}" for number in range(scenario.tags)),
        blob_sizes=scenario.blob_sizes,
        size_sweep=scenario.size_sweep,
        weights=scenario.weights,
        config=configuration(f"{plan.seed}/shared"),
        shared=(),
        workers=plan.workers,
    )
    sizes = [bare.blob_size(stream(plan.seed, "shared", number, "size")) for number in range(_SHARED_BLOBS)]
    shared = tuple(Content.seeded(f"{plan.seed}/shared/{number}", size) for number, size in enumerate(sizes))
    return msgspec.structs.replace(bare, shared=shared)
