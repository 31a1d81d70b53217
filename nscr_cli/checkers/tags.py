"""The tags checker: every tag of every repository is a register of digests (spec.md#pulling-manifests).

A put writes, a delete of the tag clears, a delete of a manifest by its digest clears every tag of the repository that
holds it (spec.md#deleting-manifests); reads see the digest of the bytes served, or that there is no such tag. What is
promised about reads is the plan's `tag_model`. Without any
model: it never holds what nobody wrote to it.
"""

from nscr_cli.checkers import eventual, register_findings, sessions
from nscr_cli.checkers.evidence import conclude, skipped_capabilities
from nscr_cli.checkers.inventory import MANIFEST_READS, found, found_nothing, may_have_happened, seen_digest
from nscr_cli.checkers.verdict import Finding, Result
from nscr_cli.checkers.wording import short, told
from nscr_cli.history.history import NEVER, History, Operation
from nscr_cli.history.keys import digest_of, repository_of, tag_of
from nscr_cli.history.ops import F, Kind
from nscr_cli.history.plan import RunPlan

CLAUSE = "spec.md#pulling-manifests: a tag names the manifest that was last put under it"
_FLOORS = {"writes-read-back": 10, "deleted-and-read": 0}
_EVENTUAL_FLOORS = {"settled-reads": 10}
_CAPABILITIES = (F.PUT_MANIFEST, F.HEAD_MANIFEST, F.DELETE_TAG, F.DELETE_MANIFEST)


class TagsChecker:
    """Judges every tag by the model that the scenario names."""

    @property
    def name(self) -> str:
        return "tags"

    def check(self, plan: RunPlan, history: History) -> Result:
        findings: list[Finding] = []
        reasons: list[str] = []
        evidence = {"tags": 0, "acknowledged-writes": 0, "writes-read-back": 0, "reads": 0, "deletes": 0}
        evidence["deleted-and-read"] = 0
        bound = eventual.bound_ns(plan.scenario.tag_model)
        floors = _FLOORS
        if bound is not None:
            # Where no read begins so long after a change, nothing was promised, and nothing was judged.
            evidence["settled-reads"] = 0
            floors = _FLOORS | _EVENTUAL_FLOORS
        for key, operations in _by_tag(history).items():
            evidence["tags"] += 1
            _count(operations, evidence)
            writes = _writes_by_digest(operations)
            phantoms = [_phantom(key, one, writes) for one in operations]
            findings.extend(finding for finding in phantoms if finding is not None)
            sound = [one for one, finding in zip(operations, phantoms, strict=True) if finding is None]
            match plan.scenario.tag_model:
                case "linearizable":
                    found_in_key, undecided = register_findings.judge_tag(key, sound)
                    findings.extend(found_in_key)
                    reasons.extend(undecided)
                case "read-your-writes":
                    findings.extend(sessions.judge_tag(key, sound))
                case _ if bound is not None:
                    lagging = eventual.judge_tag(key, sound, bound)
                    findings.extend(lagging.findings)
                    evidence["settled-reads"] += lagging.settled
                case model:
                    reasons.append(f"nobody here can judge the tag model {model!r}")
                    break
        return conclude(
            self.name,
            plan,
            findings=findings,
            evidence=evidence,
            floors=floors,
            reasons=reasons,
            skipped=skipped_capabilities(history, _CAPABILITIES),
        )


def _by_tag(history: History) -> dict[str, list[Operation]]:
    """Everything that may have written, cleared or read each tag; a delete by digest concerns all of its repository."""
    deletes: set[F] = {one.f for one in history.operations if one.f is F.DELETE_TAG and one.kind is Kind.OK}
    tags = history.grouped(lambda one: one.key if tag_of(one.key) and _counts(one, deletes) else None)
    by_digest = history.grouped(
        lambda one: repository_of(one.key) if one.f is F.DELETE_MANIFEST and may_have_happened(one) else None
    )
    for key, operations in tags.items():
        written = {one.asked.digest for one in operations if one.f is F.PUT_MANIFEST}
        operations.extend(one for one in by_digest.get(repository_of(key), []) if digest_of(one.key) in written)
        operations.sort(key=lambda one: one.index)
    return tags


def _counts(operation: Operation, deletes: set[F]) -> bool:
    if operation.f in MANIFEST_READS:
        if operation.asked.accept is not None:
            return False  # a registry may answer with the same manifest in another form
        return found_nothing(operation) or (found(operation) and seen_digest(operation) is not None)
    if operation.kind is Kind.FAIL:
        # "There is no such tag", said to a delete where deletes work, is an observation as much as a read is.
        return operation.f in deletes and operation.answered.status == 404
    return operation.f in (F.PUT_MANIFEST, F.DELETE_TAG)


def _count(operations: list[Operation], evidence: dict[str, int]) -> None:
    written = {one.asked.digest for one in operations if one.f is F.PUT_MANIFEST and one.kind is Kind.OK}
    reads = [one for one in operations if one.f in MANIFEST_READS]
    seen = {seen_digest(one) for one in reads if found(one)}
    evidence["acknowledged-writes"] += len(written)
    evidence["writes-read-back"] += len(written & seen)
    evidence["reads"] += len(reads)
    deletes = [one for one in operations if one.f in (F.DELETE_TAG, F.DELETE_MANIFEST)]
    evidence["deletes"] += len(deletes)
    gone = min((one.end_ns for one in deletes if one.kind is Kind.OK), default=NEVER)
    evidence["deleted-and-read"] += any(one.start_ns > gone for one in reads)


def _writes_by_digest(operations: list[Operation]) -> dict[str | None, list[Operation]]:
    writes: dict[str | None, list[Operation]] = {}
    for one in operations:
        if one.f is F.PUT_MANIFEST:
            writes.setdefault(one.asked.digest, []).append(one)
    return writes


def _phantom(key: str, read: Operation, written: dict[str | None, list[Operation]]) -> Finding | None:
    """A read of what nobody had asked to write to this tag by the time the read ended."""
    if read.f not in MANIFEST_READS or not found(read):
        return None
    digest = seen_digest(read)
    writes = written.get(digest, [])
    if any(one.start_ns <= read.end_ns for one in writes):
        return None
    said = read.answered.header_digest
    if said in written:
        rule, why = "torn-read", f"the header says {short(said)}, which was written, but the bytes are others"
    elif writes:
        rule, why = "phantom-value", f"it was written only later: {told(writes[0])}"
    else:
        rule, why = "phantom-value", "nobody ever wrote it to this tag"
    return Finding(
        checker="tags",
        rule=rule,
        key=key,
        operations=tuple(sorted({read.index, *(one.index for one in writes[:1])})),
        clause=CLAUSE,
        explanation=f"{told(read)} saw {short(digest)}: {why}.",
    )
