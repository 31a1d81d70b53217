"""Equal parts of a history as one object: a million operations ask for few things, and are answered few things.

Works on entries that were just read from a journal and that nobody else holds, because it changes them: a text takes
the place of an equal one, and a request id that follows from its operation (`<run>-<index>.<exchange>`, as the run
gives them) is kept as the number of the exchange, so that two answers that say the same are equal.
"""

from msgspec.structs import force_setattr

from nscr_cli.history.ops import Answered, Asked, Op, Reference

_NOTHING_ASKED = Asked()
_NOTHING_ANSWERED = Answered()
_DIGITS = {str(number): number for number in range(100)}


class Sharing:
    """Remembers what was seen, for as long as a history is being read."""

    def __init__(self) -> None:
        self._texts: dict[str, str] = {}
        self._asked: dict[str, Asked] = {}
        self._answered: dict[str, Answered] = {}
        self._answered_to_get: dict[str, Answered] = {}
        self._references: dict[str, tuple[Reference, ...]] = {}
        self._run = ""

    def text(self, text: str) -> str:
        """The first text that was equal to this one."""
        return self._texts.setdefault(text, text)

    def asked(self, invoked: Op, key: str) -> Asked:
        """What was asked, as one object with what was last asked of the same key, if that is the same."""
        asked = invoked.asked
        if asked is None or asked == _NOTHING_ASKED:
            return _NOTHING_ASKED
        if asked == self._asked.get(key):
            return self._asked[key]
        self._asked[key] = asked
        text = self._texts.setdefault
        if asked.digest is not None:
            force_setattr(asked, "digest", text(asked.digest, asked.digest))
        if asked.media_type is not None:
            force_setattr(asked, "media_type", text(asked.media_type, asked.media_type))
        if asked.source is not None:
            force_setattr(asked, "source", text(asked.source, asked.source))
        if asked.references:
            force_setattr(asked, "references", self._edges(asked.references, asked.digest or key))
        return asked

    def answered(self, invoked: Op, completed: Op, key: str) -> tuple[Answered, str | None, int]:
        """What was answered, likewise; with the run and the exchange of its request id, where that follows a rule."""
        answered = completed.answered
        if answered is None:
            return _NOTHING_ANSWERED, None, 0
        run, exchange = None, 0
        if answered.request_id is not None:
            exchange = self._exchange(answered.request_id, invoked.index)
            if exchange:
                run = self._run
                force_setattr(answered, "request_id", None)
        # Answers with a digest of the bytes and answers without take turns, where a key is read by GET and by HEAD.
        last = self._answered if answered.digest is None else self._answered_to_get
        if answered == last.get(key):
            return last[key], run, exchange
        last[key] = answered
        text = self._texts.setdefault
        if answered.header_digest is not None:
            force_setattr(answered, "header_digest", text(answered.header_digest, answered.header_digest))
        if answered.digest is not None:
            force_setattr(answered, "digest", text(answered.digest, answered.digest))
        if answered.media_type is not None:
            force_setattr(answered, "media_type", text(answered.media_type, answered.media_type))
        if answered.references:
            force_setattr(answered, "references", self._edges(answered.references, answered.digest or key))
        if answered.tags:
            force_setattr(answered, "tags", tuple(map(self.text, answered.tags)))
        return answered, run, exchange

    def _edges(self, references: tuple[Reference, ...], owner: str) -> tuple[Reference, ...]:
        known = self._references.get(owner)
        if known == references:
            return known
        for one in references:
            force_setattr(one, "digest", self.text(one.digest))
        self._references[owner] = references
        return references

    def _exchange(self, request_id: str, index: int) -> int:
        """The number of the exchange; 0 where the id does not follow the rule, or is of another run than the first."""
        head, _, last = request_id.rpartition(".")
        number = _DIGITS.get(last, 0)
        if not number or head != f"{self._run}-{index}":
            return self._first_exchange(head, number, index)
        return number

    def _first_exchange(self, head: str, number: int, index: int) -> int:
        run, _, named = head.rpartition("-")
        if self._run or not run or named != str(index):
            return 0
        self._run = run
        return number
