"""Referrers of a manifest: their descriptors, the filter, and pages of them (spec.md "Listing Referrers").

A descriptor is made of a referrer's own bytes, so nothing has to be kept in step with them. A page is limited by its
size, for that is what clients limit: an index must not grow larger than a manifest may be.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass

from nscr.oci.digest import Digest
from nscr.oci.manifests import IMAGES, OCI_INDEX

_SHELL = (b'{"schemaVersion":2,"mediaType":"' + OCI_INDEX.encode() + b'","manifests":[', b"]}")


@dataclass(frozen=True, slots=True)
class Referrer:
    """A manifest that has a subject; `descriptor` is its encoded entry of the list."""

    digest: Digest
    artifact_type: str | None
    descriptor: bytes


@dataclass(frozen=True, slots=True)
class ReferrersPage:
    """Some referrers in the order of their digests; the next page, if there is one, starts after `following`."""

    referrers: tuple[Referrer, ...]
    following: Digest | None

    def index(self) -> bytes:
        """The image index that lists them."""
        opening, closing = _SHELL
        return opening + b",".join(referrer.descriptor for referrer in self.referrers) + closing


def describe_referrer(digest: Digest, media_type: str, content: bytes) -> Referrer:
    """Describe a stored image manifest or index."""
    document: dict[str, object] = json.loads(content)
    artifact_type = document.get("artifactType")
    if media_type in IMAGES and not artifact_type:
        config = document.get("config")
        artifact_type = config.get("mediaType") if isinstance(config, dict) else None
    shown = artifact_type if isinstance(artifact_type, str) and artifact_type else None
    descriptor: dict[str, object] = {"mediaType": media_type, "digest": digest, "size": len(content)}
    if shown is not None:
        descriptor["artifactType"] = shown
    if document.get("annotations"):
        descriptor["annotations"] = document["annotations"]
    return Referrer(digest, shown, json.dumps(descriptor, separators=(",", ":")).encode())


def collect_page(referrers: Iterable[Referrer], artifact_type: str | None, most_bytes: int) -> ReferrersPage:
    """Fill a page from referrers that come in the order of their digests.

    Args:
        artifact_type: only these, where it is given.
        most_bytes: of the whole index; a single referrer is shown however large it is.
    """
    shown: list[Referrer] = []
    size = sum(map(len, _SHELL))
    for referrer in referrers:
        if artifact_type is not None and referrer.artifact_type != artifact_type:
            continue
        size += len(referrer.descriptor) + 1
        if shown and size > most_bytes:
            return ReferrersPage(tuple(shown), shown[-1].digest)
        shown.append(referrer)
    return ReferrersPage(tuple(shown), None)
