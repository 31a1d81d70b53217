"""Errands that attach artifacts to few subjects, take them away again, and list what is attached.

Subjects follow from the seed, so that every client knows them, and may come after what refers to them
(spec.md#pushing-manifests-with-subject). They are never deleted; attachments are unique, and deleted by their writer.
"""

import re
from random import Random

from nscr_cli.generators import invocations
from nscr_cli.generators.documents import Manifest, artifact, artifact_by_configuration, artifact_index, image
from nscr_cli.history.ops import F, Kind, Op
from nscr_cli.workloads.actor import Action, Turn
from nscr_cli.workloads.pushes import INDEXES, after_blobs
from nscr_cli.workloads.steps import Step, in_order

SIGNATURE = "application/vnd.nscr.signature"
_MOST_WALKED = 12
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}", re.ASCII)
_TYPES = (SIGNATURE, "application/vnd.nscr.attestation")


def attach(turn: Turn) -> Step:
    """A new artifact, by its digest, of one of two types; sometimes the subject first, sometimes the list at once.

    Some say their type by that of their configuration alone, some are indexes.
    """
    chance = turn.chance("attach")
    repository, subject = contended(turn, chance)
    artifact_type = chance.choice(_TYPES)
    brings_subject = chance.random() < 0.2
    looks = chance.random() < 0.5
    look = Step(invocations.list_referrers(repository, subject.digest, chance.choice([None, artifact_type])))
    before, attached = _artifact(turn, subject, artifact_type)
    if brings_subject:
        before = [*before, subject]

    def put() -> Step:
        return Step(
            invocations.put_manifest(repository, None, attached),
            lambda event: look if event.kind is Kind.OK and looks else None,
            lambda memory: memory.with_manifest(repository, attached, None),
        )

    def begin() -> Step:
        puts = [invocations.put_manifest(repository, None, manifest) for manifest in before]
        return in_order(puts, put) if puts else put()

    needed = [] if turn.memory.holds(repository, turn.world.config.digest) else [turn.world.config]
    return after_blobs(turn, repository, needed, begin)


def _artifact(turn: Turn, subject: Manifest, artifact_type: str) -> tuple[list[Manifest], Manifest]:
    """What has to be there first, and the artifact."""
    config, nonce = turn.world.config, turn.nonce
    draw = turn.chance("artifact").random()
    if draw < 0.2:
        return [], artifact_by_configuration(config, subject, artifact_type, nonce)
    if draw < 0.35 and turn.world.supports(INDEXES):
        child = image(config, [], f"{nonce}/child")
        return [child], artifact_index(child, subject, artifact_type, nonce)
    return [], artifact(config, subject, artifact_type, nonce)


def attach_tagged(turn: Turn) -> Step:
    """A new artifact under a tag and under its digest: two puts, one referrer (bug I3 of docs/bugs.toml)."""
    chance = turn.chance("attach-tagged")
    repository, subject = contended(turn, chance)
    attached = artifact(turn.world.config, subject, chance.choice(_TYPES), turn.nonce)
    look = Step(invocations.list_referrers(repository, subject.digest))

    def again(event: Op) -> Step | None:
        if event.kind is not Kind.OK:
            return None
        return Step(invocations.put_manifest(repository, None, attached), lambda _event: look)

    own_tag = f"a{turn.process:05d}x{turn.number:06d}"
    needed = [] if turn.memory.holds(repository, turn.world.config.digest) else [turn.world.config]
    return after_blobs(
        turn, repository, needed, lambda: Step(invocations.put_manifest(repository, own_tag, attached), again)
    )


def detach(turn: Turn) -> Step:
    """Delete an artifact of ours by its digest, and look."""
    chance = turn.chance("detach")
    choices = [
        (written.manifest, home)
        for written in turn.memory.manifests
        if written.manifest.subject
        for home in written.homes
    ]
    if not choices:
        return attach(turn)
    manifest, home = chance.choice(choices)
    look = Step(invocations.list_referrers(home, manifest.subject or ""))
    return Step(
        invocations.delete_manifest(home, manifest.digest), lambda event: look if event.kind is Kind.OK else None
    )


def attach_nested(turn: Turn) -> Step:
    """A new artifact that refers to an artifact of ours: who walks along referrers finds more than one level."""
    chance = turn.chance("attach-nested")
    choices = [
        (written.manifest, home)
        for written in turn.memory.manifests
        if written.manifest.subject
        for home in written.homes
    ]
    if not choices:
        return attach(turn)
    subject, home = chance.choice(choices)
    nested = artifact(turn.world.config, subject, chance.choice(_TYPES), turn.nonce)
    return Step(
        invocations.put_manifest(home, None, nested),
        lambda event: Step(invocations.list_referrers(home, subject.digest)) if event.kind is Kind.OK else None,
        lambda memory: memory.with_manifest(home, nested, None),
    )


def walk_referrers(turn: Turn) -> Step:
    """What is attached to a contended subject, what is attached to that, and so on; each once, and only so many.

    What is followed comes from the registry: a list that leads round in a circle must not keep its reader for ever (bug
    I5 of docs/bugs.toml).
    """
    repository, subject = contended(turn, turn.chance("walk"))

    def visit(waiting: tuple[str, ...], seen: frozenset[str]) -> Step:
        digest, *rest = waiting

        def then(event: Op) -> Step | None:
            found = (event.answered.referrers if event.answered else None) or ()
            new = dict.fromkeys(one.digest for one in found if _DIGEST.fullmatch(one.digest))
            following = (*rest, *(digest for digest in new if digest not in seen))[:_MOST_WALKED]
            is_over = not following or len(seen) >= _MOST_WALKED
            return None if is_over else visit(following, seen | {following[0], *new})

        return Step(invocations.list_referrers(repository, digest), then)

    return visit((subject.digest,), frozenset({subject.digest}))


def delete_subject(turn: Turn) -> Step:
    """A subject of our own with an artifact; the subject is deleted, and what is still listed for it is counted.

    The specification does not say what becomes of it; where nothing does, it adds up (bug I6 of docs/bugs.toml).
    """
    chance = turn.chance("delete-subject")
    repository = chance.choice(turn.world.repositories)
    subject = image(turn.world.config, [], f"{turn.nonce}/subject")
    attached = artifact(turn.world.config, subject, chance.choice(_TYPES), turn.nonce)
    errand = [
        invocations.put_manifest(repository, None, subject),
        invocations.put_manifest(repository, None, attached),
        invocations.delete_manifest(repository, subject.digest),
        invocations.list_referrers(repository, subject.digest),
    ]
    needed = [] if turn.memory.holds(repository, turn.world.config.digest) else [turn.world.config]
    return after_blobs(turn, repository, needed, lambda: in_order(errand))


def list_referrers(turn: Turn) -> Step:
    """What is attached to a contended subject, of all types or of one."""
    chance = turn.chance("list-referrers")
    repository, subject = contended(turn, chance)
    return Step(invocations.list_referrers(repository, subject.digest, chance.choice([None, None, *_TYPES])))


def contended(turn: Turn, chance: Random) -> tuple[str, Manifest]:
    """A repository and a subject, one more often than all others; as many subjects as the scenario has tags."""
    number = chance.randrange(len(turn.world.tags))
    repository = chance.choice(turn.world.repositories)
    if chance.random() < 0.4:
        number, repository = 0, turn.world.repositories[0]
    return repository, image(turn.world.config, [], f"{turn.world.seed}/subject/{number}")


ACTIONS = {
    "attach": Action(
        summary="push an artifact that refers to a contended subject",
        begin=attach,
        needs=(F.LIST_REFERRERS,),
    ),
    "attach-tagged": Action(
        summary="push one artifact under a tag and under its digest, and list",
        begin=attach_tagged,
        needs=(F.LIST_REFERRERS,),
    ),
    "detach": Action(
        summary="delete an artifact of ours by digest, and list",
        begin=detach,
        needs=(F.LIST_REFERRERS, F.DELETE_MANIFEST),
    ),
    "attach-nested": Action(
        summary="push an artifact that refers to an artifact of ours, and list",
        begin=attach_nested,
        needs=(F.LIST_REFERRERS,),
    ),
    "walk-referrers": Action(
        summary="list what refers to a contended subject, what refers to that, and so on",
        begin=walk_referrers,
        needs=(F.LIST_REFERRERS,),
    ),
    "delete-subject": Action(
        summary="push a subject of our own and an artifact, delete the subject, and list",
        begin=delete_subject,
        needs=(F.LIST_REFERRERS, F.DELETE_MANIFEST),
    ),
    "list-referrers": Action(
        summary="list what refers to a contended subject, of all types or one",
        begin=list_referrers,
        needs=(F.LIST_REFERRERS,),
    ),
}
