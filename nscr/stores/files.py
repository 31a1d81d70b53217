"""Blob content in content-addressed files, uploads in files of their own.

    DATA/blobs/sha256/3f/3f9a…    committed: complete, hashed and synced before it got this name
    DATA/uploads/<upload id>      in progress; its length is the upload's offset
    DATA/quarantine/3f9a…         what once was a blob and no longer hashes to its name

A visible name is made in this order only: write, hash, fsync the file, rename, fsync the folder (a rename is not
durable before its folder is). Knows nothing of repositories. What is kept in memory of an upload is its hash so far
and a last few KiB on their way to the file: after a restart, or for another algorithm than was announced, the file is
read again. What is kept of a blob is the stamp that its file had when it hashed well.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from nscr.errors import ContentDamaged, DigestMismatch
from nscr.keyed_locks import KeyedLocks
from nscr.oci.digest import Algorithm, Digest, Hash, algorithm_of, finish, new_hash
from nscr.stores.base import BlobReader, Offload
from nscr.stores.blob_files import BlobFiles
from nscr.stores.disk import Disk, faults
from nscr.stores.fence import Fence

_READ_SIZE = 1024 * 1024

_ATTEMPTS = 3
"""How often a blob is hashed for one reader, where its file changes meanwhile."""

_HELD_BYTES = 64 * 1024
"""Up to so many appended bytes wait for the next append, sync or publish: small blobs then cost one thread hop."""


class FileReader:
    """A blob held open by its descriptor, so that a rename over it or an unlink changes nothing for this reader."""

    def __init__(self, descriptor: int, size: int, digest: Digest, offload: Offload, *, is_hashed: bool) -> None:
        """With `is_hashed`, who reads it from its first byte to its last does not get the last ones of a bad blob."""
        self._descriptor = descriptor
        self._digest = digest
        self._offload = offload
        self._state = new_hash(algorithm_of(digest)) if is_hashed else None
        self._hashed = 0
        self.size = size

    async def read(self, start: int, length: int) -> bytes:
        data = await self._offload(self._read, start, length)
        if len(data) != length:
            raise ContentDamaged(self._digest, f"it ends at byte {start + len(data)}")
        return data

    def _read(self, start: int, length: int) -> bytes:
        with faults("read a blob"):
            data = os.pread(self._descriptor, length, start)
        if self._state is not None and start == self._hashed:
            self._state.update(data)
            self._hashed += len(data)
            if self._hashed == self.size and finish(algorithm_of(self._digest), self._state) != self._digest:
                raise ContentDamaged(self._digest, "its bytes changed while they were read")
        return data

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

    def __init__(
        self, data: Path, offload: Offload, *, fence: Fence | None = None, hash_every_read: bool = False
    ) -> None:
        self._data = data
        self._uploads = data / "uploads"
        self._offload = offload
        self._disk = Disk(fence or Fence())
        self._blobs = BlobFiles(data, self._disk)
        self._hash_every_read = hash_every_read
        self._hashing = KeyedLocks()
        self._progress: dict[str, _Progress] = {}
        with faults("create the data folder"):
            for folder in (data / "blobs", self._uploads):
                self._disk.make_folder(folder)
            self._disk.sync_folder(data, "data.sync")

    def start(self, upload: str, algorithm: Algorithm = Algorithm.SHA256) -> None:
        self._progress[upload] = _Progress(algorithm, new_hash(algorithm), 0)

    async def offset(self, upload: str) -> int:
        progress = self._progress.get(upload)
        return progress.written + len(progress.held) if progress else await self._offload(self._file_size, upload)

    def _file_size(self, upload: str) -> int:
        with faults("measure an upload"):
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
        self._disk.fence.check()
        # Taken out first: if this fails half way, the file alone says how far the upload is.
        progress = self._progress.pop(upload)
        with faults("write to an upload"):
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
        with faults("sync an upload"):
            self._disk.sync_file(self._uploads / upload, "upload.sync")
            self._disk.sync_folder(self._uploads, "upload.folder-sync")

    async def truncate(self, upload: str, offset: int) -> None:
        await self._offload(self._truncate, upload, offset)

    def _truncate(self, upload: str, offset: int) -> None:
        self._flush(upload)
        with faults("truncate an upload"):
            if (path := self._uploads / upload).exists():
                self._disk.truncate(path, offset, "upload.truncate")
        # The hash cannot be taken back; the next one to need it reads the file.
        self._progress.pop(upload, None)

    async def seal(self, upload: str, digest: Digest) -> int:
        return await self._offload(self._seal, upload, digest)

    def _seal(self, upload: str, digest: Digest) -> int:
        self._flush(upload)
        with faults("sync an upload"):
            source = self._uploads / upload
            self._disk.sync_file(source, "blob.sync")
            size = source.stat().st_size
            actual = self._digest(upload, size, algorithm_of(digest))
        if actual != digest:
            raise DigestMismatch(digest, actual)
        return size

    async def publish(self, upload: str, digest: Digest) -> None:
        await self._offload(self._blobs.take, self._uploads / upload, digest)
        self._progress.pop(upload, None)

    async def withdraw(self, digest: Digest, upload: str) -> None:
        await self._offload(self._blobs.withdraw, digest, self._uploads / upload)

    async def adopt(self, digest: Digest) -> int | None:
        return await self._offload(self._blobs.adopt, digest)

    async def remove(self, digest: Digest) -> int:
        return await self._offload(self._blobs.remove, digest)

    async def quarantine(self, digest: Digest) -> None:
        await self._offload(self._blobs.quarantine, digest)

    def _digest(self, upload: str, size: int, algorithm: Algorithm) -> Digest:
        progress = self._progress.get(upload)
        if progress and progress.state and progress.written == size and algorithm is progress.algorithm:
            return finish(algorithm, progress.state)
        state = new_hash(algorithm)
        with (self._uploads / upload).open("rb") as file:
            while data := file.read(_READ_SIZE):
                state.update(data)
        return finish(algorithm, state)

    async def discard(self, upload: str) -> None:
        await self._offload(self._discard, upload)

    def _discard(self, upload: str) -> None:
        self._progress.pop(upload, None)
        with faults("discard an upload"):
            self._disk.unlink(self._uploads / upload, "upload.unlink")

    async def uploads(self) -> Sequence[str]:
        return await self._offload(self._list_uploads)

    def _list_uploads(self) -> list[str]:
        with faults("list uploads"):
            return sorted(entry.name for entry in self._uploads.iterdir())

    async def check(self, digest: Digest, size: int) -> None:
        if not await self._offload(self._blobs.is_known_whole, digest, size):
            await self._hash(digest, size)

    async def _hash(self, digest: Digest, size: int) -> None:
        """Hash the blob, once for all who wait for it."""
        async with self._hashing.hold(digest):
            if not await self._offload(self._blobs.is_known_whole, digest, size):
                await self._offload(self._blobs.hash_again, digest, size)

    async def scrub(self, digest: Digest, size: int) -> None:
        async with self._hashing.hold(digest):
            await self._offload(self._blobs.hash_again, digest, size)

    async def open(self, digest: Digest, size: int) -> BlobReader:
        for _ in range(_ATTEMPTS):
            descriptor = await self._offload(self._blobs.open_whole, digest, size)
            if descriptor is not None:
                return FileReader(descriptor, size, digest, self._offload, is_hashed=self._hash_every_read)
            await self._hash(digest, size)
        raise ContentDamaged(digest, "its file does not stand still")

    async def free_bytes(self) -> int:
        return await self._offload(self._free_bytes)

    def _free_bytes(self) -> int:
        with faults("measure the disk"):
            room = os.statvfs(self._data)
        return room.f_bavail * room.f_frsize
