"""Which parts of a journal know of which digests: on disk, because a long run knows of millions.

One record of a fixed length for each mention, in files by the digest's beginning; each file is gone through by itself,
and only what several parts know of, and one of them changed, is kept.
"""

import contextlib
import hashlib
import struct
from pathlib import Path
from types import TracebackType
from typing import IO, Self

_FILES = 64
_RECORD = struct.Struct("<16sH?")
_REMEMBERED = 4096


class DigestNotes:
    """Notes of one split; written while entered, read afterwards."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files: list[IO[bytes]] = []
        self._stack = contextlib.ExitStack()
        self._recent: set[tuple[str, int, bool]] = set()

    def __enter__(self) -> Self:
        self._files = [self._stack.enter_context(self._path(number).open("wb")) for number in range(_FILES)]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def add(self, digest: str, part: int, *, is_change: bool) -> None:
        """A part knows of a digest."""
        note = (digest, part, is_change)
        if note in self._recent:
            return
        if len(self._recent) >= _REMEMBERED:
            self._recent.clear()
        self._recent.add(note)
        name = _name(digest)
        self._files[name[0] % _FILES].write(_RECORD.pack(name, part, is_change))

    def shared(self) -> "SharedDigests":
        """The digests that were changed in one part and are known in another one."""
        shared: dict[bytes, frozenset[int]] = {}
        for number in range(_FILES):
            path = self._path(number)
            parts: dict[bytes, set[int]] = {}
            changed: set[bytes] = set()
            for name, part, is_change in _RECORD.iter_unpack(path.read_bytes()):
                parts.setdefault(name, set()).add(part)
                if is_change:
                    changed.add(name)
            path.unlink()
            for name in changed:
                if len(parts[name]) > 1:
                    shared[name] = frozenset(parts[name])
        return SharedDigests(shared)

    def _path(self, number: int) -> Path:
        return self._folder / f"digests-{number}"


class SharedDigests:
    """The parts that know of a digest, for those that several know of."""

    def __init__(self, parts: dict[bytes, frozenset[int]]) -> None:
        self._parts = parts

    def __bool__(self) -> bool:
        return bool(self._parts)

    def parts_of(self, digest: str) -> frozenset[int]:
        """All parts that know of it, if there are several."""
        return self._parts.get(_name(digest), frozenset())


def _name(digest: str) -> bytes:
    """A digest in sixteen bytes: a registry may have said anything at all."""
    return hashlib.blake2b(digest.encode(), digest_size=16).digest()
