"""One verb per capability of the registry, and the only place that orders writes.

The order is always: intent committed -> blob durable -> metadata committed -> return (the reply); and for a collection:
rows gone with the intent committed -> bytes gone -> intent ended. A crash between two steps leaves bytes that no row
but an intent names, never a row without bytes; recovery looks at intents alone. Publishing and collecting one digest
exclude each other; nothing else waits. Decisions are those of nscr.core; stores are known by protocol; time and ids
come in from outside. Nothing here knows HTTP.
"""

import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from enum import StrEnum

import anyio

from nscr.core.admission import BYTE_KINDS, PutTerms
from nscr.core.claims import Claims
from nscr.core.figures import BlobFigures, SessionFigures
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
    StoreFault,
    TooManyUploads,
    UploadLengthWrong,
    UploadTooLarge,
    UploadUnknown,
)
from nscr.keyed_locks import KeyedLocks
from nscr.oci.digest import Algorithm, Digest, algorithm_of, digest_of
from nscr.oci.manifests import MAX_MANIFEST_BYTES, parse_manifest
from nscr.oci.names import Reference, RepositoryName, Tag, is_digest_reference
from nscr.stores.base import BlobReader, StoredManifest, Stores
from nscr.stores.upkeep import Held, Intent, IntentKind
from nscr.watched_reader import WatchedReader

logger = logging.getLogger("nscr.registry")

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
class Collected:
    """What a collection did; `failures` are entries that it had to pass."""

    blobs_removed: int = 0
    space_freed: int = 0
    manifests_removed: int = 0
    failures: list[str] = field(default_factory=list)


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
        self.are_figures_right = True
        self.received_batches = 0
        self.upkeep = stores.upkeep
        self._files = KeyedLocks()
        self._claims = Claims()
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
        """Finish or undo what the last process had begun, take up its sessions, discard the rest of its uploads."""
        kept = set(await self.content.uploads())
        for intent in await self.upkeep.intents():
            try:
                await self._resolve(intent, is_unpublished=intent.upload in kept)
            except StoreFault as fault:
                logger.error("blob %s: what was begun cannot be ended: %s", intent.digest, fault)
        self.damaged = set(await self.upkeep.damaged())
        for digest in self.damaged:
            await self.content.quarantine(digest)
        self._sessions = await self.census.read(lambda reading: {session.id: session for session in reading.sessions()})
        for upload in kept:
            if upload not in self._sessions:
                await self.content.discard(upload)

    async def _resolve(self, intent: Intent, *, is_unpublished: bool) -> None:
        if intent.kind is IntentKind.PUBLISH:
            size = None if is_unpublished else await self.content.adopt(intent.digest)
            if size is not None:
                await self._stores.blobs.add_blob(
                    RepositoryName(intent.repository), intent.digest, size, self._now(), closes=intent.upload
                )
        elif await self.upkeep.committed_size(intent.digest) is None:
            await self.content.remove(intent.digest)
        await self.upkeep.forget([intent.digest])

    # Blobs

    async def blob_size(self, repository: RepositoryName, digest: Digest, client: str = "") -> int:
        """The size of a blob that can be served now.

        Raises:
            BlobUnknown: not in this repository, or its bytes are damaged: a client that is told so pushes it again,
                which heals it.
        """
        size = await self._intact(repository, digest)
        held = await self.upkeep.lease_blob(repository, digest, self._now())
        if held is Held.NOT:
            raise BlobUnknown(repository, digest)
        if held is Held.ALREADY:
            self._claims.tell(repository, digest, client)
        else:
            self._claims.claim(repository, digest, client)
        return size

    async def open_blob(self, repository: RepositoryName, digest: Digest) -> BlobReader:
        """Open a blob for reading; the caller closes it. Raises as `blob_size`."""
        size = await self._size(repository, digest)
        try:
            reader = await self.content.open(digest, size)
        except ContentDamaged as damage:
            await self.report_damage(damage)
            raise BlobUnknown(repository, digest) from damage
        return WatchedReader(reader, self.report_damage)

    async def _size(self, repository: RepositoryName, digest: Digest) -> int:
        size = await self._stores.blobs.blob_size(repository, digest)
        if size is None or digest in self.damaged:
            raise BlobUnknown(repository, digest)
        return size

    async def _intact(self, repository: RepositoryName, digest: Digest) -> int:
        size = await self._size(repository, digest)
        if not await self._is_intact(digest, size):
            raise BlobUnknown(repository, digest)
        return size

    async def _is_intact(self, digest: Digest, size: int) -> bool:
        if digest in self.damaged:
            return False
        try:
            await self.content.check(digest, size)
        except ContentDamaged as damage:
            await self.report_damage(damage)
            return False
        return True

    async def committed_blobs(self, last: str, limit: int) -> Sequence[BlobFigures]:
        """A page of what can be scrubbed."""
        return await self.census.read(lambda reading: list(reading.blobs(last, limit)))

    async def scrub_blob(self, digest: Digest, size: int) -> bool:
        """Read a blob in full; whether it is whole. A damaged one is taken out of service."""
        try:
            await self.content.scrub(digest, size)
        except ContentDamaged as damage:
            await self.report_damage(damage)
            return digest not in self.damaged
        return True

    async def report_damage(self, damage: ContentDamaged) -> None:
        """Put damaged bytes aside, so that clients are told to push them again; not if they were replaced since."""
        digest = Digest(damage.digest)
        with anyio.CancelScope(shield=True):
            async with self._files.hold(digest):
                if await self._is_replaced(digest):
                    return
                logger.error("%s", damage)
                self.damaged.add(digest)
                await self.upkeep.note_damage(digest)
                await self.content.quarantine(digest)

    async def _is_replaced(self, digest: Digest) -> bool:
        """Whether what is kept under a digest that was found damaged is whole now, or collected."""
        size = await self.upkeep.committed_size(digest)
        if size is None or digest in self.damaged:
            return True
        try:
            await self.content.scrub(digest, size)
        except ContentDamaged:
            return False
        return True

    async def push_blob(
        self, repository: RepositoryName, digest: Digest, headers: BodyHeaders, body: Body, client: str = ""
    ) -> None:
        """Push a whole blob in one request, without a session.

        Raises:
            DigestMismatch: nothing is kept.
        """
        upload = self._new_id()
        self.content.start(upload, algorithm_of(digest))
        try:
            await self._append(upload, headers, body)
            await self._commit_blob(repository, upload, digest)
        except BaseException:
            with anyio.CancelScope(shield=True):
                await self.content.discard(upload)
            raise
        self._claims.claim(repository, digest, client)

    async def mount_blob(
        self, digest: Digest, *, source: RepositoryName | None, target: RepositoryName, client: str = ""
    ) -> bool:
        """Let `target` hold a blob of `source` (None: of any) without an upload; False where that cannot be."""
        size = await (
            self.upkeep.committed_size(digest) if source is None else self._stores.blobs.blob_size(source, digest)
        )
        if size is None or not await self._is_intact(digest, size):
            return False
        is_mounted = await self._stores.blobs.mount_blob(digest, source=source, target=target, now=self._now())
        if is_mounted:
            self._claims.claim(target, digest, client)
        return is_mounted

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
        self,
        repository: RepositoryName,
        upload: str,
        digest: Digest,
        headers: BodyHeaders,
        body: Body,
        client: str = "",
    ) -> None:
        """Append the last chunk, if there is one, and commit the blob.

        Raises:
            DigestMismatch: the session is gone, see nscr.core.uploads.
            UploadUnknown, UploadBusy, UploadOutOfOrder, UploadLengthWrong, UploadTooLarge: the session stays usable.
        """
        async with self._claim(repository, upload, UploadEvent.CLOSE) as claim:
            await self._append(upload, headers, body)
            try:
                await self._commit_blob(repository, upload, digest)
            except DigestMismatch:
                await self._remove_session(upload)
                claim.end = UploadEvent.REMOVE
                raise
            claim.end = UploadEvent.REMOVE
        self._claims.claim(repository, digest, client)

    async def cancel_upload(self, repository: RepositoryName, upload: str) -> None:
        """End a session and drop its bytes."""
        async with self._claim(repository, upload, UploadEvent.CANCEL) as claim:
            await self._remove_session(upload)
            claim.end = UploadEvent.REMOVE

    async def check_figures(self) -> None:
        """Compare the figures that are kept with those counted anew, and remember whether they agree."""
        kept, counted = await self.census.read(lambda reading: (reading.figures(), reading.recount()))
        self.are_figures_right = kept == counted
        if not self.are_figures_right:
            logger.error("the figures that are kept, %s, are not those that are counted, %s", kept, counted)

    async def keep_sessions(self) -> None:
        """Note that the sessions whose requests are running are alive, however long no chunk was completed."""
        for upload in list(self._claimed):
            await self._stores.uploads.keep_upload(upload, self._now())

    async def reap_uploads(self, before: int) -> int:
        """Remove the sessions that were last active earlier, none that a request holds; how many that were."""
        reaped = 0
        for session in await self.census.read(lambda reading: list(reading.sessions())):
            if session.last_activity < before and session.id not in self._claimed and session.id in self._sessions:
                try:
                    await self.cancel_upload(RepositoryName(session.repository), session.id)
                except StoreFault as fault:
                    logger.error("upload %s cannot be removed: %s", session.id, fault)
                else:
                    reaped += 1
        return reaped

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
        blobs = [edge.digest for edge in parsed.edges if edge.kind in BYTE_KINDS]
        terms = PutTerms(named, preconditions, self._allow_sparse, self._claims.foreign(repository, blobs))
        await self._stores.manifests.put_manifest(repository, stored, terms, self._now())
        self._claims.settle(repository, blobs)
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

    # Collection

    async def collect_blobs(self, digests: Sequence[Digest]) -> Collected:
        """Give back the bytes of those that neither a manifest nor a lease needs.

        One that is being pushed at this moment is left alone; a push that comes later waits until it is gone.
        """
        collected = Collected()
        with anyio.CancelScope(shield=True), self._files.hold_free(digests) as held:
            removed: list[Digest] = []
            for blob in await self.upkeep.condemn([Digest(digest) for digest in held]):
                digest = Digest(blob.digest)
                try:
                    collected.space_freed += await self.content.remove(digest)
                except StoreFault as fault:
                    collected.failures.append(f"{digest}: {fault}")
                else:
                    removed.append(digest)
                self.damaged.discard(digest)
                self._claims.forget(digest)
            collected.blobs_removed = len(removed)
            await self.upkeep.forget(removed)
        return collected

    async def collect_manifests(self, repository: RepositoryName, digests: Sequence[Digest], before: int) -> int:
        """Remove those that are still untagged, unneeded and older; in the planner's order."""
        return await self.upkeep.remove_untagged(repository, digests, before)

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

    async def _commit_blob(self, repository: RepositoryName, upload: str, digest: Digest) -> None:
        size = await self.content.seal(upload, digest)
        with anyio.CancelScope(shield=True):
            async with self._files.hold(digest):
                await self.upkeep.intend(Intent(digest, IntentKind.PUBLISH, repository, upload))
                await self.content.publish(upload, digest)
                try:
                    await self._stores.blobs.add_blob(repository, digest, size, self._now(), closes=upload)
                except StoreFault:
                    # Else the session would be there without its bytes; what is committed already stays.
                    if await self.upkeep.committed_size(digest) is None:
                        await self.content.withdraw(digest, upload)
                    raise
                self.damaged.discard(digest)

    async def _remove_session(self, upload: str) -> None:
        # The row first: a crash in between leaves a file without a session, which recovery discards.
        await self._stores.uploads.close_upload(upload)
        await self.content.discard(upload)
