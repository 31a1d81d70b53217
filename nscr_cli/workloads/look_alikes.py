"""Errands over names that differ by as little as names may: by case, one mark, an ending, the last of 128 characters.

Who compares names without regard to case, takes `_` for a wildcard, looks for beginnings or cuts names off, takes one
for the other (spec.md#pulling-manifests has the grammar; by it each is a name of its own). Every tag is this client's
alone; repositories are shared, and the one whose tags have marks in them is never listed, for on the order of marks
registries may differ (final_reads.py).
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
# The first of each pair is the one that is deleted from and listed.
_REPOSITORIES = (("alike_a", "alike-a"), ("alike-a", "alike-ab"))
_LONGEST = 128
_SIZE = 64


def touch_look_alikes(turn: Turn) -> Step:
    """Tags of one repository, or one tag of two, whose names are nearly the same: one goes, the others stay."""
    chance = turn.chance("look-alikes")
    return (_many_tags if chance.random() < 0.6 else _two_repositories)(turn, chance)


def _many_tags(turn: Turn, chance: Random) -> Step:
    """Each on a manifest of its own."""
    repository = turn.world.namespace.repository(_UNLISTED)
    tags = _alike(turn)
    manifests = [image(turn.world.config, [], f"{turn.nonce}/{which}") for which in range(len(tags))]
    put = [invocations.put_manifest(repository, tag, manifest) for tag, manifest in zip(tags, manifests, strict=True)]
    gone = [invocations.delete_tag(repository, tags[0])] * turn.world.supports(F.DELETE_TAG)
    if chance.random() < 0.2 and turn.world.supports(F.DELETE_MANIFEST):
        gone = [invocations.delete_manifest(repository, manifests[0].digest)]
    errand = [
        *chance.sample(put, len(put)),
        *chance.sample([_look(chance, repository, tag) for tag in tags], 2),
        *gone,
        *chance.sample([_look(chance, repository, tag) for tag in tags], len(tags)),
    ]
    return over_configuration(turn, repository, errand)


def _alike(turn: Turn) -> list[str]:
    """The first is the beginning of one, and the same as others but for case and for marks."""
    own = f"ook{turn.process:05d}x{turn.number:06d}"
    long = f"l{own}".ljust(_LONGEST - 1, "x")
    return [f"l{own}_v", f"L{own}_v", f"l{own}-v", f"l{own}.v", f"l{own}_v1", f"{long}0", f"{long}1"]


def _two_repositories(turn: Turn, chance: Random) -> Step:
    """One tag, and one blob that nothing refers to, in both."""
    world = turn.world
    first, second = (world.namespace.repository(name) for name in chance.choice(_REPOSITORIES))
    tag = f"same{turn.process:05d}x{turn.number:06d}"
    blob = Content.seeded(f"{turn.nonce}/alike", _SIZE)
    manifests = [image(world.config, [], f"{turn.nonce}/{which}") for which in range(2)]
    errand: list[Invocation] = [
        invocations.put_manifest(first, tag, manifests[0]),
        invocations.put_manifest(second, tag, manifests[1]),
        invocations.put_manifest(second, f"{tag}b", manifests[1]),
        *(invocations.push_blob(each, blob, chance.choice(world.push_styles)) for each in (first, second)),
        *(_look(chance, each, tag) for each in (first, second)),
        *listed(turn, first),
    ]
    if world.supports(F.DELETE_TAG):
        errand.append(invocations.delete_tag(first, tag))
    if world.supports(F.DELETE_BLOB):
        errand.append(invocations.delete_blob(first, blob.digest))
    errand += [
        *(_look(chance, each, tag) for each in (second, first)),
        *(invocations.get_blob(each, blob.digest, blob.size) for each in (second, first)),
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
