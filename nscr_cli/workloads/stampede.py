"""Everybody writes the same at the same instant, again and again, and then all of it is read.

Each round has a layer and a configuration of its own. All clients push the layer at once, each in another style or all
in one, to one repository or each to another; then the configuration; then put identical manifests, under one tag, under
a tag each, or by digest; then read everything. The image names its layer three times. In some rounds nothing refers to
the layer, and some delete it while the others push it again (bugs F1 to F6, F8 and F9 of docs/bugs.toml).
"""

from random import Random

import msgspec

from nscr_cli.generators import invocations
from nscr_cli.generators.documents import Manifest, configuration, image
from nscr_cli.generators.streams import stream
from nscr_cli.generators.together import Part, Together
from nscr_cli.history.invocation import Content, Invocation
from nscr_cli.history.ops import F, Kind
from nscr_cli.workloads.steps import Chain, Step, in_order
from nscr_cli.workloads.world import World

PARTS = 4
_BYSTANDER = 6
_LEAST = 16  # so that the layer of a round is no other round's


def all_at_once(world: World) -> Together:
    """Of six workers of the world five, in one group; the others go about their errands."""
    members = world.workers - world.workers // _BYSTANDER
    return Together(
        lambda part: Chain(_step(world, part)), parts=PARTS, workers=world.workers, groups=1, members=members
    )


class Round(msgspec.Struct, frozen=True, kw_only=True):
    """What everybody writes in one round.

    Attributes:
        spread: how many repositories it goes to.
        tagging: `one` tag for all, one for `each`, or by `digest`.
        is_scratch: nothing refers to the layer; some delete it.
        has_one_style: all push in the same style.
    """

    number: int
    layer: Content
    config: Content
    manifest: Manifest
    spread: int
    tagging: str
    is_scratch: bool
    has_one_style: bool


def round_of(world: World, number: int) -> Round:
    """The round of this number; follows from the world's seed."""
    chance = _chance(world, number)
    nonce = f"{world.seed}/stampede/{number}"
    size = world.blob_size(chance)
    layer = Content.seeded(f"{nonce}/layer", size and max(size, _LEAST))
    config = configuration(nonce)
    return Round(
        number=number,
        layer=layer,
        config=config,
        manifest=image(config, [layer, layer, layer], nonce),
        spread=chance.choice([1, len(world.repositories)]),
        tagging=chance.choice(["one", "each", "digest"]),
        # What is empty is every round's, and nobody deletes what another round's image refers to.
        is_scratch=bool(layer.size) and chance.random() < 0.25 and world.supports(F.DELETE_BLOB),
        has_one_style=chance.random() < 0.4,
    )


def _step(world: World, part: Part) -> Step | None:
    now = round_of(world, part.round)
    repository = world.repositories[part.member % now.spread]
    chance = _chance(world, part.round, part.member, part.part)
    styles = world.push_styles
    shift = _chance(world, part.round, "style").randrange(len(styles))
    style = styles[(shift + (0 if now.has_one_style else part.member)) % len(styles)]
    push = invocations.push_blob(repository, now.layer, style)
    match part.part:
        case 0:
            return Step(push)
        case 1 if now.is_scratch:
            return Step(invocations.delete_blob(repository, now.layer.digest) if part.member % 3 == 0 else push)
        case 1:
            return Step(invocations.push_blob(repository, now.config, style))
        case 2 if now.is_scratch:
            return Step(push)
        case 2:
            put = Step(_put(now, repository, part.member))
            # Sometimes once more, as a client does that lost the answer.
            return Step(put.invocation, lambda event: put if event.kind is Kind.OK else None) if _again(chance) else put
        case _:
            return in_order(_reads(now, repository, part.member, chance))


def _put(now: Round, repository: str, member: int) -> Invocation:
    return invocations.put_manifest(repository, _tag(now, member), now.manifest)


def _tag(now: Round, member: int) -> str | None:
    return {"one": f"r{now.number:06d}", "each": f"r{now.number:06d}m{member:05d}"}.get(now.tagging)


def _reads(now: Round, repository: str, member: int, chance: Random) -> list[Invocation]:
    layer = now.layer
    reads = [invocations.get_blob(repository, layer.digest, layer.size)]
    if chance.random() < 0.5:
        reads.append(invocations.head_blob(repository, layer.digest, layer.size))
    if not now.is_scratch:
        tag = _tag(now, member)
        by_digest = invocations.get_manifest(repository, now.manifest.digest)
        reads.append(by_digest if tag is None else invocations.get_tag(repository, tag))
        reads.append(invocations.get_blob(repository, now.config.digest, now.config.size))
    chance.shuffle(reads)
    return reads


def _again(chance: Random) -> bool:
    return chance.random() < 0.3


def _chance(world: World, *purpose: int | str) -> Random:
    return stream(world.seed, "stampede", *purpose)
