"""Errands that push manifests as few encoders write them, and read back every byte.

Under a tag of this client's own and by their digest. None is remembered: some are large, and memory is for small ones.
"""

from collections.abc import Sequence

from nscr_cli.generators import invocations
from nscr_cli.generators.documents import Manifest, configuration, docker_image, image
from nscr_cli.generators.odd_documents import FORMS, docker_list, in_form, large
from nscr_cli.history.invocation import Content
from nscr_cli.history.ops import Kind
from nscr_cli.workloads.actor import Action, Turn
from nscr_cli.workloads.pushes import DOCKER_MANIFESTS, INDEXES, after_blobs
from nscr_cli.workloads.steps import Step, in_order

_LARGE_SHARE, _LIST_SHARE = 0.08, 0.15


def push_odd_manifest(turn: Turn) -> Step:
    """A manifest in an odd form, a large one, or a Docker list; read by GET and HEAD, by tag and by digest."""
    chance = turn.chance("odd-manifest")
    repository = chance.choice(turn.world.repositories)
    tag = f"o{turn.process:05d}x{turn.number:06d}"
    blobs, manifests = _manifests(turn)
    last = manifests[-1]
    reads = [
        invocations.get_tag(repository, tag),
        invocations.head_tag(repository, tag),
        invocations.get_manifest(repository, last.digest),
        invocations.head_manifest(repository, last.digest),
    ]
    chance.shuffle(reads)

    def put(remaining: Sequence[Manifest]) -> Step:
        is_last = len(remaining) == 1
        return Step(
            invocations.put_manifest(repository, tag if is_last else None, remaining[0]),
            lambda event: (in_order(reads) if is_last else put(remaining[1:])) if event.kind is Kind.OK else None,
        )

    needed = [blob for blob in blobs if not turn.memory.holds(repository, blob.digest)]
    return after_blobs(turn, repository, needed, lambda: put(manifests))


def _manifests(turn: Turn) -> tuple[list[Content], list[Manifest]]:
    """What is to be put, blobs and manifests in this order; the last is what is read."""
    chance = turn.chance("odd-form")
    draw = chance.random()
    config = turn.world.config
    if draw < _LARGE_SHARE:
        return [config], [in_form(image(config, [], turn.nonce), large)]
    is_list = draw < _LARGE_SHARE + _LIST_SHARE
    if is_list and turn.world.supports(DOCKER_MANIFESTS) and turn.world.supports(INDEXES):
        own = configuration(turn.nonce)
        child = docker_image(own, [])
        return [own], [child, docker_list([child])]
    return [config], [in_form(image(config, [], turn.nonce), chance.choice(FORMS))]


ACTIONS = {
    "push-odd-manifest": Action(
        summary="push a manifest with odd bytes, a large one or a Docker list; read it by tag and by digest",
        begin=push_odd_manifest,
    ),
}
