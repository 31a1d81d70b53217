"""Pushing blobs: four styles, and the mount. The exchange that asks for the commit decides; earlier ones only fail.

An upload that a registry answered and that does not come to its end is cancelled, so that it does not linger there.
Each Location is used as it was given. Follows spec.md#pushing-blobs.
"""

from collections.abc import Iterator

from nscr_cli.client.completions import Completion, completed, given_up
from nscr_cli.client.documents import ForeignLocation, stored_offset
from nscr_cli.client.registry import RegistryClient
from nscr_cli.client.steps import Steps
from nscr_cli.client.transport import Reply
from nscr_cli.history.invocation import Content
from nscr_cli.history.ops import F, Kind, PushStyle

CHUNKS = 3


async def push_blob(
    registry: RegistryClient,
    repository: str,
    content: Content,
    digest: str,
    style: PushStyle,
    steps: Steps,
    *,
    out_of_order: bool = False,
) -> Completion:
    """Push a blob in a style under a digest; one exchange after another on the client's connection.

    Args:
        out_of_order: of a chunked push, send one chunk that leaves a gap, and go on once it was refused.
    """
    upload = _Upload(registry, repository, content, digest, steps)
    try:
        return await upload.run(style, out_of_order=out_of_order)
    except _GivenUp as given:
        await upload.cancel()
        return given.completion


async def mount_blob(registry: RegistryClient, repository: str, digest: str, source: str, steps: Steps) -> Completion:
    """Mount a blob of another repository; a registry that opens an upload instead did not mount."""
    reply = await registry.mount(repository, digest, source, request_id=steps.next_id())
    if reply.status != 202:
        return completed(F.MOUNT_BLOB, reply, steps.answered())
    upload = _Upload(registry, repository, Content.of_bytes(b""), digest, steps)
    upload.note_location(reply)
    await upload.cancel()
    return given_up(reply, steps.answered(), "202: not mounted, an upload was opened instead")


def chunk_bounds(size: int, least: int) -> Iterator[tuple[int, int]]:
    """First byte and end of each chunk: CHUNKS of them where size and the registry's least chunk length allow."""
    length = max(-(-size // CHUNKS), least, 1)
    for first in range(0, size, length):
        yield first, min(first + length, size)


class _GivenUp(Exception):
    """The upload ended before anything could be committed."""

    def __init__(self, completion: Completion) -> None:
        super().__init__(completion.error)
        self.completion = completion


class _Upload:
    """One upload, from its opening to the request that closes it."""

    def __init__(self, registry: RegistryClient, repository: str, content: Content, digest: str, steps: Steps) -> None:
        self._registry = registry
        self._repository = repository
        self._content = content
        self._digest = digest
        self._steps = steps
        self._location: str | None = None

    async def run(self, style: PushStyle, *, out_of_order: bool) -> Completion:
        match style:
            case PushStyle.SINGLE_POST:
                return await self._post_all()
            case PushStyle.POST_PUT:
                return await self._finish(await self._start(), self._content)
            case PushStyle.CHUNKED_PATCH:
                return await self._finish(await self._patch_chunks(out_of_order=out_of_order), None)
            case PushStyle.STREAMED_PATCH:
                return await self._finish(await self._patch_stream(), None)

    async def cancel(self) -> None:
        """Give the upload up, as far as the registry has told where it is; whether that works is not our business."""
        if self._location is not None:
            await self._registry.cancel_upload(self._location, request_id=self._steps.next_id())

    def note_location(self, reply: Reply) -> str | None:
        """Take over where the upload goes on; None where the reply does not say, or sends us elsewhere."""
        location = reply.header("location")
        self._location = None
        if location is not None:
            try:
                self._location = self._registry.resolve(reply, location)
            except ForeignLocation:
                return None
        return self._location

    async def _post_all(self) -> Completion:
        name = self._steps.next_id()
        reply = await self._registry.post_blob(self._repository, self._content, self._digest, request_id=name)
        if reply.status != 202:
            return completed(F.PUSH_BLOB, reply, self._steps.answered())
        # A registry without single POST answers as to any POST, and the bytes are sent again (spec.md#single-post).
        return await self._finish(self._follow(reply), self._content)

    async def _start(self) -> str:
        return self._advanced(await self._registry.start_upload(self._repository, request_id=self._steps.next_id()))

    async def _patch_chunks(self, *, out_of_order: bool) -> str:
        reply = await self._registry.start_upload(self._repository, request_id=self._steps.next_id())
        location = self._advanced(reply)
        least = reply.header("oci-chunk-min-length") or "0"
        for first, end in chunk_bounds(self._content.size, int(least) if least.isascii() and least.isdigit() else 0):
            if out_of_order and first and end - first > 1:
                location, out_of_order = await self._leave_gap(location, first, end), False
            name = self._steps.next_id()
            reply = await self._registry.patch_upload(location, self._content, first, end, request_id=name)
            self._note_stored(reply, end)
            location = self._advanced(reply)
        return await self._ask_status(location, self._content.size)

    async def _leave_gap(self, location: str, first: int, end: int) -> str:
        """Send a chunk without its first byte: 416 is the answer, and the upload goes on where it was."""
        name = self._steps.next_id()
        reply = await self._registry.patch_upload(location, self._content, first + 1, end, request_id=name)
        self._steps.out_of_order(reply.status)
        if reply.status == 416 and reply.is_complete:
            return await self._ask_status(location, first)
        if reply.status is None or not 200 <= reply.status < 300:
            raise _GivenUp(given_up(reply, self._steps.answered()))
        # The bytes are not those of the blob any more: nothing is left but to give the upload up.
        self.note_location(reply)
        raise _GivenUp(given_up(reply, self._steps.answered(), f"{reply.status} to a chunk out of order"))

    async def _ask_status(self, location: str, sent: int) -> str:
        """What the registry holds now; one that does not answer such a question is not blamed for it here."""
        reply = await self._registry.upload_status(location, request_id=self._steps.next_id())
        if reply.status is None:
            return self._advanced(reply)
        self._note_stored(reply, sent)
        return self.note_location(reply) or location if reply.header("location") else location

    async def _patch_stream(self) -> str:
        location = await self._start()
        reply = await self._registry.stream_upload(location, self._content, request_id=self._steps.next_id())
        self._note_stored(reply, self._content.size)
        return self._advanced(reply)

    async def _finish(self, location: str, content: Content | None) -> Completion:
        name = self._steps.next_id()
        reply = await self._registry.finish_upload(location, self._digest, content, request_id=name)
        completion = completed(F.PUSH_BLOB, reply, self._steps.answered())
        if completion.kind is Kind.FAIL and reply.status not in (None, 404):
            raise _GivenUp(completion)
        return completion

    def _note_stored(self, reply: Reply, sent: int) -> None:
        # `Range` cannot say "nothing": of an empty upload, registries answer 0-0.
        if sent and reply.status is not None and 200 <= reply.status < 300:
            self._steps.stored(sent, stored_offset(reply.header("range")))

    def _advanced(self, reply: Reply) -> str:
        """Where to go on after a step that the registry accepted."""
        if reply.status is None or not 200 <= reply.status < 300 or not reply.is_complete:
            self._location = self._location if reply.status not in (None, 404) else None
            raise _GivenUp(given_up(reply, self._steps.answered()))
        return self._follow(reply)

    def _follow(self, reply: Reply) -> str:
        location = self.note_location(reply)
        if location is None:
            said = reply.header("location")
            why = "without Location" if said is None else "with a Location on another origin"
            raise _GivenUp(given_up(reply, self._steps.answered(), f"{reply.status} {why}"))
        return location
