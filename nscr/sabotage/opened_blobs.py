"""A `Content` whose opened blobs go through a function: the seam of sabotages that break reading."""

from collections.abc import Callable

from nscr.oci.digest import Digest
from nscr.sabotage.in_front import in_front_of
from nscr.stores.base import BlobReader, Content


class _OpenedBlobs:
    def __init__(self, content: Content, wrap: Callable[[BlobReader], BlobReader]) -> None:
        self._content = content
        self._wrap = wrap

    async def open(self, digest: Digest, size: int) -> BlobReader:
        return self._wrap(await self._content.open(digest, size))


def with_opened_blobs(content: Content, wrap: Callable[[BlobReader], BlobReader]) -> Content:
    """The content, which opens blobs as `wrap` gives them."""
    return in_front_of(content, _OpenedBlobs(content, wrap))
