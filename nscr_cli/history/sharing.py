"""Equal parts of a history as one object: a million operations ask for few things, and are answered few things.

Works on entries that were just read from a journal and that nobody else holds, because it changes them: a text takes
the place of an equal one, and a request id that follows from its operation (`<run>-<index>.<exchange>`, as the run
gives them) is kept as the number of the exchange, so that two answers that say the same are equal. Looks only at what
was last asked and answered of the same key: to find everything that is shared would cost more than it saves.
"""

from msgspec.structs import force_setattr

from nscr_cli.history.ops import Answered, Asked, Op, Reference

_NOTHING_ASKED = Asked()
_NOTHING_ANSWERED = Answered()
_DIGITS = {str(number): number for number in range(1, 100)}


class _Known:
    """What was last seen of one key; answers that tell the digest of their bytes, and others, take turns."""

    __slots__ = ("answered", "asked", "key", "with_bytes")

    def __init__(self, key: str) -> None:
        self.key = key
        self.asked = _NOTHING_ASKED
        self.answered = _NOTHING_ANSWERED
        self.with_bytes = _NOTHING_ANSWERED


class Sharing:
    """Remembers what was seen, for as long as a history is being read."""

    def __init__(self) -> None:
        self._texts: dict[str, str] = {}
        self._known: dict[str, _Known] = {}
        self._run = ""

    def share(self, invoked: Op, answered: Answered) -> tuple[str, Asked, Answered, str | None, int]:
        """Key, what was asked and what was answered of one operation; with the run and the exchange of its request id,
        where that follows the rule."""
        known = self._known.get(invoked.key)
        if known is None:
            known = self._known[invoked.key] = _Known(invoked.key)
        asked = invoked.asked or _NOTHING_ASKED
        if asked == _NOTHING_ASKED:
            asked = _NOTHING_ASKED
        elif asked == known.asked:
            asked = known.asked
        else:
            self._shrink_asked(asked, known.asked)
            known.asked = asked
        exchange = 0
        if answered.request_id is not None:
            exchange = self._exchange(answered.request_id, invoked.index)
            if exchange:
                force_setattr(answered, "request_id", None)
        if answered.digest is None:
            if answered == known.answered:
                answered = known.answered
            else:
                self._shrink_answered(answered, known.asked)
                known.answered = answered
        elif answered == known.with_bytes:
            answered = known.with_bytes
        else:
            self._shrink_answered(answered, known.asked)
            known.with_bytes = answered
        return known.key, asked, answered, self._run if exchange else None, exchange

    def _shrink_asked(self, asked: Asked, last: Asked) -> None:
        if asked.digest is not None and asked.digest == last.digest:
            force_setattr(asked, "digest", last.digest)
        if asked.media_type is not None:
            force_setattr(asked, "media_type", self._text(asked.media_type))
        if asked.source is not None:
            force_setattr(asked, "source", self._text(asked.source))
        self._shrink_references(asked.references)

    def _shrink_answered(self, answered: Answered, asked: Asked) -> None:
        """Mostly it is what was last put there that is seen."""
        if answered.header_digest is not None and answered.header_digest == asked.digest:
            force_setattr(answered, "header_digest", asked.digest)
        if answered.digest is not None and answered.digest == answered.header_digest:
            force_setattr(answered, "digest", answered.header_digest)
        if answered.media_type is not None:
            force_setattr(answered, "media_type", self._text(answered.media_type))
        if answered.error_code is not None:
            force_setattr(answered, "error_code", self._text(answered.error_code))
        if answered.references:
            if answered.references == asked.references:
                force_setattr(answered, "references", asked.references)
            else:
                self._shrink_references(answered.references)
        if answered.tags:
            force_setattr(answered, "tags", tuple(map(self._text, answered.tags)))

    def _shrink_references(self, references: tuple[Reference, ...]) -> None:
        for one in references:
            force_setattr(one, "digest", self._text(one.digest))

    def _text(self, text: str) -> str:
        return self._texts.setdefault(text, text)

    def _exchange(self, request_id: str, index: int) -> int:
        """The number of the exchange; 0 where the id does not follow the rule, or is of another run than the first."""
        head, _, last = request_id.rpartition(".")
        number = _DIGITS.get(last, 0)
        if not self._run:
            run, _, named = head.rpartition("-")
            self._run = run if named == str(index) else ""
        return number if number and self._run and head == f"{self._run}-{index}" else 0
