"""What errands that delete are made of: tags of our own, looks from every side, deletes of whatever kind there is."""

from collections.abc import Callable, Sequence
from random import Random

from nscr_cli.generators import invocations
from nscr_cli.history.invocation import Content, Invocation
from nscr_cli.history.ops import F, PushStyle
from nscr_cli.workloads.actor import Turn
from nscr_cli.workloads.pushes import after_blobs
from nscr_cli.workloads.steps import Step, in_order


def own_tags(turn: Turn, prefix: str, count: int) -> list[str]:
    """Tags that nobody else writes, without punctuation, on whose order registries may differ."""
    return [f"{prefix}{turn.process:05d}x{turn.number:06d}x{which}" for which in range(count)]


def every_look(turn: Turn, repository: str, tags: Sequence[str], chance: Random) -> list[Invocation]:
    """Every tag by HEAD and by GET, and the list, in any order."""
    looks = [look(repository, tag) for tag in tags for look in (invocations.head_tag, invocations.get_tag)]
    looks += listed(turn, repository)
    return chance.sample(looks, len(looks))


def listed(turn: Turn, repository: str) -> list[Invocation]:
    return [invocations.list_tags(repository)] if turn.world.supports(F.LIST_TAGS) else []


def deletes_of_all(turn: Turn, repository: str, digest: str, tags: Sequence[str], chance: Random) -> list[Invocation]:
    """Every tag for itself, or their manifest; whatever the registry can do."""
    ways: list[list[Invocation]] = []
    if turn.world.supports(F.DELETE_TAG):
        ways.append([invocations.delete_tag(repository, tag) for tag in tags])
    if turn.world.supports(F.DELETE_MANIFEST):
        ways.append([invocations.delete_manifest(repository, digest)])
    return chance.choice(ways) if ways else []


def over_configuration(turn: Turn, repository: str, errand: Sequence[Invocation]) -> Step:
    """The errand, once the configuration that all manifests of a run share lies in the repository."""
    config = turn.world.config
    needed = [] if turn.memory.holds(repository, config.digest) else [config]
    return after_blobs(turn, repository, needed, lambda: in_order(errand))


def push_what_lacks(
    repository: str, blobs: Sequence[Content], styles: Sequence[PushStyle], finish: Callable[[], Step]
) -> Step:
    """Every blob that HEAD does not find is pushed; then `finish`."""
    if not blobs:
        return finish()
    blob, style = blobs[0], styles[0]

    def go_on() -> Step:
        return push_what_lacks(repository, blobs[1:], styles[1:], finish)

    push = Step(invocations.push_blob(repository, blob, style), lambda _event: go_on())
    return Step(
        invocations.head_blob(repository, blob.digest, blob.size),
        lambda event: go_on() if event.answered and event.answered.present else push,
    )
