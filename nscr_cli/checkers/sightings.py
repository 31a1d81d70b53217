"""What other clients saw of each acknowledged write, and how long after its acknowledgement. Pure.

Only looks count that begin after the acknowledgement and end before anything else can have changed what they look at;
and only writes of which it is certain what such a look must show: nothing that may take effect after them began before
they were acknowledged.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import accumulate
from operator import attrgetter

import msgspec

from nscr_cli.checkers.inventory import BLOB_READS, BLOB_WRITES, MANIFEST_READS, Inventory, found, seen_digest
from nscr_cli.checkers.listing import TagPresence
from nscr_cli.history.history import NEVER, History, Operation
from nscr_cli.history.keys import digest_key, repository_of, tag_of
from nscr_cli.history.ops import FAIL, OK, F

_START = attrgetter("start_ns")
_END = attrgetter("end_ns")


class Looked(msgspec.Struct, frozen=True):
    """A write that other clients looked at.

    Attributes:
        noun: what was written: blobs, manifests, tags or lists (a tag, as lists show it).
        delays_ns: from the acknowledgement to the beginning of each look.
        last_missed_ns: to the beginning of the last look that did not see it; 0 where all saw it.
        first_seen_ns: to the end of the first look that saw it; None where none did.
    """

    noun: str
    delays_ns: tuple[int, ...]
    last_missed_ns: int
    first_seen_ns: int | None


def looked_at(part: History) -> Iterator[Looked]:
    """Every write of these repositories that another client looked at in time."""
    inventory = part.shared(Inventory)
    for operations in inventory.blob_operations.values():
        writes = [one for one in operations if one.f in BLOB_WRITES and one.kind is OK and not one.asked.wrong_bytes]
        removals = [one for one in operations if one.f is F.DELETE_BLOB and one.kind is not FAIL]
        yield from _first_life("blobs", writes, removals, _reads(operations, BLOB_READS), found)
    for operations in inventory.manifest_operations.values():
        writes = [one for one in operations if one.f is F.PUT_MANIFEST and one.kind is OK]
        reads = [one for one in _reads(operations, MANIFEST_READS) if tag_of(one.key) is None]
        yield from _first_life("manifests", writes, _removals_of(operations, part), reads, found)
    yield from _tags(part)


def _removals_of(operations: list[Operation], part: History) -> list[Operation]:
    """Deletes of a manifest, and of the tags that it was put under, since it may go with the last of them."""
    tags = part.shared(TagPresence)
    removals = [one for one in operations if one.f is F.DELETE_MANIFEST and one.kind is not FAIL]
    keys = dict.fromkeys(one.key for one in operations if one.f is F.PUT_MANIFEST and tag_of(one.key) is not None)
    for key in keys:
        removals += [one for one in tags.operations_of(key) if one.f is F.DELETE_TAG and one.kind is not FAIL]
    return removals


def _tags(part: History) -> Iterator[Looked]:
    tags = part.shared(TagPresence)
    lists: dict[str, list[Operation]] = {}
    for one in part.of(F.LIST_TAGS):
        if one.kind is OK:
            lists.setdefault(one.key, []).append(one)
    contents = {one.index: frozenset(one.answered.tags or ()) for listed in lists.values() for one in listed}
    repositories = dict.fromkeys(repository_of(one.key) for one in part.of(F.PUT_MANIFEST))
    deletes: dict[str, list[Operation]] = {}
    for one in part.of(F.DELETE_MANIFEST):
        if one.kind is not FAIL:
            deletes.setdefault(one.key, []).append(one)
    for repository in repositories:
        listed = sorted(lists.get(repository, ()), key=_START)
        for key in tags.keys_of(repository):
            operations = tags.operations_of(key)
            puts = [one for one in operations if one.f is F.PUT_MANIFEST and one.kind is not FAIL]
            removals = [one for one in operations if one.f is F.DELETE_TAG and one.kind is not FAIL]
            for digest in {one.asked.digest for one in puts}:
                removals += deletes.get(digest_key(repository, digest or ""), ())
            writes = [one for one in puts if one.kind is OK]
            yield from _each_put(writes, [*puts, *removals], _reads(operations, MANIFEST_READS))
            name = tag_of(key) or ""
            yield from _first_life("lists", writes, removals, listed, lambda one: name in contents[one.index])  # noqa: B023


def _reads(operations: Iterable[Operation], kinds: frozenset[F]) -> list[Operation]:
    return sorted((one for one in operations if one.f in kinds and one.kind is OK), key=_START)


def _first_life(
    noun: str,
    writes: Sequence[Operation],
    removals: Sequence[Operation],
    reads: Sequence[Operation],
    saw: Callable[[Operation], bool],
) -> Iterator[Looked]:
    """The write that was acknowledged first, until anything may have removed it."""
    if not writes:
        return
    write = min(writes, key=_END)
    following = min((one.start_ns for one in removals if one.end_ns >= write.start_ns), default=NEVER)
    yield from _looked(noun, write, following, reads, saw)


def _each_put(puts: list[Operation], changes: list[Operation], reads: list[Operation]) -> Iterator[Looked]:
    """Every put of a tag, until the next change of it may have begun."""
    changes.sort(key=_START)
    starts = [one.start_ns for one in changes]
    last_ends = list(accumulate((one.end_ns for one in changes), max))
    for put in puts:
        place = bisect_right(starts, put.end_ns)
        # Itself among them: nothing else began before its end, and nothing that began before it ended later.
        before = bisect_right(starts, put.start_ns) - 1
        is_alone = (
            place == before + 1 and changes[before] is put and (not before or last_ends[before - 1] < put.start_ns)
        )
        if is_alone:
            following = starts[place] if place < len(starts) else NEVER
            yield from _looked("tags", put, following, reads, lambda read: seen_digest(read) == put.asked.digest)  # noqa: B023


def _looked(
    noun: str, write: Operation, following: int, reads: Sequence[Operation], saw: Callable[[Operation], bool]
) -> Iterator[Looked]:
    """Looks at a write, while it is the last change."""
    delays: list[int] = []
    last_missed, first_seen = 0, NEVER
    for place in range(bisect_right(reads, write.end_ns, key=_START), len(reads)):
        read = reads[place]
        if read.start_ns >= following:
            break
        if read.process == write.process or read.end_ns >= following or read.faults:
            continue
        delays.append(read.start_ns - write.end_ns)
        if saw(read):
            first_seen = min(first_seen, read.end_ns - write.end_ns)
            if noun == "lists":  # all later lists would be read for each of the tags in them
                break
        else:
            last_missed = max(last_missed, delays[-1])
    if delays:
        yield Looked(noun, tuple(delays), last_missed, first_seen if first_seen != NEVER else None)
