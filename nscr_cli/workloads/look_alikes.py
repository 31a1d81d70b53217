"""Errands over names that differ by as little as names may: by case, one mark, an ending, the last of 128 characters.

Who compares names without regard to case, takes `_` for a wildcard, looks for beginnings or cuts names off, takes one
for the other (spec.md#pulling-manifests has the grammar; by it each is a name of its own). Every tag is this client's
alone; repositories are shared, and those whose tags have marks in them are never listed, for on the order of marks
registries may differ.
"""

from random import Random

from nscr_cli.generators import invocations
from nscr_cli.generators.documents import image
from nscr_cli.history.invocation import Content, Invocation
from nscr_cli.history.ops import F
from nscr_cli.workloads.actor import Action, Turn
from nscr_cli.workloads.pushes import after_blobs
from nscr_cli.workloads.removal_steps import listed, over_configuration
from nscr_cli.workloads.steps import Step

_UNLISTED = "alike"
_REPOSITORIES = ("alike-a", "alike_a", "alike.a", "alike-ab")
_MARKS = "-_."
_LONGEST = 128
_SIZE = 64


def touch_look_alikes(turn: Turn) -> Step:
    """Two tags of one repository, or one tag of two, whose names are nearly the same: one goes, the other one stays."""
    chance = turn.chance("look-alikes")
    return (_two_repositories if chance.random() < 0.4 else _two_tags)(turn, chance)


def _two_tags(turn: Turn, chance: Random) -> Step:
    repository = turn.world.namespace.repository(_UNLISTED)
    first, second = chance.sample(_pair(turn, chance), 2)
    manifests = [image(turn.world.config, [], f"{turn.nonce}/{which}") for which in range(2)]
    put = [
        invocations.put_manifest(repository, tag, manifest)
        for tag, manifest in zip((first, second), manifests, strict=True)
    ]
    looks = [_look(chance, repository, tag) for tag in (first, second)]
    deletes = [invocations.delete_tag(repository, first)] * turn.world.supports(F.DELETE_TAG)
    deletes += [invocations.delete_manifest(repository, manifests[0].digest)] * turn.world.supports(F.DELETE_MANIFEST)
    gone = [chance.choice(deletes)] if deletes else []
    errand = [*put, *looks, *gone, *(_look(chance, repository, tag) for tag in (second, first))]
    return over_configuration(turn, repository, errand)


def _pair(turn: Turn, chance: Random) -> tuple[str, str]:
    own = f"{turn.process:05d}x{turn.number:06d}"
    if chance.random() < 0.25:
        return f"lower{own}", f"Lower{own}"
    if chance.random() < 0.33:
        return f"begin{own}", f"begin{own}x1"
    if chance.random() < 0.5:
        first, second = chance.sample(_MARKS, 2)
        return f"mark{own}{first}v", f"mark{own}{second}v"
    long = f"long{own}".ljust(_LONGEST - 1, "x")
    return f"{long}0", f"{long}1"


def _two_repositories(turn: Turn, chance: Random) -> Step:
    """One tag, and one blob that nothing refers to, in both."""
    world = turn.world
    first, second = (world.namespace.repository(name) for name in chance.sample(_REPOSITORIES, 2))
    tag = f"same{turn.process:05d}x{turn.number:06d}"
    blob = Content.seeded(f"{turn.nonce}/alike", _SIZE)
    manifests = [image(world.config, [], f"{turn.nonce}/{which}") for which in range(2)]
    errand: list[Invocation] = [
        invocations.put_manifest(first, tag, manifests[0]),
        invocations.put_manifest(second, tag, manifests[1]),
        *(invocations.push_blob(each, blob, chance.choice(world.push_styles)) for each in (first, second)),
        *(_look(chance, each, tag) for each in (first, second)),
    ]
    if world.supports(F.DELETE_TAG):
        errand.append(invocations.delete_tag(first, tag))
    if world.supports(F.DELETE_BLOB):
        errand.append(invocations.delete_blob(first, blob.digest))
    errand += [
        *(_look(chance, each, tag) for each in (second, first)),
        *(invocations.get_blob(each, blob.digest, blob.size) for each in (second, first)),
        *listed(turn, first),
    ]
    needed = [] if turn.memory.holds(first, world.config.digest) else [world.config]
    return after_blobs(turn, first, needed, lambda: over_configuration(turn, second, errand))


def _look(chance: Random, repository: str, tag: str) -> Invocation:
    return chance.choice([invocations.get_tag, invocations.head_tag])(repository, tag)


ACTIONS = {
    "touch-look-alikes": Action(
        summary="put tags whose names, or whose repositories' names, are nearly the same; delete one, look at both",
        begin=touch_look_alikes,
    ),
}
