"""A registry's HTTP API: one method, one exchange, never a retry, and no opinion about the answer.

Each method says what is sent, byte for byte; replies come back as facts. Paths follow spec.md#endpoints, `catalog` is
Docker's. What goes with every request, and how a token is had, the transport knows.
"""

from collections.abc import Iterable
from functools import lru_cache, partial
from urllib.parse import quote

from nscr_cli.client.documents import MANIFEST_TYPES, elsewhere, resolved
from nscr_cli.client.target import Credentials, Target
from nscr_cli.client.tokens import Tokens
from nscr_cli.client.transport import USER_AGENT, Reply, Transport
from nscr_cli.history.invocation import Content
from nscr_cli.wire.dialing import Dialer
from nscr_cli.wire.manner import PLAIN, Manner
from nscr_cli.wire.messages import Headers
from nscr_cli.wire.watchdog import TimeOuts

_QUOTED = 1024  # names of which the quoted form is kept: those that many clients contend for

KEEP_DOCUMENT = 16 * 1024 * 1024

ACCEPT: Headers = (("Accept", ", ".join((*MANIFEST_TYPES, "*/*;q=0.1"))),)
_OCTETS = ("Content-Type", "application/octet-stream")


class RegistryClient:
    """One logical client of a registry.

    Args:
        time_outs: of each exchange.
        tokens: shared with the other clients of the registry; its own where there are none.
    """

    def __init__(
        self,
        dialer: Dialer,
        target: Target,
        credentials: Credentials | None = None,
        *,
        user_agent: str = USER_AGENT,
        time_outs: TimeOuts | None = None,
        tokens: Tokens | None = None,
    ) -> None:
        self.target = target
        self._transport = Transport(
            dialer, target, credentials, user_agent=user_agent, time_outs=time_outs, tokens=tokens
        )
        self._prefix = f"{quote(target.prefix, safe='/%~')}/v2/"

    async def aclose(self) -> None:
        """Close the connection; the client can be used again."""
        await self._transport.aclose()

    async def ping(self, *, request_id: str | None = None) -> Reply:
        """Is a registry there, and does it let us in (spec.md#determining-support)?"""
        return await self._transport.request("GET", self._path(""), request_id=request_id)

    async def start_upload(self, repository: str, *, request_id: str | None = None) -> Reply:
        """Open an upload session."""
        return await self._post(self._uploads(repository), request_id)

    async def post_blob(
        self,
        repository: str,
        content: Content,
        digest: str,
        *,
        manner: Manner = PLAIN,
        request_id: str | None = None,
    ) -> Reply:
        """Push a blob in a single POST, under a digest."""
        target = f"{self._uploads(repository)}?digest={quote(digest, safe='')}"
        return await self._transport.send("POST", target, content.chunks, content.size, (_OCTETS,), request_id, manner)

    async def mount(self, repository: str, digest: str, source: str, *, request_id: str | None = None) -> Reply:
        """Ask for a blob of another repository."""
        target = f"{self._uploads(repository)}?mount={quote(digest, safe='')}&from={quote(source, safe='')}"
        return await self._post(target, request_id)

    async def patch_upload(
        self,
        location: str,
        content: Content,
        first: int,
        end: int,
        *,
        manner: Manner = PLAIN,
        request_id: str | None = None,
    ) -> Reply:
        """Send one chunk, the bytes from `first` up to, not including, `end`, with its Content-Range."""
        headers = (_OCTETS, ("Content-Range", f"{first}-{end - 1}"))
        return await self._transport.send(
            "PATCH", location, partial(content.chunks, first, end), end - first, headers, request_id, manner
        )

    async def append_to_upload(
        self, location: str, body: Content, span: tuple[int, int] | None, *, request_id: str | None = None
    ) -> Reply:
        """Send these bytes as a chunk, whatever Content-Range says of them; without one, where `span` is None."""
        return await self._transport.send("PATCH", location, body.chunks, body.size, _chunk_headers(span), request_id)

    async def stream_upload(
        self, location: str, content: Content, *, manner: Manner = PLAIN, request_id: str | None = None
    ) -> Reply:
        """Send everything in one PATCH of unannounced length."""
        return await self._transport.send("PATCH", location, content.chunks, None, (_OCTETS,), request_id, manner)

    async def finish_upload(
        self,
        location: str,
        digest: str,
        content: Content | None = None,
        *,
        manner: Manner = PLAIN,
        span: tuple[int, int] | None = None,
        request_id: str | None = None,
    ) -> Reply:
        """Close an upload with its digest; with its bytes where none were sent before, or with its last chunk."""
        joint = "&" if "?" in location else "?"
        target = f"{location}{joint}digest={quote(digest, safe='')}"
        if content is None:
            return await self._transport.send("PUT", target, tuple, 0, (), request_id, manner)
        headers = _chunk_headers(span)
        return await self._transport.send("PUT", target, content.chunks, content.size, headers, request_id, manner)

    async def upload_status(self, location: str, *, request_id: str | None = None) -> Reply:
        """Ask how much of an upload is there."""
        return await self._transport.request("GET", location, request_id=request_id)

    async def cancel_upload(self, location: str, *, request_id: str | None = None) -> Reply:
        """Give an upload up."""
        return await self._transport.request("DELETE", location, request_id=request_id)

    async def get_blob(
        self,
        repository: str,
        digest: str,
        *,
        headers: Headers = (),
        location: str | None = None,
        request_id: str | None = None,
    ) -> Reply:
        """Read a blob, or what `headers` ask for of it; at `location` after a redirect."""
        target = location or self._path(f"{_name(repository)}/blobs/{_reference(digest)}")
        return await self._transport.request("GET", target, headers, digest=digest, request_id=request_id)

    async def get_elsewhere(
        self,
        reply: Reply,
        location: str,
        digest: str,
        *,
        headers: Headers = (),
        request_id: str | None = None,
    ) -> Reply:
        """Read a blob where a redirect to another origin points: on a connection of its own, without credentials.

        Raises:
            ForeignLocation: nothing that can be followed.
        """
        origin, target = elsewhere(self.target, reply.requested, location)
        transport = self._transport.elsewhere(origin)
        try:
            return await transport.request("GET", target, headers, digest=digest, request_id=request_id)
        finally:
            await transport.aclose()

    async def head_blob(
        self,
        repository: str,
        digest: str,
        *,
        headers: Headers = (),
        location: str | None = None,
        request_id: str | None = None,
    ) -> Reply:
        """Ask for a blob's head."""
        target = location or self._path(f"{_name(repository)}/blobs/{_reference(digest)}")
        return await self._transport.request("HEAD", target, headers, request_id=request_id)

    async def delete_blob(self, repository: str, digest: str, *, request_id: str | None = None) -> Reply:
        """Delete a blob from a repository."""
        target = self._path(f"{_name(repository)}/blobs/{_reference(digest)}")
        return await self._transport.request("DELETE", target, request_id=request_id)

    async def put_manifest(
        self,
        repository: str,
        reference: str,
        content: Content,
        media_type: str,
        *,
        tags: Iterable[str] = (),
        conditions: Headers = (),
        manner: Manner = PLAIN,
        request_id: str | None = None,
    ) -> Reply:
        """Write a manifest under a tag, or its digest and `tags`; `conditions` are If-Match and If-None-Match."""
        headers = (("Content-Type", media_type), *conditions)
        query = "&".join(f"tag={quote(tag, safe='')}" for tag in tags)
        target = self._manifest(repository, reference) + (f"?{query}" if query else "")
        return await self._transport.send("PUT", target, content.chunks, content.size, headers, request_id, manner)

    async def get_manifest(
        self, repository: str, reference: str, *, headers: Headers = ACCEPT, request_id: str | None = None
    ) -> Reply:
        """Read a manifest by tag or digest."""
        target = self._manifest(repository, reference)
        digest = reference if ":" in reference else None
        return await self._transport.request(
            "GET", target, headers, digest=digest, keep=KEEP_DOCUMENT, request_id=request_id
        )

    async def head_manifest(
        self, repository: str, reference: str, *, headers: Headers = ACCEPT, request_id: str | None = None
    ) -> Reply:
        """Ask for a manifest's head by tag or digest."""
        return await self._transport.request(
            "HEAD", self._manifest(repository, reference), headers, request_id=request_id
        )

    async def delete_manifest(self, repository: str, reference: str, *, request_id: str | None = None) -> Reply:
        """Delete a tag, or a manifest by its digest."""
        return await self._transport.request("DELETE", self._manifest(repository, reference), request_id=request_id)

    async def list_tags(
        self,
        repository: str,
        *,
        query: str = "",
        location: str | None = None,
        request_id: str | None = None,
    ) -> Reply:
        """The page of a repository's tags that a query (`?n=`) asks for, or the one at `location`."""
        target = location or self._path(f"{_name(repository)}/tags/list{query}")
        return await self._transport.request("GET", target, keep=KEEP_DOCUMENT, request_id=request_id)

    async def list_referrers(
        self,
        repository: str,
        subject: str,
        *,
        artifact_type: str | None = None,
        location: str | None = None,
        request_id: str | None = None,
    ) -> Reply:
        """The first page of what refers to a manifest, of one artifact type or of all, or the page at `location`."""
        asked = f"?artifactType={quote(artifact_type, safe='')}" if artifact_type is not None else ""
        target = location or self._path(f"{_name(repository)}/referrers/{_reference(subject)}{asked}")
        return await self._transport.request("GET", target, keep=KEEP_DOCUMENT, request_id=request_id)

    async def catalog(self, *, query: str = "", location: str | None = None, request_id: str | None = None) -> Reply:
        """The page of the catalog that a query asks for, or the one at `location`."""
        target = location or self._path(f"_catalog{query}")
        return await self._transport.request("GET", target, keep=KEEP_DOCUMENT, request_id=request_id)

    async def send_exactly(
        self,
        method: str,
        target: str,
        headers: Headers = (),
        body: Iterable[bytes] = (),
        *,
        manner: Manner = PLAIN,
        request_id: str | None = None,
    ) -> Reply:
        """Send what no client should. Host, User-Agent, credentials and the request's id are added, and nothing else.

        Framing is the caller's: a Content-Length may lie, chunks may be broken. The connection is not used again.

        Args:
            target: as it stands in the request line, the registry's path prefix included.
            body: what follows the head, as it is; to be iterated twice where a token is asked for first.
        """
        return await self._transport.request(
            method, target, headers, lambda: body, manner=manner, is_last=True, request_id=request_id
        )

    def resolve(self, reply: Reply, location: str) -> str:
        """The request target that a reply's Location or Link points to.

        Raises:
            ForeignLocation: it lies on another origin; our credentials do not go there.
        """
        return resolved(self.target, reply.requested, location)

    def _path(self, rest: str) -> str:
        return f"{self._prefix}{rest}"

    def _uploads(self, repository: str) -> str:
        return self._path(f"{_name(repository)}/blobs/uploads/")

    def _manifest(self, repository: str, reference: str) -> str:
        return self._path(f"{_name(repository)}/manifests/{_reference(reference)}")

    async def _post(self, target: str, request_id: str | None) -> Reply:
        return await self._transport.send("POST", target, tuple, 0, (), request_id)


def _chunk_headers(span: tuple[int, int] | None) -> Headers:
    return (_OCTETS,) if span is None else (_OCTETS, ("Content-Range", f"{span[0]}-{span[1]}"))


@lru_cache(maxsize=_QUOTED)
def _name(repository: str) -> str:
    return quote(repository, safe="/")


@lru_cache(maxsize=_QUOTED)
def _reference(reference: str) -> str:
    return quote(reference, safe=":")
