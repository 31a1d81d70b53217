"""Errands that read as few clients do: ranges of every kind, conditions, every `Accept`; HEAD beside GET.

Over blobs whose sizes lie around powers of two, where buffers and limits end (bug K2 of docs/bugs.toml). Their bytes
follow from a seed, so every range has a digest to be checked against. Nothing that is read here is deleted.
"""

from collections.abc import Callable, Sequence
from random import Random

import msgspec

from nscr_cli.generators import invocations
from nscr_cli.generators.documents import (
    DOCKER_MANIFEST,
    OCI_INDEX,
    OCI_MANIFEST,
    Manifest,
    configuration,
    convertible_configuration,
    docker_image,
    image,
    index,
)
from nscr_cli.history.invocation import Content
from nscr_cli.history.keys import digest_key, tag_key
from nscr_cli.history.ops import F, Kind, Op
from nscr_cli.workloads.actor import Action, Turn
from nscr_cli.workloads.odd_ranges import KINDS
from nscr_cli.workloads.pushes import DOCKER_MANIFESTS, INDEXES, after_blobs
from nscr_cli.workloads.steps import Step, in_order

_DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
_ACCEPTS = (
    "",
    "*/*",
    OCI_MANIFEST,
    OCI_INDEX,
    DOCKER_MANIFEST,
    _DOCKER_LIST,
    f"{OCI_INDEX}, {OCI_MANIFEST};q=0.5, {DOCKER_MANIFEST};q=0.1",
    "text/html",
)
_FOREIGN_ETAG = '"nscr-nobody-gave-this-one"'
_NO_DIGESTS = (
    "sha256:zz",
    f"sha256:{'0' * 63}",
    f"sha256:{'A' * 64}",
    f"sha256:{'0' * 64}0",
    f"md5:{'0' * 32}",
    "sha256:",
    ":",
)
_NO_TAGS = (".hidden", "-dash", "t" * 129, "a+b", "%")


def push_sized_blob(turn: Turn) -> Step:
    """A blob of 2^k - 1, 2^k or 2^k + 1 bytes; then HEAD and GET."""
    chance = turn.chance("sized")
    repository = chance.choice(turn.world.repositories)
    content = Content.seeded(turn.nonce, _size(turn, chance))
    looks = [
        invocations.head_blob(repository, content.digest, content.size),
        invocations.get_blob(repository, content.digest, content.size),
    ]
    return Step(
        invocations.push_blob(repository, content, chance.choice(turn.world.push_styles)),
        lambda event: in_order(looks) if event.kind is Kind.OK else None,
        lambda memory: memory.with_blob(repository, content),
    )


def read_range(turn: Turn) -> Step:
    """Part of a blob that is known: at the beginning or the end, open, beyond the end, several parts, or nonsense."""
    chance = turn.chance("range")
    repository = chance.choice(turn.world.repositories)
    known = turn.memory.blobs_of(repository)
    if not known:
        return push_sized_blob(turn)
    content = chance.choice(known)
    read = chance.choice(KINDS)(repository, content, chance)
    if read.asked.range is not None and chance.random() < 0.2:
        # As who has a part of something else: then all of it is wanted.
        read = msgspec.structs.replace(read, asked=msgspec.structs.replace(read.asked, if_range=_FOREIGN_ETAG))
    return Step(read)


def read_on_condition(turn: Turn) -> Step:
    """GET or HEAD a blob or a manifest of ours, then again with the validator that came, or with one of nobody's."""
    chance = turn.chance("condition")
    repository = chance.choice(turn.world.repositories)
    known = turn.memory.blobs_of(repository)
    if not known:
        return push_sized_blob(turn)
    content, f = chance.choice(known), chance.choice([F.GET_BLOB, F.GET_BLOB, F.HEAD_BLOB])
    own = turn.memory.manifests_of(repository)
    if own and chance.random() < 0.3:
        content, f = chance.choice(own).manifest.content, chance.choice([F.GET_MANIFEST, F.HEAD_MANIFEST])
    is_foreign, prefers_date = chance.random() < 0.3, chance.random() < 0.3

    def again(event: Op) -> Step | None:
        answered = event.answered
        if event.kind is not Kind.OK or answered is None:
            return None
        if prefers_date and answered.last_modified is not None:
            return Step(
                invocations.read_on_condition(f, repository, content, last_modified=_as_sent(answered.last_modified))
            )
        etag = _FOREIGN_ETAG if is_foreign else _as_sent(answered.etag)
        return Step(invocations.read_on_condition(f, repository, content, etag=etag)) if etag is not None else None

    return Step(invocations.read_on_condition(f, repository, content), again)


def read_tag_on_condition(turn: Turn) -> Step:
    """GET or HEAD a contended tag, then GET or HEAD it once more, unless it still is what came: it may have moved.

    Often we move it ourselves in between, so that it has for certain.
    """
    chance = turn.chance("tag-condition")
    config = turn.world.config
    repository, tag = chance.choice(turn.world.repositories), chance.choice(turn.world.tags)
    first, *others = chance.choices([F.GET_MANIFEST, F.HEAD_MANIFEST], k=3)
    moves = chance.random() < 0.6
    move = invocations.put_manifest(repository, tag, image(config, [], turn.nonce))

    def once_more(event: Op) -> Step | None:
        answered = event.answered
        etag = _as_sent(answered.etag) if event.kind is Kind.OK and answered is not None else None
        known = (answered.digest or answered.header_digest) if answered is not None else None
        # Of a weak one it is nobody's promise that no other manifest has it.
        if etag is None or etag.startswith("W/") or known is None:
            return None
        asks = [invocations.read_tag_on_condition(f, repository, tag, etag=etag, known=known) for f in others]
        return in_order([move, *asks] if moves else asks)

    needed = [] if turn.memory.holds(repository, config.digest) else [config]
    return after_blobs(
        turn,
        repository,
        needed,
        lambda: Step(invocations.read_tag_on_condition(first, repository, tag), once_more),
    )


def negotiate(turn: Turn) -> Step:
    """A manifest of our own under a tag of our own, and HEAD and GET of both with one `Accept` after another."""
    chance = turn.chance("negotiate")
    repository = chance.choice(turn.world.repositories)
    own_tag = f"n{turn.process:05d}x{turn.number:06d}"
    accepts = chance.sample(_ACCEPTS, 3)
    blobs, manifests = _manifest(turn, chance)
    last = manifests[-1]
    reads = [
        invocations.negotiate(f, repository, reference, accept)
        for accept in accepts
        for reference in (own_tag, last.digest)
        for f in (F.HEAD_MANIFEST, F.GET_MANIFEST)
    ]

    def put(remaining: Sequence[Manifest]) -> Step:
        tag = own_tag if len(remaining) == 1 else None
        following: Callable[[], Step] = lambda: put(remaining[1:]) if tag is None else in_order(reads)  # noqa: E731
        return Step(
            invocations.put_manifest(repository, tag, remaining[0]),
            lambda event: following() if event.kind is Kind.OK else None,
            lambda memory: memory.with_manifest(repository, remaining[0], tag),
        )

    return after_blobs(turn, repository, blobs, lambda: put(manifests))


def ask_malformed(turn: Turn) -> Step:
    """A read by a digest or tag that breaks the grammar, then one of what is not there: refused, never an error."""
    chance = turn.chance("malformed")
    repository = chance.choice(turn.world.repositories)
    digest, tag = chance.choice(_NO_DIGESTS), chance.choice(_NO_TAGS)
    absent = Content.seeded(f"{turn.nonce}/absent", 32).digest
    asks = [
        chance.choice(
            [
                invocations.read_malformed(F.GET_BLOB, digest_key(repository, digest)),
                invocations.read_malformed(F.HEAD_BLOB, digest_key(repository, digest)),
                invocations.read_malformed(F.GET_MANIFEST, digest_key(repository, digest)),
                invocations.read_malformed(F.HEAD_MANIFEST, digest_key(repository, digest)),
                invocations.read_malformed(F.GET_MANIFEST, tag_key(repository, tag)),
            ]
        ),
        chance.choice(
            [
                invocations.get_blob(repository, absent, None),
                invocations.get_manifest(repository, absent),
                invocations.get_tag(repository, f"absent{turn.process:05d}x{turn.number:06d}"),
            ]
        ),
    ]
    return in_order(asks)


def _size(turn: Turn, chance: Random) -> int:
    smallest, largest = turn.world.blob_sizes
    size: int = 2 ** chance.randint(0, max(largest, 1).bit_length()) + chance.choice((-1, 0, 1))
    return min(max(size, smallest), largest)


def _manifest(turn: Turn, chance: Random) -> tuple[list[Content], list[Manifest]]:
    """What is to be put, blobs and manifests in this order; the last is what is read."""
    kinds = ["oci", *["docker"] * turn.world.supports(DOCKER_MANIFESTS), *["index"] * turn.world.supports(INDEXES)]
    layer = chance.choice(turn.world.shared)
    match chance.choice(kinds):
        case "docker":
            # Some registries make another form of it for clients that are old enough (bug K3 of docs/bugs.toml).
            config = convertible_configuration(turn.nonce, [layer])
            return [layer, config], [docker_image(config, [layer])]
        case "index":
            config = configuration(turn.nonce)
            child = image(config, [layer], turn.nonce)
            return [layer, config], [child, index([child], turn.nonce)]
        case _:
            config = configuration(turn.nonce)
            return [layer, config], [image(config, [layer], turn.nonce)]


def _as_sent(value: str | None) -> str | None:
    """A validator that can be sent back: what came is a registry's, and may be anything."""
    is_plain = value is not None and len(value) < 1000 and value.isascii() and value.isprintable()
    return value if is_plain else None


ACTIONS = {
    "push-sized-blob": Action(
        summary="push a blob of about a power of two bytes; HEAD and GET it", begin=push_sized_blob
    ),
    "read-range": Action(
        summary="read a blob in part: from the beginning or the end, open, several parts, what is not there, nonsense",
        begin=read_range,
    ),
    "read-on-condition": Action(
        summary="GET or HEAD a blob or manifest, then with its ETag, its Last-Modified, or an ETag that nobody gave",
        begin=read_on_condition,
    ),
    "read-tag-on-condition": Action(
        summary="GET or HEAD a contended tag, then with its ETag, while others may move it",
        begin=read_tag_on_condition,
    ),
    "negotiate": Action(
        summary="put a manifest, and HEAD and GET it by tag and digest with one Accept after another",
        begin=negotiate,
    ),
    "ask-malformed": Action(
        summary="read by a digest or tag that breaks the grammar, and what is not there", begin=ask_malformed
    ),
}
