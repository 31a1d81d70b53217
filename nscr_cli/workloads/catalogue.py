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
from nscr_cli.checkers.preconditions import COMPARE_AND_SET, PreconditionsChecker
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
from nscr_cli.history.ops import F, Op, PushStyle
from nscr_cli.workloads import (
    attachments,
    contention,
    exchanges,
    fresh,
    long_pushes,
    odd_reads,
    paging,
    pulls,
    pushes,
    removals,
    retries,
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


_TAG_ACTIONS = {
    "move-tag": Action(summary="put a new manifest under a contended tag", begin=tag_writes.move_tag),
    "race-tag": Action(summary="put a new manifest under a tag that others create now, too", begin=tag_writes.race_tag),
    "retag": Action(summary="put a manifest under one more tag", begin=tag_writes.retag),
    "read-tag": Action(summary="GET or HEAD a contended tag", begin=pulls.read_tag),
    "list-tags": Action(summary="list the tags of a repository", begin=pulls.list_tags, needs=(F.LIST_TAGS,)),
    "delete-tag": Action(
        summary="delete a contended tag, and look", begin=tag_writes.delete_tag, needs=(F.DELETE_TAG,)
    ),
    "delete-sibling": Action(
        summary="put a manifest under two tags of our own, delete one or the manifest, read both",
        begin=tag_writes.delete_sibling,
    ),
    "delete-manifest": Action(
        summary="delete by digest what a tag names or what we wrote",
        begin=tag_writes.delete_manifest,
        needs=(F.DELETE_MANIFEST,),
    ),
}
_TAG_SET_ACTIONS = {
    "add-tag": Action(summary="put a new manifest under a new tag that stays", begin=tag_writes.add_tag),
    "read-own-tag": Action(summary="GET or HEAD a tag that this client added", begin=tag_writes.read_own_tag),
    "list-tags": _TAG_ACTIONS["list-tags"],
}
_IMAGE_ACTIONS = {
    "push-image": Action(
        summary="push blobs in all four styles or mount them, then the manifest", begin=pushes.push_image
    ),
    "push-index": Action(
        summary="push two images and an index over them", begin=pushes.push_index, needs=(pushes.INDEXES,)
    ),
    "copy-image": Action(summary="mount or push an image of ours into another repository", begin=pushes.copy_image),
    "pull-image": Action(summary="read a tag and every byte under it", begin=pulls.pull_image),
    "ask-in-vain": Action(
        summary="push wrong bytes, mount what nobody has, read what lies elsewhere", begin=trespasses.ask_in_vain
    ),
    "delete-blob": Action(
        summary="push a blob that nothing refers to, also elsewhere; read, delete, look, push again",
        begin=pushes.push_and_delete_blob,
        needs=(F.DELETE_BLOB,),
    ),
}
_INDEX_ACTIONS = {
    "push-index": _IMAGE_ACTIONS["push-index"],
    "push-nested-index": Action(
        summary="push two images, an index over them, and an index over that",
        begin=pushes.push_nested_index,
        needs=(pushes.INDEXES,),
    ),
    "pull-image": _IMAGE_ACTIONS["pull-image"],
    "read-tag": _TAG_ACTIONS["read-tag"],
    "list-tags": _TAG_ACTIONS["list-tags"],
}
_FALLBACK_ACTIONS = {
    "attach-by-tag": Action(
        summary="push an artifact, enter it into the index under the fallback tag of its subject",
        begin=exchanges.attach_by_tag,
        needs=(pushes.INDEXES,),
    ),
    "detach-by-tag": Action(
        summary="take an entry out of the index under a fallback tag",
        begin=exchanges.detach_by_tag,
        needs=(pushes.INDEXES,),
    ),
    "read-fallback": Action(
        summary="read the index under a fallback tag", begin=exchanges.read_fallback, needs=(pushes.INDEXES,)
    ),
}
_EXCHANGE_ACTIONS = {
    **_FALLBACK_ACTIONS,
    "compare-and-set": Action(
        summary="read a contended tag, write it if it still names that, or what it named long ago",
        begin=exchanges.compare_and_set,
        needs=(COMPARE_AND_SET,),
    ),
    **{name: _TAG_ACTIONS[name] for name in ("move-tag", "read-tag", "delete-tag", "list-tags")},
}
_REFERRER_ACTIONS = {
    **_FALLBACK_ACTIONS,
    "attach": Action(
        summary="push an artifact that refers to a contended subject",
        begin=attachments.attach,
        needs=(F.LIST_REFERRERS,),
    ),
    "attach-tagged": Action(
        summary="push one artifact under a tag and under its digest, and list",
        begin=attachments.attach_tagged,
        needs=(F.LIST_REFERRERS,),
    ),
    "detach": Action(
        summary="delete an artifact of ours by digest, and list",
        begin=attachments.detach,
        needs=(F.LIST_REFERRERS, F.DELETE_MANIFEST),
    ),
    "attach-nested": Action(
        summary="push an artifact that refers to an artifact of ours, and list",
        begin=attachments.attach_nested,
        needs=(F.LIST_REFERRERS,),
    ),
    "walk-referrers": Action(
        summary="list what refers to a contended subject, what refers to that, and so on",
        begin=attachments.walk_referrers,
        needs=(F.LIST_REFERRERS,),
    ),
    "delete-subject": Action(
        summary="push a subject of our own and an artifact, delete the subject, and list",
        begin=attachments.delete_subject,
        needs=(F.LIST_REFERRERS, F.DELETE_MANIFEST),
    ),
    "list-referrers": Action(
        summary="list what refers to a contended subject, of all types or one",
        begin=attachments.list_referrers,
        needs=(F.LIST_REFERRERS,),
    ),
}
_UPLOAD_ACTIONS = {
    **{name: _IMAGE_ACTIONS[name] for name in ("push-image", "pull-image", "ask-in-vain")},
    "list-tags": _TAG_ACTIONS["list-tags"],
    "push-out-of-order": Action(
        summary="push a blob in chunks, one of which leaves a gap, and read it",
        begin=pushes.push_out_of_order,
        needs=(PushStyle.CHUNKED_PATCH,),
    ),
    "disturb-upload": Action(
        summary="do an upload step by step, with chunks out of order and out of shape, and read the blob",
        begin=uploads.disturb_upload,
        needs=(PushStyle.CHUNKED_PATCH,),
    ),
}
_FRESH_ACTIONS = {
    "push-fresh": Action(
        summary="push an image of some layers into a repository that is new to all, and read all of it",
        begin=fresh.push_fresh,
    ),
    "pull-fresh": Action(summary="list and pull what others pushed a moment ago", begin=fresh.pull_fresh),
}
_WATCHED_ACTIONS = {
    **{name: _TAG_ACTIONS[name] for name in ("move-tag", "delete-tag", "delete-manifest")},
    **{name: _IMAGE_ACTIONS[name] for name in ("push-image", "delete-blob")},
    "add-tag": _TAG_SET_ACTIONS["add-tag"],
}
_REMOVAL_ACTIONS = {
    **_TAG_ACTIONS,
    "delete-blob": _IMAGE_ACTIONS["delete-blob"],
    "delete-some-tags": Action(
        summary="put a manifest under several tags of our own, delete some, look at all of them",
        begin=removals.delete_some_tags,
        needs=(F.DELETE_TAG,),
    ),
    "delete-beside-others": Action(
        summary="put and delete tags of our own on a manifest of which other clients do the same now",
        begin=removals.delete_beside_others,
    ),
    "delete-and-push-again": Action(
        summary="delete an image, sometimes with its blobs, push again what HEAD does not find, pull it whole",
        begin=removals.delete_and_push_again,
        needs=(F.DELETE_MANIFEST,),
    ),
    "delete-from-one": Action(
        summary="delete a blob from one of two repositories, look in both, bring it back, delete it from the other",
        begin=removals.delete_from_one,
        needs=(F.DELETE_BLOB,),
    ),
    "delete-beside-index": Action(
        summary="delete the tags of an inner index and of a child, pull the index over them whole",
        begin=removals.delete_beside_index,
        needs=(F.DELETE_TAG, pushes.INDEXES),
    ),
    "empty-repository": Action(
        summary="put tags into a repository of our own, delete all, list", begin=removals.empty_repository
    ),
    "look-every-way": Action(summary="HEAD, GET and list a contended tag, in any order", begin=removals.look_every_way),
}
_LIST_ACTIONS = {
    "churn-tag": Action(summary="put a tag that comes and goes, delete it, list a page", begin=paging.churn_tag),
    "list-all": Action(summary="list all tags, in pages of every size", begin=paging.list_all, needs=(F.LIST_TAGS,)),
    "page-through": Action(
        summary="list page after page, each on its own, from any tag on",
        begin=paging.page_through,
        needs=(F.LIST_TAGS,),
    ),
    "ask-oddly": Action(
        summary="list a page by parameters that make no sense", begin=paging.ask_oddly, needs=(F.LIST_TAGS,)
    ),
    "list-catalog": Action(summary="list a page of the catalog", begin=paging.list_catalog, needs=(F.LIST_CATALOG,)),
    "read-tag": Action(summary="GET or HEAD a tag that stays or that comes and goes", begin=paging.read_tag),
}
_READ_ACTIONS = {
    "push-sized-blob": Action(
        summary="push a blob of about a power of two bytes; HEAD and GET it", begin=odd_reads.push_sized_blob
    ),
    "read-range": Action(
        summary="read a blob in part: from the beginning or the end, open, several parts, what is not there, nonsense",
        begin=odd_reads.read_range,
    ),
    "read-on-condition": Action(
        summary="GET or HEAD a blob or manifest, then with its ETag, its Last-Modified, or an ETag that nobody gave",
        begin=odd_reads.read_on_condition,
    ),
    "negotiate": Action(
        summary="put a manifest, and HEAD and GET it by tag and digest with one Accept after another",
        begin=odd_reads.negotiate,
    ),
    "ask-malformed": Action(
        summary="read by a digest or tag that breaks the grammar, and what is not there", begin=odd_reads.ask_malformed
    ),
    **{name: _IMAGE_ACTIONS[name] for name in ("push-image", "pull-image")},
}
_LONG_PUSH_ACTIONS = {
    "push-long": Action(
        summary="push a blob that others look for meanwhile, then an image over it", begin=long_pushes.push_long
    ),
    "follow-long": Action(
        summary="ask for a blob that others may be pushing, and read it once it is there", begin=long_pushes.follow_long
    ),
    "mount-long": Action(
        summary="mount a blob that others may be pushing, and read it where it was mounted to",
        begin=long_pushes.mount_long,
        needs=(F.MOUNT_BLOB,),
    ),
    **{name: _IMAGE_ACTIONS[name] for name in ("push-image", "pull-image")},
    **{name: _TAG_ACTIONS[name] for name in ("move-tag", "read-tag", "list-tags")},
}
_RETRY_ACTIONS = {
    "insist-on-image": Action(
        summary="push an image step by step, and ask again whatever was not answered",
        begin=retries.insist_on_image,
        needs=(PushStyle.CHUNKED_PATCH,),
    ),
    "insist-on-deletes": Action(
        summary="delete a tag, a manifest and a blob of our own until they are gone, and look",
        begin=retries.insist_on_deletes,
    ),
    **{name: _IMAGE_ACTIONS[name] for name in ("push-image", "copy-image", "pull-image")},
    "list-tags": _TAG_ACTIONS["list-tags"],
}
_EVERY_ACTION = {
    **_IMAGE_ACTIONS,
    **_TAG_ACTIONS,
    **{name: _UPLOAD_ACTIONS[name] for name in ("push-out-of-order", "disturb-upload")},
    **{name: _REFERRER_ACTIONS[name] for name in ("attach", "detach", "list-referrers")},
    **{name: _READ_ACTIONS[name] for name in ("read-range", "read-on-condition", "negotiate")},
    "compare-and-set": _EXCHANGE_ACTIONS["compare-and-set"],
}
_CHECKERS: tuple[Checker, ...] = (
    TagsChecker(),
    BlobsChecker(),
    ClosureChecker(),
    ListingChecker(),
    AgreementChecker(),
    UploadsChecker(),
    ProtocolChecker(),
    MonitoringChecker(),
    LivenessChecker(),
    ResourcesChecker(),
)

WORKLOADS: dict[str, Workload] = {
    "deletes": Workload(actions=_REMOVAL_ACTIONS, checkers=_CHECKERS),
    "fresh": Workload(actions=_FRESH_ACTIONS, checkers=_CHECKERS, gait=_abreast),
    "everything": Workload(
        actions=_EVERY_ACTION,
        checkers=(ReadsChecker(), ReferrersChecker(), PreconditionsChecker(), *_CHECKERS),
    ),
    "exchanges": Workload(actions=_EXCHANGE_ACTIONS, checkers=(PreconditionsChecker(), *_CHECKERS)),
    "indexes": Workload(actions=_INDEX_ACTIONS, checkers=_CHECKERS),
    "lists": Workload(actions=_LIST_ACTIONS, checkers=(CatalogChecker(), *_CHECKERS), stock=paging.stock),
    "long-pushes": Workload(actions=_LONG_PUSH_ACTIONS, checkers=(SlowPushesChecker(), *_CHECKERS)),
    "mixed": Workload(actions={**_IMAGE_ACTIONS, **_TAG_ACTIONS}, checkers=_CHECKERS),
    "reads": Workload(actions=_READ_ACTIONS, checkers=(ReadsChecker(), *_CHECKERS)),
    "referrers": Workload(actions=_REFERRER_ACTIONS, checkers=(ReferrersChecker(), PreconditionsChecker(), *_CHECKERS)),
    "retries": Workload(actions=_RETRY_ACTIONS, checkers=(IdempotencyChecker(), *_CHECKERS)),
    "stampede": Workload(
        actions={name: {**_IMAGE_ACTIONS, **_TAG_ACTIONS}[name] for name in ("push-image", "pull-image", "list-tags")},
        checkers=(IdempotencyChecker(), *_CHECKERS),
        together=stampede.all_at_once,
    ),
    "tag-set": Workload(actions=_TAG_SET_ACTIONS, checkers=_CHECKERS),
    "uploads": Workload(actions=_UPLOAD_ACTIONS, checkers=_CHECKERS, together=contention.in_pairs),
    "tags": Workload(actions=_TAG_ACTIONS, checkers=_CHECKERS),
    "watched": Workload(actions=_WATCHED_ACTIONS, checkers=(VisibilityChecker(), *_CHECKERS), gait=_looked_on),
}
