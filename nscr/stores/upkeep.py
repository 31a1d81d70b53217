"""What collection, recovery and integrity ask of a store; contract as in nscr.stores.base.

An intent says, before it happens, what is about to be done to a blob's file, so that recovery looks at these files
alone. A lease says that a push in progress counts on something that no manifest references yet: pushing or mounting a
blob, or being told that an unreferenced one is there, claims it; putting a manifest that references it uses one claim
up. A manifest pushed by digest holds one until a tag or an index takes it. Leases end when they are used up or
expired; both are changes of the figures, for what is leased does not count as unreferenced.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, StrEnum, auto
from typing import Protocol

from nscr.core.collection import ManifestFacts
from nscr.core.figures import BlobFigures
from nscr.oci.digest import Digest
from nscr.oci.names import RepositoryName


class IntentKind(StrEnum):
    """PUBLISH: an upload is becoming the blob. COLLECT: its row is gone, its file follows."""

    PUBLISH = "publish"
    COLLECT = "collect"


class Held(Enum):
    """What became of a lease that was asked for: no such blob, granted, or protected already and not granted."""

    NOT = auto()
    ANEW = auto()
    ALREADY = auto()


@dataclass(frozen=True, slots=True)
class Intent:
    """Attributes: repository, upload, where the blob is published to and from; empty for a collection."""

    digest: Digest
    kind: IntentKind
    repository: str = ""
    upload: str = ""


class Upkeep(Protocol):
    """Intents, leases, damage, and removal of what nothing needs."""

    async def intend(self, intent: Intent) -> None:
        """Note what comes next; it replaces an earlier intent of the digest. `BlobIndex.add_blob` ends it."""

    async def intents(self) -> list[Intent]: ...

    async def forget(self, digests: Sequence[Digest]) -> None:
        """End intents."""

    async def committed_size(self, digest: Digest) -> int | None:
        """The size of a blob that has a row, whoever holds it."""

    async def lease_blob(self, repository: RepositoryName, digest: Digest, now: int) -> Held:
        """Lease a blob to who asked for it, where no manifest or lease protects it."""

    async def expire_leases(self, before: int) -> int:
        """End leases granted earlier, but not in a repository that an upload was active in since."""

    async def unreferenced(self, last: str, limit: int) -> list[BlobFigures]:
        """Blobs that neither a manifest nor a lease needs, by digest, strictly after `last`."""

    async def condemn(self, digests: Sequence[Digest]) -> list[BlobFigures]:
        """Remove the rows of those that are unreferenced and unleased now, and intend the removal of their files."""

    async def manifests(self, repository: RepositoryName) -> list[ManifestFacts]:
        """All of a repository, for the planner."""

    async def remove_untagged(self, repository: RepositoryName, digests: Sequence[Digest], before: int) -> int:
        """Remove those that are, now and in this order, untagged, unleased, older, and nobody's child or referrer."""

    async def note_damage(self, digest: Digest) -> None:
        """Remember that the content of a blob is lost. `BlobIndex.add_blob` ends it."""

    async def damaged(self) -> list[Digest]: ...
