"""What the processes of one run share while they load: the index of the next entry, and how many operations are open.

A file in memory that all of them inherited. Its offset belongs to the open file, not to a process, and the kernel
moves it under a lock (lseek(2), since Linux 3.14): to move it on by one is to take an index that nobody else takes.
"""

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
        self._places = mmap.mmap(descriptor, members * _COUNT.size)

    @classmethod
    def made(cls, members: int) -> "Board":
        """A new one."""
        descriptor = os.memfd_create("nscr")
        os.ftruncate(descriptor, members * _COUNT.size)
        return cls(descriptor, members)

    def next_index(self) -> int:
        """The next index, from 0, in the order in which anybody asks."""
        return os.lseek(self.descriptor, 1, os.SEEK_CUR) - 1

    def note_open(self, member: int, count: int) -> None:
        """So many operations of this member are open."""
        _COUNT.pack_into(self._places, member * _COUNT.size, count)

    def open_operations(self) -> int:
        """How many operations are open, of all members together."""
        return sum(count for (count,) in _COUNT.iter_unpack(self._places[:]))

    def close(self) -> None:
        """Let go of it."""
        self._places.close()
        os.close(self.descriptor)
