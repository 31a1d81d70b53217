"""Errands in repositories that nobody has used before: the first pushes to them come from several clients at once.

A registry that makes a repository with its first push may make it twice, or let one of the pushes fail (bugs B10, F3
and L2 of docs/bugs.toml). Clients go abreast (abreast.py): the number of an errand names the repositories that are new
to all of them. A run has a bounded number of these, since not every registry forgets one.
"""

from random import Random

from nscr_cli.generators import invocations
from nscr_cli.generators.documents import configuration, image
from nscr_cli.generators.streams import stream
from nscr_cli.history.invocation import Content
from nscr_cli.history.ops import F, Kind, Op
from nscr_cli.workloads.actor import Action, Turn
from nscr_cli.workloads.pulls import pulled
from nscr_cli.workloads.pushes import after_blobs
from nscr_cli.workloads.steps import Step, in_order

MOST_ROUNDS = 120
_SIDE_BY_SIDE = (1, 1, 2, 3)
_TAG = "latest"
_MOST_LAYERS = 6


def push_fresh(turn: Turn) -> Step:
    """An image of a few layers, some of them also pushed by others now, into the repository of this round; all of it
    read at once."""
    chance = turn.chance("fresh")
    number = turn.number % MOST_ROUNDS
    repository = _repository(turn, number, turn.process)
    config = configuration(turn.nonce)
    layers = [_layer(turn, chance, which) for which in range(chance.randint(1, _MOST_LAYERS))]
    manifest = image(config, layers, turn.nonce)
    own_tag = f"f{turn.process:05d}x{turn.number:06d}"
    tag = chance.choice([_TAG, own_tag])
    looks = [
        invocations.get_tag(repository, tag),
        invocations.head_manifest(repository, manifest.digest),
        *(invocations.head_blob(repository, blob.digest, blob.size) for blob in layers[:2]),
        *([invocations.list_tags(repository)] if turn.world.supports(F.LIST_TAGS) else []),
    ]

    def look(event: Op) -> Step | None:
        return in_order(looks, lambda: pulled(turn, repository, tag)) if event.kind is Kind.OK else None

    blobs = list(dict.fromkeys([config, *layers]))
    chance.shuffle(blobs)
    return after_blobs(turn, repository, blobs, lambda: Step(invocations.put_manifest(repository, tag, manifest), look))


def pull_fresh(turn: Turn) -> Step:
    """What others pushed a round ago, by way of the tag that they contended for, and the list."""
    chance = turn.chance("pull-fresh")
    repository = _repository(turn, max(turn.number - 1, 0) % MOST_ROUNDS, chance.randrange(max(_SIDE_BY_SIDE)))
    pull = pulled(turn, repository, _TAG)
    if not turn.world.supports(F.LIST_TAGS):
        return pull
    return Step(invocations.list_tags(repository), lambda _event: pull)


def _repository(turn: Turn, number: int, process: int) -> str:
    """One of those of a round: one for all clients, or a few, with a share of the clients in each."""
    count = _SIDE_BY_SIDE[number % len(_SIDE_BY_SIDE)]
    return turn.world.namespace.repository(f"fresh-{number:04d}-{process % count}")


def _layer(turn: Turn, chance: Random, which: int) -> Content:
    """This errand's own, or one that every client pushes in this round."""
    if chance.random() < 0.6:
        return Content.seeded(f"{turn.nonce}/fresh/{which}", turn.world.blob_size(chance))
    seed = f"{turn.world.seed}/fresh/{turn.number}/{chance.randrange(2)}"
    return Content.seeded(seed, turn.world.blob_size(stream(turn.world.seed, seed)))


ACTIONS = {
    "push-fresh": Action(
        summary="push an image of some layers into a repository that is new to all, and read all of it",
        begin=push_fresh,
    ),
    "pull-fresh": Action(summary="list and pull what others pushed a moment ago", begin=pull_fresh),
}
