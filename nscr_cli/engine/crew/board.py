"""What the processes of one run share while they load: the index of the next entry, and how many operations are open.

A file in memory that all of them inherited. Who takes an index holds the file's lock (lockf(3)), which belongs to a
process: not every kernel moves the offset of a shared file under a lock of its own.
"""

import fcntl
import mmap
import os
import struct

_COUNT = struct.Struct("=q")


class Board:
    """One process's view of it.

    Args:
        descriptor: of the file, inherited.
        members: how many write on it; each has a place of its own.
    """

    def __init__(self, descriptor: int, members: int) -> None:
        self.descriptor = descriptor
        self._members = members
        self._places = mmap.mmap(descriptor, (members + 1) * _COUNT.size)
        self._next = members * _COUNT.size

    @classmethod
    def made(cls, members: int) -> "Board":
        """A new one."""
        descriptor = os.memfd_create("nscr")
        os.ftruncate(descriptor, (members + 1) * _COUNT.size)
        return cls(descriptor, members)

    def next_index(self) -> int:
        """The next index, from 0, in the order in which anybody asks."""
        fcntl.lockf(self.descriptor, fcntl.LOCK_EX)
        try:
            (index,) = _COUNT.unpack_from(self._places, self._next)
            _COUNT.pack_into(self._places, self._next, index + 1)
        finally:
            fcntl.lockf(self.descriptor, fcntl.LOCK_UN)
        return int(index)

    def note_open(self, member: int, count: int) -> None:
        """So many operations of this member are open."""
        _COUNT.pack_into(self._places, member * _COUNT.size, count)

    def open_operations(self) -> int:
        """How many operations are open, of all members together."""
        return sum(count for (count,) in _COUNT.iter_unpack(self._places[: self._next]))

    def close(self) -> None:
        """Let go of it."""
        self._places.close()
        os.close(self.descriptor)
