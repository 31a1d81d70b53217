"""Errands that ask for what must be refused or not be there: a registry that grants them believes anything.

Bytes under a digest that is not theirs, be it all another one or almost the same, and be there something under it or
not (bugs C6, C8, C11 of docs/bugs.toml); a mount of what nobody has, or from where it is not; a blob read through a
repository that never got it (H5), or by what is nearly its digest; a manifest over a blob or child that nobody pushed
there (C12); an upload used through another repository than its own.
"""

from collections.abc import Callable, Sequence

from nscr_cli.generators import invocations
from nscr_cli.generators.documents import image, index
from nscr_cli.history.invocation import Content, Invocation
from nscr_cli.history.keys import digest_key
from nscr_cli.history.ops import F, Kind, Op, PushStyle
from nscr_cli.workloads.actor import Action, Turn
from nscr_cli.workloads.pushes import INDEXES, after_blobs
from nscr_cli.workloads.sha512 import SHA512, is_used
from nscr_cli.workloads.steps import Step, in_order

_SIZE = 64


def ask_in_vain(turn: Turn) -> Step:
    """One of these, in any push style, and a look whether it left anything behind."""
    world = turn.world
    kinds: list[Callable[[Turn], Step]] = [_push_wrong_bytes, _push_wrong_bytes, _put_over_nothing, _read_misspelt]
    if len(world.repositories) > 1:
        kinds += [_read_elsewhere, _push_other_bytes_than_lie_elsewhere]
        if world.supports(PushStyle.CHUNKED_PATCH):
            kinds.append(_use_upload_elsewhere)
        if world.supports(F.MOUNT_BLOB):
            kinds.append(_mount_what_nobody_has)
            if len(world.repositories) > 2:
                kinds.append(_mount_from_where_it_is_not)
    return turn.chance("vain").choice(kinds)(turn)


def _push_wrong_bytes(turn: Turn) -> Step:
    chance = turn.chance("wrong")
    repository = chance.choice(turn.world.repositories)
    size = _SIZE + turn.world.blob_size(chance)
    algorithm = SHA512 if chance.random() < 0.4 and is_used(turn.world) else "sha256"
    sent, other = (Content.seeded(f"{turn.nonce}/{which}", size, algorithm=algorithm) for which in ("sent", "claimed"))
    sent = chance.choice([sent, sent, sent, sent, sent, Content.of_bytes(b"", algorithm=algorithm)])
    # Some registries compare but a part of a digest.
    claimed = chance.choice([other.digest, other.digest, _almost(sent.digest, 0), _almost(sent.digest, -1)])
    push = invocations.push_wrong_bytes(repository, sent, claimed, chance.choice(turn.world.push_styles))
    return in_order([push, invocations.get_blob(repository, claimed, None)])


def _almost(digest: str, place: int) -> str:
    """Another digest that differs in one place of its hexadecimal digits, the first (0) or the last (-1)."""
    algorithm, _, encoded = digest.partition(":")
    digits = list(encoded)
    digits[place] = "0" if digits[place] != "0" else "1"
    return f"{algorithm}:{''.join(digits)}"


def _push_other_bytes_than_lie_elsewhere(turn: Turn) -> Step:
    """Who holds the right bytes already, for another repository, may be tempted not to look at those that come."""
    chance = turn.chance("known")
    repository, second = chance.sample(turn.world.repositories, 2)
    size = _SIZE + turn.world.blob_size(chance)
    known = Content.seeded(f"{turn.nonce}/known", size)
    other = Content.seeded(f"{turn.nonce}/sent", chance.choice([size, _SIZE]))
    styles = [chance.choice(turn.world.push_styles) for _ in range(2)]
    look = chance.choice([invocations.get_blob, invocations.head_blob])
    return in_order(
        [
            invocations.push_blob(second, known, styles[0]),
            invocations.push_wrong_bytes(repository, other, known.digest, styles[1]),
            look(repository, known.digest, known.size),
        ]
    )


def _read_misspelt(turn: Turn) -> Step:
    """A blob by what is nearly its digest and no digest at all: in capitals, cut short, one digit too long."""
    chance = turn.chance("misspelt")
    repository = chance.choice(turn.world.repositories)
    content = Content.seeded(f"{turn.nonce}/misspelt", _SIZE)
    algorithm, _, encoded = content.digest.partition(":")
    names = [encoded.upper(), encoded[:-1], encoded[:12], f"{encoded}0"]
    reads = [
        invocations.read_malformed(f, digest_key(repository, f"{algorithm}:{name}"))
        for f, name in zip((F.GET_BLOB, F.HEAD_BLOB), chance.sample(names, 2), strict=True)
    ]
    return in_order([invocations.push_blob(repository, content, chance.choice(turn.world.push_styles)), *reads])


def _put_over_nothing(turn: Turn) -> Step:
    """Manifests that lack their configuration or a layer, or have it elsewhere; an index that lacks a child.

    By their digests, or under tags of our own, which must not be there then.
    """
    chance = turn.chance("over-nothing")
    world = turn.world
    repository = chance.choice(world.repositories)
    config, shared = world.config, world.shared[0]
    lacking = [Content.seeded(f"{turn.nonce}/lacking/{which}", _SIZE) for which in range(3)]
    before: list[Invocation] = []
    manifests = [
        image(lacking[0], [], f"{turn.nonce}/configuration"),
        image(config, [shared, lacking[1]], f"{turn.nonce}/layer"),
    ]
    if len(world.repositories) > 1:
        second = chance.choice([other for other in world.repositories if other != repository])
        before.append(invocations.push_blob(second, lacking[2], chance.choice(world.push_styles)))
        manifests.append(image(config, [shared, lacking[2]], f"{turn.nonce}/elsewhere"))
    if world.supports(INDEXES):
        children = [image(config, [], f"{turn.nonce}/{which}") for which in ("pushed", "never-pushed")]
        before.append(invocations.put_manifest(repository, None, children[0]))
        manifests.append(index(children, f"{turn.nonce}/index"))
    tag = f"vain{turn.process:05d}x{turn.number:06d}" if chance.random() < 0.5 else None
    errand = [
        *before,
        *(invocations.put_manifest(repository, tag, one) for one in chance.sample(manifests, len(manifests))),
    ]
    errand += [invocations.get_tag(repository, tag)] if tag is not None else []
    needed = [] if turn.memory.holds(repository, config.digest) else [config]
    return after_blobs(turn, repository, needed, lambda: in_order(errand))


def _mount_what_nobody_has(turn: Turn) -> Step:
    repository, second = turn.chance("absent").sample(turn.world.repositories, 2)
    absent = Content.seeded(f"{turn.nonce}/absent", _SIZE)
    mount = invocations.mount_blob(repository, absent, second)
    return in_order([mount, invocations.head_blob(repository, absent.digest, absent.size)])


def _mount_from_where_it_is_not(turn: Turn) -> Step:
    """A third repository has it; the one that it is to come from never did, or not any more."""
    chance = turn.chance("mount-from-elsewhere")
    repository, source, home = chance.sample(turn.world.repositories, 3)
    content = Content.seeded(f"{turn.nonce}/home", _SIZE)
    style = chance.choice(turn.world.push_styles)
    had = [invocations.push_blob(source, content, style), invocations.delete_blob(source, content.digest)]
    return in_order(
        [
            invocations.push_blob(home, content, style),
            *(had if chance.random() < 0.5 and turn.world.supports(F.DELETE_BLOB) else ()),
            invocations.mount_blob(repository, content, source),
            invocations.head_blob(repository, content.digest, content.size),
        ]
    )


def _read_elsewhere(turn: Turn) -> Step:
    chance = turn.chance("elsewhere")
    repository, second = chance.sample(turn.world.repositories, 2)
    content = Content.seeded(f"{turn.nonce}/elsewhere", _SIZE)
    look = chance.choice([invocations.get_blob, invocations.head_blob])
    push = invocations.push_blob(repository, content, chance.choice(turn.world.push_styles))
    return in_order([push, look(second, content.digest, content.size)])


def _use_upload_elsewhere(turn: Turn) -> Step:
    """An upload asked for, fed, closed and cancelled through another repository; then it goes on as if nothing were.

    Where any of that is granted, nobody uses it any more: what became of it, nobody can tell.
    """
    chance = turn.chance("upload-elsewhere")
    repository, second = chance.sample(turn.world.repositories, 2)
    blob = Content.seeded(f"{turn.nonce}/upload-elsewhere", _SIZE + turn.world.blob_size(chance))
    name, middle = f"vain-{turn.process}.{turn.number}", blob.size // 2

    def patch(first: int, end: int) -> Invocation:
        chunk = invocations.part_of(blob, first, end)
        return invocations.patch_upload(repository, blob, name, chunk, (first, end - 1))

    ask = invocations.get_upload(repository, blob, name)
    trespasses = [
        invocations.through(second, step)
        for step in (
            ask,
            patch(middle, blob.size),
            invocations.finish_upload(repository, blob, name, middle),
            invocations.cancel_upload(repository, blob, name),
        )
    ]
    chance.shuffle(trespasses)
    goes_on = [
        ask,
        patch(middle, blob.size),
        invocations.finish_upload(repository, blob, name),
        invocations.get_blob(repository, blob.digest, blob.size),
        invocations.head_blob(second, blob.digest, blob.size),
    ]

    def trespass(remaining: Sequence[Invocation]) -> Step:
        if not remaining:
            return in_order(goes_on)
        return Step(remaining[0], lambda event: None if _is_granted(event) else trespass(remaining[1:]))

    def first_half(event: Op) -> Step | None:
        is_begun = event.kind is Kind.OK and event.answered is not None and not event.answered.least_chunk
        return (
            Step(patch(0, middle), lambda sent: trespass(trespasses) if sent.kind is Kind.OK else None)
            if is_begun
            else None
        )

    return Step(invocations.start_upload(repository, blob, name), first_half)


def _is_granted(event: Op) -> bool:
    return event.kind is Kind.OK and event.answered is not None and event.answered.present is not False


ACTIONS = {
    "ask-in-vain": Action(
        summary="push wrong bytes, mount what is not there, read what lies elsewhere, use another repository's upload",
        begin=ask_in_vain,
    ),
}
