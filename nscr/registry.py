"""One verb per capability of the registry, and the only place that orders writes.

The order is always: blob durable -> metadata committed -> return (the reply). A crash between two steps leaves bytes
that no row names, never a row without bytes. Decisions are those of nscr.core; stores are known by protocol; time and
ids come in from outside. Nothing here knows HTTP.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from enum import StrEnum

import anyio

from nscr.core.admission import PutTerms
from nscr.core.figures import SessionFigures
from nscr.core.preconditions import UNCONDITIONAL, Preconditions
from nscr.core.referrers import ReferrersPage
from nscr.core.uploads import ChunkPlan, UploadEvent, UploadState, admit_chunk, next_state
from nscr.errors import (
    BlobUnknown,
    ContentDamaged,
    DigestMismatch,
    ManifestTooLarge,
    ManifestUnknown,
    NameUnknown,
    TooManyUploads,
    UploadLengthWrong,
    UploadTooLarge,
    UploadUnknown,
)
from nscr.oci.digest import Algorithm, Digest, algorithm_of, digest_of
from nscr.oci.manifests import MAX_MANIFEST_BYTES, parse_manifest
from nscr.oci.names import Reference, RepositoryName, Tag, is_digest_reference
from nscr.stores.base import BlobReader, StoredManifest, Stores

Body = AsyncGenerator[bytes, None]


class RepositoryChange(StrEnum):
    MANIFEST_ADDED = "manifest_added"
    REPOSITORY_DELETED = "repository_deleted"


@dataclass(frozen=True, slots=True)
class BodyHeaders:
    """What a request says of its body before it is read."""

    length: int | None
    content_range: str | None = None


@dataclass(slots=True)
class _Claim:
    """A request's hold on a session; `end` is how it lets go."""

    end: UploadEvent = UploadEvent.RELEASE


class Registry:
    """The registry over its stores; safe for any number of concurrent requests on one event loop."""

    def __init__(
        self,
        stores: Stores,
        *,
        now: Callable[[], int],
        new_id: Callable[[], str],
        upload_limit: int,
        allow_sparse: bool = False,
        session_limit: int,
        on_change: Callable[[RepositoryChange, RepositoryName], None],
    ) -> None:
        """Args:
        stores: the capabilities.
        now: milliseconds since the epoch.
        new_id: unguessable ids for uploads.
        upload_limit: the largest blob in bytes.
        allow_sparse: whether an index may be pushed without its children.
        session_limit: how many uploads may be open at once.
        on_change: told of changes to repositories once they are committed; must not block.
        """
        self.census = stores.census
        self.content = stores.content
        self.damaged: set[Digest] = set()
        self.received_batches = 0
        self._stores = stores
        self._now = now
        self._new_id = new_id
        self._upload_limit = upload_limit
        self._allow_sparse = allow_sparse
        self._session_limit = session_limit
        self._on_change = on_change
        self._sessions: dict[str, SessionFigures] = {}
        self._claimed: dict[str, UploadState] = {}

    async def recover(self) -> None:
        """Take up the sessions of the last process and discard what it left in the uploads folder besides."""
        self._sessions = await self.census.read(lambda reading: {session.id: session for session in reading.sessions()})
        for upload in await self.content.uploads():
            if upload not in self._sessions:
                await self.content.discard(upload)

    # Blobs

    async def blob_size(self, repository: RepositoryName, digest: Digest) -> int:
        """The size of a blob that can be served now.

        Raises:
            BlobUnknown: not in this repository, or its bytes are damaged: a client that is told so pushes it again,
                which heals it.
        """
        size = await self._stores.blobs.blob_size(repository, digest)
        if size is None:
            raise BlobUnknown(repository, digest)
        try:
            await self.content.check(digest, size)
        except ContentDamaged as damage:
            self.damaged.add(digest)
            raise BlobUnknown(repository, digest) from damage
        return size

    async def open_blob(self, repository: RepositoryName, digest: Digest) -> BlobReader:
        """Open a blob for reading; the caller closes it. Raises as `blob_size`."""
        size = await self._stores.blobs.blob_size(repository, digest)
        if size is None:
            raise BlobUnknown(repository, digest)
        try:
            return await self.content.open(digest, size)
        except ContentDamaged as damage:
            self.damaged.add(digest)
            raise BlobUnknown(repository, digest) from damage

    async def push_blob(self, repository: RepositoryName, digest: Digest, headers: BodyHeaders, body: Body) -> None:
        """Push a whole blob in one request, without a session.

        Raises:
            DigestMismatch: nothing is kept.
        """
        upload = self._new_id()
        self.content.start(upload, algorithm_of(digest))
        try:
            await self._append(upload, headers, body)
            await self._commit_blob(repository, upload, digest, closes=None)
        except BaseException:
            with anyio.CancelScope(shield=True):
                await self.content.discard(upload)
            raise

    async def mount_blob(self, digest: Digest, *, source: RepositoryName | None, target: RepositoryName) -> bool:
        """Let `target` hold a blob of `source` (None: of any) without an upload; False where that cannot be."""
        return await self._stores.blobs.mount_blob(digest, source=source, target=target)

    async def delete_blob(self, repository: RepositoryName, digest: Digest) -> None:
        """Take a blob from this repository only; others that hold it keep it, and its bytes wait for a collection."""
        if not await self._stores.blobs.remove_blob(repository, digest):
            raise BlobUnknown(repository, digest)

    # Uploads

    async def open_upload(self, repository: RepositoryName, algorithm: Algorithm = Algorithm.SHA256) -> str:
        """Start a session and return its id; `algorithm` is what its digest is expected to be of.

        Raises:
            TooManyUploads: as many as may be are open.
        """
        if len(self._sessions) >= self._session_limit:
            raise TooManyUploads(self._session_limit)
        now = self._now()
        session = SessionFigures(self._new_id(), repository, started=now, last_activity=now, chunks=0)
        self.content.start(session.id, algorithm)
        # Counted from now on; nobody knows the id yet.
        self._sessions[session.id] = session
        try:
            await self._stores.uploads.open_upload(session)
        except BaseException:
            del self._sessions[session.id]
            raise
        return session.id

    async def upload_offset(self, repository: RepositoryName, upload: str) -> int:
        """How many bytes the upload holds, asked of its file."""
        self._require_session(repository, upload)
        return await self.content.offset(upload)

    async def append_chunk(self, repository: RepositoryName, upload: str, headers: BodyHeaders, body: Body) -> int:
        """Append a body to an upload and return the new offset; what is acknowledged is on the disk.

        A body that breaks off leaves the bytes that came, for the client to ask and resume. One that contradicts its
        Content-Range leaves nothing.

        Raises:
            UploadUnknown, UploadBusy, UploadOutOfOrder, UploadLengthWrong, UploadTooLarge: the session stays usable.
        """
        async with self._claim(repository, upload, UploadEvent.APPEND):
            offset = await self._append(upload, headers, body)
            await self.content.sync(upload)
            await self._stores.uploads.touch_upload(upload, self._now())
        return offset

    async def close_upload(
        self, repository: RepositoryName, upload: str, digest: Digest, headers: BodyHeaders, body: Body
    ) -> None:
        """Append the last chunk, if there is one, and commit the blob.

        Raises:
            DigestMismatch: the session is gone, see nscr.core.uploads.
            UploadUnknown, UploadBusy, UploadOutOfOrder, UploadLengthWrong, UploadTooLarge: the session stays usable.
        """
        async with self._claim(repository, upload, UploadEvent.CLOSE) as claim:
            await self._append(upload, headers, body)
            try:
                await self._commit_blob(repository, upload, digest, closes=upload)
            except DigestMismatch:
                await self._remove_session(upload)
                claim.end = UploadEvent.REMOVE
                raise
            claim.end = UploadEvent.REMOVE

    async def cancel_upload(self, repository: RepositoryName, upload: str) -> None:
        """End a session and drop its bytes."""
        async with self._claim(repository, upload, UploadEvent.CANCEL) as claim:
            await self._remove_session(upload)
            claim.end = UploadEvent.REMOVE

    # Manifests and tags

    async def put_manifest(
        self,
        repository: RepositoryName,
        reference: Reference,
        content: bytes,
        content_type: str | None,
        *,
        tags: Sequence[Tag] = (),
        preconditions: Preconditions = UNCONDITIONAL,
    ) -> StoredManifest:
        """Store a manifest and point the tag that the reference is, or `tags`, at it in the same commit.

        Raises:
            ManifestTooLarge, ManifestReferencesUnknown, DigestMismatch, PreconditionFailed: the repository is as it
                was, to the last tag.
        """
        if len(content) > MAX_MANIFEST_BYTES:
            raise ManifestTooLarge(MAX_MANIFEST_BYTES)
        by_digest = is_digest_reference(reference)
        algorithm = algorithm_of(Digest(reference)) if by_digest else Algorithm.SHA256
        digest = digest_of(content, algorithm)
        if by_digest and digest != reference:
            raise DigestMismatch(reference, digest)
        parsed = parse_manifest(content, content_type)
        stored = StoredManifest(digest, parsed.media_type, content, parsed.edges)
        named = tuple(dict.fromkeys(tags)) if by_digest else (Tag(reference),)
        terms = PutTerms(named, preconditions, self._allow_sparse)
        await self._stores.manifests.put_manifest(repository, stored, terms, self._now())
        self._on_change(RepositoryChange.MANIFEST_ADDED, repository)
        return stored

    async def manifest(self, repository: RepositoryName, reference: Reference) -> StoredManifest:
        found = await self._stores.manifests.manifest(repository, reference)
        if found is None:
            raise ManifestUnknown(repository, reference)
        return found

    async def referrers(
        self, repository: RepositoryName, subject: Digest, *, last: str, artifact_type: str | None
    ) -> ReferrersPage:
        """What refers to `subject`, which need not exist, in pages no larger than a manifest may be."""
        return await self._stores.manifests.referrers(
            repository, subject, last=last, artifact_type=artifact_type, most_bytes=MAX_MANIFEST_BYTES
        )

    async def delete_manifest(
        self, repository: RepositoryName, reference: Reference, preconditions: Preconditions = UNCONDITIONAL
    ) -> None:
        """By tag: that tag alone goes. By digest: the manifest and each tag that points at it."""
        if is_digest_reference(reference):
            found = await self._stores.manifests.delete_manifest(repository, Digest(reference), preconditions)
        else:
            found = await self._stores.manifests.delete_tag(repository, Tag(reference), preconditions)
        if not found:
            raise ManifestUnknown(repository, reference)

    async def delete_repository(self, repository: RepositoryName) -> int:
        """Remove its manifests and tags and let go of its blobs; return how many manifests there were.

        The blobs' bytes wait for a collection, as after any other deletion. Uploads that are open stay open.
        """
        deleted = await self._stores.manifests.delete_repository(repository)
        if deleted is None:
            raise NameUnknown(repository)
        self._on_change(RepositoryChange.REPOSITORY_DELETED, repository)
        return deleted

    async def tags(self, repository: RepositoryName, last: str, limit: int | None) -> list[str]:
        found = await self._stores.manifests.tags(repository, last, limit)
        if found is None:
            raise NameUnknown(repository)
        return found

    async def repositories(self, last: str, limit: int | None) -> list[str]:
        return await self._stores.manifests.repositories(last, limit)

    # Steps of the verbs above

    @asynccontextmanager
    async def _claim(self, repository: RepositoryName, upload: str, event: UploadEvent) -> AsyncIterator[_Claim]:
        """Hold a session alone until the end of a request."""
        self._require_session(repository, upload)
        self._claimed[upload] = next_state(upload, self._claimed.get(upload, UploadState.OPEN), event)
        claim = _Claim()
        try:
            yield claim
        finally:
            if next_state(upload, self._claimed.pop(upload), claim.end) is UploadState.GONE:
                del self._sessions[upload]

    def _require_session(self, repository: RepositoryName, upload: str) -> None:
        session = self._sessions.get(upload)
        if session is None or session.repository != repository:
            raise UploadUnknown(repository, upload)

    async def _append(self, upload: str, headers: BodyHeaders, body: Body) -> int:
        offset = await self.content.offset(upload)
        plan = admit_chunk(offset, headers.content_range, headers.length, size_limit=self._upload_limit)
        return await self._receive(upload, offset, plan, body)

    async def _receive(self, upload: str, offset: int, plan: ChunkPlan, body: Body) -> int:
        end = offset
        async with aclosing(body):
            async for data in body:
                received = end - offset + len(data)
                if received > plan.most:
                    await self.content.truncate(upload, offset)
                    raise UploadTooLarge(self._upload_limit)
                if plan.exact is not None and received > plan.exact:
                    await self.content.truncate(upload, offset)
                    raise UploadLengthWrong(plan.exact, "more")
                await self.content.append(upload, data, end)
                end += len(data)
                self.received_batches += 1
        if plan.exact is not None and end - offset != plan.exact:
            await self.content.truncate(upload, offset)
            raise UploadLengthWrong(plan.exact, str(end - offset))
        return end

    async def _commit_blob(
        self, repository: RepositoryName, upload: str, digest: Digest, *, closes: str | None
    ) -> None:
        size = await self.content.publish(upload, digest)
        await self._stores.blobs.add_blob(repository, digest, size, self._now(), closes=closes)
        self.damaged.discard(digest)

    async def _remove_session(self, upload: str) -> None:
        # The row first: a crash in between leaves a file without a session, which recovery discards.
        await self._stores.uploads.close_upload(upload)
        await self.content.discard(upload)
