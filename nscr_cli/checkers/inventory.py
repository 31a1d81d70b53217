"""What a history says about the contents of a registry: which blobs and manifests must be there, and cannot be.

Everything is per repository: a blob that is deleted from one stays in all others (spec.md#deleting-blobs). A manifest
is anchored by what it was put under. Deleting it by digest removes it whatever held it; deleting a tag may, in some
registries, remove the manifest that only this tag held, so a put under a tag proves nothing once that tag may have been
deleted. Overwriting a tag is not a deletion. Assumes that no collection removes within the run what nobody deleted.
"""

from collections.abc import Iterable
from functools import cached_property

from nscr_cli.checkers.presence import Begun, Ended, Presence
from nscr_cli.history.history import NEVER, History, Operation
from nscr_cli.history.keys import digest_key, digest_of, repository_of, tag_of
from nscr_cli.history.ops import F, Kind, Reference

BLOB_WRITES = frozenset({F.PUSH_BLOB, F.MOUNT_BLOB})
BLOB_READS = frozenset({F.GET_BLOB, F.HEAD_BLOB})
MANIFEST_READS = frozenset({F.GET_MANIFEST, F.HEAD_MANIFEST})
DELETES = frozenset({F.DELETE_BLOB, F.DELETE_MANIFEST, F.DELETE_TAG})


def may_have_happened(operation: Operation) -> bool:
    """It was acknowledged, or nobody knows."""
    return operation.kind is not Kind.FAIL


def may_have_written(operation: Operation) -> bool:
    """It may have put the blob of its key there. A push of other bytes puts nothing there, whatever is answered."""
    return operation.f in BLOB_WRITES and may_have_happened(operation) and not operation.asked.wrong_bytes


def found(operation: Operation) -> bool:
    """A read that was answered with the thing."""
    return operation.kind is Kind.OK and operation.answered.present is not False


def found_nothing(operation: Operation) -> bool:
    """A read that was answered: there is no such thing."""
    return operation.kind is Kind.OK and operation.answered.present is False


def seen_digest(read: Operation) -> str | None:
    """The digest that a read of a manifest saw: of the bytes where there are some, else as the header says."""
    return read.answered.digest if read.f is F.GET_MANIFEST else read.answered.header_digest


def is_fresh(history: History) -> bool:
    """The run itself started the registry, on nothing: it is ours, and its promises are known."""
    return any(event.name == "target" and event.detail.get("fresh") == "yes" for event in history.events)


class Inventory:
    """Presence of blobs and manifests by `repository@digest`; sizes and references as they were written."""

    def __init__(self, history: History) -> None:
        self._history = history
        self._things: dict[tuple[str, bool], Presence | ManifestPresence] = {}

    @cached_property
    def deletes_work(self) -> frozenset[F]:
        """Kinds of deletes that were acknowledged at least once: only theirs is a 404 that says `not there`."""
        return frozenset(one.f for one in self._history.operations if one.f in DELETES and one.kind is Kind.OK)

    @cached_property
    def sizes(self) -> dict[str, int]:
        """Bytes of what was written, by digest."""
        writes = (*BLOB_WRITES, F.PUT_MANIFEST)
        return {
            one.asked.digest: one.asked.size
            for one in self._history.operations
            if one.f in writes
            and not one.asked.wrong_bytes
            and one.asked.digest is not None
            and one.asked.size is not None
        }

    @cached_property
    def references(self) -> dict[str, tuple[Reference, ...]]:
        """Edges of the manifests that were written, by digest."""
        return {
            one.asked.digest: one.asked.references
            for one in self._history.operations
            if one.f is F.PUT_MANIFEST and one.asked.digest is not None
        }

    def thing(self, key: str, *, is_manifest: bool) -> "Presence | ManifestPresence":
        """Presence of a blob or a manifest; of one that nobody asked for, nothing is known."""
        known = self._things.get((key, is_manifest))
        if known is None:
            operations = (self.manifest_operations if is_manifest else self.blob_operations).get(key, [])
            known = ManifestPresence(operations, self._deleted_tags) if is_manifest else self._blob(operations)
            self._things[key, is_manifest] = known
        return known

    @cached_property
    def _deleted_tags(self) -> dict[str, Begun]:
        deletes = self._history.grouped(
            lambda one: one.key if one.f is F.DELETE_TAG and may_have_happened(one) else None
        )
        return {tag: Begun(operations) for tag, operations in deletes.items()}

    @cached_property
    def blob_operations(self) -> dict[str, list[Operation]]:
        """All operations on blobs."""
        kinds = BLOB_WRITES | BLOB_READS | {F.DELETE_BLOB}
        return self._history.grouped(lambda one: one.key if one.f in kinds else None)

    @cached_property
    def manifest_operations(self) -> dict[str, list[Operation]]:
        """All operations on manifests: by digest, puts under a tag, and reads of a tag that saw it."""

        def key(one: Operation) -> str | None:
            digest = digest_of(one.key)
            if one.f is F.PUT_MANIFEST:
                digest = one.asked.digest
            elif one.f in MANIFEST_READS and digest is None:
                digest = seen_digest(one) if found(one) else None
            elif one.f not in MANIFEST_READS and one.f is not F.DELETE_MANIFEST:
                return None
            return digest_key(repository_of(one.key), digest) if digest is not None else None

        return self._history.grouped(key)

    def is_absence(self, operation: Operation) -> bool:
        """The registry said that the thing is not there: to a read, or to a delete where such deletes work."""
        is_refused_delete = operation.kind is Kind.FAIL and operation.answered.status == 404
        return found_nothing(operation) or (is_refused_delete and operation.f in self.deletes_work)

    def holds(self, repository: str, reference: Reference, start: int, end: int) -> Operation | None:
        """The proof that what is referred to was in the repository throughout [start, end]."""
        key = digest_key(repository, reference.digest)
        return self.thing(key, is_manifest=reference.is_manifest).must_hold(start, end)

    @cached_property
    def _first_writes(self) -> dict[str, int]:
        """When the first push began that may have brought the bytes of a digest into the registry."""
        first: dict[str, int] = {}
        for one in self._history.operations:
            if one.f is F.PUSH_BLOB and may_have_written(one):
                digest = digest_of(one.key) or ""
                first[digest] = min(first.get(digest, one.start_ns), one.start_ns)
        return first

    def may_exist(self, operation: Operation) -> bool:
        """Whether any push of the run may have brought the blob of this operation into any repository by its end."""
        return self._first_writes.get(digest_of(operation.key) or "", NEVER) <= operation.end_ns

    def _blob(self, operations: list[Operation]) -> Presence:
        removals = [one for one in operations if one.f is F.DELETE_BLOB and may_have_happened(one)]
        acknowledged = [one for one in removals if one.kind is Kind.OK]
        first = min((one.end_ns for one in acknowledged), default=None)
        # Some registries let a repository have what another one holds, at first sight: only after an acknowledged
        # delete does "not there" bind them.
        unseen = (one for one in operations if first is not None and one.start_ns > first and found_nothing(one))
        writes = [one for one in operations if may_have_written(one)]
        return Presence(
            proofs=Ended(
                [
                    *(one for one in writes if one.kind is Kind.OK),
                    *(one for one in operations if one.f in BLOB_READS and found(one)),
                ]
            ),
            writes=Begun(writes),
            removals=[Begun(removals)],
            absences=Ended([*acknowledged, *unseen]),
        )


class ManifestPresence:
    """Presence of one manifest, by what anchors it: a put under its digest, under a tag, or whatever a read saw."""

    def __init__(self, operations: list[Operation], deleted_tags: dict[str, Begun]) -> None:
        removals = [one for one in operations if one.f is F.DELETE_MANIFEST and may_have_happened(one)]
        puts = [one for one in operations if one.f is F.PUT_MANIFEST and may_have_happened(one)]
        by_digest = [one for one in operations if tag_of(one.key) is None]
        tags = dict.fromkeys(one.key for one in operations if tag_of(one.key) is not None)
        of_tags = {tag: deleted_tags[tag] for tag in tags if tag in deleted_tags}
        removed, written = Begun(removals), Begun(puts)
        absent = Ended(
            [
                *(one for one in removals if one.kind is Kind.OK),
                *(one for one in by_digest if one.f in MANIFEST_READS and found_nothing(one)),
            ]
        )

        def anchored(proofs: Iterable[Operation], *deletes: Begun) -> Presence:
            return Presence(proofs=Ended(proofs), writes=written, removals=[removed, *deletes], absences=absent)

        seen = [one for one in by_digest if one.f in MANIFEST_READS and found(one)]
        # A read by digest does not tell what holds the manifest: any of its tags may be all that does.
        self._anchors = [
            anchored(one for one in puts if one.kind is Kind.OK and tag_of(one.key) is None),
            anchored(seen, *of_tags.values()),
        ]
        for tag in tags:
            proofs = (one for one in operations if one.key == tag and one.kind is Kind.OK)
            self._anchors.append(anchored(proofs, *([of_tags[tag]] if tag in of_tags else [])))

    def must_hold(self, start: int, end: int) -> Operation | None:
        """The proof that the manifest was there throughout [start, end], if there is one."""
        return next((proof for one in self._anchors if (proof := one.must_hold(start, end)) is not None), None)

    def must_lack(self, start: int, end: int) -> Operation | None:
        """The operation that shows that it was not there at any instant of [start, end], if there is one."""
        return self._anchors[0].must_lack(start, end)

    def may_hold(self, end: int) -> bool:
        """Whether any put may have taken effect by then."""
        return self._anchors[0].may_hold(end)
