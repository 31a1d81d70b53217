"""What of a journal has to be known to lay the ground for a few operations: the writes of what they refer to.

A finding names few operations and its journal may hold millions: nothing is kept but the writes of the digests that
are asked for, and of those that these refer to in turn; at most once through the journal for each generation of them.
"""

from collections.abc import Iterator, Sequence
from operator import attrgetter
from pathlib import Path

import msgspec

from nscr_cli.history.history import Operation, operations_of
from nscr_cli.history.keys import digest_of, repository_of, tag_key
from nscr_cli.history.ops import Entry, F
from nscr_cli.history.skimming import decoded, whole_lines

_WRITES = frozenset({F.PUSH_BLOB.value, F.MOUNT_BLOB.value, F.PUT_MANIFEST.value})
_INVOKE = "invoke"


class _AskedDigest(msgspec.Struct, frozen=True, gc=False):
    digest: str | None = None


class _Outline(msgspec.Struct, frozen=True, gc=False):
    index: int | None = None
    process: int = -1
    kind: str = ""
    f: str = ""
    key: str = ""
    asked: _AskedDigest | None = None


def writes_for(folder: Path, operations: Sequence[Operation]) -> list[Operation]:
    """The writes of all that these operations read, refer to or list, and of what that refers to.

    Raises:
        RunFolderError: see `read_journal`.
    """
    digests = {digest for one in operations for digest in _named(one)}
    tags = {
        tag_key(repository_of(one.key), tag)
        for one in operations
        if one.f in (F.LIST_TAGS, F.LIST_PAGE)
        for tag in one.answered.tags or ()
    }
    while digests or tags:
        writes = list(_written(folder, digests, tags))
        more = {reference.digest for one in writes for reference in one.asked.references} - digests
        if not more:
            return sorted(writes, key=attrgetter("start_ns", "index"))
        digests |= more
    return []


def _named(one: Operation) -> Iterator[str]:
    yield from (digest for digest in (one.asked.digest, digest_of(one.key)) if digest is not None)
    yield from (reference.digest for reference in one.asked.references)


def _written(folder: Path, digests: set[str], tags: set[str]) -> Iterator[Operation]:
    kept: list[Entry] = []
    kept_processes: set[int] = set()
    decoder = msgspec.json.Decoder(_Outline)
    for lines, outlines in whole_lines(folder, decoder):
        wanted: list[int] = []
        for place, one in enumerate(outlines):
            if one.kind == _INVOKE:
                digest = one.asked.digest if one.asked is not None else None
                if one.f in _WRITES and (digest in digests or one.key in tags):
                    wanted.append(place)
                    kept_processes.add(one.process)
            elif one.process in kept_processes:
                wanted.append(place)
                kept_processes.discard(one.process)
        if wanted:
            kept += decoded(lines, wanted)
    return operations_of(kept)
