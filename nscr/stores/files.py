"""Blob content in content-addressed files, uploads in files of their own.

    DATA/blobs/sha256/3f/3f9a…    committed: complete, hashed and synced before it got this name
    DATA/uploads/<upload id>      in progress; its length is the upload's offset

A visible name is made in this order only: write, hash, fsync the file, rename, fsync the folder (a rename is not
durable before its folder is). Knows nothing of repositories. What is kept in memory of an upload is its hash so far
and a last few KiB on their way to the file: after a restart, or for another algorithm than was announced, the file is
read again.
"""

import errno
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from nscr.errors import ContentDamaged, DigestMismatch, StoreFault, StoreFull
from nscr.oci.digest import Algorithm, Digest, Hash, algorithm_of, finish, hex_of, new_hash
from nscr.stores.base import BlobReader, Offload

_READ_SIZE = 1024 * 1024

_HELD_BYTES = 64 * 1024
"""Up to so many appended bytes wait for the next append, sync or publish: small blobs then cost one thread hop."""


@contextmanager
def _faults(action: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        kind = StoreFull if error.errno in {errno.ENOSPC, errno.EDQUOT} else StoreFault
        raise kind(f"could not {action}: {error.strerror}") from error


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class FileReader:
    """A blob held open by its descriptor, so that a rename over it or an unlink changes nothing for this reader."""

    def __init__(self, descriptor: int, size: int, digest: Digest, offload: Offload) -> None:
        self._descriptor = descriptor
        self._digest = digest
        self._offload = offload
        self.size = size

    async def read(self, start: int, length: int) -> bytes:
        data = await self._offload(self._read, start, length)
        if len(data) != length:
            raise ContentDamaged(self._digest, f"it ends at byte {start + len(data)}")
        return data

    def _read(self, start: int, length: int) -> bytes:
        with _faults("read a blob"):
            return os.pread(self._descriptor, length, start)

    async def aclose(self) -> None:
        os.close(self._descriptor)


@dataclass(slots=True)
class _Progress:
    """An upload as its one writer knows it: `written` bytes are in the file and in `state`, `held` come after them.

    `state`, a hash by `algorithm`, is None where the file was begun by an earlier process.
    """

    algorithm: Algorithm
    state: Hash | None
    written: int
    held: bytes = b""


class FileContent:
    """`Content` on a file system; all of DATA must lie on one, for rename is atomic only within it."""

    def __init__(self, data: Path, offload: Offload) -> None:
        self._blobs = data / "blobs"
        self._uploads = data / "uploads"
        self._offload = offload
        self._progress: dict[str, _Progress] = {}
        with _faults("create the data folder"):
            for folder in (self._blobs, self._uploads):
                folder.mkdir(parents=True, exist_ok=True)
            _sync_folder(data)

    def start(self, upload: str, algorithm: Algorithm = Algorithm.SHA256) -> None:
        self._progress[upload] = _Progress(algorithm, new_hash(algorithm), 0)

    async def offset(self, upload: str) -> int:
        progress = self._progress.get(upload)
        return progress.written + len(progress.held) if progress else await self._offload(self._file_size, upload)

    def _file_size(self, upload: str) -> int:
        with _faults("measure an upload"):
            try:
                return (self._uploads / upload).stat().st_size
            except FileNotFoundError:
                return 0

    async def append(self, upload: str, data: bytes, at: int) -> None:
        progress = self._progress.setdefault(upload, _Progress(Algorithm.SHA256, None, at))
        if len(progress.held) + len(data) <= _HELD_BYTES:
            progress.held += data
        else:
            await self._offload(self._write, upload, progress.held + data)

    def _write(self, upload: str, data: bytes) -> None:
        # Taken out first: if this fails half way, the file alone says how far the upload is.
        progress = self._progress.pop(upload)
        with _faults("write to an upload"):
            descriptor = os.open(self._uploads / upload, os.O_WRONLY | os.O_CREAT, 0o644)
            try:
                rest, position = memoryview(data), progress.written
                while rest:
                    written = os.pwrite(descriptor, rest, position)
                    rest, position = rest[written:], position + written
            finally:
                os.close(descriptor)
        if progress.state is not None:
            progress.state.update(data)
        self._progress[upload] = _Progress(progress.algorithm, progress.state, progress.written + len(data))

    def _flush(self, upload: str) -> None:
        if (progress := self._progress.get(upload)) is not None and progress.held:
            self._write(upload, progress.held)

    async def sync(self, upload: str) -> None:
        await self._offload(self._sync, upload)

    def _sync(self, upload: str) -> None:
        self._flush(upload)
        with _faults("sync an upload"):
            self._sync_file(self._uploads / upload)
            _sync_folder(self._uploads)

    def _sync_file(self, path: Path) -> None:
        # Made if need be: an upload that never received a byte has no file yet.
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT, 0o644)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    async def truncate(self, upload: str, offset: int) -> None:
        await self._offload(self._truncate, upload, offset)

    def _truncate(self, upload: str, offset: int) -> None:
        self._flush(upload)
        with _faults("truncate an upload"):
            if (path := self._uploads / upload).exists():
                os.truncate(path, offset)
        # The hash cannot be taken back; the next one to need it reads the file.
        self._progress.pop(upload, None)

    async def publish(self, upload: str, digest: Digest) -> int:
        return await self._offload(self._publish, upload, digest)

    def _publish(self, upload: str, digest: Digest) -> int:
        self._flush(upload)
        with _faults("publish a blob"):
            source, target = self._uploads / upload, self._path(digest)
            self._sync_file(source)
            size = source.stat().st_size
            actual = self._digest(upload, size, algorithm_of(digest))
            if actual != digest:
                raise DigestMismatch(digest, actual)
            self._make_folder(target.parent)
            # Over an existing blob too: the bytes are the same, and damaged ones are healed this way.
            source.rename(target)
            _sync_folder(target.parent)
        self._progress.pop(upload, None)
        return size

    def _digest(self, upload: str, size: int, algorithm: Algorithm) -> Digest:
        progress = self._progress.get(upload)
        if progress and progress.state and progress.written == size and algorithm is progress.algorithm:
            return finish(algorithm, progress.state)
        state = new_hash(algorithm)
        with (self._uploads / upload).open("rb") as file:
            while data := file.read(_READ_SIZE):
                state.update(data)
        return finish(algorithm, state)

    def _make_folder(self, folder: Path) -> None:
        if folder.is_dir():
            return
        self._make_folder(folder.parent)
        folder.mkdir(exist_ok=True)
        _sync_folder(folder.parent)

    async def discard(self, upload: str) -> None:
        await self._offload(self._discard, upload)

    def _discard(self, upload: str) -> None:
        self._progress.pop(upload, None)
        with _faults("discard an upload"):
            (self._uploads / upload).unlink(missing_ok=True)

    async def uploads(self) -> Sequence[str]:
        return await self._offload(self._list_uploads)

    def _list_uploads(self) -> list[str]:
        with _faults("list uploads"):
            return sorted(entry.name for entry in self._uploads.iterdir())

    async def check(self, digest: Digest, size: int) -> None:
        await self._offload(self._check, digest, size)

    def _check(self, digest: Digest, size: int) -> None:
        with _faults("look at a blob"):
            try:
                held = self._path(digest).stat().st_size
            except FileNotFoundError:
                raise ContentDamaged(digest, "its file is missing") from None
        if held != size:
            raise ContentDamaged(digest, f"its file holds {held} bytes, not {size}")

    async def open(self, digest: Digest, size: int) -> BlobReader:
        return FileReader(await self._offload(self._open, digest, size), size, digest, self._offload)

    def _open(self, digest: Digest, size: int) -> int:
        self._check(digest, size)
        with _faults("open a blob"):
            return os.open(self._path(digest), os.O_RDONLY)

    async def free_bytes(self) -> int:
        return await self._offload(self._free_bytes)

    def _free_bytes(self) -> int:
        with _faults("measure the disk"):
            room = os.statvfs(self._blobs)
        return room.f_bavail * room.f_frsize

    def _path(self, digest: Digest) -> Path:
        name = hex_of(digest)
        return self._blobs / algorithm_of(digest) / name[:2] / name
