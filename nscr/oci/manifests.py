"""Manifests: bytes in, typed edges out (image-spec manifest.md and image-index.md, Docker image manifest v2-2).

The bytes themselves are never changed or re-encoded: their digest is their name. A media type that is not in the
table is kept as it came, for the specification asks registries to accept what they don't know: what it seems to
reference is not demanded, and not collected either.
"""

import json
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum

from nscr.oci.digest import Digest, parse_digest
from nscr.oci.errors import ErrorCode, InvalidInput

MAX_MANIFEST_BYTES = 4 * 1024 * 1024
"""What spec.md asks a registry to accept at least; larger ones are refused."""

OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"

IMAGES = frozenset({OCI_MANIFEST, DOCKER_MANIFEST})
INDEXES = frozenset({OCI_INDEX, DOCKER_LIST})
_FOREIGN_PREFIXES = (
    "application/vnd.oci.image.layer.nondistributable.",
    "application/vnd.docker.image.rootfs.foreign.",
)


_MEDIA_TYPE = re.compile(r"[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}/[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}")


class EdgeKind(StrEnum):
    """What a manifest's descriptor points at, and so what it demands of the repository.

    A SPARSE one is a child that was allowed to be missing, and still is: when it comes, its edges become CHILD.
    """

    BLOB = "blob"
    FOREIGN = "foreign"
    CHILD = "child"
    SPARSE = "sparse"
    SUBJECT = "subject"


@dataclass(frozen=True, slots=True)
class Edge:
    kind: EdgeKind
    digest: Digest
    size: int


@dataclass(frozen=True, slots=True)
class Manifest:
    """A manifest's media type and what it references, each (kind, digest) once."""

    media_type: str
    edges: tuple[Edge, ...]


def _is_foreign(media_type: object) -> bool:
    """Non-distributable layers live elsewhere by licence (image-spec layer.md): a registry need not hold them."""
    return isinstance(media_type, str) and media_type.startswith(_FOREIGN_PREFIXES)


def parse_manifest(content: bytes, content_type: str | None) -> Manifest:
    """Read what a pushed manifest is and references.

    Args:
        content: the body, byte for byte.
        content_type: the request's Content-Type, if any.

    Raises:
        InvalidInput: no manifest of the type that it claims to be.
    """
    claimed = content_type.partition(";")[0].strip().lower() if content_type else None
    document = _document(content)
    stated = document.get("mediaType") if document is not None else None
    if claimed in IMAGES | INDEXES and document is None:
        raise _invalid("the manifest is not a JSON object")
    if stated is not None and not isinstance(stated, str):
        raise _invalid("mediaType is not a string")
    if claimed and stated and claimed != stated.lower() and {claimed, stated} & (IMAGES | INDEXES):
        raise _invalid(f"Content-Type {claimed!r} contradicts the manifest's mediaType {stated!r}")
    media_type = claimed or stated or _by_shape(document)
    if _MEDIA_TYPE.fullmatch(media_type) is None:
        # It goes back out as a header: what RFC 6838 does not allow in a media type stays outside.
        raise _invalid(f"{media_type[:100]!r} is not a media type")
    if document is None:
        return Manifest(media_type, ())
    if media_type not in IMAGES | INDEXES:
        return Manifest(media_type, _possible_edges(document))
    if document.get("schemaVersion") != 2:
        raise _invalid("schemaVersion is not 2")
    return Manifest(media_type, _edges(document, media_type))


def _invalid(message: str) -> InvalidInput:
    return InvalidInput(ErrorCode.MANIFEST_INVALID, message)


def _document(content: bytes) -> Mapping[str, object] | None:
    try:
        document: object = json.loads(content, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def _refuse_constant(name: str) -> object:
    raise ValueError(f"{name} is not JSON")


def _by_shape(document: Mapping[str, object] | None) -> str:
    if document is None:
        raise _invalid("the manifest has no Content-Type and is not a JSON object")
    return OCI_INDEX if "manifests" in document else OCI_MANIFEST


def _edges(document: Mapping[str, object], media_type: str) -> tuple[Edge, ...]:
    found: list[Edge] = []
    if media_type in IMAGES:
        found.append(_edge(document.get("config"), "config", EdgeKind.BLOB))
        for position, layer in enumerate(_sequence(document, "layers")):
            foreign = isinstance(layer, dict) and _is_foreign(layer.get("mediaType"))
            found.append(_edge(layer, f"layers[{position}]", EdgeKind.FOREIGN if foreign else EdgeKind.BLOB))
    else:
        for position, child in enumerate(_sequence(document, "manifests")):
            found.append(_edge(child, f"manifests[{position}]", EdgeKind.CHILD))
    if document.get("subject") is not None:
        found.append(_edge(document["subject"], "subject", EdgeKind.SUBJECT))
    return tuple({(edge.kind, edge.digest): edge for edge in found}.values())


def _possible_edges(document: Mapping[str, object]) -> tuple[Edge, ...]:
    """Digests where manifests of this family have them, those of artifacts and of Docker's first schema among them."""
    found: dict[Digest, Edge] = {}
    for field in ("config", "layers", "blobs", "manifests", "fsLayers"):
        value = document.get(field)
        for entry in value if isinstance(value, list) else [value]:
            text = entry.get("digest", entry.get("blobSum")) if isinstance(entry, dict) else None
            if isinstance(text, str):
                with suppress(InvalidInput):
                    digest = parse_digest(text)
                    found[digest] = Edge(EdgeKind.FOREIGN, digest, 0)
    return tuple(found.values())


def _sequence(document: Mapping[str, object], field: str) -> list[object]:
    value = document.get(field)
    if value is None:
        # Go encodes an empty slice as null: artifacts without layers come both ways.
        return []
    if not isinstance(value, list):
        raise _invalid(f"{field} is not a list")
    return value


def _edge(descriptor: object, where: str, kind: EdgeKind) -> Edge:
    if not isinstance(descriptor, dict):
        raise _invalid(f"{where} is not a descriptor")
    digest, size = descriptor.get("digest"), descriptor.get("size")
    if not isinstance(digest, str):
        raise _invalid(f"{where} has no digest")
    if not isinstance(size, int) or isinstance(size, bool) or not 0 <= size < 2**63:
        raise _invalid(f"{where} has no valid size")
    try:
        return Edge(kind, parse_digest(digest), size)
    except InvalidInput as error:
        raise _invalid(f"{where}: {error}") from error
