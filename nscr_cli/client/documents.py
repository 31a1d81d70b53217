"""What the bodies and headers of registries say, read leniently: what is not there is None, never a guess. Pure.

Edges that need not be present are left out of a manifest's references: its subject, and layers that may not be
distributed (image-spec layer.md#non-distributable-layers; Docker's foreign layers).
"""

import re
from collections.abc import Iterable
from urllib.parse import SplitResult, urljoin, urlsplit

import msgspec

from nscr_cli.client.target import Target
from nscr_cli.foreign_json import Unreadable, read_json
from nscr_cli.history.annotations import annotations_word
from nscr_cli.history.ops import ErrorForm, Reference, Referrer

MANIFEST_TYPES = (
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
)

_NOT_DISTRIBUTED = re.compile(r"\.nondistributable\.|\.foreign\.")
_LINK_NEXT = re.compile(r"<([^>]*)>\s*;[^,]*\brel=\"?next\"?", re.IGNORECASE)
_RANGE = re.compile(r"(?:bytes=)?0-(\d{1,18})")
_MANIFEST_LIKE = re.compile(r"(manifest|index)[.\w-]*\+json")


class ForeignLocation(Exception):
    """A registry points to another origin, where our credentials must not go."""


class _Descriptor(msgspec.Struct):
    digest: str
    size: int = -1
    media_type: str = msgspec.field(default="", name="mediaType")


class _Manifest(msgspec.Struct):
    config: _Descriptor | None = None
    layers: list[_Descriptor] | None = None
    blobs: list[_Descriptor] | None = None
    manifests: list[_Descriptor] | None = None


class _Listed(msgspec.Struct):
    digest: str
    artifact_type: str | None = msgspec.field(default=None, name="artifactType")
    size: int | None = None
    media_type: str | None = msgspec.field(default=None, name="mediaType")
    annotations: dict[str, str] | None = None


class _Referrers(msgspec.Struct):
    manifests: list[_Listed] | None


class _Error(msgspec.Struct):
    code: str


class _Errors(msgspec.Struct):
    errors: list[_Error]


class TagList(msgspec.Struct):
    """A list of tags; `name` is the repository's."""

    name: str | None = None
    tags: list[str] | None = None


class _Catalog(msgspec.Struct):
    repositories: list[str] | None = None


def references_of(body: bytes) -> tuple[Reference, ...] | None:
    """The edges of a manifest or index that must be present, each once; None where the bytes are neither."""
    try:
        manifest = read_json(body, _Manifest)
    except Unreadable:
        return None
    layers = (*(manifest.layers or ()), *(manifest.blobs or ()))
    kept = [layer for layer in layers if not _NOT_DISTRIBUTED.search(layer.media_type)]
    # Only layers may be left out (image-spec, layer.md): nobody can run an image without its configuration.
    blobs = [manifest.config, *kept] if manifest.config is not None else kept
    edges = [Reference(blob.digest, False, blob.size) for blob in blobs]
    edges += [Reference(child.digest, _is_manifest(child), child.size) for child in manifest.manifests or ()]
    return tuple(dict.fromkeys(edges))


def error_code_of(body: bytes) -> str | None:
    """The first code of an OCI error body (spec.md#error-codes)."""
    try:
        errors = read_json(body, _Errors).errors
    except Unreadable:
        return None
    return errors[0].code if errors else None


def error_form_of(body: bytes) -> ErrorForm | None:
    """What a body of an error is that has no code; None of one that is empty, or is a list of no errors."""
    if not body.strip():
        return None
    try:
        document = read_json(body)
    except Unreadable:
        return ErrorForm.NOT_JSON
    is_empty_list = isinstance(document, dict) and document.get("errors") == []
    return None if is_empty_list else ErrorForm.OTHER_JSON


def tags_of(body: bytes) -> TagList | None:
    """A list of tags; null counts as none."""
    try:
        return read_json(body, TagList)
    except Unreadable:
        return None


def referrers_of(body: bytes) -> tuple[Referrer, ...] | None:
    """The entries of a list of referrers, which is an image index; null counts as none."""
    try:
        listed = read_json(body, _Referrers).manifests or ()
    except Unreadable:
        return None
    return tuple(
        Referrer(one.digest, one.artifact_type, one.size, one.media_type, annotations_word(one.annotations))
        for one in listed
    )


def repositories_of(body: bytes) -> tuple[str, ...] | None:
    """The names of a catalog; null counts as none."""
    try:
        return tuple(read_json(body, _Catalog).repositories or ())
    except Unreadable:
        return None


def next_link(links: Iterable[str]) -> str | None:
    """Where the next page is, of the values of Link headers (RFC 8288)."""
    return next((found.group(1) for value in links if (found := _LINK_NEXT.search(value))), None)


def stored_offset(content_range: str | None) -> int:
    """Bytes that a registry says an upload holds: the end of `Range` + 1; -1 where it says nothing readable."""
    found = _RANGE.fullmatch((content_range or "").strip())
    return int(found.group(1)) + 1 if found else -1


def seconds_of(retry_after: str | None) -> float | None:
    """Retry-After in seconds; a date is not understood, because our clock may differ."""
    value = (retry_after or "").strip()
    return float(value) if value.isascii() and value.isdigit() and len(value) < 9 else None


def resolved(target: Target, requested: str, location: str) -> str:
    """The request target that a Location or Link points to, seen from the request it answers (RFC 3986).

    Raises:
        ForeignLocation: it lies on another origin, or is not a URL.
    """
    there, port = _there(target, requested, location)
    if (there.scheme, (there.hostname or "").lower(), port) != (target.scheme, target.host.lower(), target.port):
        shown = f"{there.scheme}://{there.netloc.rpartition('@')[2]}"
        raise ForeignLocation(f"it points to {shown}, away from {target.scheme}://{target.authority}")
    return _request_target(there)


def elsewhere(target: Target, requested: str, location: str) -> tuple[Target, str]:
    """The other origin and the request target there that a redirect points to; user and password in it are left out.

    Raises:
        ForeignLocation: not a URL, or one that takes a reader from https to http.
    """
    there, port = _there(target, requested, location)
    shown = f"{there.scheme}://{there.netloc.rpartition('@')[2]}"
    if there.scheme not in ("http", "https") or not there.hostname or port is None:
        raise ForeignLocation(f"it points to {shown}")
    if (target.scheme, there.scheme) == ("https", "http"):
        raise ForeignLocation(f"it points to {shown}, from https to http")
    host = there.hostname
    origin = Target(scheme=there.scheme, host=host, port=port, ca_cert=target.ca_cert, proxy=target.proxy)
    return origin, _request_target(there)


def _there(target: Target, requested: str, location: str) -> tuple[SplitResult, int | None]:
    try:
        there = urlsplit(urljoin(f"{target.scheme}://{target.authority}{requested}", location))
        return there, there.port or {"http": 80, "https": 443}.get(there.scheme)
    except ValueError as error:
        raise ForeignLocation("it is not a URL") from error


def _request_target(there: SplitResult) -> str:
    path = there.path or "/"
    if any(char <= " " or char > "~" for char in path + there.query):
        raise ForeignLocation("it is not a URL")
    return f"{path}?{there.query}" if there.query else path


def _is_manifest(descriptor: _Descriptor) -> bool:
    """Children of an index are manifests; build caches list layers there too, by their own media types."""
    return not descriptor.media_type or bool(_MANIFEST_LIKE.search(descriptor.media_type))
