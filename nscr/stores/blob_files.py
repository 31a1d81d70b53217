"""Committed blobs on disk: their names, whether they are whole, and their removal.

A blob is hashed in full before its first byte is served, and again whenever size, times or inode of its file are not
those that it had when it last hashed well. This is remembered per process, for so many blobs as `_REMEMBERED`; what
is forgotten is hashed again. Blocking; nscr.stores.files takes it off the event loop.
"""

import os
from collections import OrderedDict
from pathlib import Path

from nscr.errors import ContentDamaged
from nscr.oci.digest import Digest, algorithm_of, finish, hex_of, new_hash
from nscr.stores.disk import Disk, faults

_READ_SIZE = 1024 * 1024

_REMEMBERED = 100_000

Stamp = tuple[int, int, int, int]


def _stamp(status: os.stat_result) -> Stamp:
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino


class BlobFiles:
    """The folders `blobs` and `quarantine`."""

    def __init__(self, data: Path, disk: Disk) -> None:
        self._blobs = data / "blobs"
        self._quarantine = data / "quarantine"
        self._disk = disk
        self._whole: OrderedDict[Digest, Stamp] = OrderedDict()

    def take(self, source: Path, digest: Digest) -> None:
        """Make a synced and hashed file the blob; over an existing one too, which heals a damaged one."""
        with faults("publish a blob"):
            target = self._path(digest)
            self._disk.make_folder(target.parent)
            self._disk.move(source, target, "blob.rename")
            self._disk.sync_folder(target.parent, "blob.folder-sync")
            self._remember(digest, _stamp(target.stat()))
            self._disk.unlink(self._quarantined(digest), "quarantine.unlink")

    def withdraw(self, digest: Digest, target: Path) -> None:
        """Undo `take`."""
        with faults("take a blob back"):
            source = self._path(digest)
            self._whole.pop(digest, None)
            self._disk.move(source, target, "blob.withdraw")
            self._disk.sync_folder(target.parent, "blob.withdraw-sync")
            self._disk.sync_folder(source.parent, "blob.folder-sync")

    def adopt(self, digest: Digest) -> int | None:
        """End a `take` that was broken off, if it came to its rename, and return the blob's size."""
        with faults("look at a blob"):
            path = self._path(digest)
            try:
                size = path.stat().st_size
            except FileNotFoundError:
                return None
            self._disk.sync_folder(path.parent, "blob.folder-sync")
            self._disk.unlink(self._quarantined(digest), "quarantine.unlink")
            return size

    def remove(self, digest: Digest) -> int:
        """Remove the blob's file, wherever it is, durably, and return how many bytes it held."""
        self._whole.pop(digest, None)
        removed = 0
        with faults("remove a blob"):
            for path in (self._quarantined(digest), self._path(digest)):
                try:
                    size = path.stat().st_size
                except FileNotFoundError:
                    continue
                self._disk.unlink(path, "blob.unlink")
                self._disk.sync_folder(path.parent, "blob.unlink-sync")
                removed += size
        return removed

    def quarantine(self, digest: Digest) -> None:
        """Move the file, if there is one, to where nobody reads it."""
        with faults("quarantine a blob"):
            self._whole.pop(digest, None)
            self._disk.make_folder(self._quarantine)
            try:
                self._disk.move(self._path(digest), self._quarantined(digest), "blob.quarantine")
            except FileNotFoundError:
                return
            self._disk.sync_folder(self._quarantine, "blob.quarantine-sync")
            self._disk.sync_folder(self._path(digest).parent, "blob.folder-sync")

    def is_known_whole(self, digest: Digest, size: int) -> bool:
        """Whether the file is as it was when it last hashed well.

        Raises:
            ContentDamaged: it is missing or has another size.
        """
        return self._matches(digest, self._status(digest, size))

    def open_whole(self, digest: Digest, size: int) -> int | None:
        """A descriptor of a file that is known whole, None where it must be hashed first; raises as above."""
        self._status(digest, size)
        with faults("open a blob"):
            descriptor = os.open(self._path(digest), os.O_RDONLY)
            if self._matches(digest, os.fstat(descriptor)):
                return descriptor
            os.close(descriptor)
            return None

    def hash_again(self, digest: Digest, size: int) -> None:
        """Read the whole file, whatever is known of it.

        Raises:
            ContentDamaged: the bytes have another digest.
        """
        self._status(digest, size)
        with faults("read a blob"), self._path(digest).open("rb") as file:
            stamp = _stamp(os.fstat(file.fileno()))
            state = new_hash(algorithm_of(digest))
            while data := file.read(_READ_SIZE):
                state.update(data)
        if (actual := finish(algorithm_of(digest), state)) != digest:
            self._whole.pop(digest, None)
            raise ContentDamaged(digest, f"its bytes hash to {actual}")
        self._remember(digest, stamp)

    def _status(self, digest: Digest, size: int) -> os.stat_result:
        with faults("look at a blob"):
            try:
                status = self._path(digest).stat()
            except FileNotFoundError:
                raise ContentDamaged(digest, "its file is missing") from None
        if status.st_size != size:
            raise ContentDamaged(digest, f"its file holds {status.st_size} bytes, not {size}")
        return status

    def _matches(self, digest: Digest, status: os.stat_result) -> bool:
        return self._whole.get(digest) == _stamp(status)

    def _remember(self, digest: Digest, stamp: Stamp) -> None:
        self._whole[digest] = stamp
        while len(self._whole) > _REMEMBERED:
            self._whole.popitem(last=False)

    def _path(self, digest: Digest) -> Path:
        name = hex_of(digest)
        return self._blobs / algorithm_of(digest) / name[:2] / name

    def _quarantined(self, digest: Digest) -> Path:
        return self._quarantine / hex_of(digest)
