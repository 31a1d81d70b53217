"""What a history says about the contents of a registry: which blobs and manifests must be there, and cannot be.

Everything is per repository: a blob that is deleted from one stays in all others (spec.md#deleting-blobs). A manifest
is anchored by what it was put under. Deleting it by digest removes it whatever held it; deleting a tag may, in some
registries, remove the manifest that only this tag held, so a put under a tag proves nothing once that tag may have been
deleted. Overwriting a tag is not a deletion. Blobs that no manifest needs any more may be collected (collectable.py),
but for a registry that the run started. Assumes that no collection removes within the run what nobody deleted.
"""

from collections.abc import Iterable
from functools import cached_property
from itertools import chain

import msgspec

from nscr_cli.checkers.collectable import CollectableBlob, Needs
from nscr_cli.checkers.presence import Begun, Ended, Presence
from nscr_cli.checkers.spans import BEFORE_ALL, Span, union
from nscr_cli.history.history import NEVER, History, Operation, Whole
from nscr_cli.history.keys import digest_key, digest_of, repository_of
from nscr_cli.history.ops import FAIL, OK, F, Reference

BLOB_WRITES = frozenset({F.PUSH_BLOB, F.MOUNT_BLOB, F.FINISH_UPLOAD})
BLOB_READS = frozenset({F.GET_BLOB, F.HEAD_BLOB})
MANIFEST_READS = frozenset({F.GET_MANIFEST, F.HEAD_MANIFEST})
UPLOAD_STEPS = frozenset({F.START_UPLOAD, F.PATCH_UPLOAD, F.GET_UPLOAD, F.FINISH_UPLOAD, F.CANCEL_UPLOAD})
DELETES = frozenset({F.DELETE_BLOB, F.DELETE_MANIFEST, F.DELETE_TAG})
_BLOB_KINDS = (F.PUSH_BLOB, F.MOUNT_BLOB, F.FINISH_UPLOAD, F.GET_BLOB, F.HEAD_BLOB, F.DELETE_BLOB)
_DELETE_BLOB = F.DELETE_BLOB
_DELETE_MANIFEST = F.DELETE_MANIFEST
_GET_MANIFEST = F.GET_MANIFEST
_NOT_MODIFIED = 304
_NONE_ENDED = Ended(())


def may_have_happened(operation: Operation) -> bool:
    """It was acknowledged, or nobody knows."""
    return operation.kind is not FAIL


def may_have_written(operation: Operation) -> bool:
    """It may have put the blob of its key there. A push of other bytes puts nothing there, whatever is answered."""
    return operation.f in BLOB_WRITES and may_have_happened(operation) and not operation.asked.wrong_bytes


def is_trespass(operation: Operation) -> bool:
    """A step of an upload that was asked for through the URL of another repository than its own."""
    return operation.f in UPLOAD_STEPS and operation.asked.source is not None


def found(operation: Operation) -> bool:
    """A read that was answered with the thing."""
    return operation.kind is OK and operation.answered.present is not False


def found_nothing(operation: Operation) -> bool:
    """A read that was answered: there is no such thing."""
    return operation.kind is OK and operation.answered.present is False


def seen_digest(read: Operation) -> str | None:
    """The digest that a read of a manifest saw: of the bytes where there are some, else as the header says.

    Who is told that what he has is what is there sees that.
    """
    if read.answered.status == _NOT_MODIFIED and read.asked.known_digest is not None:
        return read.asked.known_digest
    return read.answered.digest if read.f is _GET_MANIFEST else read.answered.header_digest


def is_fresh(history: History | Whole) -> bool:
    """The run itself started the registry, on nothing: it is ours, and its promises are known."""
    return any(event.name == "target" and event.detail.get("fresh") == "yes" for event in history.events)


def bare_media_type(media_type: str) -> str:
    """Without parameters, which may be added."""
    return media_type.partition(";")[0].strip().lower()


class BlobHeld(msgspec.Struct, frozen=True, gc=False):
    """What is certain of a blob in one repository.

    Attributes:
        held: instants at which it certainly was there.
        first: when the first write of it began; NEVER without one.
        acknowledged: when the first write of it that was acknowledged ended; NEVER without one.
        absent: instants at which it certainly was not there.
    """

    held: list[Span]
    first: int
    acknowledged: int
    absent: list[Span]


class Inventory:
    """Presence of blobs and manifests by `repository@digest`; sizes and references as they were written.

    One for all checkers of a history: `history.shared(Inventory)`.
    """

    def __init__(self, history: History) -> None:
        self._history = history
        self._things: dict[tuple[str, bool], Thing] = {}

    @cached_property
    def deletes_work(self) -> frozenset[F]:
        """Kinds of deletes that were acknowledged at least once: only theirs is a 404 that says `not there`."""
        return DELETES & self._history.whole.acknowledged

    @cached_property
    def sizes(self) -> dict[str, int]:
        """Bytes of what was written, by digest."""
        return {
            one.asked.digest: one.asked.size
            for one in self._written(*BLOB_WRITES, F.PUT_MANIFEST)
            if one.asked.digest is not None and one.asked.size is not None and not one.asked.wrong_bytes
        }

    @cached_property
    def references(self) -> dict[str, tuple[Reference, ...]]:
        """Edges of the manifests that were written, by digest."""
        return {
            one.asked.digest: one.asked.references
            for one in self._written(F.PUT_MANIFEST)
            if one.asked.digest is not None
        }

    @cached_property
    def media_types(self) -> dict[str, frozenset[str]]:
        """Media types that each manifest was pushed with, by digest; without parameters."""
        types: dict[str, frozenset[str]] = {}
        bare: dict[str, frozenset[str]] = {}
        for one in self._written(F.PUT_MANIFEST):
            digest, said = one.asked.digest, one.asked.media_type
            if digest is None or said is None:
                continue
            if said not in bare:
                bare[said] = frozenset({bare_media_type(said)})
            known = types.get(digest)
            types[digest] = bare[said] if known is None or known == bare[said] else known | bare[said]
        return types

    def _written(self, *kinds: F) -> Iterable[Operation]:
        """Operations of these kinds, those of other parts of the history first."""
        elsewhere = self._history.elsewhere
        return chain((one for one in elsewhere if one.f in kinds), self._history.of(*kinds))

    def thing(self, key: str, *, is_manifest: bool) -> "Thing":
        """Presence of a blob or a manifest; of one that nobody asked for, nothing is known."""
        known = self._things.get((key, is_manifest))
        if known is None:
            known = self.presence(key, is_manifest=is_manifest)
            if not is_manifest and self._needs is not None and key in self._needs.deletes:
                known = self._collectable(key, self._needs)
            self._things[key, is_manifest] = known
        return known

    def may_be_collected(self, key: str, start: int, end: int) -> bool:
        """Whether a blob that was there at `start` may have been collected by `end`."""
        thing = self.thing(key, is_manifest=False)
        return isinstance(thing, CollectableBlob) and thing.may_be_collected(start, start, end)

    def _collectable(self, key: str, needs: Needs) -> CollectableBlob:
        operations = self.blob_operations.get(key, [])
        return CollectableBlob(
            _blob_presence(operations),
            writes=[one for one in operations if one.f in BLOB_WRITES and one.kind is OK and not one.asked.wrong_bytes],
            deletes=needs.deletes[key],
            referring=[self.thing(one, is_manifest=True) for one in needs.manifests[key]],
        )

    @cached_property
    def _needs(self) -> Needs | None:
        """None of the registry that the run started, which collects only when it is told to."""
        return None if is_fresh(self._history) else Needs(self._history)

    def presence(self, key: str, *, is_manifest: bool) -> "Presence | ManifestPresence":
        """As `thing`, but not kept: for who asks once of each of hundreds of thousands."""
        operations = (self.manifest_operations if is_manifest else self.blob_operations).get(key, [])
        return ManifestPresence(operations, self._deleted_tags) if is_manifest else _blob_presence(operations)

    def blob_held(self, key: str) -> BlobHeld:
        """When a repository certainly held a blob, and when it certainly did not.

        As its presence says; but most were never deleted, and then it is there from the first proof on.
        """
        held, first, acknowledged = NEVER, NEVER, NEVER
        is_deleted = False
        for one in self.blob_operations.get(key, ()):
            if one.f is _DELETE_BLOB:
                is_deleted = True
            elif one.f in BLOB_READS:
                if one.kind is OK and one.answered.present is not False and one.end_ns < held:
                    held = one.end_ns
            elif one.kind is not FAIL and not one.asked.wrong_bytes:
                first = min(first, one.start_ns)
                if one.kind is OK:
                    held = min(held, one.end_ns)
                    acknowledged = min(acknowledged, one.end_ns)
        if is_deleted:
            presence = self.presence(key, is_manifest=False)
            return BlobHeld(presence.held(), first, acknowledged, union(presence.gone(), [presence.unwritten()]))
        return BlobHeld([(held, NEVER)] if held < NEVER else [], first, acknowledged, [(BEFORE_ALL, first)])

    @cached_property
    def _deleted_tags(self) -> dict[str, Begun]:
        deletes: dict[str, list[Operation]] = {}
        for one in self._history.of(F.DELETE_TAG):
            if one.kind is not FAIL:
                deletes.setdefault(one.key, []).append(one)
        return {tag: Begun(operations) for tag, operations in deletes.items()}

    @cached_property
    def blob_operations(self) -> dict[str, list[Operation]]:
        """All operations on blobs."""
        groups: dict[str, list[Operation]] = {}
        for one in self._history.of(*_BLOB_KINDS):
            groups.setdefault(one.key, []).append(one)
        return groups

    @cached_property
    def manifest_operations(self) -> dict[str, list[Operation]]:
        """All operations on manifests: by digest, puts under a tag, and reads of a tag that saw it."""
        groups: dict[str, list[Operation]] = {}
        put = F.PUT_MANIFEST
        for one in self._history.of(put, F.GET_MANIFEST, F.HEAD_MANIFEST, F.DELETE_MANIFEST):
            key = one.key
            if "@" not in key:
                digest = one.asked.digest if one.f is put else seen_digest(one) if found(one) else None
                if digest is None:
                    continue
                key = f"{key.partition(':')[0]}@{digest}"
            groups.setdefault(key, []).append(one)
        return groups

    def is_absence(self, operation: Operation) -> bool:
        """The registry said that the thing is not there: to a read, or to a delete where such deletes work."""
        is_refused_delete = operation.kind is FAIL and operation.answered.status == 404
        return found_nothing(operation) or (is_refused_delete and operation.f in self.deletes_work)

    def holds(self, repository: str, reference: Reference, start: int, end: int) -> Operation | None:
        """The proof that what is referred to was in the repository throughout [start, end]."""
        key = digest_key(repository, reference.digest)
        return self.thing(key, is_manifest=reference.is_manifest).must_hold(start, end)

    @cached_property
    def _first_pushes(self) -> dict[str, int]:
        """When the first push began that may have brought the bytes of a digest into the registry."""
        first: dict[str, int] = {}
        for one in self._written(F.PUSH_BLOB, F.FINISH_UPLOAD):
            if one.kind is not FAIL and not one.asked.wrong_bytes:
                digest = digest_of(one.key) or ""
                first[digest] = min(first.get(digest, one.start_ns), one.start_ns)
        return first

    @cached_property
    def first_writes(self) -> dict[str, int]:
        """When the first push or mount began that may have put the blob of a key there."""
        first: dict[str, int] = {}
        for one in self._history.of(*BLOB_WRITES):
            if one.kind is not FAIL and not one.asked.wrong_bytes:
                first[one.key] = min(first.get(one.key, one.start_ns), one.start_ns)
        return first

    @cached_property
    def first_puts(self) -> dict[str, int]:
        """When the first put began that may have brought the manifest of a `repository@digest` there."""
        first: dict[str, int] = {}
        for one in self._history.of(F.PUT_MANIFEST):
            if one.kind is not FAIL and one.asked.digest is not None:
                key = digest_key(repository_of(one.key), one.asked.digest)
                first[key] = min(first.get(key, one.start_ns), one.start_ns)
        return first

    def may_exist(self, operation: Operation) -> bool:
        """Whether any push of the run may have brought the blob of this operation into any repository by its end."""
        return self._first_pushes.get(digest_of(operation.key) or "", NEVER) <= operation.end_ns


def _blob_presence(operations: list[Operation]) -> Presence:
    proofs: list[Operation] = []
    writes: list[Operation] = []
    removals: list[Operation] = []
    nothing: list[Operation] = []
    for one in operations:
        if one.f in BLOB_READS:
            if one.kind is OK:
                (nothing if one.answered.present is False else proofs).append(one)
        elif one.kind is FAIL or one.asked.wrong_bytes:
            continue
        elif one.f in BLOB_WRITES:
            writes.append(one)
            if one.kind is OK:
                proofs.append(one)
        else:
            removals.append(one)
    absences = [one for one in removals if one.kind is OK]
    if absences and nothing:
        # Some registries let a repository have what another one holds, at first sight: only after an acknowledged
        # delete does "not there" bind them.
        first = min(one.end_ns for one in absences)
        absences += [one for one in nothing if one.start_ns > first]
    return Presence(
        proofs=Ended(proofs),
        writes=Begun(writes),
        removals=[Begun(removals)] if removals else [],
        absences=Ended(absences) if absences else _NONE_ENDED,
    )


class ManifestPresence:
    """Presence of one manifest, by what anchors it: a put under its digest, under a tag, or whatever a read saw."""

    __slots__ = ("_anchors",)

    def __init__(self, operations: list[Operation], deleted_tags: dict[str, Begun]) -> None:
        removals: list[Operation] = []
        puts: list[Operation] = []
        put: list[Operation] = []
        seen: list[Operation] = []
        absent: list[Operation] = []
        by_tag: dict[str, list[Operation]] = {}
        for one in operations:
            is_read = one.f in MANIFEST_READS
            if not is_read and one.kind is not FAIL:
                (removals if one.f is _DELETE_MANIFEST else puts).append(one)
            if "@" not in one.key:
                proofs = by_tag.setdefault(one.key, [])
                if one.kind is OK:
                    proofs.append(one)
            elif one.kind is OK:
                if not is_read:
                    (absent if one.f is _DELETE_MANIFEST else put).append(one)
                else:
                    (absent if one.answered.present is False else seen).append(one)
        of_tags = {tag: deleted_tags[tag] for tag in by_tag if tag in deleted_tags}
        removed = [Begun(removals)] if removals else []
        written, gone = Begun(puts), Ended(absent) if absent else _NONE_ENDED

        def anchored(proofs: list[Operation], deletes: Iterable[Begun]) -> Presence:
            ended = Ended(proofs) if proofs else _NONE_ENDED
            return Presence(proofs=ended, writes=written, removals=[*removed, *deletes], absences=gone)

        # A read by digest does not tell what holds the manifest: any of its tags may be all that does.
        self._anchors = [anchored(put, ()), anchored(seen, of_tags.values())]
        for tag, proofs in by_tag.items():
            self._anchors.append(anchored(proofs, [of_tags[tag]] if tag in of_tags else ()))

    def must_hold(self, start: int, end: int) -> Operation | None:
        """The proof that the manifest was there throughout [start, end], if there is one."""
        for anchor in self._anchors:
            proof = anchor.must_hold(start, end)
            if proof is not None:
                return proof
        return None

    def must_lack(self, start: int, end: int) -> Operation | None:
        """The operation that shows that it was not there at any instant of [start, end], if there is one."""
        return self._anchors[0].must_lack(start, end)

    def may_hold(self, end: int) -> bool:
        """Whether any put may have taken effect by then."""
        return self._anchors[0].may_hold(end)

    def held(self) -> list[Span]:
        """All instants at which it certainly was there, by whatever holds it."""
        return union(*(one.held() for one in self._anchors))

    def gone(self) -> list[Span]:
        """All instants at which it certainly was not there, though it may have been before."""
        return self._anchors[0].gone()

    def unwritten(self) -> Span:
        """All instants before the first put began."""
        return self._anchors[0].unwritten()


Thing = Presence | ManifestPresence | CollectableBlob
