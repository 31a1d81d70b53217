"""Errands that write content: images, indexes over images, blobs that nothing refers to.

A manifest is put only after every blob and child that it refers to was acknowledged to this client in that
repository; of what manifests refer to, nothing is ever deleted. So a manifest that is refused for a missing blob, and
a blob that is missing under a manifest, are the registry's fault (bugs A1 to A9, F1 to F10 of docs/bugs.toml).
"""

from collections.abc import Callable, Sequence
from random import Random

from nscr_cli.generators import invocations
from nscr_cli.generators.documents import Manifest, configuration, docker_image, image, index
from nscr_cli.generators.streams import stream
from nscr_cli.history.invocation import Content
from nscr_cli.history.ops import F, Kind, Op, PushStyle
from nscr_cli.workloads.actor import Action, Turn
from nscr_cli.workloads.steps import Step, in_order
from nscr_cli.workloads.world import ERRANDS_A_STEP

DOCKER_MANIFESTS = "docker-manifests"
INDEXES = "indexes"
_WAVE = ERRANDS_A_STEP  # a wave lies within one step of the sweep: its blobs have one size
_SCRATCH_SIZE = 64


def push_image(turn: Turn) -> Step:
    """Blobs, then the manifest: mostly under a contended tag, else under one of its own or its digest alone."""
    chance = turn.chance("image")
    repository = chance.choice(turn.world.repositories)
    layers = [_layer(turn, chance, number) for number in range(chance.randint(1, 3))]
    config = configuration(turn.nonce)
    as_docker = chance.random() < 0.2 and turn.world.supports(DOCKER_MANIFESTS)
    manifest = docker_image(config, layers) if as_docker else image(config, layers, turn.nonce)
    own_tag = f"u{turn.process:05d}x{turn.number:06d}"  # no punctuation, on whose order registries may differ
    (tag,) = chance.choices([chance.choice(turn.world.tags), own_tag, None], [70, 15, 15])
    reads_back = chance.random() < 0.3

    def put() -> Step:
        return put_manifest(repository, tag, manifest, reads_back=reads_back)

    return after_blobs(turn, repository, [config, *layers], put)


def push_index(turn: Turn) -> Step:
    """Two small images by digest, then an index over them under a contended tag."""
    chance = turn.chance("index")
    repository = chance.choice(turn.world.repositories)
    tag = chance.choice(turn.world.tags)
    layer = chance.choice(turn.world.shared)
    configs, children = _children(turn, layer)

    def put() -> Step:
        return _after_manifests(
            repository, children, lambda: put_manifest(repository, tag, index(children, turn.nonce))
        )

    return after_blobs(turn, repository, [*configs, layer], put)


def push_nested_index(turn: Turn) -> Step:
    """Two small images and an index over them by digest, then an index over that index and one of the images.

    Under a contended tag. One child is reached in two ways (bugs I2 and I4 of docs/bugs.toml).
    """
    chance = turn.chance("nested-index")
    repository = chance.choice(turn.world.repositories)
    tag = chance.choice(turn.world.tags)
    layer = chance.choice(turn.world.shared)
    configs, children = _children(turn, layer)
    inner = index(children, f"{turn.nonce}/inner")
    outer = index([inner, children[0]], turn.nonce)

    def put() -> Step:
        return _after_manifests(repository, [*children, inner], lambda: put_manifest(repository, tag, outer))

    return after_blobs(turn, repository, [*configs, layer], put)


def put_manifest(repository: str, tag: str | None, manifest: Manifest, *, reads_back: bool = False) -> Step:
    """Write a manifest; with `reads_back`, read its tag or digest at once."""

    def then(event: Op) -> Step | None:
        if event.kind is not Kind.OK or not reads_back:
            return None
        if tag is None:
            return Step(invocations.get_manifest(repository, manifest.digest))
        return Step(invocations.get_tag(repository, tag))

    return Step(
        invocations.put_manifest(repository, tag, manifest),
        then,
        lambda memory: memory.with_manifest(repository, manifest, tag),
    )


def after_blobs(turn: Turn, repository: str, blobs: Sequence[Content], finish: Callable[[], Step]) -> Step:
    """Have every blob acknowledged in the repository, then `finish`; give up at the first that is not."""
    if not blobs:
        return finish()
    blob, rest = blobs[0], blobs[1:]
    chance = turn.chance("blob", len(rest))
    style = chance.choice(turn.world.push_styles)
    draw = chance.random()

    def go_on() -> Step:
        return after_blobs(turn, repository, rest, finish)

    push = Step(
        invocations.push_blob(repository, blob, style),
        lambda event: go_on() if event.kind is Kind.OK else None,
        lambda memory: memory.with_blob(repository, blob),
    )
    if turn.memory.holds(repository, blob.digest):
        if draw < 0.5:
            return go_on()
        if draw < 0.75:
            known = invocations.head_blob(repository, blob.digest, blob.size)
            return Step(known, lambda event: go_on() if event.answered and event.answered.present else push)
        return push
    source = turn.memory.elsewhere(repository, blob.digest)
    if source is not None and draw < 0.6 and turn.world.supports(F.MOUNT_BLOB):
        return Step(
            invocations.mount_blob(repository, blob, source),
            lambda event: go_on() if event.kind is Kind.OK else push,
            lambda memory: memory.with_blob(repository, blob),
        )
    return push


def copy_image(turn: Turn) -> Step:
    """An image that we wrote, to another repository: its blobs mounted or pushed, the same manifest under a tag."""
    chance = turn.chance("copy")
    known = {held.content.digest: held.content for held in turn.memory.blobs}
    choices = [
        (written, repository, tag)
        for written in turn.memory.manifests
        for repository in turn.world.repositories
        for tag in turn.world.tags
        if repository not in written.homes
        and all(reference.digest in known for reference in written.manifest.references)
    ]
    if not choices:
        return push_image(turn)
    written, repository, tag = chance.choice(choices)
    blobs = [known[reference.digest] for reference in written.manifest.references]
    return after_blobs(
        turn, repository, blobs, lambda: put_manifest(repository, tag, written.manifest, reads_back=True)
    )


def push_and_delete_blob(turn: Turn) -> Step:
    """A blob that no manifest refers to: pushed, read, deleted, read again; sometimes pushed and read once more, or
    deleted once more, which must find nothing.

    Sometimes it lies in a second repository too, where it must stay; sometimes other clients do the same to it now.
    """
    chance = turn.chance("scratch")
    repository, second = chance.choices(turn.world.repositories, k=2)
    wave = turn.number // _WAVE
    seed = f"{turn.nonce}/scratch" if chance.random() < 0.7 else f"{turn.world.seed}/scratch/{wave}"
    content = Content.seeded(seed, _SCRATCH_SIZE + turn.world.blob_size(stream(turn.world.seed, seed)))
    styles = [chance.choice(turn.world.push_styles) for _ in range(3)]
    comes_back = chance.random() < 0.5
    read = invocations.get_blob(repository, content.digest, content.size)
    head = invocations.head_blob(repository, content.digest, content.size)
    looks = [chance.choice([read, head])]
    before = [invocations.push_blob(repository, content, styles[0]), chance.choice([read, head])]
    if second != repository and chance.random() < 0.6:
        before.append(invocations.push_blob(second, content, styles[1]))
        looks.append(invocations.get_blob(second, content.digest, content.size))
    if comes_back:
        looks += [invocations.push_blob(repository, content, styles[2]), read]
    elif chance.random() < 0.4:
        looks.append(invocations.delete_blob(repository, content.digest))
    return in_order([*before, invocations.delete_blob(repository, content.digest), *looks])


def _children(turn: Turn, layer: Content) -> tuple[list[Content], list[Manifest]]:
    """Two images of this errand's own over one layer, with their configurations."""
    configs = [configuration(f"{turn.nonce}/{number}") for number in range(2)]
    return configs, [image(config, [layer], f"{turn.nonce}/{number}") for number, config in enumerate(configs)]


def _after_manifests(repository: str, remaining: Sequence[Manifest], finish: Callable[[], Step]) -> Step:
    """Have every manifest acknowledged by its digest, in order, then `finish`; give up at the first that is not."""
    if not remaining:
        return finish()
    # A child is not remembered: what is remembered may be deleted or tagged, and its index would lose it.
    return Step(
        invocations.put_manifest(repository, None, remaining[0]),
        lambda event: _after_manifests(repository, remaining[1:], finish) if event.kind is Kind.OK else None,
    )


def push_out_of_order(turn: Turn) -> Step:
    """A blob of our own in chunks, one of which leaves a gap and must be refused; then all of it is read."""
    chance = turn.chance("out-of-order")
    repository = chance.choice(turn.world.repositories)
    content = Content.seeded(f"{turn.nonce}/out-of-order", _SCRATCH_SIZE + turn.world.blob_size(chance))
    read = invocations.get_blob(repository, content.digest, content.size)
    return Step(
        invocations.push_out_of_order(repository, content),
        lambda event: Step(read) if event.kind is Kind.OK else None,
        lambda memory: memory.with_blob(repository, content),
    )


def _layer(turn: Turn, chance: Random, number: int) -> Content:
    """A layer: of the shared ones, of the wave that every process now pushes, or this errand's own."""
    draw = chance.random()
    if draw < 0.35:
        return chance.choice(turn.world.shared)
    if draw < 0.6:
        # Processes count their errands at about the same pace: the same new digest is pushed by several at once.
        wave = f"{turn.world.seed}/wave/{turn.number // _WAVE}"
        return Content.seeded(wave, turn.world.blob_size(stream(turn.world.seed, "wave", turn.number // _WAVE)))
    return Content.seeded(f"{turn.nonce}/layer/{number}", turn.world.blob_size(chance))


ACTIONS = {
    "push-image": Action(summary="push blobs in all four styles or mount them, then the manifest", begin=push_image),
    "push-index": Action(summary="push two images and an index over them", begin=push_index, needs=(INDEXES,)),
    "copy-image": Action(summary="mount or push an image of ours into another repository", begin=copy_image),
    "delete-blob": Action(
        summary="push a blob that nothing refers to, also elsewhere; read, delete, look, push again",
        begin=push_and_delete_blob,
        needs=(F.DELETE_BLOB,),
    ),
    "push-nested-index": Action(
        summary="push two images, an index over them, and an index over that",
        begin=push_nested_index,
        needs=(INDEXES,),
    ),
    "push-out-of-order": Action(
        summary="push a blob in chunks, one of which leaves a gap, and read it",
        begin=push_out_of_order,
        needs=(PushStyle.CHUNKED_PATCH,),
    ),
}
