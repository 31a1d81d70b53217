"""Errands that read: a whole image with every byte, a tag, a list.

What is followed comes from the registry, so it is hostile: a reference is followed only if its digest is one, and a
pull ends after a bounded number of reads whatever the manifests say.
"""

import re
from collections.abc import Sequence

from nscr_cli.generators import invocations
from nscr_cli.history.ops import F, Op, Reference
from nscr_cli.workloads.actor import Action, Turn
from nscr_cli.workloads.steps import Step

BLOB_RANGES = "blob-ranges"
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}", re.ASCII)
_MOST_READS = 64
_PAGE_SIZES = (None, None, 3, 50)


def pull_image(turn: Turn) -> Step:
    """What a tag names, and all that it refers to, down to the last byte of every blob."""
    chance = turn.chance("pull")
    repository = chance.choice(turn.world.repositories)
    tag = chance.choice(turn.world.tags)
    read = pulled(turn, repository, tag)
    # As Docker does: ask for the digest first, then read.
    if chance.random() < 0.25:
        return Step(invocations.head_tag(repository, tag), lambda _event: read)
    return read


def pulled(turn: Turn, repository: str, tag: str) -> Step:
    """The manifest under a tag, and all that it refers to."""
    return Step(
        invocations.get_tag(repository, tag),
        lambda event: _fetch(turn, repository, _references(event), _MOST_READS),
    )


def read_tag(turn: Turn) -> Step:
    """One GET or HEAD of a contended tag."""
    chance = turn.chance("read")
    read = chance.choice([invocations.get_tag, invocations.get_tag, invocations.head_tag])
    return Step(read(chance.choice(turn.world.repositories), chance.choice(turn.world.tags)))


def list_tags(turn: Turn) -> Step:
    """All tags of a repository, sometimes in pages of a size that we ask for."""
    chance = turn.chance("list")
    repository = chance.choice(turn.world.repositories)
    return Step(invocations.list_tags(repository, chance.choice(_PAGE_SIZES)))


def _references(event: Op) -> tuple[Reference, ...]:
    return (event.answered.references if event.answered else None) or ()


def _fetch(turn: Turn, repository: str, wanted: Sequence[Reference], reads_left: int) -> Step | None:
    """Each reference in turn; children of an index before its next child."""
    wanted = [reference for reference in wanted if _DIGEST.fullmatch(reference.digest)]
    if not wanted or reads_left <= 0:
        return None
    first, rest = wanted[0], wanted[1:]
    if first.is_manifest:
        return Step(
            invocations.get_manifest(repository, first.digest),
            lambda event: _fetch(turn, repository, [*_references(event), *rest], reads_left - 1),
        )
    chance = turn.chance("fetch", reads_left)
    whole = Step(
        invocations.get_blob(repository, first.digest, first.size),
        lambda _event: _fetch(turn, repository, rest, reads_left - 1),
    )
    draw = chance.random()
    if draw < 0.15:
        return Step(invocations.head_blob(repository, first.digest, first.size), lambda _event: whole)
    if draw < 0.3 and first.size > 1 and turn.world.supports(BLOB_RANGES):
        start = chance.randrange(first.size)
        span = (start, chance.randrange(start, first.size))
        known = turn.memory.content_of(first.digest)
        part = invocations.get_range(repository, first.digest, first.size, span, known)
        return Step(part, lambda _event: whole)
    return whole


ACTIONS = {
    "read-tag": Action(summary="GET or HEAD a contended tag", begin=read_tag),
    "list-tags": Action(summary="list the tags of a repository", begin=list_tags, needs=(F.LIST_TAGS,)),
    "pull-image": Action(summary="read a tag and every byte under it", begin=pull_image),
}
