"""A `Content` whose opened blobs go through a function: the seam of sabotages that break reading."""

from collections.abc import Callable, Sequence

from nscr.oci.digest import Algorithm, Digest
from nscr.stores.base import BlobReader, Content


class OpenedBlobs:
    """Opens blobs as `wrap` gives them; everything else is the content's own."""

    def __init__(self, content: Content, wrap: Callable[[BlobReader], BlobReader]) -> None:
        self._content = content
        self._wrap = wrap

    async def open(self, digest: Digest, size: int) -> BlobReader:
        return self._wrap(await self._content.open(digest, size))

    def start(self, upload: str, algorithm: Algorithm = Algorithm.SHA256) -> None:
        self._content.start(upload, algorithm)

    async def offset(self, upload: str) -> int:
        return await self._content.offset(upload)

    async def append(self, upload: str, data: bytes, at: int) -> None:
        await self._content.append(upload, data, at)

    async def sync(self, upload: str) -> None:
        await self._content.sync(upload)

    async def truncate(self, upload: str, offset: int) -> None:
        await self._content.truncate(upload, offset)

    async def seal(self, upload: str, digest: Digest) -> int:
        return await self._content.seal(upload, digest)

    async def publish(self, upload: str, digest: Digest) -> None:
        await self._content.publish(upload, digest)

    async def withdraw(self, digest: Digest, upload: str) -> None:
        await self._content.withdraw(digest, upload)

    async def adopt(self, digest: Digest) -> int | None:
        return await self._content.adopt(digest)

    async def remove(self, digest: Digest) -> int:
        return await self._content.remove(digest)

    async def quarantine(self, digest: Digest) -> None:
        await self._content.quarantine(digest)

    async def discard(self, upload: str) -> None:
        await self._content.discard(upload)

    async def uploads(self) -> Sequence[str]:
        return await self._content.uploads()

    async def check(self, digest: Digest, size: int) -> None:
        await self._content.check(digest, size)

    async def scrub(self, digest: Digest, size: int) -> None:
        await self._content.scrub(digest, size)

    async def free_bytes(self) -> int:
        return await self._content.free_bytes()
