"""What one client remembers of what it was told: blobs that it may refer to, manifests that it wrote.

Only acknowledged things enter, and nothing that anybody deletes stays referable: a manifest is put only on blobs that
its writer saw acknowledged in that repository and that no client of the run deletes.
"""

import msgspec

from nscr_cli.generators.documents import Manifest
from nscr_cli.history.invocation import Content

_BLOBS = 128
_MANIFESTS = 8


class Held(msgspec.Struct, frozen=True):
    """A blob that was acknowledged in a repository."""

    repository: str
    content: Content


class Written(msgspec.Struct, frozen=True):
    """A manifest that was acknowledged in a repository, and every tag that it was ever put under."""

    repository: str
    manifest: Manifest
    tags: frozenset[str] = frozenset()


class Memory(msgspec.Struct, frozen=True):
    """The newest of each, oldest first."""

    blobs: tuple[Held, ...] = ()
    manifests: tuple[Written, ...] = ()

    def holds(self, repository: str, digest: str) -> bool:
        """Whether this blob was acknowledged to us in this repository."""
        return any(held.repository == repository and held.content.digest == digest for held in self.blobs)

    def elsewhere(self, repository: str, digest: str) -> str | None:
        """Another repository in which this blob was acknowledged to us."""
        sources = (held.repository for held in self.blobs if held.content.digest == digest)
        return next((source for source in sources if source != repository), None)

    def content_of(self, digest: str) -> Content | None:
        """The bytes of a blob that we know, wherever it was acknowledged."""
        return next((held.content for held in self.blobs if held.content.digest == digest), None)

    def blobs_of(self, repository: str) -> tuple[Content, ...]:
        """Blobs that may be referred to in this repository."""
        return tuple(held.content for held in self.blobs if held.repository == repository)

    def manifests_of(self, repository: str) -> tuple[Written, ...]:
        """Manifests that we wrote to this repository."""
        return tuple(written for written in self.manifests if written.repository == repository)

    def with_blob(self, repository: str, content: Content) -> "Memory":
        """After a blob was acknowledged."""
        if self.holds(repository, content.digest):
            return self
        return Memory((*self.blobs, Held(repository, content))[-_BLOBS:], self.manifests)

    def with_manifest(self, repository: str, manifest: Manifest, tag: str | None) -> "Memory":
        """After a manifest was acknowledged under a tag, or under its digest alone."""
        tags = frozenset() if tag is None else frozenset({tag})
        others: list[Written] = []
        for written in self.manifests:
            if (written.repository, written.manifest.digest) == (repository, manifest.digest):
                tags |= written.tags
            else:
                others.append(written)
        return Memory(self.blobs, (*others, Written(repository, manifest, tags))[-_MANIFESTS:])
