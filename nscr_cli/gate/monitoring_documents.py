"""The answers of the monitoring API that only the gate reads, as docs/external-api.md shapes them. Pure.

The other three are in monitors/documents.py. What the document shows is required; whatever else is said is ignored.
"""

import msgspec


class RepositoryTag(msgspec.Struct, frozen=True, rename="camel"):
    """A tag and the digest that it names."""

    tag: str
    has_manifest: bool
    digest: str | None


class RepositoryDetails(msgspec.Struct, frozen=True, rename="camel"):
    """`/api/registry/repositories/{name}`."""

    name: str
    tag_count: int
    tags: list[RepositoryTag]


class Blob(msgspec.Struct, frozen=True):
    """A committed blob."""

    digest: str
    size: int


class Blobs(msgspec.Struct, frozen=True, rename="camel"):
    """`/api/registry/blobs`."""

    total_blobs: int
    blobs: list[Blob]


class CollectionStats(msgspec.Struct, frozen=True, rename="camel"):
    """`/api/garbage-collect/stats`."""

    total_blobs: int
    total_manifests: int
    unreferenced_blobs: int
    orphaned_manifests: int
    estimated_space_to_free: int
