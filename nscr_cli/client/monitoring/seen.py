"""Bodies that were seen, each under its entity tag, so that what has not changed need not be sent again. Pure.

A weak tag does not cover the times in a document (docs/monitor.md): those of a body that is taken from here are the
times at which it was sent.
"""

from collections import OrderedDict

import msgspec

ROOM = 64 * 1024 * 1024


class Seen(msgspec.Struct, frozen=True):
    """A body, and the entity tag that names it."""

    tag: str
    body: bytes


class SeenBodies:
    """The last body of each path; those that were not asked for lately make room for others.

    Args:
        room: bytes that are kept in all.
    """

    def __init__(self, room: int = ROOM) -> None:
        self._room = room
        self._kept: OrderedDict[str, Seen] = OrderedDict()

    def of(self, path: str) -> Seen | None:
        """What was seen there last."""
        seen = self._kept.get(path)
        if seen is not None:
            self._kept.move_to_end(path)
        return seen

    def keep(self, path: str, tag: str | None, body: bytes) -> None:
        """Remember a body; without a tag, what was there is forgotten."""
        self._kept.pop(path, None)
        if tag is None or len(body) > self._room:
            return
        self._kept[path] = Seen(tag, body)
        while sum(len(seen.body) for seen in self._kept.values()) > self._room:
            self._kept.popitem(last=False)
