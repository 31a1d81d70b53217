"""The closure checker: an image that is served can be pulled whole (spec.md#pulling-manifests, #pushing-manifests).

After a manifest was served, each blob and child that it refers to must be found by reads that begin later, unless the
history itself may have deleted it. And a manifest whose references were all there while it was put must be accepted.
"""

from collections import Counter
from collections.abc import Iterable

from nscr_cli.checkers.evidence import conclude, skipped_capabilities
from nscr_cli.checkers.inventory import (
    BLOB_READS,
    BLOB_WRITES,
    MANIFEST_READS,
    Inventory,
    found,
    found_nothing,
    is_fresh,
    may_have_happened,
    seen_digest,
)
from nscr_cli.checkers.refusals import by_acceptance
from nscr_cli.checkers.verdict import Finding, Result
from nscr_cli.checkers.wording import short, told
from nscr_cli.history.history import History, Operation
from nscr_cli.history.keys import digest_key, digest_of, repository_of
from nscr_cli.history.ops import F, Kind, Reference
from nscr_cli.history.plan import RunPlan

_WHOLE = "spec.md#pulling-manifests: what a served manifest refers to can be pulled"
_ACCEPTED = "spec.md#pushing-manifests: a manifest whose blobs are in the repository is accepted"
_FLOORS = {"images-pulled-whole": 3}
_MANDATORY = "application/vnd.oci.image.manifest.v1+json"
_CAPABILITIES = ("indexes", "docker-manifests")


class ClosureChecker:
    """Judges that served manifests are complete, and that complete manifests are accepted."""

    @property
    def name(self) -> str:
        return "closure"

    def check(self, plan: RunPlan, history: History) -> Result:
        inventory = Inventory(history)
        served = _Served(history, inventory)
        puts = [one for one in history.operations if one.f is F.PUT_MANIFEST]
        refused, never_accepted = by_acceptance(puts, lambda one: str(one.asked.media_type))
        findings = [*_broken(served, inventory), *_refused(refused, inventory)]
        sparse = [put for put in puts if put.kind is Kind.OK and _is_sparse(put, inventory)]
        if is_fresh(history):
            findings.extend(map(_accepted, sparse[:1]))
        unaccepted = {
            media_type: f"no manifest of type {media_type} was accepted: {told(tries[0])}"
            for media_type, tries in never_accepted.items()
        }
        return conclude(
            self.name,
            plan,
            findings=findings,
            evidence={
                "manifests-served": len(served.manifests),
                "images-pulled-whole": served.pulled_whole(),
                "accepted-without-their-blobs": len(sparse),
            },
            floors=_FLOORS,
            reasons=[why for media_type, why in unaccepted.items() if media_type == _MANDATORY],
            skipped=(
                *skipped_capabilities(history, _CAPABILITIES),
                *(why for media_type, why in unaccepted.items() if media_type != _MANDATORY),
            ),
        )


class _Served:
    """Manifests that were served, the reads of what they refer to, and who refers to what."""

    def __init__(self, history: History, inventory: Inventory) -> None:
        self.manifests: dict[str, Operation] = {}
        self.edges: dict[str, tuple[Reference, ...]] = {}
        self.parents: dict[str, list[str]] = {}
        self.absent: dict[str, list[Operation]] = {}
        self._last_found: dict[str, int] = {}
        for one in history.operations:
            if one.f in MANIFEST_READS and found(one):
                self._serve(one, inventory)
            if one.f in BLOB_READS | MANIFEST_READS and digest_of(one.key) is not None:
                if found_nothing(one):
                    self.absent.setdefault(one.key, []).append(one)
                elif found(one):
                    self._last_found[one.key] = max(one.start_ns, self._last_found.get(one.key, 0))

    def _serve(self, read: Operation, inventory: Inventory) -> None:
        digest = seen_digest(read) or digest_of(read.key)
        if digest is None:
            return
        key = digest_key(repository_of(read.key), digest)
        first = self.manifests.get(key)
        if first is not None and first.end_ns <= read.end_ns:
            return
        self.manifests[key] = read
        if first is None:
            edges = inventory.references.get(digest) or read.answered.references or ()
            self.edges[key] = edges
            for edge in edges:
                self.parents.setdefault(digest_key(repository_of(key), edge.digest), []).append(key)

    def pulled_whole(self) -> int:
        """Manifests of which everything that they refer to was found after they had been served."""
        return sum(
            bool(self.edges[key])
            and all(
                self._last_found.get(digest_key(repository_of(key), edge.digest), -1) > read.end_ns
                for edge in self.edges[key]
            )
            for key, read in self.manifests.items()
        )


def _broken(served: _Served, inventory: Inventory) -> Iterable[Finding]:
    """One finding for each missing blob or child, naming the first image that it breaks."""
    for key, reads in served.absent.items():
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
    return writes[0] if is_blob and writes and not was_deleted and writes[0].end_ns < read.start_ns else None


def _is_sparse(put: Operation, inventory: Inventory) -> bool:
    """It refers to a blob that nobody ever put into its repository."""
    keys = (digest_key(repository_of(put.key), edge.digest) for edge in put.asked.references if not edge.is_manifest)
    return any(not inventory.thing(key, is_manifest=False).may_hold(put.end_ns) for key in keys)


def _accepted(put: Operation) -> Finding:
    """Registries may take such manifests; the one that the run started says that it does not (bug C12)."""
    return Finding(
        checker="closure",
        rule="accepted-without-its-blobs",
        key=put.key,
        operations=(put.index,),
        clause="spec.md#pushing-manifests: a registry that validates refuses a manifest over a blob that it lacks",
        explanation=f"{told(put)}. Nobody ever pushed the configuration or a layer that it refers to.",
    )


def _refused(puts: list[Operation], inventory: Inventory) -> Iterable[Finding]:
    """Puts that were refused although all that they refer to was there all the while; the first few of each answer."""
    shown: Counter[tuple[int | None, str | None]] = Counter()
    for put in puts:
        repository = repository_of(put.key)
        proofs = [inventory.holds(repository, edge, put.start_ns, put.end_ns) for edge in put.asked.references]
        known = [proof for proof in proofs if proof is not None]
        answer = (put.answered.status, put.answered.error_code)
        if len(known) < len(proofs) or shown[answer] >= 5:
            continue
        shown[answer] += 1
        yield Finding(
            checker="closure",
            rule="refused-write",
            key=put.key,
            operations=tuple(sorted({put.index, *(proof.index for proof in known)})),
            clause=_ACCEPTED,
            explanation=f"{told(put)}. All that it refers to was there: {'; '.join(map(told, known)) or 'nothing'}.",
        )
