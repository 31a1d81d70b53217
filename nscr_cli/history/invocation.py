"""What a generator asks for: the part that is journaled, and the bytes that go with it.

Content follows from a seed, so that it need not be kept to be verified: a head unique to the seed, then one tile
repeated. (`Random.randbytes` makes 0.3 GB/s; a repeated tile costs no more than the copy.)
"""

import hashlib
import random
from collections.abc import Iterator

import msgspec

from nscr_cli.history.ops import Asked, F

CHUNK = 256 * 1024
_HEAD = 64
_TILE = random.Random("nscr tile").randbytes(CHUNK)


class Content:
    """Immutable bytes with their digest; large ones are never held whole."""

    __slots__ = ("_head", "digest", "size")

    def __init__(self, head: bytes, size: int, algorithm: str = "sha256") -> None:
        self._head = head[:size]
        self.size = size
        state = hashlib.new(algorithm)
        for chunk in self.chunks():
            state.update(chunk)
        self.digest = f"{algorithm}:{state.hexdigest()}"

    @classmethod
    def of_bytes(cls, data: bytes, *, algorithm: str = "sha256") -> "Content":
        """These very bytes."""
        return cls(data, len(data), algorithm)

    @classmethod
    def seeded(cls, seed: str, size: int, *, algorithm: str = "sha256") -> "Content":
        """`size` bytes that follow from `seed`; other than those of any other seed, unless shorter than 16 bytes."""
        return cls(random.Random(seed).randbytes(_HEAD), size, algorithm)

    def chunks(self, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """The bytes from `start` up to, not including, `end`, in pieces of at most CHUNK bytes."""
        stop = self.size if end is None else min(end, self.size)
        position = start
        while position < stop:
            if position < len(self._head):
                piece = self._head[position : min(stop, len(self._head))]
            else:
                offset = (position - len(self._head)) % CHUNK
                piece = _TILE[offset : offset + min(CHUNK - offset, stop - position)]
            yield piece
            position += len(piece)


class Invocation(msgspec.Struct, frozen=True, kw_only=True):
    """One operation to perform.

    Attributes:
        key: as in history/keys.py; below the run's namespace.
        content: bytes of a blob or manifest to write; None where nothing is written.
    """

    f: F
    key: str
    asked: Asked
    content: Content | None = None
