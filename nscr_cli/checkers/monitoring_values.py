"""Which digest a tag may be said to name: one that was put, and that nothing newer had certainly replaced.

Of all that showed another value and was over before a poll began, the operation that began last says the most: where
every put of the digest had ended before it began, that digest was no longer named when the poll began, and nothing can
have brought it back. Sound for a register, whatever else ran at the time.
"""

from collections.abc import Iterable

import msgspec

from nscr_cli.checkers.inventory import MANIFEST_READS, found, found_nothing, may_have_happened, seen_digest
from nscr_cli.checkers.listing import TagPresence
from nscr_cli.checkers.presence import Ended
from nscr_cli.checkers.wording import short, told
from nscr_cli.history.history import History, Operation
from nscr_cli.history.keys import digest_key, repository_of
from nscr_cli.history.ops import F, Kind


class _Tag(msgspec.Struct, frozen=True):
    """One tag: who may have put which digest under it, and all that showed a value of it."""

    puts: dict[str | None, list[Operation]]
    shown: Ended


class TagValues:
    """Judges the digests that are said to stand under tags."""

    def __init__(self, history: History, tags: TagPresence) -> None:
        self._tags = tags
        self._known: dict[str, _Tag] = {}
        deletes: dict[str, list[Operation]] = {}
        for one in history.of(F.DELETE_MANIFEST):
            if one.kind is Kind.OK:
                deletes.setdefault(one.key, []).append(one)
        self._deletes = {key: Ended(operations) for key, operations in deletes.items()}

    def wrong(self, key: str, digest: str | None, start: int, end: int) -> str | None:
        """Why the tag cannot have named this digest at any instant of the interval; None where it may have."""
        if digest is None:
            return None
        tag = self._tag(key)
        puts = [one for one in tag.puts.get(digest, ()) if one.start_ns <= end]
        if not puts:
            return f"{key} is said to name {short(digest)}, which nobody had begun to put there"
        last_end = max(one.end_ns for one in puts)
        shown = tag.shown.latest_start(start)
        if shown is not None and _value(shown) != digest and last_end < shown.start_ns:
            return f"{key} is said to name {short(digest)}, and this is newer: {told(shown)}"
        deletes = self._deletes.get(digest_key(repository_of(key), digest))
        delete = deletes.latest_start(start) if deletes is not None else None
        if delete is not None and last_end < delete.start_ns:
            return f"{key} is said to name {short(digest)}, which was deleted: {told(delete)}"
        return None

    def _tag(self, key: str) -> _Tag:
        if key not in self._known:
            operations = self._tags.operations_of(key)
            puts: dict[str | None, list[Operation]] = {}
            for one in operations:
                if one.f is F.PUT_MANIFEST and may_have_happened(one):
                    puts.setdefault(one.asked.digest, []).append(one)
            self._known[key] = _Tag(puts, Ended(_showing(operations)))
        return self._known[key]


def _showing(operations: Iterable[Operation]) -> Iterable[Operation]:
    for one in operations:
        if one.f in MANIFEST_READS:
            if found_nothing(one) or (found(one) and seen_digest(one) is not None):
                yield one
        elif one.f in (F.PUT_MANIFEST, F.DELETE_TAG) and one.kind is Kind.OK:
            yield one


def _value(shown: Operation) -> str | None:
    """What the tag named at some instant of this operation."""
    if shown.f in MANIFEST_READS:
        return seen_digest(shown) if found(shown) else None
    return shown.asked.digest if shown.f is F.PUT_MANIFEST else None
