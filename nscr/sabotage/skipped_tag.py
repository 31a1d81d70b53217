"""Skip a tag between two pages: some that begin after a tag lack the first that follows. By count, so it repeats."""

from nscr.oci.names import RepositoryName
from nscr.stores.base import ManifestIndex

EVERY = 10


class SkippedTag:
    """In front of a `ManifestIndex`: leaves the first tag out of each tenth page that begins after one."""

    def __init__(self, manifests: ManifestIndex) -> None:
        self._manifests = manifests
        self._pages = 0

    async def tags(self, repository: RepositoryName, last: str, limit: int | None) -> list[str] | None:
        self._pages += bool(last)
        if not last or self._pages % EVERY:
            return await self._manifests.tags(repository, last, limit)
        tags = await self._manifests.tags(repository, last, limit + 1 if limit is not None else None)
        return tags[1:] if tags is not None else None
