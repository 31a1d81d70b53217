"""What the monitoring API must say once all is quiet, as far as the history determines it.

Unacknowledged operations make a figure a range, from what must be there to what may be. A blob that was deleted from
its last repository may be counted until a collection takes it; a pushed blob that no manifest reaches may be protected
for a while (a lease), so that `unreferencedBlobs` has an upper bound only. Terms: docs/api.md.
"""

from collections.abc import Iterable, Sequence
from functools import cached_property

import msgspec

from nscr_cli.checkers.inventory import (
    MANIFEST_READS,
    UPLOAD_STEPS,
    Inventory,
    found,
    may_have_happened,
    seen_digest,
)
from nscr_cli.checkers.listing import TagPresence
from nscr_cli.checkers.monitoring_shapes import (
    Blobs,
    Collection,
    Document,
    Health,
    Listed,
    Metrics,
    Repository,
    State,
    Summary,
)
from nscr_cli.checkers.wording import short, told
from nscr_cli.history.history import History, Operation
from nscr_cli.history.keys import digest_key, digest_of, repository_of, tag_key, tag_of
from nscr_cli.history.ops import F, Kind, Reference, Sample


class Between(msgspec.Struct, frozen=True):
    """A figure, from what must be there to what may be."""

    least: int
    most: int

    def said(self, name: str, value: int) -> Iterable[str]:
        """What is wrong with a figure that was said, if anything is."""
        # Where the least exceeds the most, the history contradicts itself: that is for other checkers to say.
        if self.least <= self.most and not self.least <= value <= self.most:
            range_ = str(self.least) if self.least == self.most else f"between {self.least} and {self.most}"
            yield f"{name} is {value}, and the history says {range_}"


class Truth:
    """What the history determines while it is quiet.

    Args:
        quiet: samples taken while nothing of ours was going on.
    """

    def __init__(self, history: History, inventory: Inventory, tags: TagPresence, quiet: Sequence[Sample]) -> None:
        self._history = history
        self._inventory = inventory
        self._tags = tags
        self._start = min(sample.start_ns for sample in quiet)
        self._end = max(sample.end_ns for sample in quiet)
        self.sure_manifests: set[str] = set()
        self.possible_manifests: set[str] = set()
        self._lacking_manifests: set[str] = set()
        for key in inventory.manifest_operations:
            manifest = inventory.presence(key, is_manifest=True)
            if manifest.must_hold(self._start, self._end):
                self.sure_manifests.add(key)
            if manifest.must_lack(self._start, self._end):
                self._lacking_manifests.add(key)
            elif manifest.may_hold(self._end):
                self.possible_manifests.add(key)
        self.sure_repositories = set(map(repository_of, self.sure_manifests))
        self.possible_repositories = set(map(repository_of, self.possible_manifests))
        self._sure_blobs: set[str] = set()
        self._lacking_blobs: set[str] = set()
        for key in inventory.blob_operations:
            blob = inventory.presence(key, is_manifest=False)
            if blob.must_hold(self._start, self._end):
                self._sure_blobs.add(key)
            if blob.must_lack(self._start, self._end):
                self._lacking_blobs.add(key)
        self._blobs = set(inventory.written_blobs)

    @cached_property
    def repositories(self) -> Between:
        return Between(len(self.sure_repositories), len(self.possible_repositories))

    @cached_property
    def manifests(self) -> Between:
        return Between(len(self.sure_manifests), len(self.possible_manifests))

    @cached_property
    def blobs(self) -> Between:
        return Between(len(self._sure_digests), len(self._blobs))

    @cached_property
    def sessions(self) -> Between:
        """Uploads that nobody finished may still be open."""
        left = 0
        stepwise: dict[str | None, bool] = {}
        for one in self._history.of(*UPLOAD_STEPS):
            is_over = one.f in (F.FINISH_UPLOAD, F.CANCEL_UPLOAD) and one.kind is Kind.OK
            is_begun = one.f is F.START_UPLOAD and may_have_happened(one)
            if is_over or is_begun:
                stepwise[one.asked.upload] = stepwise.get(one.asked.upload, True) and not is_over
        for one in self._history.of(F.PUSH_BLOB, F.MOUNT_BLOB):
            left += one.kind is not Kind.OK and not one.asked.wrong_bytes
        return Between(0, left + sum(stepwise.values()))

    @cached_property
    def orphans(self) -> Between:
        """Manifests that refer to what is not in their repository."""
        whole = {key for key in self.possible_manifests if self._is_whole(key)}
        broken = {key for key in self.sure_manifests if self._is_broken(key)}
        return Between(len(broken), len(self.possible_manifests) - len(whole))

    @cached_property
    def unreferenced(self) -> Between:
        return Between(0, len(self._blobs - self._reached))

    @cached_property
    def _sure_digests(self) -> set[str]:
        return {digest_of(key) or "" for key in self._sure_blobs}

    @cached_property
    def _reached(self) -> set[str]:
        """Blobs that a manifest which must be there refers to, in a repository where they must be."""
        return {
            edge.digest
            for key in self.sure_manifests
            for edge in self._edges(key)
            if digest_key(repository_of(key), edge.digest) in self._sure_blobs
        }

    def _edges(self, key: str) -> tuple[Reference, ...]:
        return self._inventory.references.get(digest_of(key) or "", ())

    def _is_whole(self, key: str) -> bool:
        repository = repository_of(key)
        return all(
            digest_key(repository, edge.digest) in (self.sure_manifests if edge.is_manifest else self._sure_blobs)
            for edge in self._edges(key)
        )

    def _is_broken(self, key: str) -> bool:
        repository = repository_of(key)
        return any(
            digest_key(repository, edge.digest)
            in (self._lacking_manifests if edge.is_manifest else self._lacking_blobs)
            for edge in self._edges(key)
        )

    def of_summary(self, summary: Summary) -> Iterable[str]:
        """What is wrong with the totals of the state."""
        yield from self.repositories.said("totalRepositories", summary.total_repositories)
        yield from self._of_counts(summary)

    def of_collection(self, collection: Collection) -> Iterable[str]:
        """What is wrong with the totals of the collection."""
        yield from self._of_counts(collection)

    def of_metrics(self, metrics: Metrics) -> Iterable[str]:
        """What is wrong with the totals of the health."""
        yield from self.repositories.said("totalRepositories", metrics.total_repositories)
        yield from self.manifests.said("totalManifests", metrics.total_manifests)
        yield from self.blobs.said("totalBlobs", metrics.total_blobs)
        yield from self.sessions.said("activeSessions", metrics.active_sessions)

    def _of_counts(self, totals: Summary | Collection) -> Iterable[str]:
        yield from self.manifests.said("totalManifests", totals.total_manifests)
        yield from self.blobs.said("totalBlobs", totals.total_blobs)
        yield from self.orphans.said("orphanedManifests", totals.orphaned_manifests)
        yield from self.unreferenced.said("unreferencedBlobs", totals.unreferenced_blobs)
        space = sum(self._inventory.sizes.get(digest, 0) for digest in self._blobs - self._reached)
        yield from Between(0, space).said("estimatedSpaceToFree", totals.estimated_space_to_free)

    def of_blobs(self, blobs: Blobs) -> Iterable[str]:
        """What is wrong with the list of blobs."""
        listed = {blob.digest: blob.size for blob in blobs.blobs}
        missing = sorted(self._sure_digests - listed.keys())
        strangers = sorted(listed.keys() - self._blobs)
        if missing:
            yield f"{len(missing)} blobs are missing, e.g. {short(missing[0])}"
        if strangers:
            yield f"{len(strangers)} blobs are listed that nobody pushed, e.g. {short(strangers[0])}"
        for digest, size in listed.items():
            if self._inventory.sizes.get(digest, size) != size:
                yield f"{short(digest)} is said to have {size} bytes, and has {self._inventory.sizes[digest]}"

    def of_repositories(self, listed: list[Listed], *, is_ours: bool) -> Iterable[str]:
        """What is wrong with the list of repositories and their tags.

        Args:
            is_ours: nobody else writes to this registry, so that nothing else can be in it.
        """
        by_name = {repository.name: repository.tags for repository in listed}
        for name in sorted(self.sure_repositories - by_name.keys()):
            yield f"repository {name} is missing"
        for name, tags in by_name.items():
            if name in self.possible_repositories:
                yield from self._of_tags(name, set(tags))
            elif is_ours or name in map(repository_of, self._inventory.manifest_operations):
                yield f"repository {name} is listed, and nothing can be in it"

    def of_repository(self, repository: Repository) -> Iterable[str]:
        """What is wrong with the tags of one repository and what they name."""
        yield from self._of_tags(repository.name, {tag.tag for tag in repository.tags})
        for tag in repository.tags:
            read = self._last_read(tag_key(repository.name, tag.tag))
            if read is None:
                continue
            allowed = {seen_digest(read), *self._written_since(read)}
            if tag.digest not in allowed:
                yield f"tag {tag.tag} is said to name {short(tag.digest)}, and a read saw: {told(read)}"

    def _of_tags(self, repository: str, tags: set[str]) -> Iterable[str]:
        put = {tag_of(key) or "": self._tags.of(key) for key in self._tags.keys_of(repository)}
        for tag, presence in put.items():
            if tag not in tags and (proof := presence.must_hold(self._start, self._end)):
                yield f"tag {tag} of {repository} is missing, and must be there since: {told(proof)}"
            if tag in tags and (absence := presence.must_lack(self._start, self._end)):
                yield f"tag {tag} of {repository} is there, and must be gone since: {told(absence)}"
        for tag in sorted(tags - put.keys()):
            yield f"tag {tag} of {repository} is there, and nobody put it"

    def _last_read(self, key: str) -> Operation | None:
        """The latest read that found the tag, with a digest, and ended before the sample."""
        reads = [
            one
            for one in self._tags.operations_of(key)
            if one.f in MANIFEST_READS and found(one) and seen_digest(one) and one.end_ns < self._start
        ]
        return max(reads, key=lambda one: one.start_ns, default=None)

    def _written_since(self, read: Operation) -> set[str | None]:
        """Digests of puts that may have taken effect after the read saw the tag."""
        return {
            one.asked.digest
            for one in self._tags.operations_of(read.key)
            if one.f is F.PUT_MANIFEST
            and may_have_happened(one)
            and read.start_ns <= one.end_ns
            and one.start_ns <= self._end
        }


def wrong(truth: Truth, document: Document, *, is_ours: bool) -> Iterable[str]:
    """What is wrong with a quiet answer. Totals are judged only where nobody else writes to the registry."""
    match document:
        case State():
            yield from truth.of_repositories(document.repositories, is_ours=is_ours)
            if is_ours:
                yield from truth.of_summary(document.summary)
                yield from truth.sessions.said("activeSessions.count", document.active_sessions.count)
        case Health() if is_ours:
            yield from truth.of_metrics(document.metrics)
        case Blobs() if is_ours:
            yield from truth.of_blobs(document)
        case Collection() if is_ours:
            yield from truth.of_collection(document)
        case Repository():
            yield from truth.of_repository(document)
