"""What a tag must name because the last change of it was alone, was acknowledged, and nothing was begun since. Pure.

The plainest case of what the tags checker judges of a linearizable register (checkers/register.py): no two changes at
once, none of which nobody knows how it ended, no digest that was put twice under this tag; a delete by digest counts
as a change of every tag of its repository. As soon as it is otherwise, nothing is said until a change is alone again.
"""

from nscr_cli.checkers.wording import short
from nscr_cli.history.keys import repository_of
from nscr_cli.history.ops import INFO, OK, F, Op

_MOST_TAGS = 20_000  # that are remembered: a run of days must not fill the memory
_MOST_PUTS = 200_000
_PUT, _DELETE, _DELETE_BY_DIGEST = F.PUT_MANIFEST, F.DELETE_TAG, F.DELETE_MANIFEST
_GET, _HEAD = F.GET_MANIFEST, F.HEAD_MANIFEST


class _Deletes:
    """The deletes by digest of one repository."""

    __slots__ = ("begun", "is_spoiled", "open")

    def __init__(self) -> None:
        self.open = 0
        self.begun = 0
        self.is_spoiled = False


class _Tag:
    """One tag: how many changes have begun, and what it holds since when, as of which of them."""

    __slots__ = ("begun", "deletes", "deletes_begun", "digests", "is_settled", "is_spoiled", "open", "since", "value")

    def __init__(self, deletes: _Deletes) -> None:
        self.deletes = deletes
        self.open = 0
        self.begun = 0
        self.deletes_begun = 0
        self.value: str | None = None
        self.since = 0
        self.is_settled = False
        self.is_spoiled = False
        self.digests: set[int] = set()  # hashes: two that are alike by chance only make it silent

    def is_certain(self) -> bool:
        """It holds `value`, whatever order there is."""
        if not self.is_settled or self.is_spoiled:
            return False
        deletes = self.deletes
        return deletes.begun == self.deletes_begun and not deletes.open and not deletes.is_spoiled


class Registers:
    """Tags, and what is at work on them."""

    def __init__(self) -> None:
        self._tags: dict[str, _Tag] = {}
        self._deletes: dict[str, _Deletes] = {}
        self._puts = 0
        # Of each process that is at a tag: the tag, and how many changes had begun when it was asked; for a change that
        # was not alone then, a number that none has.
        self._at: dict[int, tuple[_Tag, int, int]] = {}

    def asked(self, invocation: Op) -> None:
        """An operation begins."""
        f, key = invocation.f, invocation.key
        if f is _GET or f is _HEAD:
            tag = self._tags.get(key)
            if tag is not None and tag.is_certain() and invocation.time_ns > tag.since:
                asked = invocation.asked
                if asked is None or asked.accept is None:
                    self._at[invocation.process] = tag, tag.begun, tag.deletes.begun
        elif f is _PUT or f is _DELETE:
            if "@" not in key:
                self._change(invocation, self._tags.get(key) or self._new(key))
        elif f is _DELETE_BY_DIGEST:
            deletes = self._deletes_of(key)
            deletes.open += 1
            deletes.begun += 1

    def ended(self, invocation: Op, completion: Op) -> str | None:
        """Why a read cannot be, if it shows that."""
        f = completion.f
        if f is _DELETE_BY_DIGEST:
            deletes = self._deletes_of(completion.key)
            deletes.open -= 1
            deletes.is_spoiled = deletes.is_spoiled or completion.kind is INFO
            return None
        at = self._at.pop(completion.process, None)
        if at is None:
            return None
        if f is _GET or f is _HEAD:
            return _contradiction(*at, completion)
        self._changed(*at, invocation, completion)
        return None

    def _change(self, invocation: Op, tag: _Tag) -> None:
        tag.begun += 1
        tag.is_settled = False
        is_alone = not tag.open and not tag.deletes.open
        tag.open += 1
        if invocation.f is _PUT:
            self._puts += 1
            digest = hash(invocation.asked.digest) if invocation.asked is not None else 0
            tag.is_spoiled = tag.is_spoiled or digest in tag.digests or self._puts > _MOST_PUTS
            tag.digests.add(digest)
        self._at[invocation.process] = tag, tag.begun if is_alone else -1, tag.deletes.begun

    def _changed(self, tag: _Tag, begun: int, deletes_begun: int, invocation: Op, completion: Op) -> None:
        tag.open -= 1
        if completion.kind is INFO:
            tag.is_spoiled = True
        elif completion.kind is OK and tag.begun == begun and tag.deletes.begun == deletes_begun:
            tag.is_settled = True
            tag.since = completion.time_ns
            tag.deletes_begun = deletes_begun
            tag.value = invocation.asked.digest if completion.f is _PUT and invocation.asked is not None else None

    def _deletes_of(self, key: str) -> _Deletes:
        return self._deletes.setdefault(repository_of(key), _Deletes())

    def _new(self, key: str) -> _Tag:
        tag = _Tag(self._deletes_of(key))
        if len(self._tags) < _MOST_TAGS:
            self._tags[key] = tag
        return tag


def _contradiction(tag: _Tag, begun: int, deletes_begun: int, read: Op) -> str | None:
    if tag.begun != begun or tag.deletes.begun != deletes_begun or read.kind is not OK or read.answered is None:
        return None
    answered = read.answered
    seen = answered.digest if read.f is _GET else answered.header_digest
    if answered.present is False:
        seen = None
    elif seen is None:
        return None
    if seen == tag.value:
        return None
    last = f"{short(tag.value)} was acknowledged" if tag.value is not None else "its delete was acknowledged"
    return f"{read.f} saw {short(seen)} after {last}, with nothing begun since"
