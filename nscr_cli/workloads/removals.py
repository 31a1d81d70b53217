"""Errands that delete, and look whether that is gone, nothing else is, and it can be pushed again.

What they delete is theirs alone, or shared only with clients that do the same now, so that after each answer it is
certain what must be there (bugs H1 to H7, I1 and I2 of docs/bugs.toml). Nothing of it enters a client's memory: what
is remembered may be referred to, and nothing that is deleted may be. Clauses: spec.md#content-management.
"""

from nscr_cli.generators import invocations
from nscr_cli.generators.documents import configuration, image, index
from nscr_cli.history.invocation import Content, Invocation
from nscr_cli.history.ops import F
from nscr_cli.workloads.actor import Action, Turn
from nscr_cli.workloads.pushes import INDEXES
from nscr_cli.workloads.removal_steps import (
    deletes_of_all,
    every_look,
    listed,
    over_configuration,
    own_tags,
    push_what_lacks,
)
from nscr_cli.workloads.steps import Step, in_order

_WAVE = 8
_SIZE = 64


def delete_some_tags(turn: Turn) -> Step:
    """A few tags of our own on one manifest, some of them deleted: the others and the manifest stay (bug H1)."""
    chance = turn.chance("some-tags")
    repository = chance.choice(turn.world.repositories)
    manifest = image(turn.world.config, [], turn.nonce)
    tags = own_tags(turn, "k", chance.randint(3, 6))
    gone = chance.sample(tags, chance.randint(1, len(tags) - 1))
    left = [tag for tag in tags if tag not in gone]
    looks = [invocations.get_manifest(repository, manifest.digest), *every_look(turn, repository, tags, chance)]
    errand = [
        # By its digest too: some registries drop a manifest that only a tag held with that tag.
        invocations.put_manifest(repository, None, manifest),
        *(invocations.put_manifest(repository, tag, manifest) for tag in tags),
        # Read, deleted, read at once: who remembers the answer of a moment ago still gives it.
        invocations.get_tag(repository, gone[0]),
        invocations.delete_tag(repository, gone[0]),
        invocations.get_tag(repository, gone[0]),
        *(invocations.delete_tag(repository, tag) for tag in gone[1:]),
        *chance.sample(looks, len(looks)),
    ]
    if chance.random() < 0.8:  # the rest goes too, else lists would grow for ever
        errand += deletes_of_all(turn, repository, manifest.digest, left, chance)
        errand += every_look(turn, repository, left, chance)
    return over_configuration(turn, repository, errand)


def delete_beside_others(turn: Turn) -> Step:
    """Two tags of our own on a manifest under which every client now has tags, and deletes them (bug H7).

    Sometimes the manifest itself is deleted, and so every tag of the others.
    """
    wave = turn.number // _WAVE
    repository = turn.world.repositories[wave % len(turn.world.repositories)]
    chance = turn.chance("beside-others")
    manifest = image(turn.world.config, [], f"{turn.world.seed}/beside-others/{wave}")
    tags = own_tags(turn, "w", 2)
    of_manifest = [invocations.delete_manifest(repository, manifest.digest)] * turn.world.supports(F.DELETE_MANIFEST)
    deletes = of_manifest
    if turn.world.supports(F.DELETE_TAG):
        deletes = [invocations.delete_tag(repository, tag) for tag in tags]
        if of_manifest and chance.random() < 0.2:
            deletes = [deletes[0], *of_manifest]
    errand = [
        *(invocations.put_manifest(repository, tag, manifest) for tag in tags),
        *deletes,
        *every_look(turn, repository, tags, chance),
    ]
    return over_configuration(turn, repository, errand)


def delete_and_push_again(turn: Turn) -> Step:
    """An image deleted, sometimes with its blobs, and pushed again as clients do: only what HEAD does not find.

    Then every byte of it is pulled (bug H6).
    """
    chance = turn.chance("again")
    repository = chance.choice(turn.world.repositories)
    layers = [
        Content.seeded(f"{turn.nonce}/again/{number}", _SIZE + turn.world.blob_size(chance))
        for number in range(chance.randint(1, 2))
    ]
    blobs = [configuration(f"{turn.nonce}/again"), *layers]
    manifest = image(blobs[0], layers, turn.nonce)
    (tag,) = own_tags(turn, "again", 1)
    put = invocations.put_manifest(repository, tag, manifest)
    takes_blobs = chance.random() < 0.5 and turn.world.supports(F.DELETE_BLOB)
    deletes = [
        invocations.get_manifest(repository, manifest.digest),
        invocations.delete_manifest(repository, manifest.digest),
        chance.choice([invocations.get_manifest, invocations.head_manifest])(repository, manifest.digest),
        *(invocations.delete_blob(repository, blob.digest) for blob in blobs if takes_blobs),
    ]
    pulls = [
        invocations.get_tag(repository, tag),
        *(invocations.get_blob(repository, blob.digest, blob.size) for blob in blobs),
        invocations.head_manifest(repository, manifest.digest),
    ]
    styles = [chance.choice(turn.world.push_styles) for _ in blobs]
    push = [invocations.push_blob(repository, blob, style) for blob, style in zip(blobs, reversed(styles), strict=True)]

    def again() -> Step:
        return push_what_lacks(repository, blobs, styles, lambda: in_order([put, *pulls]))

    return in_order([*push, put, *deletes, *every_look(turn, repository, [tag], chance)], again)


def delete_from_one(turn: Turn) -> Step:
    """A blob of our own in two repositories, pushed and mounted: deleted from one, it stays in the other (bug H5).

    Then it comes back from there, and goes from there.
    """
    if len(turn.world.repositories) < 2:
        return delete_and_push_again(turn)
    chance = turn.chance("from-one")
    first, second = chance.sample(turn.world.repositories, 2)
    content = Content.seeded(f"{turn.nonce}/from-one", _SIZE + turn.world.blob_size(chance))
    loses, keeps = chance.sample([first, second], 2)

    def brought(repository: str, source: str) -> Invocation:
        if turn.world.supports(F.MOUNT_BLOB) and chance.random() < 0.7:
            return invocations.mount_blob(repository, content, source)
        return invocations.push_blob(repository, content, chance.choice(turn.world.push_styles))

    def looked(repository: str) -> list[Invocation]:
        looks = [invocations.get_blob, invocations.head_blob]
        chance.shuffle(looks)
        return [look(repository, content.digest, content.size) for look in looks]

    return in_order(
        [
            invocations.push_blob(first, content, chance.choice(turn.world.push_styles)),
            brought(second, first),
            invocations.delete_blob(loses, content.digest),
            *looked(loses),
            *looked(keeps),
            brought(loses, keeps),
            invocations.delete_blob(keeps, content.digest),
            *looked(loses),
            *looked(keeps),
        ]
    )


def delete_beside_index(turn: Turn) -> Step:
    """A nested index whose inner index and one child have tags of their own: these go, and all of it stays.

    So does a manifest without any tag that nothing refers to (bugs I1 and I2).
    """
    chance = turn.chance("beside-index")
    repository = chance.choice(turn.world.repositories)
    children = [image(turn.world.config, [], f"{turn.nonce}/{number}") for number in range(2)]
    inner = index(children, f"{turn.nonce}/inner")
    outer = index([inner, children[0]], turn.nonce)
    bystander = image(turn.world.config, [], f"{turn.nonce}/bystander")
    keep, of_inner, of_child = own_tags(turn, "i", 3)
    deletes = [invocations.delete_tag(repository, tag) for tag in (of_inner, of_child)]
    stays = [*children, inner, bystander]
    errand = [
        *(invocations.put_manifest(repository, None, manifest) for manifest in stays),
        invocations.put_manifest(repository, of_child, children[0]),
        invocations.put_manifest(repository, of_inner, inner),
        invocations.put_manifest(repository, keep, outer),
        *chance.sample(deletes, 2),
        invocations.get_tag(repository, keep),
        *(invocations.get_manifest(repository, manifest.digest) for manifest in stays),
        *every_look(turn, repository, [of_inner, of_child], chance),
    ]
    return over_configuration(turn, repository, errand)


def empty_repository(turn: Turn) -> Step:
    """A repository that only this client uses: a few tags come, all of them go, and the list is empty (bug H4).

    It stays, so that a run has no more of them than processes, and what comes next finds it emptied.
    """
    chance = turn.chance("empty")
    repository = turn.world.namespace.repository(f"emptied-{turn.process:05d}")
    manifest = image(turn.world.config, [], turn.nonce)
    tags = own_tags(turn, "e", chance.randint(1, 3))
    errand = [
        *(invocations.put_manifest(repository, tag, manifest) for tag in tags),
        *listed(turn, repository),
        *deletes_of_all(turn, repository, manifest.digest, tags, chance),
        *listed(turn, repository),
        *every_look(turn, repository, tags, chance),
    ]
    return over_configuration(turn, repository, errand)


def look_every_way(turn: Turn) -> Step:
    """A contended tag, by HEAD, by GET and in the list, in any order: they agree (bugs H2, K2)."""
    chance = turn.chance("every-way")
    repository = chance.choice(turn.world.repositories)
    looks = every_look(turn, repository, [chance.choice(turn.world.tags)], chance)
    return in_order(looks)


ACTIONS = {
    "delete-some-tags": Action(
        summary="put a manifest under several tags of our own, delete some, look at all of them",
        begin=delete_some_tags,
        needs=(F.DELETE_TAG,),
    ),
    "delete-beside-others": Action(
        summary="put and delete tags of our own on a manifest of which other clients do the same now",
        begin=delete_beside_others,
    ),
    "delete-and-push-again": Action(
        summary="delete an image, sometimes with its blobs, push again what HEAD does not find, pull it whole",
        begin=delete_and_push_again,
        needs=(F.DELETE_MANIFEST,),
    ),
    "delete-from-one": Action(
        summary="delete a blob from one of two repositories, look in both, bring it back, delete it from the other",
        begin=delete_from_one,
        needs=(F.DELETE_BLOB,),
    ),
    "delete-beside-index": Action(
        summary="delete the tags of an inner index and of a child, pull the index over them whole",
        begin=delete_beside_index,
        needs=(F.DELETE_TAG, INDEXES),
    ),
    "empty-repository": Action(
        summary="put tags into a repository of our own, delete all, list", begin=empty_repository
    ),
    "look-every-way": Action(summary="HEAD, GET and list a contended tag, in any order", begin=look_every_way),
}
