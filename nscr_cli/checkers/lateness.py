"""What is seen too late under `eventual(T)`: blobs, manifests by digest, and tags in lists. Tags: eventual.py. Pure.

A write or delete obliges once it was acknowledged; a read knows of what had been acknowledged T before it began. What a
read saw obliges no other read, since they may be answered from different copies: only writes and deletes count.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence

from nscr_cli.checkers.inventory import (
    BLOB_READS,
    BLOB_WRITES,
    MANIFEST_READS,
    Inventory,
    found,
    found_nothing,
    may_have_written,
)
from nscr_cli.checkers.listing import TagPresence
from nscr_cli.checkers.presence import Begun, Ended, Presence
from nscr_cli.checkers.verdict import Finding
from nscr_cli.checkers.wording import seconds, told
from nscr_cli.history.history import History, Operation
from nscr_cli.history.keys import digest_key, digest_of, repository_of, tag_of
from nscr_cli.history.ops import FAIL, OK, F

_CLAUSE = "eventual(T): a read that begins T after a change was acknowledged shows that change, or a newer one"


def late_findings(part: History, bound: int) -> Iterator[Finding]:
    """Of every blob, manifest and listed tag the first read that missed what it must know of, or saw what is gone."""
    inventory = part.shared(Inventory)
    for key, operations in inventory.blob_operations.items():
        writes = [one for one in operations if may_have_written(one)]
        proofs = [one for one in writes if one.kind is OK and one.f in BLOB_WRITES]
        removals = [one for one in operations if one.f is F.DELETE_BLOB and one.kind is not FAIL]
        reads = [one for one in operations if one.f in BLOB_READS]
        yield from _late("blob", key, _presence(proofs, writes, removals), reads, bound)
    tags = part.shared(TagPresence)
    for key, operations in inventory.manifest_operations.items():
        writes = [one for one in operations if one.f is F.PUT_MANIFEST and one.kind is not FAIL]
        proofs = [one for one in writes if one.kind is OK and not _may_lose_its_tag(one, tags)]
        removals = [one for one in operations if one.f is F.DELETE_MANIFEST and one.kind is not FAIL]
        reads = [one for one in operations if one.f in MANIFEST_READS and tag_of(one.key) is None]
        yield from _late("manifest", key, _presence(proofs, writes, removals), reads, bound)
    yield from _late_in_lists(part, tags, bound)


def _may_lose_its_tag(put: Operation, tags: TagPresence) -> bool:
    """A manifest that a tag holds may go with it."""
    return tag_of(put.key) is not None and any(
        one.f is F.DELETE_TAG and one.kind is not FAIL for one in tags.operations_of(put.key)
    )


def _presence(
    proofs: Iterable[Operation],
    writes: Iterable[Operation],
    removals: Sequence[Operation],
    absences: Sequence[Operation] | None = None,
) -> Presence:
    """From writes and deletes alone; `absences` are the deletes that surely removed it, unless all of them did."""
    surely = removals if absences is None else absences
    return Presence(
        proofs=Ended(proofs),
        writes=Begun(writes),
        removals=[Begun(removals)],
        absences=Ended(one for one in surely if one.kind is OK),
    )


def _late(noun: str, key: str, presence: Presence, reads: Iterable[Operation], bound: int) -> Iterator[Finding]:
    yield from _first_late(
        noun, key, presence, [one for one in reads if found(one) or found_nothing(one)], found, bound
    )


def _first_late(
    noun: str,
    key: str,
    presence: Presence,
    reads: Iterable[Operation],
    saw: Callable[[Operation], bool],
    bound: int,
) -> Iterator[Finding]:
    """The first read that missed it, and the first that saw it after it was gone."""
    rules = {False: f"late-{noun}", True: f"undead-{noun}"}
    for read in reads:
        is_seen = saw(read)
        if is_seen not in rules or read.faults:
            continue
        witness = (presence.must_lack if is_seen else presence.must_hold)(read.start_ns - bound, read.end_ns)
        if witness is not None:
            yield _finding(rules.pop(is_seen), key, witness, read, bound)


def _late_in_lists(part: History, tags: TagPresence, bound: int) -> Iterator[Finding]:
    lists: dict[str, list[Operation]] = {}
    for one in part.of(F.LIST_TAGS):
        if one.kind is OK:
            lists.setdefault(one.key, []).append(one)
    deletes: dict[str, list[Operation]] = {}
    for one in part.of(F.DELETE_MANIFEST):
        if one.kind is not FAIL:
            deletes.setdefault(one.key, []).append(one)
    for repository, listed in lists.items():
        contents = {one.index: frozenset(one.answered.tags or ()) for one in listed}
        for key in tags.keys_of(repository):
            name = tag_of(key)
            presence = _tag_in_lists(key, tags, deletes)
            yield from _first_late("list", key, presence, listed, lambda one: name in contents[one.index], bound)  # noqa: B023


def _tag_in_lists(key: str, tags: TagPresence, deletes: dict[str, list[Operation]]) -> Presence:
    operations = tags.operations_of(key)
    puts = [one for one in operations if one.f is F.PUT_MANIFEST and one.kind is not FAIL]
    cleared = [one for one in operations if one.f is F.DELETE_TAG and one.kind is not FAIL]
    by_digest = [
        one
        for digest in {put.asked.digest for put in puts}
        for one in deletes.get(digest_key(repository_of(key), digest or ""), ())
    ]
    # A delete by digest surely clears the tag where nothing else can have been put there by the time it ended.
    surely = [
        one
        for one in by_digest
        if all(put.start_ns > one.end_ns or put.asked.digest == digest_of(one.key) for put in puts)
    ]
    proofs = [one for one in puts if one.kind is OK]
    return _presence(proofs, puts, [*cleared, *by_digest], [*cleared, *surely])


def _finding(rule: str, key: str, change: Operation, read: Operation, bound: int) -> Finding:
    what = "it was not there" if rule.startswith("late-") else "it was still there"
    return Finding(
        checker="visibility",
        rule=rule,
        key=key,
        operations=tuple(sorted({change.index, read.index})),
        clause=_CLAUSE,
        explanation=f"more than {seconds(bound)} after this was acknowledged, {what}: {told(change)}; {told(read)}.",
    )
