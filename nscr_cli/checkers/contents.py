"""Whether what was served is what was asked for: bytes that hash to the digest, the right length, the right range.

One read at a time, but for ranges: two answers to the same range of the same blob must be the same bytes.
"""

from collections.abc import Iterable
from operator import attrgetter

from nscr_cli.checkers.verdict import Finding
from nscr_cli.checkers.wording import short, told
from nscr_cli.history.byte_ranges import described
from nscr_cli.history.history import Operation
from nscr_cli.history.ops import F

_BYTES = "spec.md#digests: the bytes served under a digest hash to it"
_LENGTH = "spec.md#checking-if-content-exists-in-the-registry: Content-Length is the size of what is there"
_HEAD_BLOB, _HEAD_MANIFEST = F.HEAD_BLOB, F.HEAD_MANIFEST
_RANGE = "RFC 9110, 14.2 and 15.3.7: 206 serves exactly the range that was asked for"


class Contents:
    """Judges reads of blobs and manifests by digest.

    Args:
        sizes: bytes of what was written, by digest.
        ranges: remembers what was served of each range.
        is_ours: the run started the registry itself, which promises all of a range that is there. To others the right
            to send less, and to say so, is left (RFC 9110, 15.3.7).
    """

    def __init__(self, sizes: dict[str, int], ranges: "Ranges", *, is_ours: bool) -> None:
        self._sizes = sizes
        self._ranges = ranges
        self._is_ours = is_ours

    def judge(self, read: Operation) -> Finding | None:
        """What is wrong with what this read by digest was answered, if anything is."""
        _, _, digest = read.key.partition("@")
        size = self._sizes.get(digest, read.asked.size)
        if read.asked.breaks_grammar:
            return None  # no content has such a digest; whether anything may be found is for the blobs checker
        if read.answered.status == 304:
            return None  # it has no body; a proxy may well say that it has none
        if read.f is _HEAD_BLOB or read.f is _HEAD_MANIFEST:
            return self._head(read, size)
        if read.answered.status == 206 and (read.asked.range is not None or read.asked.range_text is not None):
            if not self._is_ours and not _is_what_was_asked(read):
                self._ranges.take_less(read)
                return None
            return self._range(read, digest, read.asked.range, size)
        return self._whole(read, digest, size)

    def _head(self, read: Operation, size: int | None) -> Finding | None:
        said = read.answered.content_length
        if size is None or said is None or said == size:
            return None
        return _finding("wrong-size", read, _LENGTH, f"it has {size} bytes, and Content-Length says {said}")

    def _whole(self, read: Operation, digest: str, size: int | None) -> Finding | None:
        answered = read.answered
        if answered.digest is not None and answered.digest != digest:
            length = answered.length
            is_short = size is not None and length is not None and length < size
            rule = "truncated-content" if is_short else "corrupt-content"
            written = f", where {size} bytes were written" if size is not None else ""
            why = f"{length} bytes that hash to {short(answered.digest)}{written}"
            return _finding(rule, read, _BYTES, why)
        if size is not None and answered.length is not None and answered.length != size:
            return _finding("wrong-size", read, _LENGTH, f"{answered.length} bytes came, {size} were written")
        return None

    def _range(self, read: Operation, digest: str, asked: tuple[int, int] | None, size: int | None) -> Finding | None:
        if asked is None:
            return None  # of several parts, or of none: the reads checker's
        first, last = asked
        answered = read.answered
        if size is not None and first < size:
            wanted = min(last, size - 1) - first + 1
            if answered.length is not None and answered.length != wanted:
                why = f"{wanted} bytes were asked for ({first} to {last} of {size}), {answered.length} came"
                return _finding("wrong-range", read, _RANGE, why)
            if wanted == size and answered.digest is not None and answered.digest != digest:
                return _finding("corrupt-content", read, _BYTES, f"the whole range hashes to {short(answered.digest)}")
        known = read.asked.range_digest
        if None not in (known, answered.digest) and answered.digest != known:
            why = f"the bytes are not those from {first} to {last}: they hash to {short(answered.digest)}"
            return _finding("wrong-range", read, _RANGE, why)
        if answered.digest is not None:
            self._ranges.take(digest, asked, read)
        return None


class Ranges:
    """What was served of each range of each blob: by the digest of the bytes, the first read that got them.

    Attributes:
        less: how many were answered with less than was asked for and there, and said so; `first_less` is one of them.
    """

    def __init__(self) -> None:
        self.less = 0
        self.first_less: Operation | None = None
        self._served: dict[tuple[str, int, int], dict[str | None, Operation]] = {}

    def take(self, digest: str, asked: tuple[int, int], read: Operation) -> None:
        """One more answer."""
        served = self._served.setdefault((digest, *asked), {})
        other = served.get(read.answered.digest)
        if other is None or read.index < other.index:
            served[read.answered.digest] = read

    def take_less(self, read: Operation) -> None:
        """One more answer with less than was asked for."""
        self.less += 1
        if self.first_less is None or read.index < self.first_less.index:
            self.first_less = read

    def findings(self) -> Iterable[Finding]:
        """Of every range that was served in several ways, the first answer beside the first of each other one."""
        for (_, start, end), served in self._served.items():
            first, *others = sorted(served.values(), key=attrgetter("index"))
            for read in others:
                why = f"the same bytes {start} to {end} of the same blob differ: {told(first)}; {told(read)}."
                yield Finding(
                    checker="blobs",
                    rule="corrupt-content",
                    key=read.key,
                    operations=(first.index, read.index),
                    clause=_BYTES,
                    explanation=why,
                )


def _is_what_was_asked(read: Operation) -> bool:
    """Not less than was asked for, which is a server's right if it says so (RFC 9110, 15.3.7)."""
    said, asked = described(read.answered.content_range), read.asked.range
    if said is None or asked is None or said.first is None or said.last is None:
        return True
    is_within = asked[0] <= said.first and said.last <= asked[1]
    is_whole = said.first == asked[0] and (said.last == asked[1] or said.last + 1 == said.size)
    return is_whole or not is_within


def _finding(rule: str, read: Operation, clause: str, why: str) -> Finding:
    return Finding(
        checker="blobs",
        rule=rule,
        key=read.key,
        operations=(read.index,),
        clause=clause,
        explanation=f"{told(read)}: {why}.",
    )
