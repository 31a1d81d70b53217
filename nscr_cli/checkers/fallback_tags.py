"""The indexes of referrers that clients keep under fallback tags: what was entered stays until somebody takes it out.

Each client reads the index, changes it and writes it whole (spec.md#referrers-tag-schema). Where every write compares
and sets, an index follows from the one before it, so that an entry can go only by a write that was based on an index
which held it and does not hold it itself. Without that, an entry that is lost is the clients' own race: it is counted.
"""

import re
from bisect import bisect_left
from collections.abc import Iterable
from operator import attrgetter

from nscr_cli.checkers.inventory import Inventory, found, seen_digest
from nscr_cli.checkers.listing import TagPresence
from nscr_cli.checkers.verdict import Finding
from nscr_cli.checkers.wording import short, told
from nscr_cli.history.history import NEVER, History, Operation
from nscr_cli.history.keys import tag_of
from nscr_cli.history.ops import FAIL, OK, F

_FALLBACK = re.compile(r"sha256-[0-9a-f]{64}", re.ASCII)
_KEPT = "spec.md#referrers-tag-schema, with RFC 9110, 13.1.1: an entry stays until it is taken out"
_READS = (F.GET_MANIFEST, F.HEAD_MANIFEST)

Entries = frozenset[str]


class FallbackTags:
    """Judges every fallback tag of a part of a history.

    Attributes:
        kept: entries that were acknowledged, and there when the tag was last read before anybody took them out.
        lost_to_races: entries that were not there, of a tag that was not always compared and set.
    """

    def __init__(self, part: History) -> None:
        self.kept = 0
        self.lost_to_races = 0
        self._found: list[Finding] = []
        self._references = part.shared(Inventory).references
        tags = part.shared(TagPresence)
        keys = dict.fromkeys(one.key for one in part.of(F.PUT_MANIFEST) if _FALLBACK.fullmatch(tag_of(one.key) or ""))
        bases = _bases(part, keys)
        for key in keys:
            self._judge(key, tags, bases)

    def findings(self) -> Iterable[Finding]:
        """One for a tag."""
        return self._found

    def _judge(self, key: str, tags: TagPresence, bases: dict[int, str | None]) -> None:
        operations = tags.operations_of(key)
        puts = [one for one in operations if one.f is F.PUT_MANIFEST and one.kind is not FAIL]
        reads = sorted(
            (
                one
                for one in operations
                if one.f in _READS and found(one) and self._entries(seen_digest(one)) is not None
            ),
            key=attrgetter("end_ns"),
        )
        ends = [one.end_ns for one in reads]
        removed: dict[str, int] = {}
        added: list[tuple[str, Operation]] = []
        for put in puts:
            before, after = self._entries(bases[put.index]) or frozenset(), self._of(put)
            for entry in before - after:
                removed[entry] = min(removed.get(entry, NEVER), put.start_ns)
            if put.kind is OK:
                added += ((entry, put) for entry in after - before)
        is_judged = all(map(_is_exchange, puts)) and not tags.of(key).may_be_removed(0, NEVER)
        for entry, put in sorted(added, key=lambda pair: pair[1].index):
            place = bisect_left(ends, removed.get(entry, NEVER)) - 1
            read = reads[place] if place >= 0 else None
            if read is None or read.start_ns <= put.end_ns:
                continue
            if entry in (self._entries(seen_digest(read)) or ()):
                self.kept += 1
            elif not is_judged:
                self.lost_to_races += 1
            elif not any(finding.key == key for finding in self._found):
                self._found.append(_lost(key, entry, put, read))

    def _entries(self, digest: str | None) -> Entries | None:
        """What an index of ours holds; None of one that we did not write."""
        references = self._references.get(digest or "")
        return None if references is None else frozenset(one.digest for one in references)

    @staticmethod
    def _of(put: Operation) -> Entries:
        return frozenset(one.digest for one in put.asked.references)


def _is_exchange(put: Operation) -> bool:
    return put.asked.if_match is not None or put.asked.if_none_match is not None


def _bases(part: History, keys: Iterable[str]) -> dict[int, str | None]:
    """By the index of a put: the digest of the index that it was based on, None for nothing.

    As its condition says; without one, what its own client had read last.
    """
    wanted = set(keys)
    bases: dict[int, str | None] = {}
    seen: dict[tuple[int, str], str | None] = {}
    for one in part.of(F.PUT_MANIFEST, *_READS):
        if one.key not in wanted:
            continue
        if one.f is not F.PUT_MANIFEST:
            seen[one.process, one.key] = seen_digest(one) if found(one) else None
        elif one.asked.if_match is not None:
            bases[one.index] = one.asked.if_match.strip('"')
        else:
            bases[one.index] = None if _is_exchange(one) else seen.get((one.process, one.key))
    return bases


def _lost(key: str, entry: str, put: Operation, read: Operation) -> Finding:
    return Finding(
        checker="preconditions",
        rule="lost-entry",
        key=key,
        operations=(put.index, read.index),
        clause=_KEPT,
        explanation=f"{short(entry)} was entered: {told(put)}. Every write of this tag was conditional, and by then "
        f"nobody had begun to take it out, and yet it is not in what was read: {told(read)}.",
    )
