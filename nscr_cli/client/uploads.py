"""The steps of an upload, each an operation of its own: begun by one client, it may go on with another.

Where an upload goes on is a secret of the clients of a run (its URL may carry state, and whoever has it may write):
`Locations` keeps it by the upload's name, which alone is journaled. Each step uses the newest Location that any of them
was told, as it was given (spec.md#pushing-a-blob-in-chunks); but for one that trespasses: it puts another repository's
name into it, and what it is answered leads nowhere.
"""

from urllib.parse import quote

from msgspec.structs import replace

from nscr_cli.client.completions import Completion, completed, given_up
from nscr_cli.client.documents import ForeignLocation, stored_offset
from nscr_cli.client.registry import RegistryClient
from nscr_cli.client.steps import Steps
from nscr_cli.client.transport import Reply
from nscr_cli.history.invocation import Invocation
from nscr_cli.history.keys import digest_of, repository_of
from nscr_cli.history.ops import Answered, F, Kind


class Locations:
    """Where each upload of a run goes on; shared by its clients."""

    def __init__(self) -> None:
        self._by_upload: dict[str, str] = {}

    def get(self, upload: str) -> str | None:
        """Where it goes on, as far as anybody was told."""
        return self._by_upload.get(upload)

    def note(self, upload: str, registry: RegistryClient, reply: Reply) -> str | None:
        """Take over where a reply says that it goes on; why that cannot be followed, if so."""
        location = reply.header("location")
        if location is None:
            return "without Location"
        try:
            self._by_upload[upload] = registry.resolve(reply, location)
        except ForeignLocation:
            return "with a Location on another origin"
        return None


async def perform_step(
    registry: RegistryClient, invocation: Invocation, locations: Locations, steps: Steps
) -> Completion:
    """One step of the upload that the invocation names."""
    upload = invocation.asked.upload or ""
    if invocation.f is F.START_UPLOAD:
        return await _start(registry, invocation, upload, locations, steps)
    location = locations.get(upload)
    if location is None:
        return Completion(kind=Kind.FAIL, answered=Answered(), error=f"nobody was told where upload {upload} goes on")
    source = invocation.asked.source
    if source is not None:
        moved = moved_to(repository_of(invocation.key), source, location)
        if moved is None:
            return Completion(
                kind=Kind.FAIL, answered=Answered(), error=f"where upload {upload} goes on names no repository"
            )
        location = moved
    reply = await _sent(registry, invocation, location, steps)
    answered = steps.answered()
    if (
        source is None
        and reply.status is not None
        and 200 <= reply.status < 300
        and invocation.f in (F.PATCH_UPLOAD, F.GET_UPLOAD)
    ):
        answered = replace(answered, stored_offsets=(stored_offset(reply.header("range")),))
        locations.note(upload, registry, reply)
    return completed(invocation.f, reply, answered)


def moved_to(repository: str, source: str, location: str) -> str | None:
    """The Location of an upload with another repository's name in it; None where it does not name its own.

    Args:
        source: the repository that it was begun in.
    """
    before, own, after = location.partition(f"/v2/{quote(source)}/blobs/uploads/")
    return f"{before}/v2/{quote(repository)}/blobs/uploads/{after}" if own else None


async def _start(
    registry: RegistryClient, invocation: Invocation, upload: str, locations: Locations, steps: Steps
) -> Completion:
    reply = await registry.start_upload(repository_of(invocation.key), request_id=steps.next_id())
    least = reply.header("oci-chunk-min-length") or ""
    answered = steps.answered()
    if least.isascii() and least.isdigit():
        answered = replace(answered, least_chunk=int(least))
    if reply.status == 202:
        trouble = locations.note(upload, registry, reply)
        if trouble is not None:
            return given_up(reply, answered, f"202 {trouble}")
    return completed(F.START_UPLOAD, reply, answered)


async def _sent(registry: RegistryClient, invocation: Invocation, location: str, steps: Steps) -> Reply:
    name, content, span = steps.next_id(), invocation.content, invocation.asked.range
    match invocation.f:
        case F.GET_UPLOAD:
            return await registry.upload_status(location, request_id=name)
        case F.CANCEL_UPLOAD:
            return await registry.cancel_upload(location, request_id=name)
        case F.FINISH_UPLOAD:
            digest = digest_of(invocation.key) or ""
            return await registry.finish_upload(location, digest, content, span=span, request_id=name)
        case _:
            if content is None:
                raise ValueError(f"{invocation.f} of {invocation.key!r}: nothing to write")
            return await registry.append_to_upload(location, content, span, request_id=name)
