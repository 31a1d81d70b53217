"""Errands that attach artifacts to few subjects, take them away again, and list what is attached.

Subjects follow from the seed, so that every client knows them, and may come after what refers to them
(spec.md#pushing-manifests-with-subject). They are never deleted; attachments are unique, and deleted by their writer.
"""

from random import Random

from nscr_cli.generators import invocations
from nscr_cli.generators.documents import Manifest, artifact, image
from nscr_cli.history.ops import Kind, Op
from nscr_cli.workloads.actor import Turn
from nscr_cli.workloads.pushes import after_blobs
from nscr_cli.workloads.steps import Step

SIGNATURE = "application/vnd.nscr.signature"
_TYPES = (SIGNATURE, "application/vnd.nscr.attestation")


def attach(turn: Turn) -> Step:
    """A new artifact, by its digest, of one of two types; sometimes the subject first, sometimes the list at once."""
    chance = turn.chance("attach")
    repository, subject = contended(turn, chance)
    attached = artifact(turn.world.config, subject, chance.choice(_TYPES), turn.nonce)
    brings_subject = chance.random() < 0.2
    looks = chance.random() < 0.5
    look = Step(invocations.list_referrers(repository, subject.digest, chance.choice([None, attached.artifact_type])))

    def put() -> Step:
        return Step(
            invocations.put_manifest(repository, None, attached),
            lambda event: look if event.kind is Kind.OK and looks else None,
            lambda memory: memory.with_manifest(repository, attached, None),
        )

    def begin() -> Step:
        if not brings_subject:
            return put()
        return Step(invocations.put_manifest(repository, None, subject), lambda _event: put())

    needed = [] if turn.memory.holds(repository, turn.world.config.digest) else [turn.world.config]
    return after_blobs(turn, repository, needed, begin)


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


def list_referrers(turn: Turn) -> Step:
    """What is attached to a contended subject, of all types or of one."""
    chance = turn.chance("list-referrers")
    repository, subject = contended(turn, chance)
    return Step(invocations.list_referrers(repository, subject.digest, chance.choice([None, None, *_TYPES])))


def contended(turn: Turn, chance: Random) -> tuple[str, Manifest]:
    """A repository and a subject; as many subjects as the scenario has tags."""
    number = chance.randrange(len(turn.world.tags))
    subject = image(turn.world.config, [], f"{turn.world.seed}/subject/{number}")
    return chance.choice(turn.world.repositories), subject
