"""Errands of clients that do not give up: what was not answered they ask again, as an operation of its own.

Each step of a push and of a delete is repeated as it was, by whoever takes the place of the client that lost its
connection: the same push, the same closing PUT, the same manifest under the same tag, the same delete. Tags and blobs
are the errand's own, so that what must be there in the end is certain (bugs E6, E7, F8 and L5 of docs/bugs.toml).
"""

from collections.abc import Callable

from nscr_cli.generators import invocations
from nscr_cli.generators.documents import configuration, image
from nscr_cli.history.invocation import Content, Invocation
from nscr_cli.history.ops import F, Kind, Op, PushStyle
from nscr_cli.workloads.actor import Action, Turn
from nscr_cli.workloads.steps import Step, in_order
from nscr_cli.workloads.upload_endings import LEAST
from nscr_cli.workloads.uploads import Upload

_MOST_TRIES = 5
_DELETES = (F.DELETE_TAG, F.DELETE_MANIFEST, F.DELETE_BLOB)


def insist(invocation: Invocation, then: Callable[[], Step | None], tries: int = _MOST_TRIES) -> Step:
    """Ask until it is done, at most so often; then go on. A delete of what is gone is done."""

    def again(_event: Op) -> Step | None:
        return insist(invocation, then, tries - 1) if tries > 1 else None

    def go_on(event: Op) -> Step | None:
        is_gone = invocation.f in _DELETES and event.answered is not None and event.answered.status == 404
        return then() if event.kind is Kind.OK or is_gone else again(event)

    return Step(invocation, go_on, resumed=again)


def insist_on_image(turn: Turn) -> Step:
    """A layer step by step, a configuration in one push, the manifest under a tag of our own; often all once more."""
    chance = turn.chance("insist")
    world = turn.world
    repository = chance.choice(world.repositories)
    layer = Content.seeded(f"{turn.nonce}/layer", max(world.blob_size(chance), LEAST))
    config = configuration(turn.nonce)
    manifest = image(config, [layer], turn.nonce)
    tag = f"i{turn.process:05d}x{turn.number:06d}"
    put = invocations.put_manifest(repository, tag, manifest)
    push = invocations.push_blob(repository, config, chance.choice(world.push_styles))
    repeats = [one for one in (push, put) if chance.random() < 0.4]
    reads = [
        invocations.get_tag(repository, tag),
        invocations.get_blob(repository, config.digest, config.size),
        invocations.get_blob(repository, layer.digest, layer.size),
    ]
    upload = Upload(
        turn=turn,
        label=f"{turn.process}.{turn.number}",
        repository=repository,
        blob=layer,
        ending=chance.choice(["close", "last-chunk", "twice"]),
        is_gentle=True,
        after=lambda: insist(push, lambda: insist(put, lambda: in_order([*repeats, *reads]))),
    )
    return upload.start()


def insist_on_deletes(turn: Turn) -> Step:
    """A blob, a manifest and a tag of our own: written, deleted until they are gone, and looked for."""
    chance = turn.chance("insist-on-deletes")
    world = turn.world
    repository = chance.choice(world.repositories)
    config = configuration(turn.nonce)
    manifest = image(config, [], turn.nonce)
    tag = f"i{turn.process:05d}x{turn.number:06d}"
    style = chance.choice(world.push_styles)
    deletes = [
        (F.DELETE_TAG, invocations.delete_tag(repository, tag), invocations.get_tag(repository, tag)),
        (
            F.DELETE_MANIFEST,
            invocations.delete_manifest(repository, manifest.digest),
            invocations.get_manifest(repository, manifest.digest),
        ),
        (
            F.DELETE_BLOB,
            invocations.delete_blob(repository, config.digest),
            invocations.head_blob(repository, config.digest, config.size),
        ),
    ]
    possible = [(delete, look) for f, delete, look in deletes if world.supports(f)]
    read = Step(invocations.get_tag(repository, tag), lambda _event: _deleted(possible))
    put = invocations.put_manifest(repository, tag, manifest)
    return insist(invocations.push_blob(repository, config, style), lambda: insist(put, lambda: read))


def _deleted(deletes: list[tuple[Invocation, Invocation]]) -> Step | None:
    """Each delete until it is done, and a look after each."""
    if not deletes:
        return None
    (delete, look), rest = deletes[0], deletes[1:]
    return insist(delete, lambda: Step(look, lambda _event: _deleted(rest)))


ACTIONS = {
    "insist-on-image": Action(
        summary="push an image step by step, and ask again whatever was not answered",
        begin=insist_on_image,
        needs=(PushStyle.CHUNKED_PATCH,),
    ),
    "insist-on-deletes": Action(
        summary="delete a tag, a manifest and a blob of our own until they are gone, and look",
        begin=insist_on_deletes,
    ),
}
