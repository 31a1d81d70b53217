"""The closure checker: an image that is served can be pulled whole (spec.md#pulling-manifests, #pushing-manifests).

After a manifest was served, each blob and child that it refers to must be found by reads that begin later, unless the
history itself may have deleted it. And a manifest whose references were all there while it was put must be accepted.
"""

from collections import Counter
from collections.abc import Iterable
from functools import cached_property
from operator import attrgetter

from nscr_cli.checkers.evidence import conclude, skipped_capabilities
from nscr_cli.checkers.inventory import (
    BLOB_READS,
    BLOB_WRITES,
    Inventory,
    is_fresh,
    may_have_happened,
    seen_digest,
)
from nscr_cli.checkers.refusals import Acceptance, is_refusal
from nscr_cli.checkers.verdict import Finding, Result, judged
from nscr_cli.checkers.wording import short, told
from nscr_cli.history.history import NEVER, History, Operation, Whole
from nscr_cli.history.keys import digest_key, digest_of, repository_of
from nscr_cli.history.ops import FAIL, OK, F, Reference
from nscr_cli.history.plan import RunPlan

_WHOLE = "spec.md#pulling-manifests: what a served manifest refers to can be pulled"
_ACCEPTED = "spec.md#pushing-manifests: a manifest whose blobs are in the repository is accepted"
_FLOORS = {"images-pulled-whole": 3}
_MANDATORY = "application/vnd.oci.image.manifest.v1+json"
_NOT_FOUND, _TOO_LARGE = 404, 413
_LARGEST_OF_OURS = 4 * 1024 * 1024  # docs/api.md, and what the specification asks for
_SHOWN = 5
_PUT, _DELETE = F.PUT_MANIFEST, F.DELETE_MANIFEST
_CAPABILITIES = ("indexes", "docker-manifests")


class ClosureChecker:
    """Judges that served manifests are complete, and that complete manifests are accepted."""

    @property
    def name(self) -> str:
        return "closure"

    def check(self, plan: RunPlan, history: History) -> Result:
        return judged(self, plan, history)

    def begin(self, plan: RunPlan, whole: Whole) -> "_Closure":
        return _Closure(plan, whole)


class _Closure:
    """A manifest and all that it refers to lie in one repository; what was accepted at all is told in the end."""

    def __init__(self, plan: RunPlan, whole: Whole) -> None:
        self._plan = plan
        self._whole = whole
        self._is_ours = is_fresh(whole)
        self._findings: list[Finding] = []
        self._refused: list[tuple[Operation, Finding]] = []
        self._puts = Acceptance()
        self._sparse: Operation | None = None
        self._evidence = dict.fromkeys(("manifests-served", "images-pulled-whole", "accepted-without-their-blobs"), 0)

    def take(self, part: History) -> None:
        inventory = part.shared(Inventory)
        served = _Served(part, inventory)
        self._findings += _broken(served, inventory)
        self._evidence["manifests-served"] += len(served.manifests)
        self._evidence["images-pulled-whole"] += served.pulled_whole()
        first_blobs, first_manifests = inventory.first_writes, inventory.first_puts
        for put in part.of(F.PUT_MANIFEST):
            self._puts.take(str(put.asked.media_type), put)
            if put.kind is OK and _is_sparse(put, first_blobs, first_manifests):
                self._evidence["accepted-without-their-blobs"] += 1
                if self._sparse is None or put.index < self._sparse.index:
                    self._sparse = put
            elif self._is_ours and _is_too_large_for_ours(put):
                finding = _refused(put, inventory)
                self._findings += [finding] if finding is not None else []
            elif put.kind is FAIL and is_refusal(put) and (self._is_ours or not _is_by_sha512(put)):
                finding = _refused(put, inventory)
                self._refused += [(put, finding)] if finding is not None else []

    def result(self) -> Result:
        findings = [*self._findings, *self._refusals()]
        if self._sparse is not None and self._is_ours:
            findings.append(_accepted(self._sparse))
        unaccepted = {
            media_type: f"no manifest of type {media_type} was accepted: {told(tries[0])}"
            for media_type, tries in self._puts.never_accepted().items()
        }
        return conclude(
            "closure",
            self._plan,
            findings=findings,
            evidence=self._evidence,
            floors=_FLOORS,
            reasons=[why for media_type, why in unaccepted.items() if media_type == _MANDATORY],
            skipped=(
                *skipped_capabilities(self._whole, _CAPABILITIES),
                *(why for media_type, why in unaccepted.items() if media_type != _MANDATORY),
            ),
        )

    def _refusals(self) -> Iterable[Finding]:
        """Of puts that were refused although all was there, the first few of each answer."""
        accepted = {put.index for put in self._puts.refused()}
        shown: Counter[tuple[int | None, str | None]] = Counter()
        for put, finding in sorted(self._refused, key=lambda pair: pair[0].index):
            answer = (put.answered.status, put.answered.error_code)
            if put.index in accepted and shown[answer] < _SHOWN:
                shown[answer] += 1
                yield finding


class _Served:
    """Manifests that were served, the reads of what they refer to, and who refers to what."""

    def __init__(self, history: History, inventory: Inventory) -> None:
        self.manifests: dict[str, Operation] = {}
        self.absent: dict[str, list[Operation]] = {}
        self._last_found: dict[str, int] = {}
        self._references = inventory.references
        for key, operations in inventory.manifest_operations.items():
            self._serve(key, operations)
        for key, operations in inventory.blob_operations.items():
            self._look(key, operations)

    def _serve(self, key: str, operations: list[Operation]) -> None:
        """The first read that ended of those that were answered with the manifest."""
        first: Operation | None = None
        digest = digest_of(key)
        for one in operations:
            if one.f is not _PUT and one.kind is OK and one.f is not _DELETE:
                if one.answered.present is False:
                    self.absent.setdefault(key, []).append(one)
                else:
                    # Of other bytes than those asked for nobody knows what they refer to; that is for `blobs` to say.
                    is_it = "@" not in one.key or (seen_digest(one) or digest) == digest
                    if is_it and (first is None or one.end_ns < first.end_ns):
                        first = one
                    if "@" in one.key:
                        self._last_found[key] = max(one.start_ns, self._last_found.get(key, 0))
        if first is not None:
            self.manifests[key] = first

    def _look(self, key: str, operations: list[Operation]) -> None:
        last = -1
        for one in operations:
            if one.f in BLOB_READS and one.kind is OK:
                if one.answered.present is False:
                    self.absent.setdefault(key, []).append(one)
                elif one.start_ns > last:
                    last = one.start_ns
        if last >= 0:
            self._last_found[key] = max(last, self._last_found.get(key, 0))

    def edges(self, key: str) -> tuple[Reference, ...]:
        """What a served manifest refers to: as it was put, else as it was served."""
        return self._references.get(digest_of(key) or "") or self.manifests[key].answered.references or ()

    @cached_property
    def parents(self) -> dict[str, list[str]]:
        """Served manifests by what they refer to; asked for only where something is missing."""
        parents: dict[str, list[str]] = {}
        for key in self.manifests:
            for edge in self.edges(key):
                target = digest_key(repository_of(key), edge.digest)
                if target in self.absent:
                    parents.setdefault(target, []).append(key)
        return parents

    def pulled_whole(self) -> int:
        """Manifests of which everything that they refer to was found after they had been served."""
        count = 0
        found_last = self._last_found
        for key, read in self.manifests.items():
            edges = self.edges(key)
            repository, _, _ = key.partition("@")
            count += bool(edges) and all(
                found_last.get(f"{repository}@{edge.digest}", -1) > read.end_ns for edge in edges
            )
        return count


def _broken(served: _Served, inventory: Inventory) -> Iterable[Finding]:
    """One finding for each missing blob or child, naming the first image that it breaks."""
    for key, reads in served.absent.items():
        reads = sorted(reads, key=attrgetter("index"))
        parents = served.parents.get(key, [])
        for read in reads:
            broken = [parent for parent in parents if served.manifests[parent].end_ns < read.start_ns]
            proof = _pushed(key, read, inventory) if broken else None
            if proof is None:
                continue
            manifest = served.manifests[broken[0]]
            more = f" It breaks {len(broken)} manifests that were served." if len(broken) > 1 else ""
            yield Finding(
                checker="closure",
                rule="broken-image",
                key=broken[0],
                operations=tuple(sorted({proof.index, manifest.index, read.index})),
                clause=_WHOLE,
                explanation=f"{told(manifest)}. It refers to {short(digest_of(key))}, which was pushed "
                f"({told(proof)}) and never deleted since, and yet: {told(read)}.{more}",
            )
            break


def _pushed(key: str, read: Operation, inventory: Inventory) -> Operation | None:
    """Why it must be there: it was acknowledged; or it may have been, and nobody ever deleted it."""
    is_blob = read.f in BLOB_READS
    proof = inventory.thing(key, is_manifest=not is_blob).must_hold(read.start_ns, read.end_ns)
    if proof is not None:
        return proof
    operations = (inventory.blob_operations if is_blob else inventory.manifest_operations)[key]
    writes = [one for one in operations if one.f in (*BLOB_WRITES, F.PUT_MANIFEST) and may_have_happened(one)]
    was_deleted = any(one.f in (F.DELETE_BLOB, F.DELETE_MANIFEST) and may_have_happened(one) for one in operations)
    # A manifest's tag may have been deleted, and taken it along: only an acknowledged put by digest then counts.
    if not is_blob or not writes or was_deleted or writes[0].end_ns >= read.start_ns:
        return None
    return None if inventory.may_be_collected(key, writes[0].start_ns, read.end_ns) else writes[0]


def _is_too_large_for_ours(put: Operation) -> bool:
    """413 is any registry's right, but for sizes that our own one promises to take."""
    return put.kind is FAIL and put.answered.status == _TOO_LARGE and (put.asked.size or 0) <= _LARGEST_OF_OURS


def _is_sparse(put: Operation, first_blobs: dict[str, int], first_manifests: dict[str, int]) -> bool:
    """It refers to a blob or child that nobody ever put into its repository."""
    repository = repository_of(put.key)
    for edge in put.asked.references:
        first_writes = first_manifests if edge.is_manifest else first_blobs
        if first_writes.get(f"{repository}@{edge.digest}", NEVER) > put.end_ns:
            return True
    return False


def _is_by_sha512(put: Operation) -> bool:
    """Whoever takes blobs by such digests need not take manifests by them, nor over them."""
    digests = (put.asked.digest or "", *(reference.digest for reference in put.asked.references))
    return any(digest.startswith("sha512:") for digest in digests)


def _accepted(put: Operation) -> Finding:
    """Registries may take such manifests; the one that the run started says that it does not (bug C12)."""
    return Finding(
        checker="closure",
        rule="accepted-without-its-blobs",
        key=put.key,
        operations=(put.index,),
        clause="spec.md#pushing-manifests: a registry that validates refuses a manifest over what it lacks",
        explanation=f"{told(put)}. Nobody ever pushed a configuration, layer or child there that it refers to.",
    )


def _refused(put: Operation, inventory: Inventory) -> Finding | None:
    """A put that was refused although all that it refers to was there all the while.

    What is wrong about a condition on a tag that may not be there, or by a weak validator, its checker knows.
    """
    if put.asked.if_match is not None and (put.asked.if_match.startswith("W/") or put.answered.status == _NOT_FOUND):
        return None
    repository = repository_of(put.key)
    proofs = [inventory.holds(repository, edge, put.start_ns, put.end_ns) for edge in put.asked.references]
    known = [proof for proof in proofs if proof is not None]
    if len(known) < len(proofs):
        return None
    return Finding(
        checker="closure",
        rule="refused-write",
        key=put.key,
        operations=tuple(sorted({put.index, *(proof.index for proof in known)})),
        clause=_ACCEPTED,
        explanation=f"{told(put)}. All that it refers to was there: {'; '.join(map(told, known)) or 'nothing'}.",
    )
