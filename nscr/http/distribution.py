"""Handlers of /v2: the OCI Distribution Specification's endpoints (spec.md "Endpoints") and Docker's catalog.

Each reads its request, calls one verb of the registry and renders the answer. Failures are raised, never rendered.
"""

import json
from collections.abc import AsyncIterator
from urllib.parse import quote

from nscr.core.paging import cut, link_header, parse_page
from nscr.core.uploads import range_header
from nscr.errors import ManifestUnknown
from nscr.http.messages import Request, Response
from nscr.http.services import Services
from nscr.oci.digest import Digest, parse_digest
from nscr.oci.errors import ErrorCode, InvalidInput
from nscr.oci.manifests import MAX_MANIFEST_BYTES
from nscr.oci.names import Reference, RepositoryName, is_digest_reference, parse_name, parse_reference
from nscr.oci.ranges import Slice, Unsatisfiable, select_bytes
from nscr.registry import BodyHeaders
from nscr.stores.base import BlobReader

CHUNK_BYTES = 256 * 1024


def _name(request: Request) -> RepositoryName:
    return parse_name(request.parameters["name"])


def _digest(request: Request) -> Digest:
    return parse_digest(request.parameters["digest"])


def _body_headers(request: Request) -> BodyHeaders:
    length = request.content_length if request.has_body or request.content_length is not None else 0
    if "transfer-encoding" in request.headers:
        length = None
    return BodyHeaders(length, request.headers.get("content-range"))


def _json(document: object, headers: dict[str, str] | None = None) -> Response:
    body = json.dumps(document, separators=(",", ":")).encode()
    return Response(200, {"Content-Type": "application/json", **(headers or {})}, body)


async def get_base(services: Services, request: Request) -> Response:
    return _json({})


async def list_catalog(services: Services, request: Request) -> Response:
    page = parse_page(request.query.get("n"), request.query.get("last"))
    shown, following = cut(await services.registry.repositories(page.last, page.fetch), page)
    links = {"Link": link_header("/v2/_catalog", page, following)} if following else {}
    return _json({"repositories": shown}, links)


async def list_tags(services: Services, request: Request) -> Response:
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
    digest = _digest(request)
    size = await services.registry.blob_size(_name(request), digest)
    # RFC 9110 defines Range for GET alone: a HEAD always speaks of the whole.
    return _blob_reply(digest, size, None)[0]


async def get_blob(services: Services, request: Request) -> Response:
    digest = _digest(request)
    reader = await services.registry.open_blob(_name(request), digest)
    response, part = _blob_reply(digest, reader.size, request.headers.get("range"))
    if part is None:
        await reader.aclose()
    else:
        response.body = _BlobStream(reader, part)
    return response


def _blob_reply(digest: Digest, size: int, range_: str | None) -> tuple[Response, Slice | None]:
    """The reply without its bytes, and the bytes that a GET sends; none where the range is refused."""
    headers = _blob_headers(digest)
    try:
        part = select_bytes(range_, size)
    except Unsatisfiable:
        return Response(416, {**headers, "Content-Range": f"bytes */{size}"}, length=0), None
    if part is None:
        return Response(200, headers, length=size), Slice(0, size)
    headers["Content-Range"] = f"bytes {part.start}-{part.end - 1}/{size}"
    return Response(206, headers, length=part.length), part


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
    await services.registry.delete_blob(_name(request), _digest(request))
    return Response(202)


def _blob_created(name: RepositoryName, digest: Digest) -> Response:
    return Response(201, {"Location": f"/v2/{name}/blobs/{digest}", "Docker-Content-Digest": digest})


# Uploads


def _upload_headers(name: RepositoryName, upload: str, offset: int) -> dict[str, str]:
    headers = {"Location": f"/v2/{name}/blobs/uploads/{upload}", "Docker-Upload-UUID": upload}
    held = range_header(offset)
    return headers if held is None else {**headers, "Range": held}


async def start_upload(services: Services, request: Request) -> Response:
    """A session; or, by the query, a whole blob in this request, or a mount that falls back to a session."""
    name = _name(request)
    registry = services.registry
    if (mount := request.query.get("mount")) is not None:
        digest = parse_digest(mount)
        source = request.query.get("from")
        if source is not None and await registry.mount_blob(digest, source=parse_name(source), target=name):
            return _blob_created(name, digest)
    elif (pushed := request.query.get("digest")) is not None:
        digest = parse_digest(pushed)
        await registry.push_blob(name, digest, _body_headers(request), request.body())
        return _blob_created(name, digest)
    return Response(202, _upload_headers(name, await registry.open_upload(name), 0))


async def get_upload(services: Services, request: Request) -> Response:
    name, upload = _name(request), request.parameters["upload"]
    return Response(204, _upload_headers(name, upload, await services.registry.upload_offset(name, upload)))


async def patch_upload(services: Services, request: Request) -> Response:
    name, upload = _name(request), request.parameters["upload"]
    offset = await services.registry.append_chunk(name, upload, _body_headers(request), request.body())
    return Response(202, _upload_headers(name, upload, offset))


async def put_upload(services: Services, request: Request) -> Response:
    name, upload = _name(request), request.parameters["upload"]
    if "digest" not in request.query:
        raise InvalidInput(ErrorCode.DIGEST_INVALID, "an upload is closed with ?digest=")
    digest = parse_digest(request.query["digest"])
    await services.registry.close_upload(name, upload, digest, _body_headers(request), request.body())
    return _blob_created(name, digest)


async def delete_upload(services: Services, request: Request) -> Response:
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
    """Served byte for byte as it was pushed, whatever Accept says: a converted one would have another digest."""
    name = _name(request)
    manifest = await services.registry.manifest(name, _existing_reference(request))
    headers = {
        "Content-Type": manifest.media_type,
        "Docker-Content-Digest": manifest.digest,
        "ETag": f'"{manifest.digest}"',
    }
    return Response(200, headers, manifest.content)


async def put_manifest(services: Services, request: Request) -> Response:
    name, reference = _name(request), parse_reference(request.parameters["reference"])
    content = await request.read_body(MAX_MANIFEST_BYTES)
    digest = await services.registry.put_manifest(name, reference, content, request.headers.get("content-type"))
    location = f"/v2/{name}/manifests/{quote(reference, safe=':')}"
    return Response(201, {"Location": location, "Docker-Content-Digest": digest})


async def delete_manifest(services: Services, request: Request) -> Response:
    await services.registry.delete_manifest(_name(request), _existing_reference(request))
    return Response(202)
