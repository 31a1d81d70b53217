"""Errands that contend for tags: each tag of a repository is a register, written, deleted and conditionally deleted.

Deleting a manifest by digest takes every tag with it that names it (spec.md#deleting-manifests), so it races with
writes of those tags (bugs B1 to B8, H1 to H3 and H7 of docs/bugs.toml).
"""

from nscr_cli.generators import invocations
from nscr_cli.generators.documents import image
from nscr_cli.history.keys import repository_of, tag_key, tag_of
from nscr_cli.history.ops import F, Kind, Op
from nscr_cli.workloads.actor import Action, Turn
from nscr_cli.workloads.pushes import after_blobs, put_manifest
from nscr_cli.workloads.steps import Step, in_order

_WAVE = 6


def move_tag(turn: Turn) -> Step:
    """A new small manifest under a contended tag, over blobs that are there."""
    chance = turn.chance("move")
    repository = chance.choice(turn.world.repositories)
    tag = chance.choice(turn.world.tags)
    config = turn.world.config
    held = [blob for blob in turn.memory.blobs_of(repository) if blob.digest != config.digest]
    layers = chance.sample(held, min(len(held), chance.randint(0, 2)))
    manifest = image(config, layers, turn.nonce)
    needed = [] if turn.memory.holds(repository, config.digest) else [config]
    reads_back = chance.random() < 0.2
    return after_blobs(turn, repository, needed, lambda: put_manifest(repository, tag, manifest, reads_back=reads_back))


def race_tag(turn: Turn) -> Step:
    """A new small manifest under a tag that is new to all clients, of which others put theirs under it now; and a look.

    The loser of the race to create a tag must not be told that it won (bug B2 of docs/bugs.toml).
    """
    chance = turn.chance("race-tag")
    wave = turn.number // _WAVE
    repository = turn.world.repositories[wave % len(turn.world.repositories)]
    tag = f"n{wave:06d}"
    config = turn.world.config
    needed = [] if turn.memory.holds(repository, config.digest) else [config]
    errand = [
        invocations.put_manifest(repository, tag, image(config, [], turn.nonce)),
        chance.choice([invocations.get_tag, invocations.head_tag])(repository, tag),
    ]
    return after_blobs(turn, repository, needed, lambda: in_order(errand))


def add_tag(turn: Turn) -> Step:
    """A new small manifest under a new tag of our own, which stays; sometimes the list at once.

    Many such writes at once lose entries where tags are kept in one document that is read, changed and written whole
    (bug B1 of docs/bugs.toml).
    """
    chance = turn.chance("add-tag")
    repository = chance.choice(turn.world.repositories)
    config = turn.world.config
    manifest = image(config, [], turn.nonce)
    own_tag = f"t{turn.process:05d}x{turn.number:06d}"
    needed = [] if turn.memory.holds(repository, config.digest) else [config]
    looks = chance.random() < 0.1
    look = Step(invocations.list_tags(repository)) if looks and turn.world.supports(F.LIST_TAGS) else None
    put = Step(
        invocations.put_manifest(repository, own_tag, manifest),
        lambda event: look if event.kind is Kind.OK else None,
        lambda memory: memory.with_manifest(repository, manifest, own_tag),
    )
    return after_blobs(turn, repository, needed, lambda: put)


def read_own_tag(turn: Turn) -> Step:
    """A tag that this client wrote before: nothing moves or deletes it, so it must be there as it was written."""
    chance = turn.chance("read-own-tag")
    own = sorted(key for written in turn.memory.manifests for key in written.tags)
    if not own:
        return add_tag(turn)
    key = chance.choice(own)
    read = chance.choice([invocations.get_tag, invocations.head_tag])
    return Step(read(repository_of(key), tag_of(key) or ""))


def retag(turn: Turn) -> Step:
    """A manifest that we wrote before, under one more tag; never twice under one: writes of a tag stay unique."""
    chance = turn.chance("retag")
    choices = [
        (written, home, tag)
        for written in turn.memory.manifests
        for home in written.homes
        for tag in turn.world.tags
        if tag_key(home, tag) not in written.tags
    ]
    if not choices:
        return move_tag(turn)
    written, home, tag = chance.choice(choices)
    return put_manifest(home, tag, written.manifest)


def delete_tag(turn: Turn) -> Step:
    """Delete a contended tag."""
    chance = turn.chance("delete-tag")
    repository = chance.choice(turn.world.repositories)
    tag = chance.choice(turn.world.tags)
    own = sorted(key for written in turn.memory.manifests for key in written.tags)
    if own and chance.random() < 0.25:
        key = chance.choice(own)
        repository, tag = repository_of(key), tag_of(key) or tag
    reads = [invocations.get_tag, invocations.head_tag]
    look = Step(chance.choice(reads)(repository, tag))
    looks = chance.random() < 0.5
    return Step(
        invocations.delete_tag(repository, tag), lambda event: look if event.kind is Kind.OK and looks else None
    )


def delete_sibling(turn: Turn) -> Step:
    """One manifest under two tags of our own; one of them goes, or the manifest, and both are looked at.

    Nobody else writes these tags, so that what must be there, and what must be gone, is certain (bugs H1 to H3).
    """
    chance = turn.chance("sibling")
    world = turn.world
    repository = chance.choice(world.repositories)
    manifest = image(world.config, [], turn.nonce)
    tags = [f"s{turn.process:05d}x{turn.number:06d}{which}" for which in "ab"]
    deletes = [invocations.delete_tag(repository, tags[0])] * world.supports(F.DELETE_TAG)
    deletes += [invocations.delete_manifest(repository, manifest.digest)] * world.supports(F.DELETE_MANIFEST)
    errand = [
        *(invocations.put_manifest(repository, tag, manifest) for tag in tags),
        *([chance.choice(deletes)] if deletes else []),
        *(invocations.get_tag(repository, tag) for tag in reversed(tags)),
    ]
    needed = [] if turn.memory.holds(repository, world.config.digest) else [world.config]
    return after_blobs(turn, repository, needed, lambda: in_order(errand))


def put_under_tags(turn: Turn) -> Step:
    """A manifest under its digest and a few tags of our own in one request; some move, all are looked at."""
    chance = turn.chance("under-tags")
    world = turn.world
    repository = chance.choice(world.repositories)
    tags = [f"m{turn.process:05d}x{turn.number:06d}{which}" for which in "abcd"[: chance.randint(2, 4)]]
    first, second = (image(world.config, [], f"{turn.nonce}/{which}") for which in range(2))
    moved = chance.sample(tags, chance.randint(1, len(tags)))
    reads = [invocations.get_tag, invocations.head_tag]
    errand = [
        invocations.put_under_tags(repository, tags, first),
        *(chance.choice(reads)(repository, tag) for tag in tags),
        invocations.put_under_tags(repository, moved, second),
        *(chance.choice(reads)(repository, tag) for tag in reversed(tags)),
    ]
    if world.supports(F.DELETE_MANIFEST):
        errand += [
            invocations.delete_manifest(repository, second.digest),
            *(chance.choice(reads)(repository, tag) for tag in tags),
        ]
    needed = [] if turn.memory.holds(repository, world.config.digest) else [world.config]
    return after_blobs(turn, repository, needed, lambda: in_order(errand))


def delete_manifest(turn: Turn) -> Step:
    """Delete by digest: a manifest that we wrote, or the one that a contended tag now names; often look at once."""
    chance = turn.chance("delete-manifest")
    repository = chance.choice(turn.world.repositories)
    tag = chance.choice(turn.world.tags)
    looks = chance.choice([invocations.get_manifest, invocations.head_manifest]) if chance.random() < 0.5 else None

    def delete(digest: str) -> Step:
        delete_it = invocations.delete_manifest(repository, digest)
        if looks is None:
            return Step(delete_it)
        look = Step(looks(repository, digest), lambda _event: Step(invocations.get_tag(repository, tag)))
        return Step(delete_it, lambda event: look if event.kind is Kind.OK else None)

    own = turn.memory.manifests_of(repository)
    if own and chance.random() < 0.5:
        return delete(own[-1].manifest.digest)
    return Step(
        invocations.get_tag(repository, tag),
        lambda event: delete(digest) if (digest := _read_digest(event)) else None,
    )


def _read_digest(event: Op) -> str | None:
    """The digest of the bytes that a tag named; computed by us, so a registry cannot have us delete something else."""
    return event.answered.digest if event.answered and event.answered.present else None


ACTIONS = {
    "move-tag": Action(summary="put a new manifest under a contended tag", begin=move_tag),
    "race-tag": Action(summary="put a new manifest under a tag that others create now, too", begin=race_tag),
    "retag": Action(summary="put a manifest under one more tag", begin=retag),
    "delete-tag": Action(summary="delete a contended tag, and look", begin=delete_tag, needs=(F.DELETE_TAG,)),
    "delete-sibling": Action(
        summary="put a manifest under two tags of our own, delete one or the manifest, read both",
        begin=delete_sibling,
    ),
    "put-under-tags": Action(
        summary="put a manifest under several tags of our own in one request, move some of them, read all",
        begin=put_under_tags,
    ),
    "delete-manifest": Action(
        summary="delete by digest what a tag names or what we wrote",
        begin=delete_manifest,
        needs=(F.DELETE_MANIFEST,),
    ),
    "add-tag": Action(summary="put a new manifest under a new tag that stays", begin=add_tag),
    "read-own-tag": Action(summary="GET or HEAD a tag that this client added", begin=read_own_tag),
}
