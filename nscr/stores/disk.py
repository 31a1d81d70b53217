"""The few calls of the file system that make something durable, and what their failure means.

Each stands between its two crash points. A failed fsync trips the fence (see nscr.stores.fence); other failures
change nothing but the answer. Knows neither blobs nor uploads.
"""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nscr.crashpoints import crash_around
from nscr.errors import StoreFault, StoreFull
from nscr.stores.fence import Fence


@contextmanager
def faults(action: str) -> Iterator[None]:
    """Turn a failure of the operating system into one of the store."""
    try:
        yield
    except OSError as error:
        kind = StoreFull if error.errno in {errno.ENOSPC, errno.EDQUOT} else StoreFault
        raise kind(f"could not {action}: {error.strerror}") from error


class Disk:
    """Durable steps on paths, behind a fence."""

    def __init__(self, fence: Fence) -> None:
        self.fence = fence

    def sync_file(self, path: Path, step: str) -> None:
        """Made if need be: an upload that never received a byte has no file yet."""
        self._sync(path, os.O_WRONLY | os.O_CREAT, step)

    def sync_folder(self, path: Path, step: str) -> None:
        self._sync(path, os.O_RDONLY | os.O_DIRECTORY, step)

    def _sync(self, path: Path, flags: int, step: str) -> None:
        self.fence.check()
        descriptor = os.open(path, flags, 0o644)
        try:
            with crash_around(step):
                os.fsync(descriptor)
        except OSError as error:
            self.fence.trip(f"fsync of {path.name} failed: {error.strerror}")
            raise
        finally:
            os.close(descriptor)

    def make_folder(self, folder: Path) -> None:
        """With its parents, each durable in the one above it."""
        if folder.is_dir():
            return
        self.make_folder(folder.parent)
        with crash_around("folder.make"):
            folder.mkdir(exist_ok=True)
        self.sync_folder(folder.parent, "folder.make-sync")

    def move(self, source: Path, target: Path, step: str) -> None:
        """Rename; not durable before the folder of `target` is synced."""
        self.fence.check()
        with crash_around(step):
            source.rename(target)

    def unlink(self, path: Path, step: str) -> bool:
        """Remove a file; False if there is none. Not durable by itself."""
        self.fence.check()
        try:
            with crash_around(step):
                path.unlink()
        except FileNotFoundError:
            return False
        return True

    def truncate(self, path: Path, size: int, step: str) -> None:
        self.fence.check()
        with crash_around(step):
            os.truncate(path, size)
