"""Whether what a `Range` was answered describes itself truly, and is what was asked for (RFC 9110, section 14).

Only of ranges that are sent as they stand in `range_text`: plain ones, from the first byte to the last, the blobs
checker judges by their bytes. A server may ignore any `Range` and serve the whole, and may serve less than was asked
for, if it says so; it may not serve other bytes, say that there are others, or refuse what is there. Whether one that
breaks the grammar is ignored or refused is its choice. The registry that the run started serves every single range,
unless its condition fails (If-Range).
"""

from collections.abc import Iterable

from nscr_cli.checkers.refusals import is_refusal
from nscr_cli.checkers.wording import short
from nscr_cli.history.byte_ranges import Meaning, described, meant
from nscr_cli.history.history import Operation
from nscr_cli.history.ops import Kind

_DESCRIBES = "RFC 9110, 14.4 and 15.3.7: the Content-Range of a 206 describes the part that is enclosed"
_SIZE = "RFC 9110, 15.5.17: the Content-Range of a 416 gives the length of the content"
_NOTHING = "RFC 9110, 14.1.1 and 15.5.17: a range that selects nothing is ignored or refused"
_THERE = "RFC 9110, 14.2: a range that is there is served, or ignored"
_CURRENT = "RFC 9110, 13.1.5: a Range is ignored where the ETag in If-Range is not that of what is there"
_PARTS = "RFC 9110, 14.6 and 15.3.7.2: each part of a 206 in several parts is the bytes that its Content-Range gives"
_OURS = "RFC 9110, 14.2: a range may be ignored; the registry that the run started serves single ones, or refuses them"
_FRAMED = "RFC 9112, 6.2: an answer is as long as its Content-Length says; after it the connection serves the next"

Wrong = tuple[str, str, str]


class RangeAnswers:
    """Judges answers one at a time, and counts them by name.

    Args:
        is_ours: the run started the registry itself.
        is_near: nothing but this machine lies between us and the registry, so that nobody else cuts an answer.
    """

    def __init__(self, *, is_near: bool, is_ours: bool = False) -> None:
        self._is_ours = is_ours
        self._is_near = is_near
        self.evidence = dict.fromkeys(
            (
                "ranges", "whole-instead", "served-in-part", "several-parts", "unsatisfiable-refused",
                "malformed-refused", "malformed-ignored", "refusals-without-size", "suffixes-of-nothing",
                "conditions-that-failed", "conditions-ignored",
            ),
            0,
        )  # fmt: skip

    def judge(self, read: Operation) -> Iterable[Wrong]:
        """Rule, clause and reason of each thing that is wrong with this answer."""
        size = read.asked.size
        if size is None or read.answered.status is None:
            return
        wanted = meant(read.asked.range_text or "", size)
        if read.asked.if_range is not None:
            yield from self._outdated(read)
            return
        if read.kind is Kind.OK and read.answered.status == 206:
            yield from self._part(read, wanted, size)
        elif read.kind is Kind.OK and read.answered.status == 200:
            self.evidence["malformed-ignored" if wanted is Meaning.MALFORMED else "whole-instead"] += 1
            is_single = wanted is Meaning.UNSATISFIABLE or read.asked.range is not None
            if self._is_ours and is_single and wanted is not Meaning.MALFORMED:
                yield "ignored-range", _OURS, f"the whole of {size} bytes came instead of a single range"
        elif read.kind is Kind.FAIL and 400 <= read.answered.status < 500 and not read.faults:
            yield from self._refusal(read, wanted, size)

    def _outdated(self, read: Operation) -> Iterable[Wrong]:
        """A range for who has a part of other content: the whole is meant. What is immutable cannot mix, so it is
        judged of our own alone.
        """
        is_served = read.kind is Kind.OK and read.answered.status == 206
        self.evidence["conditions-that-failed"] += read.kind is Kind.OK
        self.evidence["conditions-ignored"] += is_served
        if is_served and self._is_ours:
            yield "wrong-condition", _CURRENT, f"206 to If-Range {read.asked.if_range}, with which nothing was served"

    def _part(self, read: Operation, wanted: tuple[tuple[int, int], ...] | Meaning, size: int) -> Iterable[Wrong]:
        answered = read.answered
        if isinstance(wanted, Meaning):
            if wanted is Meaning.UNSATISFIABLE and not answered.length:
                self.evidence["suffixes-of-nothing"] += 1  # no byte was asked for, and none came
                return
            yield "range-of-nothing", _NOTHING, f"206 with {answered.length} bytes, and not one is in that range"
            return
        if (answered.media_type or "").lower().startswith("multipart/byteranges"):
            yield from self._parts(read, wanted, size)
            return
        said = described(answered.content_range)
        if said is None or said.first is None or said.last is None:
            if size or answered.length:
                yield "wrong-content-range", _DESCRIBES, f"206 with Content-Range {answered.content_range!r}"
            return
        length = said.last - said.first + 1
        is_asked = any(first <= said.first <= said.last <= last for first, last in _joined(wanted))
        if length != answered.length or said.size not in (None, size) or not is_asked:
            why = f"206 with {answered.length} bytes of {size}, as Content-Range {answered.content_range!r}"
            yield "wrong-content-range", _DESCRIBES, why
            return
        known = {(one.first, one.last): one.digest for one in read.asked.slices}
        digest = known.get((said.first, said.last))
        if None not in (digest, answered.digest) and digest != answered.digest:
            why = f"the bytes {said.first} to {said.last} hash to {short(answered.digest)}, not to {short(digest)}"
            yield "wrong-part", _PARTS, why
        is_all = any((said.first, said.last) == span for span in wanted)
        self.evidence["ranges" if is_all else "served-in-part"] += 1

    def _parts(self, read: Operation, wanted: tuple[tuple[int, int], ...], size: int) -> Iterable[Wrong]:
        parts, known = read.answered.parts, {(one.first, one.last): one.digest for one in read.asked.slices}
        if not parts:
            # What is longer than we keep of an answer was not taken apart.
            if (read.answered.length or 0) <= _KEPT:
                yield "wrong-part", _PARTS, f"multipart/byteranges that cannot be read, {read.answered.length} bytes"
            return
        self.evidence["several-parts"] += 1
        for part in parts:
            if not any(first <= part.first <= part.last <= last for first, last in _joined(wanted)):
                yield "wrong-part", _PARTS, f"a part from {part.first} to {part.last} of {size}, not asked for"
            digest = known.get((part.first, part.last))
            if digest is not None and part.digest != digest:
                why = f"the part from {part.first} to {part.last} hashes to {short(part.digest)}, not {short(digest)}"
                yield "wrong-part", _PARTS, why

    def _refusal(self, read: Operation, wanted: tuple[tuple[int, int], ...] | Meaning, size: int) -> Iterable[Wrong]:
        answered = read.answered
        if self._is_near and ", then " in (read.error or "") and None not in (answered.content_length, answered.length):
            why = (
                f"{answered.status} announces {answered.content_length} bytes, {answered.length} came, and the "
                f"connection was lost: {read.error}"
            )
            yield "broken-refusal", _FRAMED, why
        if answered.status == 416:
            said = described(answered.content_range)
            if said is None:
                self.evidence["refusals-without-size"] += 1
            elif said.size not in (None, size):
                why = f"416 with Content-Range {answered.content_range!r}, of {size} bytes"
                yield "wrong-content-range", _SIZE, why
        if wanted is Meaning.UNSATISFIABLE:
            self.evidence["unsatisfiable-refused"] += 1
        elif wanted is Meaning.MALFORMED:
            self.evidence["malformed-refused"] += 1
        elif len(wanted) == 1 and read.asked.range is not None and is_refusal(read):
            yield "refused-range", _THERE, f"answered {answered.status} to a range that is there"


_KEPT = 64 * 1024


def _joined(spans: tuple[tuple[int, int], ...]) -> Iterable[tuple[int, int]]:
    """Each span, and the one from the first to the last byte of all: a server may join them (RFC 9110, 15.3.7.2)."""
    yield from spans
    yield min(first for first, _ in spans), max(last for _, last in spans)
