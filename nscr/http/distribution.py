"""Handlers of /v2: the OCI Distribution Specification's endpoints (spec.md "Endpoints") and Docker's catalog.

Each reads its request, calls one verb of the registry and renders the answer. Failures are raised, never rendered.
"""

import json
from collections.abc import AsyncGenerator, AsyncIterator
from urllib.parse import urlencode

from nscr.core.paging import cut, link_header, parse_page
from nscr.core.preconditions import Preconditions, parse_preconditions
from nscr.core.throughput import Count
from nscr.core.uploads import range_header
from nscr.errors import ManifestUnknown, PreconditionFailed, RangeUnsatisfiable, TooManyTags
from nscr.http.messages import Request, Response
from nscr.http.services import Services
from nscr.http.spool import HELD_BYTES, Spool
from nscr.oci.digest import Algorithm, Digest, parse_algorithm, parse_digest
from nscr.oci.errors import ErrorCode, InvalidInput
from nscr.oci.manifests import MAX_MANIFEST_BYTES, OCI_INDEX
from nscr.oci.names import Reference, RepositoryName, Tag, is_digest_reference, parse_name, parse_reference, parse_tag
from nscr.oci.ranges import Slice, Unsatisfiable, select_bytes
from nscr.registry import BodyHeaders
from nscr.stores.base import BlobReader

CHUNK_BYTES = 256 * 1024

MAX_TAGS = 32
"""Tags of one manifest push: more than the ten that spec.md asks for, few enough that OCI-Tag fits any client."""


def _name(request: Request) -> RepositoryName:
    return parse_name(request.parameters["name"])


def _digest(request: Request) -> Digest:
    return parse_digest(request.parameters["digest"])


def _body_headers(request: Request) -> BodyHeaders:
    length = request.content_length if request.has_body or request.content_length is not None else 0
    if "transfer-encoding" in request.headers:
        length = None
    return BodyHeaders(length, request.headers.get("content-range"))


def _blob_body(services: Services, request: Request) -> AsyncGenerator[bytes, None]:
    return request.body(services.throughput.counts.blob_upload)


def _json(document: object, headers: dict[str, str] | None = None) -> Response:
    body = json.dumps(document, separators=(",", ":")).encode()
    return Response(200, {"Content-Type": "application/json", **(headers or {})}, body)


def _preconditions(request: Request) -> Preconditions:
    return parse_preconditions(request.headers.get("if-match"), request.headers.get("if-none-match"))


def _is_unmodified(request: Request, name: RepositoryName, reference: str, current: Digest) -> bool:
    """Whether a reader already has what is there (RFC 9110 section 13.2.2).

    Raises:
        PreconditionFailed: it is not what If-Match asks for.
    """
    preconditions = _preconditions(request)
    if not preconditions.is_matched_by(current):
        raise PreconditionFailed(name, reference)
    return not preconditions.is_news_to(current)


async def get_base(services: Services, request: Request) -> Response:
    """Says that the specification is implemented."""
    return _json({})


async def list_catalog(services: Services, request: Request) -> Response:
    """Repositories in code point order, paged by `n` and `last` (Docker's catalog)."""
    page = parse_page(request.query.get("n"), request.query.get("last"))
    shown, following = cut(await services.registry.repositories(page.last, page.fetch), page)
    links = {"Link": link_header("/v2/_catalog", page, following)} if following else {}
    return _json({"repositories": shown}, links)


async def list_tags(services: Services, request: Request) -> Response:
    """Tags in code point order, paged by `n` and `last`."""
    name = _name(request)
    page = parse_page(request.query.get("n"), request.query.get("last"))
    shown, following = cut(await services.registry.tags(name, page.last, page.fetch), page)
    links = {"Link": link_header(f"/v2/{name}/tags/list", page, following)} if following else {}
    return _json({"name": name, "tags": shown}, links)


# Blobs


def _blob_headers(digest: Digest) -> dict[str, str]:
    return {
        "Content-Type": "application/octet-stream",
        "Docker-Content-Digest": digest,
        "Accept-Ranges": "bytes",
        "ETag": f'"{digest}"',
    }


async def head_blob(services: Services, request: Request) -> Response:
    """What GET says of the whole blob, without its bytes."""
    name, digest = _name(request), _digest(request)
    size = await services.registry.blob_size(name, digest, request.connection)
    if _is_unmodified(request, name, digest, digest):
        return Response(304, _blob_headers(digest))
    # RFC 9110 defines Range for GET alone: a HEAD always speaks of the whole.
    return Response(200, _blob_headers(digest), length=size)


async def get_blob(services: Services, request: Request) -> Response:
    """A blob, or the one part of it that `Range` asks for; conditional by `If-Match`, `If-None-Match`, `If-Range`."""
    name, digest = _name(request), _digest(request)
    reader = await services.registry.open_blob(name, digest)
    try:
        return _blob_reply(services, request, name, digest, reader)
    except BaseException:
        await reader.aclose()
        raise


def _blob_reply(
    services: Services, request: Request, name: RepositoryName, digest: Digest, reader: BlobReader
) -> Response:
    headers, size, count = _blob_headers(digest), reader.size, services.throughput.counts.blob_download
    if _is_unmodified(request, name, digest, digest):
        return Response(304, headers, _BlobStream(reader, Slice(0, 0)))
    # A range of other content than the client has a part of would not fit together.
    is_current = request.headers.get("if-range", headers["ETag"]) == headers["ETag"]
    range_ = request.headers.get("range") if is_current else None
    try:
        part = select_bytes(range_, size)
    except Unsatisfiable:
        raise RangeUnsatisfiable(range_ or "", size) from None
    if part is None:
        return Response(200, headers, _BlobStream(reader, Slice(0, size)), length=size, count=count)
    headers["Content-Range"] = f"bytes {part.start}-{part.end - 1}/{size}"
    return Response(206, headers, _BlobStream(reader, part), length=part.length, count=count)


class _BlobStream:
    """Part of an open blob, a chunk at a time."""

    def __init__(self, reader: BlobReader, part: Slice) -> None:
        self._reader = reader
        self._at, self._end = part.start, part.end

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        if self._at >= self._end:
            raise StopAsyncIteration
        data = await self._reader.read(self._at, min(CHUNK_BYTES, self._end - self._at))
        self._at += len(data)
        return data

    async def aclose(self) -> None:
        await self._reader.aclose()


async def delete_blob(services: Services, request: Request) -> Response:
    """Takes a blob from this repository only."""
    await services.registry.delete_blob(_name(request), _digest(request))
    return Response(202)


def _blob_created(name: RepositoryName, digest: Digest) -> Response:
    return Response(201, {"Location": f"/v2/{name}/blobs/{digest}", "Docker-Content-Digest": digest})


# Uploads


def _upload_headers(name: RepositoryName, upload: str, offset: int) -> dict[str, str]:
    location = f"/v2/{name}/blobs/uploads/{upload}"
    return {"Location": location, "Docker-Upload-UUID": upload, "Range": range_header(offset)}


async def start_upload(services: Services, request: Request) -> Response:
    """Opens a session, for `digest-algorithm` if given; takes a whole blob with `digest`; mounts one with `mount` and,
    to name where from, `from`, or opens a session where it cannot.
    """
    name = _name(request)
    registry = services.registry
    algorithm = parse_algorithm(request.query.get("digest-algorithm", Algorithm.SHA256.value))
    if (mount := request.query.get("mount")) is not None:
        digest = parse_digest(mount)
        source = parse_name(request.query["from"]) if "from" in request.query else None
        if await registry.mount_blob(digest, source=source, target=name, client=request.connection):
            return _blob_created(name, digest)
    elif (pushed := request.query.get("digest")) is not None:
        digest = parse_digest(pushed)
        await registry.push_blob(
            name, digest, _body_headers(request), _blob_body(services, request), request.connection
        )
        return _blob_created(name, digest)
    return Response(202, _upload_headers(name, await registry.open_upload(name, algorithm), 0))


async def get_upload(services: Services, request: Request) -> Response:
    """How much an upload holds."""
    name, upload = _name(request), request.parameters["upload"]
    return Response(204, _upload_headers(name, upload, await services.registry.upload_offset(name, upload)))


async def patch_upload(services: Services, request: Request) -> Response:
    """Appends a chunk, or a stream of unknown length."""
    name, upload = _name(request), request.parameters["upload"]
    offset = await services.registry.append_chunk(name, upload, _body_headers(request), _blob_body(services, request))
    return Response(202, _upload_headers(name, upload, offset))


async def put_upload(services: Services, request: Request) -> Response:
    """Appends the last chunk, if there is a body, and turns the upload into the blob `digest`."""
    name, upload = _name(request), request.parameters["upload"]
    if "digest" not in request.query:
        raise InvalidInput(ErrorCode.DIGEST_INVALID, "an upload is closed with ?digest=")
    digest = parse_digest(request.query["digest"])
    await services.registry.close_upload(
        name, upload, digest, _body_headers(request), _blob_body(services, request), request.connection
    )
    return _blob_created(name, digest)


async def delete_upload(services: Services, request: Request) -> Response:
    """Cancels an upload."""
    await services.registry.cancel_upload(_name(request), request.parameters["upload"])
    return Response(204)


# Manifests


def _existing_reference(request: Request) -> Reference:
    """A reference to look up: what can be no tag names nothing, which is 404 and not 400."""
    text = request.parameters["reference"]
    try:
        return parse_reference(text)
    except InvalidInput:
        if is_digest_reference(text):
            raise
        raise ManifestUnknown(request.parameters["name"], text) from None


async def get_manifest(services: Services, request: Request) -> Response:
    """A manifest, byte for byte as it was pushed and whatever `Accept` says, for a converted one would have another
    digest; conditional by `If-Match` and `If-None-Match`.
    """
    name, reference = _name(request), _existing_reference(request)
    async with request.budget.fetching:
        manifest = await services.registry.manifest(name, reference)
        headers = {
            "Content-Type": manifest.media_type,
            "Docker-Content-Digest": manifest.digest,
            "ETag": f'"{manifest.digest}"',
        }
        if _is_unmodified(request, name, reference, manifest.digest):
            return Response(304, headers)
        return await _document(headers, manifest.content, services.throughput.counts.manifest_download)


async def _document(headers: dict[str, str], content: bytes, count: Count) -> Response:
    """A large document is laid aside, for a slow client would hold it in memory for as long as it reads."""
    if len(content) <= HELD_BYTES:
        return Response(200, headers, content, count=count)
    spool = await Spool.of(content)
    return Response(200, headers, spool, length=spool.length, count=count)


async def put_manifest(services: Services, request: Request) -> Response:
    """Stores a manifest and points the tag, or with a digest every `tag`, at it: all or nothing, and on `If-Match` and
    `If-None-Match` of every named tag.
    """
    name, reference = _name(request), parse_reference(request.parameters["reference"])
    tags = _tags(request, reference)
    preconditions = _preconditions(request)
    content = await request.read_body(MAX_MANIFEST_BYTES, services.throughput.counts.manifest_upload)
    content_type = request.headers.get("content-type")
    stored = await services.registry.put_manifest(
        name, reference, content, content_type, tags=tags, preconditions=preconditions
    )
    headers = {
        "Location": f"/v2/{name}/manifests/{reference}",
        "Docker-Content-Digest": stored.digest,
        "ETag": f'"{stored.digest}"',
    }
    if tags:
        headers["OCI-Tag"] = ", ".join(tags)
    if stored.subject is not None:
        headers["OCI-Subject"] = stored.subject
    return Response(201, headers)


def _tags(request: Request, reference: Reference) -> list[Tag]:
    """The tags of a push by digest, each once."""
    texts = list(dict.fromkeys(request.query_values("tag")))
    if texts and not is_digest_reference(reference):
        raise InvalidInput(ErrorCode.UNSUPPORTED, "?tag= goes with a push by digest; this one is by tag")
    if len(texts) > MAX_TAGS:
        raise TooManyTags(len(texts), MAX_TAGS)
    return [parse_tag(text) for text in texts]


async def delete_manifest(services: Services, request: Request) -> Response:
    """Deletes a tag; or, by digest, a manifest and every tag that points at it."""
    await services.registry.delete_manifest(_name(request), _existing_reference(request), _preconditions(request))
    return Response(202)


async def list_referrers(services: Services, request: Request) -> Response:
    """Manifests whose subject is the digest, by `artifactType` if given, paged where they are many; an empty index
    where there are none, for the subject may come later.
    """
    name, subject = _name(request), _digest(request)
    artifact_type = request.query.get("artifactType") or None
    page = await services.registry.referrers(
        name, subject, last=request.query.get("last", ""), artifact_type=artifact_type
    )
    headers = {"Content-Type": OCI_INDEX}
    if artifact_type is not None:
        headers["OCI-Filters-Applied"] = "artifactType"
    if page.following is not None:
        query = {"artifactType": artifact_type} if artifact_type is not None else {}
        target = f"/v2/{name}/referrers/{subject}?{urlencode({**query, 'last': page.following})}"
        headers["Link"] = f'<{target}>; rel="next"'
    # A list is made here: no manifest is downloaded by it.
    return await _document(headers, page.index(), Count())
