"""Errands with content that is named by its sha512 digest, the second algorithm that the image specification registers.

Pushed in any style, read whole and in part, mounted, deleted, referred to by a manifest; and a manifest by its own such
digest. Whoever does not take it is left alone: none need.
"""

from collections.abc import Callable
from random import Random

import msgspec

from nscr_cli.generators import invocations
from nscr_cli.generators.documents import Manifest, image
from nscr_cli.history.invocation import Content, Invocation
from nscr_cli.history.ops import F, Kind
from nscr_cli.workloads.actor import Action, Turn
from nscr_cli.workloads.pulls import BLOB_RANGES
from nscr_cli.workloads.steps import Step, in_order
from nscr_cli.workloads.world import World

SHA512 = "sha512"
_ERRAND = "push-by-sha512"
_SIZE = 64


def is_used(world: World) -> bool:
    """Whether clients of this run name content so."""
    return bool(world.weights.get(_ERRAND)) and world.supports(SHA512)


def push_by_sha512(turn: Turn) -> Step:
    """A blob of our own, looked at in every way; then it goes elsewhere, or is deleted, or becomes part of an image."""
    chance = turn.chance(SHA512)
    world = turn.world
    repository = chance.choice(world.repositories)
    content = Content.seeded(f"{turn.nonce}/sha512", _SIZE + world.blob_size(chance), algorithm=SHA512)
    looks = [
        invocations.get_blob(repository, content.digest, content.size),
        invocations.head_blob(repository, content.digest, content.size),
    ]
    if world.supports(BLOB_RANGES):
        first = chance.randrange(content.size)
        span = (first, chance.randrange(first, content.size))
        looks.append(invocations.get_range(repository, content.digest, content.size, span, content))
    chance.shuffle(looks)
    kinds: list[Callable[[Turn, Random, str, Content], list[Invocation]]] = []
    if len(world.repositories) > 1:
        kinds.append(_elsewhere)
    if world.supports(F.DELETE_BLOB):
        kinds.append(_deleted)
    if turn.memory.holds(repository, world.config.digest):
        kinds += [_in_an_image, _manifest]
    follows = chance.choice(kinds)(turn, chance, repository, content) if kinds else []
    return Step(
        invocations.push_blob(repository, content, chance.choice(world.push_styles)),
        lambda event: in_order([*looks, *follows]) if event.kind is Kind.OK else None,
    )


def _elsewhere(turn: Turn, chance: Random, repository: str, content: Content) -> list[Invocation]:
    """Mounted and read there, or not there."""
    second = chance.choice([one for one in turn.world.repositories if one != repository])
    look = invocations.get_blob(second, content.digest, content.size)
    if not turn.world.supports(F.MOUNT_BLOB):
        return [look]
    return [look, invocations.mount_blob(second, content, repository), look]


def _deleted(turn: Turn, chance: Random, repository: str, content: Content) -> list[Invocation]:
    """Deleted, looked for, and sometimes pushed again."""
    read = invocations.get_blob(repository, content.digest, content.size)
    again = [invocations.push_blob(repository, content, chance.choice(turn.world.push_styles)), read]
    return [invocations.delete_blob(repository, content.digest), read, *(again if chance.random() < 0.5 else ())]


def _in_an_image(turn: Turn, _chance: Random, repository: str, content: Content) -> list[Invocation]:
    """As the layer of a manifest, which is pulled whole."""
    manifest = image(turn.world.config, [content], turn.nonce)
    return [
        invocations.put_manifest(repository, None, manifest),
        invocations.get_manifest(repository, manifest.digest),
        invocations.get_blob(repository, content.digest, content.size),
    ]


def _manifest(turn: Turn, chance: Random, repository: str, _content: Content) -> list[Invocation]:
    """A manifest by its own sha512 digest."""
    manifest = _named_so(image(turn.world.config, [], turn.nonce))
    reads = [
        invocations.get_manifest(repository, manifest.digest),
        invocations.head_manifest(repository, manifest.digest),
    ]
    return [invocations.put_manifest(repository, None, manifest), *chance.sample(reads, 2)]


def _named_so(manifest: Manifest) -> Manifest:
    data = b"".join(manifest.content.chunks())
    return msgspec.structs.replace(manifest, content=Content.of_bytes(data, algorithm=SHA512))


ACTIONS = {
    _ERRAND: Action(
        summary="push a blob by its sha512 digest, read it in every way; mount it, delete it, put a manifest over it",
        begin=push_by_sha512,
        needs=(SHA512,),
    ),
}
