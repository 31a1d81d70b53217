"""The capabilities that the registry asks of a store, as small protocols.

Contract of all of them: what returned is durable (it survives a kill and a power cut), what raised changed nothing,
and each verb is atomic. Failures of disk or database surface as `StoreFault`. No verb blocks the event loop: blocking
work goes through the injected `Offload`.
"""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar, TypeVarTuple

from nscr.core.admission import PutTerms
from nscr.core.figures import BlobFigures, BlobReferences, Figures, RepositoryFigures, SessionFigures, TagFigures
from nscr.core.preconditions import UNCONDITIONAL, Preconditions
from nscr.core.referrers import ReferrersPage
from nscr.oci.digest import Algorithm, Digest
from nscr.oci.manifests import Edge, EdgeKind
from nscr.oci.names import Reference, RepositoryName, Tag
from nscr.stores.upkeep import Upkeep

Result = TypeVar("Result")
Arguments = TypeVarTuple("Arguments")


class Offload(Protocol):
    """Runs a blocking function away from the event loop; inline in a simulation."""

    def __call__(self, function: Callable[[*Arguments], Result], /, *arguments: *Arguments) -> Awaitable[Result]: ...


@dataclass(frozen=True, slots=True)
class StoredManifest:
    digest: Digest
    media_type: str
    content: bytes
    edges: tuple[Edge, ...]

    @property
    def subject(self) -> Digest | None:
        """What it refers to."""
        return next((edge.digest for edge in self.edges if edge.kind is EdgeKind.SUBJECT), None)


class BlobReader(Protocol):
    """An open blob; a deletion does not take the bytes from under it."""

    @property
    def size(self) -> int: ...

    async def read(self, start: int, length: int) -> bytes:
        """Exactly `length` bytes from `start`."""

    async def aclose(self) -> None: ...


class Content(Protocol):
    """Bytes: committed blobs by digest, and uploads in progress by id. The caller keeps to one writer an upload."""

    def start(self, upload: str, algorithm: Algorithm = Algorithm.SHA256) -> None:
        """Declare a new upload that holds nothing. Touches no disk.

        Args:
            algorithm: what its bytes will be hashed with, most likely; publishing under another costs a reading more.
        """

    async def offset(self, upload: str) -> int:
        """How many bytes the upload holds; 0 for one that was never written to."""

    async def append(self, upload: str, data: bytes, at: int) -> None:
        """Write `data` at the upload's end, which is `at`. Durable only after `sync` or `publish`."""

    async def sync(self, upload: str) -> None: ...

    async def truncate(self, upload: str, offset: int) -> None: ...

    async def seal(self, upload: str, digest: Digest) -> int:
        """Make the upload's bytes durable and return how many there are.

        Raises:
            DigestMismatch: the bytes have another digest; the upload is left as it was.
        """

    async def publish(self, upload: str, digest: Digest) -> None:
        """Turn a sealed upload into the blob `digest`, durably."""

    async def withdraw(self, digest: Digest, upload: str) -> None:
        """Turn the blob back into the upload that it was published from."""

    async def adopt(self, digest: Digest) -> int | None:
        """End a `publish` that was broken off, and return the blob's size; None where it has to be begun again."""

    async def remove(self, digest: Digest) -> int:
        """Give the bytes kept under the digest back, durably, and return how many they were."""

    async def quarantine(self, digest: Digest) -> None:
        """Put damaged bytes aside; nothing is kept under the digest then."""

    async def discard(self, upload: str) -> None:
        """Forget an upload's bytes, if there are any."""

    async def uploads(self) -> Sequence[str]:
        """Ids of the uploads that hold bytes."""

    async def check(self, digest: Digest, size: int) -> None:
        """Raise ContentDamaged unless the blob is there, whole; hashes it where that is not known."""

    async def scrub(self, digest: Digest, size: int) -> None:
        """As `check`, whatever is known."""

    async def open(self, digest: Digest, size: int) -> BlobReader:
        """Open a blob; as `check`."""

    async def free_bytes(self) -> int:
        """Room left for content."""


class BlobIndex(Protocol):
    """Which repository holds which blob."""

    async def add_blob(
        self, repository: RepositoryName, digest: Digest, size: int, now: int, *, closes: str | None
    ) -> None:
        """Commit a published blob to a repository and lease it to the push.

        Ends, in the same step, the upload session `closes`, the intent and any note of damage.
        """

    async def mount_blob(
        self, digest: Digest, *, source: RepositoryName | None, target: RepositoryName, now: int
    ) -> bool:
        """Let `target` hold what `source` (None: any repository) holds, leased to the push; False if it does not."""

    async def blob_size(self, repository: RepositoryName, digest: Digest) -> int | None: ...

    async def remove_blob(self, repository: RepositoryName, digest: Digest) -> bool: ...


class ManifestIndex(Protocol):
    """Manifests, and tags as records of their own."""

    async def put_manifest(
        self, repository: RepositoryName, manifest: StoredManifest, terms: PutTerms, now: int
    ) -> None:
        """Admit a manifest by `nscr.core.admission.admit_manifest` and point the tags at it, in one step.

        Raises:
            PreconditionFailed, ManifestReferencesUnknown: see there.
        """

    async def manifest(self, repository: RepositoryName, reference: Reference) -> StoredManifest | None: ...

    async def referrers(
        self, repository: RepositoryName, subject: Digest, *, last: str, artifact_type: str | None, most_bytes: int
    ) -> ReferrersPage:
        """Manifests whose subject is `subject`, by digest, strictly after `last`; see `collect_page`."""

    async def delete_manifest(
        self, repository: RepositoryName, digest: Digest, preconditions: Preconditions = UNCONDITIONAL
    ) -> bool:
        """Remove a manifest and every tag that points at it; False if there is none.

        Raises:
            PreconditionFailed: it is there, and is not what the client expects.
        """

    async def delete_tag(
        self, repository: RepositoryName, tag: Tag, preconditions: Preconditions = UNCONDITIONAL
    ) -> bool:
        """Remove a tag; as `delete_manifest`."""

    async def delete_repository(self, repository: RepositoryName) -> int | None:
        """Remove all that a repository holds, its blobs' links too, and say how many manifests; None if unknown."""

    async def tags(self, repository: RepositoryName, last: str, limit: int | None) -> list[str] | None:
        """Ascending, strictly after `last`; None for a repository that does not exist."""

    async def repositories(self, last: str, limit: int | None) -> list[str]: ...


class UploadIndex(Protocol):
    """Sessions of uploads; they outlive a restart, after which a `Reading` lists them."""

    async def open_upload(self, session: SessionFigures) -> None: ...

    async def touch_upload(self, upload: str, now: int) -> None:
        """Note one more received chunk."""

    async def keep_upload(self, upload: str, now: int) -> None:
        """Note that a request is still writing to it."""

    async def close_upload(self, upload: str) -> None: ...


class Reading(Protocol):
    """The registry at one moment. Everything is read as it is asked for, and only inside the call that was given it."""

    def figures(self) -> Figures: ...

    def recount(self) -> Figures:
        """The figures counted anew from all that is held: what a scrub compares `figures` with."""

    def repositories(self) -> Iterator[RepositoryFigures]:
        """Newest push first, then by name; their tags ascending."""

    def has_repository(self, repository: RepositoryName) -> bool: ...

    def repository_tags(self, repository: RepositoryName) -> Iterator[TagFigures]:
        """Ascending by name."""

    def blobs(self, after: str, limit: int | None) -> Iterator[BlobFigures]:
        """Ascending by digest."""

    def most_referenced(self, limit: int) -> Iterator[BlobReferences]:
        """Referenced blobs, the most referenced first, then by digest."""

    def sessions(self) -> Iterator[SessionFigures]:
        """Oldest first."""


class Census(Protocol):
    """What monitoring reads. The figures are kept as the registry changes, never counted to answer a request."""

    @property
    def generation(self) -> int:
        """Grows with every committed change; known without asking the disk."""

    async def read(self, consume: Callable[[Reading], Result]) -> Result:
        """Call `consume` away from the event loop with a reading of one moment; it must not wait for any client."""

    async def probe(self, token: str) -> bool:
        """Write `token` durably, outside the generation, and say whether it reads back."""


@dataclass(frozen=True, slots=True)
class Stores:
    """All capabilities together, each replaceable by itself."""

    content: Content
    blobs: BlobIndex
    manifests: ManifestIndex
    uploads: UploadIndex
    census: Census
    upkeep: Upkeep
