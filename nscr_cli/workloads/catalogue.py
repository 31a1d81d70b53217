"""The workloads by name: which errands their clients have, and who judges them.

An errand's name is what a scenario's weights name.
"""

from collections.abc import Callable, Mapping

import msgspec

from nscr_cli.checkers.agreement import AgreementChecker
from nscr_cli.checkers.blobs import BlobsChecker
from nscr_cli.checkers.catalog import CatalogChecker
from nscr_cli.checkers.closure import ClosureChecker
from nscr_cli.checkers.idempotency import IdempotencyChecker
from nscr_cli.checkers.listing import ListingChecker
from nscr_cli.checkers.liveness import LivenessChecker
from nscr_cli.checkers.monitoring import MonitoringChecker
from nscr_cli.checkers.preconditions import PreconditionsChecker
from nscr_cli.checkers.protocol import ProtocolChecker
from nscr_cli.checkers.reads import ReadsChecker
from nscr_cli.checkers.referrers import ReferrersChecker
from nscr_cli.checkers.resources import ResourcesChecker
from nscr_cli.checkers.slow_pushes import SlowPushesChecker
from nscr_cli.checkers.tags import TagsChecker
from nscr_cli.checkers.uploads import UploadsChecker
from nscr_cli.checkers.verdict import Checker
from nscr_cli.checkers.visibility import VisibilityChecker
from nscr_cli.generators.base import Generator
from nscr_cli.generators.combinators import EachProcess, Heir
from nscr_cli.generators.together import Beside, Together
from nscr_cli.history.invocation import Invocation
from nscr_cli.history.ops import Op
from nscr_cli.workloads import (
    attachments,
    contention,
    exchanges,
    fresh,
    long_pushes,
    look_alikes,
    odd_manifests,
    odd_reads,
    paging,
    pulls,
    pushes,
    removals,
    retries,
    sha512,
    stampede,
    tag_writes,
    trespasses,
    uploads,
)
from nscr_cli.workloads.abreast import Abreast
from nscr_cli.workloads.actor import Action, Actor
from nscr_cli.workloads.memory import Memory
from nscr_cli.workloads.onlookers import Onlookers
from nscr_cli.workloads.world import World

ActorOf = Callable[[int], Actor]


def _heir(client: Generator, event: Op) -> Heir | None:
    return client.heir(event) if isinstance(client, Actor) else None


def _apart(_world: World, actor_of: ActorOf) -> Generator:
    """Each client at its own pace."""
    return EachProcess(actor_of, heir=_heir)


def _abreast(_world: World, actor_of: ActorOf) -> Generator:
    """All clients begin each of their errands together."""
    return Abreast(actor_of)


def _looked_on(world: World, actor_of: ActorOf) -> Generator:
    """Half of the clients look at what the others have just written."""
    return Onlookers(world, _apart(world, actor_of))


class Workload(msgspec.Struct, frozen=True, kw_only=True):
    """What clients do, and who judges it.

    Attributes:
        gait: makes one load of the errands of all clients: each at its own pace, or all abreast.
        together: what some of them do at the same instant, whatever errands the others go about.
        stock: what else is put before the load, once the shared blobs are there.
    """

    actions: Mapping[str, Action]
    checkers: tuple[Checker, ...]
    gait: Callable[[World, ActorOf], Generator] = _apart
    together: Callable[[World], Together] | None = None
    stock: Callable[[World], tuple[Invocation, ...]] = lambda _world: ()

    @property
    def is_divisible(self) -> bool:
        """Its clients can be shared out to several processes: none waits for what another one does."""
        return self.gait is _apart and self.together is None

    def main(self, world: World, seeded: Memory) -> Generator:
        """The load: every process remembers what was seeded, and goes about its errands."""
        errands = self.gait(
            world, lambda process: Actor(world=world, process=process, actions=self.actions, memory=seeded)
        )
        if self.together is None:
            return errands
        return Beside(self.together(world), errands)


_ERRANDS: dict[str, Action] = {
    **attachments.ACTIONS,
    **exchanges.ACTIONS,
    **look_alikes.ACTIONS,
    **odd_manifests.ACTIONS,
    **odd_reads.ACTIONS,
    **pulls.ACTIONS,
    **pushes.ACTIONS,
    **sha512.ACTIONS,
    **tag_writes.ACTIONS,
    **trespasses.ACTIONS,
    **uploads.ACTIONS,
}


def _errands(*names: str) -> dict[str, Action]:
    return {name: _ERRANDS[name] for name in names}


_TAGS = _errands(
    "move-tag",
    "race-tag",
    "retag",
    "put-under-tags",
    "read-tag",
    "list-tags",
    "delete-tag",
    "delete-sibling",
    "delete-manifest",
)
_IMAGES = _errands("push-image", "push-index", "copy-image", "pull-image", "ask-in-vain", "delete-blob")


def _judged_by(*checkers: Checker) -> tuple[Checker, ...]:
    """All that judge every load, and these. A report tells in this order: lost content first, manners last."""
    return (
        TagsChecker(),
        BlobsChecker(),
        ClosureChecker(),
        ListingChecker(),
        AgreementChecker(),
        UploadsChecker(),
        *checkers,
        ProtocolChecker(),
        MonitoringChecker(),
        LivenessChecker(),
        ResourcesChecker(),
    )


WORKLOADS: dict[str, Workload] = {
    "deletes": Workload(
        actions={**_TAGS, **_errands("delete-blob", "touch-look-alikes"), **removals.ACTIONS}, checkers=_judged_by()
    ),
    "fresh": Workload(actions=fresh.ACTIONS, checkers=_judged_by(), gait=_abreast),
    "everything": Workload(
        actions={
            **_IMAGES,
            **_TAGS,
            **_errands(
                "push-out-of-order",
                "disturb-upload",
                "attach",
                "detach",
                "list-referrers",
                "read-range",
                "read-on-condition",
                "read-tag-on-condition",
                "negotiate",
                "compare-and-set",
                "push-odd-manifest",
                "touch-look-alikes",
                "push-by-sha512",
            ),
            "list-catalog": paging.ACTIONS["list-catalog"],
        },
        checkers=_judged_by(ReadsChecker(), ReferrersChecker(), PreconditionsChecker(), CatalogChecker()),
    ),
    "exchanges": Workload(
        actions={**exchanges.ACTIONS, **_errands("move-tag", "read-tag", "delete-tag", "list-tags")},
        checkers=_judged_by(PreconditionsChecker()),
    ),
    "indexes": Workload(
        actions=_errands("push-index", "push-nested-index", "pull-image", "read-tag", "list-tags"),
        checkers=_judged_by(),
    ),
    "lists": Workload(actions=paging.ACTIONS, checkers=_judged_by(CatalogChecker()), stock=paging.stock),
    "long-pushes": Workload(
        actions={
            **long_pushes.ACTIONS,
            **_errands("push-image", "pull-image", "move-tag", "read-tag", "list-tags"),
        },
        checkers=_judged_by(SlowPushesChecker()),
    ),
    "mixed": Workload(actions={**_IMAGES, **_TAGS}, checkers=_judged_by()),
    "reads": Workload(
        actions={**odd_reads.ACTIONS, **_errands("push-image", "pull-image", "push-by-sha512")},
        checkers=_judged_by(ReadsChecker()),
    ),
    "referrers": Workload(
        actions={**_errands("attach-by-tag", "detach-by-tag", "read-fallback"), **attachments.ACTIONS},
        checkers=_judged_by(ReferrersChecker(), PreconditionsChecker()),
    ),
    "retries": Workload(
        actions={**retries.ACTIONS, **_errands("push-image", "copy-image", "pull-image", "list-tags")},
        checkers=_judged_by(IdempotencyChecker()),
    ),
    "stampede": Workload(
        actions=_errands("push-image", "pull-image", "list-tags"),
        checkers=_judged_by(IdempotencyChecker()),
        together=stampede.all_at_once,
    ),
    "tag-set": Workload(actions=_errands("add-tag", "read-own-tag", "list-tags"), checkers=_judged_by()),
    "uploads": Workload(
        actions={
            **_errands("push-image", "pull-image", "ask-in-vain", "list-tags", "push-out-of-order"),
            **uploads.ACTIONS,
        },
        checkers=_judged_by(),
        together=contention.in_pairs,
    ),
    "tags": Workload(actions={**_TAGS, **_errands("read-tag-on-condition")}, checkers=_judged_by()),
    "watched": Workload(
        actions=_errands("move-tag", "delete-tag", "delete-manifest", "push-image", "delete-blob", "add-tag"),
        checkers=_judged_by(VisibilityChecker()),
        gait=_looked_on,
    ),
}
