"""Errands that read, change and write a tag: compare-and-set where the registry heeds If-Match on a manifest.

Among them the referrers of a subject as clients keep them where there is no referrers API: an index under the tag
`sha256-<hex of the subject>`, which everybody reads, changes and writes whole (spec.md#referrers-tag-schema). Clients
that do so at once overwrite each other's entries, unless they compare and set (bugs B4, B5 and B11 of docs/bugs.toml).
"""

import re
from collections.abc import Callable, Sequence
from enum import StrEnum

from msgspec.structs import replace

from nscr_cli.checkers.preconditions import COMPARE_AND_SET
from nscr_cli.generators import invocations
from nscr_cli.generators.documents import Manifest, artifact, image, referrers_index
from nscr_cli.history.invocation import Invocation
from nscr_cli.history.keys import tag_key
from nscr_cli.history.ops import Kind, Op, Reference
from nscr_cli.workloads.actor import Action, Turn
from nscr_cli.workloads.attachments import SIGNATURE, contended
from nscr_cli.workloads.pushes import INDEXES, after_blobs
from nscr_cli.workloads.steps import Step, in_order

MOST_ENTRIES = 24
_TRIES = 4
_TURNED_DOWN = 412
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}", re.ASCII)

Entries = tuple[Reference, ...]


class _Way(StrEnum):
    """On what condition a client writes."""

    READ = "what was read"
    NOTHING = "nothing, whatever was read"
    WEAK = "what was read, by a weak validator"
    NOWHERE = "something, of a tag that nobody ever put"


_WAYS = tuple(_Way)
_WAY_WEIGHTS = (76, 8, 8, 8)


def compare_and_set(turn: Turn) -> Step:
    """Read a contended tag and write a new manifest if it still names that; sometimes expect what it named long ago.

    Sometimes on a condition that cannot hold: nothing, where something was just read; a weak validator; or anything at
    all of a tag that nobody ever put.
    """
    chance = turn.chance("compare-and-set")
    repository, tag = chance.choice(turn.world.repositories), chance.choice(turn.world.tags)
    manifest = image(turn.world.config, [], turn.nonce)
    own = [one.manifest.digest for one in turn.memory.manifests if tag_key(repository, tag) in one.tags]
    old = own[0] if len(own) > 1 and chance.random() < 0.3 else None
    looks = chance.random() < 0.3
    way = chance.choices(_WAYS, _WAY_WEIGHTS)[0]

    def write(expected: str | None) -> Step:
        is_weak = way is _Way.WEAK and expected is not None
        return Step(
            invocations.exchange_manifest(repository, tag, expected, manifest, is_weak=is_weak),
            lambda event: Step(invocations.get_tag(repository, tag)) if event.kind is Kind.OK and looks else None,
            lambda memory: memory.with_manifest(repository, manifest, tag),
        )

    def begin() -> Step:
        if way is _Way.NOWHERE:
            nowhere = f"nowhere{turn.process:05d}x{turn.number:06d}"
            known = own[-1] if own else turn.world.config.digest
            exchange = invocations.exchange_manifest(repository, nowhere, known, manifest)
            if chance.random() < 0.5:
                exchange = replace(exchange, asked=replace(exchange.asked, if_match="*"))
            return in_order([exchange, invocations.head_tag(repository, nowhere)])
        if old is not None:
            return write(old)
        read = chance.choice([invocations.get_tag, invocations.head_tag])
        expect: Callable[[Op], str | None] = (lambda _event: None) if way is _Way.NOTHING else _named
        return Step(read(repository, tag), lambda event: write(expect(event)) if event.kind is Kind.OK else None)

    needed = [] if turn.memory.holds(repository, turn.world.config.digest) else [turn.world.config]
    return after_blobs(turn, repository, needed, begin)


def attach_by_tag(turn: Turn) -> Step:
    """Push an artifact, and enter it into the index under the fallback tag of its subject; the oldest entries go."""
    chance = turn.chance("attach-by-tag")
    repository, subject = contended(turn, chance)
    attached = artifact(turn.world.config, subject, SIGNATURE, turn.nonce)
    entry = Reference(attached.digest, True, attached.content.size)

    def enter(entries: Entries) -> Entries:
        return (*entries[1 - MOST_ENTRIES :], entry)

    def begin() -> Step:
        put = invocations.put_manifest(repository, None, attached)
        change = _change(turn, repository, subject, enter, 1)
        return Step(put, lambda event: change if event.kind is Kind.OK else None)

    needed = [] if turn.memory.holds(repository, turn.world.config.digest) else [turn.world.config]
    return after_blobs(turn, repository, needed, begin)


def detach_by_tag(turn: Turn) -> Step:
    """Take one entry out of the index under the fallback tag of a contended subject."""
    chance = turn.chance("detach-by-tag")
    repository, subject = contended(turn, chance)
    place = chance.random()

    def remove(entries: Entries) -> Entries:
        gone = int(place * len(entries))
        return (*entries[:gone], *entries[gone + 1 :])

    return _change(turn, repository, subject, remove, 1)


def read_fallback(turn: Turn) -> Step:
    """Read the index under the fallback tag of a contended subject."""
    repository, subject = contended(turn, turn.chance("read-fallback"))
    return Step(invocations.get_tag(repository, fallback_tag(subject.digest)))


def fallback_tag(subject: str) -> str:
    """The tag under which clients keep what refers to a subject."""
    return subject.replace(":", "-", 1)


def _change(turn: Turn, repository: str, subject: Manifest, change: Callable[[Entries], Entries], number: int) -> Step:
    """Read, change, write; anew, a few times, where somebody else was faster and the registry says so."""
    tag = fallback_tag(subject.digest)

    def again(event: Op) -> Step | None:
        is_turned_down = event.answered is not None and event.answered.status == _TURNED_DOWN
        return _change(turn, repository, subject, change, number + 1) if is_turned_down and number < _TRIES else None

    def write(event: Op) -> Step | None:
        if event.kind is not Kind.OK:
            return None
        entries = change(_entries(event))
        index = referrers_index(entries, SIGNATURE, f"{turn.nonce}/{number}")
        return Step(_put(turn, repository, tag, _named(event), index), again)

    return Step(invocations.get_tag(repository, tag), write)


def _put(turn: Turn, repository: str, tag: str, expected: str | None, manifest: Manifest) -> Invocation:
    if turn.world.supports(COMPARE_AND_SET):
        return invocations.exchange_manifest(repository, tag, expected, manifest)
    return invocations.put_manifest(repository, tag, manifest)


def _entries(event: Op) -> Entries:
    """What an index holds; it comes from the registry, so it is hostile."""
    references: Sequence[Reference] = (event.answered.references if event.answered else None) or ()
    return tuple(one for one in references if one.is_manifest and _DIGEST.fullmatch(one.digest))


def _named(event: Op) -> str | None:
    """The digest that a read saw, if it is one."""
    answered = event.answered
    said = (answered.digest or answered.header_digest) if answered and answered.present else None
    return said if said is not None and _DIGEST.fullmatch(said) else None


ACTIONS = {
    "attach-by-tag": Action(
        summary="push an artifact, enter it into the index under the fallback tag of its subject",
        begin=attach_by_tag,
        needs=(INDEXES,),
    ),
    "detach-by-tag": Action(
        summary="take an entry out of the index under a fallback tag",
        begin=detach_by_tag,
        needs=(INDEXES,),
    ),
    "read-fallback": Action(summary="read the index under a fallback tag", begin=read_fallback, needs=(INDEXES,)),
    "compare-and-set": Action(
        summary="read a contended tag, write it if it still names that, or what it named long ago",
        begin=compare_and_set,
        needs=(COMPARE_AND_SET,),
    ),
}
