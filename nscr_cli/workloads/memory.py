"""What one client remembers of what it was told: blobs that it may refer to, manifests that it wrote.

Only acknowledged things enter, and nothing that anybody deletes stays referable: a manifest is put only on blobs that
its writer saw acknowledged in that repository and that no client of the run deletes.
"""

import msgspec

from nscr_cli.generators.documents import Manifest
from nscr_cli.history.invocation import Content
from nscr_cli.history.keys import tag_key

_BLOBS = 128
_MANIFESTS = 8


class Held(msgspec.Struct, frozen=True):
    """A blob that was acknowledged in a repository."""

    repository: str
    content: Content


class Written(msgspec.Struct, frozen=True):
    """A manifest that was acknowledged: the repositories that it was put to, and the key of every tag it was put under.

    One entry whatever the number of repositories, so that it is forgotten whole: a tag that it was put under before
    must not get it again, for writes of a tag are unique.
    """

    manifest: Manifest
    homes: tuple[str, ...]
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
        """Manifests that we put to this repository."""
        return tuple(written for written in self.manifests if repository in written.homes)

    def with_blob(self, repository: str, content: Content) -> "Memory":
        """After a blob was acknowledged."""
        if self.holds(repository, content.digest):
            return self
        return Memory((*self.blobs, Held(repository, content))[-_BLOBS:], self.manifests)

    def with_manifest(self, repository: str, manifest: Manifest, tag: str | None) -> "Memory":
        """After a manifest was acknowledged under a tag, or under its digest alone."""
        known = [written for written in self.manifests if written.manifest.digest == manifest.digest]
        homes = {home: None for written in known for home in written.homes} | {repository: None}
        tags = {key for written in known for key in written.tags}
        if tag is not None:
            tags.add(tag_key(repository, tag))
        others = [written for written in self.manifests if written not in known]
        newest = Written(manifest, tuple(homes), frozenset(tags))
        return Memory(self.blobs, (*others, newest)[-_MANIFESTS:])
