"""Errands that ask for what must be refused or not be there: a registry that grants them believes anything.

Bytes under the digest of other bytes (bugs C6, C8, C11 of docs/bugs.toml), a mount of what nobody has, a blob read
through a repository that never got it (H5), a manifest over a blob that nobody pushed (C12).
"""

from nscr_cli.generators import invocations
from nscr_cli.generators.documents import configuration, image
from nscr_cli.history.invocation import Content
from nscr_cli.history.ops import F
from nscr_cli.workloads.actor import Action, Turn
from nscr_cli.workloads.steps import Step, in_order

_SIZE = 64


def ask_in_vain(turn: Turn) -> Step:
    """One of the four, in any push style, and a look whether it left anything behind."""
    chance = turn.chance("vain")
    kinds = [_push_wrong_bytes, _put_over_nothing]
    if len(turn.world.repositories) > 1:
        kinds.append(_read_elsewhere)
        if turn.world.supports(F.MOUNT_BLOB):
            kinds.append(_mount_what_nobody_has)
    return chance.choice(kinds)(turn)


def _push_wrong_bytes(turn: Turn) -> Step:
    chance = turn.chance("wrong")
    repository = chance.choice(turn.world.repositories)
    size = _SIZE + turn.world.blob_size(chance)
    content, claimed = (Content.seeded(f"{turn.nonce}/{which}", size) for which in ("sent", "claimed"))
    push = invocations.push_wrong_bytes(repository, content, claimed, chance.choice(turn.world.push_styles))
    return in_order([push, invocations.get_blob(repository, claimed.digest, claimed.size)])


def _put_over_nothing(turn: Turn) -> Step:
    repository = turn.chance("over-nothing").choice(turn.world.repositories)
    manifest = image(configuration(f"{turn.nonce}/never-pushed"), [], turn.nonce)
    return Step(invocations.put_manifest(repository, None, manifest))


def _mount_what_nobody_has(turn: Turn) -> Step:
    repository, second = turn.chance("absent").sample(turn.world.repositories, 2)
    absent = Content.seeded(f"{turn.nonce}/absent", _SIZE)
    mount = invocations.mount_blob(repository, absent, second)
    return in_order([mount, invocations.head_blob(repository, absent.digest, absent.size)])


def _read_elsewhere(turn: Turn) -> Step:
    chance = turn.chance("elsewhere")
    repository, second = chance.sample(turn.world.repositories, 2)
    content = Content.seeded(f"{turn.nonce}/elsewhere", _SIZE)
    look = chance.choice([invocations.get_blob, invocations.head_blob])
    push = invocations.push_blob(repository, content, chance.choice(turn.world.push_styles))
    return in_order([push, look(second, content.digest, content.size)])


ACTIONS = {
    "ask-in-vain": Action(
        summary="push wrong bytes, mount what nobody has, read what lies elsewhere", begin=ask_in_vain
    ),
}
