"""Errands around pushes that take long: the push itself, and others that look for its blob before it is there.

What is pushed follows from the seed and from how far a client is, so that others know the digest of what is still on
its way: they ask for it, and mount it elsewhere (bugs L1 to L3 of docs/bugs.toml).
"""

from functools import lru_cache

from nscr_cli.generators import invocations
from nscr_cli.generators.documents import configuration, image
from nscr_cli.generators.streams import stream
from nscr_cli.history.invocation import Content
from nscr_cli.history.ops import F, Kind, Op
from nscr_cli.workloads.actor import Action, Turn
from nscr_cli.workloads.pushes import after_blobs, put_manifest
from nscr_cli.workloads.steps import Step

_AT_A_TIME = 2
_ERRANDS_A_WAVE = 3
_MOST_LOOKS = 8


def push_long(turn: Turn) -> Step:
    """A long blob, then an image over it under a contended tag, and read what the tag names."""
    chance = turn.chance("push-long")
    repository, content = _place(turn, chance.randrange(_AT_A_TIME))
    tag = chance.choice(turn.world.tags)
    config = configuration(turn.nonce)
    manifest = image(config, [content], turn.nonce)

    def put() -> Step:
        return put_manifest(repository, tag, manifest, reads_back=True)

    def then(event: Op) -> Step | None:
        if event.kind is not Kind.OK:
            return None
        # Acknowledged once, it need not be sent again: HEAD finds it, and the image goes over it.
        known = invocations.head_blob(repository, content.digest, content.size)
        return Step(known, lambda _event: after_blobs(turn, repository, [config], put))

    return Step(
        invocations.push_blob(repository, content, chance.choice(turn.world.push_styles)),
        then,
        lambda memory: memory.with_blob(repository, content),
    )


def follow_long(turn: Turn) -> Step:
    """Ask a few times for a blob that others may be pushing at this moment; once it is there, read every byte."""
    chance = turn.chance("follow-long")
    repository, content = _place(turn, chance.randrange(_AT_A_TIME))
    whole = invocations.get_blob(repository, content.digest, content.size)
    head = invocations.head_blob(repository, content.digest, content.size)
    looks = [whole if chance.random() < 0.3 else head for _ in range(_MOST_LOOKS)]

    def look(number: int) -> Step:
        def then(event: Op) -> Step | None:
            if event.answered and event.answered.present:
                return Step(whole) if looks[number] is head else None
            return look(number + 1) if number + 1 < len(looks) else None

        return Step(looks[number], then)

    return look(0)


def mount_long(turn: Turn) -> Step:
    """Mount a blob that others may be pushing at this moment into another repository; if that worked, read it there."""
    chance = turn.chance("mount-long")
    source, content = _place(turn, chance.randrange(_AT_A_TIME))
    others = [repository for repository in turn.world.repositories if repository != source]
    if not others:
        return follow_long(turn)
    home = chance.choice(others)
    read = Step(invocations.get_blob(home, content.digest, content.size))
    return Step(
        invocations.mount_blob(home, content, source),
        lambda event: read if event.kind is Kind.OK else None,
        lambda memory: memory.with_blob(home, content),
    )


def _place(turn: Turn, which: int) -> tuple[str, Content]:
    """The long blobs of this time, each with the repository that it is pushed to."""
    wave = turn.number // _ERRANDS_A_WAVE
    size = turn.world.blob_size(stream(turn.world.seed, "long", wave, which))
    repositories = turn.world.repositories
    return repositories[which % len(repositories)], _content(f"{turn.world.seed}/long/{wave}/{which}", size)


@lru_cache(maxsize=64)
def _content(seed: str, size: int) -> Content:
    """Every client makes the same few large blobs, and hashing them is most of the work."""
    return Content.seeded(seed, size)


ACTIONS = {
    "push-long": Action(summary="push a blob that others look for meanwhile, then an image over it", begin=push_long),
    "follow-long": Action(
        summary="ask for a blob that others may be pushing, and read it once it is there", begin=follow_long
    ),
    "mount-long": Action(
        summary="mount a blob that others may be pushing, and read it where it was mounted to",
        begin=mount_long,
        needs=(F.MOUNT_BLOB,),
    ),
}
